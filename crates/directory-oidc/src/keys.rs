//! The provider's public keys (RFC 7517), and signatures that are checked by them.

use crate::jws::{Algorithm, Header};
use crate::object::Object;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Most keys of a provider that are taken; those that rotate them have three.
pub const MAX_KEYS: usize = 32;

/// Most octets of a number in a key: RSA of 8192 bits, which is the largest that is taken.
const MAX_NUMBER_OCTETS: usize = 1024;

/// The keys of a provider that are of use to us.
#[derive(Debug)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    name: Option<Box<str>>,
    /// The only algorithm that it may be used with, where it says so.
    algorithm: Option<Algorithm>,
    public: Public,
}

#[derive(Debug)]
enum Public {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point that is not compressed (SEC 1, 2.3.3).
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// What came of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Verified {
    Right,
    Wrong,
    /// None of the keys is meant.
    UnknownKey,
}

impl Keys {
    /// Reads a set of keys. Those that are for something else, or of a kind that is not taken, are passed over (RFC 7517, 5).
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        let set = Object::read(json)?;
        let keys = set.get("keys")?.as_array()?;
        Some(Self(keys.iter().take(MAX_KEYS).filter_map(Key::read).collect()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a signature by the keys that have the name that the header says, or by all where it says none; never by one of
    /// another kind than the algorithm is for.
    pub(crate) fn verify(&self, header: &Header<'_>, input: &str, signature: &[u8]) -> Verified {
        let mut verified = Verified::UnknownKey;
        for key in self.0.iter().filter(|key| key.is_meant_by(header)) {
            if key.verifies(header.algorithm, input.as_bytes(), signature) {
                return Verified::Right;
            }
            verified = Verified::Wrong;
        }
        verified
    }
}

impl Key {
    fn read(key: &Value) -> Option<Self> {
        let text = |name: &str| key.get(name)?.as_str();
        let number = |name: &str| number(text(name)?);
        if text("use").is_some_and(|usage| usage != "sig") || !is_for_verifying(key) {
            return None;
        }
        let public = match (text("kty")?, text("crv")) {
            ("RSA", _) => Public::Rsa { n: unsigned(number("n")?), e: unsigned(number("e")?) },
            // RFC 7518, 6.2.1.2: both are of the full length.
            ("EC", Some("P-256")) => {
                let (x, y) = (number("x")?, number("y")?);
                (x.len() == 32 && y.len() == 32).then(|| Public::P256([&[4][..], &x, &y].concat()))?
            }
            ("OKP", Some("Ed25519")) => Public::Ed25519(number("x")?),
            _ => return None,
        };
        let algorithm = match key.get("alg") {
            None => None,
            Some(name) => Some(Algorithm::named(name.as_str()?)?),
        };
        Some(Self { name: text("kid").map(Into::into), algorithm, public })
    }

    fn is_meant_by(&self, header: &Header<'_>) -> bool {
        let is_named = header.key.is_none_or(|name| self.name.as_deref() == Some(name));
        let is_allowed = self.algorithm.is_none_or(|algorithm| algorithm == header.algorithm);
        let is_of_the_kind = matches!(
            (&self.public, header.algorithm),
            (Public::Rsa { .. }, Algorithm::Rs256 | Algorithm::Ps256)
                | (Public::P256(_), Algorithm::Es256)
                | (Public::Ed25519(_), Algorithm::Ed25519)
        );
        is_named && is_allowed && is_of_the_kind
    }

    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let by = |algorithm: &'static dyn VerificationAlgorithm, public: &[u8]| {
            UnparsedPublicKey::new(algorithm, public).verify(message, signature).is_ok()
        };
        match &self.public {
            Public::Rsa { n, e } => {
                let parameters = match algorithm {
                    Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
                    _ => &RSA_PKCS1_2048_8192_SHA256,
                };
                PublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }
            Public::P256(point) => by(&ECDSA_P256_SHA256_FIXED, point),
            Public::Ed25519(public) => by(&ED25519, public),
        }
    }
}

