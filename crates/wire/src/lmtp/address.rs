//! Addresses as MAIL and RCPT write them (RFC 5321, 4.1.2; RFC 6531, 3.3).
//!
//! What is read has no control character and no line end in it, so an address may be written into a header line.

use std::fmt;

/// Longest path, in octets. RFC 5321, 4.5.3.1.3 asks for 256; addresses that carry another one within are longer.
pub const MAX_PATH_OCTETS: usize = 512;

/// Whether an address needs SMTPUTF8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// ASCII.
    Ascii,
    /// UTF-8 (RFC 6531).
    Utf8,
}

/// The address of a person or a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    text: Box<str>,
    local: Box<str>,
    domain: Option<Box<str>>,
}

impl Address {
    /// As it was given, without the route that may have stood before it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`, without quotes.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What stands behind the `@`; `None` where there is none, as in `RCPT TO:<postmaster>`.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Whether it needs SMTPUTF8.
    #[must_use]
    pub fn alphabet(&self) -> Alphabet {
        if self.text.is_ascii() { Alphabet::Ascii } else { Alphabet::Utf8 }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Not a path, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAddress {
    /// It does not stand in angle brackets.
    Brackets,
    /// It is not UTF-8.
    Encoding,
    /// It has more than [`MAX_PATH_OCTETS`].
    TooLong,
    /// What stands before the `@` cannot.
    Local,
    /// What stands behind the `@` cannot.
    Domain,
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Brackets => "An address stands in angle brackets",
            Self::Encoding => "An address is written in ASCII or UTF-8",
            Self::TooLong => "This address is too long",
            Self::Local => "This address has no proper local part",
            Self::Domain => "This address has no proper domain",
        })
    }
}

/// A path, and what stands behind it: `None` for the null path `<>`.
///
/// # Errors
/// What is wrong with it.
pub fn read_path(line: &[u8]) -> Result<(Option<Address>, &[u8]), BadAddress> {
    let inside = line.strip_prefix(b"<").ok_or(BadAddress::Brackets)?;
    let end = end_of_path(inside).ok_or(BadAddress::Brackets)?;
    let (path, behind) = (inside.get(..end), inside.get(end + 1..));
    let path = std::str::from_utf8(path.unwrap_or_default()).map_err(|_| BadAddress::Encoding)?;
    let address = if path.is_empty() { None } else { Some(read_address(path)?) };
    Ok((address, behind.unwrap_or_default()))
}

/// Where the `>` stands that is not quoted.
fn end_of_path(inside: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    inside.iter().position(|octet| {
        let is_end = *octet == b'>' && !quoted;
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        is_end
    })
}

fn read_address(path: &str) -> Result<Address, BadAddress> {
    if path.len() > MAX_PATH_OCTETS {
        return Err(BadAddress::TooLong);
    }
    let text = without_route(path);
    let (local, domain) = match text.strip_prefix('"') {
        Some(quoted) => read_quoted(quoted)?,
        None => read_dotted(text)?,
    };
    let domain = match domain.strip_prefix('@') {
        Some(domain) if is_domain(domain) => Some(domain.into()),
        None if domain.is_empty() => None,
        _ => return Err(BadAddress::Domain),
    };
    Ok(Address { text: text.into(), local: local.into(), domain })
}

/// RFC 5321, appendix C: a source route "MUST BE accepted, SHOULD NOT be generated, and SHOULD be ignored".
fn without_route(path: &str) -> &str {
    if path.starts_with('@') { path.split_once(':').map_or(path, |(_, rest)| rest) } else { path }
}

/// The local part and what is behind it. Dots may stand where they like: some mobile providers gave out such
/// addresses.
fn read_dotted(text: &str) -> Result<(String, &str), BadAddress> {
    let end = text.find('@').unwrap_or(text.len());
    let (local, rest) = text.split_at_checked(end).ok_or(BadAddress::Local)?;
    let fine = !local.is_empty() && local.chars().all(|c| is_atext(c) || c == '.');
    if fine { Ok((local.to_owned(), rest)) } else { Err(BadAddress::Local) }
}

