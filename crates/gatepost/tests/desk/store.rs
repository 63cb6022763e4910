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
pub(crate) fn rot(home: &Home, word: &str) {
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

/// Flips a bit in what an event of a stream says, wherever it lies in the log.
fn rot_event(home: &Home, account: u64, stream: u32, seq: u64) {
    let mut header = b"RECO\x01\0\0\0".to_vec();
    header.extend(account.to_le_bytes());
    header.extend(stream.to_le_bytes());
    header.extend(seq.to_le_bytes());
    let mut flipped = 0;
    for entry in fs::read_dir(home.data().join("mail/log")).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let mut octets = fs::read(&path).unwrap();
        if let Some(at) = octets.windows(header.len()).position(|window| window == header) {
            octets[at + 80 + 20] ^= 1;
            fs::write(&path, octets).unwrap();
            flipped += 1;
        }
    }
    assert!(flipped > 0, "there is no such event");
}

/// What the log says of an event when it comes first.
fn line(server: &Listening, event: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(&server.first_line_with(event)).unwrap();
    line.to_string()
}

/// INBOX of the scene, as a client sees it.
fn inbox(home: &Home) -> (String, Vec<String>) {
    let server = home.serve();
    let mut client = signed_in(&server, home);
    let selected = format!("{:?}", client.ask("SELECT INBOX").unwrap());
    let fetched = client.ask("UID FETCH 1:* (UID BODY.PEEK[])").unwrap();
    let animals = fetched.iter().map(ToString::to_string).filter(|line| line.contains("X-Animal"));
    let animals = animals.collect();
    server.stop();
    (selected, animals)
}

#[test]
fn a_mailbox_that_lost_an_event_is_mended_without_a_server_and_all_is_well_from_then_on() {
    let home = scene("mend");
    rot_event(&home, 1, 1, 2);
    let (code, said) = run(&home, "store check");
    assert!(code == Some(1) && said.contains("lost: event 2 of stream 1"), "{code:?} {said}");
    let (code, said) = run(&home, "store check --repair");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("mended: ann@example.org INBOX: 1 events are lost for good"), "{said}");
    assert!(said.contains("mended: ann@example.org INBOX, UID 1: no event is left of it"), "{said}");
    assert!(said.contains("2 things mended, all is well: "), "{said}");
    for command in ["store check", "store check --repair"] {
        let (code, said) = run(&home, command);
        assert!(code == Some(0) && said.contains("known since a repair\nall is well: "), "{code:?} {said}");
    }
    let (selected, animals) = inbox(&home);
    assert!(selected.contains("UIDNEXT 65539"), "{selected}");
    assert_eq!(animals.len(), 2, "{animals:?}");
}

#[test]
fn a_server_that_knows_what_was_lost_mends_it_and_says_so() {
    let home = scene("mend-online");
    let server = home.serve();
    let mut client = signed_in(&server, &home);
    client.ask("SELECT INBOX").unwrap();
    rot_event(&home, 1, 1, 2);
    let (code, said) = run(&home, "store check --repair --json");
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, report["mended"].as_array().unwrap().len()), (Some(0), 1), "{report}");
    assert_eq!((&report["damages"], &report["settled"]), (&serde_json::json!([]), &1.into()), "{report}");
    let told = line(&server, "server.mended");
    assert!(told.contains("the server knew what they had come to"), "{told}");
    client.ask("UID STORE 1 +FLAGS (\\Flagged)").unwrap();
    server.stop();
    let (selected, animals) = inbox(&home);
    assert!(selected.contains("UIDNEXT 3") && animals.len() == 2, "{selected} {animals:?}");
}

#[test]
fn a_hole_that_a_scrub_finds_in_an_open_mailbox_is_mended_by_the_server_and_no_client_notices() {
    let home = scene("mend-by-itself");
    let server = home.serve();
    let mut client = signed_in(&server, &home);
    client.ask("SELECT INBOX").unwrap();
    rot_event(&home, 1, 1, 2);
    assert!(home.ok("store scrub", "").contains("read and tested"));
    let told = line(&server, "server.mended");
    assert!(told.contains("the server knew what they had come to") && told.contains("\"INBOX\""), "{told}");
    client.ask("UID STORE 1 +FLAGS (\\Flagged)").unwrap();
    server.stop();
    let (selected, animals) = inbox(&home);
    assert!(selected.contains("UIDNEXT 3") && selected.contains("READ-WRITE"), "{selected}");
    assert_eq!(animals.len(), 2, "{animals:?}");
}

