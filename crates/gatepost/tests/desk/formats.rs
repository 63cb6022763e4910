//! Data directories that other versions have made are read, written and found sound; `gatepost store upgrade`.

use crate::home::{Gatepost, Home};
use crate::people;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use testkit::imap::{Client, Value};

const ANN: &str = "ann@example.org";
/// Where the fixtures are: a folder each.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/formats");
/// What everybody could read of it when it was made.
const EXPECTED: &str = "expected.txt";
/// Who signed in with what then, where that was more than a password each.
const PEOPLE: &str = "people.txt";
/// In front of what not every version tells.
const ALSO: &str = "also: ";

fn session<T>(home: &Home, talk: impl FnOnce(&mut Client) -> T) -> T {
    let server = home.serve();
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, "secret").unwrap();
    let told = talk(&mut client);
    drop(client);
    server.stop();
    told
}

/// What a client of any version can know of an account, line by line; and what one of this version asks besides.
fn all_of(client: &mut Client) -> String {
    let mut told = String::new();
    let mut names = Vec::new();
    let _ = client.ask("ENABLE QRESYNC").unwrap();
    for line in client.ask("LIST \"\" *").unwrap().iter().map(ToString::to_string) {
        if let Some((_, name)) = line.split_once("\"/\" ") {
            names.push(name.to_owned());
        }
    }
    names.sort();
    let mut subscribed = lines(client, "LSUB \"\" *").unwrap();
    subscribed.sort();
    subscribed.iter().for_each(|line| writeln!(told, "{line}").unwrap());
    for name in &names {
        let status = format!("STATUS {name} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)");
        lines(client, &status).unwrap().iter().for_each(|line| writeln!(told, "{line}").unwrap());
        client.ask(&format!("EXAMINE {name}")).unwrap();
        let fetch = "UID FETCH 1:* (FLAGS MODSEQ INTERNALDATE RFC822.SIZE ENVELOPE BODY.PEEK[])";
        for line in client.ask(fetch).unwrap() {
            let Some(one) = line.fetched() else { continue };
            let mut flags: Vec<_> = one.flags().unwrap().filter(|flag| *flag != "\\Recent").collect();
            flags.sort_unstable();
            let (uid, modseq, size) = (one.uid().unwrap(), one.number("MODSEQ"), one.number("RFC822.SIZE"));
            let date = String::from_utf8_lossy(one.octets("INTERNALDATE").unwrap());
            let (octets, Some(Value::List(envelope))) = (one.octets("BODY[]").unwrap(), one.item("ENVELOPE"))
            else {
                panic!("{line:?}")
            };
            assert_eq!(size, Some(octets.len() as u64));
            let hash = blake3::hash(octets).to_hex();
            writeln!(
                told,
                "{name} UID {uid} MODSEQ {} FLAGS ({}) DATE {date} SIZE {} BLAKE3 {hash} ENVELOPE ({})",
                modseq.unwrap(),
                flags.join(" "),
                octets.len(),
                envelope.escape_debug(),
            )
            .unwrap();
        }
        for line in client.ask("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)").unwrap() {
            if let Some(vanished) = line.vanished() {
                writeln!(told, "{name} VANISHED {vanished:?}").unwrap();
            }
        }
        for question in ["GETQUOTAROOT", "STATUS"] {
            let items = if question == "STATUS" { " (SIZE DELETED MAILBOXID)" } else { "" };
            also(client, &format!("{question} {name}{items}"), &mut told);
        }
    }
    also(client, "LIST (SPECIAL-USE) \"\" *", &mut told);
    told
}

fn lines(client: &mut Client, question: &str) -> Option<Vec<String>> {
    let answer = client.ask(question).ok()?;
    Some(answer.iter().filter(|line| line.is_untagged()).map(ToString::to_string).collect())
}

fn also(client: &mut Client, question: &str, told: &mut String) {
    for line in lines(client, question).into_iter().flatten() {
        writeln!(told, "{ALSO}{line}").unwrap();
    }
}

