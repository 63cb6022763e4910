//! What a session costs, whatever its client asks for.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod machine;

use machine::Machine;
use mailbox::MAX_KEYWORDS;
use session::outbox::{HIGH_WATER, PIECE};
use std::ops::Range;
use transcript::{NAME, PASSWORD, Pipe, Port, World};

/// Most octets of a session that waits for its client, its buffers aside (they are empty then).
const IDLE_OCTETS: usize = 2_048;
/// Octets of the message: many times what a session may hold.
const MESSAGE_OCTETS: usize = 8 << 20;

fn said(wire: &mut machine::Wire) -> String {
    let mut said = Vec::new();
    while let Ok(octets) = wire.receive() {
        said.extend(octets);
    }
    String::from_utf8(said).unwrap()
}

fn signed_in(world: &mut Machine) -> machine::Wire {
    let mut wire = world.connect(Port::Imaps).unwrap();
    wire.send(format!("a LOGIN {NAME} {PASSWORD}\r\nb SELECT INBOX\r\n").as_bytes()).unwrap();
    assert!(said(&mut wire).contains("b OK "));
    wire
}

#[test]
fn a_session_that_waits_is_small_and_can_go_to_another_thread() {
    let octets = Machine::new().session_octets();
    println!("a session that waits has {octets} octets");
    assert!(octets <= IDLE_OCTETS, "{octets}");
}

#[test]
fn a_large_message_goes_in_and_comes_out_through_a_bounded_buffer() {
    let mut world = Machine::new();
    let mut wire = signed_in(&mut world);
    wire.send(format!("c APPEND INBOX {{{MESSAGE_OCTETS}}}\r\n").as_bytes()).unwrap();
    assert_eq!(said(&mut wire), "+ Ready for literal data\r\n");
    let line = [b"0123456789abcde".as_slice(), b"\n"].concat();
    for _ in 0..MESSAGE_OCTETS / PIECE {
        wire.send(&line.repeat(PIECE / line.len())).unwrap();
    }
    wire.send(b"\r\nd FETCH 1 (BODY.PEEK[] BODY.PEEK[TEXT])\r\n").unwrap();
    let said = said(&mut wire);
    assert!(said.contains("c OK [APPENDUID") && said.ends_with("d OK FETCH completed\r\n"));
    assert!(said.len() > MESSAGE_OCTETS);
    assert!(wire.largest_send() <= HIGH_WATER + PIECE, "{}", wire.largest_send());
    assert!(world.largest_piece() <= PIECE, "{}", world.largest_piece());
}

/// A message of one part, which is in base64 and holds NULs.
fn append_in_base64(wire: &mut machine::Wire) {
    let header = "Content-Transfer-Encoding: base64\r\n\r\n";
    let line = b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKiss  \r\n";
    let octets = header.len() + MESSAGE_OCTETS;
    wire.send(format!("c APPEND INBOX {{{octets}}}\r\n{header}").as_bytes()).unwrap();
    for _ in 0..MESSAGE_OCTETS / PIECE {
        wire.send(&line.repeat(PIECE / line.len())).unwrap();
    }
    wire.send(b"\r\n").unwrap();
    assert!(said(wire).contains("c OK [APPENDUID"));
}

#[test]
fn a_large_part_is_decoded_through_a_bounded_buffer() {
    let mut world = Machine::new();
    let mut wire = signed_in(&mut world);
    append_in_base64(&mut wire);
    wire.send(b"d FETCH 1 BINARY.SIZE[1]\r\n").unwrap();
    let size = said(&mut wire);
    let size: usize = size.split_once("[1] ").unwrap().1.split_once(')').unwrap().0.parse().unwrap();
    assert!(size > MESSAGE_OCTETS / 2);
    wire.send(b"e FETCH 1 BINARY.PEEK[1]\r\n").unwrap();
    let told = said(&mut wire);
    assert!(told.starts_with(&format!("* 1 FETCH (BINARY[1] ~{{{size}}}\r\n")));
    assert!(told.ends_with(")\r\ne OK FETCH completed\r\n"));
    assert!(told.len() > size);
    assert!(wire.largest_send() <= HIGH_WATER + PIECE, "{}", wire.largest_send());
    assert!(world.largest_piece() <= PIECE, "{}", world.largest_piece());
}

