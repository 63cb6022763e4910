//! bcrypt: `$2a$`, `$2b$` and `$2y$`.
//!
//! All three are computed as OpenBSD does `$2b$` and Openwall's crypt_blowfish (glibc's and Dovecot's) does `$2y$`: the
//! key is the password and a NUL behind it, cut off after 72 octets. `$2a$` is the same but for two old mistakes, neither
//! of which we repeat: OpenBSD before 5.5 took the length of a password modulo 256, and crypt_blowfish alters the result
//! for a few passwords of octets above 127 that PHP's mistake (`$2x$`) made alike. Who has such a password is told that it
//! is wrong. `$2x$` itself lets in what is not the password, and is refused.

use crate::bounds::{MAX_BCRYPT_COST, MAX_CRYPT_PASSWORD_OCTETS};
use crate::compare::compare;
use crate::encoding::bcrypt64;
use crate::{Cost, Unusable, Verdict};
use zeroize::Zeroizing;

/// As much of a password as counts, the NUL behind it included.
pub(crate) const KEY_OCTETS: usize = 72;
/// The last octet of what is computed is not written down.
const HASH_OCTETS: usize = 23;
const KIND: &str = "bcrypt";
/// A round, in the unit of [`Cost::work`].
const WORK_PER_ROUND: u64 = 50;

pub(crate) struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    hash: Zeroizing<Vec<u8>>,
}

impl Bcrypt {
    /// `rest` is what stands behind `$2b$`: two digits of cost, 22 letters of salt, 31 of hash.
    pub(crate) fn parse(rest: &str) -> Result<Self, Unusable> {
        let malformed = Unusable::Malformed(KIND);
        let Some((cost, both)) = rest.split_once('$') else { return Err(malformed) };
        let is_two_digits = cost.len() == 2 && cost.bytes().all(|digit| digit.is_ascii_digit());
        let cost: u32 =
            cost.parse().ok().filter(|cost| is_two_digits && *cost >= 4).ok_or(malformed.clone())?;
        let halves = both.split_at_checked(22).filter(|(_, hash)| hash.len() == 31);
        let Some((salt, hash)) = halves else { return Err(malformed) };
        let salt = bcrypt64(salt).and_then(|salt| salt.as_slice().try_into().ok());
        let hash = bcrypt64(hash).filter(|hash| hash.len() == HASH_OCTETS);
        let (Some(salt), Some(hash)) = (salt, hash) else { return Err(malformed) };
        match cost > MAX_BCRYPT_COST {
            true => Err(too_costly(cost)),
            false => Ok(Self { cost, salt, hash }),
        }
    }

    pub(crate) const fn cost(&self) -> Cost {
        // The state of Blowfish has 4,168 octets.
        Cost::new(5, WORK_PER_ROUND << self.cost)
    }

    pub(crate) fn verify(&self, typed: &[u8]) -> Verdict {
        // In C a NUL ends the password, so that what stands behind it would be let in unread.
        if typed.len() > MAX_CRYPT_PASSWORD_OCTETS || typed.contains(&0) {
            return Verdict::Wrong;
        }
        let key: Zeroizing<Vec<u8>> =
            Zeroizing::new(typed.iter().copied().chain([0]).take(KEY_OCTETS).collect());
        let computed = Zeroizing::new(bcrypt::bcrypt(self.cost, self.salt, &key));
        compare(computed.get(..HASH_OCTETS).unwrap_or_default(), &self.hash)
    }
}

fn too_costly(cost: u32) -> Unusable {
    Unusable::TooCostly { what: "cost of bcrypt", is: cost.into(), may_be: MAX_BCRYPT_COST.into() }
}
