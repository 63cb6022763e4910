//! Clients as they come: cut off, cut into pieces, talking nonsense; and a cellar that fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod machine;

use machine::{Machine, Wire};
use transcript::{NAME, PASSWORD, Pipe, Port, World};

/// A little of everything that has a state: literals, SASL, IDLE, a mailbox that changes.
const CONVERSATION: &str = "a AUTHENTICATE PLAIN\r\nAGFsaWNlAHRhbnN0YWFm\r\n\
    b SELECT INBOX\r\nc APPEND INBOX (\\Flagged) {20+}\r\nSubject: x\r\n\r\nbody\r\n\r\n\
    d APPEND \"INBOX\" {3+}\r\nx:y (\\Seen) ~{3+}\r\nx:z\r\ne FETCH 1:* (UID FLAGS BODY[])\r\nf IDLE\r\nDONE\r\n\
    n REPLACE 2 INBOX {3+}\r\nz:z\r\ng UID STORE 1 +FLAGS (\\Deleted $Work)\r\nh EXPUNGE\r\ni CREATE {4+}\r\nWork\r\nj COPY 1 Work\r\n\
    k NONSENSE {3+}\r\nabc\r\nl LIST \"\" *\r\nm LOGOUT\r\n";

fn everything_said(wire: &mut Wire) -> String {
    let mut said = Vec::new();
    while let Ok(octets) = wire.receive() {
        if octets.is_empty() {
            break;
        }
        said.extend(octets);
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn answers(pieces: &[&str]) -> String {
    let mut wire = Machine::new().connect(Port::Imaps).unwrap();
    for piece in pieces {
        wire.send(piece.as_bytes()).unwrap();
    }
    everything_said(&mut wire)
}

#[test]
fn who_has_to_make_room_hears_why() {
    let mut wire = Machine::new().connect(Port::Imaps).unwrap();
    wire.receive().unwrap();
    wire.crowd();
    let said = everything_said(&mut wire);
    assert_eq!(said, "* BYE Too many connections have not signed in, and yours is the oldest\r\n");
}

#[test]
fn how_octets_are_cut_into_pieces_makes_no_difference() {
    let whole = answers(&[CONVERSATION]);
    assert!(whole.ends_with("m OK LOGOUT completed\r\n"), "{whole}");
    for at in 0..CONVERSATION.len() {
        let (one, other) = CONVERSATION.split_at(at);
        assert_eq!(answers(&[one, other]), whole, "cut at {at}");
    }
    let octets: Vec<_> = CONVERSATION.split_inclusive(|_| true).collect();
    assert_eq!(answers(&octets), whole);
}

#[test]
fn a_client_that_is_gone_at_any_moment_ends_its_session_and_nothing_else() {
    for at in 0..CONVERSATION.len() {
        let mut world = Machine::new();
        let mut wire = world.connect(Port::Imaps).unwrap();
        wire.send(&CONVERSATION.as_bytes()[..at]).unwrap();
        wire.hang_up();
        assert!(wire.is_over(), "gone at {at}");
        let mut other = world.connect(Port::Imaps).unwrap();
        other.send(format!("a LOGIN {NAME} {PASSWORD}\r\nb SELECT INBOX\r\n").as_bytes()).unwrap();
        assert!(everything_said(&mut other).contains("\r\nb OK [READ-WRITE]"), "gone at {at}");
    }
}

#[test]
fn whoever_is_gone_in_the_middle_of_several_messages_has_appended_none() {
    let append = format!(
        "a LOGIN {NAME} {PASSWORD}\r\nb APPEND INBOX {{3+}}\r\nx:y (\\Seen) {{3}}\r\nx:y UTF8 (~{{3+}}\r\nx:z)\r\n"
    );
    for at in 0..=append.len() {
        let mut world = Machine::new();
        let mut wire = world.connect(Port::Imaps).unwrap();
        wire.send(&append.as_bytes()[..at]).unwrap();
        wire.hang_up();
        let mut other = world.connect(Port::Imaps).unwrap();
        other.send(format!("a LOGIN {NAME} {PASSWORD}\r\nb STATUS INBOX (MESSAGES)\r\n").as_bytes()).unwrap();
        let there = if at == append.len() { 3 } else { 0 };
        let said = everything_said(&mut other);
        assert!(said.contains(&format!("(MESSAGES {there})")), "gone at {at}: {said}");
    }
}

#[test]
fn a_fault_of_ours_is_told_by_its_id_and_the_session_goes_on() {
    let mut world = Machine::new();
    let mut wire = world.connect(Port::Imaps).unwrap();
    wire.send(format!("a LOGIN {NAME} {PASSWORD}\r\nb SELECT INBOX\r\n").as_bytes()).unwrap();
    wire.send(b"c APPEND INBOX {3+}\r\nx:y\r\n").unwrap();
    everything_said(&mut wire);
    world.break_down(0xbad);
    wire.send(b"d STORE 1 FLAGS (\\Seen)\r\ne CREATE Work\r\nf APPEND INBOX {3+}\r\nx:y\r\n").unwrap();
    let told =
        "NO [SERVERBUG] Something went wrong on our side; when you ask for help, mention 0000000000000bad";
    assert_eq!(everything_said(&mut wire), format!("d {told}\r\ne {told}\r\nf {told}\r\n"));
    world.mend();
    wire.send(b"g STORE 1 FLAGS (\\Seen)\r\n").unwrap();
    assert!(everything_said(&mut wire).ends_with("g OK STORE completed\r\n"));
}

#[test]
fn a_body_that_is_lost_is_never_nil_and_never_half_of_what_was_promised() {
    let mut world = Machine::new();
    let mut wire = world.connect(Port::Imaps).unwrap();
    wire.send(format!("a LOGIN {NAME} {PASSWORD}\r\nb SELECT INBOX\r\n").as_bytes()).unwrap();
    wire.send(b"c APPEND INBOX {20+}\r\nSubject: x\r\n\r\nbody\r\n\r\n").unwrap();
    everything_said(&mut wire);
    world.lose_bodies();
    wire.send(b"d FETCH 1 (UID BODY[])\r\ne FETCH 1 (UID BODY[TEXT])\r\nf FETCH 1 RFC822.SIZE\r\n").unwrap();
    let gone = "NO [EXPUNGEISSUED] Some of these messages have been expunged";
    // Nor is it marked as read.
    let size = "* 1 FETCH (RFC822.SIZE 20)\r\nf OK FETCH completed\r\n";
    assert_eq!(everything_said(&mut wire), format!("d {gone}\r\ne {gone}\r\n{size}"));
}
