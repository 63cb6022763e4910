//! What is done to a store that holds much, over TLS with the real server, and step by step.

use crate::source::{MEAN, SMALL, message, write_mbox};
use crate::steps::{Step, start, step};
use crate::support::{Place, Server};
use mail::World;
use rustix::fs::{Advice, fadvise};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;
use store::{Seq, Snapshot, Store, StreamId};
use store_local::LocalStore;
use testkit::imap::{Client, Response};

const ACCOUNT: &str = "ann@example.org";
/// How often what is done to one message or mailbox is done.
const TIMES: u64 = 100;
/// Messages of an mbox file that is imported, and taken away, before the next is made: the disk holds the mail once.
const A_FILE: u64 = 20_000;
/// Messages that are in flight when the server is killed.
const IN_FLIGHT: usize = 50;

pub(crate) fn of_messages(messages: u64) -> Vec<Step> {
    let place = Place::new(&[ACCOUNT], "");
    let file = place.folder().join("big.mbox");
    write_mbox(&file, 0, messages, SMALL);
    let server = place.start();
    let mut steps =
        vec![step(&server, "import, from an mbox file", messages, || import(&place, &file, "INBOX"))];
    fs::remove_file(file).unwrap();
    steps.extend(in_a_mailbox(&server, messages));
    let (_, left) = gone(messages);
    server.kill();
    forget_pages(&place.mail());
    let (server, restarted) = start("start after a SIGKILL", left, || place.start());
    steps.push(restarted);
    let mut client = server.session(ACCOUNT);
    steps.push(step(&server, "SELECT, the first since the start", left, || {
        assert_eq!(select(&mut client, "INBOX"), left);
    }));
    server.kill();
    steps.push(snapshot(&place));
    steps
}

/// How many of so many messages are expunged, and how many are left with those that were appended.
const fn gone(messages: u64) -> (u64, u64) {
    let hundredth = messages / 100;
    (hundredth, messages - hundredth)
}

fn in_a_mailbox(server: &Server, messages: u64) -> Vec<Step> {
    let client = &mut server.session(ACCOUNT);
    let mut steps = Vec::new();
    let (hundredth, left) = gone(messages);
    let mut take = |what: &str, count, work: &mut dyn FnMut(&mut Client)| {
        steps.push(step(server, what, count, || work(client)));
    };
    take("SELECT", messages, &mut |client| assert_eq!(select(client, "INBOX"), messages));
    take("FETCH 1:* (UID FLAGS)", messages, &mut |client| {
        assert_eq!(told(client, "FETCH 1:* (UID FLAGS)"), messages);
    });
    take("FETCH 1:* (ENVELOPE)", messages, &mut |client| {
        assert_eq!(told(client, "FETCH 1:* (ENVELOPE)"), messages);
    });
    take("SEARCH SUBJECT", messages, &mut |client| {
        drop(client.ask("SEARCH SUBJECT \"Number 77 of\"").unwrap())
    });
    take("APPEND, one by one", TIMES, &mut |client| {
        (0..TIMES).for_each(|n| append(client, "INBOX", messages + n))
    });
    take("STORE of one message's flag", TIMES, &mut |client| {
        (0..TIMES)
            .for_each(|n| drop(client.ask(&format!("STORE {} +FLAGS (\\Flagged)", 1 + n * 7)).unwrap()));
    });
    take("STORE \\Deleted and UID EXPUNGE, one message", TIMES, &mut |client| {
        for n in 0..TIMES {
            let uid = messages + 1 + n;
            client.ask(&format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)")).unwrap();
            client.ask(&format!("UID EXPUNGE {uid}")).unwrap();
        }
    });
    take("STORE 1:* +FLAGS.SILENT (\\Seen)", messages, &mut |client| {
        client.ask("STORE 1:* +FLAGS.SILENT (\\Seen)").unwrap();
    });
    take("EXPUNGE of a hundredth", hundredth, &mut |client| {
        client.ask(&format!("STORE 1:{hundredth} +FLAGS.SILENT (\\Deleted)")).unwrap();
        let told = client.ask("EXPUNGE").unwrap();
        assert_eq!(
            told.iter().filter(|response| response.to_string().ends_with(" EXPUNGE")).count() as u64,
            hundredth
        );
    });
    take("SELECT", left, &mut |client| assert_eq!(select(client, "INBOX"), left));
    steps
}

