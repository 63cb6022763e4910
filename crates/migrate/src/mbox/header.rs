//! What mail programs note in the header of a message in an mbox.

use crate::letter::Marks;

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

/// `X-Mozilla-Status`, in hexadecimal (Thunderbird, nsMsgMessageFlags.idl).
const MOZILLA: [(u32, &str); 4] =
    [(0x0001, "\\Seen"), (0x0002, "\\Answered"), (0x0004, "\\Flagged"), (0x1000, "$Forwarded")];
const MOZILLA_EXPUNGED: u32 = 0x0008;

/// Reads what was noted, and hands back the message without it.
pub(super) fn take_notes(message: &[u8]) -> (Noted, Vec<u8>) {
    let (mut noted, mut out) = (Noted::default(), Vec::with_capacity(message.len()));
    let mut rest = message;
    let mut is_note = false;
    while let Some(line) = rest.split_inclusive(|b| *b == b'\n').next() {
        if matches!(line, [b'\n'] | [b'\r', b'\n']) {
            break;
        }
        rest = rest.get(line.len()..).unwrap_or_default();
        let is_folded = matches!(line, [b' ' | b'\t', ..]);
        is_note = if is_folded { is_note } else { read(line, &mut noted) };
        if !is_note {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(rest);
    (noted, out)
}

/// Whether a line of the header is a note, and what it says.
fn read(line: &[u8], noted: &mut Noted) -> bool {
    let line = String::from_utf8_lossy(line);
    let Some((name, value)) = line.split_once(':') else { return false };
    let (value, marks) = (value.trim(), &mut noted.marks);
    match name.to_ascii_lowercase().as_str() {
        // R: read; O: seen by a program before, which is not the same.
        "status" => value.chars().filter(|letter| *letter == 'R').for_each(|_| marks.push("\\Seen")),
        "x-status" => value.chars().filter_map(status).for_each(|flag| marks.push(flag)),
        "x-keywords" | "x-mozilla-keys" => value.split_ascii_whitespace().for_each(|word| marks.push(word)),
        "x-mozilla-status" => mozilla(u32::from_str_radix(value, 16).unwrap_or_default(), noted),
        "x-imap" => noted.standing = Standing::Internal,
        "x-imapbase" | "x-uid" | "x-mozilla-status2" | "x-uidl" => {}
        // Untrusted, and wrong as soon as anything else is taken out.
        "content-length" => {}
        _ => return false,
    }
    true
}

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

    fn check(message: &str, words: &[&str], left: &str) {
        let (noted, out) = take_notes(message.as_bytes());
        assert_eq!(noted.marks.words(), words);
        assert_eq!(String::from_utf8(out).unwrap(), left);
    }

    #[test]
    fn notes_become_flags_and_are_taken_out_of_the_header_alone() {
        check(
            "Subject: a\nStatus: RO\nX-Status: AFTD\nX-Keywords: Work $Junk\n  more\nTo: b\n\nStatus: D\n",
            &["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted", "Work", "$Junk"],
            "Subject: a\nTo: b\n\nStatus: D\n",
        );
        check(
            "X-Mozilla-Status: 1007\r\nX-Mozilla-Keys: $label1\r\n\r\nx",
            &["\\Seen", "\\Answered", "\\Flagged", "$Forwarded", "$label1"],
            "\r\nx",
        );
        check("Status: O\nContent-Length: 7\nno colon here", &[], "no colon here");
        check("", &[], "");
    }

    #[test]
    fn what_is_no_message_of_the_owners_is_told_apart() {
        assert_eq!(take_notes(b"X-Mozilla-Status: 0009\n\n").0.standing, Standing::Expunged);
        assert_eq!(take_notes(b"X-IMAP: 1234 0000000003\n\n").0.standing, Standing::Internal);
        assert_eq!(take_notes(b"X-Mozilla-Status: zz\n\n").0, Noted::default());
    }
}
