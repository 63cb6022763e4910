//! SCRAM-SHA-256 and SCRAM-SHA-1, the server's side, with and without channel binding (RFC 5802, RFC 7677).

use crate::binding::{Binding, same};
use crate::credential::{Fits, ScramHash, ScramVerifier, Verifiers};
use crate::exchange::{Disproof, Nonce};
use crate::failure::Failure;
use crate::gs2::{Flag, Gs2, saslname};
use crate::plain;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// Longest nonce of a client, in octets; those of real ones have 24 to 44.
const MAX_NONCE_OCTETS: usize = 256;

/// Longest message of a client, in octets. Real ones have some two hundred; of each as many HMACs are made as an account may
/// have passwords.
const MAX_MESSAGE_OCTETS: usize = 2 << 10;

/// Waits for the client's first message.
pub(crate) struct First {
    hash: ScramHash,
    binding: Binding,
    server_nonce: String,
}

impl First {
    pub(crate) fn new(hash: ScramHash, binding: Binding, nonce: Nonce) -> Self {
        Self { hash, binding, server_nonce: STANDARD.encode(nonce.0) }
    }

    /// `gs2-header n=name,r=nonce`, and extensions that mean nothing to us.
    pub(crate) fn read(self, message: &[u8]) -> Result<Asked, Failure> {
        let message = short(message)?;
        let gs2 = Gs2::split(message).ok_or(SYNTAX)?;
        let channel = self.channel(&gs2)?;
        let bare = text(gs2.rest)?;
        let mut attributes = bare.split(',');
        let name = saslname(attribute(attributes.next(), "n=")?)?;
        if let Some(authzid) = gs2.authzid()? {
            plain::authorize(authzid.as_bytes(), &name)?;
        }
        let client_nonce = attribute(attributes.next(), "r=")?;
        check_nonce(client_nonce)?;
        Ok(Asked {
            hash: self.hash,
            name,
            channel,
            client_first_bare: bare.to_owned(),
            nonce: format!("{client_nonce}{}", self.server_nonce),
        })
    }

    /// What the client has to repeat behind `c=` (RFC 5802, 6): the header, and what the channel is bound to.
    fn channel(&self, gs2: &Gs2<'_>) -> Result<Vec<u8>, Failure> {
        let bound = match (gs2.flag, &self.binding) {
            (Flag::Cannot, Binding::NotOffered | Binding::Declined) => &[][..],
            (Flag::NotOffered, Binding::NotOffered) => &[][..],
            (Flag::NotOffered, Binding::Declined) => return Err(Failure::Downgraded),
            (Flag::Binds(name), Binding::Chosen(bindings)) => {
                bindings.get(name).ok_or(Failure::UnknownBinding)?
            }
            (Flag::Binds(_), _) => {
                return Err(Failure::Malformed("Channel binding is for mechanisms whose name ends in -PLUS"));
            }
            (_, Binding::Chosen(_)) => {
                return Err(Failure::Malformed("A mechanism whose name ends in -PLUS binds the channel"));
            }
        };
        Ok([gs2.header.as_bytes(), bound].concat())
    }
}

/// What a client is told in the mechanism's own words of why it failed (RFC 5802, 7: server-error-value).
pub(crate) fn server_error(failure: Failure) -> Option<&'static [u8]> {
    match failure {
        Failure::Downgraded => Some(b"e=server-does-support-channel-binding"),
        Failure::UnknownBinding => Some(b"e=unsupported-channel-binding-type"),
        _ => None,
    }
}

/// Waits for the verifiers of a name.
pub(crate) struct Asked {
    hash: ScramHash,
    name: String,
    channel: Vec<u8>,
    client_first_bare: String,
    nonce: String,
}

impl Asked {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn challenge(self, verifiers: Verifiers) -> (Vec<u8>, Final) {
        let shown = verifiers.shown();
        let salt = STANDARD.encode(shown.salt());
        let server_first = format!("r={},s={salt},i={}", self.nonce, shown.iterations());
        let challenge = server_first.clone().into_bytes();
        (challenge, Final { asked: self, server_first, verifiers })
    }
}

/// Waits for the client's proof.
pub(crate) struct Final {
    asked: Asked,
    server_first: String,
    verifiers: Verifiers,
}

/// What a proof is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It holds, and what our own proof is made of.
    Holds { name: String, fits: Fits, seal: Box<Seal> },
    /// It does not, or it is one of another exchange.
    Fails { name: String, why: Disproof },
}

/// What our own proof is made of. It says that the client's was right, so it is made when the client is let in and not
/// before.
#[derive(PartialEq, Eq)]
pub(crate) struct Seal {
    hash: ScramHash,
    verifier: ScramVerifier,
    auth_message: String,
}