/// A snapshot, as the server takes one when much has changed, of a store that nobody else has open.
fn snapshot(place: &Place) -> Step {
    let store: Arc<dyn Store> = Arc::new(LocalStore::open(&place.mail()).unwrap());
    let stored = Arc::clone(&store);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let accounts = mail::Accounts::open(Arc::clone(&store), Arc::new(Now)).await.unwrap();
        let account = accounts.named(ACCOUNT).unwrap();
        let inbox = account.names().await.unwrap().mailbox(&terms::MailboxName::inbox()).unwrap().id;
        let state = Arc::clone(account.open(inbox).await.unwrap().newest().state());
        let (count, began) = (state.messages().into(), Instant::now());
        let pieces = state.snapshot();
        let written = pieces.iter().map(bytes::Bytes::len).sum::<usize>() as u64;
        let snapshot = Snapshot { at: Seq(state.seq()), pieces };
        let stream = StreamId { account: account.id(), number: inbox.get() };
        stored.put_snapshot(stream, snapshot).await.unwrap();
        let peak = state.resident_octets() as u64;
        Step {
            what: "a snapshot, made and stored; RSS: the state by itself".into(),
            count,
            took: began.elapsed(),
            peak,
            written,
        }
    })
}

struct Now;

impl World for Now {
    fn now_ms(&self) -> i64 {
        jiff::Timestamp::now().as_millisecond()
    }

    fn random(&self, into: &mut [u8]) {
        getrandom::fill(into).unwrap();
    }
}

pub(crate) fn of_mailboxes(mailboxes: u64) -> Vec<Step> {
    let place = Place::new(&[ACCOUNT], "");
    let server = place.start();
    let client = &mut server.session(ACCOUNT);
    let there = listed(client);
    let halves = [there..mailboxes / 2, mailboxes / 2..mailboxes];
    let mut steps = Vec::new();
    for (half, which) in halves.into_iter().zip(["the first half", "the second half"]) {
        steps.push(step(&server, format!("CREATE, {which}"), half.end - half.start, || {
            half.for_each(|n| drop(client.ask(&format!("CREATE {}", name(n))).unwrap()));
        }));
    }
    let mut take = |what: &str, count, work: &mut dyn FnMut(&mut Client)| {
        steps.push(step(&server, what, count, || work(client)));
    };
    take("LIST \"\" *", mailboxes, &mut |client| assert_eq!(listed(client), mailboxes));
    take("LIST \"\" * RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))", mailboxes, &mut |client| {
        assert_eq!(listed_with_status(client), mailboxes);
    });
    take("APPEND, each into another mailbox", TIMES, &mut |client| {
        (0..TIMES).for_each(|n| append(client, &name(there + n), n));
    });
    take("RENAME", TIMES, &mut |client| {
        (0..TIMES).for_each(|n| drop(client.ask(&format!("RENAME {0} {0}-moved", name(there + n))).unwrap()));
    });
    take("DELETE", TIMES, &mut |client| {
        (0..TIMES).for_each(|n| drop(client.ask(&format!("DELETE {}-moved", name(there + n))).unwrap()));
    });
    server.kill();
    forget_pages(&place.mail());
    let (server, restarted) = start("start after a SIGKILL", mailboxes - TIMES, || place.start());
    steps.push(restarted);
    let mut client = server.session(ACCOUNT);
    steps.push(step(&server, "LIST with STATUS, the first since the start", mailboxes - TIMES, || {
        assert_eq!(listed_with_status(&mut client), mailboxes - TIMES);
    }));
    steps
}

/// Ten to a level.
fn name(number: u64) -> String {
    format!("level{}/mailbox{number}", number / 10)
}

fn listed(client: &mut Client) -> u64 {
    count(&client.ask("LIST \"\" *").unwrap(), "* LIST")
}

fn listed_with_status(client: &mut Client) -> u64 {
    let told = client.ask("LIST \"\" * RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))").unwrap();
    assert_eq!(count(&told, "* LIST"), count(&told, "* STATUS"));
    count(&told, "* LIST")
}

fn count(told: &[Response], begins: &str) -> u64 {
    told.iter().filter(|response| response.to_string().starts_with(begins)).count() as u64
}

