//! AUTHENTICATE (RFC 9051, 6.2.2) with an initial response (RFC 4959).

use super::super::error::{Fault, Reason};
use super::super::input::Input;
use super::super::secret::Secret;
use super::Command;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// A mechanism and, with SASL-IR, the client's first message.
#[derive(Clone, Debug)]
pub struct Authenticate<'a> {
    /// The mechanism's name as written; names are compared without case (RFC 4422, 3.1).
    pub mechanism: &'a str,
    /// The first message, decoded. Empty is not absent: it is written `=`.
    pub initial: Option<Secret>,
}

/// What a client says to a challenge.
#[derive(Clone, Debug)]
pub enum SaslLine {
    /// Its message, decoded.
    Message(Secret),
    /// `*`: it gives up. The answer is BAD.
    Cancel,
}

pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    let mechanism = input.atom("Expected the name of a SASL mechanism")?;
    let initial = if input.take(b' ') { Some(initial(input)?) } else { None };
    Ok(Command::Authenticate(Authenticate { mechanism, initial }))
}

/// `base64 / "="`
fn initial(input: &mut Input<'_>) -> Result<Secret, Fault> {
    let at = input.at();
    match input.while_matches(|octet| octet != b' ') {
        b"" => Err(input.fault("An empty initial response is written '='")),
        b"=" => Ok(Secret::new([])),
        encoded => decode(encoded).ok_or_else(|| not_base64(at)),
    }
}

/// Reads a line of the exchange that follows AUTHENTICATE.
///
/// # Errors
/// When it is not base64: the exchange is over and AUTHENTICATE is BAD (RFC 3501, erratum 261).
pub fn sasl_line(line: &[u8]) -> Result<SaslLine, Reason> {
    match line {
        b"*" => Ok(SaslLine::Cancel),
        encoded => decode(encoded).map(SaslLine::Message).ok_or_else(|| not_base64(0).reason),
    }
}

fn decode(encoded: &[u8]) -> Option<Secret> {
    STANDARD.decode(encoded).ok().map(Secret::new)
}

fn not_base64(at: usize) -> Fault {
    Fault { at, reason: Reason::Grammar(Cow::Borrowed("This SASL response is not valid base64")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_base64_or_gives_up() {
        assert!(matches!(sasl_line(b"*"), Ok(SaslLine::Cancel)));
        assert!(matches!(sasl_line(b""), Ok(SaslLine::Message(empty)) if empty.expose().is_empty()));
        assert!(matches!(sasl_line(b"AGEAYg=="), Ok(SaslLine::Message(m)) if m.expose() == b"\0a\0b"));
        for line in [&b"AGEAYg"[..], b"AGEA*g==", b"=", b"AGEAYh==", b" "] {
            assert!(sasl_line(line).is_err(), "{line:?}");
        }
    }
}
