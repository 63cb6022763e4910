//! OAUTHBEARER (RFC 7628) and XOAUTH2: a token in place of a password.
//!
//! Both send pairs of keys and values with 0x01 between them. Whether the token is worth something is for a directory to
//! say; where it is not, the client is told in JSON what it would take, answers that with a word that means nothing,
//! and only then the exchange fails.

use crate::failure::Failure;
use crate::gs2::{Flag, Gs2};
use crate::offer::BearerHint;
use crate::plain;
use crate::secret::Secret;
use std::fmt::Write;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    OAuthBearer,
    XOAuth2,
}

/// What a client asks for.
pub(crate) struct Asked {
    pub(crate) user: Option<String>,
    /// `None`: it has none, and wants to hear where to get one (RFC 7628, 4.3).
    pub(crate) token: Option<Secret>,
}

impl Style {
    pub(crate) fn read(self, message: &[u8]) -> Result<Asked, Failure> {
        let message = std::str::from_utf8(message).map_err(|_| SYNTAX)?;
        match self {
            Self::OAuthBearer => oauth_bearer(message),
            Self::XOAuth2 => xoauth2(message),
        }
    }

    /// What is told of a token that is refused.
    pub(crate) fn refusal(self, hint: &BearerHint) -> Vec<u8> {
        let mut json = String::new();
        match self {
            Self::OAuthBearer => pair(&mut json, '{', "status", "invalid_token"),
            Self::XOAuth2 => {
                pair(&mut json, '{', "status", "401");
                pair(&mut json, ',', "schemes", "bearer");
            }
        }
        if let Some(scope) = &hint.scope {
            pair(&mut json, ',', "scope", scope);
        }
        if let (Self::OAuthBearer, Some(url)) = (self, &hint.openid_configuration) {
            pair(&mut json, ',', "openid-configuration", url);
        }
        json.push('}');
        json.into_bytes()
    }
}

const SYNTAX: Failure = Failure::Malformed("This is no message of a mechanism with bearer tokens");

/// `gs2-header ^A key=value ^A ... ^A ^A`. Channel binding is for a mechanism that does not exist yet.
fn oauth_bearer(message: &str) -> Result<Asked, Failure> {
    let gs2 = Gs2::split(message).ok_or(SYNTAX)?;
    if matches!(gs2.flag, Flag::Binds(_)) {
        return Err(Failure::Malformed("OAUTHBEARER has no channel binding"));
    }
    let user = gs2.authzid()?;
    let pairs = gs2.rest.strip_prefix('\u{1}').ok_or(SYNTAX)?;
    Ok(Asked { user, token: token(authorization(pairs)?)? })
}

/// `user=name ^A auth=Bearer token ^A ^A`
fn xoauth2(message: &str) -> Result<Asked, Failure> {
    let (user, pairs) =
        message.strip_prefix("user=").and_then(|rest| rest.split_once('\u{1}')).ok_or(SYNTAX)?;
    let user = plain::name(user.as_bytes()).map_err(|_| Failure::NotAuthorized)?;
    Ok(Asked { user: Some(user), token: token(authorization(pairs)?)? })
}

/// The one value of `auth`; the keys of others, `host` and `port` among them, mean nothing to a token that its bearer
/// alone has to show (RFC 7628, 3.1).
fn authorization(pairs: &str) -> Result<&str, Failure> {
    let pairs = pairs.strip_suffix("\u{1}\u{1}").ok_or(SYNTAX)?;
    let mut found = None;
    for pair in pairs.split('\u{1}') {
        let (key, value) = pair.split_once('=').ok_or(SYNTAX)?;
        if key == "auth" && found.replace(value).is_some() {
            return Err(SYNTAX);
        }
    }
    found.ok_or(SYNTAX)
}

/// `Bearer token` (RFC 6750, 2.1), its first word in any case (RFC 9110, 11.1).
fn token(authorization: &str) -> Result<Option<Secret>, Failure> {
    if authorization.is_empty() {
        return Ok(None);
    }
    let (scheme, token) = authorization.split_once(' ').ok_or(SYNTAX)?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    let token = Secret::token(token.trim_start_matches(' ')).filter(|_| is_bearer);
    token.map(Some).ok_or(Failure::Malformed("This is no bearer token"))
}

fn pair(json: &mut String, before: char, key: &str, value: &str) {
    json.push(before);
    quoted(json, key);
    json.push(':');
    quoted(json, value);
}

