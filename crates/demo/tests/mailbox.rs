#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
//! What the demo mailbox promises.

use demo::{DemoMessage, messages};
use std::collections::{BTreeMap, BTreeSet};
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
