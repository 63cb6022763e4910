//! SORT RETURN (PARTIAL): to turn a page is not to sort anew (RFC 9394; RFC 5267, 4.4).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod machine;

use machine::{Machine, Wire};
use transcript::{NAME, PASSWORD, Pipe, Port, World};

const MESSAGES: usize = 30;

struct Client {
    world: Machine,
    wire: Wire,
}

impl Client {
    /// With messages whose subjects are in no order.
    fn new() -> Self {
        let mut world = Machine::new();
        let wire = world.connect(Port::Imaps).unwrap();
        let mut client = Self { world, wire };
        client.ask(&format!("LOGIN {NAME} {PASSWORD}"));
        client.ask("SELECT INBOX");
        (0..MESSAGES).for_each(|number| client.append(number * 7 % MESSAGES));
        client
    }

    fn append(&mut self, subject: usize) {
        let text = format!("Subject: {subject:03}\r\n\r\n");
        self.ask(&format!("APPEND INBOX {{{}+}}\r\n{text}", text.len()));
    }

    fn ask(&mut self, command: &str) -> String {
        self.wire.send(format!("t {command}\r\n").as_bytes()).unwrap();
        let pieces = std::iter::from_fn(|| self.wire.receive().ok().filter(|octets| !octets.is_empty()));
        String::from_utf8(pieces.flatten().collect()).unwrap()
    }

    /// Asks for all pages of an order, and how many records are read for each. Together they are what SORT tells.
    fn turn(&mut self, criteria: &str, key: &str) -> Vec<usize> {
        let (mut reads, mut pages) = (Vec::new(), Vec::new());
        for first in [1, 11, 21, 31] {
            let before = self.world.records_read();
            let range = format!("{first}:{}", first + 9);
            let told = self.ask(&format!("SORT RETURN (PARTIAL {range}) ({criteria}) UTF-8 {key}"));
            reads.push(self.world.records_read() - before);
            let page = told
                .split_once(&format!("PARTIAL ({range} "))
                .unwrap()
                .1
                .split_once(')')
                .unwrap()
                .0
                .to_owned();
            pages.extend((page != "NIL").then_some(page));
        }
        let told = self.ask(&format!("SORT RETURN (ALL) ({criteria}) UTF-8 {key}"));
        let all = told.split_once(" ALL ").unwrap().1.split_once("\r\n").unwrap().0.to_owned();
        // Ranges may be cut where a page ends.
        assert_eq!(numbers(&pages.join(",")), numbers(&all), "{criteria}");
        reads
    }
}

fn numbers(set: &str) -> Vec<u32> {
    let range = |range: &str| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        first.parse().unwrap()..=last.parse().unwrap()
    };
    set.split(',').flat_map(range).collect()
}

#[test]
fn an_order_is_made_once_for_all_its_pages() {
    let mut client = Client::new();
    assert_eq!(client.turn("SUBJECT", "ALL"), [MESSAGES, 0, 0, 0]);
    // Another order, or of others, is another.
    assert_eq!(client.turn("REVERSE SUBJECT", "ALL"), [MESSAGES, 0, 0, 0]);
    assert_eq!(client.turn("SUBJECT", "1:15"), [15, 0, 0, 0]);
}

#[test]
fn what_happens_between_two_pages_is_in_the_next() {
    let mut client = Client::new();
    let mut reads = |between: &str, criteria: &str| {
        client.ask("SORT RETURN (PARTIAL 1:10) (SUBJECT) UTF-8 ALL");
        for command in between.split('|').filter(|command| !command.is_empty()) {
            match command {
                "append" => client.append(0),
                command => drop(client.ask(command)),
            }
        }
        client.turn(criteria, "ALL").first().copied().unwrap()
    };
    assert_eq!(reads("", "SUBJECT"), 0);
    assert_eq!(reads("", "SUBJECT DATE"), MESSAGES);
    // Flags are nothing to sort by.
    assert_eq!(reads("STORE 1:9 +FLAGS.SILENT (\\Seen)|FETCH 1:3 FLAGS|SEARCH ALL", "SUBJECT"), 0);
    assert_eq!(reads("append", "SUBJECT"), MESSAGES + 1);
    assert_eq!(reads("STORE 3 +FLAGS.SILENT (\\Deleted)|EXPUNGE", "SUBJECT"), MESSAGES);
    assert_eq!(reads("SELECT INBOX", "SUBJECT"), MESSAGES);
    assert_eq!(reads("IDLE\r\nDONE", "SUBJECT"), MESSAGES);
}
