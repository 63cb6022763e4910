//! A PostgreSQL server for one test: data, socket and port of its own, gone with the test.

use crate::people::INSERT_PEOPLE;
use directory::Secret;
use directory_sql::{Database, PostgreSql, Privacy, Server, SqlConfig};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// The password of the role that the directory signs in as, where it needs one.
pub(crate) const PASSWORD: &str = "not a secret";

/// Who may come in how. The last line that names nobody lets nobody in.
const DOORS: &str = "\
local all all trust
host all gatepost 127.0.0.1/32 scram-sha-256
";

const TABLE: &str = "
CREATE ROLE gatepost LOGIN PASSWORD 'not a secret';
CREATE TABLE people (id bigint PRIMARY KEY, login text NOT NULL, password varchar(400), active boolean NOT NULL);
GRANT SELECT, INSERT ON people TO gatepost;
";

/// What most tests ask.
pub(crate) const QUERY: &str =
    "SELECT id AS subject, password, active AS enabled FROM people WHERE login = $1";

pub(crate) struct Postgres {
    folder: PathBuf,
    port: u16,
    running: Option<Child>,
}

impl Postgres {
    /// A server with three people in it; `None`, and a word why, where none is installed.
    pub(crate) fn start() -> Option<Self> {
        if programs().is_none() {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "PostgreSQL is not installed");
            println!("skipped: PostgreSQL is not installed");
            return None;
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("gatepost-pg-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut server = Self { folder, port: free_port(), running: None };
        server.give("", None);
        let data = server.data();
        server.run(
            "initdb",
            [
                OsStr::new("-D"),
                data.as_ref(),
                "-U".as_ref(),
                "postgres".as_ref(),
                "--no-sync".as_ref(),
                "--encoding=UTF8".as_ref(),
                "--locale=C.UTF-8".as_ref(),
            ],
        );
        server.give("data/pg_hba.conf", Some(DOORS));
        server.up();
        server.sql(TABLE);
        server.sql(INSERT_PEOPLE);
        Some(server)
    }

    /// Starts it, and waits until it says that it is there.
    pub(crate) fn up(&mut self) {
        let mut command = Command::new("setpriv");
        // If the test is killed, so is its server.
        command.arg("--pdeathsig=QUIT").args(user().iter().flat_map(User::options)).arg(program("postgres"));
        command.arg("-D").arg(self.data()).args(["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "lc_messages=C", "-c", "logging_collector=off"]);
        command.args(["-c", &format!("port={}", self.port)]);
        command.args(["-c", &format!("unix_socket_directories={}", self.folder.display())]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        self.running = Some(child);
        let mut said = String::new();
        while !said.contains("ready to accept connections") {
            assert_ne!(log.read_line(&mut said).unwrap(), 0, "PostgreSQL does not start: {said}");
        }
        thread::spawn(move || log.read_to_end(&mut Vec::new()));
    }

    /// Stops it; whoever is connected is thrown out.
    pub(crate) fn down(&mut self) {
        let Some(mut child) = self.running.take() else { return };
        let data = self.data();
        self.run(
            "pg_ctl",
            [OsStr::new("stop"), "-m".as_ref(), "fast".as_ref(), "-D".as_ref(), data.as_ref()],
        );
        child.wait().unwrap();
    }

    /// Has it do something, as its superuser; gives back what it prints.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let folder = self.folder.to_str().unwrap();
        let port = self.port.to_string();
        self.run(
            "psql",
            [
                "-h",
                folder,
                "-p",
                &port,
                "-U",
                "postgres",
                "-d",
                "postgres",
                "-v",
                "ON_ERROR_STOP=1",
                "-qtAXc",
                sql,
            ],
        )
    }

    /// Gives it a certificate for `names`, and tells where that of its authority lies.
    pub(crate) fn with_certificate(&mut self, names: &[&str]) -> PathBuf {
        let (authority, certificate, key) = certificate(names);
        self.give("data/server.crt", Some(&certificate));
        self.give("data/server.key", Some(&key));
        self.give("ca.pem", Some(&authority));
        self.down();
        self.give("data/postgresql.auto.conf", Some("ssl = on\n"));
        self.up();
        self.folder.join("ca.pem")
    }

    pub(crate) fn by_socket(&self) -> Server {
        Server::Socket { directory: self.folder.clone(), port: self.port }
    }

    pub(crate) fn by_tcp(&self, host: &str, privacy: Privacy) -> Server {
        Server::Tcp { host: host.into(), port: self.port, privacy }
    }

    pub(crate) fn config(&self, query: &str) -> SqlConfig {
        config(self.by_socket(), query)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Writes a file, or takes the folder as it is, and has it belong to the server's user, who alone may read it.
    fn give(&self, name: &str, text: Option<&str>) {
        let path = self.folder.join(name);
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        if let Some(user) = user() {
            chown(&path, Some(user.id), Some(user.group)).unwrap();
        }
    }

    fn run<A: AsRef<OsStr>, const N: usize>(&self, name: &str, arguments: [A; N]) -> String {
        let mut command = Command::new("setpriv");
        command
            .arg("--pdeathsig=clear")
            .args(user().iter().flat_map(User::options))
            .arg(program(name))
            .args(arguments);
        let done = command.current_dir(&self.folder).stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            // QUIT is its way to stop at once, with all that it started.
            let quit = Command::new("sh").arg("-c").arg(format!("kill -QUIT {}", child.id())).status();
            if quit.is_ok_and(|status| status.success()) {
                let _ = child.wait();
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn config(server: Server, query: &str) -> SqlConfig {
    SqlConfig {
        name: directory::DirectoryName::new("staff").unwrap(),
        database: Database::PostgreSql(PostgreSql {
            server,
            database: "postgres".into(),
            user: "gatepost".into(),
            password: Some(Secret::new(PASSWORD)),
        }),
        query: query.into(),
    }
}

/// As whom it runs: not as root, which PostgreSQL refuses.
struct User {
    id: u32,
    group: u32,
}

impl User {
    fn options(&self) -> [String; 3] {
        [format!("--reuid={}", self.id), format!("--regid={}", self.group), "--clear-groups".into()]
    }
}

/// `None` where we are nobody special ourselves.
fn user() -> Option<User> {
    let own = fs::metadata("/proc/self").unwrap().uid();
    if own != 0 {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.starts_with("postgres:")).expect("the package makes its user");
    let mut numbers = line.split(':').skip(2).map(|number| number.parse().unwrap());
    Some(User { id: numbers.next().unwrap(), group: numbers.next().unwrap() })
}

/// Where the newest version lies: Debian has several side by side, outside the path.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let with_server = versions.filter_map(|entry| Some(entry.ok()?.path()));
    let with_server = with_server.filter(|path| path.join("bin/initdb").exists());
    Some(with_server.max_by_key(|path| version(path))?.join("bin"))
}

fn program(name: &str) -> PathBuf {
    programs().unwrap().join(name)
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An authority's certificate, a server's and its key, as PEM.
pub(crate) fn certificate(names: &[&str]) -> (String, String, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(authority, authority_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let server = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    (authority.pem(), server.pem(), key.serialize_pem())
}
