//! The real server, as a process of its own: made, started, killed.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use testkit::imap::{Client, Trust};

/// The name that the server's certificate is for.
const HOST: &str = "localhost";
/// Every account's.
pub(crate) const PASSWORD: &str = "kettle-of-sea-water";

/// A data directory with a configuration and accounts; gone with its files when dropped.
pub(crate) struct Place {
    folder: PathBuf,
    trust: Trust,
}

/// A server at work. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    trust: Trust,
    log: Option<JoinHandle<Vec<String>>>,
}

/// What a process holds, in octets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Of its own: heap and stacks.
    pub(crate) anonymous: u64,
    /// The most that was resident at once, since the start or [`Server::forget_peak`].
    pub(crate) peak: u64,
}

impl Place {
    /// Makes one. `settings` are lines of the settings file's sections `limits` and `passwords`.
    pub(crate) fn new(accounts: &[&str], limits: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gatepost-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let (data, made) = (folder.join("data"), folder.join("made-by-init.toml"));
        gatepost(&format!("init --hostname {HOST} --imap 127.0.0.1:1 --imaps 127.0.0.1:2"))
            .args([Path::new("--data"), &data, Path::new("--config"), &made])
            .run("");
        fs::write(folder.join("gatepost.toml"), settings(limits)).unwrap();
        let place = Self { trust: Trust::authority(&data.join("tls/ca.pem"), HOST), folder };
        for account in accounts {
            place.command(&format!("account add {account} --password-stdin")).run(PASSWORD);
        }
        place
    }

    /// Where the store lies.
    pub(crate) fn mail(&self) -> PathBuf {
        self.folder.join("data/mail")
    }

    /// Where certificate, key and authority lie.
    pub(crate) fn tls(&self) -> PathBuf {
        self.folder.join("data/tls")
    }

    /// The store as it lies there now, beside it; the copy before this one goes. Nobody may write meanwhile.
    pub(crate) fn copy_of_mail(&self) -> PathBuf {
        let copy = self.folder.join("copy");
        if copy.exists() {
            fs::remove_dir_all(&copy).unwrap();
        }
        copy_folder(&self.mail(), &copy);
        copy
    }

    /// The socket for LMTP, where the settings have one of that name.
    pub(crate) fn lmtp(&self) -> PathBuf {
        self.folder.join("lmtp.sock")
    }

    /// Starts the server, and returns when it listens.
    pub(crate) fn start(&self) -> Server {
        self.attend(self.command("serve"))
    }

    /// The same, but it bears `SIGXFSZ`: so it can be given a limit on the size of files, which is to it as if the disk
    /// were full.
    pub(crate) fn start_on_a_disk_that_may_be_full(&self) -> Server {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_gatepost"), "serve"]);
        shell.env_clear().env("GATEPOST_CONFIG", self.folder.join("gatepost.toml")).stdout(Stdio::null());
        self.attend(shell)
    }

    fn attend(&self, mut serve: Command) -> Server {
        let mut child = serve.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (address, metrics) = listens_at(&mut log);
        // Read on, so that the server never waits for us; keep what is not a line of everyday.
        let log = thread::spawn(move || {
            log.lines().map_while(Result::ok).filter(|line| !line.contains(r#""level":"INFO""#)).collect()
        });
        Server { child, address, metrics, trust: self.trust.clone(), log: Some(log) }
    }

    /// Where its files are: the data directory is `data` in it.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a command at the desk to its end, whatever that is.
    pub(crate) fn ask(&self, words: &str) -> Output {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    }

    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = gatepost(words);
        command.env("GATEPOST_CONFIG", self.folder.join("gatepost.toml"));
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("what the server left is in {}", self.folder.display());
        } else {
            // What cannot be tidied up is in the target directory.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Server {
    /// A session of `account`.
    pub(crate) fn session(&self, account: &str) -> Client {
        let mut client = Client::connect(self.address, &self.trust).unwrap();
        client.login(account, PASSWORD).unwrap();
        client
    }

    /// Whether a password lets in, or is wrong; anything else that is told is an error.
    pub(crate) fn lets_in(&self, account: &str, password: &str) -> Result<bool, String> {
        match Client::connect(self.address, &self.trust).unwrap().login(account, password) {
            Ok(()) => Ok(true),
            Err(why) if why.to_string().contains(" NO [AUTHENTICATIONFAILED] ") => Ok(false),
            Err(why) => Err(why.to_string()),
        }
    }

    /// Where metrics are read, where the settings say so.
    pub(crate) fn metrics(&self) -> SocketAddr {
        self.metrics.unwrap()
    }

    /// SIGKILL, and what it had to complain of until then.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.end()
    }

    /// Where it takes TLS.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process())).unwrap();
        let octets = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
        };
        Memory { anonymous: octets("RssAnon:"), peak: octets("VmHWM:") }
    }

    /// From now on [`Memory::peak`] counts anew (`proc(5)`, `clear_refs`).
    pub(crate) fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.process()), "5").unwrap();
    }

    /// What it has had written to the disk, in octets (`proc(5)`, `io`).
    pub(crate) fn written(&self) -> u64 {
        let counts = fs::read_to_string(format!("/proc/{}/io", self.process())).unwrap();
        counts.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap().parse().unwrap()
    }

    fn end(&mut self) -> Vec<String> {
        // It may be dead already: that is what some tests are about.
        let _ = self.child.kill();
        self.child.wait().unwrap();
        self.log.take().map(|log| log.join().unwrap()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let complaints = self.end();
        if thread::panicking() {
            complaints.iter().for_each(|line| println!("the server: {line}"));
        }
    }
}

/// One listener, on a port that the system chooses; hashes as cheap as they may be, and nobody who is wrong waits.
fn settings(limits: &str) -> String {
    format!(
        r#"
[server]
data = "data"
hostname = "{HOST}"
[network]
listeners = [{{ address = "127.0.0.1:0", kind = "imap-tls" }}]
[tls]
certificates = [{{ chain = "data/tls/server.pem", key = "data/tls/server-key.pem" }}]
[limits]
{limits}
[passwords]
hash_memory_kib = 8192
hash_passes = 1
login_delay_max_ms = 0
[log]
format = "json"
"#
    )
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let copy = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &copy);
        } else {
            fs::copy(entry.path(), copy).unwrap();
        }
    }
}

/// Where IMAP is spoken, and where metrics are read if anywhere: that is said before.
fn listens_at(log: &mut BufReader<ChildStderr>) -> (SocketAddr, Option<SocketAddr>) {
    let mut said = String::new();
    let mut metrics = None;
    loop {
        let before = said.len();
        assert!(log.read_line(&mut said).unwrap() > 0, "the server did not start:\n{said}");
        let line = &said[before..];
        if line.contains(r#""message":"server.listen""#) {
            let address = line.split_once(r#""address":""#).unwrap().1;
            let address = address.split_once('"').unwrap().0.parse().unwrap();
            if !line.contains(r#""listener":"metrics""#) {
                return (address, metrics);
            }
            metrics = Some(address);
        }
    }
}

fn gatepost(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
    // No service manager of ours; and as many threads, whose heaps count as memory, wherever the tests run.
    command.args(words.split(' ')).env_clear().env("TOKIO_WORKER_THREADS", "2").stdout(Stdio::null());
    command
}

trait Run {
    /// Runs it to its end, which has to be a good one.
    fn run(&mut self, input: &str);
}

impl Run for Command {
    fn run(&mut self, input: &str) {
        let mut child = self.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{input}\n").as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{self:?}");
    }
}
