//! Dovecot's {PBKDF2}: PBKDF2 with HMAC-SHA-1 (RFC 8018, 5.2), 20 octets, written `$1$salt$rounds$hexadecimal`.

use crate::bounds::MAX_ROUNDS;
use crate::compare::compare;
use crate::encoding::{hex, number};
use crate::{Cost, Unusable, Verdict};
use pbkdf2::pbkdf2_hmac_array;
use sha1::Sha1;
use zeroize::Zeroizing;

const HASH_OCTETS: usize = 20;
pub(crate) const KIND: &str = "PBKDF2";

pub(crate) struct Pbkdf2 {
    salt: Vec<u8>,
    rounds: u32,
    hash: Zeroizing<Vec<u8>>,
}

impl Pbkdf2 {
    pub(crate) fn parse(stored: &str) -> Result<Self, Unusable> {
        let mut fields = stored.split('$');
        let ([Some(""), Some("1"), Some(salt), Some(rounds), Some(hash)], None) =
            ([(); 5].map(|()| fields.next()), fields.next())
        else {
            return Err(Unusable::Malformed(KIND));
        };
        let rounds = number(rounds).filter(|rounds| *rounds > 0).ok_or(Unusable::Malformed(KIND))?;
        let hash = hex(hash).filter(|hash| hash.len() == HASH_OCTETS).ok_or(Unusable::Malformed(KIND))?;
        match rounds > MAX_ROUNDS {
            true => Err(Unusable::TooCostly {
                what: "number of rounds",
                is: rounds.into(),
                may_be: MAX_ROUNDS.into(),
            }),
            // Dovecot takes the letters of the salt, and not what they would decode to.
            false => Ok(Self { salt: salt.as_bytes().to_vec(), rounds, hash }),
        }
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost::new(1, (u64::from(self.rounds) / 2).max(1))
    }

    pub(crate) fn verify(&self, typed: &[u8]) -> Verdict {
        let computed = Zeroizing::new(pbkdf2_hmac_array::<Sha1, HASH_OCTETS>(typed, &self.salt, self.rounds));
        compare(computed.as_slice(), &self.hash)
    }
}
