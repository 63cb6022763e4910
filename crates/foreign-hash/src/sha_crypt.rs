//! SHA256-CRYPT and SHA512-CRYPT: `$5$` and `$6$`, as Ulrich Drepper specified them and glibc does.

use crate::bounds::{MAX_CRYPT_PASSWORD_OCTETS, MAX_ROUNDS};
use crate::compare::compare;
use crate::encoding::{crypt64, number};
use crate::{Cost, Unusable, Verdict};
use sha_crypt::Params;
use zeroize::Zeroizing;

const MAX_SALT_OCTETS: usize = 16;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Sha256,
    Sha512,
}

pub(crate) struct ShaCrypt {
    width: Width,
    rounds: u32,
    params: Params,
    salt: Vec<u8>,
    /// In the letters of `crypt(3)`: that is what is compared.
    hash: Zeroizing<Vec<u8>>,
}

impl Width {
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA256-CRYPT",
            Self::Sha512 => "SHA512-CRYPT",
        }
    }

    const fn letters(self) -> usize {
        match self {
            Self::Sha256 => 43,
            Self::Sha512 => 86,
        }
    }

    /// A round with a password of common length, in thousandths of the unit of [`Cost::work`].
    const fn work_per_thousand_rounds(self) -> u64 {
        match self {
            Self::Sha256 => 500,
            Self::Sha512 => 700,
        }
    }
}

impl ShaCrypt {
    /// `rest` is what stands behind `$5$` or `$6$`: `rounds=N$` or nothing, the salt, `$`, the hash.
    pub(crate) fn parse(width: Width, rest: &str) -> Result<Self, Unusable> {
        let malformed = Unusable::Malformed(width.kind());
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            None => (Params::RECOMMENDED_ROUNDS, rest),
            Some(rest) => {
                let Some((rounds, rest)) = rest.split_once('$') else { return Err(malformed) };
                (number(rounds).ok_or(malformed.clone())?, rest)
            }
        };
        let Some((salt, hash)) = rest.split_once('$') else { return Err(malformed) };
        // Fewer than a thousand are never written: crypt(3) makes a thousand of them.
        let Ok(params) = Params::new(rounds) else { return Err(malformed) };
        if salt.len() > MAX_SALT_OCTETS || hash.len() != width.letters() {
            return Err(malformed);
        }
        if rounds > MAX_ROUNDS {
            return Err(Unusable::TooCostly {
                what: "number of rounds",
                is: rounds.into(),
                may_be: MAX_ROUNDS.into(),
            });
        }
        let (salt, hash) = (salt.as_bytes().to_vec(), Zeroizing::new(hash.as_bytes().to_vec()));
        Ok(Self { width, rounds, params, salt, hash })
    }

    pub(crate) const fn kind(&self) -> &'static str {
        self.width.kind()
    }

    pub(crate) fn cost(&self) -> Cost {
        let work = u64::from(self.rounds) * self.width.work_per_thousand_rounds() / 1_000;
        Cost::new(1, work.max(1))
    }

    pub(crate) fn verify(&self, typed: &[u8]) -> Verdict {
        // In C a NUL ends the password, so that what stands behind it would be let in unread.
        if typed.len() > MAX_CRYPT_PASSWORD_OCTETS || typed.contains(&0) {
            return Verdict::Wrong;
        }
        compare(&self.compute(typed), &self.hash)
    }

    fn compute(&self, typed: &[u8]) -> Zeroizing<Vec<u8>> {
        let letters = self.width.letters();
        match self.width {
            Width::Sha256 => {
                let digest = Zeroizing::new(sha_crypt::sha256_crypt(typed, &self.salt, self.params));
                crypt64(groups_of_256(&digest), letters)
            }
            Width::Sha512 => {
                let digest = Zeroizing::new(sha_crypt::sha512_crypt(typed, &self.salt, self.params));
                crypt64(groups_of_512(&digest), letters)
            }
        }
    }
}

/// The groups go 0, 10, 20; 21, 1, 11; 12, 22, 2; and so on, each octet of three one further and turned by one; then 31
/// and 30, where the missing one is zero (Drepper's specification, step 22 e).
fn groups_of_256(digest: &[u8; 32]) -> impl Iterator<Item = [u8; 3]> + '_ {
    let at = |index: usize| digest.get(index).copied().unwrap_or_default();
    let turned = (0..10).map(move |n| match n % 3 {
        0 => [at(n), at(n + 10), at(n + 20)],
        1 => [at(n + 20), at(n), at(n + 10)],
        _ => [at(n + 10), at(n + 20), at(n)],
    });
    turned.chain([[0, at(31), at(30)]])
}

/// The groups go 0, 21, 42; 22, 43, 1; 44, 2, 23; and so on; then 63, where the two that miss are zero.
fn groups_of_512(digest: &[u8; 64]) -> impl Iterator<Item = [u8; 3]> + '_ {
    let at = |index: usize| digest.get(index).copied().unwrap_or_default();
    let turned = (0..21).map(move |n| match n % 3 {
        0 => [at(n), at(n + 21), at(n + 42)],
        1 => [at(n + 21), at(n + 42), at(n)],
        _ => [at(n + 42), at(n), at(n + 21)],
    });
    turned.chain([[0, 0, at(63)]])
}