/// RFC 7517, 4.3.
fn is_for_verifying(key: &Value) -> bool {
    let Some(uses) = key.get("key_ops") else { return true };
    uses.as_array().is_some_and(|uses| uses.iter().any(|usage| usage.as_str() == Some("verify")))
}

fn number(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok().filter(|octets| octets.len() <= MAX_NUMBER_OCTETS + 1)
}

/// Without the zeros in front that some write (against RFC 7518, 2) for a sign that there is not.
fn unsigned(octets: Vec<u8>) -> Vec<u8> {
    octets.into_iter().skip_while(|octet| *octet == 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jws::Signed;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaKeyPair,
    };
    use aws_lc_rs::{encoding::AsDer, hmac};
    use serde_json::json;

    fn written(octets: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(octets)
    }

    /// A provider with a key of each kind.
    struct Provider {
        rsa: RsaKeyPair,
        p256: EcdsaKeyPair,
        ed25519: Ed25519KeyPair,
    }

    impl Provider {
        fn new() -> Self {
            Self {
                rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
                p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
                ed25519: Ed25519KeyPair::generate().unwrap(),
            }
        }

        fn rsa(&self) -> Value {
            let public = self.rsa.public_key();
            let (n, e) = (public.modulus(), public.exponent());
            let written =
                |number: aws_lc_rs::io::Positive<'_>| written(number.big_endian_without_leading_zero());
            json!({"kty": "RSA", "kid": "rsa", "n": written(n), "e": written(e)})
        }

        fn p256(&self) -> Value {
            let point = self.p256.public_key().as_ref();
            json!({"kty": "EC", "crv": "P-256", "kid": "p256", "x": written(&point[1..33]), "y": written(&point[33..])})
        }

        fn ed25519(&self) -> Value {
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": written(self.ed25519.public_key())})
        }

        fn token(&self, header: &Value) -> String {
            let input = format!("{}.{}", written(header.to_string()), written(r#"{"iss":"x"}"#));
            format!("{input}.{}", written(self.sign(header["alg"].as_str().unwrap(), input.as_bytes())))
        }

        fn sign(&self, algorithm: &str, input: &[u8]) -> Vec<u8> {
            let random = SystemRandom::new();
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            match algorithm {
                "RS256" => self.rsa.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature).unwrap(),
                "PS256" => self.rsa.sign(&RSA_PSS_SHA256, &random, input, &mut signature).unwrap(),
                "ES256" => signature = self.p256.sign(&random, input).unwrap().as_ref().to_vec(),
                _ => signature = self.ed25519.sign(input).as_ref().to_vec(),
            }
            signature
        }
    }

    fn keys(keys: &[Value]) -> Keys {
        Keys::read(json!({"keys": keys}).to_string().as_bytes()).unwrap()
    }

    fn verify(keys: &Keys, token: &str) -> Verified {
        let signed = Signed::read(token).unwrap();
        keys.verify(&signed.header().unwrap(), signed.input, &signed.signature)
    }

    #[test]
    fn a_signature_holds_by_its_own_key_and_by_no_other() {
        let (provider, other) = (Provider::new(), Provider::new());
        let own = keys(&[provider.rsa(), provider.p256(), provider.ed25519()]);
        let foreign = keys(&[other.rsa(), other.p256(), other.ed25519()]);
        for (algorithm, kid) in
            [("RS256", "rsa"), ("PS256", "rsa"), ("ES256", "p256"), ("EdDSA", "ed"), ("Ed25519", "ed")]
        {
            let named = provider.token(&json!({"alg": algorithm, "kid": kid}));
            let nameless = provider.token(&json!({"alg": algorithm}));
            for token in [&named, &nameless] {
                assert_eq!(verify(&own, token), Verified::Right, "{algorithm}");
                assert_eq!(verify(&foreign, token), Verified::Wrong, "{algorithm}");
            }
            let changed = named.replace(&written(r#"{"iss":"x"}"#), &written(r#"{"iss":"y"}"#));
            assert_eq!(verify(&own, &changed), Verified::Wrong, "{algorithm}");
            let (input, _) = named.rsplit_once('.').unwrap();
            for signature in [vec![], vec![0; 64], vec![0; 256]] {
                assert_eq!(
                    verify(&own, &format!("{input}.{}", written(signature))),
                    Verified::Wrong,
                    "{algorithm}"
                );
            }
        }
    }

    /// RFC 8725, 2.1: the public key is everybody's, so whoever takes it for a secret takes everybody's signature.
    #[test]
    fn t_33_a_public_key_is_never_taken_for_a_secret() {
        let provider = Provider::new();
        let public = provider.rsa.public_key().as_der().unwrap();
        let input = format!("{}.{}", written(r#"{"alg":"HS256","kid":"rsa"}"#), written(r#"{"iss":"x"}"#));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, public.as_ref());
        let tag = hmac::sign(&secret, input.as_bytes());
        let token = format!("{input}.{}", written(tag));
        let refused = Signed::read(&token).unwrap().header().map(|_| ());
        assert_eq!(refused, Err(crate::Refusal::Algorithm));
        // And under a name that is allowed.
        let renamed = token
            .replace(&written(r#"{"alg":"HS256","kid":"rsa"}"#), &written(r#"{"alg":"RS256","kid":"rsa"}"#));
        assert_eq!(verify(&keys(&[provider.rsa()]), &renamed), Verified::Wrong);
        // A secret that a provider publishes by mistake is no key.
        assert!(keys(&[json!({"kty": "oct", "kid": "s", "k": written(public.as_ref())})]).is_empty());
    }

    #[test]
    fn a_key_is_for_what_it_says_and_for_nothing_else() {
        let provider = Provider::new();
        let with = |name: &str, value: Value| {
            let mut key = provider.rsa();
            key[name] = value;
            key
        };
        for (key, algorithm, verified) in [
            (with("use", json!("sig")), "RS256", Verified::Right),
            (with("key_ops", json!(["verify"])), "RS256", Verified::Right),
            (with("alg", json!("RS256")), "RS256", Verified::Right),
            (with("alg", json!("RS256")), "PS256", Verified::UnknownKey),
            (with("alg", json!("RS512")), "RS256", Verified::UnknownKey),
            (with("alg", json!(7)), "RS256", Verified::UnknownKey),
            (with("use", json!("enc")), "RS256", Verified::UnknownKey),
            (with("key_ops", json!(["encrypt"])), "RS256", Verified::UnknownKey),
            (with("kid", json!("another")), "RS256", Verified::UnknownKey),
            (with("kty", json!("EC")), "RS256", Verified::UnknownKey),
            (with("n", json!("AQAB")), "RS256", Verified::Wrong),
            (provider.p256(), "RS256", Verified::UnknownKey),
            (provider.rsa(), "ES256", Verified::UnknownKey),
            (provider.ed25519(), "ES256", Verified::UnknownKey),
        ] {
            let token = provider.token(&json!({"alg": algorithm, "kid": "rsa"}));
            assert_eq!(verify(&keys(std::slice::from_ref(&key)), &token), verified, "{key} {algorithm}");
        }
        // Padded by a zero, as some write it.
        let modulus = provider.rsa.public_key().modulus().big_endian_without_leading_zero().to_vec();
        let padded = with("n", json!(written([&[0], &*modulus].concat())));
        assert_eq!(verify(&keys(&[padded]), &provider.token(&json!({"alg": "RS256"}))), Verified::Right);
    }

    #[test]
    fn a_set_has_so_many_keys_and_what_is_no_set_is_none() {
        let provider = Provider::new();
        let mut many = vec![json!({"kty": "new"}); MAX_KEYS];
        many.push(provider.rsa());
        assert!(keys(&many).is_empty());
        for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
            assert!(Keys::read(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(
            keys(&[json!(7), json!({}), json!({"kty": 7}), json!({"kty": "RSA", "n": "!", "e": "AQAB"})])
                .is_empty()
        );
    }
}