pub(crate) fn of_recovery(octets: u64) -> Vec<Step> {
    let place = Place::new(&[ACCOUNT], "");
    let server = place.start();
    let file = place.folder().join("part.mbox");
    let (mut messages, mut mailboxes) = (0, 0);
    let began = Instant::now();
    server.forget_peak();
    while size(&place.mail()) < octets {
        let rest = (octets - size(&place.mail())) / MEAN as u64 + 1;
        let count = A_FILE.min(rest);
        write_mbox(&file, messages, count, MEAN);
        import(&place, &file, &format!("Archive/{mailboxes}"));
        (messages, mailboxes) = (messages + count, mailboxes + 1);
    }
    let (took, peak, written) = (began.elapsed(), server.memory().peak, server.written());
    fs::remove_file(file).unwrap();
    let what = format!("filled: {mailboxes} mailboxes");
    let mut steps = vec![Step { what, count: messages, took, peak, written }];
    let acknowledged = killed_at_work(server);
    let check = |server: &Server| {
        let client = &mut server.session(ACCOUNT);
        let told: u64 = (0..mailboxes).map(|n| select(client, &format!("Archive/{n}"))).sum();
        assert_eq!(told, messages);
        assert!(select(client, "INBOX") >= acknowledged, "what was acknowledged is lost");
    };
    forget_pages(&place.mail());
    let (server, opened) = start("start after a SIGKILL", messages, || place.start());
    check(&server);
    server.kill();
    fs::remove_file(place.mail().join("index.redb")).unwrap();
    forget_pages(&place.mail());
    let (server, made) = start("start without an index", messages, || place.start());
    check(&server);
    steps.extend([opened, made]);
    steps
}

/// Kills the server in the middle of appends, and says how many it has acknowledged.
fn killed_at_work(server: Server) -> u64 {
    let mut client = server.session(ACCOUNT);
    let messages: Vec<_> = (0..TIMES).map(|n| crlf(&message(n, SMALL))).collect();
    thread::scope(|scope| {
        let acknowledged = scope.spawn(move || {
            let mut acknowledged = 0;
            let mut under_way = std::collections::VecDeque::new();
            for message in messages.iter().cycle() {
                let Ok(tag) = client.send_append("INBOX", message) else { break };
                under_way.push_back(tag);
                if under_way.len() >= IN_FLIGHT {
                    let Some(Ok(_)) = under_way.pop_front().map(|tag| client.answer(tag)) else { break };
                    acknowledged += 1;
                }
            }
            acknowledged
        });
        let mut other = server.session(ACCOUNT);
        while select(&mut other, "INBOX") < TIMES {}
        server.kill();
        acknowledged.join().unwrap()
    })
}

fn import(place: &Place, file: &Path, mailbox: &str) {
    let words = format!("import mbox {ACCOUNT} {} --map INBOX={mailbox} --json", file.display());
    let answer = place.ask(&words);
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
}

fn append(client: &mut Client, mailbox: &str, number: u64) {
    let tag = client.send_append(mailbox, &crlf(&message(number, SMALL))).unwrap();
    client.answer(tag).unwrap();
}

fn crlf(message: &[u8]) -> Vec<u8> {
    message
        .split_inclusive(|octet| *octet == b'\n')
        .flat_map(|line| [&line[..line.len() - 1], b"\r\n"].concat())
        .collect()
}

/// How many messages there are.
fn select(client: &mut Client, mailbox: &str) -> u64 {
    let told = client.ask(&format!("SELECT {mailbox}")).unwrap();
    let exists =
        |response: &Response| response.to_string().strip_suffix(" EXISTS")?.strip_prefix("* ")?.parse().ok();
    told.iter().find_map(exists).unwrap()
}

/// How many untagged responses come.
fn told(client: &mut Client, command: &str) -> u64 {
    client.send(command).unwrap();
    let mut told = 0;
    loop {
        let response = client.response().unwrap();
        if response.status().is_some() {
            return told;
        }
        told += u64::from(response.is_untagged());
    }
}

/// Octets of all files in a folder.
fn size(folder: &Path) -> u64 {
    files(folder).iter().map(|file| file.metadata().unwrap().len()).sum()
}

/// Lets the next who reads these files read them from the disk.
fn forget_pages(folder: &Path) {
    for file in files(folder).iter().map(|file| File::open(file).unwrap()) {
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
