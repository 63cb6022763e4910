//! What mail programs note in the header of a message in an mbox, and which of it is believed.
//!
//! A sender can write the same fields into his own mail. So a note counts only where the programs that keep the file
//! put it: Thunderbird and KMail before all else, where a sender cannot write, since the servers that a message came
//! through have put their lines above his; c-client, Dovecot, mutt, Netscape and Python's `mailbox` at the end of the
//! header, behind whatever he wrote. There the last of a name counts, and Netscape's only behind its own separator. What stands at the end of a header that no program has
//! touched since it came is a sender's all the same, and nothing tells it apart; so a keyword counts only if the file
//! names it itself (`X-IMAPbase`, as Dovecot and c-client have it), or as one of a few. Wherever a note stands, it is
//! taken out: a file's messages have to be the same whoever has noted what in them.

use crate::letter::Marks;
use std::collections::HashSet;

/// Keywords that a file may name, and keywords that may stand in a file that names none. Each mailbox here has some
/// thousand at most, and a sender is not to use them up.
const MAX_KEYWORDS: usize = 256;
const MAX_UNNAMED_KEYWORDS: usize = 64;
/// Words of one note that are read.
const MAX_WORDS: usize = 1_000;

/// What the header of a message says of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) marks: Marks,
    pub(super) standing: Standing,
}

/// Whether it is a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    #[default]
    Message,
    /// Thunderbird has deleted it, and not yet compacted the file.
    Expunged,
    /// Some servers keep notes of their own in front of the first message (c-client's `X-IMAP`).
    Internal,
}

/// Which program put a message where it is, as far as its separator tells: no sender has written that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeper {
    /// Netscape, Mozilla, Thunderbird: `From - ` and a date.
    Mozilla,
    Other,
}

impl Keeper {
    pub(super) fn of(separator: &[u8]) -> Self {
        match separator.strip_prefix(b"From -") {
            Some(rest) if rest.first().is_none_or(u8::is_ascii_whitespace) => Self::Mozilla,
            _ => Self::Other,
        }
    }
}

/// The keywords of a file.
#[derive(Debug, Default)]
pub(super) struct Keywords {
    known: HashSet<String>,
    naming: Naming,
}

/// Whether a file names its keywords.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Naming {
    /// Its first message, which would, has not been read.
    #[default]
    Unread,
    Named,
    /// The first ones that stand in it count.
    Unnamed,
}

impl Keywords {
    /// Takes them from the `X-IMAPbase` or `X-IMAP` of the first message: UIDVALIDITY, the last UID, and keywords.
    fn settle(&mut self, base: Option<&str>) {
        if self.naming == Naming::Unread {
            let words = base.into_iter().flat_map(str::split_ascii_whitespace).skip(2).take(MAX_KEYWORDS);
            self.known = words.map(str::to_ascii_lowercase).collect();
            self.naming = if base.is_some() { Naming::Named } else { Naming::Unnamed };
        }
    }

    fn takes(&mut self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        if self.known.contains(&word) {
            return true;
        }
        let has_room = self.naming == Naming::Unnamed && self.known.len() < MAX_UNNAMED_KEYWORDS;
        has_room && self.known.insert(word)
    }
}

/// Whose a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The file's: it is taken out.
    Note,
    /// A mail program's, among the notes; it stays.
    Beside,
    /// The message's.
    Message,
}

fn kind(field: &[u8]) -> Kind {
    match name(field).as_str() {
        "status" | "x-status" | "x-keywords" | "x-uid" | "x-imap" | "x-imapbase" => Kind::Note,
        "x-mozilla-status" | "x-mozilla-status2" | "x-mozilla-keys" | "x-uidl" => Kind::Note,
        // Untrusted, and wrong as soon as anything else is taken out.
        "content-length" => Kind::Note,
        // Thunderbird's and Emacs', in front; mutt's, behind.
        "x-account-key" | "x-vm-v5-data" | "lines" | "x-label" => Kind::Beside,
        _ => Kind::Message,
    }
}

