//! Maildirs and mbox files, as they are found on disks.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use migrate::maildir::Maildir;
use migrate::mbox::Mbox;
use migrate::{Folder, Found};
use std::fs;
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

fn of_maildir(root: &Path) -> Vec<(Folder, Vec<Found>)> {
    let maildir = Maildir::open(root).unwrap();
    let all = maildir.folders().cloned();
    all.map(|folder| (folder.clone(), maildir.messages(&folder).unwrap().map(Result::unwrap).collect()))
        .collect()
}

fn of_mbox(root: &Path) -> Vec<(Folder, Vec<Found>)> {
    let mbox = Mbox::open(root).unwrap();
    let all = mbox.folders().cloned();
    all.map(|folder| (folder.clone(), mbox.messages(&folder).unwrap().map(Result::unwrap).collect()))
        .collect()
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
