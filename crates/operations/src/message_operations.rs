//! From octets to a record, and from a record to what FETCH tells.

use crate::{Operation, Work};
use message::{RecordView, Scanner, Standard, parse, record};
use std::hint::black_box;
use terms::SeqNum;
use testkit::dice::Dice;
use wire::imap::reply::FetchLine;

pub(crate) const ALL: &[Operation] = &[
    Operation { name: "message/scan", yields: 2_069, prepare: scan },
    Operation { name: "message/write-envelopes", yields: 108_892, prepare: write_envelopes },
    Operation { name: "message/write-bodies", yields: 23_900, prepare: write_bodies },
];

/// As it streams into the store, in the pieces that a socket gives.
fn scan() -> Work {
    let octets = letter();
    Box::new(move || {
        let mut scanner = Scanner::new();
        for piece in black_box(&octets).chunks(1_448) {
            scanner.push(piece);
        }
        black_box(record(&scanner.finish(), [7; 32])).len() as u64
    })
}

/// ENVELOPE and BODYSTRUCTURE, of a hundred messages.
fn write_envelopes() -> Work {
    let record = record(&parse(&letter()), [7; 32]);
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        for n in 1..=100 {
            let view = RecordView::new(black_box(&record)).unwrap();
            let mut line = FetchLine::begin(&mut out, SeqNum::new(n).unwrap());
            line.envelope(&mut out, view.envelope());
            line.body_structure(&mut out, &view.bodystructure(Standard::Rfc9051));
            line.end(&mut out);
        }
        black_box(&out).len() as u64
    })
}

/// BODY, which is made of BODYSTRUCTURE each time, of a hundred messages.
fn write_bodies() -> Work {
    let record = record(&parse(&letter()), [7; 32]);
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        for _ in 0..100 {
            RecordView::new(black_box(&record)).unwrap().write_body(Standard::Rfc3501, &mut out);
        }
        black_box(&out).len() as u64
    })
}

/// Some six KiB as people send them: text and HTML, and a small file.
fn letter() -> Vec<u8> {
    let mut dice = Dice::new(1);
    let to: Vec<_> = (1..=6).map(|n| format!("Person {n} <person{n}@example.org>")).collect();
    let references: Vec<_> = (1..=8).map(|n| format!("<2026030{n}.{:x}@example.org>", dice.any())).collect();
    let words =
        ["the", "garden", "opens", "on", "Sunday", "and", "Änne", "brings", "cake", "for", "everybody"];
    let mut line = || (0..10).map(|_| dice.pick(&words)).collect::<Vec<_>>().join(" ");
    let text: Vec<_> = (0..20).map(|_| line()).collect();
    let html: Vec<_> = (0..20).map(|_| format!("<p>{}</p>", line())).collect();
    let file: Vec<_> =
        (0..36).map(|_| "JVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoKPDwvTGVuZ3RoIDMgMCBSL0Zp".to_owned()).collect();
    [
        "Return-Path: <person1@example.org>",
        "Received: from mx.example.org by mail.example.org with ESMTPS id 7; Mon, 02 Mar 2026 10:00:01 +0100",
        "Date: Mon, 02 Mar 2026 10:00:00 +0100",
        "From: =?utf-8?q?=C3=84nne?= <person1@example.org>",
        &format!("To: {}", to.join(",\r\n ")),
        "Cc: friends: ann@example.org, bob@example.org;",
        "Subject: =?utf-8?b?R8OkcnRlbg==?= and Re: what else there is",
        "Message-ID: <20260302.7@example.org>",
        &format!("References: {}", references.join("\r\n ")),
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=\"outer-=_7\"",
        "",
        "--outer-=_7",
        "Content-Type: multipart/alternative; boundary=inner",
        "",
        "--inner",
        "Content-Type: text/plain; charset=utf-8; format=flowed",
        "Content-Transfer-Encoding: 8bit",
        "",
        &text.join("\r\n"),
        "--inner",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        &html.join("\r\n"),
        "--inner--",
        "--outer-=_7",
        "Content-Type: application/pdf; name*=utf-8''G%C3%A4rten.pdf",
        "Content-Disposition: attachment; filename*=utf-8''G%C3%A4rten.pdf; size=1620",
        "Content-Transfer-Encoding: base64",
        "",
        &file.join("\r\n"),
        "--outer-=_7--",
        "",
    ]
    .join("\r\n")
    .into_bytes()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_letter_is_of_common_size_and_shape() {
        let letter = super::letter();
        assert!((5_500..6_500).contains(&letter.len()), "{} octets", letter.len());
        assert_eq!(message::parse(&letter).table.parts().len(), 5);
    }
}
