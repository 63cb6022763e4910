//! `gatepost bench` on the real server: every workload comes out right; and before a server that is right but for one
//! thing, every check finds that thing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and say what led to it"
)]

mod liar;
mod lies;
mod restart;
#[path = "../support/mod.rs"]
mod support;

use liar::{Front, Liar, Lie};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use support::{PASSWORD, Place, Server};
use testkit::imap::Client;

/// A server with four users, who may have many sessions.
pub(crate) struct Stage {
    place: Place,
    server: Server,
}

/// What a run said.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) rows: Vec<Value>,
    pub(crate) code: i32,
    pub(crate) errors: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(1_000)
    }

    /// Who allows each user so many connections.
    fn with(connections_per_account: u32) -> Self {
        let settings =
            format!("connections_per_account = {connections_per_account}\n[lmtp]\nsocket = \"lmtp.sock\"");
        let place = Place::new(&["user0", "user1", "user2", "user3"], &settings);
        Self { server: place.start(), place }
    }

    /// Runs a bench against the server, with a small mailbox.
    pub(crate) fn bench(&self, words: &str) -> Told {
        self.run(self.server.address(), words)
    }

    /// The same against the server as a liar shows it.
    pub(crate) fn bench_through(&self, lie: Lie, words: &str) -> Told {
        let liar = Liar::new(self.server.address(), &self.place.tls(), Front::Tls, lie);
        self.run(liar.address, words)
    }

    fn command(&self, address: SocketAddr, words: &str) -> Command {
        let (port, pid) = (address.port(), self.server.process());
        let usual =
            format!("--port {port} --user user{{0..3}} --pid {pid} --messages 120 --sizes small --json");
        let mut command = self.place.command(&format!("bench {words} {usual}"));
        command
            .arg("--ca-file")
            .arg(self.place.tls().join("ca.pem"))
            .env("GATEPOST_BENCH_PASSWORD", PASSWORD);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, address: SocketAddr, words: &str) -> Told {
        let Output { stdout, stderr, status } = self.command(address, words).output().unwrap();
        let lines = String::from_utf8(stdout).unwrap();
        let rows = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let errors = String::from_utf8(stderr).unwrap();
        Told { rows, code: status.code().unwrap(), errors }
    }

    pub(crate) fn lmtp(&self) -> String {
        self.place.lmtp().display().to_string()
    }

    pub(crate) fn session(&self, user: &str) -> Client {
        self.server.session(user)
    }

    /// What STATUS says of a mailbox.
    fn messages(&self, user: &str, mailbox: &str) -> String {
        self.session(user).ask(&format!("STATUS {mailbox} (MESSAGES)")).unwrap()[0].to_string()
    }

    /// Mailboxes of a user that begin with `bench`.
    fn left(&self, user: &str) -> Vec<String> {
        let mut session = self.session(user);
        let listed = session.ask("LIST \"\" \"bench*\"").unwrap();
        listed.iter().filter(|response| response.is_untagged()).map(ToString::to_string).collect()
    }
}

impl Told {
    /// All came out right, with so many operations of each variant.
    fn is_right(&self, wanted: &[(&str, u64)]) {
        assert_eq!((self.code, self.errors.as_str()), (0, ""), "{:#?}", self.rows);
        let told: Vec<_> = self
            .rows
            .iter()
            .map(|row| (row["variant"].as_str().unwrap(), row["ops"].as_u64().unwrap()))
            .collect();
        assert_eq!(told, wanted);
        for row in &self.rows {
            assert_eq!((&row["wrong"], &row["skipped"]), (&Value::Array(Vec::new()), &Value::Null), "{row}");
        }
    }
}

#[test]
fn logins_are_counted_and_timed() {
    let told = Stage::new().bench("login --count 12 --connections 3");
    told.is_right(&[("1 at once", 12), ("3 at once", 12)]);
    for row in &told.rows {
        assert!(row["p50_ms"].as_f64().unwrap() > 0.0 && row["max_ms"].as_f64() >= row["p99_ms"].as_f64());
        assert!(row["server_cpu_us_per_op"].as_f64().unwrap() > 0.0, "{row}");
        assert!(row["pss_kib"].as_u64().unwrap() > 1_000 && row["processes"] == 1);
        assert!(row["notes"]["tls"].as_str().unwrap().contains("X25519MLKEM768"));
    }
}

