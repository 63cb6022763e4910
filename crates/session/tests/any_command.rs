//! Commands made by dice from the grammar, good and bad: each is answered once, in order, by its tag, and every response
//! can be read by another implementation.
//!
//! `GATEPOST_FUZZ_CASES=1000000` makes so many, `GATEPOST_SEED=7` makes one conversation again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod heard;
mod machine;

use heard::Listener;
use machine::{Machine, Wire};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use testkit::dice::Dice;
use transcript::{NAME, PASSWORD, Pipe, Port, World};

/// How many commands are made unless more are asked for.
const COMMANDS: u64 = 20_000;
/// How many commands a conversation has: a mailbox that lives too long has seen everything.
const CONVERSATION: u64 = 50;

fn set(dice: &mut Dice) -> String {
    let number = |dice: &mut Dice| dice.pick(&["1", "2", "3", "4", "7", "*", "*", "4294967295"]).to_owned();
    match dice.below(8) {
        0 | 1 => "1:*".into(),
        2 | 3 => "$".into(),
        4 => number(dice),
        5 => format!("{}:{}", number(dice), number(dice)),
        6 => format!("{},{}:{}", number(dice), number(dice), number(dice)),
        _ => dice.pick(&["0", "1,$", "", "1:", "18446744073709551616"]).into(),
    }
}

fn mailbox(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "INBOX",
        "inbox",
        "Trash",
        "Work",
        "Work/x",
        "\"a b\"",
        "{4+}\r\nSent",
        "Nowhere",
        "\"\"",
        "&-",
    ])
}

fn string(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "message",
        "\"message 2\"",
        "{1+}\r\nx",
        "\"\"",
        "\"gr\u{fc}n\"",
        "\"\\\"\\\\\"",
        "hello",
        "\"\\x\"",
    ])
}

fn date(dice: &mut Dice) -> &'static str {
    dice.pick(&["7-Feb-1994", "\"1-Jan-2026\"", "31-Dec-9999", "32-Jan-2026"])
}

fn key(dice: &mut Dice, depth: u64) -> String {
    match dice.below(if depth == 0 { 10 } else { 15 }) {
        0 => dice
            .pick(&["ALL", "SEEN", "UNSEEN", "NEW", "OLD", "RECENT", "DELETED", "KEYWORD $x", "DRAFT"])
            .into(),
        1 => set(dice),
        2 => format!("UID {}", set(dice)),
        3 => format!("{} {}", dice.pick(&["SUBJECT", "FROM", "BODY", "TEXT", "HEADER To"]), string(dice)),
        4 => format!("{} {}", dice.pick(&["BEFORE", "SENTON", "SINCE", "SAVEDSINCE"]), date(dice)),
        5 => format!("{} {}", dice.pick(&["LARGER", "SMALLER", "OLDER", "YOUNGER"]), dice.below(300_u64)),
        6 => format!("MODSEQ {}", dice.below(30_u64)),
        7 => {
            dice.pick(&["EMAILID M1-1-1", "THREADID T64", "FUZZY x", "SAVEDATESUPPORTED", "NONSENSE"]).into()
        }
        8 | 9 => "ALL".into(),
        10 | 11 => format!("NOT {}", key(dice, depth - 1)),
        12 | 13 => format!("OR {} {}", key(dice, depth - 1), key(dice, depth - 1)),
        _ => format!("({})", keys(dice, depth - 1)),
    }
}

fn keys(dice: &mut Dice, depth: u64) -> String {
    (0..=dice.below(2_u64)).map(|_| key(dice, depth)).collect::<Vec<_>>().join(" ")
}

fn returns(dice: &mut Dice) -> String {
    if dice.chance(40) {
        return String::new();
    }
    let options = ["MIN", "MAX", "ALL", "COUNT", "SAVE", "SAVE", "PARTIAL 1:2", "PARTIAL -1:-3", "UPDATE"];
    format!("RETURN ({}) ", dice.some(&options).join(" "))
}

fn charset(dice: &mut Dice) -> &'static str {
    dice.pick(&["UTF-8", "US-ASCII", "utf-8", "KOI8-R"])
}

fn search(dice: &mut Dice) -> String {
    let charset = if dice.one_in(4) { format!("CHARSET {} ", charset(dice)) } else { String::new() };
    format!("SEARCH {}{charset}{}", returns(dice), keys(dice, 3))
}

fn sort(dice: &mut Dice) -> String {
    let by = dice.pick(&["DATE", "REVERSE SIZE", "SUBJECT ARRIVAL", "DISPLAYFROM REVERSE TO", "NONSENSE"]);
    format!("SORT {}({by}) {} {}", returns(dice), charset(dice), keys(dice, 2))
}

