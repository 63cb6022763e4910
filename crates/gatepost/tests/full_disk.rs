//! A full disk, as a client, a mail server and an admin meet it: on the real process.
//!
//! A limit on the size of files stands in for the full disk: it needs no root.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says then what the server complained of"
)]

mod support;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use support::{Place, Server};
use testkit::exposition::Exposition;
use testkit::http;
use testkit::imap::Client;

const ACCOUNT: &str = "ann@example.org";
/// With a socket for LMTP, and metrics.
const SETTINGS: &str = "[lmtp]\nsocket = \"lmtp.sock\"\n[metrics]\nlisten = \"127.0.0.1:0\"";
const SMALL: &[u8] = b"Subject: small\r\n\r\nsmall\r\n";
/// Commands that are refused.
const MANY: usize = 1_000;
/// Of which so many take a file of their own.
const LARGE: usize = 50;

#[test]
fn a_full_disk_is_told_to_who_asks_in_a_sentence_and_to_the_admin_once() {
    let place = Place::new(&[ACCOUNT], SETTINGS);
    let server = place.start_on_a_disk_that_may_be_full();
    let mut client = server.session(ACCOUNT);
    append(&mut client, SMALL).unwrap();
    client.ask("SELECT INBOX").unwrap();
    assert_eq!(is_written_to(&server), (200, "ok\n".to_owned(), Some(1.0)));

    fill_up(&server, Some(1));
    // Each mailbox is looked at in turn, and each of the commands that change one is refused.
    for n in 0..MANY {
        let refused = match n % 4 {
            0 => append(&mut client, SMALL),
            1 => client.ask("STORE 1 +FLAGS (\\Flagged)").map(drop),
            2 => client.ask("COPY 1 Sent").map(drop),
            _ => client.ask(&format!("CREATE m{n}")).map(drop),
        };
        let said = refused.unwrap_err().to_string();
        assert!(
            said.contains("NO [UNAVAILABLE] Mail cannot be stored") || is_in_doubt(n, &said),
            "{n}: {said}"
        );
    }
    for _ in 0..10 {
        assert_eq!(deliver(&place), "450 4.3.0", "a mail server keeps it and tries again");
    }
    let (status, why, writable) = is_written_to(&server);
    assert_eq!((status, writable), (503, Some(0.0)), "{why}");
    assert!(why.contains("writing the log failed"), "{why}");
    let read = client.ask("FETCH 1 BODY.PEEK[]").unwrap();
    assert_eq!(read.iter().find_map(|r| r.fetched()?.octets("BODY[]").map(<[u8]>::to_vec)).unwrap(), SMALL);
    // Others come in, and read.
    let mut other = server.session(ACCOUNT);
    other.ask("SELECT INBOX").unwrap();
    other.ask("FETCH 1 (FLAGS BODY.PEEK[])").unwrap();

    fill_up(&server, None);
    // By itself; it says so when it is asked.
    while append(&mut client, SMALL).is_err() {}
    assert_eq!(is_written_to(&server), (200, "ok\n".to_owned(), Some(1.0)));
    assert_eq!(deliver(&place), "250 2.0.0");
    let told = client.ask("STATUS INBOX (MESSAGES)").unwrap().first().unwrap().to_string();
    assert!(told.contains("(MESSAGES 3)"), "nothing that was refused came back: {told}");

    let log = server.kill();
    let said = |name: &str| log.iter().filter(|line| line.contains(name)).count();
    assert_eq!(said("server.store-failed"), 1, "{log:#?}");
    assert!(log.len() <= 2, "{log:#?}");
}

#[test]
fn large_messages_that_do_not_fit_are_refused_and_the_admin_hears_of_the_first() {
    let place = Place::new(&[ACCOUNT], SETTINGS);
    let server = place.start_on_a_disk_that_may_be_full();
    let mut client = server.session(ACCOUNT);
    append(&mut client, SMALL).unwrap();
    fill_up(&server, Some(4 << 20));
    let large = vec![b'x'; 6 << 20];
    for _ in 0..LARGE {
        let said = append(&mut client, &large).unwrap_err().to_string();
        assert!(said.contains("NO [UNAVAILABLE] Mail cannot be stored"), "{said}");
    }
    // What is small still fits.
    append(&mut client, SMALL).unwrap();
    let log = server.kill();
    assert!(log.iter().any(|line| line.contains("a body's file could not be written")), "{log:#?}");
    assert!(log.len() <= 2, "{log:#?}");
}

/// What the server says of its health, and what its metrics do.
fn is_written_to(server: &Server) -> (u16, String, Option<f64>) {
    let (status, said) = http::get(server.metrics(), "/health");
    let (_, page) = http::get(server.metrics(), "/metrics");
    (status, said, Exposition::parse(&page).get("gatepost_store_writable"))
}

/// Lets no file grow beyond so many octets; `None` ends that.
fn fill_up(server: &Server, octets: Option<u64>) {
    let process = Pid::from_raw(i32::try_from(server.process()).unwrap());
    let most = getrlimit(Resource::Fsize).maximum;
    prlimit(process, Resource::Fsize, Rlimit { current: octets.or(most), maximum: most }).unwrap();
}

/// Nobody knows what became of what was being written when the disk was found to be full.
fn is_in_doubt(n: usize, said: &str) -> bool {
    n == 0 && said.contains("NO [UNAVAILABLE] It is not known whether this was stored")
}

fn append(client: &mut Client, message: &[u8]) -> std::io::Result<()> {
    let tag = match message.len() <= testkit::imap::UNASKED {
        true => client.send_append("INBOX", message)?,
        false => client.send_large("APPEND INBOX", message)?,
    };
    client.answer(tag).map(drop)
}

/// Hands a message in by LMTP, and says how its recipient was answered: in front of the message, or behind.
fn deliver(place: &Place) -> String {
    let mut stream = UnixStream::connect(place.lmtp()).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    let mut reply = || replies.find(|line| line.as_bytes().get(3) != Some(&b'-')).unwrap();
    reply();
    for line in ["LHLO there", "MAIL FROM:<bob@example.net>", &format!("RCPT TO:<{ACCOUNT}>"), "DATA"] {
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let reply = reply();
        if !reply.starts_with(['2', '3']) {
            return reply.chars().take(9).collect();
        }
    }
    stream.write_all(b"Subject: in\r\n\r\nin\r\n.\r\n").unwrap();
    reply().chars().take(9).collect()
}