#[test]
fn appends_of_all_shapes_are_there_afterwards_and_then_gone() {
    let stage = Stage::new();
    stage.bench("append --count 100 --connections 4").is_right(&[
        ("4 KiB, 1 connection", 100),
        ("64 KiB, 1 connection", 100),
        ("4 KiB, 4 connections, a mailbox each", 100),
        ("64 KiB, 4 connections, a mailbox each", 100),
        ("4 KiB, 4 connections, one mailbox", 100),
        ("4 KiB, 1 connection, MULTIAPPEND of 50", 100),
        ("4 KiB, 1 connection, 20 ahead", 100),
    ]);
    for user in ["user0", "user1", "user2", "user3"] {
        assert_eq!(stage.left(user), [""; 0], "{user}");
    }
}

#[test]
fn the_large_mailbox_is_filled_and_read() {
    let stage = Stage::new();
    let told = stage.bench("fill sync bodies flags --count 10 --keep");
    told.is_right(&[
        ("MULTIAPPEND", 120),
        ("first", 120),
        ("again", 120),
        ("", 120),
        ("fetch all", 120),
        ("keyword on all", 120),
        ("keyword off all", 120),
        ("toggle one", 10),
    ]);
    // Kept, it is found and stays; what it was filled with is known by its seed.
    let validity = || {
        let status = stage.session("user0").ask("STATUS bench-large (UIDVALIDITY)").unwrap();
        status[0].to_string()
    };
    let before = validity();
    stage.bench("sync --rounds 1").is_right(&[("first", 120)]);
    assert_eq!(validity(), before);
    stage.bench("sync --rounds 1 --seed 2").is_right(&[("first", 120)]);
    assert_eq!(stage.left("user0"), [""; 0]);
}

#[test]
fn searches_find_what_the_corpus_has() {
    let told = Stage::new().bench("search --rounds 1");
    let hits: Vec<_> = told.rows.iter().map(|row| row["notes"]["hits"].as_u64().unwrap()).collect();
    assert_eq!(hits, [12, 2, 1, 1, 1, 1], "{}", told.errors);
    assert_eq!(told.code, 0);
}

#[test]
fn messages_are_copied_moved_and_expunged() {
    Stage::new().bench("copymove").is_right(&[("COPY", 120), ("MOVE", 120), ("EXPUNGE", 120)]);
}

#[test]
fn who_comes_back_is_told_what_changed() {
    let stage = Stage::new();
    stage.bench("resync --count 4 --keep").is_right(&[("SELECT", 4), ("SELECT with QRESYNC", 4)]);
    // The large mailbox is as it was.
    stage.bench("sync --rounds 1 --keep").is_right(&[("first", 120)]);
    // Where it was there before, the first look at it is told by itself.
    let told = stage.bench("resync --count 2");
    told.is_right(&[("SELECT, first", 1), ("SELECT", 2), ("SELECT with QRESYNC", 2)]);
    assert!(told.rows[0]["p50_ms"].as_f64().unwrap() > 0.0, "{}", told.rows[0]);
    assert!(told.rows[0]["notes"]["pss_kib_more"].is_u64(), "{}", told.rows[0]);
}

#[test]
fn a_thousand_mailboxes_are_listed() {
    let stage = Stage::new();
    stage.bench("list --count 2").is_right(&[("1000 mailboxes, LIST-STATUS", 2)]);
    assert_eq!(stage.left("user0"), [""; 0]);
}

#[test]
fn however_often_something_is_asked_few_sessions_are_open_at_once() {
    let stage = Stage::with(40);
    let told = stage.bench("list resync --count 90");
    // Of 120 messages each visit takes 15.
    told.is_right(&[("1000 mailboxes, LIST-STATUS", 90), ("SELECT", 90), ("SELECT with QRESYNC", 8)]);
}

#[test]
fn those_who_wait_hear_of_every_message() {
    Stage::new().bench("push --count 4 --connections 9").is_right(&[("9 sessions", 36)]);
}

