//! A SCRAM client, written anew from RFC 5802, 3.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What a client sends first, for a name that needs no quoting.
pub(crate) fn first(name: &str) -> String {
    format!("n,,{}", bare(name))
}

/// The same without what is said of the channel.
pub(crate) fn bare(name: &str) -> String {
    format!("n={name},r=fyko+d2lbbFgONRv9qkxdawL")
}

/// The proof that a client knows a password, by the hash in the mechanism's name.
pub(crate) fn last(mechanism: &str, name: &str, password: &str, challenge: &str) -> String {
    prove(mechanism, ("n,,", b""), name, password, challenge).last
}

/// A client's proof, and what a server that knows the account answers.
pub(crate) struct Proof {
    pub(crate) last: String,
    #[allow(dead_code, reason = "not every test listens to the server's proof")]
    pub(crate) expected: String,
}

/// The same, bound to a channel: what the client has said of it in front of its first message, and its octets.
pub(crate) fn prove(
    mechanism: &str,
    (header, channel): (&str, &[u8]),
    name: &str,
    password: &str,
    challenge: &str,
) -> Proof {
    let is_sha1 = mechanism.starts_with("SCRAM-SHA-1");
    let hmac = |key: &[u8], message: &[u8]| {
        if is_sha1 { hmac_sha1(key, message) } else { hmac_sha256(key, message) }
    };
    let attribute = |key| challenge.split(',').find_map(|part| part.strip_prefix(key)).unwrap();
    let salt = STANDARD.decode(attribute("s=")).unwrap();
    let mut u = hmac(password.as_bytes(), &[salt, vec![0, 0, 0, 1]].concat());
    let mut salted = u.clone();
    for _ in 1..attribute("i=").parse().unwrap() {
        u = hmac(password.as_bytes(), &u);
        salted.iter_mut().zip(&u).for_each(|(sum, u)| *sum ^= u);
    }
    let client_key = hmac(&salted, b"Client Key");
    let stored_key =
        if is_sha1 { Sha1::digest(&client_key).to_vec() } else { Sha256::digest(&client_key).to_vec() };
    let bound = STANDARD.encode([header.as_bytes(), channel].concat());
    let without_proof = format!("c={bound},r={}", attribute("r="));
    let message = format!("{},{challenge},{without_proof}", bare(name));
    let signature = hmac(&stored_key, message.as_bytes());
    let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, octet)| key ^ octet).collect();
    let expected = hmac(&hmac(&salted, b"Server Key"), message.as_bytes());
    Proof {
        last: format!("{without_proof},p={}", STANDARD.encode(proof)),
        expected: format!("v={}", STANDARD.encode(expected)),
    }
}

fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    <Hmac<Sha1>>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    <Hmac<Sha256>>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
}
