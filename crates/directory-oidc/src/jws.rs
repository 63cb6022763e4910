//! Signed tokens as they are written: a header, claims and a signature (RFC 7515, 7.1; RFC 7519).
//!
//! A token says by itself how it wants to be checked, and whoever made it may be anybody. So of the header only four things are
//! read, each against what is allowed here; a key that it brings along, or says where to find (`jwk`, `jku`, `x5c`, `x5u`), is
//! never looked at, and `kid` is compared with the names of keys that are known and nothing else (threat T-33).

use crate::object::Object;
use crate::refusal::Refusal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest token that is looked at, in octets. Those of large providers, with all groups of a user, stay below 8 KiB.
pub const MAX_TOKEN_OCTETS: usize = 16 * 1024;

/// Longest name of a key, in octets; most are hashes.
pub const MAX_KEY_ID_OCTETS: usize = 256;

/// How a token may be signed. There is no algorithm with a shared secret and none that signs nothing, so that no public key can
/// be taken for a secret (RFC 8725, 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    Ed25519,
}

impl Algorithm {
    /// By the name that headers and keys have for it, letter by letter.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            "ES256" => Some(Self::Es256),
            // RFC 8037, 3.1; RFC 9864, 2.2.
            "EdDSA" | "Ed25519" => Some(Self::Ed25519),
            _ => None,
        }
    }
}

/// A token that has the form of a signed one. Nothing of it is to be believed before its signature was verified.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    header: Object,
    /// What it says.
    pub(crate) claims: Object,
    /// What the signature is over: header and claims as they were sent.
    pub(crate) input: &'a str,
    pub(crate) signature: Vec<u8>,
}

/// What of a header counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) algorithm: Algorithm,
    /// The name of the key.
    pub(crate) key: Option<&'a str>,
}

impl<'a> Signed<'a> {
    /// Takes a token apart; `None` for one that has another form.
    pub(crate) fn read(token: &'a str) -> Option<Self> {
        let (input, signature) = token.rsplit_once('.')?;
        let (header, claims) = input.split_once('.')?;
        let octets = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        Some(Self {
            header: Object::read(&octets(header)?)?,
            claims: Object::read(&octets(claims)?)?,
            input,
            signature: octets(signature)?,
        })
    }

    /// Reads the header, what could change its meaning first.
    pub(crate) fn header(&self) -> Result<Header<'_>, Refusal> {
        if self.header.get("crit").is_some() {
            return Err(Refusal::Critical);
        }
        if !self.is_access_token() {
            return Err(Refusal::Type);
        }
        let algorithm = self.header.text("alg").and_then(Algorithm::named).ok_or(Refusal::Algorithm)?;
        let key = match self.header.get("kid") {
            None => None,
            Some(name) => {
                let name = name.as_str().filter(|name| (1..=MAX_KEY_ID_OCTETS).contains(&name.len()));
                Some(name.ok_or(Refusal::KeyId)?)
            }
        };
        Ok(Header { algorithm, key })
    }

    /// RFC 9068, 4, and what most providers write instead. Tokens of other kinds (of a logout, of DPoP, of events) say so.
    fn is_access_token(&self) -> bool {
        let Some(kind) = self.header.get("typ") else { return true };
        let known = ["at+jwt", "application/at+jwt", "JWT"];
        // RFC 7515, 4.1.9: a media type, whatever the case.
        kind.as_str().is_some_and(|kind| known.iter().any(|known| known.eq_ignore_ascii_case(kind)))
    }
}