#[test]
fn a_mailbox_with_a_hole_is_shown_read_only_until_it_is_mended_and_whoever_looks_is_told() {
    let home = scene("in-part");
    rot_event(&home, 1, 1, 3);
    let server = home.serve();
    let mut client = signed_in(&server, &home);
    let selected = format!("{:?}", client.ask("SELECT INBOX").unwrap());
    for word in ["1 EXISTS", "UIDNEXT 3", "[ALERT] Part of this mailbox cannot be read", "[READ-ONLY]"] {
        assert!(selected.contains(word), "{word} in {selected}");
    }
    let told = line(&server, "server.mailbox-in-part");
    assert!(told.contains("\"ann@example.org\"") && told.contains("\"INBOX\""), "{told}");
    let fetched = client.ask("UID FETCH 1:* BODY.PEEK[]").unwrap();
    assert!(fetched.iter().any(|line| line.to_string().contains("aardvark-1")), "{fetched:?}");
    assert!(client.ask("UID STORE 1 +FLAGS (\\Seen)").is_err());

    let (code, said) = run(&home, "store check --repair");
    assert!(code == Some(0) && said.contains("1 events are lost for good"), "{code:?} {said}");
    let told = format!("{:?}", client.ask("NOOP").unwrap());
    assert!(told.contains("[CLOSED] Mailbox has been mended; select it again"), "{told}");
    let selected = format!("{:?}", client.ask("SELECT INBOX").unwrap());
    assert!(selected.contains("2 EXISTS") && selected.contains("READ-WRITE"), "{selected}");
    client.ask("UID STORE 1 +FLAGS (\\Seen)").unwrap();
    server.stop();
}

#[test]
fn octets_that_are_lost_stay_named_and_are_not_taken_away() {
    let home = scene("unsaved");
    rot(&home, "zebra-2");
    for _ in 0..2 {
        let (code, said) = run(&home, "store check --repair");
        let named = "ann@example.org INBOX, UID 2: its octets cannot be read";
        assert!(code == Some(1) && said.contains(named) && !said.contains("mended"), "{code:?} {said}");
    }
}

#[test]
fn a_directory_that_lost_an_event_is_mended_by_the_server_that_starts_and_nobody_notices() {
    let home = scene("directory");
    home.ok("account add ben@example.org --password-stdin", "secret\n");
    // Behind what decoys are made of: that ann was added.
    rot_event(&home, 0, 0, 3);
    let (code, said) = run(&home, "store check");
    assert!(code == Some(1) && said.contains("lost: event 3 of stream 0 of account 0"), "{code:?} {said}");
    let server = home.serve();
    let told = line(&server, "server.mended");
    assert!(told.contains("directory of accounts") && told.contains("nothing else is lost"), "{told}");
    signed_in(&server, &home).ask("SELECT INBOX").unwrap();
    home.ok("account add cy@example.org --password-stdin", "secret\n");
    assert_eq!(home.ok("account list", ""), "ann@example.org\nben@example.org\ncy@example.org\n");
    server.stop();
    let (code, said) = run(&home, "store check --repair");
    assert!(code == Some(0), "{code:?} {said}");
    assert_eq!(inbox(&home).1.len(), 2);
}

