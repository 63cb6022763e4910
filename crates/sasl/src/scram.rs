//! SCRAM-SHA-256, the server's side (RFC 5802, RFC 7677). Channel binding (-PLUS) is not offered.

use crate::credential::{ScramVerifier, Verdict};
use crate::exchange::Nonce;
use crate::failure::Failure;
use crate::plain;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longest nonce of a client, in octets; those of real ones have 24 to 44.
const MAX_NONCE_OCTETS: usize = 256;

/// Waits for the client's first message.
pub(crate) struct First {
    server_nonce: String,
}

impl First {
    pub(crate) fn new(nonce: Nonce) -> Self {
        Self { server_nonce: STANDARD.encode(nonce.0) }
    }

    /// `gs2-header n=name,r=nonce`, and extensions that mean nothing to us.
    pub(crate) fn read(self, message: &[u8]) -> Result<Asked, Failure> {
        let message = text(message)?;
        let (gs2_header, authzid, bare) = split_gs2(message)?;
        let mut attributes = bare.split(',');
        let name = saslname(attribute(attributes.next(), "n=")?)?;
        if let Some(authzid) = authzid {
            plain::authorize(saslname(authzid)?.as_bytes(), &name)?;
        }
        let client_nonce = attribute(attributes.next(), "r=")?;
        check_nonce(client_nonce)?;
        Ok(Asked {
            name,
            gs2_header: gs2_header.to_owned(),
            client_first_bare: bare.to_owned(),
            nonce: format!("{client_nonce}{}", self.server_nonce),
        })
    }
}

/// Waits for the verifier of a name.
pub(crate) struct Asked {
    name: String,
    gs2_header: String,
    client_first_bare: String,
    nonce: String,
}

impl Asked {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn challenge(self, verifier: ScramVerifier) -> (Vec<u8>, Final) {
        let salt = STANDARD.encode(verifier.salt());
        let server_first = format!("r={},s={salt},i={}", self.nonce, verifier.iterations());
        let challenge = server_first.clone().into_bytes();
        (challenge, Final { asked: self, server_first, verifier })
    }
}

/// Waits for the client's proof.
pub(crate) struct Final {
    asked: Asked,
    server_first: String,
    verifier: ScramVerifier,
}

/// What a proof is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It holds; our signature is the proof that we know the verifier.
    Holds { name: String, verifier: ScramVerifier, signature: Vec<u8> },
    /// It does not, or it is one of another exchange.
    Fails { name: String },
}

impl Final {
    /// `c=gs2-header,r=nonce,p=proof`
    pub(crate) fn read(self, message: &[u8]) -> Result<Proof, Failure> {
        let message = text(message)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(SYNTAX)?;
        let mut attributes = without_proof.split(',');
        // RFC 5802, 6: what the client saw at the start is what we saw; without channel binding that is the header.
        let binding = decode(attribute(attributes.next(), "c=")?)?;
        let nonce = attribute(attributes.next(), "r=")?;
        let is_ours = binding == self.asked.gs2_header.as_bytes() && nonce == self.asked.nonce;
        let auth_message = format!("{},{},{without_proof}", self.asked.client_first_bare, self.server_first);
        Ok(match self.verifier.check(auth_message.as_bytes(), &decode(proof)?) {
            Verdict::Right if is_ours => {
                let signature = STANDARD.encode(self.verifier.sign(auth_message.as_bytes()));
                let signature = format!("v={signature}").into_bytes();
                Proof::Holds { name: self.asked.name, verifier: self.verifier, signature }
            }
            _ => Proof::Fails { name: self.asked.name },
        })
    }
}

const SYNTAX: Failure = Failure::Malformed("This is no SCRAM message");

fn text(message: &[u8]) -> Result<&str, Failure> {
    let text = std::str::from_utf8(message).map_err(|_| SYNTAX)?;
    // RFC 5802, 7: a value has every character but NUL.
    if text.contains('\0') { Err(SYNTAX) } else { Ok(text) }
}

/// The GS2 header (its two commas included), the authorization identity in it, and what follows.
fn split_gs2(message: &str) -> Result<(&str, Option<&str>, &str), Failure> {
    let mut parts = message.splitn(3, ',');
    let (flag, authzid, bare) = (parts.next(), parts.next(), parts.next().ok_or(SYNTAX)?);
    match flag {
        // "y" says: I could bind, but you do not offer it. True; a client that was shown -PLUS by us could not say so.
        Some("n" | "y") => (),
        Some(flag) if flag.starts_with("p=") => {
            return Err(Failure::Malformed("Channel binding is not offered"));
        }
        _ => return Err(SYNTAX),
    }
    let authzid = match authzid {
        Some("") | None => None,
        Some(authzid) => Some(attribute(Some(authzid), "a=")?),
    };
    let header = message.strip_suffix(bare).ok_or(SYNTAX)?;
    Ok((header, authzid, bare))
}