#[test]
fn a_part_fetched_bit_by_bit_is_not_decoded_from_its_beginning_each_time() {
    let mut world = Machine::new();
    let mut wire = signed_in(&mut world);
    append_in_base64(&mut wire);
    let before = world.octets_read();
    let (mut at, mut whole) = (0, Vec::new());
    loop {
        wire.send(format!("d FETCH 1 BINARY.PEEK[1]<{at}.{PIECE}>\r\n").as_bytes()).unwrap();
        let bit = said(&mut wire).into_bytes();
        let Some(start) = bit.iter().position(|octet| *octet == b'\n').filter(|_| bit.contains(&b'~')) else {
            break;
        };
        let end = bit.len() - ")\r\nd OK FETCH completed\r\n".len();
        whole.extend_from_slice(&bit[start + 1..end]);
        at = whole.len();
    }
    let read = world.octets_read() - before;
    println!("{read} octets were read to decode {MESSAGE_OCTETS} in bits of {PIECE}");
    assert!(read <= 6 * MESSAGE_OCTETS, "{read}");
    wire.send(b"e FETCH 1 BINARY.PEEK[1]\r\n").unwrap();
    let all = said(&mut wire).into_bytes();
    assert!(all.windows(whole.len()).any(|octets| octets == whole));
}

/// What Thunderbird asks of everything when it comes first.
#[test]
fn header_fields_and_what_a_record_knows_cost_no_more_than_the_header() {
    let mut world = Machine::new();
    let mut wire = signed_in(&mut world);
    append_in_base64(&mut wire);
    let mut cost = |items: &str| {
        let before = world.octets_read();
        wire.send(format!("d UID FETCH 1:* ({items})\r\n").as_bytes()).unwrap();
        assert!(said(&mut wire).ends_with("d OK FETCH completed\r\n"));
        world.octets_read() - before
    };
    assert_eq!(cost("UID RFC822.SIZE FLAGS INTERNALDATE ENVELOPE BODYSTRUCTURE PREVIEW"), 0);
    let header = "Content-Transfer-Encoding: base64\r\n\r\n".len();
    assert_eq!(cost("UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT CONTENT-TYPE)]"), header);
}

/// How many octets of the message are read to answer a FETCH of these ranges of its part, and what is told.
fn octets_read(ranges: impl Iterator<Item = (usize, usize)>) -> (usize, String) {
    let mut world = Machine::new();
    let mut wire = signed_in(&mut world);
    append_in_base64(&mut wire);
    let before = world.octets_read();
    let items: Vec<_> = ranges.map(|(from, octets)| format!("BINARY.PEEK[1]<{from}.{octets}>")).collect();
    wire.send(format!("d FETCH 1 ({})\r\n", items.join(" ")).as_bytes()).unwrap();
    let told = said(&mut wire);
    assert!(told.ends_with("d OK FETCH completed\r\n"), "{told}");
    assert_eq!(told.matches("BINARY[1]<").count(), items.len());
    (world.octets_read() - before, told)
}

/// T-19: n ranges are not n times the work, in whatever order, and wherever they lie.
#[test]
fn ranges_of_one_part_cost_what_the_part_costs_in_whatever_order_they_are_asked_for() {
    const STEP: usize = 96 << 10;
    // Far apart; all beyond the end; and long ones with short ones within them.
    let apart: Vec<_> = (0..40).map(|n| (n * STEP, 10)).collect();
    let beyond: Vec<_> = (0..40).map(|n| (2 * MESSAGE_OCTETS + n, 10)).collect();
    let within: Vec<_> = (30..50).flat_map(|n| [(n * STEP, 2 * STEP), (n * STEP + 1, 10)]).collect();
    for ranges in [apart, beyond, within] {
        let (up, first) = octets_read(ranges.iter().copied());
        let (down, second) = octets_read(ranges.iter().rev().copied());
        println!("{up} octets were read upwards, {down} downwards");
        assert!(up <= 2 * MESSAGE_OCTETS + ranges.len() * 6 * PIECE, "{up}");
        assert_eq!((down, second == first), (up, true), "the same order, the same answer");
    }
}

