//! Messages whose texts are known without decoding them, and a search that looks at everything.

use super::shelf::NOW;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use terms::{Flag, InternalDate, ModSeq, to_nfc};
use wire::imap::command::SearchKey;
use wire::imap::{MessageSet, SequenceSet};

/// A field as it is written, and what it says.
type Field = (&'static str, &'static str, &'static str);

/// A part of a message, and every text in it.
pub(super) struct Piece {
    pub raw: Vec<u8>,
    /// What is in its own header.
    pub fields: Vec<Field>,
    headers: Vec<String>,
    bodies: Vec<String>,
}

fn piece(fields: &[Field], body: &[u8], inside: &[Piece], text: Option<&str>) -> Piece {
    let header =
        fields.iter().map(|(name, raw, _)| format!("{name}: {raw}\r\n")).collect::<String>() + "\r\n";
    let mut headers: Vec<_> = fields.iter().map(|(name, _, text)| format!("{name}: {text}")).collect();
    headers.extend(inside.iter().flat_map(|piece| piece.headers.iter().cloned()));
    let bodies = inside.iter().flat_map(|piece| piece.bodies.iter().cloned()).chain(text.map(str::to_owned));
    Piece {
        raw: [header.as_bytes(), body].concat(),
        fields: fields.to_vec(),
        headers,
        bodies: bodies.collect(),
    }
}

fn text(fields: &[Field], raw: &[u8], text: &str) -> Piece {
    piece(fields, raw, &[], Some(text))
}

fn multipart(fields: &[Field], parts: &[Piece]) -> Piece {
    let mut body = b"a preamble\r\n".to_vec();
    for part in parts {
        body.extend_from_slice(b"--cut\r\n");
        body.extend_from_slice(&part.raw);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cut--\r\nan epilogue\r\n");
    piece(fields, &body, parts, None)
}

fn base64(octets: &[u8]) -> Vec<u8> {
    let lines = BASE64_STANDARD.encode(octets);
    lines.as_bytes().chunks(7).flat_map(|line| [line, b"\r\n"].concat()).collect()
}

/// Every octet escaped, and a soft line break behind each fifth.
fn quoted_printable(octets: &[u8]) -> Vec<u8> {
    let lines =
        octets.chunks(5).map(|line| line.iter().map(|octet| format!("={octet:02X}")).collect::<String>());
    lines.map(|line| line + "=\r\n").collect::<String>().into_bytes()
}

const MIXED: Field = ("Content-Type", "multipart/mixed; boundary=cut", "multipart/mixed; boundary=cut");

pub(super) fn pieces() -> Vec<Piece> {
    let same = |name, value| -> Field { (name, value, value) };
    let base64_field = same("Content-Transfer-Encoding", "base64");
    let long: &str = Box::leak(("x".repeat(9_000) + " needle").into_boxed_str());
    let koi8: Vec<u8> = b"<b>\xf2\xd5\xd3\xd3\xcb\xc9\xca</b>".to_vec();
    let utf16: Vec<u8> = "schwimmen, Grüße".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        text(
            &[
                same("From", "Ann <ann@example.org>"),
                same("To", "Bob <bob@example.net>"),
                same("Subject", "Lunch"),
                same("Date", "Mon, 02 Mar 2026 10:00:00 +0100"),
            ],
            b"They are swimming at noon.\r\n",
            "They are swimming at noon.\r\n",
        ),
        text(
            &[
                ("From", "=?utf-8?b?xLBsa2Vy?= <i@example.org>", "İlker <i@example.org>"),
                ("Subject", "=?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?iso-8859-1?q?_aus_K=F6ln?=", "Grüße aus Köln"),
                same("Date", "Mon, 02 Mar 2026 23:59:00 -1100"),
                same("Content-Type", "text/plain; charset=utf-8"),
                base64_field,
            ],
            &base64("Liebe Grüße aus Köln\r\nund bis bald".as_bytes()),
            "Liebe Grüße aus Köln\r\nund bis bald",
        ),
        multipart(
            &[same("Cc", "carol@example.org"), same("Subject", "several"), MIXED],
            &[
                text(
                    &[
                        same("Content-Type", "text/plain; charset=iso-8859-1"),
                        same("Content-Transfer-Encoding", "quoted-printable"),
                    ],
                    &quoted_printable(b"Gr\xfc\xdfe an alle, die swim sagen"),
                    "Grüße an alle, die swim sagen",
                ),
                text(
                    &[same("Content-Type", "text/html; charset=koi8-r"), base64_field],
                    &base64(&koi8),
                    "<b>Русский</b>",
                ),
                piece(
                    &[same("Content-Type", "image/png; name=swim.png"), base64_field],
                    &base64(b"hidden"),
                    &[],
                    None,
                ),
            ],
        ),
        multipart(
            &[same("Subject", "enclosed"), same("Date", "Sun, 01 Mar 2026 00:30:00 +1400"), MIXED],
            &[piece(&[same("Content-Type", "message/rfc822")], &nested().raw, &[nested()], None)],
        ),
        text(
            &[
                ("Subject", "=?utf-8?q?e=CC=81te=CC=81?=", "e\u{301}te\u{301}"),
                same("Date", "yesterday"),
                same("Content-Type", "text/plain; charset=utf-8"),
            ],
            "C'e\u{301}tait l'été, où l'on nage".as_bytes(),
            "C'e\u{301}tait l'été, où l'on nage",
        ),
        text(&[same("To", "ann@example.org"), same("To", "swim@example.net")], b"", ""),
        text(
            &[
                ("Subject", long, long),
                ("X-Swim", "a folded\r\n value", "a folded value"),
                same("Date", "2 Mar 2026"),
            ],
            b"see the subject\r\n",
            "see the subject\r\n",
        ),
        text(
            &[
                same("From", "swim@example.org"),
                same("Content-Type", "text/plain; charset=utf-16le"),
                base64_field,
            ],
            &base64(&utf16),
            "schwimmen, Grüße",
        ),
    ]
}

fn nested() -> Piece {
    text(
        &[
            ("Subject", "=?iso-8859-1?q?inner_Gr=FC=DFe?=", "inner Grüße"),
            ("From", "b@example.net", "b@example.net"),
        ],
        b"within\r\n",
        "within\r\n",
    )
}

/// A message in a mailbox, as a client may know it.
pub(super) struct Known<'a> {
    pub piece: &'a Piece,
    pub number: u32,
    pub uid: u32,
    pub flags: Vec<Flag>,
    pub recent: bool,
    pub date: InternalDate,
    pub mod_seq: ModSeq,
    /// How many messages there are, and the highest UID: what `*` means.
    pub last: (u32, u32),
}

