//! Bad input of each kind, over real sockets: what it is told, that it is logged once, and that nothing is lost.
//!
//! One line tells the admin of it (`session.end` with its counts, `tls.failed`, `auth.plaintext-refused`); whoever looks
//! into one client finds each refused command once, at DEBUG.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use common::house::{accounts, cheap};
use common::{Client, Log, Running, issue, scratch, settings};
use mail::HashPool;
use net::{Imap, Lmtp, Protocols};
use serde_json::Value;
use settings::{Listener, ListenerKind};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing::subscriber::DefaultGuard;

/// A server with one message in it, and its log.
struct House {
    server: Running,
    log: Log,
    _listening: DefaultGuard,
}

/// What one connection left in the log: its lines that every admin sees, and its refused commands.
#[derive(Debug)]
struct Told {
    loud: Vec<Value>,
    refused: Vec<Value>,
}

impl House {
    async fn start(name: &str) -> Self {
        let log = Log::default();
        let listening = log.listen();
        let (files, _) = issue(&scratch(&format!("{name}-settings")), common::HOST);
        let settings = settings(&files);
        let accounts = Arc::new(accounts(&[("alice", cheap())]).await);
        let pool = Arc::new(HashPool::start(1, cheap()).unwrap());
        let lmtp = Lmtp::new(&settings, Arc::clone(&accounts));
        let protocols = Protocols { imap: Imap::new(&settings, accounts, pool), lmtp };
        let listener = Listener::new("127.0.0.1:0".parse().unwrap(), ListenerKind::Lmtp);
        let server = Running::start(name, protocols, |settings| settings.network.listeners.push(listener));
        let house = Self { server, log, _listening: listening };
        let mut client = house.signed_in().await;
        assert!(client.ask("a APPEND INBOX (\\Flagged) {12}").await.starts_with("+ "));
        assert!(client.ask("Subject: x\r\n").await.starts_with("a OK [APPENDUID "));
        client.say("b SELECT INBOX\r\n").await; // whoever comes later finds nothing recent
        while !client.line().await.starts_with("b OK ") {}
        leave(client).await;
        house.ended(0).await;
        house
    }

    async fn signed_in(&self) -> Client<impl AsyncRead + AsyncWrite + Unpin + use<>> {
        let mut client = self.server.in_private().await;
        client.line().await;
        let mut answer = client.ask("a LOGIN alice secret").await;
        // Whoever sent a password in clear is told so, once.
        if answer.starts_with("* OK [ALERT] ") || answer.starts_with("* NO [ALERT] ") {
            answer = client.line().await;
        }
        assert!(answer.starts_with("a OK "), "{answer}");
        client
    }

    /// All that INBOX holds.
    async fn mail(&self) -> Vec<String> {
        let so_far = self.log.lines().len();
        let mut client = self.signed_in().await;
        client
            .say("a EXAMINE INBOX\r\nb UID FETCH 1:* (FLAGS BODY.PEEK[])\r\nc LIST \"\" *\r\nd LOGOUT\r\n")
            .await;
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| line != "(closed)") {
            lines.push(client.line().await);
        }
        drop(client); // or it is heard out for a while
        self.ended(so_far).await;
        lines
    }

    /// Lets one connection do what it does, and holds against each other what was before and after it.
    async fn watch(&self, peer: impl AsyncFnOnce(&Running)) -> Told {
        let before = self.mail().await;
        assert!(before.iter().any(|line| line.contains("Subject: x")), "{before:#?}");
        let so_far = self.log.lines().len();
        peer(&self.server).await;
        let told = self.ended(so_far).await;
        assert_eq!(self.mail().await, before);
        told
    }

    /// A connection is over when its last line stands in the log.
    async fn ended(&self, so_far: usize) -> Told {
        let is_last = |line: &String| line.contains("\"session.end\"") || line.contains("\"tls.failed\"");
        while !self.log.lines()[so_far..].iter().any(is_last) {
            tokio::task::yield_now().await;
        }
        told(&self.log.lines()[so_far..])
    }
}