#[test]
fn many_messages_are_told_through_a_bounded_buffer() {
    let mut world = Machine::new();
    world.lift_quota();
    let mut wire = signed_in(&mut world);
    for _ in 0..2_000 {
        wire.send(b"c APPEND INBOX {20+}\r\nSubject: x\r\n\r\nbody\r\n\r\n").unwrap();
    }
    said(&mut wire);
    wire.send(b"d FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER])\r\n").unwrap();
    let said = said(&mut wire);
    assert_eq!(said.matches(" FETCH (UID ").count(), 2_000);
    assert!(said.len() > 2 * HIGH_WATER);
    assert!(wire.largest_send() <= HIGH_WATER + PIECE, "{}", wire.largest_send());
}

#[test]
fn many_numbers_are_told_through_a_bounded_buffer() {
    let mut world = Machine::new();
    world.lift_quota();
    let mut wire = signed_in(&mut world);
    wire.send(b"c APPEND INBOX {3+}\r\nx:y\r\n").unwrap();
    for _ in 0..17 {
        wire.send(b"d COPY 1:* INBOX\r\n").unwrap();
    }
    said(&mut wire);
    wire.send(b"e SEARCH ALL MODSEQ 1\r\n").unwrap();
    let said = said(&mut wire);
    let numbers: String = (1..=1 << 17).map(|number| format!(" {number}")).collect();
    assert!(numbers.len() > 4 * HIGH_WATER);
    // Not assert_eq: nobody wants to read that.
    assert!(
        said.starts_with(&format!("* SEARCH{numbers} (MODSEQ ")) && said.ends_with("SEARCH completed\r\n")
    );
    assert!(wire.largest_send() <= HIGH_WATER + PIECE, "{}", wire.largest_send());
}

#[test]
fn a_set_of_a_hundred_thousand_ranges_is_taken() {
    let mut world = Machine::new();
    let mut wire = signed_in(&mut world);
    wire.send(b"c APPEND INBOX {3+}\r\nx:y\r\n").unwrap();
    said(&mut wire);
    // Quadratic work would take minutes here.
    let set: Vec<_> = (0..100_000).map(|n| (2 * n + 1).to_string()).collect();
    wire.send(format!("d UID FETCH {} UID\r\n", set.join(",")).as_bytes()).unwrap();
    assert_eq!(said(&mut wire), "* 1 FETCH (UID 1)\r\nd OK FETCH completed\r\n");
}

#[test]
fn new_keywords_are_offered_as_long_as_there_is_room_for_one() {
    let mut world = Machine::new();
    let mut wire = signed_in(&mut world);
    wire.send(b"c APPEND INBOX {3+}\r\nx:y\r\n").unwrap();
    said(&mut wire);
    let mut store = |keywords: Range<usize>| {
        let keywords: Vec<_> = keywords.map(|n| format!("k{n}")).collect();
        let command = format!("d STORE 1 +FLAGS.SILENT ({})\r\n", keywords.join(" "));
        wire.send(command.as_bytes()).unwrap();
        said(&mut wire)
    };
    // RFC 9051, 7.1: "if that limit is reached, the server MUST send a new PERMANENTFLAGS response code without \*".
    assert!(store(0..MAX_KEYWORDS - 1).contains(" \\*)] "));
    let last = store(MAX_KEYWORDS - 1..MAX_KEYWORDS);
    assert!(last.contains("* OK [PERMANENTFLAGS (") && !last.contains("\\*"), "{last}");
    assert!(last.ends_with("d OK STORE completed\r\n"));
    assert!(store(MAX_KEYWORDS..MAX_KEYWORDS + 1).starts_with("d NO [LIMIT] "));
    let mut another = world.connect(Port::Imaps).unwrap();
    another.send(format!("a LOGIN {NAME} {PASSWORD}\r\nb SELECT INBOX\r\n").as_bytes()).unwrap();
    assert!(!said(&mut another).contains("\\*"));
}