fn reads_as(told: &str, expected: &str) {
    let plain = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with(ALSO)).map(str::to_owned).collect()
    };
    for (told, expected) in plain(told).iter().zip(plain(expected)) {
        assert_eq!(*told, expected);
    }
    assert_eq!(plain(told).len(), plain(expected).len(), "{told}");
    let more: Vec<_> = told.lines().filter(|line| line.starts_with(ALSO)).collect();
    for line in expected.lines().filter(|line| line.starts_with(ALSO)) {
        assert!(more.contains(&line), "{line} in {more:?}");
    }
}

fn fixtures() -> Vec<PathBuf> {
    let folders = fs::read_dir(FIXTURES).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = folders.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Every file below a folder, by its path in there.
fn octets(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let octets = fs::read(&path).unwrap();
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), octets);
            }
        }
    }
    found
}

/// An installation with the mail of a fixture.
fn unpacked(fixture: &Path, name: &str) -> (Home, String) {
    let home = Home::init(&format!("formats-{name}-{}", name_of(fixture)));
    for (path, packed) in octets(&fixture.join("mail")) {
        let to = home.data().join("mail").join(path.with_extension(""));
        assert_eq!(path.extension().unwrap(), "zst");
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
    }
    (home, fs::read_to_string(fixture.join(EXPECTED)).unwrap())
}

/// The format that a fixture is of: its name begins with it.
fn format_of(fixture: &Path) -> u32 {
    name_of(fixture).split('-').next().unwrap().parse().unwrap()
}

fn is_well(home: &Home) {
    let said = home.ok("store check", "");
    assert!(said.contains("all is well: "), "{said}");
}

/// What lies in the mail's folder, but for the lock: whoever asks for it leaves a number there.
fn mail(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    octets(&home.data().join("mail"))
}

#[test]
fn what_every_format_holds_reads_as_it_did_and_is_written_to() {
    assert!([1, 3].map(|format| fixtures().iter().any(|fixture| format_of(fixture) == format)) == [true; 2]);
    for fixture in fixtures() {
        let (home, expected) = unpacked(&fixture, "read");
        let before = mail(&home);
        let said = home.ok("store upgrade --dry-run", "");
        assert!(mail(&home) == before, "{said}");
        assert!(said.contains("this version reads formats 1 to 3"), "{said}");

        reads_as(&session(&home, all_of), &expected);
        is_well(&home);
        assert!(!home.ok("store stats --json", "").contains("\"snapshots\":0,"), "the fixture has one");
        session(&home, |client| {
            let status = lines(client, "STATUS INBOX (UIDNEXT HIGHESTMODSEQ)").unwrap().join("\n");
            let of = |word: &str| -> u64 {
                let rest = status.split_once(word).unwrap().1;
                rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
            };
            let tag = client.send_append("INBOX (\\Seen new)", b"Subject: since\r\n\r\nthen\r\n").unwrap();
            client.answer(tag).unwrap();
            client.ask("SELECT INBOX").unwrap();
            let fetched = client.ask("UID FETCH * (FLAGS MODSEQ BODY.PEEK[])").unwrap();
            let new = fetched.iter().find_map(|line| line.fetched()).unwrap();
            assert_eq!(u64::from(new.uid().unwrap()), of("UIDNEXT "));
            assert!(new.number("MODSEQ").unwrap() > of("HIGHESTMODSEQ "));
            assert!(new.flags().unwrap().any(|flag| flag == "new"));
            client.ask("UID STORE 1:* -FLAGS (new)").unwrap();
            client.ask("UID MOVE * Archive").unwrap();
        });
        is_well(&home);
        let changed = session(&home, all_of);
        assert_eq!(
            changed.lines().filter(|line| line.starts_with("Archive UID ") && line.contains("since")).count(),
            1,
            "{changed}"
        );
        if let Ok(expected) = fs::read_to_string(fixture.join(PEOPLE)) {
            people::are_as(&home, &expected);
            is_well(&home);
        }
    }
}

