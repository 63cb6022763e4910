//! What a response says.

use super::scan::{Items, Scan};
use crate::trouble::{Trouble, visible};

/// An untagged response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    Exists(u32),
    Expunge(u32),
    /// A message's number, and what is told of it.
    Fetch(u32, Items<'a>),
    /// UIDs that are gone (RFC 7162, 3.2.10).
    Vanished(Earlier, &'a [u8]),
    /// Numbers in words (RFC 3501, 7.2.5).
    Search(&'a [u8]),
    /// What stands behind ESEARCH (RFC 4731).
    ESearch(&'a [u8]),
    List(Scan<'a>),
    Status(Scan<'a>),
    Capability(&'a [u8]),
    /// A response code and a text.
    Ok(&'a [u8]),
    Bye(&'a [u8]),
    /// `+`.
    Continue,
    Other(&'a [u8]),
}

/// Whether what is gone went before the mailbox was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    Yes,
    No,
}

/// How a command came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    pub(crate) tag: &'a [u8],
    pub(crate) is_ok: bool,
    /// From the status on.
    pub(crate) text: &'a [u8],
}

/// A response: untagged, or the end of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Response<'a> {
    Untagged(Said<'a>),
    Tagged(Answer<'a>),
}

/// Reads a response.
pub(crate) fn read(response: &[u8]) -> Result<Response<'_>, Trouble> {
    if response.first() == Some(&b'+') {
        return Ok(Response::Untagged(Said::Continue));
    }
    match split(response) {
        (b"*", rest) => Ok(Response::Untagged(untagged(rest))),
        (tag, text) if !tag.is_empty() => {
            let (status, _) = split(text);
            Ok(Response::Tagged(Answer { tag, is_ok: status.eq_ignore_ascii_case(b"OK"), text }))
        }
        _ => Err(Trouble::garbled("the server says what is no IMAP", response)),
    }
}

fn untagged(text: &[u8]) -> Said<'_> {
    let (first, rest) = split(text);
    if let Some(number) = number(first) {
        let (word, rest) = split(rest);
        return match () {
            () if word.eq_ignore_ascii_case(b"FETCH") => Said::Fetch(number, Items::of(rest)),
            () if word.eq_ignore_ascii_case(b"EXISTS") => Said::Exists(number),
            () if word.eq_ignore_ascii_case(b"EXPUNGE") => Said::Expunge(number),
            () => Said::Other(text),
        };
    }
    let is = |word: &str| first.eq_ignore_ascii_case(word.as_bytes());
    match () {
        () if is("OK") => Said::Ok(rest),
        () if is("BYE") => Said::Bye(rest),
        () if is("SEARCH") => Said::Search(rest),
        () if is("ESEARCH") => Said::ESearch(rest),
        () if is("LIST") => Said::List(Scan::new(rest)),
        () if is("STATUS") => Said::Status(Scan::new(rest)),
        () if is("CAPABILITY") => Said::Capability(rest),
        () if is("VANISHED") => match split(rest) {
            (b"(EARLIER)", uids) => Said::Vanished(Earlier::Yes, uids),
            _ => Said::Vanished(Earlier::No, rest),
        },
        () => Said::Other(text),
    }
}

/// The word in front of the first space, and what is behind it.
pub(crate) fn split(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (text, b""),
    }
}

/// A number in digits, and nothing else.
pub(crate) fn number<N: std::str::FromStr>(text: &[u8]) -> Option<N> {
    text.first().filter(|octet| octet.is_ascii_digit())?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// What stands in a response code `[NAME ...]`, without the name.
pub(crate) fn code<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let inside = text.strip_prefix(b"[")?;
    let inside = inside.get(..memchr::memchr(b']', inside)?)?;
    let (own, rest) = split(inside);
    own.eq_ignore_ascii_case(name.as_bytes()).then_some(rest)
}

/// The number in a response code.
pub(crate) fn code_number<N: std::str::FromStr>(text: &[u8], name: &str) -> Option<N> {
    number(code(text, name)?)
}

/// Calls `each` with every number of a set such as `1:3,7`. A range counts whichever end is first (RFC 9051,
/// `seq-range`).
pub(crate) fn each_number(set: &[u8], mut each: impl FnMut(u32)) -> Result<(), Trouble> {
    let garbled = || Trouble::garbled("the server says a set of numbers that is none", set);
    for range in set.split(|octet| *octet == b',') {
        let mut ends = range.splitn(2, |octet| *octet == b':');
        let first = ends.next().and_then(number::<u32>).ok_or_else(garbled)?;
        let last = match ends.next() {
            Some(last) => number::<u32>(last).ok_or_else(garbled)?,
            None => first,
        };
        (first.min(last)..=first.max(last)).for_each(&mut each);
    }
    Ok(())
}

/// The numbers of a set, at most `most` of them.
pub(crate) fn numbers(set: &[u8], most: usize) -> Result<Vec<u32>, Trouble> {
    let (mut all, mut count) = (Vec::new(), 0_usize);
    // Ranges are cheap to say: what is too much is counted without being kept.
    for range in set.split(|octet| *octet == b',') {
        let mut ends = range.splitn(2, |octet| *octet == b':').map(number::<u32>);
        if let (Some(Some(first)), Some(Some(last))) = (ends.next(), ends.next()) {
            count = count.saturating_add(first.abs_diff(last) as usize);
        }
        count = count.saturating_add(1);
        if count > most {
            return Err(Trouble::Garbled(format!("more than {most} numbers came: {}", visible(set))));
        }
    }
    each_number(set, |number| all.push(number))?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(response: &[u8]) -> Said<'_> {
        match read(response).unwrap() {
            Response::Untagged(said) => said,
            Response::Tagged(answer) => panic!("{answer:?}"),
        }
    }

    #[test]
    fn responses_are_read() {
        assert_eq!(said(b"* 12 EXISTS"), Said::Exists(12));
        assert_eq!(said(b"* 12 expunge"), Said::Expunge(12));
        assert_eq!(said(b"* VANISHED (EARLIER) 1:3,7"), Said::Vanished(Earlier::Yes, b"1:3,7"));
        assert_eq!(said(b"* VANISHED 7"), Said::Vanished(Earlier::No, b"7"));
        assert_eq!(said(b"* SEARCH 1 2"), Said::Search(b"1 2"));
        assert_eq!(said(b"* SEARCH"), Said::Search(b""));
        assert_eq!(said(b"+ idling"), Said::Continue);
        assert_eq!(said(b"* FLAGS (x)"), Said::Other(b"FLAGS (x)"));
        let Response::Tagged(answer) = read(b"t7 NO [X] no").unwrap() else { panic!() };
        assert_eq!(
            (answer.tag, answer.is_ok, answer.text),
            (b"t7".as_slice(), false, b"NO [X] no".as_slice())
        );
        assert!(read(b"").is_err());
    }

    #[test]
    fn codes_and_sets_are_read() {
        assert_eq!(code_number(b"[UIDNEXT 9] text", "uidnext"), Some(9_u32));
        assert_eq!(code_number::<u32>(b"[UIDNEXT x] text", "UIDNEXT"), None);
        assert_eq!(code(b"[APPENDUID 1 2:3]", "APPENDUID"), Some(b"1 2:3".as_slice()));
        assert_eq!(numbers(b"3:1,9", 10).unwrap(), [1, 2, 3, 9]);
        for wrong in [b"".as_slice(), b"1:", b"1:*", b"a", b"1,,2", b"1:4294967295"] {
            assert!(numbers(wrong, 10).is_err(), "{wrong:?}");
        }
    }
}