#[test]
fn a_directory_of_which_part_is_lost_serves_those_of_whom_all_is_known_until_it_is_mended() {
    let home = scene("directory-in-part");
    for name in ["ben", "cy"] {
        home.ok(&format!("account add {name}@example.org --password-stdin"), "secret\n");
    }
    // That ben was added, both times that it is said.
    rot_event(&home, 0, 0, 5);
    rot_event(&home, 0, 0, 6);
    let server = home.serve();
    assert!(line(&server, "server.directory-in-part").contains("\"accounts\":1"));
    let sign_in = |name: &str| {
        let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
        client.login(&format!("{name}@example.org"), "secret").map_err(|why| why.to_string())
    };
    for name in ["ann", "ben", "nobody"] {
        let refused = sign_in(name).unwrap_err();
        assert!(refused.contains("[UNAVAILABLE] Part of the server's list of accounts"), "{name}: {refused}");
    }
    sign_in("cy").unwrap();
    assert_eq!(home.ok("account list", ""), "ann@example.org  in doubt\ncy@example.org\n");
    let refused = Gatepost::new("account disable cy@example.org").config(&home).output("");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("gatepost store check --repair"), "{said}");

    let (code, said) = run(&home, "store check --repair");
    assert!(code == Some(0) && said.contains("its name is recovered-2 now"), "{code:?} {said}");
    assert!(said.contains("1 account is disabled") && said.contains("ann@example.org"), "{said}");
    assert_eq!(home.ok("account list", ""), "ann@example.org  disabled\ncy@example.org\nrecovered-2\n");
    assert!(sign_in("nobody").unwrap_err().contains("AUTHENTICATIONFAILED"));
    home.ok("account enable ann@example.org", "");
    sign_in("ann").unwrap();
    home.ok("account passwd recovered-2 --password-stdin", "secret\n");
    server.stop();
    assert_eq!(inbox(&home).1.len(), 2);
    let (code, said) = run(&home, "store check");
    assert!(code == Some(0), "{code:?} {said}");
}

#[test]
fn an_account_that_lost_a_name_goes_on_and_is_given_its_names_back_by_a_repair() {
    let home = scene("names-in-part");
    rot_event(&home, 1, 0, 3);
    let server = home.serve();
    let mut client = signed_in(&server, &home);
    assert!(line(&server, "server.names-in-part").contains("\"ann@example.org\""));
    let listed = |client: &mut Client| {
        let lines = client.ask("LIST \"\" *").unwrap();
        format!("{:?}", lines.split_last().unwrap().1)
    };
    let before = listed(&mut client);
    assert!(before.contains("Recovered 2"), "{before}");
    let tag = client.send_append("INBOX", b"Subject: on we go\r\n\r\n").unwrap();
    client.answer(tag).unwrap();
    let refused = client.ask("CREATE New").unwrap_err().to_string();
    assert!(refused.contains("[CORRUPTION] Part of the list of your mailboxes"), "{refused}");
    let (code, said) = run(&home, "store check --repair");
    assert!(code == Some(0) && said.contains("names, subscriptions and limits are as"), "{code:?} {said}");
    assert_eq!(listed(&mut client), before);
    client.ask("CREATE New").unwrap();
    client.ask("RENAME \"Recovered 2\" Old").unwrap();
    server.stop();
}

#[test]
fn a_file_that_nothing_names_is_told_of_and_stays() {
    let home = scene("unnamed");
    let name = format!("{}-{:016x}", "ab".repeat(32), 1);
    let file = home.data().join("mail/bodies").join(&name);
    fs::write(&file, "left over").unwrap();
    let (code, said) = run(&home, "store check --repair");
    assert!(code == Some(0) && said.contains(&format!("{name}: nothing names it")), "{code:?} {said}");
    assert!(file.exists());
}

#[test]
fn a_store_that_does_not_open_for_its_damage_is_found_damaged() {
    let home = scene("header");
    let log = home.data().join("mail/log");
    for entry in fs::read_dir(log).unwrap() {
        let path = entry.unwrap().path();
        let mut octets = fs::read(&path).unwrap();
        octets[..96].fill(0);
        fs::write(path, octets).unwrap();
    }
    let (code, said) = run(&home, "store check");
    assert!(code == Some(1) && said.contains(".seg is damaged: its header"), "{code:?} {said}");
}

#[test]
fn a_segment_whose_header_has_a_wrong_bit_opens_and_gets_it_back() {
    let home = scene("header-bit");
    let log = home.data().join("mail/log");
    let path = fs::read_dir(log).unwrap().next().unwrap().unwrap().path();
    let before = fs::read(&path).unwrap();
    let mut octets = before.clone();
    octets[40] ^= 1;
    fs::write(&path, octets).unwrap();
    let (code, said) = run(&home, "store check");
    assert!(code == Some(1) && said.contains("0-96: the segment's header"), "{code:?} {said}");
    let (code, said) = run(&home, "store check --repair");
    assert!(code == Some(0) && said.contains("its header was written again"), "{code:?} {said}");
    assert_eq!(fs::read(&path).unwrap()[..96], before[..96]);
}
