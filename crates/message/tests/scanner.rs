//! The scanner's promises, whatever the octets are: a tree, exact spans, linear work, limits; and no difference
//! however the octets are cut.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod corpus;

use message::limits::{MAX_DEPTH, MAX_PARTS, MAX_RECORD_OCTETS};
use message::{Kind, Parsed, PartTable, RecordView, Scanner, Span, parse, record};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

#[test]
fn every_corpus_message_yields_a_tree_in_linear_work() {
    for (name, message) in corpus::torture() {
        check(&name, &message);
        check(&name, &corpus::with_crlf(&message));
    }
    for set in corpus::REAL_SETS {
        for (number, message) in (1..).zip(corpus::real(set)) {
            check(&format!("{set}/{number}"), &message);
        }
    }
}

#[test]
fn cutting_a_corpus_message_anywhere_changes_nothing() {
    for (name, message) in corpus::torture() {
        for size in [1, 3, 64, 259, 260, 261, 4096] {
            check_cut(&name, &message, size);
        }
    }
}

/// Lines that mean something to the scanner, and some that only look like it.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let texts: Vec<&[u8]> = vec![
        b"",
        b" ",
        b"x",
        b"--",
        b"--a",
        b"--a--",
        b"--ab",
        b"--ab--",
        b"--b",
        b"--b--",
        b"--b-- ",
        b"-",
        b"\r",
        b"\0",
        b"Content-Type: multipart/mixed; boundary=a",
        b"Content-Type: multipart/digest; boundary=\"ab\"",
        b"Content-Type: multipart/x; boundary=b",
        b"Content-Type: message/rfc822",
        b"Content-Type: text/plain; charset=koi8-r",
        b"Content-Transfer-Encoding: base64",
        b"Content-Type: multipart/mixed",
        b"Subject: =?utf-8?q?=C3",
        b"\tfolded",
        b"From: a <b@c>, (d",
        b"To: g: x;",
        b"Date: Mon, 2 Mar 2026 10:00 EST",
        b"\xff\xfe",
    ];
    let ends: Vec<&[u8]> = vec![b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""];
    (prop::sample::select(texts), prop::sample::select(ends)).prop_map(|(text, end)| [text, end].concat())
}

