//! A SCRAM-SHA-256 client, written anew from RFC 5802, 3.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Somebody who knows a password, or thinks so.
pub(crate) struct Prover<'a> {
    /// The GS2 header.
    pub(crate) header: &'a str,
    /// The first message behind it.
    pub(crate) bare: &'a str,
    /// What the connection is bound to.
    pub(crate) channel: &'a [u8],
    pub(crate) password: &'a str,
}

impl Prover<'_> {
    /// The last message, and the server's signature that is then expected.
    pub(crate) fn last(&self, server_first: &str) -> (String, String) {
        let attribute = |key| server_first.split(',').find_map(|part| part.strip_prefix(key)).unwrap();
        let salt = STANDARD.decode(attribute("s=")).unwrap();
        let mut u = hmac(self.password.as_bytes(), &[salt, vec![0, 0, 0, 1]].concat());
        let mut salted = u;
        for _ in 1..attribute("i=").parse().unwrap() {
            u = hmac(self.password.as_bytes(), &u);
            salted.iter_mut().zip(u).for_each(|(sum, u)| *sum ^= u);
        }
        let client_key = hmac(&salted, b"Client Key");
        let channel = STANDARD.encode([self.header.as_bytes(), self.channel].concat());
        let without_proof = format!("c={channel},r={}", attribute("r="));
        let message = format!("{},{server_first},{without_proof}", self.bare);
        let signature = hmac(&Sha256::digest(client_key), message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, octet)| key ^ octet).collect();
        let expected = hmac(&hmac(&salted, b"Server Key"), message.as_bytes());
        (format!("{without_proof},p={}", STANDARD.encode(proof)), format!("v={}", STANDARD.encode(expected)))
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    <Hmac<Sha256>>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().into()
}