/// Whether a text can be a bearer token (RFC 6750, 2.1), and is short enough to be looked at.
pub(crate) fn is_bearer_token(text: &str) -> bool {
    let is_fine = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~+/=".contains(&octet);
    (1..=MAX_TOKEN_OCTETS).contains(&text.len()) && text.bytes().all(is_fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(header: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(header), part(r#"{"iss":"x"}"#), part("signature"))
    }

    fn header(text: &str) -> Result<(Algorithm, Option<String>), Refusal> {
        let token = token(text);
        let signed = Signed::read(&token).expect("it has the form of a signed one");
        signed.header().map(|header| (header.algorithm, header.key.map(str::to_owned)))
    }

    #[test]
    fn t_33_of_a_header_only_what_is_on_the_list_is_taken() {
        let long = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(MAX_KEY_ID_OCTETS + 1));
        for (text, refusal) in [
            (r#"{"alg":"none"}"#, Refusal::Algorithm),
            (r#"{"alg":"None"}"#, Refusal::Algorithm),
            (r#"{"alg":""}"#, Refusal::Algorithm),
            (r#"{"alg":"HS256"}"#, Refusal::Algorithm),
            (r#"{"alg":"HS512"}"#, Refusal::Algorithm),
            (r#"{"alg":"rs256"}"#, Refusal::Algorithm),
            (r#"{"alg":"RS1"}"#, Refusal::Algorithm),
            (r#"{"alg":["RS256"]}"#, Refusal::Algorithm),
            (r"{}", Refusal::Algorithm),
            (r#"{"alg":"RS256","crit":["exp"]}"#, Refusal::Critical),
            (r#"{"alg":"RS256","crit":[]}"#, Refusal::Critical),
            (r#"{"alg":"none","crit":null}"#, Refusal::Critical),
            (r#"{"alg":"RS256","typ":"dpop+jwt"}"#, Refusal::Type),
            (r#"{"alg":"RS256","typ":"logout+jwt"}"#, Refusal::Type),
            (r#"{"alg":"RS256","typ":7}"#, Refusal::Type),
            (r#"{"alg":"RS256","kid":7}"#, Refusal::KeyId),
            (r#"{"alg":"RS256","kid":""}"#, Refusal::KeyId),
            (r#"{"alg":"RS256","kid":["../../dev/null"]}"#, Refusal::KeyId),
            (&long, Refusal::KeyId),
        ] {
            assert_eq!(header(text), Err(refusal), "{text}");
        }
    }

    #[test]
    fn what_is_allowed_is_read_and_what_else_it_brings_is_not() {
        for (text, algorithm, key) in [
            (r#"{"alg":"RS256"}"#, Algorithm::Rs256, None),
            (r#"{"alg":"PS256","typ":"JWT","kid":"a"}"#, Algorithm::Ps256, Some("a")),
            (r#"{"alg":"ES256","typ":"at+jwt"}"#, Algorithm::Es256, None),
            (r#"{"alg":"EdDSA","typ":"application/AT+JWT"}"#, Algorithm::Ed25519, None),
            (
                r#"{"alg":"Ed25519","kid":"../../etc/passwd","jku":"https://evil.example","jwk":{}}"#,
                Algorithm::Ed25519,
                Some("../../etc/passwd"),
            ),
        ] {
            assert_eq!(header(text), Ok((algorithm, key.map(str::to_owned))), "{text}");
        }
    }

    #[test]
    fn what_has_another_form_is_no_signed_token() {
        let good = token(r#"{"alg":"RS256"}"#);
        assert!(Signed::read(&good).is_some());
        for bad in [
            "",
            "..",
            "a.b",
            "opaque",
            &format!("{good}."),
            &format!("{good}.a.b"),
            &format!("{good}="),
            &good.replacen('.', "", 1),
            &token(r#"{"alg":"RS256","alg":"none"}"#),
            &token("[]"),
        ] {
            assert!(Signed::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_bearer_token_is_bounded_and_of_the_letters_that_rfc_6750_has() {
        assert!(is_bearer_token("abc-._~+/09AZ=="));
        for bad in ["", "a b", "a\n", "ä", "a\"", &"a".repeat(MAX_TOKEN_OCTETS + 1)] {
            assert!(!is_bearer_token(bad));
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_not_and_nothing_panics(text in "\\PC{0,200}", header in "\\PC{0,100}") {
            let _ = Signed::read(&text).map(|signed| signed.header().is_ok());
            let _ = Signed::read(&token(&header)).map(|signed| signed.header().is_ok());
        }
    }
}
