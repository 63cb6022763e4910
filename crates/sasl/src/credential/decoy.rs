//! Records for names that have none.

use super::argon::{Argon2idHash, Origin};
use super::verifier::hmac;
use super::{Cost, CredentialRecord, ScramVerifier};
use std::fmt;
use zeroize::Zeroizing;

/// The secret from which decoys are made. Keep it for the life of the installation: a salt that changes with a
/// restart is the salt of nobody.
pub struct DecoyKey(Zeroizing<[u8; 32]>);

impl DecoyKey {
    /// From random octets.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }

    fn derive(&self, purpose: &str, name: &str) -> [u8; 32] {
        hmac(&*self.0, format!("{purpose}\0{name}").as_bytes())
    }
}

impl fmt::Debug for DecoyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecoyKey(…)")
    }
}

impl CredentialRecord {
    /// The record of a name that has none (threat T-38): it costs what a record made now costs, shows the same SCRAM
    /// salt every time it is asked for, and fits nothing. Give it the name as the directory would look it up, so
    /// that two spellings of one name have one salt.
    #[must_use]
    pub fn decoy(key: &DecoyKey, name: &str, cost: &Cost) -> Self {
        let half = |purpose: &str| {
            let mut salt = [0; 16];
            salt.iter_mut().zip(key.derive(purpose, name)).for_each(|(salt, derived)| *salt = derived);
            salt
        };
        Self {
            argon2: Argon2idHash {
                memory_kib: cost.memory_kib(),
                passes: cost.passes(),
                salt: half("argon2 salt"),
                hash: key.derive("argon2 hash", name),
                origin: Origin::Decoy,
            },
            scram: ScramVerifier {
                iterations: cost.scram_iterations(),
                salt: half("scram salt"),
                stored_key: key.derive("scram stored key", name),
                server_key: key.derive("scram server key", name),
                origin: Origin::Decoy,
            },
        }
    }
}
