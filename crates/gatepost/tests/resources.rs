//! What the server holds in memory, whatever it is asked for: counted, not timed, on the real process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and this one says what it measured"
)]

mod support;

use support::{Place, Server};
use testkit::dice::Dice;
use testkit::imap::{Client, Response, UNASKED};

const ACCOUNT: &str = "ann@example.org";
/// A message as large as the server takes, nearly.
const LARGE: usize = 50_000_000;
/// What such a message may cost on its way in or out: some pieces of it, and the buffers on their way. Some 6 MiB were
/// measured; the rest is for what an allocator keeps.
const FEW: u64 = 12 << 20;
const EIGHT: usize = 8;
/// What so many such messages may cost together. Some 11 MiB were measured.
const AT_ONCE: u64 = 32 << 20;
/// What a client may cost that asks for everything and reads nothing. The server's own buffer is 256 KiB; TLS and
/// what the allocator keeps come on top. The kernel's socket buffers are not the process's.
const STUCK: u64 = 1 << 20;
const STUCK_CLIENTS: u64 = 8;
/// What they ask for: more than all buffers on the way can hold, the kernel's on both sides included.
const EVERYTHING: &str = "FETCH 1:12 (BODY.PEEK[])";
const MANY: usize = 12;
const SOME: usize = 2 << 20;
/// What telling of a hundred thousand messages may cost. Most of it is the index, whose cache fills up to a bound of
/// its own while what was appended is moved into it; the session itself holds 256 KiB. Some 22 MiB were measured.
const TELLING: u64 = 32 << 20;
/// What is told is so many times as large at least: a limit says something only where more could have been held.
const TIMES: u64 = 3;
/// Items that say much of each message.
const MUCH: &str = "FETCH 1:* (ENVELOPE BODYSTRUCTURE)";
/// Items that need no record: the whole answer could be made at once, from memory.
const FROM_MEMORY: &str = "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ EMAILID)";
/// How often that is asked for before anything of it is read.
const PIPELINED: usize = 4;

/// Does something and says by how much the server's memory was above where it began, at most.
fn growth(server: &Server, what: &str, work: impl FnOnce()) -> u64 {
    let before = server.memory();
    server.forget_peak();
    let base = server.memory().peak;
    work();
    let growth = server.memory().peak.saturating_sub(base);
    println!("{what}: {} KiB above {} KiB", growth >> 10, base >> 10);
    println!("  its own: {} KiB, before {} KiB", server.memory().anonymous >> 10, before.anonymous >> 10);
    growth
}

fn assert_growth(server: &Server, most: u64, what: &str, work: impl FnOnce()) {
    let growth = growth(server, what, work);
    assert!(growth <= most, "{what} took {growth} octets, and {most} are allowed");
}

#[test]
fn a_message_of_fifty_megabytes_comes_and_goes_in_a_few() {
    let place = Place::new(&[ACCOUNT], "");
    let server = place.start();
    let (message, second_part) = large_message();
    let mut client = server.session(ACCOUNT);
    // Whatever is made once is made before we count.
    append(&mut client, b"Subject: small\r\n\r\nsmall\r\n");
    client.ask("SELECT INBOX").unwrap();
    client.ask("FETCH 1 BODY.PEEK[]").unwrap();

    assert_growth(&server, FEW, "APPEND", || append(&mut client, &message));
    client.ask("NOOP").unwrap();
    assert_growth(&server, FEW, "FETCH BODY[]", || {
        assert!(section(&mut client, "BODY.PEEK[]", "BODY[]") == message);
    });
    assert_growth(&server, FEW, "FETCH BODY[2]<n.m>", || {
        let got = section(&mut client, "BODY.PEEK[2]<40000000.100000>", "BODY[2]<40000000>");
        assert!(got == message[second_part + 40_000_000..][..100_000]);
    });
    assert_growth(&server, FEW, "FETCH BODY[TEXT]", || {
        let start = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        assert!(section(&mut client, "BODY.PEEK[TEXT]", "BODY[TEXT]") == message[start..]);
    });
    assert_growth(&server, FEW, "UID COPY and FETCH ENVELOPE BODYSTRUCTURE", || {
        client.ask("COPY 2 Archive").unwrap();
        client.ask("FETCH 2 (ENVELOPE BODYSTRUCTURE RFC822.SIZE)").unwrap();
    });
    client.ask("NOOP").unwrap();
}

