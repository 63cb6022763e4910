//! MIME: the scanner, the records made of what it found, and the texts read behind their encodings.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use fuzz::fuzz;
use message::limits::{MAX_DEPTH, MAX_PARTS};
use message::text::{Passage, Reader, passages};
use message::{
    Kind, Part, PartTable, RecordView, Scanner, Span, addresses, decode_header, parse, parse_date, record,
};

const MESSAGES: &[&[u8]] = &[
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: a <b@c>, g: d@e;\r\nDate: Mon, 2 Mar 2026 10:00 +0100\r\n\r\nx\r\n",
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\n\r\none\r\n--a\r\nContent-Type: text/html; \
      charset=koi8-r\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=F2=D5=\r\n=D3\r\n--a--\r\nepilogue\r\n",
    b"Content-Type: multipart/digest; boundary=\"ab\"\r\n\r\n--ab\r\n\r\nSubject: in\r\n ner\r\n\r\nwithin\r\n--ab--\r\n",
    b"Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\
      Content-Transfer-Encoding: base64\r\n\r\nU3RyYcOfZQ0K\r\n--b--\r\n",
    b"Content-Type: text/plain; name*0*=utf-8'de'%C3%A4; name*1=b; charset=utf-16le\r\nContent-Language: de, fr\r\n\
      Content-Disposition: attachment; filename=\"a\\\"b\"\r\nContent-MD5: x\r\nContent-ID: <y>\r\n\r\na\0b\0",
    b"",
];

const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\r\n--a\r\n",
    b"\r\n--a--\r\n",
    b"--ab\r\n",
    b"--b--",
    b"--",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"\"",
    b"\\",
    b"(",
    b")",
    b"<",
    b">",
    b"@",
    b"=",
    b"=3D",
    b"=\r\n",
    b"=?utf-8?b?",
    b"?=",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"Content-Type: ",
    b"multipart/mixed",
    b"message/rfc822",
    b"text/plain",
    b"; boundary=",
    b"; boundary=a",
    b"; charset=",
    b"utf-16",
    b"iso-2022-jp",
    b"\x1b$B",
    b"Content-Transfer-Encoding: base64\r\n",
    b"To: ",
    b"Date: ",
    b"Message-ID: <x>\r\n",
    b"*0*=",
];

#[test]
fn mime_scanner() {
    fuzz("mime_scanner", MESSAGES, WORDS, |octets| {
        let whole = parse(octets);
        assert_eq!(whole.size, octets.len() as u64);
        assert_eq!(whole.details.len(), whole.table.parts().len());
        check_tree(&whole.table, octets.len() as u64);
        let kept = record(&whole, [1; 32]);
        assert_eq!(RecordView::new(&kept).unwrap().parts(), whole.table);
        let mut scanner = Scanner::new();
        octets.chunks(1 + octets.len() % 5).for_each(|piece| scanner.push(piece));
        assert_eq!(record(&scanner.finish(), [1; 32]), kept, "however it is cut");
        whole
            .table
            .parts()
            .iter()
            .map(|part| (part.depth, format!("{:?}{:?}", part.kind, part.encoding)))
            .collect::<Vec<_>>()
    });
}

/// Every part lies in the part around it, behind its elder siblings, and only containers have children.
fn check_tree(table: &PartTable, size: u64) {
    let root = table.get(0).unwrap();
    assert_eq!((root.header.start, root.body.end, root.depth), (0, size, 0));
    assert!(table.parts().len() <= MAX_PARTS);
    for (index, part) in table.parts().iter().enumerate() {
        assert!(part.header.start <= part.header.end && part.header.end == part.body.start, "{part:?}");
        assert!(part.body.start <= part.body.end && usize::from(part.depth) <= MAX_DEPTH, "{part:?}");
        let children: Vec<&Part> = table.children(index).map(|child| table.get(child).unwrap()).collect();
        check_children(part, &children);
    }
}

fn check_children(part: &Part, children: &[&Part]) {
    match part.kind {
        Kind::Multipart => assert!(!children.is_empty(), "{part:?}"),
        Kind::Message => assert_eq!(children.len(), 1, "{part:?}"),
        _ => assert!(children.is_empty(), "{part:?}"),
    }
    let mut from = part.body.start;
    for child in children {
        let span = Span { start: child.header.start, end: child.body.end };
        assert!(part.body.contains(span) && from <= span.start, "{child:?} in {part:?}");
        from = span.end;
    }
}

/// All texts of a message, read in pieces of `size`.
fn texts(table: &PartTable, octets: &[u8], size: usize) -> Vec<String> {
    let read = |passage: Passage| {
        let (mut reader, mut text) = (Reader::new(&passage), String::new());
        passage.span.of(octets).chunks(size).for_each(|piece| reader.push(piece, &mut text));
        reader.finish(&mut text);
        text
    };
    passages(table).map(read).collect()
}

#[test]
fn mime_texts() {
    fuzz("mime_texts", MESSAGES, WORDS, |octets| {
        let table = parse(octets).table;
        let whole = texts(&table, octets, octets.len().max(1));
        assert_eq!(texts(&table, octets, 1 + octets.len() % 5), whole, "however it is cut");
        whole.iter().map(String::len).collect::<Vec<_>>()
    });
}

#[test]
fn mime_header_values() {
    let values: &[&[u8]] = &[
        b"=?utf-8?q?=C3?= =?utf-8?q?=84nne?= <a@b>",
        b"g: \"x \\\" y\" <@r,@s:a.b@[c]>, (d (e)) f@g;",
        b"Mon, 02 Mar 2026 10:00:00 (noon) +0100",
    ];
    fuzz("mime_header_values", values, WORDS, |value| {
        (decode_header(value).chars().count(), addresses(value).count(), parse_date(value).is_some())
    });
}