/// The same of a quoted local part, from behind its first quote.
fn read_quoted(quoted: &str) -> Result<(String, &str), BadAddress> {
    let mut local = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        let meant = match character {
            '"' => return Ok((local, quoted.get(at + 1..).unwrap_or_default())),
            '\\' => characters.next().map_or('\0', |(_, escaped)| escaped),
            plain => plain,
        };
        if meant.is_control() {
            return Err(BadAddress::Local);
        }
        local.push(meant);
    }
    Err(BadAddress::Local)
}

/// `atext`, or what RFC 6531, 3.3 adds to it.
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

/// Whether this is the name of a host, or an address literal. Underscores are no letters of a host's name, and are
/// used.
#[must_use]
pub fn is_domain(text: &str) -> bool {
    if text.len() > 255 {
        return false;
    }
    if let Some(literal) = text.strip_prefix('[') {
        let inside = literal.strip_suffix(']').unwrap_or_default();
        return !inside.is_empty()
            && inside.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-".contains(&b));
    }
    let letter =
        |c: char| c.is_ascii_alphanumeric() || "-_".contains(c) || (!c.is_ascii() && !c.is_control());
    text.split('.').all(|label| !label.is_empty() && label.chars().all(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, local: &str, domain: Option<&str>) {
        let (address, behind) = read_path(path.as_bytes()).unwrap();
        let address = address.unwrap();
        assert_eq!((address.local(), address.domain(), behind), (local, domain, &b""[..]), "{path}");
    }

    #[test]
    fn addresses_are_read_as_the_standard_writes_them() {
        check("<ann@example.org>", "ann", Some("example.org"));
        check("<ann+lists/rust@example.org>", "ann+lists/rust", Some("example.org"));
        check("<postmaster>", "postmaster", None);
        check("<\"a>b\\\"@c\"@example.org>", "a>b\"@c", Some("example.org"));
        check("<\"\"@example.org>", "", Some("example.org"));
        check("<@relay.example,@other.example:ann@example.org>", "ann", Some("example.org"));
        check("<a..b.@[IPv6:2001:db8::1]>", "a..b.", Some("[IPv6:2001:db8::1]"));
        check("<jörg@例え.jp>", "jörg", Some("例え.jp"));
    }

    #[test]
    fn the_null_path_is_nobody_and_what_follows_is_left() {
        assert_eq!(read_path(b"<> SIZE=1"), Ok((None, &b" SIZE=1"[..])));
    }

    #[test]
    fn what_is_no_address_is_told_why() {
        let too_long = format!("<{}@example.org>", "a".repeat(MAX_PATH_OCTETS));
        for (path, why) in [
            (&b"ann@example.org"[..], BadAddress::Brackets),
            (b"<ann@example.org", BadAddress::Brackets),
            (b"<\"ann>", BadAddress::Brackets),
            (b"<ann\xff@example.org>", BadAddress::Encoding),
            (b"<@example.org>", BadAddress::Local),
            (b"<an n@example.org>", BadAddress::Local),
            (b"<an\rn@example.org>", BadAddress::Local),
            (b"<\"an\x00n\"@example.org>", BadAddress::Local),
            (b"<undisclosed-recipients:;>", BadAddress::Local),
            (b"<a,b@example.org>", BadAddress::Local),
            (b"<ann@>", BadAddress::Domain),
            (b"<ann@a..b>", BadAddress::Domain),
            (b"<ann@a@b>", BadAddress::Domain),
            (b"<ann@[>", BadAddress::Domain),
            (b"<\"ann\"x@example.org>", BadAddress::Domain),
            (too_long.as_bytes(), BadAddress::TooLong),
        ] {
            assert_eq!(read_path(path).unwrap_err(), why, "{}", path.escape_ascii());
        }
    }
}
