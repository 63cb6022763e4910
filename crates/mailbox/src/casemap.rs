//! The collation `i;unicode-casemap` (RFC 5051), which SORT and THREAD "MUST" use (RFC 5256, 7).
//!
//! It is no language's order, and the same for every reader: letters with accents come behind those without and
//! before the next letter, and letter case makes no difference.

use unicode_normalization::char::decompose_compatible;

/// Appends a text as the collation compares it, octet by octet: "titlecased canonicalized UTF-8" (RFC 5051, 2).
pub(crate) fn casemap(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend(text.bytes().map(|octet| octet.to_ascii_uppercase()));
        return;
    }
    for c in text.chars() {
        decompose_compatible(titlecase(c), |c| out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()));
    }
}

/// Step 2(a): the titlecase property in UnicodeData.txt, which is one codepoint. The standard library has uppercase
/// mappings, and those of SpecialCasing.txt, which may be several codepoints.
fn titlecase(c: char) -> char {
    match c {
        // One letter that looks like two: `Ǆ ǅ ǆ` and so on, of which the middle one is the titlecase.
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        // Georgian has capitals since Unicode 11, but no words that begin with one.
        '\u{10d0}'..='\u{10ff}' => c,
        // Greek letters with an iota below.
        '\u{1f80}'..='\u{1faf}' => char::from_u32(u32::from(c) | 8).unwrap_or(c),
        '\u{1fb3}' => '\u{1fbc}',
        '\u{1fc3}' => '\u{1fcc}',
        '\u{1ff3}' => '\u{1ffc}',
        c => uppercase(c),
    }
}

/// The letter itself where its uppercase is several (`ß`): UnicodeData.txt has none for it then.
fn uppercase(c: char) -> char {
    let mut upper = c.to_uppercase();
    upper.next().filter(|_| upper.len() == 0).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut out = Vec::new();
        casemap(text, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{text}");
    }

    #[test]
    fn letter_case_makes_no_difference() {
        check("Hello, World 1", "HELLO, WORLD 1");
        check("ΑΣς жЖ", "ΑΣΣ ЖЖ");
        check("straße", "STRAßE");
    }

    #[test]
    fn accents_come_behind_their_letter_however_they_were_typed() {
        check("ÄäÅ", "A\u{308}A\u{308}A\u{30a}");
        check("a\u{308}", "A\u{308}");
        check("ﬁ２", "fi2");
    }

    /// RFC 5051, 2 has this example.
    #[test]
    fn a_letter_that_looks_like_two_becomes_a_capital_and_a_small_one() {
        for letter in ["Ǆ", "ǅ", "ǆ"] {
            check(letter, "Dz\u{30c}");
        }
        check("ǈǋǲ", "LjNjDz");
        check("ǉǌǳ", "LjNjDz");
    }

    #[test]
    fn what_has_no_titlecase_of_one_letter_keeps_its_own() {
        check("ნ", "ნ");
        check("\u{1f83}\u{1fb3}", "Α\u{314}\u{300}\u{345}Α\u{345}");
        check("\u{1fb2}", "α\u{300}\u{345}");
    }
}