#[test]
fn every_format_is_upgraded_and_a_dry_run_says_so_and_changes_nothing() {
    for fixture in fixtures().into_iter().filter(|fixture| format_of(fixture) < 3) {
        let (home, expected) = unpacked(&fixture, "upgrade");
        let before = mail(&home);
        let dry = home.ok("store upgrade --dry-run", "");
        assert!(mail(&home) == before, "{dry}");
        assert!(
            dry.contains(&format!("to do: raise the directory from format {} to 3;", format_of(&fixture))),
            "{dry}"
        );
        assert!(dry.contains("(nothing was changed)"), "{dry}");

        let said = home.ok("store upgrade", "");
        assert!(
            said.contains(&format!("done: raise the directory from format {} to 3;", format_of(&fixture))),
            "{said}"
        );
        let format = fs::read_to_string(home.data().join("mail/format")).unwrap();
        assert!(format.starts_with("Gatepost store, format 3\nmade by Gatepost "), "{format}");
        let before = mail(&home);
        for again in ["store upgrade", "store upgrade --dry-run"] {
            let said = home.ok(again, "");
            assert!(said.starts_with("format 3, made by ") && said.ends_with("nothing to do\n"), "{said}");
        }
        assert!(mail(&home) == before);
        let json = home.ok("store upgrade --dry-run --json", "");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["format"], &json["steps"]), (&3.into(), &serde_json::json!([])), "{json}");
        let versions: Vec<_> = json["files"].as_array().unwrap().iter().map(|row| &row["version"]).collect();
        assert_eq!(versions, [1, 1, 1], "{json}");

        reads_as(&session(&home, all_of), &expected);
        is_well(&home);
    }
}

#[test]
fn a_running_server_is_not_upgraded_and_a_store_that_is_not_there_is_not_made() {
    let home = Home::init("formats-running");
    for words in ["store upgrade", "store upgrade --dry-run"] {
        let why = home.refused(words, "");
        assert!(why.contains("there is no store in "), "{why}");
        assert!(!home.data().join("mail").exists());
    }
    let server = home.serve();
    for words in ["store upgrade", "store upgrade --dry-run"] {
        let why = home.refused(words, "");
        assert!(why.contains("the server runs; stop it"), "{why}");
    }
    server.stop();
}

#[test]
fn a_newer_format_is_refused_by_everybody_who_would_open_it() {
    let home = Home::init("formats-newer");
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let format = home.data().join("mail/format");
    fs::write(&format, "Gatepost store, format 9\nmade by Gatepost 8.1.0\n").unwrap();
    let before = mail(&home);
    for words in ["serve", "account list", "store check", "store reindex", "store reindex --force"] {
        let why = home.refused(words, "");
        assert!(
            why.contains("was made by a newer Gatepost (format 9, made by Gatepost 8.1.0)"),
            "{words}: {why}"
        );
        assert!(
            why.contains("which reads formats 1 to 3: run that version or a later one"),
            "{words}: {why}"
        );
    }
    for words in ["store upgrade", "store upgrade --dry-run"] {
        let why = home.refused(words, "");
        assert!(
            why.contains("reads formats 1 to 3; run the version that made this, or a later one"),
            "{why}"
        );
    }
    assert!(mail(&home) == before, "something was touched");
}

/// What this version says in the directory of accounts is of format 2, and so is where it was restored.
#[test]
fn a_backup_of_a_format_is_restored_as_that_format() {
    let home = Home::init("formats-backup");
    let format = |data: &Path| fs::read_to_string(data.join("mail/format"));
    assert!(format(&home.data()).is_err(), "the first format has no file");
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    assert!(format(&home.data()).unwrap().starts_with("Gatepost store, format 2\n"));
    let backup = home.folder.join("backup");
    let restored = |name: &str| {
        let new = home.folder.join(name);
        home.ok(&format!("backup {}", backup.display()), "");
        home.ok(&format!("backup verify {} --scratch {}", backup.display(), home.folder.display()), "");
        home.ok(&format!("restore {} --data {}", backup.display(), new.display()), "");
        format(&new).unwrap()
    };
    assert!(restored("restored").starts_with("Gatepost store, format 2\n"));
    assert!(home.ok("store upgrade", "").contains("format 2"));
}

