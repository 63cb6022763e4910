//! A password that was sent in clear: whose it was, never what it was.

use super::line::{Line, Literal, announced_literal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Somebody's password was sent in clear. The mark is unverified (a stranger can cause it), so it informs the
/// user and the admin and revokes nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The account's name, where the line has it.
    pub account: Option<Box<str>>,
}

/// What a refused command gave away, if it gave away a password.
pub(super) fn credential_in(line: &Line<'_>) -> Option<Exposed> {
    let arguments = line.arguments?;
    if line.command.eq_ignore_ascii_case("LOGIN") {
        return in_login(arguments);
    }
    line.command.eq_ignore_ascii_case("AUTHENTICATE").then(|| in_initial_response(arguments)).flatten()
}

/// `LOGIN user password`. A password that is only announced, as a literal that waits, was not sent.
fn in_login(arguments: &[u8]) -> Option<Exposed> {
    let literal = announced_literal(arguments);
    match user_name(arguments) {
        Some((_, b"")) => None,
        Some((name, password)) => {
            let waits = literal == Some(Literal::Offered) && announces_only(password);
            (!waits).then(|| Exposed { account: Some(name.into()) })
        }
        // The name itself is a literal: a client that does not wait with it does not wait with the password.
        None => (literal == Some(Literal::Sent)).then_some(Exposed { account: None }),
    }
}

/// Whether nothing but the announcement of a literal stands here.
fn announces_only(text: &[u8]) -> bool {
    text.starts_with(b"{")
}

/// The first argument of LOGIN, quoted or an atom, and what stands behind it and its space.
fn user_name(arguments: &[u8]) -> Option<(String, &[u8])> {
    if arguments.starts_with(b"{") {
        return None;
    }
    let (name, rest) = match arguments.strip_prefix(b"\"") {
        Some(inside) => quoted(inside),
        None => {
            let end = arguments.iter().position(|&b| b == b' ').unwrap_or(arguments.len());
            let (name, rest) = arguments.split_at(end);
            (name.to_vec(), rest)
        }
    };
    Some((String::from_utf8_lossy(&name).into_owned(), rest.trim_ascii()))
}

/// What stands before the closing quote (RFC 3501, 9: quoted), and what stands behind it.
fn quoted(inside: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut name = Vec::new();
    let mut rest = inside;
    while let Some((&b, behind)) = rest.split_first() {
        rest = behind;
        match b {
            b'"' => break,
            b'\\' => {
                let Some((&escaped, behind)) = rest.split_first() else { break };
                name.push(escaped);
                rest = behind;
            }
            _ => name.push(b),
        }
    }
    (name, rest)
}

/// `AUTHENTICATE mechanism initial-response` (RFC 4959), for the mechanisms whose first message is a secret.
fn in_initial_response(arguments: &[u8]) -> Option<Exposed> {
    let space = arguments.iter().position(|&b| b == b' ')?;
    let (mechanism, response) = arguments.split_at(space);
    if matches!(response.trim_ascii(), b"" | b"=") {
        return None;
    }
    match mechanism.to_ascii_uppercase().as_slice() {
        b"PLAIN" => Some(Exposed { account: plain_name(response.trim_ascii()) }),
        b"OAUTHBEARER" | b"XOAUTH2" => Some(Exposed { account: None }),
        _ => None,
    }
}

/// The name in a PLAIN message `authzid NUL authcid NUL password` (RFC 4616, 2). Decodes group by group and
/// stops with the group that holds the second NUL: of the password no more than two octets are ever decoded, and
/// those are dropped.
fn plain_name(response: &[u8]) -> Option<Box<str>> {
    let mut decoded = Vec::new();
    for group in response.chunks(4) {
        decoded.extend(STANDARD.decode(group).ok()?);
        let mut parts = decoded.split(|&b| b == 0);
        let (name, behind) = (parts.nth(1), parts.next());
        if let (Some(name), Some(_)) = (name, behind) {
            return Some(String::from_utf8_lossy(name).into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposed(text: &str) -> Option<Option<String>> {
        let line = Line::parse(text.as_bytes()).expect("a tag and a command");
        credential_in(&line).map(|e| e.account.map(String::from))
    }

    #[test]
    fn a_password_on_the_line_is_exposed_with_its_accounts_name() {
        for text in [
            "a LOGIN alice secret",
            "a login \"alice\" \"secret\"",
            "a LOGIN alice \"\"",
            "a LOGIN \"al\\ice\" secret",
            "a LOGIN alice {6+}",
            "a AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==",
            "a authenticate plain eABhbGljZQBz",
        ] {
            assert_eq!(exposed(text), Some(Some("alice".into())), "{text}");
        }
    }

    #[test]
    fn what_was_only_offered_or_holds_no_secret_is_not_exposed() {
        for text in [
            "a LOGIN alice {6}",
            "a LOGIN {5}",
            "a LOGIN alice",
            "a AUTHENTICATE PLAIN",
            "a AUTHENTICATE PLAIN =",
            "a AUTHENTICATE SCRAM-SHA-256 biwsbj1hbGljZSxyPXg=",
            "a SELECT INBOX",
        ] {
            assert_eq!(exposed(text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_without_a_readable_name_is_exposed_all_the_same() {
        for text in ["a LOGIN {5+}", "a AUTHENTICATE PLAIN !!!!", "a AUTHENTICATE XOAUTH2 dXNlcj1h"] {
            assert_eq!(exposed(text), Some(None), "{text}");
        }
    }
}
