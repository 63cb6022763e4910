//! What `BINARY[part]` decodes, against decoders that see all of a body at once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test may panic")]

mod corpus;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use corpus::{REAL_SETS, folder, read, real, torture, with_crlf};
use message::{Content, Encoding, PartTable, TransferDecoder, parse};
use std::collections::HashSet;
use testkit::dice::Dice;

/// As BINARY does it, in pieces of `size`.
fn decoded(encoding: Encoding, body: &[u8], size: usize) -> Vec<u8> {
    let mut decoder = TransferDecoder::new(encoding);
    let mut out = Vec::new();
    body.chunks(size).for_each(|piece| decoder.push(piece, &mut out));
    decoder.finish(&mut out);
    out
}

/// By another implementation; `None` of what is not base64 to it. Line ends aside, it forgives missing padding.
fn base64(body: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let text: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    GeneralPurpose::new(&STANDARD, config).decode(text).ok()
}

/// By the rules of RFC 2045, 6.7, line by line.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        let (text, line_end) = match line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")) {
            Some(text) => (text, &line[text.len()..]),
            None => (line, &b""[..]),
        };
        let blank = |octet: &u8| matches!(octet, b' ' | b'\t');
        let text = &text[..text.iter().rposition(|octet| !blank(octet)).map_or(0, |last| last + 1)];
        match text.strip_suffix(b"=") {
            Some(text) => escapes(text, &mut out),
            None => {
                escapes(text, &mut out);
                out.extend_from_slice(line_end);
            }
        }
    }
    out
}

fn escapes(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some((first, behind)) = text.split_first() {
        let digits =
            behind.get(..2).filter(|digits| *first == b'=' && digits.iter().all(u8::is_ascii_hexdigit));
        let octet =
            digits.map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
        out.push(octet.unwrap_or(*first));
        text = if octet.is_some() { &behind[2..] } else { behind };
    }
}

/// The numbers of all leaves.
fn leaves(table: &PartTable) -> Vec<Vec<u32>> {
    let mut open = vec![vec![1]];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if Content::find(table, &path).is_none() {
            continue;
        }
        let deeper: Vec<u32> = path.iter().copied().chain([1]).collect();
        let is_leaf = Content::find(table, &deeper).is_none();
        let mut next = path.clone();
        *next.last_mut().unwrap() += 1;
        open.extend([next, deeper]);
        found.extend(is_leaf.then_some(path));
    }
    found
}

/// How many parts were compared, base64 and quoted-printable.
#[derive(Default)]
struct Count([usize; 2]);

fn check(message: &[u8], count: &mut Count) {
    let table = parse(message).table;
    for path in leaves(&table) {
        let Content { span, encoding } = Content::find(&table, &path).unwrap();
        let body = span.of(message);
        let (place, expected) = match encoding {
            Encoding::Base64 => (0, base64(body)),
            Encoding::QuotedPrintable => (1, Some(quoted_printable(body))),
            Encoding::Identity => {
                assert_eq!(decoded(encoding, body, 1_000), body);
                continue;
            }
            Encoding::Unknown => continue,
        };
        let Some(expected) = expected else { continue };
        count.0[place] += 1;
        for size in [body.len().max(1), 61] {
            assert!(decoded(encoding, body, size) == expected, "part {path:?} of {}", message.escape_ascii());
        }
    }
}

#[test]
fn the_parts_of_every_message_are_decoded_as_others_decode_them() {
    let mut count = Count::default();
    torture().values().for_each(|message| check(message, &mut count));
    REAL_SETS.iter().for_each(|set| real(set).iter().for_each(|message| check(message, &mut count)));
    println!("{} parts in base64 and {} in quoted-printable", count.0[0], count.0[1]);
    assert!(folder("torture").is_none() || count.0.iter().all(|count| *count > 100), "{:?}", count.0);
}

/// What mime4j makes otherwise, and why we do not.
const OTHERWISE: [(&str, &str); 2] = [
    (
        "multi-2gifs-base64_",
        "a message/rfc822 in base64, which RFC 2045, 6.4 forbids: its parts are not looked for",
    ),
    (
        "multi-frag_decoded_1_3_2",
        "a delimiter is glued to the end of its base64, and its letters are letters",
    ),
];

/// The files that Apache's mime4j has made of the parts of its test messages.
#[test]
fn the_parts_of_mime4j_are_decoded_as_it_decodes_them() {
    let Some(folder) = folder("expected/mime4j") else { return };
    let mut compared = 0;
    for set in ["testmsgs", "mimetools-testmsgs"] {
        let files = std::fs::read_dir(folder.join(set)).unwrap().map(|entry| entry.unwrap().path());
        let mut made: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "bin")).collect();
        made.sort();
        for path in made {
            let name = path.file_name().unwrap().to_str().unwrap();
            if OTHERWISE.iter().any(|(start, _)| name.starts_with(start)) {
                continue;
            }
            let (message, _) = name.split_once("_decoded_").unwrap();
            let message = with_crlf(&read(&folder.join(set).join(format!("{message}.msg"))).unwrap());
            let table = parse(&message).table;
            let parts: HashSet<_> = leaves(&table)
                .iter()
                .filter_map(|path| Content::find(&table, path))
                .map(|content| decoded(content.encoding, content.span.of(&message), 61))
                .collect();
            compared += 1;
            assert!(parts.contains(&read(&path).unwrap()), "{name}");
        }
    }
    println!("{compared} parts");
    assert!(compared > 10);
}

#[test]
fn any_quoted_printable_is_decoded_as_the_rules_have_it() {
    let words: [&[u8]; 12] =
        [b"=3D", b"=", b"=0a", b"a", b"bc", b" ", b"\t", b"\r\n", b"\n", b" \r\n", b"=\r\n", b"= \n"];
    for seed in 0..20_000 {
        let mut dice = Dice::new(seed);
        let body: Vec<u8> = (0..dice.below(12)).flat_map(|_| dice.pick(&words)).copied().collect();
        let size = 1 + dice.below(5_usize);
        let out = decoded(Encoding::QuotedPrintable, &body, size);
        let expected = quoted_printable(&body);
        assert_eq!(out, expected, "seed {seed}: {} in pieces of {size}", body.escape_ascii());
    }
}

#[test]
fn any_octets_are_decoded_from_base64_as_they_were() {
    for seed in 0..2_000 {
        let mut dice = Dice::new(seed);
        let octets: Vec<u8> = (0..dice.below(200)).map(|_| dice.below(256_u64) as u8).collect();
        let text = base64::prelude::BASE64_STANDARD.encode(&octets);
        let body: Vec<u8> =
            text.as_bytes().chunks(1 + dice.below(76_usize)).flat_map(|l| [l, b"\r\n"].concat()).collect();
        assert_eq!(decoded(Encoding::Base64, &body, 1 + dice.below(7_usize)), octets, "seed {seed}");
    }
}
