//! Tokens that say that an OpenID provider has made them.
//!
//! There is no provider here, and so no key: nobody may come in, whatever a token says.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use directory::{Answer, Directory, DirectoryName, Token};
use directory_oidc::{LEEWAY, LoginClaim, OidcConfig, OidcDirectory, Refusal, UnixTime};
use fuzz::fuzz;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// Nobody listens there, and it is asked once: time stands still here.
const ISSUER: &str = "https://127.0.0.1:1";
const AUDIENCE: &str = "imap";
const SCOPE: &str = "mail";
const NOW: u64 = 1_790_000_000;

/// Headers and claims, with a line end between them.
const PARTS: &[&[u8]] = &[
    br#"{"alg":"ES256","kid":"a","typ":"at+jwt"}
{"iss":"https://127.0.0.1:1","aud":"imap","exp":1790000300,"sub":"1","scope":"openid mail","preferred_username":"ann"}"#,
    br#"{"alg":"RS256","typ":"JWT","jku":"https://evil.example","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}
{"iss":"https://127.0.0.1:1","aud":["other","imap"],"exp":1790000300.5,"nbf":0,"sub":"1","scp":["mail"],"preferred_username":"ann@example.org"}"#,
    br#"{"alg":"none","crit":["exp"]}
{"iss":"https://127.0.0.1:1","aud":[],"exp":-1,"sub":"","cnf":{"jkt":"x"},"preferred_username":7}"#,
    br#"{"alg":"HS256"}
{"iss":"https://evil.example","typ":"ID","at_hash":"x","token_use":"refresh"}"#,
];

const WORDS: &[&[u8]] = &[
    b"\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"null",
    b"true",
    b"1e999",
    b"-0.0",
    b"18446744073709551616",
    b"1790000000",
    b"\\u0000",
    b"\\ud800",
    b"\"crit\":[],",
    b"\"kid\":\"\",",
    b"\"alg\":\"none\",",
    b"\"alg\":\"EdDSA\",",
    b"\"exp\":1e300,",
    b"\"iss\":\"https://127.0.0.1:1\",",
    b"\"sub\":\"",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"\xc3\xa9",
    b"\xff",
];

/// What comes of a token.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Outcome {
    /// It is not one of ours.
    Another,
    /// It is, and does not hold.
    Refused(String),
    /// All of it is as it should be; whether the signature is right, the provider's keys would say.
    AllButItsSignature,
}

struct Judge {
    directory: OidcDirectory,
    refusal: Arc<Mutex<Option<Refusal>>>,
    runtime: Runtime,
}

impl Judge {
    fn new() -> Self {
        let authority = rcgen::generate_simple_self_signed([String::from("localhost")]).unwrap();
        let config = OidcConfig {
            name: DirectoryName::new("sso").unwrap(),
            issuer: ISSUER.into(),
            audiences: vec![AUDIENCE.into()],
            clients: Vec::new(),
            scopes: vec![SCOPE.into()],
            login: LoginClaim::PreferredUsername,
            enabled: None,
            introspection: None,
            roots: fetch::Roots::Pem(authority.cert.pem().into_bytes()),
        };
        let refusal = Arc::<Mutex<Option<Refusal>>>::default();
        let heard = Arc::clone(&refusal);
        let notice = Box::new(move |why| *heard.lock().unwrap() = Some(why));
        let directory = OidcDirectory::new(config, Box::new(|| UnixTime(NOW)), notice).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { directory, refusal, runtime }
    }

    fn judge(&self, token: &str) -> Outcome {
        let answer = self.runtime.block_on(self.directory.bearer(Token::new(token)));
        let refusal = self.refusal.lock().unwrap().take();
        match (answer, refusal) {
            (Answer::NoSuch, None) => Outcome::Another,
            (Answer::Wrong, Some(why)) => Outcome::Refused(why.to_string()),
            (Answer::Unavailable(_), None) => Outcome::AllButItsSignature,
            (answer, refusal) => panic!("{answer:?} {refusal:?}"),
        }
    }
}

/// Whether what is said of a token whose parts are these can be true: read by another reader, and by the list of the manual.
fn check(header: &[u8], claims: &[u8], outcome: &Outcome) {
    let read = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap_or_default();
    let (header, claims) = (read(header), read(claims));
    assert!(*outcome == Outcome::Another || claims["iss"] == ISSUER, "it names another issuer");
    if *outcome == Outcome::AllButItsSignature {
        let algorithm = header["alg"].as_str().unwrap();
        assert!(["RS256", "PS256", "ES256", "EdDSA", "Ed25519"].contains(&algorithm), "{algorithm}");
        assert!(header.get("crit").is_none() && claims.get("cnf").is_none());
        let audiences = claims["aud"].as_array().cloned().unwrap_or_else(|| vec![claims["aud"].clone()]);
        assert!(audiences.iter().any(|one| one == AUDIENCE), "{audiences:?}");
        assert!(claims["exp"].as_f64().unwrap() + LEEWAY as f64 >= NOW as f64, "it has expired");
        assert!(!claims["sub"].as_str().unwrap().is_empty() && claims["preferred_username"].is_string());
        assert!(claims.to_string().contains(SCOPE));
    }
}

#[test]
fn oidc_header_and_claims() {
    let judge = Judge::new();
    fuzz("oidc_header_and_claims", PARTS, WORDS, |octets| {
        let mut parts = octets.splitn(2, |octet| *octet == b'\n');
        let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let [first, second, third] = [header, claims, b"signature"].map(|part| URL_SAFE_NO_PAD.encode(part));
        let outcome = judge.judge(&format!("{first}.{second}.{third}"));
        check(header, claims, &outcome);
        outcome
    });
}

#[test]
fn oidc_token() {
    let judge = Judge::new();
    let token = |parts: &[u8]| {
        let parts: Vec<_> =
            parts.splitn(2, |octet| *octet == b'\n').map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
        format!("{}.c2lnbmF0dXJl", parts.join(".")).into_bytes()
    };
    let tokens: Vec<_> = PARTS.iter().map(|parts| token(parts)).collect();
    let seeds: Vec<_> = tokens.iter().map(Vec::as_slice).collect();
    assert_eq!(judge.judge(std::str::from_utf8(&tokens[0]).unwrap()), Outcome::AllButItsSignature);
    let words: &[&[u8]] =
        &[b".", b"..", b"=", b"-", b"_", b"+", b"/", b"e30", b"bnVsbA", b" ", b"\0", b"\xc3\xa9"];
    fuzz("oidc_token", &seeds, words, |octets| {
        let Ok(text) = std::str::from_utf8(octets) else { return Outcome::Another };
        let outcome = judge.judge(text);
        let parts: Vec<_> =
            text.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap_or_default()).collect();
        if let [header, claims, _] = parts.as_slice() {
            check(header, claims, &outcome);
        } else {
            assert_eq!(outcome, Outcome::Another, "it has another form");
        }
        outcome
    });
}