fn thread(dice: &mut Dice) -> String {
    let how = dice.pick(&["REFERENCES", "ORDEREDSUBJECT", "REFS"]);
    format!("THREAD {how} {} {}", charset(dice), keys(dice, 2))
}

const ITEMS: [&str; 21] = [
    "FLAGS",
    "UID",
    "MODSEQ",
    "INTERNALDATE",
    "RFC822.SIZE",
    "ENVELOPE",
    "BODY",
    "BODYSTRUCTURE",
    "BODY[]",
    "BODY.PEEK[HEADER.FIELDS (To \"Subject\")]",
    "BODY.PEEK[TEXT]<1.3>",
    "BODY[1.MIME]",
    "BODY.PEEK[2.HEADER]<4294967295.9>",
    "RFC822.TEXT",
    "BINARY.PEEK[1]",
    "BINARY.SIZE[1]",
    "SAVEDATE",
    "EMAILID",
    "THREADID",
    "PREVIEW",
    "NONSENSE",
];

fn fetch(dice: &mut Dice) -> String {
    let items: Vec<_> = (0..=dice.below(3_u64)).map(|_| dice.pick(&ITEMS)).collect();
    let modifiers = dice.pick(&[
        "",
        "",
        "",
        " (CHANGEDSINCE 3)",
        " (CHANGEDSINCE 0 VANISHED)",
        " (PARTIAL -1:-2)",
        " (PARTIAL 2:9 CHANGEDSINCE 2)",
        " (NONSENSE)",
    ]);
    format!("FETCH {} ({}){modifiers}", set(dice), items.join(" "))
}

fn store(dice: &mut Dice) -> String {
    let condition = dice.pick(&["", "", "", "(UNCHANGEDSINCE 5) ", "(UNCHANGEDSINCE 0) "]);
    let action = dice.pick(&["FLAGS", "+FLAGS", "-FLAGS", "+FLAGS.SILENT", "-flags.silent", "FLAG"]);
    let flags =
        dice.pick(&["(\\Seen)", "(\\Deleted)", "\\Deleted", "(\\Flagged $x)", "()", "(\\Recent)", "(\\Foo)"]);
    format!("STORE {} {condition}{action} {flags}", set(dice))
}

fn transfer(dice: &mut Dice) -> String {
    format!("{} {} {}", dice.pick(&["COPY", "COPY", "MOVE"]), set(dice), mailbox(dice))
}

/// A command that works on messages.
fn on_messages(dice: &mut Dice) -> String {
    let command = match dice.below(12) {
        0..=3 => search(dice),
        4 => sort(dice),
        5 => thread(dice),
        6 | 7 => fetch(dice),
        8 | 9 => store(dice),
        10 => transfer(dice),
        _ => format!("EXPUNGE {}", set(dice)),
    };
    if dice.chance(60) { format!("UID {command}") } else { command }
}

fn select(dice: &mut Dice) -> String {
    let parameters =
        dice.pick(&["", "", "", " (CONDSTORE)", " (QRESYNC (760686745 2))", " (QRESYNC (1 1 1:9 (1 1)))"]);
    let mailbox = if dice.chance(70) { "INBOX" } else { mailbox(dice) };
    format!("{} {mailbox}{parameters}", dice.pick(&["SELECT", "SELECT", "EXAMINE"]))
}

fn append(dice: &mut Dice) -> String {
    let message = "Subject: message 2\r\nTo: a@b\r\n\r\nhello\r\n";
    let flags = dice.pick(&["", "(\\Seen $x) ", "(\\Deleted) ", "\"07-Feb-1994 21:52:25 -0800\" "]);
    let literal = dice.pick(&["", "", "~"]);
    let again = if dice.one_in(5) { " {3+}\r\nx:y" } else { "" };
    format!("APPEND {} {flags}{literal}{{{}+}}\r\n{message}{again}", mailbox(dice), message.len())
}

/// A command that works on mailboxes, or on the session.
fn on_mailboxes(dice: &mut Dice) -> String {
    match dice.below(16) {
        0..=3 => select(dice),
        4..=7 => append(dice),
        8 => {
            let items = dice.pick(&["MESSAGES UNSEEN RECENT", "HIGHESTMODSEQ SIZE", "MAILBOXID APPENDLIMIT"]);
            format!("STATUS {} ({items})", mailbox(dice))
        }
        9 => {
            format!("{} \"\" {}", dice.pick(&["LIST", "LSUB", "XLIST"]), dice.pick(&["*", "%", "W%", "\"\""]))
        }
        10 => format!("{} {}", dice.pick(&["CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE"]), mailbox(dice)),
        11 => format!("RENAME {} {}", mailbox(dice), mailbox(dice)),
        12 => format!(
            "ENABLE {}",
            dice.pick(&["CONDSTORE", "QRESYNC", "UIDONLY", "UTF8=ACCEPT", "IMAP4rev2", "NONSENSE"])
        ),
        13 => "IDLE\r\nDONE".into(),
        14 => dice.pick(&["EXPUNGE", "CLOSE", "UNSELECT", "CHECK"]).into(),
        _ => dice
            .pick(&["NOOP", "CAPABILITY", "NAMESPACE", "ID NIL", "STARTTLS", "LOGIN a b", "NONSENSE x"])
            .into(),
    }
}