fn told(lines: &[String]) -> Told {
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ours = lines.into_iter().filter(|line| line["target"] == "gatepost");
    let (quiet, loud): (Vec<_>, Vec<_>) = ours.partition(|line| line["level"] == "DEBUG");
    let refused = quiet.into_iter().filter(|line| name(line) == "command.refused");
    let fields = |line: Value| line["fields"].clone();
    Told { loud: loud.into_iter().map(fields).collect(), refused: refused.map(fields).collect() }
}

fn name(line: &Value) -> &str {
    let fields = line.get("fields").unwrap_or(line);
    fields["message"].as_str().unwrap()
}

impl Told {
    /// The lines that everybody sees, by name.
    fn check_loud(&self, names: &[&str]) -> &Value {
        let loud: Vec<_> = self.loud.iter().map(name).collect();
        assert_eq!(loud, names, "{self:#?}");
        self.loud.last().unwrap()
    }

    /// `session.end` and nothing else, which says so many BAD and NO, and why it ended.
    fn check_end(&self, bad: u64, no: u64, reason: &str) {
        let end = self.check_loud(&["session.end"]);
        check_counts(end, bad, no, reason);
    }

    /// Exactly one refused command: its name, how, with which code, and how its sentence begins.
    fn check_refused(&self, command: Option<&str>, refused: &str, code: Option<&str>, told: &str) {
        assert_eq!(self.refused.len(), 1, "{self:#?}");
        let line = &self.refused[0];
        assert_eq!(line.get("command").and_then(Value::as_str), command, "{line:#?}");
        assert_eq!(line["refused"], refused, "{line:#?}");
        assert_eq!(line.get("code").and_then(Value::as_str), code, "{line:#?}");
        assert!(line["told"].as_str().unwrap().starts_with(told), "{line:#?}");
    }
}

fn check_counts(end: &Value, bad: u64, no: u64, reason: &str) {
    let count = |field: &str| end.get(field).map_or(0, |count| count.as_u64().unwrap());
    assert_eq!((count("bad"), count("no")), (bad, no), "{end:#?}");
    assert_eq!(end["reason"], reason, "{end:#?}");
}

async fn leave(mut client: Client<impl AsyncRead + AsyncWrite + Unpin>) {
    client.say("z LOGOUT\r\n").await;
    while client.line().await != "z OK LOGOUT completed" {}
}

/// Says these lines after a login, hears as many answers to the last as it takes, and logs out.
async fn after_login(house: &House, lines: &[&str], answer: &str) -> Told {
    house
        .watch(async |server| {
            let mut client = server.in_private().await;
            client.line().await;
            client.ask("a LOGIN alice secret").await;
            for line in lines {
                client.say(&format!("{line}\r\n")).await;
            }
            loop {
                let line = client.line().await;
                assert!(!line.starts_with('('), "{line}");
                if line.starts_with(answer) {
                    break;
                }
            }
            leave(client).await;
        })
        .await
}

#[tokio::test]
async fn a_broken_handshake_leaves_one_line() {
    let house = House::start("bad-tls").await;
    let hello_cut_short = b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03";
    for (said, problem) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "what it said is not TLS"),
        (hello_cut_short, "it hung up in the middle of the handshake"),
        (b"", "it hung up before TLS began"),
    ] {
        let told = house
            .watch(async |server| {
                let mut stream = TcpStream::connect(server.tls).await.unwrap();
                stream.write_all(said).await.unwrap();
                stream.shutdown().await.unwrap();
                let mut client = Client::new(stream);
                while !client.line().await.starts_with("(c") {}
            })
            .await;
        let failed = told.check_loud(&["tls.failed"]);
        assert!(failed["problem"].as_str().unwrap().starts_with(problem), "{failed:#?}");
        assert!(told.refused.is_empty(), "{told:#?}");
    }
    house.server.stop().await;
}

