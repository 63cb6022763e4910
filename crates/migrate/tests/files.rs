//! Maildirs and mbox files, as they are found on disks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and says what it skips"
)]

use migrate::maildir::Maildir;
use migrate::mbox::Mbox;
use migrate::{Files, Folder, Found, Layout};
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A directory of a test's own, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn all_of<L: Layout>(root: &Path) -> Vec<(Folder, Vec<Found>)> {
    let files = Files::<L>::open(root).unwrap();
    let read = |folder: &Folder| files.messages(folder).unwrap().all.map(Result::unwrap).collect::<Vec<_>>();
    files.folders().map(|folder| (folder.clone(), read(folder))).collect()
}

fn of_maildir(root: &Path) -> Vec<(Folder, Vec<Found>)> {
    all_of::<migrate::maildir::Directories>(root)
}

fn of_mbox(root: &Path) -> Vec<(Folder, Vec<Found>)> {
    all_of::<migrate::mbox::Mboxes>(root)
}

/// Names, with the flags of each of their messages.
fn told(found: &[(Folder, Vec<Found>)]) -> Vec<(String, Vec<String>)> {
    let flags = |found: &Found| found.marks.words().join(" ");
    let row = |(folder, messages): &(Folder, Vec<Found>)| {
        (folder.name.to_string(), messages.iter().map(flags).collect())
    };
    found.iter().map(row).collect()
}

fn expected(rows: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    rows.iter().map(|(name, flags)| ((*name).into(), flags.iter().map(|f| (*f).into()).collect())).collect()
}

#[test]
fn a_maildir_is_read_with_its_folders_flags_keywords_and_subscriptions() {
    let scratch = Scratch::new("maildir");
    for (name, text) in [
        ("cur/1700000001.a.host,S=12:2,FSa", "Subject: a\n\nx\n"),
        ("new/1700000000.b.host", "Subject: b\r\n\r\nx\r\n"),
        ("tmp/1700000000.t.host", "half of it"),
        ("dovecot-keywords", "0 $label1\n1 Work\n"),
        (".&AMk-t&AOk-.Tides/cur/1700000002.c.host:2,PRD", "Subject: c\n\n"),
        (".NoMaildir/x", ""),
        ("subscriptions", "&AMk-t&AOk-.Tides\n"),
        (".Other/cur/1700000003.d.host:2,T", "Subject: d\n\n"),
    ] {
        scratch.write(name, text);
    }
    let found = of_maildir(&scratch.0);
    assert_eq!(
        told(&found),
        expected(&[
            ("INBOX", &["", "\\Flagged \\Seen $label1"]),
            ("Été/Tides", &["$Forwarded \\Answered \\Draft"]),
            ("Other", &["\\Deleted"]),
        ])
    );
    let subscribed: Vec<_> = found.iter().map(|(folder, _)| folder.is_subscribed).collect();
    assert_eq!(subscribed, [true, true, false]);
    let (_, inbox) = &found[0];
    assert_eq!(inbox[1].octets, b"Subject: a\r\n\r\nx\r\n".as_slice());
    assert_eq!(inbox[0].what, "1700000000.b.host");
}

#[test]
fn files_have_the_order_that_their_server_gave_them() {
    let scratch = Scratch::new("uidlist");
    for name in ["cur/3.c.host:2,S", "cur/20.b.host:2,", "cur/100.a.host:2,", "new/5.new.host"] {
        scratch.write(name, "Subject: x\n\n");
    }
    let order =
        || -> Vec<String> { of_maildir(&scratch.0)[0].1.iter().map(|found| found.what.clone()).collect() };
    assert_eq!(order(), ["3.c.host", "5.new.host", "20.b.host", "100.a.host"]);
    scratch.write("dovecot-uidlist", "3 V1234 N4 G00\n1 W10 :100.a.host\n2 :20.b.host:2,S\n3 S1 :3.c.host\n");
    assert_eq!(order(), ["100.a.host", "20.b.host", "3.c.host", "5.new.host"]);
}