/// The name of a field in small letters; none where it is longer than all that are of interest.
fn name(field: &[u8]) -> String {
    let colon = field.iter().take(24).position(|b| *b == b':').unwrap_or_default();
    String::from_utf8_lossy(field.get(..colon).unwrap_or_default()).to_ascii_lowercase()
}

/// The fields of a header, each with the lines that go on with it.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut length = 0;
        for line in self.0.split_inclusive(|b| *b == b'\n') {
            let is_end = matches!(line, [b'\n'] | [b'\r', b'\n']);
            let goes_on = matches!(line, [b' ' | b'\t', ..]);
            if is_end || length > 0 && !goes_on {
                break;
            }
            length += line.len();
        }
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        (length > 0).then_some(field)
    }
}

/// Reads what was noted, and hands back the message without it.
pub(super) fn take_notes(message: &[u8], keeper: Keeper, keywords: &mut Keywords) -> (Noted, Vec<u8>) {
    let mut out = Vec::with_capacity(message.len());
    // The notes before the message's first field, and those behind its last.
    let (mut end, mut front, mut back) = (0, None, 0);
    for field in Fields(message) {
        let kind = kind(field);
        if kind == Kind::Message {
            front.get_or_insert(end);
            back = end + field.len();
        }
        if kind != Kind::Note {
            out.extend_from_slice(field);
        }
        end += field.len();
    }
    out.extend_from_slice(message.get(end..).unwrap_or_default());
    let front = Notes::read(message.get(..front.unwrap_or(end)).unwrap_or_default());
    let back = Notes::read(message.get(back..end).unwrap_or_default());
    (front.over(back, keeper).told(keywords), out)
}

/// The values of notes that stand together; of each name the last.
#[derive(Default)]
struct Notes {
    status: Option<String>,
    x_status: Option<String>,
    x_keywords: Option<String>,
    /// `X-IMAPbase`, and `X-IMAP`, which says besides that this is no message.
    base: Option<String>,
    internal: Option<String>,
    mozilla_status: Option<String>,
    mozilla_keys: Option<String>,
}

impl Notes {
    fn read(fields: &[u8]) -> Self {
        let mut notes = Self::default();
        for field in Fields(fields) {
            let slot = match name(field).as_str() {
                "status" => &mut notes.status,
                "x-status" => &mut notes.x_status,
                "x-keywords" => &mut notes.x_keywords,
                "x-imapbase" => &mut notes.base,
                "x-imap" => &mut notes.internal,
                "x-mozilla-status" => &mut notes.mozilla_status,
                "x-mozilla-keys" => &mut notes.mozilla_keys,
                _ => continue,
            };
            let value = field.splitn(2, |b| *b == b':').nth(1).unwrap_or_default();
            *slot = Some(String::from_utf8_lossy(value).trim().to_owned());
        }
        notes
    }

    /// These in front, and those behind. Where Mozilla's notes stand, they are all that counts.
    fn over(self, back: Self, keeper: Keeper) -> Self {
        let mozillas = [Some(&self), Some(&back).filter(|_| keeper == Keeper::Mozilla)];
        if let Some(notes) = mozillas.into_iter().flatten().find(|notes| notes.mozilla_status.is_some()) {
            let (mozilla_status, mozilla_keys) = (notes.mozilla_status.clone(), notes.mozilla_keys.clone());
            return Self { mozilla_status, mozilla_keys, ..Self::default() };
        }
        Self {
            status: self.status.or(back.status),
            x_status: self.x_status.or(back.x_status),
            x_keywords: self.x_keywords.or(back.x_keywords),
            base: self.base.or(back.base),
            internal: self.internal.or(back.internal),
            mozilla_status: None,
            mozilla_keys: self.mozilla_keys,
        }
    }

