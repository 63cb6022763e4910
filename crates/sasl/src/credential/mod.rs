//! What an account signs in with, as it is kept.
//!
//! A record holds an Argon2id hash, for mechanisms that send the password, and a SCRAM verifier, for those
//! that do not. Neither is a password; both let one be guessed at leisure by whoever steals them, so each guess is
//! made dear: the record is as strong as the cheaper of its halves.
//!
//! One that came from elsewhere holds a hash of somebody else's instead, until its owner has signed in.

mod argon;
mod codec;
mod cost;
mod decoy;
mod foreign;
mod keys;
mod mark;
mod mix;
mod verifier;

pub use argon::Workspace;
pub use codec::DamagedRecord;
pub use cost::{Cost, MAX_MEMORY_KIB, MAX_PASSES, MAX_SCRAM_ITERATIONS, MIN_SCRAM_ITERATIONS};
pub use decoy::DecoyKey;
pub use foreign::{ForeignHash, MAX_FOREIGN_HASH_OCTETS};
pub(crate) use keys::ScramHash;
pub use mark::{Mark, MarkKey};
pub use mix::CostMix;
pub(crate) use verifier::Fits;
pub use verifier::{MAX_VERIFIERS, ScramVerifier, Verifiers};

use crate::secret::Secret;
use argon::Argon2idHash;
use std::fmt;

/// Two salts of 16 octets: random, and fresh for every record.
#[derive(Clone, Copy)]
pub struct Salts(pub [u8; 32]);

impl Salts {
    /// With nothing for Argon2id.
    fn for_scram(scram: [u8; 16]) -> Self {
        let mut salts = [0; 32];
        salts.iter_mut().skip(16).zip(scram).for_each(|(place, octet)| *place = octet);
        Self(salts)
    }

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
    /// Then nothing fits the other two.
    foreign: Option<ForeignHash>,
}

impl CredentialRecord {
    /// Makes the record of a new password. This takes long (see [`Cost`]) and belongs in the hashing pool.
    #[must_use]
    pub fn new(password: &Secret, salts: Salts, cost: &Cost, workspace: &mut Workspace) -> Self {
        let (argon2_salt, scram_salt) = salts.split();
        Self {
            argon2: Argon2idHash::new(password, argon2_salt, cost, workspace),
            scram: ScramVerifier::new(password, scram_salt, cost.scram_iterations()),
            foreign: None,
        }
    }

    /// Makes the record of an account's next password, with the SCRAM salt and count of this one: those that
    /// [`ScramVerifier::alike`] was told for other passwords of the account can still be proven then. The price is that
    /// neither salt nor count ever changes. As long as [`Self::new`].
    #[must_use]
    pub fn anew(&self, password: &Secret, salts: Salts, cost: &Cost, workspace: &mut Workspace) -> Self {
        let argon2 = Argon2idHash::new(password, salts.split().0, cost, workspace);
        Self { argon2, scram: self.scram.alike(password), foreign: None }
    }

    /// With keys for SCRAM-SHA-1 too, for clients that know nothing better. They make a stolen record no weaker than its
    /// SCRAM-SHA-256 half, but for the third by which SHA-1 is faster. A record whose password is not known has none.
    #[must_use]
    pub fn with_sha1(self, password: &Secret) -> Self {
        match self.foreign {
            Some(_) => self,
            None => Self { scram: self.scram.with_sha1(password), ..self },
        }
    }

    /// Without keys for SCRAM-SHA-1.
    #[must_use]
    pub fn without_sha1(self) -> Self {
        Self { scram: self.scram.without_sha1(), ..self }
    }

    /// The record of an account that came with a hash of somebody else's: its own, at this cost, is made when its owner
    /// signs in. Until then no proof fits, and [`Self::verify`] says that every password is wrong, after the time that it
    /// takes at that cost: ask [`Self::foreign_hash`] before.
    #[must_use]
    pub fn foreign(hash: ForeignHash, salts: Salts, cost: &Cost) -> Self {
        let (_, salt) = salts.split();
        Self {
            argon2: Argon2idHash::unfit(cost),
            scram: ScramVerifier::unfit(salt, cost.scram_iterations()),
            foreign: Some(hash),
        }
    }

    /// The hash of somebody else's, if it has one.
    #[must_use]
    pub const fn foreign_hash(&self) -> Option<&ForeignHash> {
        self.foreign.as_ref()
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