#[test]
fn a_tree_of_directories_is_a_maildir_too() {
    let scratch = Scratch::new("tree");
    for name in ["cur/1.a.host", "Lists/Tides/cur/1.b.host", "Lists/cur/1.c.host", "Plain/notes.txt"] {
        scratch.write(name, "Subject: x\n\n");
    }
    let names: Vec<_> = of_maildir(&scratch.0).iter().map(|(folder, _)| folder.name.to_string()).collect();
    assert_eq!(names, ["INBOX", "Lists", "Lists/Tides"]);
    let why = Maildir::open(&scratch.0.join("Plain")).unwrap_err().to_string();
    assert!(why.contains("no Maildir"), "{why}");
}

#[test]
fn mbox_files_are_read_alone_and_as_thunderbird_lays_them_out() {
    let scratch = Scratch::new("mbox");
    for (name, text) in [
        ("Inbox", "From -\nX-Mozilla-Status: 0001\nSubject: a\n\nx\n"),
        ("Inbox.msf", "// an index"),
        ("Lists", ""),
        ("Lists.msf", ""),
        ("Lists.sbd/Tides", "From x\nStatus: RO\nX-Keywords: Work\n\ny\n\nFrom x\n\nz\n"),
        ("prefs.js", "nothing of ours"),
        ("empty", ""),
    ] {
        scratch.write(name, text);
    }
    assert_eq!(
        told(&of_mbox(&scratch.0)),
        expected(&[("INBOX", &["\\Seen"]), ("Lists", &[]), ("Lists/Tides", &["\\Seen Work", ""])])
    );
    assert_eq!(
        told(&of_mbox(&scratch.0.join("Lists.sbd/Tides"))),
        expected(&[("INBOX", &["\\Seen Work", ""])])
    );
    let why = Mbox::open(&scratch.0.join("prefs.js")).unwrap_err().to_string();
    assert!(why.contains("no mbox"), "{why}");
}

#[test]
fn folders_of_one_name_are_two_folders() {
    let maildir = Scratch::new("twins");
    maildir.write("cur/1.a:2,S", "Subject: root\n\n");
    maildir.write(".INBOX/cur/2.b:2,F", "Subject: below\n\n");
    let found = of_maildir(&maildir.0);
    let subjects: Vec<_> = found.iter().map(|(_, messages)| messages[0].octets.clone()).collect();
    assert_eq!(subjects, ["Subject: root\r\n\r\n", "Subject: below\r\n\r\n"]);
    assert_ne!(found[0].0.at_source, found[1].0.at_source);
}

/// What is counted is what is read, although a mail server goes on writing.
#[test]
fn what_is_added_to_an_mbox_meanwhile_is_for_the_next_run() {
    let scratch = Scratch::new("growing");
    scratch.write("mail", "From x\nSubject: a\n\nx\n\nFrom x\nSubject: b\n\nx\n");
    let mbox = Mbox::open(&scratch.0.join("mail")).unwrap();
    let folder = mbox.folders().next().unwrap().clone();
    let messages = mbox.messages(&folder).unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(scratch.0.join("mail")).unwrap();
    file.write_all(b"\nFrom x\nSubject: c\n\nx\n").unwrap();
    assert_eq!((messages.count, messages.all.count()), (2, 2));
    assert_eq!(mbox.messages(&folder).unwrap().count, 3);
}

