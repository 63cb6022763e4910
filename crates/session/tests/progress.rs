//! What a client hears while a change takes its time (RFC 9585).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod machine;

use machine::{Machine, Wire};
use std::time::Duration;
use transcript::{Disk, NAME, PASSWORD, Pipe, Port, World};

fn said(wire: &mut Wire) -> String {
    let mut said = Vec::new();
    while let Ok(octets) = wire.receive() {
        if octets.is_empty() {
            break;
        }
        said.extend(octets);
    }
    String::from_utf8(said).unwrap()
}

/// A session with three messages, one of them `\Deleted`.
fn opened(world: &mut Machine) -> Wire {
    let mut wire = world.connect(Port::Imaps).unwrap();
    wire.send(format!("a LOGIN {NAME} {PASSWORD}\r\nb SELECT INBOX\r\n").as_bytes()).unwrap();
    for _ in 0..3 {
        wire.send(b"c APPEND INBOX {3+}\r\nx:y\r\n").unwrap();
    }
    wire.send(b"d STORE 1 +FLAGS.SILENT (\\Deleted)\r\n").unwrap();
    assert!(said(&mut wire).ends_with("d OK STORE completed\r\n"));
    wire
}

/// `command` is told of every ten seconds, as `progress` has it, and then done.
fn check(command: &str, progress: &str) {
    let mut world = Machine::new();
    let mut wire = opened(&mut world);
    world.disk(Disk::Stalls).unwrap();
    wire.send(format!("n NOOP\r\nt {command}\r\n").as_bytes()).unwrap();
    world.pass(Duration::from_millis(9_999)).unwrap();
    assert_eq!(said(&mut wire), "", "{command}");
    let notice = format!("* OK [INPROGRESS (\"t\" {progress})] Still at it\r\n");
    world.pass(Duration::from_millis(1)).unwrap();
    // What waited to go out goes with it.
    assert_eq!(said(&mut wire), format!("n OK NOOP completed\r\n{notice}"), "{command}");
    for _ in 0..3 {
        world.pass(Duration::from_secs(10)).unwrap();
        assert_eq!(said(&mut wire), notice, "{command}");
    }
    world.disk(Disk::Works).unwrap();
    let told = said(&mut wire);
    assert!(!told.contains("INPROGRESS") && told.contains("t OK "), "{command}: {told}");
    wire.send(b"z NOOP\r\n").unwrap();
    assert_eq!(said(&mut wire), "z OK NOOP completed\r\n", "{command}");
}

#[test]
fn a_change_that_takes_long_is_told_of_with_the_number_of_its_messages() {
    check("COPY 1:3 INBOX", "0 3");
    check("UID COPY 2,3,77 Trash", "0 2");
    check("MOVE 2:3 Trash", "0 2");
    check("STORE 1:* FLAGS (\\Seen)", "0 3");
    check("UID STORE 2 +FLAGS.SILENT (\\Seen)", "0 1");
}

#[test]
fn where_nobody_knows_how_many_messages_there_are_no_goal_is_told() {
    check("EXPUNGE", "0 NIL");
    check("CLOSE", "0 NIL");
    check("APPEND INBOX {3+}\r\nx:y", "0 NIL");
    check("REPLACE 2 INBOX {3+}\r\nx:y", "0 NIL");
}

/// BODY without PEEK marks what it tells as read: that waits for the disk too.
#[test]
fn a_fetch_that_sets_seen_tells_what_there_is_and_then_that_it_waits() {
    let mut world = Machine::new();
    let mut wire = opened(&mut world);
    world.disk(Disk::Stalls).unwrap();
    wire.send(b"t FETCH 1 BODY[TEXT]\r\n").unwrap();
    world.pass(Duration::from_secs(10)).unwrap();
    let notice = "* OK [INPROGRESS (\"t\" 0 NIL)] Still at it\r\n";
    assert_eq!(said(&mut wire), format!("* 1 FETCH (BODY[TEXT] \"\")\r\n{notice}"));
    world.pass(Duration::from_secs(10)).unwrap();
    assert_eq!(said(&mut wire), notice);
    world.disk(Disk::Works).unwrap();
    assert_eq!(said(&mut wire), "* 1 FETCH (FLAGS (\\Deleted \\Seen \\Recent))\r\nt OK FETCH completed\r\n");
}

#[test]
fn nobody_waits_for_a_client_that_has_gone() {
    let mut world = Machine::new();
    let mut wire = opened(&mut world);
    world.disk(Disk::Stalls).unwrap();
    wire.send(b"t COPY 1:3 INBOX\r\n").unwrap();
    wire.hang_up();
    assert!(!wire.is_over());
    world.pass(Duration::from_secs(10)).unwrap();
    said(&mut wire);
    assert!(wire.is_over());
}