#[test]
fn idle_sessions_cost_memory() {
    let told = Stage::new().bench("idle --seconds 1 --connections 120");
    told.is_right(&[("120 sessions", 120)]);
    let each = |name: &str| told.rows[0]["notes"][name].as_f64().unwrap();
    assert!((1.0..1_000.0).contains(&each("pss_kib_per_session")), "{told:?}");
    assert!(each("pss_kib_per_further_session") < 1_000.0 && each("kernel_kib_per_session") >= 0.0);
}

#[test]
fn some_of_those_who_idle_hear_of_mail() {
    let stage = Stage::new();
    // Ten sessions at four mailboxes, into each of which come three messages.
    let told = stage.bench("idle --seconds 1 --connections 30 --wake 10");
    told.is_right(&[("30 sessions", 30), ("10 of 30 sessions hear of mail", 30)]);
    assert!(told.rows[1]["p99_ms"].as_f64().unwrap() > 0.0 && told.rows[1]["unit"] == "notice");
    assert_eq!(stage.left("user2"), [""; 0]);
}

#[test]
fn deliveries_arrive_and_go_again() {
    let stage = Stage::new();
    let words = format!("lmtp --count 20 --connections 4 --lmtp {}", stage.lmtp());
    stage.bench(&words).is_right(&[("4 KiB, 1 connection", 20), ("4 KiB, 4 connections", 20)]);
    for user in ["user0", "user3"] {
        assert_eq!(stage.messages(user, "INBOX"), "* STATUS INBOX (MESSAGES 0)");
    }
}

#[test]
fn a_population_comes_out_right() {
    let told = Stage::new().bench("mixed --count 150 --rate 300 --connections 12");
    assert_eq!((told.code, told.errors.as_str()), (0, ""), "{:#?}", told.rows);
    assert_eq!(told.rows[0]["variant"], "12 people, 300 actions/s");
    assert_eq!(told.rows[0]["ops"], 150);
    let notices = told.rows.last().unwrap();
    assert_eq!(notices["variant"], "notice on a phone");
    assert!(notices["ops"].as_u64().unwrap() > 0);
}

#[test]
fn mail_of_others_is_not_touched() {
    let stage = Stage::new();
    let mut session = stage.session("user0");
    session.ask("CREATE bench-append-0").unwrap();
    let message = b"Message-ID: <1@elsewhere.example>\r\n\r\nkept\r\n";
    for mailbox in ["bench-append-0", "INBOX"] {
        let tag = session.send_append(mailbox, message).unwrap();
        session.answer(tag).unwrap();
    }
    let told = stage.bench("append --count 1");
    assert!(told.rows.is_empty() && told.code == 1, "{:?}", told.rows);
    assert!(told.errors.contains("<1@elsewhere.example>"), "{}", told.errors);
    let told = stage.bench(&format!("lmtp --count 1 --lmtp {}", stage.lmtp()));
    assert!(
        told.rows.is_empty() && told.errors.contains("the INBOX of user0 has 1 messages"),
        "{}",
        told.errors
    );
    let told = stage.bench("fill --mailbox Archive");
    assert!(told.rows.is_empty() && told.errors.contains("bench-"), "{}", told.errors);
    for mailbox in ["bench-append-0", "INBOX"] {
        assert_eq!(stage.messages("user0", mailbox), format!("* STATUS {mailbox} (MESSAGES 1)"));
    }
}

#[test]
fn a_letter_in_the_middle_of_a_kept_mailbox_is_found() {
    let stage = Stage::new();
    stage.bench("fill --keep").is_right(&[("MULTIAPPEND", 120)]);
    let mut session = stage.session("user0");
    session.ask("SELECT bench-large").unwrap();
    // First and last are ours: the last is put behind the letter again.
    let tag =
        session.send_append("bench-large", b"Message-ID: <7@elsewhere.example>\r\n\r\nkept\r\n").unwrap();
    session.answer(tag).unwrap();
    session.ask("COPY 1 bench-large").unwrap();
    for words in ["fill --seed 2", "sync --seed 2"] {
        let told = stage.bench(words);
        assert!(told.rows.is_empty() && told.code == 1, "{:?}", told.rows);
        assert!(told.errors.contains("number 121, <7@elsewhere.example>"), "{}", told.errors);
        assert_eq!(stage.messages("user0", "bench-large"), "* STATUS bench-large (MESSAGES 122)");
    }
}

