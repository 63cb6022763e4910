//! What is written is read back as it was, and what is read has one spelling.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use proptest::prelude::*;
use support::for_all;
use terms::{InternalDate, MailboxName, SeqNum, Uid, UidSet};
use wire::imap::command::{AtLiteral, ListStyle, upload_at_literal};
use wire::imap::reply::{self, FetchLine, ListLine};
use wire::imap::{Command, MessageSet, NameForm, SequenceSet, mailbox_name, parse};

/// Text in many scripts, with what modified UTF-7 is about in plenty.
fn texts() -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        3 => any::<char>(),
        2 => proptest::char::range(' ', '~'),
        2 => proptest::sample::select(vec!['&', '-', ',', '/', '+', 'é', '😀', '\u{ffff}', '\u{10000}', '\u{7f}']),
    ];
    proptest::collection::vec(letter, 0..20)
        .prop_map(|letters| letters.into_iter().filter(|&c| c != '\0').collect())
}

#[test]
fn any_text_survives_modified_utf7() {
    for_all(1, 20_000, texts(), |text: String| {
        let mut encoded = Vec::new();
        mailbox_name::encode(&mut encoded, &text, NameForm::Utf7);
        assert!(encoded.iter().all(|octet| matches!(octet, b' '..=b'~')), "{text:?}");
        assert_eq!(mailbox_name::decode_text(&encoded, NameForm::Utf7).as_ref(), Ok(&text));
        assert_eq!(mailbox_name::decode_text(text.as_bytes(), NameForm::Utf8), Ok(text));
    });
}

#[test]
fn modified_utf7_that_is_taken_is_the_only_spelling_of_its_text() {
    let spellings =
        proptest::string::string_regex("[A-Za-z0-9+, /&-]{0,4}(&[A-Za-z0-9+,]{0,8}-?){0,3}").unwrap();
    let taken = std::cell::Cell::new(0);
    for_all(2, 20_000, spellings, |spelling: String| {
        let Ok(text) = mailbox_name::decode_text(spelling.as_bytes(), NameForm::Utf7) else { return };
        let mut encoded = Vec::new();
        mailbox_name::encode(&mut encoded, &text, NameForm::Utf7);
        assert_eq!(String::from_utf8(encoded).unwrap(), spelling);
        taken.set(taken.get() + 1);
    });
    assert!(taken.get() > 1_000, "only {} spellings were taken", taken.get());
}

#[test]
fn a_listed_name_can_be_selected() {
    for_all(3, 5_000, texts(), |text: String| {
        let Ok(name) = MailboxName::new(&text) else { return };
        let mut out = Vec::new();
        let line = ListLine {
            style: ListStyle::List,
            attributes: &[],
            name: Some(&name),
            subscribed_child: false,
            old_name: None,
        };
        reply::list(&mut out, &line, NameForm::Utf7);
        let listed = out.strip_prefix(b"* LIST () \"/\" ").unwrap().strip_suffix(b"\r\n").unwrap();
        let frame = [b"a SELECT ", listed].concat();
        let Command::Select(select) = parse(&frame).unwrap().command else { panic!() };
        assert_eq!(select.mailbox.map(|spelt| spelt.name), Ok(name));
    });
}

#[test]
fn a_fetched_internaldate_can_be_appended() {
    let dates = (-62_135_000_000i64..253_402_000_000, -1_439i16..=1_439);
    for_all(4, 10_000, dates, |(seconds, zone_minutes)| {
        let Some(date) = InternalDate::new(seconds, zone_minutes) else { return };
        let mut out = Vec::new();
        let mut line = FetchLine::begin(&mut out, SeqNum::MIN);
        line.internal_date(&mut out, date);
        let written = String::from_utf8(out).unwrap();
        let written = written.strip_prefix("* 1 FETCH (INTERNALDATE ").unwrap();
        match upload_at_literal(format!("a APPEND x {written} {{1}}\r\n").as_bytes(), NameForm::Utf7) {
            AtLiteral::Message(tagged) => assert_eq!(tagged.command.append().item.date, Some(date)),
            other => panic!("{written}: {other:?}"),
        }
    });
}

#[test]
fn a_set_is_resolved_as_its_numbers_one_by_one() {
    let number = || prop_oneof![4 => (1u32..30).prop_map(Some), 1 => Just(None)];
    let ranges = proptest::collection::vec((number(), number()), 1..6);
    for_all(5, 5_000, (ranges, 0u32..20), |(ranges, highest)| {
        let end = |number: Option<u32>| number.map_or("*".to_owned(), |n| n.to_string());
        let text: Vec<_> = ranges.iter().map(|&(a, b)| format!("{}:{}", end(a), end(b))).collect();
        let frame = format!("a UID EXPUNGE {}", text.join(","));
        let command = parse(frame.as_bytes()).unwrap().command;
        let Command::Expunge(Some(MessageSet::Written(set))) = command else { panic!() };
        let mut model: Vec<u32> = Vec::new();
        for (a, b) in ranges.iter().map(|&(a, b)| (a.unwrap_or(highest), b.unwrap_or(highest))) {
            model.extend((a.min(b).max(1)..=a.max(b)).filter(|&n| n > 0));
        }
        model.sort_unstable();
        model.dedup();
        let uids = set.uids(Uid::new(highest));
        assert_eq!(uids.iter().map(Uid::get).collect::<Vec<_>>(), model, "{frame} of {highest}");
        let shortest = SequenceSet::of_uids(&uids).map(|set| set.to_string());
        assert_eq!(shortest.unwrap_or_default(), uids.to_string());
    });
}

#[test]
fn an_empty_set_is_none() {
    assert_eq!(SequenceSet::of_uids(&UidSet::new()), None);
    assert_eq!(SequenceSet::of_positions([]), None);
}
