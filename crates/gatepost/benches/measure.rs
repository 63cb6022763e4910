//! What the real server costs and does, on this machine and its disk: `cargo bench -p gatepost --bench measure`.
//!
//! Clients run on the same machine and share its processors with the server; TLS is paid for on both sides. Rates of
//! appends mean little without the disk's own rate, so that is taken in the same run.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may panic, and this one prints a table"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::{Place, Server};
use testkit::dice::Dice;
use testkit::imap::{Client, Response};

const ACCOUNT: &str = "ann@example.org";
/// Connections that wait in IDLE.
const IDLE: usize = 1_000;
/// How long a rate is taken.
const WHILE: Duration = Duration::from_secs(3);
/// Octets of an appended message.
const MESSAGE: usize = 2_048;

fn main() {
    let place = Place::new(&[ACCOUNT], "connections_per_account = 2000");
    let server = place.start();
    let waiting = memory_of_idle(&server);
    print("memory of a TLS connection in IDLE", waiting, "octets");
    print("the disk's own rate, 2 KiB and fdatasync", raw_syncs(&place.mail().join("raw")), "/s");
    print("APPEND of 2 KiB, 1 client", appends(&server, 1), "/s");
    print("APPEND of 2 KiB, 64 clients", appends(&server, 64), "/s");
    print("the disk's own rate once more", raw_syncs(&place.mail().join("raw")), "/s");
    let mut client = server.session(ACCOUNT);
    let bodies = fill(&mut client, "Archive", 8_192);
    print("FETCH 1:* BODY.PEEK[], 8,192 messages of 2 KiB", rate(&mut client, "BODY.PEEK[]", bodies), "/s");
    let flags = fill(&mut client, "Sent", 131_072);
    print("FETCH 1:* FLAGS, 131,072 messages", rate(&mut client, "FLAGS", flags), "/s");
    print("FETCH 1:* ENVELOPE, 131,072 messages", rate(&mut client, "ENVELOPE", flags), "/s");
    for command in ["SORT (SIZE) UTF-8 ALL", "SORT (SUBJECT DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL"] {
        print(&format!("{command}, 131,072 messages"), asked(&mut client, command, flags), "/s");
    }
}

fn print(what: &str, number: u64, unit: &str) {
    println!("{what:<50} {number:>10} {unit}");
}

fn memory_of_idle(server: &Server) -> u64 {
    // What is made once, and what signing in leaves, is there before we count.
    let mut open: Vec<Client> = (0..16).map(|_| wait_in_idle(server)).collect();
    let before = server.memory().anonymous;
    open.extend((0..IDLE).map(|_| wait_in_idle(server)));
    server.memory().anonymous.saturating_sub(before) / IDLE as u64
}

fn wait_in_idle(server: &Server) -> Client {
    let mut client = server.session(ACCOUNT);
    client.ask("SELECT INBOX").unwrap();
    client.send("IDLE").unwrap();
    assert!(client.response().unwrap().is_continuation());
    client
}

fn raw_syncs(file: &Path) -> u64 {
    let mut out = std::fs::File::create(file).unwrap();
    let (began, mut syncs) = (Instant::now(), 0);
    while began.elapsed() < WHILE {
        out.write_all(&[7; MESSAGE]).unwrap();
        out.sync_data().unwrap();
        syncs += 1;
    }
    std::fs::remove_file(file).unwrap();
    per_second(syncs, began)
}

/// Every client waits for its answer before it sends the next.
fn appends(server: &Server, clients: u64) -> u64 {
    let sessions: Vec<Client> = (0..clients).map(|_| server.session(ACCOUNT)).collect();
    let (began, appended) = (Instant::now(), AtomicU64::new(0));
    thread::scope(|scope| {
        for (seed, mut client) in (0..).zip(sessions) {
            let appended = &appended;
            scope.spawn(move || {
                let mut dice = Dice::new(seed);
                while began.elapsed() < WHILE {
                    append(&mut client, "INBOX", &mut dice);
                    appended.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    per_second(appended.into_inner(), began)
}

fn append(client: &mut Client, mailbox: &str, dice: &mut Dice) {
    let mut message = b"From: ann@example.org\r\nSubject: measured\r\n\r\n".to_vec();
    while message.len() + 66 < MESSAGE {
        let words = [dice.any(), dice.any(), dice.any(), dice.any()];
        message.extend_from_slice(words.map(|word| format!("{word:016x}")).concat().as_bytes());
        message.extend_from_slice(b"\r\n");
    }
    message.resize(MESSAGE, b'.');
    let tag = client.send_append(mailbox, &message).unwrap();
    client.answer(tag).unwrap();
}

/// Fills a mailbox by copying it into itself, and selects it.
fn fill(client: &mut Client, mailbox: &str, messages: u64) -> u64 {
    let mut dice = Dice::new(messages);
    let mut there = 64;
    (0..there).for_each(|_| append(client, mailbox, &mut dice));
    client.ask(&format!("SELECT {mailbox}")).unwrap();
    while there < messages {
        client.ask(&format!("COPY 1:* {mailbox}")).unwrap();
        there *= 2;
    }
    there
}

fn rate(client: &mut Client, item: &str, messages: u64) -> u64 {
    let began = Instant::now();
    client.send(&format!("FETCH 1:* ({item})")).unwrap();
    let mut told = 0;
    loop {
        let response = client.response().unwrap();
        if response.status().is_some() {
            break;
        }
        told += u64::from(Response::is_untagged(&response));
    }
    assert!(told >= messages, "{told} of {messages} messages came");
    per_second(messages, began)
}

fn asked(client: &mut Client, command: &str, messages: u64) -> u64 {
    let began = Instant::now();
    client.ask(command).unwrap();
    per_second(messages, began)
}

fn per_second(count: u64, began: Instant) -> u64 {
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap();
    count * 1_000_000 / micros.max(1)
}
