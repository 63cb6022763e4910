#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
//! What the demo mailbox promises.

use demo::{DemoMessage, import, messages};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use terms::Flag;

fn all() -> Vec<DemoMessage> {
    messages(1).collect()
}

/// The header of a message, unfolded.
fn header(message: &DemoMessage) -> String {
    let text = String::from_utf8_lossy(&message.bytes);
    text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").replace("\r\n\t", " ")
}

fn field(message: &DemoMessage, name: &str) -> Option<String> {
    let start = format!("{name}: ");
    header(message).lines().find_map(|line| line.strip_prefix(&start).map(Into::into))
}

#[test]
fn the_same_seed_makes_the_same_mail_and_another_makes_other_mail() {
    assert_eq!(all(), all());
    assert_ne!(all(), messages(2).collect::<Vec<_>>());
}

#[test]
fn there_are_a_few_hundred_messages_in_many_folders() {
    let mut folders = BTreeMap::<String, usize>::new();
    let mail = all();
    for message in &mail {
        *folders.entry(message.mailbox.to_string()).or_default() += 1;
    }
    eprintln!("{folders:#?}");
    assert!((300..800).contains(&mail.len()), "{}", mail.len());
    for name in ["INBOX", "Sent", "Drafts", "Archive", "Junk", "Trash", "Torture", "Work/Projects", "Familie"]
    {
        assert!(folders.contains_key(name), "{name}");
    }
    assert!(folders.contains_key("Familie/Été/日本語"));
    let octets: usize = mail.iter().map(|message| message.bytes.len()).sum();
    assert!(octets < 3 << 20, "{octets}");
}

#[test]
fn lines_end_in_crlf_and_no_message_is_empty_or_holds_a_nul() {
    for message in all() {
        assert!(!message.bytes.is_empty() && !message.bytes.contains(&0), "{message:?}");
        let lone = message.bytes.windows(2).filter(|pair| pair[1] == b'\n' && pair[0] != b'\r');
        assert_eq!(lone.count(), 0, "{}", header(&message));
    }
}

#[test]
fn within_a_folder_dates_rise() {
    let mail = all();
    for pair in mail.windows(2).filter(|pair| pair[0].mailbox == pair[1].mailbox) {
        assert!(pair[0].date.seconds() <= pair[1].date.seconds());
    }
}

#[test]
fn generated_messages_are_well_formed() {
    let (mut ids, mail) = (BTreeSet::new(), all());
    for message in mail.iter().filter(|message| message.mailbox.as_str() != "Torture") {
        let header = header(message);
        // One address is written in UTF-8 (RFC 6532); nothing else is.
        assert!(header.is_ascii() || header.contains("łukasz@"), "{header}");
        for name in ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"] {
            assert!(field(message, name).is_some(), "{name} in {header}");
        }
        assert!(ids.insert(field(message, "Message-ID").unwrap()), "{header}");
        let widest = message.bytes.split(|&b| b == b'\n').map(<[u8]>::len).max().unwrap();
        assert!(widest <= 999, "{widest} in {header}");
    }
    for message in &mail {
        if let Some(parent) = field(message, "In-Reply-To").filter(|_| message.mailbox.as_str() != "Torture")
        {
            assert!(ids.contains(&parent), "{parent}");
        }
    }
}

#[test]
fn flags_are_those_of_a_mailbox_in_use() {
    let mail = all();
    for flag in [Flag::Seen, Flag::Flagged, Flag::Answered, Flag::Draft] {
        assert!(mail.iter().any(|message| message.flags.contains(&flag)), "{flag}");
    }
    let keywords =
        mail.iter().flat_map(|message| &message.flags).filter(|flag| matches!(flag, Flag::Keyword(_)));
    assert!(keywords.count() > 20);
    let unseen = mail.iter().filter(|m| m.mailbox.is_inbox() && !m.flags.contains(&Flag::Seen)).count();
    assert!((2..60).contains(&unseen), "{unseen}");
}

#[test]
fn a_maildir_is_read_with_its_folders_and_flags() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("maildir-{}", std::process::id()));
    for folder in ["cur", "new", ".&AMk-t&AOk-.Tides/cur"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("cur/1700000001.a.host:2,FS"), "Subject: a\n\nx\n").unwrap();
    fs::write(root.join("new/1700000000.b.host"), "Subject: b\r\n\r\nx\r\n").unwrap();
    fs::write(root.join(".&AMk-t&AOk-.Tides/cur/1700000002.c.host:2,"), "Subject: c\n\n").unwrap();
    let found: Vec<_> = import::open(&root).unwrap().map(Result::unwrap).collect();
    fs::write(root.join("mbox"), "From x\nSubject: d\n\n").unwrap();
    let mbox: Vec<_> = import::open(&root.join("mbox")).unwrap().map(Result::unwrap).collect();
    let no_maildir = import::open(&root.join("cur")).err().unwrap().to_string();
    fs::remove_dir_all(&root).unwrap();

    let told: Vec<_> = found.iter().map(|m| (m.mailbox.as_str(), m.flags.len(), m.bytes.len())).collect();
    assert_eq!(told, [("INBOX", 0, 17), ("INBOX", 2, 17), ("Été/Tides", 0, 14)]);
    assert_eq!(mbox.len(), 1);
    assert!(no_maildir.contains("is no Maildir"), "{no_maildir}");
}
