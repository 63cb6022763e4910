//! What a server keeps of a password for SCRAM (RFC 5802, 3), by hash function.

use crate::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// Which hash function an exchange goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScramHash {
    Sha1,
    Sha256,
}

/// A hash function of `N` octets. SHA-1 is broken where two texts are to differ in their hashes; neither HMAC nor PBKDF2
/// leans on that, so that SCRAM-SHA-1 is weak by nothing but by how fast it is guessed at.
pub(super) trait Hash<const N: usize> {
    type Mac: Mac + KeyInit + Clone;

    fn digest(octets: &[u8]) -> [u8; N];

    fn tag(mac: Self::Mac) -> [u8; N];

    fn keyed(key: &[u8]) -> Self::Mac {
        <Self::Mac as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length")
    }

    fn hmac(key: &[u8], message: &[u8]) -> [u8; N] {
        Self::tag(Self::keyed(key).chain_update(message))
    }
}

impl Hash<32> for Sha256 {
    type Mac = Hmac<Self>;

    fn digest(octets: &[u8]) -> [u8; 32] {
        <Self as Digest>::digest(octets).into()
    }

    fn tag(mac: Hmac<Self>) -> [u8; 32] {
        mac.finalize().into_bytes().into()
    }
}

impl Hash<20> for Sha1 {
    type Mac = Hmac<Self>;

    fn digest(octets: &[u8]) -> [u8; 20] {
        <Self as Digest>::digest(octets).into()
    }

    fn tag(mac: Hmac<Self>) -> [u8; 20] {
        mac.finalize().into_bytes().into()
    }
}

/// `StoredKey` and `ServerKey`.
#[derive(Clone)]
pub(super) struct Keys<const N: usize> {
    pub(super) stored: [u8; N],
    pub(super) server: [u8; N],
}

impl<const N: usize> Keys<N> {
    /// Of no password at all.
    pub(super) const NONE: Self = Self { stored: [0; N], server: [0; N] };

    pub(super) fn of<H: Hash<N>>(password: &Secret, salt: &[u8], iterations: u32) -> Self {
        let salted = salted_password::<H, N>(password, salt, iterations);
        let client_key = Zeroizing::new(H::hmac(&*salted, b"Client Key"));
        Self { stored: H::digest(&*client_key), server: H::hmac(&*salted, b"Server Key") }
    }

    /// RFC 5802, 3: the proof is ClientKey XOR ClientSignature, and H(ClientKey) is StoredKey.
    pub(super) fn check<H: Hash<N>>(&self, auth_message: &[u8], proof: &[u8]) -> Choice {
        // How long a proof is, says its sender.
        let Ok(proof) = <[u8; N]>::try_from(proof) else { return Choice::from(0) };
        let mut client_key = Zeroizing::new(H::hmac(&self.stored, auth_message));
        client_key.iter_mut().zip(proof).for_each(|(key, proof)| *key ^= proof);
        H::digest(&*client_key).ct_eq(&self.stored)
    }

    /// ServerSignature: the server knows the verifier.
    pub(super) fn sign<H: Hash<N>>(&self, auth_message: &[u8]) -> Vec<u8> {
        H::hmac(&self.server, auth_message).to_vec()
    }

    pub(super) fn same(&self, other: &Self) -> Choice {
        self.stored.ct_eq(&other.stored) & self.server.ct_eq(&other.server)
    }
}

/// `Hi` of RFC 5802, 2.2: PBKDF2 with one block of output.
fn salted_password<H: Hash<N>, const N: usize>(
    password: &Secret,
    salt: &[u8],
    iterations: u32,
) -> Zeroizing<[u8; N]> {
    let keyed = H::keyed(password.expose());
    let mut u = Zeroizing::new(H::tag(keyed.clone().chain_update(salt).chain_update(1_u32.to_be_bytes())));
    let mut sum = u.clone();
    for _ in 1..iterations {
        *u = H::tag(keyed.clone().chain_update(*u));
        sum.iter_mut().zip(*u).for_each(|(sum, u)| *sum ^= u);
    }
    sum
}

pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    Sha256::hmac(key, message)
}

pub(super) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Sha256::keyed(key)
}

pub(super) fn tag(mac: Hmac<Sha256>) -> [u8; 32] {
    Sha256::tag(mac)
}