impl Known<'_> {
    /// The standard's words, key by key.
    pub(super) fn fits(&self, key: &SearchKey<'_>) -> bool {
        let arrived = self.date.local_seconds().div_euclid(86_400);
        let sent = self.values("Date").next().and_then(|date| message::parse_date(date.as_bytes()));
        let sent = sent.map(|date| date.local_seconds().div_euclid(86_400));
        match key {
            SearchKey::All => true,
            SearchKey::Sequence(set) => within(&written(set).resolve(self.last.0), self.number),
            SearchKey::Uid(set) => within(&written(set).resolve(self.last.1), self.uid),
            SearchKey::Older(seconds) => self.date.seconds() <= NOW - i64::from(seconds.get()),
            SearchKey::Younger(seconds) => self.date.seconds() >= NOW - i64::from(seconds.get()),
            SearchKey::Flag(flag) => self.flags.contains(flag),
            SearchKey::NoFlag(flag) => !self.flags.contains(flag),
            SearchKey::Recent => self.recent,
            SearchKey::Old => !self.recent,
            SearchKey::New => self.recent && !self.flags.contains(&Flag::Seen),
            SearchKey::Before(day) => arrived < day.0,
            SearchKey::On(day) => arrived == day.0,
            SearchKey::Since(day) => arrived >= day.0,
            SearchKey::SentBefore(day) => sent.is_some_and(|sent| sent < day.0),
            SearchKey::SentOn(day) => sent.is_some_and(|sent| sent == day.0),
            SearchKey::SentSince(day) => sent.is_some_and(|sent| sent >= day.0),
            SearchKey::Larger(octets) => self.piece.raw.len() as u64 > *octets,
            SearchKey::Smaller(octets) => (self.piece.raw.len() as u64) < *octets,
            SearchKey::Bcc(text) => self.header("bcc", text),
            SearchKey::Cc(text) => self.header("cc", text),
            SearchKey::From(text) => self.header("from", text),
            SearchKey::Subject(text) => self.header("subject", text),
            SearchKey::To(text) => self.header("to", text),
            SearchKey::Header(name, text) => self.header(&String::from_utf8_lossy(name), text),
            SearchKey::Body(needle) => {
                self.piece.bodies.iter().any(|text| has(text, needle)) || needle.is_empty()
            }
            SearchKey::Text(needle) => {
                let texts = self.piece.bodies.iter().chain(&self.piece.headers);
                texts.into_iter().any(|text| has(text, needle)) || needle.is_empty()
            }
            SearchKey::ModSeq { mod_seq, .. } => self.mod_seq >= *mod_seq,
            // All of them were saved on the first day of 1970.
            SearchKey::SavedBefore(day) => 0 < day.0,
            SearchKey::SavedOn(day) => 0 == day.0,
            SearchKey::SavedSince(day) => 0 >= day.0,
            SearchKey::SaveDateSupported => true,
            SearchKey::EmailId(id) => *id == format!("M1-7-{:x}", self.uid),
            SearchKey::ThreadId(_) => unreachable!("transcripts/object-ids.imap asks"),
            SearchKey::Not(key) => !self.fits(key),
            SearchKey::Or(keys) => keys.iter().any(|key| self.fits(key)),
            SearchKey::And(keys) => keys.iter().all(|key| self.fits(key)),
        }
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.piece.fields.iter().filter(move |field| field.0.eq_ignore_ascii_case(name));
        named.map(|(_, _, text)| *text)
    }

    fn header(&self, name: &str, needle: &[u8]) -> bool {
        self.values(name).any(|value| has(value, needle))
    }
}

fn within(ranges: &[(u32, u32)], number: u32) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&number))
}

fn has(text: &str, needle: &[u8]) -> bool {
    let fold = |text: &str| to_nfc(&text.to_lowercase()).into_owned();
    fold(text).contains(&fold(std::str::from_utf8(needle).unwrap()))
}

/// `$` is a conversation's matter.
fn written(set: &MessageSet) -> &SequenceSet {
    match set {
        MessageSet::Written(set) => set,
        MessageSet::Saved => panic!("nothing is saved here"),
    }
}
