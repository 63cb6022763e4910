//! A server that is started anew while many idle: they come back, and whoever did not have to is found out.

use crate::support::{PASSWORD, Place};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

/// A server that a script kills and starts, on the same port each time.
struct Stage {
    place: Place,
    port: u16,
}

impl Stage {
    fn new() -> Self {
        let place = Place::new(&["user0", "user1"], "connections_per_account = 100");
        // The system chooses a port for the first; those behind it take the same.
        let port = place.start().address().port();
        let settings = place.folder().join("gatepost.toml");
        let text = fs::read_to_string(&settings).unwrap();
        fs::write(&settings, text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}"))).unwrap();
        let stage = Self { place, port };
        stage.write_script();
        stage
    }

    fn script(&self) -> PathBuf {
        self.place.folder().join("again.sh")
    }

    /// Kills the server before, if there is one, and tries until the next has the directory.
    fn write_script(&self) {
        let folder = self.place.folder().display();
        let server = env!("CARGO_BIN_EXE_gatepost");
        let text = format!(
            "#!/bin/sh\ncd {folder}\n[ ! -e pid ] || kill -9 $(cat pid)\nexport GATEPOST_CONFIG={folder}/gatepost.toml\n\
             exec >/dev/null 2>&1\n(code=1; while [ $code = 1 ]; do {server} serve & echo $! >pid; wait $!; code=$?; done) &\n"
        );
        fs::write(self.script(), text).unwrap();
        fs::set_permissions(self.script(), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn bench(&self, words: &str, command: &str) -> Output {
        let Self { place, port, .. } = self;
        let usual =
            format!("bench idle --json --port {port} --user user{{0..1}} --seconds 1 {words} --restart");
        let mut bench = place.command(&usual);
        bench.arg(command).arg("--ca-file").arg(place.tls().join("ca.pem"));
        bench.env("PATH", "/usr/bin:/bin").env("GATEPOST_BENCH_PASSWORD", PASSWORD);
        bench.stdout(std::process::Stdio::piped()).output().unwrap()
    }

    fn start(&self) {
        assert!(std::process::Command::new(self.script()).status().unwrap().success());
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {}
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let end = format!("kill -9 $(cat {}/pid)", self.place.folder().display());
        // Where there is none any more there is nothing to end.
        let _ = std::process::Command::new("sh").args(["-c", &end]).status();
    }
}

#[test]
fn all_come_back_to_a_server_that_was_killed() {
    let stage = Stage::new();
    stage.start();
    let Output { stdout, stderr, status } =
        stage.bench("--connections 24 --wake 6", &stage.script().display().to_string());
    let errors = String::from_utf8(stderr).unwrap();
    let rows: Vec<serde_json::Value> =
        String::from_utf8(stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(status.success() && errors.is_empty(), "{errors} {rows:#?}");
    let told: Vec<_> =
        rows.iter().map(|row| (row["variant"].as_str().unwrap(), row["ops"].as_u64())).collect();
    let wanted = [
        ("24 sessions", Some(24)),
        ("6 of 24 sessions hear of mail", Some(18)),
        ("24 sessions come back", Some(24)),
    ];
    assert_eq!(told, wanted);
    assert_eq!(rows[2]["wrong"].as_array().map(Vec::len), Some(0));
    assert!(rows[2]["notes"]["restart_ms"].as_f64().unwrap() > 0.0 && rows[2]["notes"]["at_once"] == 24);
}

#[test]
fn a_command_that_does_not_restart_is_found_out() {
    let stage = Stage::new();
    stage.start();
    let said = |output: Output| (String::from_utf8(output.stderr).unwrap(), output.status.code());
    let (errors, code) = said(stage.bench("--connections 3", "exit 3"));
    assert!(errors.contains("exit 3: exit status: 3") && code == Some(1), "{errors}");
    let (errors, code) = said(stage.bench("--connections 3", "true"));
    assert!(errors.contains("session 0 outlives the restart") && code == Some(1), "{errors}");
}
