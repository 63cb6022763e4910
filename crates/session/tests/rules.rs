//! Each of the rules is obeyed, whatever it says.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod machine;

use machine::{Machine, Wire};
use session::Rules;
use session::outbox::PIECE;
use std::time::Duration;
use transcript::{NAME, PASSWORD, Pipe, Port, World};

fn said(wire: &mut Wire) -> String {
    let pieces = std::iter::from_fn(|| wire.receive().ok().filter(|octets| !octets.is_empty()));
    String::from_utf8(pieces.flatten().collect()).unwrap()
}

/// What a server under these rules answers to `text`, its greeting aside.
fn answer(rules: Rules, port: Port, text: &str) -> String {
    let mut wire = Machine::under(rules).connect(port).unwrap();
    said(&mut wire);
    wire.send(text.as_bytes()).unwrap();
    said(&mut wire)
}

#[test]
fn a_line_before_tls_is_as_long_as_the_rules_say() {
    let rules = Rules { before_tls_octets: 512, ..Rules::default() };
    let line = |octets: usize| format!("a NOOP{}\r\n", " ".repeat(octets - 8));
    assert_eq!(answer(rules, Port::Imap, &line(512)), "a BAD NOOP is not said like this\r\n");
    assert_eq!(answer(rules, Port::Imap, &line(513)), "* BYE Line too long\r\n");
}

#[test]
fn the_time_to_sign_in_is_that_of_the_rules_on_both_sides_of_the_gate() {
    for (port, bye) in [
        (Port::Imap, "* BYE You took too long to begin TLS\r\n"),
        (Port::Imaps, "* BYE You took too long to sign in\r\n"),
    ] {
        let mut world = Machine::under(Rules { sign_in_time: Duration::from_secs(300), ..Rules::default() });
        let mut wire = world.connect(port).unwrap();
        said(&mut wire);
        world.pass(Duration::from_secs(299)).unwrap();
        assert_eq!(said(&mut wire), "");
        world.pass(Duration::from_secs(1)).unwrap();
        assert_eq!(said(&mut wire), bye);
    }
}

#[test]
fn a_command_before_login_is_as_long_as_the_rules_say() {
    let rules = Rules { before_login_octets: 4_096, login_literal_octets: 512, ..Rules::default() };
    assert_eq!(answer(rules, Port::Imaps, "a LOGIN {512}\r\n"), "+ Ready for literal data\r\n");
    let refused = answer(rules, Port::Imaps, "a LOGIN {513}\r\n");
    assert_eq!(refused, "a NO [TOOBIG] A literal here can have at most 512 octets\r\n");
    let long = format!("a LOGIN x {}\r\n", "y".repeat(4_096));
    assert_eq!(answer(rules, Port::Imaps, &long), "a BAD A command here can have at most 1536 octets\r\n");
}

#[test]
fn a_command_after_login_is_as_long_as_the_rules_say() {
    let rules = Rules { command_octets: 70_000, ..Rules::default() };
    let text = format!("a LOGIN {NAME} {PASSWORD}\r\nb UID FETCH {} UID\r\n", "1,".repeat(35_000));
    assert!(
        answer(rules, Port::Imaps, &text).ends_with("b BAD A command here can have at most 70000 octets\r\n")
    );
}

#[test]
fn a_client_in_idle_hears_that_the_line_lives_as_often_as_the_rules_say() {
    for (still_here, heard) in [(Some(Duration::from_secs(30)), "* OK Still here\r\n"), (None, "")] {
        let mut world = Machine::under(Rules { still_here, ..Rules::default() });
        let mut wire = world.connect(Port::Imaps).unwrap();
        wire.send(format!("a LOGIN {NAME} {PASSWORD}\r\nb IDLE\r\n").as_bytes()).unwrap();
        said(&mut wire);
        world.pass(Duration::from_secs(30)).unwrap();
        assert_eq!(said(&mut wire), heard);
    }
}

#[test]
fn what_waits_for_a_client_is_no_more_than_the_rules_say() {
    let most = 2 * PIECE;
    let mut wire =
        Machine::under(Rules { output_octets: most, ..Rules::default() }).connect(Port::Imaps).unwrap();
    wire.send(format!("a LOGIN {NAME} {PASSWORD}\r\nb SELECT INBOX\r\n").as_bytes()).unwrap();
    said(&mut wire);
    let body = "x".repeat(4_000);
    for _ in 0..50 {
        wire.send(format!("c APPEND INBOX {{4008+}}\r\nS: s\r\n\r\n{body}\r\n").as_bytes()).unwrap();
        said(&mut wire);
    }
    wire.send(b"d FETCH 1:* BODY.PEEK[]\r\n").unwrap();
    assert!(said(&mut wire).len() > most);
    assert!((PIECE..=most).contains(&wire.largest_send()), "{}", wire.largest_send());
}