#[tokio::test]
async fn credentials_in_clear_are_told_once_and_never_written_down() {
    let house = House::start("bad-clear").await;
    // One that waits to be asked for the rest; and one that does not, so that a password is out: which is another thing.
    let asked = house
        .watch(async |server| {
            let mut client = server.in_clear().await;
            assert!(
                client.ask("a LOGIN {5}").await.starts_with("a NO [PRIVACYREQUIRED] Encryption required: ")
            );
            leave(client).await;
        })
        .await;
    check_counts(asked.check_loud(&["auth.plaintext-refused", "session.end"]), 0, 1, "logout");
    asked.check_refused(Some("LOGIN"), "no", Some("PRIVACYREQUIRED"), "Encryption required: ");
    let exposed = house
        .watch(async |server| {
            let mut client = server.in_clear().await;
            assert!(client.ask("a LOGIN alice hunter2").await.starts_with("* NO [ALERT] Your password "));
            leave(client).await;
        })
        .await;
    let names = ["auth.plaintext-refused", "auth.exposed-credential", "session.end"];
    check_counts(exposed.check_loud(&names), 0, 1, "logout");
    exposed.check_refused(Some("LOGIN"), "no", Some("PRIVACYREQUIRED"), "Encryption required: ");
    assert!(!house.log.lines().iter().any(|line| line.contains("hunter2")));
    house.server.stop().await;
}

#[tokio::test]
async fn a_line_too_long_is_bad_once() {
    let house = House::start("bad-line").await;
    let long = "x".repeat(2 << 20);
    let told = after_login(&house, &[&format!("b SEARCH SUBJECT {long}")], "b BAD ").await;
    told.check_end(1, 0, "logout");
    told.check_refused(Some("SEARCH"), "bad", None, "A command here can have at most 1048576 octets");
    // Before a login a line has kilobytes; before TLS it is the last.
    let told = house
        .watch(async |server| {
            let mut client = server.in_private().await;
            client.line().await;
            let answer = client.ask(&format!("a LOGIN {}", &long[..60_000])).await;
            assert!(answer.starts_with("a BAD A command here can have at most "), "{answer}");
            leave(client).await;
        })
        .await;
    told.check_end(1, 0, "logout");
    told.check_refused(Some("LOGIN"), "bad", None, "A command here can have at most ");
    let told = house
        .watch(async |server| {
            let mut client = server.in_clear().await;
            client.stream.write_all(&long.as_bytes()[..8_192]).await.unwrap();
            client.stream.write_all(b"x").await.unwrap();
            while !client.line().await.starts_with("(c") {}
        })
        .await;
    told.check_end(0, 0, "misuse");
    house.server.stop().await;
}

#[tokio::test]
async fn a_literal_too_large_is_refused_once_and_none_of_it_is_stored() {
    let house = House::start("bad-literal").await;
    let told = after_login(&house, &["b APPEND INBOX {9999999999}"], "b NO ").await;
    told.check_end(0, 1, "logout");
    told.check_refused(Some("APPEND"), "no", Some("TOOBIG"), "This message is too large; ");
    let told = after_login(&house, &["b SEARCH SUBJECT {9999999999}"], "b NO ").await;
    told.check_end(0, 1, "logout");
    told.check_refused(Some("SEARCH"), "no", Some("TOOBIG"), "A literal here can have at most ");
    let told =
        after_login(&house, &[&format!("b UID SEARCH SUBJECT {{5000+}}\r\n{}", "x".repeat(5_000))], "b BAD ")
            .await;
    told.check_end(1, 0, "logout");
    told.check_refused(Some("UID SEARCH"), "bad", Some("TOOBIG"), "A literal that does not wait ");
    house.server.stop().await;
}

