//! The SCRAM-SHA-256 half of a record (RFC 5802, 3).

use super::Verdict;
use super::argon::Origin;
use crate::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What a server needs to check a SCRAM proof, and to prove itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    pub(super) iterations: u32,
    pub(super) salt: [u8; 16],
    pub(super) stored_key: [u8; 32],
    pub(super) server_key: [u8; 32],
    pub(super) origin: Origin,
}

impl ScramVerifier {
    pub(crate) fn new(password: &Secret, salt: [u8; 16], iterations: u32) -> Self {
        let salted = salted_password(password, &salt, iterations);
        let client_key = Zeroizing::new(hmac(&*salted, b"Client Key"));
        Self {
            iterations,
            salt,
            stored_key: Sha256::digest(client_key.as_slice()).into(),
            server_key: hmac(&*salted, b"Server Key"),
            origin: Origin::Password,
        }
    }

    pub(crate) const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    pub(crate) const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// RFC 5802, 3: the proof is ClientKey XOR ClientSignature, and H(ClientKey) is StoredKey.
    pub(crate) fn check(&self, auth_message: &[u8], proof: &[u8]) -> Verdict {
        let Ok(proof) = <[u8; 32]>::try_from(proof) else { return Verdict::Wrong };
        let mut client_key = Zeroizing::new(hmac(&self.stored_key, auth_message));
        client_key.iter_mut().zip(proof).for_each(|(key, proof)| *key ^= proof);
        let stored_key: [u8; 32] = Sha256::digest(client_key.as_slice()).into();
        self.origin.judge(stored_key.ct_eq(&self.stored_key))
    }

    /// ServerSignature: the server knows the verifier.
    pub(crate) fn sign(&self, auth_message: &[u8]) -> [u8; 32] {
        hmac(&self.server_key, auth_message)
    }
}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramVerifier(…)")
    }
}

/// `Hi` of RFC 5802, 2.2: PBKDF2 with one block of output.
fn salted_password(password: &Secret, salt: &[u8], iterations: u32) -> Zeroizing<[u8; 32]> {
    let keyed = keyed(password.expose());
    let mut u = Zeroizing::new(tag(keyed.clone().chain_update(salt).chain_update(1_u32.to_be_bytes())));
    let mut sum = u.clone();
    for _ in 1..iterations {
        *u = tag(keyed.clone().chain_update(*u));
        sum.iter_mut().zip(*u).for_each(|(sum, u)| *sum ^= u);
    }
    sum
}

pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    tag(keyed(key).chain_update(message))
}

pub(super) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

pub(super) fn tag(mac: Hmac<Sha256>) -> [u8; 32] {
    mac.finalize().into_bytes().into()
}
