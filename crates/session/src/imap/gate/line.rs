//! The five-word grammar before TLS.

/// `tag SP command [SP arguments]`, nothing looked at behind the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub tag: &'a str,
    pub command: &'a str,
    pub arguments: Option<&'a [u8]>,
}

impl<'a> Line<'a> {
    /// `None` where no tag and command are to be seen. Exactly one space stands between the words.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let mut words = text.splitn(3, |&b| b == b' ');
        let tag = word(words.next()?, is_tag_char)?;
        let command = word(words.next()?, |b| b.is_ascii_alphanumeric())?;
        Some(Self { tag, command, arguments: words.next() })
    }
}

/// The names that are known here.
const KNOWN: [&str; 7] = ["AUTHENTICATE", "CAPABILITY", "ID", "LOGIN", "LOGOUT", "NOOP", "STARTTLS"];

/// The command's name as we write it.
pub(super) fn known(command: &str) -> Option<&'static str> {
    KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(command))
}

fn word(bytes: &[u8], allowed: impl Fn(u8) -> bool) -> Option<&str> {
    let fits = !bytes.is_empty() && bytes.iter().all(|&b| allowed(b));
    fits.then(|| std::str::from_utf8(bytes).ok()).flatten()
}

/// RFC 3501, 9: `tag = 1*<any ASTRING-CHAR except "+">`.
fn is_tag_char(b: u8) -> bool {
    b.is_ascii_graphic() && !b"(){%*\"\\+".contains(&b)
}

/// A literal at the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    /// `{6}`: its bytes come when we ask for them.
    Offered,
    /// `{6+}`: its bytes are on their way (RFC 7888).
    Sent,
}

/// The literal that a line announces. A quoted string that never ends counts too: better to hang up on a
/// mistake than to read a password as a command.
pub(super) fn announced_literal(text: &[u8]) -> Option<Literal> {
    let text = text.strip_suffix(b"}")?;
    let open = text.iter().rposition(|&b| b == b'{')?;
    let size = text.get(open + 1..)?;
    let (digits, literal) = match size.strip_suffix(b"+").or_else(|| size.strip_suffix(b"-")) {
        Some(digits) => (digits, Literal::Sent),
        None => (size, Literal::Offered),
    };
    digits.iter().all(u8::is_ascii_digit).then_some(literal)
}

/// RFC 2971, 3.1: a parenthesised list or NIL.
pub(super) fn looks_like_id(claims: &[u8]) -> bool {
    claims.eq_ignore_ascii_case(b"NIL") || (claims.starts_with(b"(") && claims.ends_with(b")"))
}

/// The bytes up to and including the first line feed, and the rest. A line feed alone ends a line too, or
/// `STARTTLS<LF>` and what is behind it could be read differently here and elsewhere.
pub(super) fn split_at_end(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.split_at(end)
}

pub(super) fn is_whole(line: &[u8]) -> bool {
    line.ends_with(b"\n")
}

pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// RFC 8446, 5.1: a TLS record of type handshake begins so, and no tag does.
pub(super) fn is_client_hello(line: &[u8]) -> bool {
    line.starts_with(b"\x16\x03")
}