#[tokio::test]
async fn garbage_is_bad_once_and_not_repeated_in_the_log() {
    let house = House::start("bad-garbage").await;
    let told = after_login(&house, &["b hunter2 \u{1}\u{2}{}("], "b BAD Unknown command hunter2").await;
    told.check_end(1, 0, "logout");
    told.check_refused(None, "bad", None, "Unknown command");
    let told = after_login(&house, &["\u{1}\u{ff}hunter2"], "* BAD A command starts with a tag, ").await;
    told.check_end(1, 0, "logout");
    told.check_refused(None, "bad", None, "A command starts with a tag, ");
    let told = house
        .watch(async |server| {
            let mut client = server.in_clear().await;
            assert_eq!(client.ask("(hunter2)").await, "* BAD Expected a tag and a command");
            leave(client).await;
        })
        .await;
    told.check_end(1, 0, "logout");
    told.check_refused(None, "bad", None, "Expected a tag and a command");
    // Nothing but garbage ends it, and the reason says why.
    let told = house
        .watch(async |server| {
            let mut client = server.in_private().await;
            client.line().await;
            client.say(&"hunter2 {}\r\n".repeat(21)).await;
            while !client.line().await.starts_with("(c") {}
        })
        .await;
    told.check_end(21, 0, "misuse");
    assert_eq!(told.refused.len(), 21, "each of them once");
    assert!(!house.log.lines().iter().any(|line| line.contains("hunter2")));
    house.server.stop().await;
}

#[tokio::test]
async fn half_a_command_is_told_by_the_end_and_not_done() {
    let house = House::start("bad-half").await;
    let half = async |said: &[u8]| {
        house
            .watch(async |server| {
                let mut client = server.in_private().await;
                client.line().await;
                client.ask("a LOGIN alice secret").await;
                client.ask("b SELECT INBOX").await;
                while !client.line().await.starts_with("b OK ") {}
                client.stream.write_all(said).await.unwrap();
                client.stream.flush().await.unwrap();
                // Without close_notify: this is a line that was cut.
                client.stream.get_mut().0.shutdown().await.unwrap();
                while !client.line().await.starts_with("(c") {}
            })
            .await
    };
    for said in [
        "c LOGOUT",
        "c UID STORE 1 +FLAGS (\\Deleted)",
        "c APPEND INBOX {1+",
        "c APPEND INBOX {20+}\r\nSubject",
    ] {
        let told = half(said.as_bytes()).await;
        told.check_end(0, 0, "half-command");
        assert!(told.refused.is_empty(), "nobody hears an answer: {told:#?}");
    }
    let told = house
        .watch(async |server| {
            let mut client = server.in_clear().await;
            client.say("a STARTT").await;
            client.stream.shutdown().await.unwrap();
            while !client.line().await.starts_with("(c") {}
        })
        .await;
    told.check_end(0, 0, "half-command");
    house.server.stop().await;
}

/// Whoever ends TLS properly has said all of what it wanted to say. That a line is whole does not follow, so none is done
/// but what changes nothing and has no arguments that could go on.
#[tokio::test]
async fn a_last_line_without_crlf_is_answered_where_tls_proves_that_it_was_the_last() {
    let house = House::start("bad-last-line").await;
    let last = async |said: &str, answer: &str| {
        house
            .watch(async |server| {
                let mut client = server.in_private().await;
                client.line().await;
                client.ask("a LOGIN alice secret").await;
                client.ask("b SELECT INBOX").await;
                while !client.line().await.starts_with("b OK ") {}
                client.say(said).await;
                client.stream.shutdown().await.unwrap(); // close_notify
                let mut heard = Vec::new();
                while heard.last().is_none_or(|line: &String| !line.starts_with("(c")) {
                    heard.push(client.line().await);
                }
                assert!(heard.iter().any(|line| line.starts_with(answer)), "{said:?}: {heard:?}");
                assert_eq!(heard.last().unwrap(), "(closed)", "{said:?}");
            })
            .await
    };
    last("c LOGOUT", "c OK LOGOUT completed").await.check_end(0, 0, "logout");
    last("c NOOP", "c OK NOOP completed").await.check_end(0, 0, "closed");
    last("c CAPABILITY", "c OK CAPABILITY completed").await.check_end(0, 0, "closed");
    for (said, command) in [
        ("c UID STORE 1 +FLAGS (\\Deleted)", Some("UID STORE")),
        ("c UID EXPUNGE 1", Some("UID EXPUNGE")),
        ("c DELETE Sent", Some("DELETE")),
        ("c LOGOUT now", Some("LOGOUT")),
        ("c LOGO", None),
    ] {
        let told = last(said, "c BAD This line has no CRLF at its end, so nothing of it was done").await;
        told.check_end(1, 0, "half-command");
        told.check_refused(command, "bad", None, "This line has no CRLF");
    }
    house.server.stop().await;
}