/// The value behind `key`. In the place of `n=` a mandatory extension `m=` fails here, as RFC 5802, 5.1 wants.
fn attribute<'a>(part: Option<&'a str>, key: &str) -> Result<&'a str, Failure> {
    part.and_then(|part| part.strip_prefix(key)).filter(|value| !value.is_empty()).ok_or(SYNTAX)
}

/// RFC 5802, 5.1: `=2C` is a comma, `=3D` an equals sign; "if the server receives a username that contains '='
/// not followed by either '2C' or '3D', then the server MUST fail the authentication".
fn saslname(value: &str) -> Result<String, Failure> {
    let mut parts = value.split('=');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(SYNTAX),
        };
        name.push(escaped);
        name.push_str(rest);
    }
    plain::name(name.as_bytes())
}

fn check_nonce(nonce: &str) -> Result<(), Failure> {
    let printable = nonce.bytes().all(|octet| octet.is_ascii_graphic());
    if printable && nonce.len() <= MAX_NONCE_OCTETS { Ok(()) } else { Err(SYNTAX) }
}

fn decode(value: &str) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(value).map_err(|_| SYNTAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    /// RFC 7677, 3.
    const CLIENT_FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const CLIENT_FINAL: &[u8] = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn server() -> First {
        First { server_nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".into() }
    }

    fn verifier(password: &str) -> ScramVerifier {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        ScramVerifier::new(&Secret::password(password).unwrap(), salt.try_into().unwrap(), 4096)
    }

    fn last(verifier: ScramVerifier) -> Final {
        server().read(CLIENT_FIRST).unwrap_or_else(|e| panic!("{e}")).challenge(verifier).1
    }

    fn fails() -> Proof {
        Proof::Fails { name: "user".into() }
    }

    fn refusal(message: &[u8]) -> Failure {
        server().read(message).err().unwrap_or_else(|| panic!("{} was taken", message.escape_ascii()))
    }

    #[test]
    fn the_example_of_rfc_7677_comes_out_word_for_word() {
        let asked = server().read(CLIENT_FIRST).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(asked.name(), "user");
        let (challenge, last) = asked.challenge(verifier("pencil"));
        assert_eq!(
            String::from_utf8(challenge).unwrap(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let signature = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_vec();
        let holds = Proof::Holds { name: "user".into(), verifier: verifier("pencil"), signature };
        assert_eq!(last.read(CLIENT_FINAL), Ok(holds));
    }

    #[test]
    fn t_34_a_wrong_password_a_replayed_nonce_and_another_header_prove_nothing() {
        assert_eq!(last(verifier("Pencil")).read(CLIENT_FINAL), Ok(fails()));
        let spoilt = |from: &str, to: &str| String::from_utf8(CLIENT_FINAL.into()).unwrap().replace(from, to);
        for (from, to) in
            [("hNlF$k0", "hNlF$k1"), ("c=biws", "c=eSws"), ("p=dHzb", "p=eHzb"), ("k0,", "k0,x=y,")]
        {
            let message = spoilt(from, to);
            let verdict = last(verifier("pencil")).read(message.as_bytes());
            assert_eq!(verdict, Ok(fails()), "{message}");
        }
    }

    #[test]
    fn an_empty_or_short_proof_proves_nothing() {
        for proof in ["AAAA", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndQ=="] {
            let message = format!("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p={proof}");
            let verdict = last(verifier("pencil")).read(message.as_bytes());
            assert_eq!(verdict, Ok(fails()), "{proof}");
        }
    }

    #[test]
    fn what_is_no_first_message_is_malformed() {
        for message in [
            &b""[..],
            b"n",
            b"n,,",
            b"n,,n=,r=x",
            b"n,,n=a,r=",
            b"n,,r=x,n=a",
            b"x,,n=a,r=x",
            b"n,b=c,n=a,r=x",
            b"n,,m=1,n=a,r=x",
            b"n,,n=a=b,r=x",
            b"n,,n=a=2c,r=x",
            b"p=tls-exporter,,n=a,r=x",
            b"n,,n=a,r=\x7f",
            b"n,,n=a\0b,r=x",
            b"n,,n=\xff,r=x",
            b"n,,n=a,r=x\xc3\xa9",
        ] {
            assert!(matches!(refusal(message), Failure::Malformed(_)), "{}", message.escape_ascii());
        }
        assert!(matches!(refusal(format!("n,,n=a,r={}", "x".repeat(257)).as_bytes()), Failure::Malformed(_)));
    }

    #[test]
    fn only_ones_own_name_may_be_the_authorization_identity() {
        for (message, allowed) in [
            (&b"n,,n=ann,r=x"[..], true),
            (b"n,a=ann,n=ann,r=x", true),
            (b"n,a=a=2Cb,n=a=2Cb,r=x", true),
            (b"n,a=bob,n=ann,r=x", false),
            (b"n,a=Ann,n=ann,r=x", false),
            (b"n,a=ann=3D,n=ann,r=x", false),
        ] {
            let verdict = server().read(message).map(|_| ());
            assert_eq!(verdict, if allowed { Ok(()) } else { Err(Failure::NotAuthorized) });
        }
    }
}
