//! What an admin finds out about the store, and what is logged of it by itself.

use crate::home::{Gatepost, Home, Listening};
use std::fs;
use std::path::PathBuf;
use testkit::imap::Client;

const ANN: &str = "ann@example.org";

/// Two messages, the second of which can be found in the log by a word that is in no record.
fn scene(name: &str) -> Home {
    let home = Home::init(name);
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let server = home.serve();
    let mut client = signed_in(&server, &home);
    for word in ["aardvark-1", "zebra-2"] {
        let text = format!("Subject: an animal\r\nX-Animal: {word}\r\n\r\nbye\r\n");
        let tag = client.send_append("INBOX", text.as_bytes()).unwrap();
        client.answer(tag).unwrap();
    }
    server.stop();
    home
}

fn signed_in(server: &Listening, home: &Home) -> Client {
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, "secret").unwrap();
    client
}

/// Flips a bit of a word in every segment that has it.
fn rot(home: &Home, word: &str) {
    let mut flipped = 0;
    for entry in fs::read_dir(home.data().join("mail/log")).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let mut octets = fs::read(&path).unwrap();
        if let Some(at) = octets.windows(word.len()).position(|window| window == word.as_bytes()) {
            octets[at] ^= 1;
            fs::write(&path, octets).unwrap();
            flipped += 1;
        }
    }
    assert!(flipped > 0, "{word} is nowhere");
}

/// The exit code of a command, and what it says.
fn run(home: &Home, words: &str) -> (Option<i32>, String) {
    let output = Gatepost::new(words).config(home).output("");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn is_well(home: &Home) {
    let (code, said) = run(home, "store check");
    assert!(code == Some(0) && said.starts_with("all is well: "), "{code:?} {said}");
    assert!(said.ends_with("2 messages in 6 mailboxes of 1 accounts\n"), "{said}");
}

#[test]
fn a_sound_store_is_well_whether_a_server_runs_or_not() {
    let home = scene("sound");
    is_well(&home);
    let server = home.serve();
    is_well(&home);
    let (code, said) = run(&home, "store check --account ann@example.org --json");
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &report["messages"], &report["damages"]), (Some(0), &2.into(), &serde_json::json!([])));
    let (code, said) = run(&home, "store check --account nobody@example.org");
    assert!(code == Some(2) && said.contains("no account nobody@example.org"), "{code:?} {said}");

    let stats: serde_json::Value = serde_json::from_str(&home.ok("store stats --json", "")).unwrap();
    assert_eq!((&stats["records"], &stats["bodies"]), (&2.into(), &2.into()), "{stats}");
    assert!(stats["log_octets"].as_u64() > stats["log_octets_in_use"].as_u64(), "{stats}");
    assert_eq!(home.ok("store stats --account ann@example.org", "").lines().count(), 7);

    assert!(home.ok("store compact", "").starts_with("0 segments were rewritten"));
    let before = stats["log_octets"].as_u64().unwrap();
    assert!(home.ok("store compact --everything", "").contains("octets are free"));
    assert!(server.line_with("server.compacted").contains("octets_before"));
    let stats: serde_json::Value = serde_json::from_str(&home.ok("store stats --json", "")).unwrap();
    assert!(stats["log_octets"].as_u64().unwrap() < before, "{stats}, {before} before");
    is_well(&home);

    let (code, said) = run(&home, "store reindex");
    assert!(code == Some(2) && said.contains("the server runs"), "{code:?} {said}");
    server.stop();
    assert!(home.ok("store compact --everything", "").contains("octets are free"));
    assert!(home.ok("store reindex", "").starts_with("the index is made again: "));
    is_well(&home);
}

#[test]
fn a_rotten_message_is_named_costs_itself_and_is_told_by_a_scrub() {
    let home = scene("rot");
    rot(&home, "zebra-2");
    let named = "ann@example.org INBOX, UID 2: its octets cannot be read";
    let (code, said) = run(&home, "store check");
    assert!(code == Some(1) && said.contains(named) && said.contains("lost: body "), "{code:?} {said}");
    let (code, said) = run(&home, "store reindex");
    assert!(code == Some(1) && said.contains("--force"), "{code:?} {said}");

    let server = home.serve();
    let (code, said) = run(&home, "store check --account ann@example.org");
    assert!(code == Some(1) && said.contains(named), "{code:?} {said}");
    assert!(home.ok("store scrub", "").contains("read and tested"));
    let rotten: serde_json::Value = serde_json::from_str(&server.line_with("server.rot")).unwrap();
    let told = rotten.to_string();
    for word in ["\"ann@example.org\"", "\"INBOX\"", "\"uid\":2", "body ", ".seg"] {
        assert!(told.contains(word), "{word} in {told}");
    }
    assert!(server.line_with("server.scrubbed").contains("\"damages\":1"));

    let mut client = signed_in(&server, &home);
    client.ask("SELECT INBOX").unwrap();
    let sound = client.ask("UID FETCH 1 BODY.PEEK[]").unwrap();
    assert!(sound.iter().any(|line| line.to_string().contains("aardvark-1")), "{sound:?}");
    let rotten = client.ask("UID FETCH 2 BODY.PEEK[]");
    assert!(!format!("{rotten:?}").contains("X-Animal"), "{rotten:?}");
    server.stop();
}

#[test]
fn a_store_that_does_not_open_for_its_damage_is_found_damaged() {
    let home = scene("header");
    let log = home.data().join("mail/log");
    for entry in fs::read_dir(log).unwrap() {
        let path = entry.unwrap().path();
        let mut octets = fs::read(&path).unwrap();
        octets[40] ^= 1;
        fs::write(path, octets).unwrap();
    }
    let (code, said) = run(&home, "store check");
    assert!(code == Some(1) && said.contains(".seg is damaged: its header"), "{code:?} {said}");
}
