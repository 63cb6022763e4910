//! `BODY[section]` by the example of RFC 9051, 6.4.5.1, and by the corners around it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod corpus;

use message::{Fields, PartTable, RecordView, Section, SectionText, parse, record};

/// The RFC's example: text, image, a message with text and image, and a multipart that has a message in it.
const EXAMPLE: &str = "Subject: all\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n\
    --a\r\nContent-Type: text/plain\r\n\r\none\r\n\
    --a\r\nContent-Type: application/octet-stream\r\n\r\ntwo\r\n\
    --a\r\nContent-Type: message/rfc822\r\n\r\n\
    Subject: three\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\n\r\nthree one\r\n\
    --b\r\nContent-Type: application/octet-stream\r\n\r\nthree two\r\n--b--\r\n\
    --a\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
    --c\r\nContent-Type: image/gif\r\n\r\nfour one\r\n\
    --c\r\nContent-Type: message/rfc822\r\n\r\n\
    Subject: four two\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n\
    --d\r\n\r\nfour two one\r\n\
    --d\r\nContent-Type: multipart/alternative; boundary=e\r\n\r\n\
    --e\r\n\r\nfour two two one\r\n\
    --e\r\nContent-Type: text/richtext\r\n\r\nfour two two two\r\n--e--\r\n--d--\r\n--c--\r\n--a--\r\n";

fn check(message: &str, path: &[u32], text: SectionText, expected: Option<&str>) {
    let parsed = parse(message.as_bytes());
    let section = Section { path: path.to_vec(), text };
    let found = |table: &PartTable| {
        let span = section.resolve(table)?;
        Some(String::from_utf8_lossy(span.of(message.as_bytes())).into_owned())
    };
    assert_eq!(found(&parsed.table).as_deref(), expected, "{section:?}");
    let record = record(&parsed, [0; 32]);
    assert_eq!(
        found(&RecordView::new(&record).unwrap().parts()).as_deref(),
        expected,
        "{section:?}, by the record"
    );
}

#[test]
fn numbers_name_the_parts_of_the_standards_example() {
    let all = |path: &[u32], expected| check(EXAMPLE, path, SectionText::All, Some(expected));
    all(&[1], "one");
    all(&[2], "two");
    all(&[3, 1], "three one");
    all(&[3, 2], "three two");
    all(&[4, 1], "four one");
    all(&[4, 2, 1], "four two one");
    all(&[4, 2, 2, 1], "four two two one");
    all(&[4, 2, 2, 2], "four two two two");
    all(&[], EXAMPLE);
}

#[test]
fn headers_and_texts_are_those_of_messages_and_mime_those_of_parts() {
    let three = "Subject: three\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    check(EXAMPLE, &[3], SectionText::Header, Some(three));
    check(EXAMPLE, &[3], SectionText::Mime, Some("Content-Type: message/rfc822\r\n\r\n"));
    check(EXAMPLE, &[4, 2, 2, 1], SectionText::Mime, Some("\r\n"));
    check(EXAMPLE, &[4, 1], SectionText::Mime, Some("Content-Type: image/gif\r\n\r\n"));
    let (header, text) = EXAMPLE.split_at(EXAMPLE.find("--a").unwrap());
    check(EXAMPLE, &[], SectionText::Header, Some(header));
    check(EXAMPLE, &[], SectionText::Text, Some(text));
}

#[test]
fn what_is_not_there_is_none() {
    for path in [&[5][..], &[1, 1], &[3, 3], &[4, 2, 2, 3], &[0], &[1, 0], &[u32::MAX], &[3, 1, 1]] {
        check(EXAMPLE, path, SectionText::All, None);
    }
    check(EXAMPLE, &[1], SectionText::Header, None);
    check(EXAMPLE, &[4], SectionText::Text, None);
    check(EXAMPLE, &[], SectionText::Mime, None);
}

#[test]
fn part_one_of_a_message_without_parts_is_its_body() {
    let message = "Subject: s\r\n\r\nbody";
    check(message, &[1], SectionText::All, Some("body"));
    check(message, &[1], SectionText::Mime, Some("Subject: s\r\n\r\n"));
    check(message, &[1, 1], SectionText::All, None);
    check(message, &[2], SectionText::All, None);
    let enclosing = "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody";
    check(enclosing, &[1], SectionText::All, Some("Subject: inner\r\n\r\nbody"));
    check(enclosing, &[1], SectionText::Header, Some("Subject: inner\r\n\r\n"));
    check(enclosing, &[1, 1], SectionText::All, Some("body"));
}

fn check_fields(block: &str, fields: &Fields, expected: &str) {
    assert_eq!(String::from_utf8_lossy(&fields.filter(block.as_bytes())), expected, "{fields:?}");
}

fn names(names: &[&str]) -> Vec<Box<[u8]>> {
    names.iter().map(|name| name.as_bytes().into()).collect()
}

#[test]
fn fields_are_chosen_with_their_continuation_lines_and_end_in_the_blank_line() {
    let block = "From: a\r\nsubject : b\r\n c\r\nnonsense\r\nTO: d\r\n\r\n";
    check_fields(block, &Fields::Only(names(&["SUBJECT", "to"])), "subject : b\r\n c\r\nTO: d\r\n\r\n");
    check_fields(block, &Fields::Except(names(&["SUBJECT", "to"])), "From: a\r\nnonsense\r\n\r\n");
    check_fields(block, &Fields::Only(names(&["date"])), "\r\n");
    check_fields("From: a\r\n", &Fields::Only(names(&["date"])), "");
    check_fields("From: a\nTo: b\n\n", &Fields::Only(names(&["to"])), "To: b\n\n");
}

#[test]
fn fields_and_the_blank_line_are_all_of_a_header() {
    for (name, message) in corpus::torture() {
        let header = parse(&message).table.get(0).unwrap().header;
        let block = header.of(&message);
        assert_eq!(Fields::Except(Vec::new()).filter(block), block, "{name}");
    }
}
