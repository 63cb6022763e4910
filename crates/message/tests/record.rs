//! A record says what its message says, in little space.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod corpus;

use message::{
    HeaderValue, KEPT_FIELDS, RECORD_VERSION, RecordView, Section, SectionText, Standard, decode_header,
    header, parse, record,
};

const MESSAGE: &[u8] = b"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\nFrom: =?utf-8?q?=C3=84nne?= <a@b>\r\n\
    Message-ID: <2@x>\r\nReferences: <1@x> <3@x>\r\nTo:\r\n\r\nbody\r\n";

#[test]
fn a_record_says_what_the_message_says() {
    let octets = record(&parse(MESSAGE), [9; 32]);
    let view = RecordView::new(&octets).unwrap();
    assert_eq!(view.body(), [9; 32]);
    assert_eq!(view.size(), MESSAGE.len() as u64);
    assert_eq!(u64::from(view.header_octets()), MESSAGE.len() as u64 - 6);
    assert_eq!(view.sent().map(|sent| (sent.seconds(), sent.zone_minutes())), Some((1_772_442_000, 60)));
    assert_eq!(view.thread_root(), b"<1@x>");
    assert_eq!(view.message_id().unwrap(), b"2@x");
    assert_eq!(view.references().collect::<Vec<_>>(), [b"1@x", b"3@x"]);
    assert_eq!(view.header(b"FROM"), HeaderValue::Text("Änne <a@b>"));
    assert_eq!(view.header(b"to"), HeaderValue::Text(""));
    assert_eq!(view.header(b"cc"), HeaderValue::Absent);
    assert_eq!(view.header(b"list-id"), HeaderValue::ReadHeader);
}

#[test]
fn records_of_real_mail_say_what_its_headers_say() {
    for set in corpus::REAL_SETS {
        for (number, message) in (1..).zip(corpus::real(set)) {
            let parsed = parse(&message);
            let octets = record(&parsed, [0; 32]);
            let (view, block) =
                (RecordView::new(&octets).unwrap(), parsed.table.get(0).unwrap().header.of(&message));
            for name in KEPT_FIELDS {
                check_header(&view, block, name, &format!("{set}/{number}"));
            }
        }
    }
}

fn check_header(view: &RecordView<'_>, block: &[u8], name: &str, message: &str) {
    let named = header::fields(block).filter(|field| field.name.eq_ignore_ascii_case(name.as_bytes()));
    let values: Vec<_> = named.map(|field| decode_header(field.value)).collect();
    match view.header(name.as_bytes()) {
        HeaderValue::Absent => assert!(values.is_empty(), "{message}: {values:?}"),
        HeaderValue::Text(text) => assert_eq!(text, values.join("\n"), "{message}"),
        HeaderValue::ReadHeader => assert!(!values.is_empty(), "{message}"),
    }
}

#[test]
fn what_is_no_whole_record_of_this_version_is_none() {
    let octets = record(&parse(MESSAGE), [9; 32]);
    for length in 0..octets.len() {
        assert!(RecordView::new(&octets[..length]).is_none(), "{length} octets of it");
    }
    let other = [&[RECORD_VERSION + 1], &octets[1..]].concat();
    assert!(RecordView::new(&other).is_none());
}

#[test]
fn a_damaged_record_harms_nobody() {
    let octets = record(&parse(MESSAGE), [9; 32]);
    for place in 0..octets.len() {
        for damage in [0x01, 0x80, 0xff] {
            let mut damaged = octets.clone();
            damaged[place] ^= damage;
            if let Some(view) = RecordView::new(&damaged) {
                let _ =
                    (view.sent(), view.envelope(), view.thread_root(), view.header(b"subject"), view.parts());
                view.write_body(Standard::Rfc3501, &mut Vec::new());
                view.write_body(Standard::Rfc9051, &mut Vec::new());
            }
        }
    }
}

#[test]
fn an_enclosed_message_with_utf8_in_its_header_is_a_message_to_imap4rev2_and_a_leaf_to_imap4rev1() {
    let message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/global\r\n\r\n\
                   Subject: Grüße\r\n\r\ninner\r\n--b\r\n\r\nouter\r\n--b--\r\n";
    let octets = record(&parse(message.as_bytes()), [0; 32]);
    let view = RecordView::new(&octets).unwrap();
    let envelope = "(NIL {7}\r\nGrüße NIL NIL NIL NIL NIL NIL NIL NIL)";
    let text = |octets| format!("(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7BIT\" {octets} 0");
    let (inner, outer) = (text(5), text(5));
    let leaf = "(\"message\" \"global\" NIL NIL NIL \"7BIT\" 25";
    let extension = " NIL NIL NIL NIL)";
    let whole = |parts: String, extension: &str| format!("({parts} \"mixed\"{extension})");
    let boundary = " (\"boundary\" \"b\") NIL NIL NIL";
    for (global, extended, plain) in [
        (
            Standard::Rfc9051,
            whole(format!("{leaf} {envelope} {inner}{extension} 2{extension}{outer}{extension}"), boundary),
            whole(format!("{leaf} {envelope} {inner}) 2){outer})"), ""),
        ),
        (
            Standard::Rfc3501,
            whole(format!("{leaf}{extension}{outer}{extension}"), boundary),
            whole(format!("{leaf}){outer})"), ""),
        ),
    ] {
        let mut body = Vec::new();
        view.write_body(global, &mut body);
        assert_eq!(String::from_utf8_lossy(&view.bodystructure(global)), extended);
        assert_eq!(String::from_utf8_lossy(&body), plain);
    }
    // RFC 9051, 6.4.5.1: "A part of type MESSAGE/RFC822 or MESSAGE/GLOBAL also has nested part numbers".
    let header = Section { path: vec![1], text: SectionText::Header };
    assert_eq!(
        header.resolve(&view.parts()).unwrap().of(message.as_bytes()),
        "Subject: Grüße\r\n\r\n".as_bytes()
    );
}

#[test]
fn records_of_real_mail_take_about_a_kilobyte() {
    let mut sizes: Vec<usize> = Vec::new();
    for set in corpus::REAL_SETS {
        sizes.extend(corpus::real(set).iter().map(|message| record(&parse(message), [0; 32]).len()));
    }
    sizes.sort_unstable();
    let Some(last) = sizes.len().checked_sub(1) else { return };
    let at = |percent: usize| sizes[last * percent / 100];
    let mean = sizes.iter().sum::<usize>() / sizes.len();
    println!(
        "{} records: mean {mean}, median {}, p90 {}, p99 {}, largest {}",
        sizes.len(),
        at(50),
        at(90),
        at(99),
        at(100)
    );
    assert!(mean < 1_500, "a mean of {mean} octets");
}