impl Seal {
    /// `v=signature` (RFC 5802, 7: server-final-message): that we know the verifier, too.
    pub(crate) fn sign(&self) -> Vec<u8> {
        let signature = self.verifier.sign(self.hash, self.auth_message.as_bytes());
        format!("v={}", STANDARD.encode(signature)).into_bytes()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Final {
    /// `c=channel,r=nonce,p=proof`
    pub(crate) fn read(self, message: &[u8]) -> Result<Proof, Failure> {
        let message = text(short(message)?)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(SYNTAX)?;
        let mut attributes = without_proof.split(',');
        // RFC 5802, 6: what the client saw of the start and of the channel is what we saw.
        let channel = same(&decode(attribute(attributes.next(), "c=")?)?, &self.asked.channel);
        let nonce = same(attribute(attributes.next(), "r=")?.as_bytes(), self.asked.nonce.as_bytes());
        let auth_message = format!("{},{},{without_proof}", self.asked.client_first_bare, self.server_first);
        let proof = decode(proof)?;
        let fits = self.verifiers.check(self.asked.hash, auth_message.as_bytes(), &proof);
        Ok(match fits {
            Some(fits) if channel && nonce => self.asked.proven(fits, auth_message),
            // Only who knows the password can say so; the word of anybody else about the channel is worth nothing.
            Some(_) if nonce => Proof::Fails { name: self.asked.name, why: Disproof::Channel },
            _ => Proof::Fails { name: self.asked.name, why: Disproof::Password },
        })
    }
}

impl Asked {
    fn proven(self, fits: Fits, auth_message: String) -> Proof {
        let seal = Seal { hash: self.hash, verifier: fits.verifier.clone(), auth_message };
        Proof::Holds { name: self.name, fits, seal: Box::new(seal) }
    }
}

const SYNTAX: Failure = Failure::Malformed("This is no SCRAM message");

fn short(message: &[u8]) -> Result<&str, Failure> {
    let message = Some(message).filter(|message| message.len() <= MAX_MESSAGE_OCTETS);
    message.and_then(|message| std::str::from_utf8(message).ok()).ok_or(SYNTAX)
}

/// RFC 5802, 7: a value has every character but NUL.
fn text(message: &str) -> Result<&str, Failure> {
    if message.contains('\0') { Err(SYNTAX) } else { Ok(message) }
}

/// The value behind `key`. In the place of `n=` a mandatory extension `m=` fails here, as RFC 5802, 5.1 wants.
fn attribute<'a>(part: Option<&'a str>, key: &str) -> Result<&'a str, Failure> {
    part.and_then(|part| part.strip_prefix(key)).filter(|value| !value.is_empty()).ok_or(SYNTAX)
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
        First {
            hash: ScramHash::Sha256,
            binding: Binding::NotOffered,
            server_nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".into(),
        }
    }

    fn verifier(password: &str) -> ScramVerifier {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        ScramVerifier::new(&Secret::password(password).unwrap(), salt.try_into().unwrap(), 4096)
    }

    fn last(verifier: ScramVerifier) -> Final {
        server().read(CLIENT_FIRST).unwrap_or_else(|e| panic!("{e}")).challenge(verifier.into()).1
    }

    fn fails() -> Proof {
        Proof::Fails { name: "user".into(), why: Disproof::Password }
    }

    fn refusal(message: &[u8]) -> Failure {
        server().read(message).err().unwrap_or_else(|| panic!("{} was taken", message.escape_ascii()))
    }

    #[test]
    fn the_example_of_rfc_7677_comes_out_word_for_word() {
        let asked = server().read(CLIENT_FIRST).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(asked.name(), "user");
        let (challenge, last) = asked.challenge(verifier("pencil").into());
        assert_eq!(
            String::from_utf8(challenge).unwrap(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let Ok(Proof::Holds { name, fits, seal }) = last.read(CLIENT_FINAL) else {
            panic!("it does not hold")
        };
        assert_eq!((&*name, fits), ("user", Fits { which: 0, verifier: verifier("pencil") }));
        assert_eq!(seal.sign(), b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
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
    fn a_message_that_is_longer_than_it_may_be_is_malformed() {
        let first = |more: usize| format!("n,,n=user,r=x,x={}", "x".repeat(more)).into_bytes();
        let room = MAX_MESSAGE_OCTETS - first(0).len();
        assert!(server().read(&first(room)).is_ok());
        assert!(matches!(refusal(&first(room + 1)), Failure::Malformed(_)));
        let long = [CLIENT_FINAL, &[b'='; MAX_MESSAGE_OCTETS]].concat();
        assert!(matches!(last(verifier("pencil")).read(&long), Err(Failure::Malformed(_))));
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
            (b"n,a=ann\0,n=ann,r=x", false),
        ] {
            let verdict = server().read(message).map(|_| ());
            assert_eq!(verdict, if allowed { Ok(()) } else { Err(Failure::NotAuthorized) });
        }
    }
}