    fn told(self, keywords: &mut Keywords) -> Noted {
        let mut noted = Noted::default();
        if self.internal.is_some() {
            noted.standing = Standing::Internal;
        }
        keywords.settle(self.base.or(self.internal).as_deref());
        let text = |value: Option<String>| value.unwrap_or_default();
        let bits = u32::from_str_radix(&text(self.mozilla_status), 16).unwrap_or_default();
        mozilla(bits, &mut noted);
        let marks = &mut noted.marks;
        // R: read; O: seen by a program before, which is not the same.
        if text(self.status).contains('R') {
            marks.push("\\Seen");
        }
        text(self.x_status).chars().filter_map(status).for_each(|flag| marks.push(flag));
        for word in text(self.mozilla_keys).split_ascii_whitespace().take(MAX_WORDS) {
            marks.push(word);
        }
        for word in text(self.x_keywords).split_ascii_whitespace().take(MAX_WORDS) {
            if keywords.takes(word) {
                marks.push(word);
            } else {
                marks.unnamed += 1;
            }
        }
        noted
    }
}

/// `X-Mozilla-Status`, in hexadecimal (Thunderbird, nsMsgMessageFlags.idl).
const MOZILLA: [(u32, &str); 4] =
    [(0x0001, "\\Seen"), (0x0002, "\\Answered"), (0x0004, "\\Flagged"), (0x1000, "$Forwarded")];
const MOZILLA_EXPUNGED: u32 = 0x0008;

fn status(letter: char) -> Option<&'static str> {
    match letter {
        'A' => Some("\\Answered"),
        'F' => Some("\\Flagged"),
        'D' => Some("\\Deleted"),
        'T' => Some("\\Draft"),
        _ => None,
    }
}

