//! Records for names that have none.

use super::argon::{Argon2idHash, Origin};
use super::keys::{Keys, hmac};
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

    /// A name's place among all records, whatever they are: see [`CostMix`](super::CostMix).
    pub(super) fn draw(&self, name: &str) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.derive("place", name);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
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
    /// The record of a name that has none (threat T-38): it costs `cost`, shows the same SCRAM salt every time it is
    /// asked for at that cost, and fits nothing. Give it the name as the directory would look it up, so that two
    /// spellings of one name have one salt. Where there are records, their [`CostMix`](super::CostMix) knows the cost.
    ///
    /// A record whose cost changed was made anew, salts and all; so at another cost a decoy has other salts.
    #[must_use]
    pub fn decoy(key: &DecoyKey, name: &str, cost: &Cost) -> Self {
        let Cost { memory_kib, passes, scram_iterations } = cost;
        let derive =
            |purpose: &str| key.derive(&format!("{purpose} {memory_kib} {passes} {scram_iterations}"), name);
        let half = |purpose: &str| {
            let mut salt = [0; 16];
            salt.iter_mut().zip(derive(purpose)).for_each(|(salt, derived)| *salt = derived);
            salt
        };
        Self {
            argon2: Argon2idHash {
                memory_kib: *memory_kib,
                passes: *passes,
                salt: half("argon2 salt"),
                hash: derive("argon2 hash"),
                origin: Origin::Decoy,
            },
            scram: ScramVerifier {
                iterations: *scram_iterations,
                salt: half("scram salt"),
                sha256: Keys { stored: derive("scram stored key"), server: derive("scram server key") },
                sha1: None,
                origin: Origin::Decoy,
            },
            foreign: None,
        }
    }
}