#[tokio::test]
async fn an_unknown_mailbox_is_no_once() {
    let house = House::start("bad-unknown").await;
    let told = after_login(&house, &["b SELECT Nowhere"], "b NO [NONEXISTENT] ").await;
    told.check_end(0, 1, "logout");
    told.check_refused(Some("SELECT"), "no", Some("NONEXISTENT"), "");
    assert_eq!(told.refused[0]["account"], "alice");
    let told = after_login(&house, &["b APPEND Nowhere {3}"], "b NO [TRYCREATE] ").await;
    told.check_end(0, 1, "logout");
    told.check_refused(Some("APPEND"), "no", Some("TRYCREATE"), "");
    house.server.stop().await;
}

#[tokio::test]
async fn a_read_only_mailbox_is_no_once() {
    let house = House::start("bad-read-only").await;
    for (line, command) in [
        ("c STORE 1 +FLAGS (\\Deleted)", "STORE"),
        ("c EXPUNGE", "EXPUNGE"),
        ("c UID MOVE 1 Trash", "UID MOVE"),
    ] {
        let told = after_login(&house, &["b EXAMINE INBOX", line], "c NO ").await;
        told.check_end(0, 1, "logout");
        let code = told.refused[0]["code"].as_str().unwrap().to_owned();
        assert_eq!(code, "READ-ONLY");
        told.check_refused(Some(command), "no", Some(&code), "");
    }
    house.server.stop().await;
}

#[tokio::test]
async fn a_client_that_disappears_leaves_one_line() {
    let house = House::start("bad-gone").await;
    let told = house
        .watch(async |server| {
            let mut client = server.in_private().await;
            client.line().await;
            client.ask("a LOGIN alice secret").await;
            client.ask("b SELECT INBOX").await;
            while !client.line().await.starts_with("b OK ") {}
            client.say("c FETCH 1 BODY.PEEK[]\r\n").await;
        })
        .await;
    told.check_end(0, 0, "broken");
    assert!(told.refused.is_empty(), "{told:#?}");
    house.server.stop().await;
}

/// RFC 2033: a mail server that says what has no place, and one that brings mail for nobody.
#[tokio::test]
async fn what_a_mail_server_does_wrong_is_told_once() {
    let house = House::start("bad-lmtp").await;
    let told = house
        .watch(async |server| {
            let mut client = Client::new(TcpStream::connect(server.lmtp.unwrap()).await.unwrap());
            client.line().await;
            let answer = client.ask("RCPT TO:<alice@mail.example.org>").await;
            assert_eq!(answer, "503 5.5.1 Say MAIL first");
            client.ask("QUIT").await;
        })
        .await;
    told.check_end(1, 0, "logout");
    told.check_refused(None, "bad", Some("503"), "Say MAIL first");
    let told = house
        .watch(async |server| {
            let mut client = Client::new(TcpStream::connect(server.lmtp.unwrap()).await.unwrap());
            client.say("LHLO there\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@mail.example.org>\r\nQUIT\r\n").await;
            while !client.line().await.starts_with("221 ") {}
        })
        .await;
    check_counts(told.check_loud(&["delivery.refused", "session.end"]), 0, 1, "logout");
    told.check_refused(None, "no", Some("550"), "There is no such user here");
    house.server.stop().await;
}
