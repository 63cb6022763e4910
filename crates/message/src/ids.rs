//! Message IDs (RFC 5322, 3.6.4) in the form in which THREAD compares them.
//!
//! RFC 5256, 3: "Implementations of the REFERENCES threading algorithm MUST normalize any msg-id in order to avoid
//! false non-matches due to differences in quoting." So an id has no angle brackets, quotes, escapes, blanks,
//! comments or line ends here. "Message ID comparisons are case-sensitive."

use crate::lexer::{Lexer, is_blank};

/// The ids in a field's value, in order. What is no `<left@right>` is none, whatever stands there.
pub fn message_ids(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut lexer = Lexer::new(value);
    std::iter::from_fn(move || next_id(&mut lexer))
}

fn next_id(lexer: &mut Lexer<'_>) -> Option<Vec<u8>> {
    loop {
        lexer.take_while(|octet| octet != b'<');
        if !lexer.eat(b'<') {
            return None;
        }
        if let Some(id) = id(lexer).filter(|id| is_valid(id)) {
            return Some(id);
        }
    }
}

/// From behind `<` to behind `>`; `None`, with nothing passed that could begin another id, if that does not come.
fn id(lexer: &mut Lexer<'_>) -> Option<Vec<u8>> {
    let mut id = Vec::new();
    loop {
        lexer.skip_blanks();
        match lexer.peek()? {
            b'>' => {
                lexer.skip(1);
                return Some(id);
            }
            b'<' => return None,
            b'"' => id.extend_from_slice(&lexer.quoted()),
            _ => id.extend_from_slice(lexer.take_while(is_plain)),
        }
    }
}

const fn is_plain(octet: u8) -> bool {
    !is_blank(octet) && !matches!(octet, b'<' | b'>' | b'"' | b'(')
}

/// `id-left "@" id-right`, neither of them empty.
fn is_valid(id: &[u8]) -> bool {
    let at = id.iter().rposition(|octet| *octet == b'@');
    at.is_some_and(|at| at > 0 && at + 1 < id.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &[&str]) {
        let ids: Vec<_> = message_ids(value.as_bytes()).map(|id| String::from_utf8(id).unwrap()).collect();
        assert_eq!(ids, expected, "{value:?}");
    }

    #[test]
    fn ids_are_found_in_order() {
        check("<a@x>\r\n <b@x><c@x>", &["a@x", "b@x", "c@x"]);
        check("Your mail of <Tuesday> <a@x> from me@x", &["a@x"]);
        check("", &[]);
        check("a@x", &[]);
    }

    #[test]
    fn quoting_makes_no_other_id() {
        check("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>", &["01KF8JCEOCBS0045PS@xxx.yyy.com"]);
        check("<01KF8JCEOCBS0045PS@xxx.yyy.com>", &["01KF8JCEOCBS0045PS@xxx.yyy.com"]);
        check("< a . \"b\\c\" (comment) @\r\n\tx >", &["a.bc@x"]);
        check("<a@[192.0.2.1]>", &["a@[192.0.2.1]"]);
        check("<\"a@b\"@c>", &["a@b@c"]);
    }

    #[test]
    fn what_is_no_id_hides_none() {
        check("<a@x <b@x>", &["b@x"]);
        check("<nowhere> <@x> <a@> <> <b@x>", &["b@x"]);
        check("<b@x> <c@x", &["b@x"]);
        check("<<<<b@x>>>>", &["b@x"]);
    }

    #[test]
    fn an_id_never_has_a_line_end() {
        check("<a\r\nb@x> <\"c\r\nd\"@x>", &["ab@x", "cd@x"]);
    }
}
