//! What an account signs in with, as it is kept.
//!
//! A record holds an Argon2id hash, for mechanisms that send the password, and a SCRAM-SHA-256 verifier, for those
//! that do not. Neither is a password; both let one be guessed at leisure by whoever steals them, so each guess is
//! made dear: the record is as strong as the cheaper of its halves.

mod argon;
mod codec;
mod cost;
mod decoy;
mod mark;
mod mix;
mod verifier;

pub use argon::Workspace;
pub use codec::DamagedRecord;
pub use cost::{Cost, MAX_MEMORY_KIB, MAX_PASSES, MAX_SCRAM_ITERATIONS, MIN_SCRAM_ITERATIONS};
pub use decoy::DecoyKey;
pub use mark::{Mark, MarkKey};
pub use mix::CostMix;
pub use verifier::ScramVerifier;

use crate::secret::Secret;
use argon::Argon2idHash;
use std::fmt;

/// Two salts of 16 octets: random, and fresh for every record.
#[derive(Clone, Copy)]
pub struct Salts(pub [u8; 32]);

impl Salts {
    fn split(self) -> ([u8; 16], [u8; 16]) {
        let (mut argon2, mut scram) = ([0; 16], [0; 16]);
        let (first, second) = self.0.split_at(16);
        argon2.copy_from_slice(first);
        scram.copy_from_slice(second);
        (argon2, scram)
    }
}

/// Whether a password or a proof fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It does.
    Right,
    /// It does not.
    Wrong,
}

impl Verdict {
    fn of(same: subtle::Choice) -> Self {
        if bool::from(same) { Self::Right } else { Self::Wrong }
    }
}

/// What an account signs in with.
#[derive(Clone)]
pub struct CredentialRecord {
    argon2: Argon2idHash,
    scram: ScramVerifier,
}

impl CredentialRecord {
    /// Makes the record of a new password. This takes long (see [`Cost`]) and belongs in the hashing pool.
    #[must_use]
    pub fn new(password: &Secret, salts: Salts, cost: &Cost, workspace: &mut Workspace) -> Self {
        let (argon2_salt, scram_salt) = salts.split();
        Self {
            argon2: Argon2idHash::new(password, argon2_salt, cost, workspace),
            scram: ScramVerifier::new(password, scram_salt, cost.scram_iterations()),
        }
    }

    /// Checks a password: as long for a wrong one as for the right one, as long for a decoy as for a record of the
    /// same cost. Belongs in the hashing pool.
    pub fn verify(&self, password: &Secret, workspace: &mut Workspace) -> Verdict {
        self.argon2.verify(password, workspace)
    }

    /// For SCRAM.
    #[must_use]
    pub const fn scram(&self) -> &ScramVerifier {
        &self.scram
    }

    /// What a guess at its password costs.
    #[must_use]
    pub const fn cost(&self) -> Cost {
        Cost::of_record(self.argon2.memory_kib, self.argon2.passes, self.scram.iterations)
    }

    /// How much memory [`Self::verify`] takes, in octets, for a pool that keeps account of it.
    #[must_use]
    pub fn memory_octets(&self) -> usize {
        self.argon2.memory_octets()
    }
}

impl fmt::Debug for CredentialRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialRecord(…)")
    }
}