/// A string of RFC 8259, 7.
fn quoted(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c.is_control() => {
                // To write into a string cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(scope: &str) -> BearerHint {
        let url = "https://login.example.org/.well-known/openid-configuration";
        BearerHint { scope: Some(scope.into()), openid_configuration: Some(url.into()) }
    }

    fn check(style: Style, message: &str, user: Option<&str>, token: Option<&str>) {
        let asked = style.read(message.as_bytes()).unwrap_or_else(|why| panic!("{message:?}: {why}"));
        assert_eq!(asked.user.as_deref(), user, "{message:?}");
        let found = asked.token.as_ref().map(|token| std::str::from_utf8(token.expose()).unwrap());
        assert_eq!(found, token, "{message:?}");
    }

    fn refused(style: Style, message: &str) -> Failure {
        style.read(message.as_bytes()).err().unwrap_or_else(|| panic!("{message:?} was taken"))
    }

    #[test]
    fn the_examples_of_rfc_7628_are_read() {
        // RFC 7628, 4.1 and 4.3.
        let token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
        let message = format!(
            "n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}auth=Bearer {token}\u{1}\u{1}"
        );
        check(Style::OAuthBearer, &message, Some("user@example.com"), Some(token));
        let asks = "n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}auth=\u{1}\u{1}";
        check(Style::OAuthBearer, asks, Some("user@example.com"), None);
        check(
            Style::OAuthBearer,
            "y,,\u{1}auth=bearer a.b-c_d~e+f/g=\u{1}\u{1}",
            None,
            Some("a.b-c_d~e+f/g="),
        );
        check(Style::OAuthBearer, "n,a=a=2Cb=3D,\u{1}auth=Bearer x\u{1}\u{1}", Some("a,b="), Some("x"));
    }

    #[test]
    fn the_example_of_google_is_read() {
        let message = "user=someuser@example.com\u{1}auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\u{1}\u{1}";
        let token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";
        check(Style::XOAuth2, message, Some("someuser@example.com"), Some(token));
    }

    #[test]
    fn what_is_refused_is_told_in_json_that_nothing_breaks_out_of() {
        let told = |style: Style, hint: &BearerHint| String::from_utf8(style.refusal(hint)).unwrap();
        assert_eq!(
            told(Style::OAuthBearer, &hint("mail")),
            r#"{"status":"invalid_token","scope":"mail","openid-configuration":"https://login.example.org/.well-known/openid-configuration"}"#
        );
        assert_eq!(
            told(Style::XOAuth2, &hint("https://mail.google.com/")),
            r#"{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}"#
        );
        assert_eq!(told(Style::OAuthBearer, &BearerHint::default()), r#"{"status":"invalid_token"}"#);
        assert!(told(Style::XOAuth2, &hint("a\"b\\c\u{1}")).ends_with(r#""scope":"a\"b\\c\u0001"}"#));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for message in [
            "",
            "\u{1}",
            "n,,",
            "n,,\u{1}",
            "n,,\u{1}\u{1}",
            "n,,auth=Bearer x\u{1}\u{1}",
            "n,,\u{1}auth=Bearer x\u{1}",
            "n,,\u{1}auth=Bearer \u{1}\u{1}",
            "n,,\u{1}auth=Bearerx\u{1}\u{1}",
            "n,,\u{1}auth=Basic x\u{1}\u{1}",
            "n,,\u{1}auth=Bearer x y\u{1}\u{1}",
            "n,,\u{1}auth=Bearer x\0\u{1}\u{1}",
            "n,,\u{1}auth=Bearer x\u{1}auth=Bearer y\u{1}\u{1}",
            "n,,\u{1}host\u{1}auth=Bearer x\u{1}\u{1}",
            "p=tls-exporter,,\u{1}auth=Bearer x\u{1}\u{1}",
            "x,,\u{1}auth=Bearer x\u{1}\u{1}",
        ] {
            assert!(matches!(refused(Style::OAuthBearer, message), Failure::Malformed(_)), "{message:?}");
        }
        for message in
            ["", "user=a", "user=a\u{1}", "user=a\u{1}auth=Bearer x\u{1}", "auth=Bearer x\u{1}\u{1}"]
        {
            assert!(matches!(refused(Style::XOAuth2, message), Failure::Malformed(_)), "{message:?}");
        }
        assert_eq!(refused(Style::XOAuth2, "user=\u{1}auth=Bearer x\u{1}\u{1}"), Failure::NotAuthorized);
    }
}