/// Makes a fixture by the binary of a release: tests/formats/README.md says how.
#[test]
#[ignore = "writes a fixture named GATEPOST_FIXTURE by the binary GATEPOST_BINARY"]
fn a_fixture_is_made() {
    let name = std::env::var("GATEPOST_FIXTURE").unwrap();
    let home = Home::init(&format!("formats-make-{name}"));
    for account in [ANN, "bob@example.org"] {
        home.ok(&format!("account add {account} --password-stdin"), "secret\n");
    }
    session(&home, fill);
    // What not every version can do.
    for words in ["account quota ann@example.org --storage 1GB", "account disable bob@example.org"] {
        let _ = Gatepost::new(words).config(&home).output("");
    }
    let people = people::make(&home);
    let backup = format!("backup {}", home.folder.join("backup").display());
    let _ = Gatepost::new(&backup).config(&home).output("");
    // Its end is not a good one: what was written last is in the log alone.
    let server = home.serve();
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, "secret").unwrap();
    client.ask("SELECT INBOX").unwrap();
    client.ask("UID STORE 3 +FLAGS ($Forwarded)").unwrap();
    append(&mut client, "INBOX", "\\Draft", "Subject: at the end\r\n\r\nnot yet in the index\r\n");
    let told = all_of(&mut client);
    server.kill();

    let fixture = Path::new(FIXTURES).join(name);
    fs::create_dir_all(&fixture).unwrap();
    fs::write(fixture.join(EXPECTED), told).unwrap();
    if let Some(people) = people {
        fs::write(fixture.join(PEOPLE), people).unwrap();
    }
    for (path, octets) in mail(&home).into_iter().filter(|(path, _)| path != Path::new("lock")) {
        let to = fixture.join("mail").join(format!("{}.zst", path.display()));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, zstd::encode_all(octets.as_slice(), 19).unwrap()).unwrap();
    }
}

fn append(client: &mut Client, mailbox: &str, flags: &str, text: &str) {
    let arguments = format!("APPEND {mailbox} ({flags}) \"05-Jan-2020 10:11:12 +0130\"");
    let tag = client.send_large(&arguments, text.as_bytes()).unwrap();
    client.answer(tag).unwrap();
}

/// Does what leaves something in the log of every kind that any version has.
fn fill(client: &mut Client) {
    for name in ["\"Entw&APw-rfe\"", "Work/Plans", "Gone", "\"with spaces\""] {
        client.ask(&format!("CREATE {name}")).unwrap();
    }
    client.ask("SUBSCRIBE Work/Plans").unwrap();
    client.ask("RENAME \"with spaces\" \"with more spaces\"").unwrap();
    for number in 1..=9 {
        let flags = ["\\Seen red", "$Forwarded \\Flagged", "\\Draft \\Answered red blue"][number % 3];
        append(
            client,
            "INBOX",
            flags,
            &format!("From: Zo\u{eb} <z@example.org>\r\nSubject: {number}\r\n\r\n{number}\r\n"),
        );
    }
    append(client, "\"Entw&APw-rfe\"", "", "Subject: header alone\r\n\r\n");
    append(client, "Gone", "", "Subject: gone\r\n\r\n");
    client.ask("DELETE Gone").unwrap();
    // A body in a file of its own.
    let large = "a line that is said again and again, and again after that\r\n".repeat(6_000);
    append(client, "Work/Plans", "\\Flagged", &format!("Subject: large\r\n\r\n{large}"));
    client.ask("SELECT INBOX").unwrap();
    client.ask("UID STORE 1,4:5,9 +FLAGS (\\Deleted)").unwrap();
    client.ask("EXPUNGE").unwrap();
    client.ask("UID STORE 2 +FLAGS (\\Deleted)").unwrap();
    client.ask("UID COPY 3,7 Work/Plans").unwrap();
    client.ask("UID MOVE 8 Trash").unwrap();
    // Events enough for a snapshot, and some behind it.
    append(client, "Archive", "", "Subject: much changed\r\n\r\n");
    client.ask("SELECT Archive").unwrap();
    let words: Vec<_> = (0..20).map(|n| format!("word-{n:02}-{}", "x".repeat(190))).collect();
    for _ in 0..10 {
        client.ask(&format!("UID STORE 1 +FLAGS ({})", words.join(" "))).unwrap();
        client.ask(&format!("UID STORE 1 -FLAGS ({})", words.join(" "))).unwrap();
    }
    client.ask("UID STORE 1 +FLAGS (\\Seen behind-the-snapshot)").unwrap();
}
