//! What we write is valid IMAP: an independent, strict parser reads it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod corpus;

use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder;
use message::{RecordView, Standard, parse, record};

#[test]
fn torture_messages_are_described_validly() {
    for (name, message) in corpus::torture() {
        check(&name, &message);
        check(&name, &corpus::with_crlf(&message));
    }
}

#[test]
fn real_messages_are_described_validly() {
    for set in corpus::REAL_SETS {
        let messages = corpus::real(set);
        println!("{set}: {} messages", messages.len());
        for (number, message) in (1..).zip(messages) {
            check(&format!("{set}/{number}"), &message);
        }
    }
}

#[test]
fn octets_that_no_quoted_string_carries_are_described_validly() {
    check("raw", b"Subject: \xff\0\"\\\r\x01\r\nFrom: \"a\0b\" <\xfc@\xff>\r\nContent-Type: te\xfft/\"; a=\"\xff\"\r\n\r\n");
}

/// The other parser reads bodies nested so deep, and no deeper.
const ITS_DEPTH: u8 = 7;

fn check(name: &str, message: &[u8]) {
    let parsed = parse(message);
    let depth = parsed.table.parts().iter().map(|part| part.depth).max().unwrap();
    let record = record(&parsed, [7; 32]);
    let view = RecordView::new(&record).unwrap();
    for (item, value) in [
        ("ENVELOPE", view.envelope().to_vec()),
        ("BODYSTRUCTURE", view.bodystructure(Standard::Rfc3501).into_owned()),
        ("BODYSTRUCTURE", as_rfc822(&view.bodystructure(Standard::Rfc9051))),
        ("BODY", body(&view)),
    ] {
        if depth >= ITS_DEPTH && item != "ENVELOPE" {
            let mut rest = &value[..];
            corpus::Value::read(&mut rest);
            assert!(rest.is_empty(), "{name}: {item} is one list");
            continue;
        }
        let response = [format!("* 1 FETCH ({item} ").as_bytes(), &value, b")\r\n"].concat();
        let (rest, _) = ResponseCodec::default()
            .decode(&response)
            .unwrap_or_else(|error| panic!("{name}: {error:?} in {}", String::from_utf8_lossy(&response)));
        assert!(rest.is_empty(), "{name}: {item} ends early");
        assert!(!response.windows(3).any(|octets| octets == b"{0}"), "{name}: the empty string is quoted");
    }
}

/// The other parser knows `media-message` as RFC 3501 has it; RFC 9051, 9 has the same form for "GLOBAL".
fn as_rfc822(structure: &[u8]) -> Vec<u8> {
    let (ours, its) = (b"(\"message\" \"global\" ".as_slice(), b"(\"message\" \"rfc822\" ".as_slice());
    let mut out = structure.to_vec();
    let places: Vec<usize> = (0..out.len()).filter(|at| out[*at..].starts_with(ours)).collect();
    for at in places {
        out[at..at + its.len()].copy_from_slice(its);
    }
    out
}

fn body(view: &RecordView<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    view.write_body(Standard::Rfc3501, &mut body);
    body
}