#[test]
fn eight_messages_of_fifty_megabytes_come_and_go_at_once_in_little() {
    let place = Place::new(&[ACCOUNT], "");
    let server = place.start();
    let mut clients: Vec<Client> = (0..EIGHT).map(|_| server.session(ACCOUNT)).collect();
    append(&mut clients[0], b"Subject: small\r\n\r\nsmall\r\n");
    clients[0].ask("SELECT INBOX").unwrap();
    clients[0].ask("FETCH 1 BODY.PEEK[]").unwrap();
    let (message, _) = large_message();

    assert_growth(&server, AT_ONCE, "8 APPENDs at once", || {
        at_once(&mut clients, |client| append(client, &message))
    });
    clients.iter_mut().for_each(|client| drop(client.ask("SELECT INBOX").unwrap()));
    assert_growth(&server, AT_ONCE, "8 FETCHes at once", || {
        at_once(&mut clients, |client| assert!(section(client, "BODY.PEEK[]", "BODY[]") == message));
    });
    assert_growth(&server, AT_ONCE, "8 FETCHes of a part at once", || {
        at_once(&mut clients, |client| {
            section(client, "BODY.PEEK[2]<30000000.10000000>", "BODY[2]<30000000>");
        });
    });
}

/// Lets each client do something, all of them at the same time.
fn at_once(clients: &mut [Client], work: impl Fn(&mut Client) + Sync) {
    std::thread::scope(|scope| clients.iter_mut().for_each(|client| drop(scope.spawn(|| work(client)))));
}

#[test]
fn who_asks_for_everything_and_does_not_read_holds_little_and_nobody_up() {
    let place = Place::new(&[ACCOUNT], "");
    let server = place.start();
    let mut client = server.session(ACCOUNT);
    let mut dice = Dice::new(1);
    (0..MANY).for_each(|_| append(&mut client, &message_of(&mut dice, SOME)));
    read_everything(&mut client);

    let mut stuck: Vec<Client> = (0..STUCK_CLIENTS).map(|_| server.session(ACCOUNT)).collect();
    assert_growth(&server, STUCK * STUCK_CLIENTS, "8 clients that do not read", || {
        stuck.iter_mut().for_each(ask_and_do_not_read);
        // That others are served shows that nobody waits for those, and leaves them time to fill every buffer.
        for _ in 0..3 {
            read_everything(&mut client);
            append(&mut client, b"Subject: x\r\n\r\nfor others\r\n");
        }
    });
    // They were not forgotten: who reads at last gets all that was asked for.
    assert_eq!(sizes(stuck.remove(0)), [SOME; MANY]);
}

fn ask_and_do_not_read(client: &mut Client) {
    client.ask("SELECT INBOX").unwrap();
    client.send(EVERYTHING).unwrap();
}

fn read_everything(client: &mut Client) {
    client.ask("EXAMINE INBOX").unwrap();
    client.ask(EVERYTHING).unwrap();
}

fn sizes(mut client: Client) -> Vec<usize> {
    let sizes = std::iter::from_fn(|| client.response().unwrap().fetched());
    sizes.map(|message| message.octets("BODY[]").unwrap().len()).collect()
}

