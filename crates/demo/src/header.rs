//! Header fields: folding, encoded words, addresses and parameters.

use crate::people::Person;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::Encoding;

/// Longest encoded word (RFC 2047, 2).
const MAX_WORD: usize = 75;
/// Where lines are folded (RFC 5322, 2.1.1).
const FOLD_AT: usize = 76;

/// The charset of that name, as browsers and mail programs label it; UTF-8 where there is none.
pub(crate) fn charset(name: &str) -> &'static Encoding {
    Encoding::for_label(name.as_bytes()).unwrap_or(encoding_rs::UTF_8)
}

/// Octets of a text in a charset.
pub(crate) fn encoded(text: &str, charset_name: &str) -> Vec<u8> {
    charset(charset_name).encode(text).0.into_owned()
}

/// `Name: value`, folded at spaces, without the line end.
pub(crate) fn field(name: &str, value: &str) -> String {
    let mut out = format!("{name}:");
    let mut line = out.len();
    for word in value.split(' ') {
        if line + 1 + word.len() > FOLD_AT && line > name.len() + 1 {
            out.push_str("\r\n");
            line = 0;
        }
        out.push(' ');
        out.push_str(word);
        line += 1 + word.len();
    }
    out
}

/// Text for a header: as it is where it is ASCII, else as encoded words with Q or B, whichever is shorter.
pub(crate) fn text(text: &str, charset_name: &str) -> String {
    if text.is_ascii() {
        return text.into();
    }
    let whole = encoded(text, charset_name);
    let escaped = whole.iter().filter(|b| !plain_in_q(**b)).count();
    let encode = if escaped * 3 < whole.len() { q_word } else { b_word };
    words(text, charset_name, encode).join(" ")
}

/// Splits a text into words of at most [`MAX_WORD`] octets, never inside of a character (RFC 2047, 5).
fn words(text: &str, charset_name: &str, encode: fn(&str, &str) -> String) -> Vec<String> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut word = String::new();
    for (end, c) in text.char_indices().map(|(at, c)| (at + c.len_utf8(), c)) {
        let longer = encode(text.get(start..end).unwrap_or_default(), charset_name);
        if longer.len() <= MAX_WORD {
            word = longer;
            continue;
        }
        words.push(std::mem::replace(&mut word, encode(c.encode_utf8(&mut [0; 4]), charset_name)));
        start = end - c.len_utf8();
    }
    words.push(word);
    words
}

fn b_word(text: &str, charset_name: &str) -> String {
    format!("=?{charset_name}?B?{}?=", STANDARD.encode(encoded(text, charset_name)))
}

fn q_word(text: &str, charset_name: &str) -> String {
    let mut word = format!("=?{charset_name}?Q?");
    for b in encoded(text, charset_name) {
        match b {
            b' ' => word.push('_'),
            b if plain_in_q(b) => word.push(char::from(b)),
            b => word.push_str(&format!("={b:02X}")),
        }
    }
    word + "?="
}

/// What stands for itself in a Q word wherever it is (RFC 2047, 5, rule 3).
fn plain_in_q(b: u8) -> bool {
    b == b' ' || b.is_ascii_alphanumeric() || b"!*+-/".contains(&b)
}

/// `Name <local@domain>`.
pub(crate) fn mailbox(person: Person, charset_name: &str) -> String {
    named(person.name, &person.address(), charset_name)
}

/// A name and an address (RFC 5322, 3.4), the name quoted where it must be.
pub(crate) fn named(name: &str, address: &str, charset_name: &str) -> String {
    let fits = !charset(charset_name).encode(name).2;
    let charset_name = if fits { charset_name } else { "UTF-8" };
    let atoms = |b: u8| b == b' ' || b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    match name.is_ascii() {
        false => format!("{} <{address}>", text(name, charset_name)),
        true if name.bytes().all(atoms) => format!("{name} <{address}>"),
        true => format!("\"{}\" <{address}>", name.replace(['\\', '"'], "'")),
    }
}

/// `; name="value"`, or as RFC 2231 has it where the value is not ASCII.
pub(crate) fn parameter(name: &str, value: &str) -> String {
    if value.is_ascii() {
        return format!("; {name}=\"{value}\"");
    }
    let mut out = format!("; {name}*=UTF-8''");
    for b in value.bytes() {
        match b {
            b if b.is_ascii_alphanumeric() || b"-._".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_short_and_whole() {
        let long = "Grüße aus dem Schwarzwald, wo der Löwenzahn blüht und die Straße wieder offen ist";
        for name in ["UTF-8", "iso-8859-1"] {
            let value = text(long, name);
            assert!(value.split(' ').all(|word| word.len() <= MAX_WORD && word.ends_with("?=")), "{value}");
        }
        assert_eq!(text("夏", "iso-2022-jp"), "=?iso-2022-jp?B?GyRCMkYbKEI=?=");
        assert_eq!(text("ja: voilà", "iso-8859-1"), "=?iso-8859-1?Q?ja=3A_voil=E0?=");
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        assert_eq!(named("A B", "a@example.org", "UTF-8"), "A B <a@example.org>");
        assert_eq!(named("B, A.", "a@example.org", "UTF-8"), "\"B, A.\" <a@example.org>");
        assert_eq!(named("夏", "a@example.org", "iso-8859-1"), "=?UTF-8?B?5aSP?= <a@example.org>");
    }

    #[test]
    fn long_fields_are_folded_at_spaces() {
        let folded = field("To", &"someone@example.org, ".repeat(9));
        assert!(folded.split("\r\n").all(|line| line.len() <= FOLD_AT));
        assert!(folded.split("\r\n").skip(1).all(|line| line.starts_with(' ')));
    }

    #[test]
    fn file_names_travel_in_any_script() {
        assert_eq!(parameter("filename", "a b.pdf"), "; filename=\"a b.pdf\"");
        assert_eq!(parameter("filename", "é.pdf"), "; filename*=UTF-8''%C3%A9.pdf");
    }
}