/// Mostly sense; now and then with an octet too many or too few.
fn command(dice: &mut Dice) -> String {
    let mut command = if dice.chance(65) { on_messages(dice) } else { on_mailboxes(dice) };
    if dice.one_in(20) && !command.contains('\n') {
        let at = dice.below(command.len());
        if command.is_char_boundary(at) && dice.one_in(2) {
            command.insert(at, dice.pick(&['(', ')', ' ', '"', '*', '$', '\\', '0']));
        } else if command.is_char_boundary(at) && command.is_char_boundary(at + 1) {
            command.remove(at);
        }
    }
    command
}

fn everything_said(wire: &mut Wire) -> Vec<u8> {
    let mut said = Vec::new();
    while let Ok(octets) = wire.receive() {
        if octets.is_empty() {
            break;
        }
        said.extend(octets);
    }
    said
}

fn signed_in(world: &mut Machine) -> Wire {
    let mut wire = world.connect(Port::Imaps).unwrap();
    wire.send(format!("l LOGIN {NAME} {PASSWORD}\r\ns SELECT INBOX\r\n").as_bytes()).unwrap();
    everything_said(&mut wire);
    wire
}

/// How much was said, and how much of it was done.
#[derive(Default)]
struct Tally {
    commands: u64,
    done: u64,
}

/// Sends some commands at once, and looks at what comes; gives how many were done.
fn exchange((wire, listener): &mut (Wire, Listener), tags: &[String], text: &str) -> u64 {
    wire.send(text.as_bytes()).unwrap();
    let said = everything_said(wire);
    let shown = || format!("{text:?} was answered by {}", said.escape_ascii());
    listener.responses(&said).unwrap_or_else(|why| panic!("{why}\n{}", shown()));
    let words =
        said.split(|octet| *octet == b'\n').filter_map(|line| line.split(|octet| *octet == b' ').next());
    let answered: Vec<_> = words.filter(|word| word.starts_with(b"tag")).collect();
    let tags: Vec<_> = tags.iter().map(String::as_bytes).collect();
    match wire.is_over() {
        // Too many mistakes in a row.
        true => assert!(tags.starts_with(&answered), "{}", shown()),
        false => assert_eq!(answered, tags, "{}", shown()),
    }
    let is_done = |line: &[u8]| line.starts_with(b"tag") && line.windows(4).any(|octets| octets == b" OK ");
    said.split(|octet| *octet == b'\n').filter(|line| is_done(line)).count() as u64
}

/// Three sessions of one account.
fn converse(seed: u64) -> Tally {
    let (mut dice, mut world) = (Dice::new(seed), Machine::new());
    let mut wires = [(); 3].map(|()| (signed_in(&mut world), Listener::default()));
    let mut tally = Tally::default();
    while tally.commands < CONVERSATION {
        let wire = &mut wires[dice.below(3)];
        if wire.0.is_over() {
            *wire = (signed_in(&mut world), Listener::default());
        }
        let tags: Vec<_> = (0..=dice.below(3_u64)).map(|n| format!("tag{}x{n}", tally.commands)).collect();
        let lines = tags.iter().map(|tag| format!("{tag} {}\r\n", command(&mut dice)));
        tally.done += exchange(wire, &tags, &lines.collect::<String>());
        tally.commands += tags.len() as u64;
    }
    tally
}

#[test]
fn any_command_is_answered_once_and_in_words_that_others_can_read() {
    let asked = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (goal, only) = (asked("GATEPOST_FUZZ_CASES").unwrap_or(COMMANDS), asked("GATEPOST_SEED"));
    let mut tally = Tally::default();
    for seed in only.map_or(1.., |seed| seed..) {
        match catch_unwind(AssertUnwindSafe(|| converse(seed))) {
            Ok(more) => {
                tally.commands += more.commands;
                tally.done += more.done;
            }
            Err(panic) => {
                println!("that was GATEPOST_SEED={seed}");
                resume_unwind(panic);
            }
        }
        if tally.commands >= goal || only.is_some() {
            break;
        }
    }
    println!("{} commands, {} of them done", tally.commands, tally.done);
    assert!(only.is_some() || 3 * tally.done > tally.commands, "hardly anything was sense");
}
