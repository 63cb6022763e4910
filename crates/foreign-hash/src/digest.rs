//! A digest of the password, with a salt behind it or without one: {SHA}, {SSHA} and their larger kin.
//!
//! They are fast, and so is guessing at them: one more reason to replace them at the first login.

use crate::compare::compare;
use crate::{Cost, Unusable, Verdict};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

/// The longest salt that is taken, in octets. OpenLDAP and Dovecot make four to sixteen.
const MAX_SALT_OCTETS: usize = 64;

/// Which digest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Sha1,
    Sha256,
    Sha512,
}

/// Whether a salt stands behind the digest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Salting {
    Salted,
    Plain,
}

pub(crate) struct Digested {
    function: Function,
    kind: &'static str,
    hash: Zeroizing<Vec<u8>>,
    salt: Vec<u8>,
}

impl Function {
    pub(crate) const fn octets(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn compute(self, typed: &[u8], salt: &[u8]) -> Zeroizing<Vec<u8>> {
        let digest = match self {
            Self::Sha1 => Sha1::new().chain_update(typed).chain_update(salt).finalize().to_vec(),
            Self::Sha256 => Sha256::new().chain_update(typed).chain_update(salt).finalize().to_vec(),
            Self::Sha512 => Sha512::new().chain_update(typed).chain_update(salt).finalize().to_vec(),
        };
        Zeroizing::new(digest)
    }
}

impl Digested {
    pub(crate) fn new(
        function: Function,
        salting: Salting,
        kind: &'static str,
        octets: &[u8],
    ) -> Result<Self, Unusable> {
        let halves = octets.split_at_checked(function.octets());
        let Some((hash, salt)) = halves else { return Err(Unusable::Malformed(kind)) };
        let fits = match salting {
            Salting::Plain => salt.is_empty(),
            Salting::Salted => salt.len() <= MAX_SALT_OCTETS,
        };
        match fits {
            true => Ok(Self { function, kind, hash: Zeroizing::new(hash.to_vec()), salt: salt.to_vec() }),
            false => Err(Unusable::Malformed(kind)),
        }
    }

    pub(crate) const fn kind(&self) -> &'static str {
        self.kind
    }

    pub(crate) const fn cost(&self) -> Cost {
        Cost::new(1, 1)
    }

    pub(crate) fn verify(&self, typed: &[u8]) -> Verdict {
        compare(&self.function.compute(typed, &self.salt), &self.hash)
    }
}