/// An import may run as root, over what a user has laid there.
#[test]
fn no_link_is_followed_and_no_pipe_waited_for() {
    let (maildir, secret) = (Scratch::new("links"), Scratch::new("secret"));
    secret.write("cur/1.theirs:2,", "Subject: not yours\n\n");
    let theirs = secret.0.join("cur/1.theirs:2,");
    maildir.write("cur/1.a:2,S", "Subject: mine\n\n");
    symlink(&theirs, maildir.0.join("cur/2.b:2,")).unwrap();
    symlink(&secret.0, maildir.0.join(".Theirs")).unwrap();
    symlink(&theirs, maildir.0.join("dovecot-keywords")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(maildir.0.join("cur/3.c:2,")).status().unwrap();
    assert!(made.success());
    let source = Maildir::open(&maildir.0).unwrap();
    let folders: Vec<_> = source.folders().cloned().collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    let found: Vec<_> = source.messages(&folders[0]).unwrap().all.collect();
    assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn a_sender_cannot_hide_a_message_from_an_import() {
    let mbox = Scratch::new("hidden");
    let message =
        |subject| format!("From a Thu Jan  1 00:00:00 2026\nX-IMAP: 1 2\nSubject: {subject}\n\nx\n\n");
    mbox.write("mail", &[message("the file's own"), message("a letter")].concat());
    let found = of_mbox(&mbox.0.join("mail"));
    assert_eq!(found[0].1.len(), 1);
    assert_eq!(found[0].1[0].octets, "Subject: a letter\r\n\r\nx\r\n");
}

/// A folder of the corpus; `None`, with a line that says so, where there is no corpus. CI must have one.
fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("GATEPOST_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "CI needs the corpus: {}",
        folder.display()
    );
    println!("skipped: there is no {} (set GATEPOST_TEST_DATA)", folder.display());
    None
}

#[test]
fn an_mbox_of_real_messages_is_parted_where_its_writer_parted_it() {
    let Some(real) = corpus("real") else { return };
    let packed = fs::read(real.join("import600.mbox.zst")).unwrap();
    let text = zstd::decode_all(&packed[..]).unwrap();
    let found: Vec<_> = migrate::mbox::messages(&text[..], 0).map(Result::unwrap).collect();
    assert_eq!(found.len(), 600);
    for message in &found {
        assert!(!message.octets.windows(7).any(|seven| seven == b"\n>From "), "{}", message.what);
        assert!(!message.octets.is_empty() && message.marks.date.is_some());
    }
}

#[test]
fn a_maildir_gives_the_difficult_messages_of_the_corpus_as_they_are() {
    let Some(torture) = corpus("torture") else { return };
    let scratch = Scratch::new("torture");
    fs::create_dir_all(scratch.0.join("cur")).unwrap();
    let mut expected = Vec::new();
    for entry in fs::read_dir(torture).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "eml") {
            let octets = fs::read(&entry).unwrap();
            fs::write(scratch.0.join(format!("cur/1.{}:2,S", expected.len())), &octets).unwrap();
            expected.push(octets);
        }
    }
    let found = of_maildir(&scratch.0);
    let by_name = |found: &Found| found.what[2..].parse::<usize>().unwrap();
    assert_eq!(found[0].1.len(), expected.len());
    for message in &found[0].1 {
        // But for its line ends, as another program would make them.
        let mut own = Vec::new();
        for line in expected[by_name(message)].split_inclusive(|b| *b == b'\n') {
            let end = line.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            own.extend_from_slice(end.unwrap_or(line));
            own.extend_from_slice(if end.is_some() { b"\r\n" } else { b"" });
        }
        assert!(message.octets == own, "{}", message.what);
    }
}

proptest! {
    /// Written as mboxrd asks, whatever stands in it comes out again.
    #[test]
    fn an_mbox_gives_back_what_was_written_to_it(
        bodies in prop::collection::vec(prop::collection::vec("(>{0,3}From |From|)[a-z :.]{0,12}", 0..8), 1..6)
    ) {
        let mut text = String::new();
        for lines in &bodies {
            text.push_str("From x Mon Nov 16 08:00:00 2026\nSubject: x\n\n");
            for line in lines {
                let is_quoted = line.trim_start_matches('>').starts_with("From ");
                text.push_str(&format!("{}{line}\n", if is_quoted { ">" } else { "" }));
            }
            text.push('\n');
        }
        let found: Vec<_> = migrate::mbox::messages(text.as_bytes(), 0).map(Result::unwrap).collect();
        let octets: Vec<_> = found.iter().map(|found| String::from_utf8(found.octets.to_vec()).unwrap()).collect();
        let body = |lines: &Vec<String>| lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
        let expected: Vec<_> = bodies.iter().map(|lines| format!("Subject: x\r\n\r\n{}", body(lines))).collect();
        prop_assert_eq!(octets, expected);
    }
}
