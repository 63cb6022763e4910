//! An installation in a folder of its own, and the binary that works on it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use testkit::imap::{Client, Trust};

/// The name that every certificate here is for.
const HOST: &str = "localhost";
/// After so long a silence a test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder; gone with its files when dropped.
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
}

impl Home {
    /// An empty folder.
    pub(crate) fn empty(name: &str) -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("desk-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    /// An installation as `gatepost init` makes it, but for its log, which programs can read, and its passwords, which
    /// may be guessed in no time.
    pub(crate) fn init(name: &str) -> Self {
        let home = Self::empty(name);
        let (data, config) = (home.data(), home.config());
        let words = format!(
            "init --hostname {HOST} --imap 127.0.0.1:0 --imaps 127.0.0.1:0 --data {} --config {}",
            data.display(),
            config.display()
        );
        Gatepost::new(&words).succeeds("");
        let made = fs::read_to_string(&config).unwrap();
        let own = made
            .replace("# format = \"human\"", "format = \"json\"")
            .replace("# hash_memory_kib = 19456", "hash_memory_kib = 8192")
            .replace("# login_delay_max_ms = 3000", "login_delay_max_ms = 0");
        fs::write(config, own).unwrap();
        home
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("gatepost.toml")
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::authority(&self.data().join("tls/ca.pem"), HOST)
    }

    /// What a command that must succeed says.
    pub(crate) fn ok(&self, words: &str, input: &str) -> String {
        Gatepost::new(words).config(self).succeeds(input)
    }

    /// What a command that must fail complains of.
    pub(crate) fn refused(&self, words: &str, input: &str) -> String {
        Gatepost::new(words).config(self).fails(input)
    }

    pub(crate) fn serve(&self) -> Listening {
        self.serve_with(&[])
    }

    /// A server with something in its environment.
    pub(crate) fn serve_with(&self, environment: &[(&str, &str)]) -> Listening {
        let mut command = Gatepost::new("serve").config(self).command;
        command.envs(environment.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped());
        Listening::start(command)
    }

    /// Runs a demo, looks into its INBOX and stops it.
    pub(crate) fn demo(&self, words: &str) -> Demo {
        let data = self.folder.join("demo");
        let ports = "--imap 127.0.0.1:0 --imaps 127.0.0.1:0";
        let mut command = Gatepost::new(&format!("demo {ports} --data {} {words}", data.display())).command;
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        Demo::visit(child, &data)
    }

    /// Every file and folder here.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                found.push(path);
            }
        }
        found
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("what is left is in {}", self.folder.display());
        } else {
            // What cannot be tidied up is in the target directory.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The binary, and what it is told.
pub(crate) struct Gatepost {
    command: Command,
}

impl Gatepost {
    pub(crate) fn new(words: &str) -> Self {
        // That of another version, to make a fixture of its format.
        let binary = std::env::var_os("GATEPOST_BINARY").unwrap_or(env!("CARGO_BIN_EXE_gatepost").into());
        let mut command = Command::new(binary);
        // Alone in the world: no configuration, service manager, width or colours of whoever runs the tests.
        command.args(words.split_whitespace()).env_clear();
        Self { command }
    }

    pub(crate) fn arg(mut self, word: &str) -> Self {
        self.command.arg(word);
        self
    }

    pub(crate) fn config(mut self, home: &Home) -> Self {
        self.command.env("GATEPOST_CONFIG", home.config());
        self
    }

    pub(crate) fn output(self, input: &str) -> Output {
        self.spawn(input).wait_with_output().unwrap()
    }

    pub(crate) fn spawn(mut self, input: &str) -> Child {
        let command = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that does not read has closed its end.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child
    }

    /// What it says; it must succeed.
    pub(crate) fn succeeds(self, input: &str) -> String {
        let output = self.output(input);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// What it complains of; it must fail.
    pub(crate) fn fails(self, input: &str) -> String {
        let output = self.output(input);
        assert!(!output.status.success(), "{}", text(&output.stdout));
        text(&output.stderr)
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// A process that is ended when dropped.
struct Process(Child);

impl Process {
    fn signal(&self, name: &str) {
        // The shell has a `kill` of its own wherever there is a shell.
        let kill = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.0.id())]).status();
        assert!(kill.unwrap().success());
    }

    fn wait(&mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, unless a test failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that listens.
pub(crate) struct Listening {
    process: Process,
    lines: Receiver<String>,
    /// What it said before it listened.
    first: Vec<String>,
    pub(crate) imap: SocketAddr,
    pub(crate) imaps: SocketAddr,
    /// Where metrics are read, where the settings say so.
    pub(crate) metrics: Option<SocketAddr>,
}

impl Listening {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        // Reads on, so that the server never waits for us.
        thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let process = Process(child);
        let nowhere = ([0; 4], 0).into();
        let mut server =
            Self { process, lines, first: Vec::new(), imap: nowhere, imaps: nowhere, metrics: None };
        let said = server.lines_until(r#""listener":"imap-starttls""#);
        server.imap = said.last().map(|line| listens_at(line)).unwrap();
        let metrics = said.iter().find(|line| line.contains(r#""listener":"metrics""#));
        server.metrics = metrics.map(|line| listens_at(line));
        let more = server.lines_until(r#""listener":"imap-tls""#);
        server.imaps = more.last().map(|line| listens_at(line)).unwrap();
        server.first = [said, more].concat();
        server
    }

    /// The next line of the log that has `text`; the others up to it are dropped.
    pub(crate) fn line_with(&self, text: &str) -> String {
        self.lines_until(text).pop().unwrap()
    }

    /// The first line that has `text`, whether it was said before it listened or not.
    pub(crate) fn first_line_with(&self, text: &str) -> String {
        let first = self.first.iter().find(|line| line.contains(text)).cloned();
        first.unwrap_or_else(|| self.line_with(text))
    }

    fn lines_until(&self, text: &str) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => said.push(line),
                Err(why) => panic!("no {text} ({why}) in:\n{}", said.join("\n")),
            }
            if said.last().is_some_and(|line| line.contains(text)) {
                return said;
            }
        }
    }

    /// SIGHUP: the certificates are looked at.
    pub(crate) fn hang_up(&self) {
        self.process.signal("HUP");
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        self.process.signal("TERM");
    }

    /// SIGTERM, and what it logged since [`Self::line_with`] was last asked.
    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    pub(crate) fn stop(self) -> String {
        self.terminate();
        self.ended()
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn ended(mut self) -> String {
        self.process.wait();
        self.lines.iter().map(|line| line + "\n").collect()
    }
}

fn listens_at(line: &str) -> SocketAddr {
    let address = line.split_once(r#""address":""#).unwrap().1;
    address.split_once('"').unwrap().0.parse().unwrap()
}

/// A demo that has been.
pub(crate) struct Demo {
    /// What it printed.
    pub(crate) said: String,
    /// How many messages its INBOX had.
    pub(crate) messages: u32,
}

impl Demo {
    fn visit(mut child: Child, data: &Path) -> Self {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut process = Process(child);
        let mut said = String::new();
        while !said.contains("user name") {
            assert!(stdout.read_line(&mut said).unwrap() > 0, "{said}");
        }
        let port: u16 = line_of(&said, "port ").split_whitespace().next().unwrap().parse().unwrap();
        let trust = Trust::authority(Path::new(&line_of(&said, "CA file ")), HOST);
        let mut client = Client::connect(([127, 0, 0, 1], port).into(), &trust).unwrap();
        client.login(&line_of(&said, "account "), &line_of(&said, "password ")).unwrap();
        let status = client.ask("STATUS INBOX (MESSAGES)").unwrap().first().unwrap().to_string();
        let messages = status.split_once("(MESSAGES ").unwrap().1.trim_end_matches(')').parse().unwrap();
        drop(client);
        process.signal("TERM");
        stdout.read_to_string(&mut said).unwrap();
        process.wait();
        assert!(data.is_dir());
        Self { said, messages }
    }
}

/// What stands behind a word at the beginning of a line.
pub(crate) fn line_of(said: &str, word: &str) -> String {
    let line = said.lines().find_map(|line| line.trim_start().strip_prefix(word));
    line.unwrap_or_else(|| panic!("no {word} in {said}")).trim().to_owned()
}