#[test]
fn random_messages_yield_trees_however_they_are_cut() {
    let cases =
        std::env::var("GATEPOST_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4_000);
    let seed = std::env::var("GATEPOST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u8);
    println!("GATEPOST_SEED={seed} GATEPOST_FUZZ_CASES={cases}");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let messages = (prop::collection::vec(line(), 0..40), 1_usize..30);
    TestRunner::new_with_rng(config, rng)
        .run(&messages, |(lines, size)| {
            let message = lines.concat();
            check("random", &message);
            check_cut("random", &message, size);
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_octets_do_no_harm() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[2; 32]);
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, rng)
        .run(&prop::collection::vec(any::<u8>(), 0..600), |octets| {
            check("octets", &octets);
            check("header", &[b"Content-Type: multipart/mixed; boundary=", &octets[..]].concat());
            check("address", &[b"To: ", &octets[..]].concat());
            let _ = message::decode_header(&octets);
            let _ = message::parse_date(&octets);
            Ok(())
        })
        .unwrap();
}

#[test]
fn nesting_ends_at_its_limit_in_an_opaque_leaf() {
    let multiparts: String = (0..1_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}x\r\n\r\n--b{n}x\r\n"))
        .collect();
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(10_000);
    for message in [multiparts, messages] {
        let parsed = check("deep", message.as_bytes());
        let deepest = parsed.table.parts().iter().map(|part| usize::from(part.depth)).max();
        assert_eq!(deepest, Some(MAX_DEPTH - 1));
        let last = parsed.details.last().unwrap().description.as_ref().unwrap();
        assert_eq!(last.media_type.subtype.as_ref(), b"octet-stream");
    }
}

#[test]
fn the_last_part_that_is_counted_swallows_the_rest() {
    let message = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\nx\r\n".repeat(MAX_PARTS * 3)
    );
    let parsed = check("many parts", message.as_bytes());
    let parts = parsed.table.parts();
    assert!(parts.len() <= MAX_PARTS && parts.len() > MAX_PARTS - 5, "{} parts", parts.len());
    assert_eq!(parts.last().unwrap().body.end, message.len() as u64);
}

#[test]
fn empty_multiparts_by_the_thousand_stay_within_the_limit() {
    let inner = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\r\n";
    let message = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", inner.repeat(MAX_PARTS));
    assert!(check("empty multiparts", message.as_bytes()).table.parts().len() <= MAX_PARTS);
    let inner = "--b\r\nContent-Type: message/rfc822\r\n\r\n";
    let message = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", inner.repeat(MAX_PARTS));
    assert!(check("empty messages", message.as_bytes()).table.parts().len() <= MAX_PARTS);
}

#[test]
fn parts_that_say_too_much_leave_a_record_that_a_store_takes() {
    let names: String = (0..90).map(|n| format!("; n{n}={}", "\\\"".repeat(20))).collect();
    let part = format!(
        "--b\r\nContent-Type: text/plain{names}\r\nContent-Description: {}\r\n\r\n",
        "\u{fc}".repeat(300)
    );
    let message = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", part.repeat(MAX_PARTS));
    check("talkative parts", message.as_bytes());
    let enclosed = format!("--b\r\nContent-Type: message/rfc822\r\n\r\nTo: {}\r\n\r\n", "a@b,".repeat(200));
    let message = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", enclosed.repeat(MAX_PARTS));
    check("talkative messages", message.as_bytes());
}

#[test]
fn header_bombs_are_looked_into_as_far_as_their_limit() {
    check("many fields", "X: y\r\n".repeat(2_000_000).as_bytes());
    check("long field", format!("To: {}\r\n\r\n", "a@b,".repeat(500_000)).as_bytes());
    check("many names", format!("To: {}\r\n\r\n", "a:;".repeat(500_000)).as_bytes());
    check("comments", format!("From: {}\r\n\r\n", "(".repeat(900_000)).as_bytes());
    check("angles", format!("From: {}\r\n\r\n", "<".repeat(900_000)).as_bytes());
    check("quotes", format!("From: {}\r\n\r\n", "\"\\".repeat(450_000)).as_bytes());
    check("words", format!("Subject: {}\r\n\r\n", "=?a?q?".repeat(150_000)).as_bytes());
    check("continuations", format!("Content-Type: a/b{}\r\n\r\n", "; n*1*=x".repeat(120_000)).as_bytes());
}

#[test]
fn lines_that_look_like_delimiters_cost_a_bounded_number_of_comparisons() {
    let open: String = (0..98)
        .map(|n| {
            format!(
                "Content-Type: multipart/mixed; boundary=\"{}{n:02}\"\r\n\r\n--{}{n:02}\r\n",
                "a".repeat(60),
                "a".repeat(60)
            )
        })
        .collect();
    let message = format!("{open}\r\n{}", format!("--{}\r\n", "a".repeat(61)).repeat(20_000));
    check("near delimiters", message.as_bytes());
}

#[test]
fn a_big_body_is_not_held_in_memory() {
    let mut scanner = Scanner::new();
    scanner.push(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n");
    let piece = [b'x'; 76].iter().copied().chain(*b"\r\n").collect::<Vec<u8>>().repeat(1_000);
    for _ in 0..640 {
        scanner.push(&piece);
    }
    scanner.push(b"--b--\r\n");
    let parsed = scanner.finish();
    assert_eq!(parsed.table.get(1).unwrap().body.len(), 640 * piece.len() as u64 - 2);
    assert_eq!(parsed.details[1].lines, 640_000 - 1);
}

/// All that holds for every message.
fn check(name: &str, message: &[u8]) -> Parsed {
    let parsed = parse(message);
    assert_eq!(parsed.size, message.len() as u64, "{name}: the size is exact");
    assert_eq!(parsed.details.len(), parsed.table.parts().len(), "{name}");
    check_tree(name, &parsed.table, message);
    check_lines(name, &parsed, message);
    // A step for every line, and for a line that begins like a delimiter one for each boundary at most.
    let lines = memchr::memchr_iter(b'\n', message).count() as u64 + 2;
    let dashed = message.split(|octet| *octet == b'\n').filter(|line| line.starts_with(b"--")).count() as u64;
    assert!(parsed.steps <= lines + dashed * MAX_DEPTH as u64, "{name}: {} steps", parsed.steps);
    let record = record(&parsed, [1; 32]);
    assert!(record.len() <= MAX_RECORD_OCTETS, "{name}: a record of {}", record.len());
    assert_eq!(RecordView::new(&record).unwrap().parts(), parsed.table, "{name}");
    parsed
}

fn check_tree(name: &str, table: &PartTable, message: &[u8]) {
    let all = Span { start: 0, end: message.len() as u64 };
    let root = table.get(0).unwrap();
    assert_eq!(
        (root.header.start, root.body.end, root.depth),
        (0, all.end, 0),
        "{name}: the message is the root"
    );
    for (index, part) in table.parts().iter().enumerate() {
        assert!(
            part.header.start <= part.header.end && part.header.end == part.body.start,
            "{name}: {index}"
        );
        assert!(part.body.start <= part.body.end && all.contains(part.body), "{name}: {index}");
        assert!(usize::from(part.depth) < MAX_DEPTH + 1, "{name}: {index}");
        check_children(name, table, index);
    }
}

fn check_children(name: &str, table: &PartTable, index: usize) {
    let part = table.get(index).unwrap();
    let next = table.get(index + 1).map_or(0, |next| next.depth);
    if !matches!(part.kind, Kind::Multipart | Kind::Message) {
        assert!(next <= part.depth, "{name}: leaf {index} has no children");
        return;
    }
    assert_eq!(next, part.depth + 1, "{name}: {index} has a child");
    let mut from = part.body.start;
    let mut count = 0;
    for child in table.children(index) {
        let child = table.get(child).unwrap();
        let span = Span { start: child.header.start, end: child.body.end };
        assert!(
            part.body.contains(span) && span.start >= from,
            "{name}: children of {index} lie in it, in order"
        );
        from = span.end;
        count += 1;
    }
    if part.kind == Kind::Message {
        let child = table.get(index + 1).unwrap();
        assert_eq!(count, 1, "{name}: {index} encloses one message");
        assert_eq!((child.header.start, child.body.end), (part.body.start, part.body.end), "{name}: {index}");
    }
}

fn check_lines(name: &str, parsed: &Parsed, message: &[u8]) {
    for (index, (part, details)) in parsed.table.parts().iter().zip(&parsed.details).enumerate() {
        if matches!(part.kind, Kind::Text | Kind::Message) {
            let feeds = memchr::memchr_iter(b'\n', part.body.of(message)).count() as u64;
            assert_eq!(details.lines, feeds, "{name}: lines of {index}");
        }
    }
}

fn check_cut(name: &str, message: &[u8], size: usize) {
    let whole = parse(message);
    let mut scanner = Scanner::new();
    message.chunks(size).for_each(|piece| scanner.push(piece));
    let cut = scanner.finish();
    assert_eq!(record(&cut, [1; 32]), record(&whole, [1; 32]), "{name} in pieces of {size}");
}