#[test]
fn what_would_never_end_is_refused_with_its_limits() {
    let stage = Stage::new();
    let refused = |words: &str, why: &str| {
        let told = stage.bench(words);
        assert!(told.rows.is_empty() && told.code == 2, "{words}: {:?}", told.rows);
        assert!(told.errors.contains(why), "{words}: {}", told.errors);
    };
    refused("list --count 18446744073709551615", "18446744073709551615 is not in 1..=1000000000");
    refused("mixed --rate 1e-300", "from 0.001 to 1000000");
}

/// How many messages there are; none where there is no such mailbox.
fn count(session: &mut Client, mailbox: &str) -> u32 {
    let Ok(status) = session.ask(&format!("STATUS {mailbox} (MESSAGES)")) else { return 0 };
    let text = status[0].to_string();
    text.split_once("(MESSAGES ").unwrap().1.trim_end_matches(')').parse().unwrap()
}

#[test]
fn a_run_that_is_stopped_takes_away_what_it_made() {
    let stage = Stage::new();
    for (workload, mailbox) in [("append", "bench-append-0"), ("lmtp", "INBOX")] {
        let words = format!("{workload} --seconds 1000 --connections 2 --lmtp {}", stage.lmtp());
        let mut child = stage.command(stage.server.address(), &words).spawn().unwrap();
        // What is there says that it is at work.
        let mut session = stage.session("user0");
        while count(&mut session, mailbox) == 0 {}
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{errors}");
        assert!(errors.contains("stopped"), "{errors}");
        assert_eq!(stage.left("user0"), [""; 0]);
        assert_eq!(stage.messages("user0", "INBOX"), "* STATUS INBOX (MESSAGES 0)");
    }
}

#[test]
fn who_presses_ctrl_c_twice_does_not_wait() {
    let stage = Stage::new();
    let mut child = stage.command(stage.server.address(), "append --seconds 1000").spawn().unwrap();
    let mut session = stage.session("user0");
    while count(&mut session, "bench-append-0") == 0 {}
    // A server that does not answer any more: nothing can be taken away.
    let server = Pid::from_raw(i32::try_from(stage.server.process()).unwrap()).unwrap();
    kill_process(server, Signal::STOP).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(errors.by_ref().any(|line| line.contains("Ctrl-C once more ends at once")));
    assert_eq!(child.try_wait().unwrap(), None);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn what_cannot_be_measured_is_said() {
    let stage = Stage::new();
    let told = stage.bench("lmtp login --count 1 --connections 1");
    assert_eq!(told.code, 0, "{}", told.errors);
    assert!(told.rows[0]["skipped"].as_str().unwrap().contains("--lmtp"));
    assert_eq!(told.rows[1]["ops"], 1);
    let told = stage.bench("login --count 1 --pid 4194999");
    assert!(told.errors.contains("there is no process 4194999"), "{}", told.errors);
}

#[test]
fn whoever_does_not_trust_the_certificate_is_told_how_to() {
    let stage = Stage::new();
    let words = format!("bench login --port {} --user user0", stage.server.address().port());
    let mut bench = stage.place.command(&words);
    let told = bench.env("GATEPOST_BENCH_PASSWORD", PASSWORD).output().unwrap();
    let errors = String::from_utf8(told.stderr).unwrap();
    assert!(errors.contains("invalid peer certificate") && errors.contains("--ca-file"), "{errors}");
    assert!(!told.status.success());
}

#[test]
fn starttls_is_spoken_and_what_is_injected_behind_it_refused() {
    let stage = Stage::new();
    let run = |front| {
        let liar = Liar::new(stage.server.address(), &stage.place.tls(), front, Box::new(|_| {}));
        stage.run(liar.address, "login --starttls --count 2 --connections 1")
    };
    run(Front::StartTls).is_right(&[("1 at once", 2)]);
    let told = run(Front::Injecting);
    assert!(told.code == 1 && told.errors.contains("in the clear"), "{}", told.errors);
}