#[test]
fn what_is_told_of_a_hundred_thousand_messages_is_never_held_at_once() {
    let place = Place::new(&[ACCOUNT], "");
    let server = place.start();
    let mut client = server.session(ACCOUNT);
    let messages = fill(&mut client);
    assert_growth(&server, TELLING, MUCH, || {
        let told = told(&mut client, MUCH);
        assert_eq!(told.messages, messages);
        assert!(told.octets >= TIMES * TELLING, "{told:?}: what was asked for proves nothing");
    });
    let once = told(&mut client, FROM_MEMORY);
    assert_eq!(once.messages, messages);

    let most = TELLING + STUCK * STUCK_CLIENTS;
    // Of each the first answer alone.
    assert!(once.octets * STUCK_CLIENTS >= TIMES * most, "{once:?}: what was asked for proves nothing");
    let mut stuck: Vec<Client> = (0..STUCK_CLIENTS).map(|_| server.session(ACCOUNT)).collect();
    assert_growth(&server, most, "8 clients that ask for all flags, and again, and do not read", || {
        for client in &mut stuck {
            client.ask("SELECT INBOX").unwrap();
            for _ in 0..PIPELINED {
                client.send(FROM_MEMORY).unwrap();
            }
        }
        // Others are served meanwhile, which leaves those the time to fill every buffer.
        (0..3).for_each(|_| assert_eq!(told(&mut client, FROM_MEMORY), once));
    });
    let mut first = stuck.remove(0);
    (0..PIPELINED).for_each(|_| assert_eq!(hear(&mut first), once));
}

/// Doubles a mailbox by copying it into itself until it has a hundred thousand messages.
fn fill(client: &mut Client) -> u64 {
    let subject = "one of very many ".repeat(60);
    append(client, format!("Subject: {subject}\r\n\r\nthe same\r\n").as_bytes());
    client.ask("SELECT INBOX").unwrap();
    let mut messages = 1_u64;
    while messages < 100_000 {
        client.ask("COPY 1:* INBOX").unwrap();
        messages *= 2;
    }
    // From here on they are recent to nobody, and are told to everybody in the same words.
    client.ask("SELECT INBOX").unwrap();
    messages
}

/// What came of FETCH responses before a command was answered.
#[derive(Debug, Default, PartialEq)]
struct Told {
    messages: u64,
    octets: u64,
}

fn told(client: &mut Client, command: &str) -> Told {
    client.send(command).unwrap();
    hear(client)
}

/// Counts the responses up to the tagged one; none of them is kept.
fn hear(client: &mut Client) -> Told {
    let mut told = Told::default();
    loop {
        let response = client.response().unwrap();
        if response.status().is_some() {
            return told;
        }
        if response.fetched().is_some() {
            told.messages += 1;
            told.octets += response.size() as u64;
        }
    }
}

fn append(client: &mut Client, message: &[u8]) {
    let tag = if message.len() <= UNASKED {
        client.send_append("INBOX", message)
    } else {
        client.send_large("APPEND INBOX", message)
    };
    client.answer(tag.unwrap()).unwrap();
}

fn section(client: &mut Client, asked: &str, told: &str) -> Vec<u8> {
    let came = client.ask(&format!("FETCH 2 ({asked})")).unwrap();
    let mut fetched = came.iter().filter_map(Response::fetched);
    fetched.find_map(|message| message.octets(told).map(<[u8]>::to_vec)).unwrap()
}

/// A message with two parts, and where the text of the second begins.
fn large_message() -> (Vec<u8>, usize) {
    let mut message =
        b"Subject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nhello\r\n\
        --b\r\nContent-Type: application/octet-stream\r\n\r\n"
            .to_vec();
    let second_part = message.len();
    lines(&mut Dice::new(50), &mut message, LARGE);
    message.extend_from_slice(b"--b--\r\n");
    (message, second_part)
}

fn message_of(dice: &mut Dice, octets: usize) -> Vec<u8> {
    let mut message = b"Subject: of some size\r\n\r\n".to_vec();
    lines(dice, &mut message, octets);
    message.resize(octets, b'.');
    message
}

/// Fills up to `octets` with lines that do not compress well.
fn lines(dice: &mut Dice, message: &mut Vec<u8>, octets: usize) {
    while message.len() + 66 < octets {
        let words = [dice.any(), dice.any(), dice.any(), dice.any()];
        let line = words.map(|word| format!("{word:016x}")).concat();
        message.extend_from_slice(line.as_bytes());
        message.extend_from_slice(b"\r\n");
    }
}