fn mozilla(bits: u32, noted: &mut Noted) {
    MOZILLA.iter().filter(|(bit, _)| bits & bit != 0).for_each(|(_, flag)| noted.marks.push(flag));
    if bits & MOZILLA_EXPUNGED != 0 {
        noted.standing = Standing::Expunged;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(message: &str) -> (Noted, String) {
        notes_behind("From x", message)
    }

    fn notes_behind(separator: &str, message: &str) -> (Noted, String) {
        let keeper = Keeper::of(separator.as_bytes());
        let (noted, out) = take_notes(message.as_bytes(), keeper, &mut Keywords::default());
        (noted, String::from_utf8(out).unwrap())
    }

    fn check(message: &str, words: &[&str], left: &str) {
        let (noted, out) = notes(message);
        assert_eq!(noted.marks.words(), words, "{message:?}");
        assert_eq!(out, left);
    }

    #[test]
    fn notes_become_flags_and_are_taken_out_of_the_header_alone() {
        // As c-client and Dovecot write it, and mutt.
        check(
            "Subject: a\nTo: b\nStatus: RO\nX-Status: AFTD\nX-Keywords: Work $Junk\n  more\nX-UID: 7\n\nStatus: D\n",
            &["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted", "Work", "$Junk", "more"],
            "Subject: a\nTo: b\n\nStatus: D\n",
        );
        check(
            "To: b\nStatus: RO\nX-Status: A\nContent-Length: 7\nLines: 1\n\nx",
            &["\\Seen", "\\Answered"],
            "To: b\nLines: 1\n\nx",
        );
        // As Thunderbird does, and KMail.
        check(
            "X-Account-Key: account1\r\nX-UIDL: 9\r\nX-Mozilla-Status: 1007\r\nX-Mozilla-Status2: 00000000\r\n\
             X-Mozilla-Keys: $label1\r\nReceived: x\r\n\r\nx",
            &["\\Seen", "\\Answered", "\\Flagged", "$Forwarded", "$label1"],
            "X-Account-Key: account1\r\nReceived: x\r\n\r\nx",
        );
        check("Status: RO\nX-Status: RF\nFrom: a\n\n", &["\\Seen", "\\Flagged"], "From: a\n\n");
        check("Status: O\nContent-Length: 7\nno colon here", &[], "no colon here");
        check("", &[], "");
        check(" folded\nStatus: R\n\n", &["\\Seen"], " folded\n\n");
    }

    #[test]
    fn what_is_no_message_of_the_owners_is_told_apart() {
        assert_eq!(notes("X-Mozilla-Status: 0009\n\n").0.standing, Standing::Expunged);
        let noted = notes("Subject: DON'T DELETE\nX-IMAP: 1234 0000000003 Work\nStatus: RO\n\n").0;
        assert_eq!(noted.standing, Standing::Internal);
        assert_eq!(notes("X-Mozilla-Status: zz\n\n").0, Noted::default());
    }

    #[test]
    fn what_a_sender_writes_among_his_own_fields_is_not_believed_and_taken_out_all_the_same() {
        let sent = "Received: here\nStatus: RO\nX-Status: FD\nX-Keywords: $Important\nX-Mozilla-Status: 0009\n\
                    X-Mozilla-Keys: a\nX-IMAP: 1 2\nSubject: x\n";
        let (noted, left) = notes(&format!("{sent}\ntext\n"));
        assert_eq!(noted, Noted::default());
        assert_eq!(left, "Received: here\nSubject: x\n\ntext\n");
        // Whoever keeps the file has the last word, or the first.
        check(
            &format!("{sent}Status: O\nX-Status: A\n\n"),
            &["\\Answered"],
            "Received: here\nSubject: x\n\n",
        );
        check("To: b\nStatus: RO\nX-Status: D\nStatus: O\nX-Status: \n\n", &[], "To: b\n\n");
        check("X-Mozilla-Status: 0002\nTo: b\nStatus: R\nX-Status: D\n\n", &["\\Answered"], "To: b\n\n");
        check("Status: O\nTo: b\nStatus: R\n\n", &[], "To: b\n\n");
        // Behind the others Mozilla's count only where Mozilla has put the message.
        check("To: b\nX-Mozilla-Status: 000b\n\n", &[], "To: b\n\n");
    }

    #[test]
    fn netscape_noted_at_the_end_of_a_header_behind_a_separator_of_its_own() {
        let words = |separator, message| notes_behind(separator, message).0.marks.words();
        let sent = "To: b\nX-Mozilla-Status: 0009\nSubject: x\nStatus: R\n";
        let kept = format!("{sent}X-Mozilla-Status: 8004\nX-Mozilla-Status2: 00000000\nX-UIDL: 7\n\n");
        assert_eq!(words("From - Tue Mar 09 10:00:00 1999", &kept), ["\\Flagged"]);
        assert_eq!(words("From -", &kept), ["\\Flagged"]);
        for separator in ["From -a@example.org Tue Mar 09 10:00:00 1999", "From a@example.org Tue Mar 09"] {
            assert_eq!(words(separator, &kept), ["\\Seen"], "{separator}");
        }
        assert_eq!(notes_behind("From -", &format!("{sent}\n")).0.standing, Standing::Message);
    }

    #[test]
    fn senders_cannot_fill_a_mailbox_with_keywords() {
        let message = |from: usize| {
            let words: Vec<_> = (from..from + 50).map(|number| format!("k{number}")).collect();
            format!("Subject: x\nX-Keywords: {}\n\n", words.join(" "))
        };
        let (mut unnamed, mut named) = (Keywords::default(), Keywords::default());
        named.settle(Some("1 2 K1 k60"));
        let mut all = [HashSet::new(), HashSet::new()];
        let mut left_out = 0;
        for from in (0..2_000).step_by(50) {
            for (keywords, all) in [&mut unnamed, &mut named].into_iter().zip(&mut all) {
                let (noted, _) = take_notes(message(from).as_bytes(), Keeper::Other, keywords);
                left_out += noted.marks.unnamed;
                all.extend(noted.marks.words());
            }
        }
        assert_eq!(all[0].len(), MAX_UNNAMED_KEYWORDS);
        assert_eq!(all[1], HashSet::from(["k1".into(), "k60".into()]));
        assert_eq!(left_out, 2 * 2_000 - MAX_UNNAMED_KEYWORDS as u64 - 2);
    }
}
