//! The SCRAM half of a record, and several of them together (RFC 5802, 3).

use super::argon::Origin;
use super::cost::{MAX_SCRAM_ITERATIONS, MIN_SCRAM_ITERATIONS};
use super::keys::{Keys, ScramHash};
use crate::secret::Secret;
use sha1::Sha1;
use sha2::Sha256;
use std::fmt;
use subtle::{Choice, ConditionallySelectable};

/// What a server needs to check a SCRAM proof, and to prove itself.
#[derive(Clone)]
pub struct ScramVerifier {
    pub(super) iterations: u32,
    pub(super) salt: [u8; 16],
    pub(super) sha256: Keys<32>,
    /// Only where SCRAM-SHA-1 was switched on when the password was set.
    pub(super) sha1: Option<Keys<20>>,
    pub(super) origin: Origin,
}

impl ScramVerifier {
    pub(crate) fn new(password: &Secret, salt: [u8; 16], iterations: u32) -> Self {
        let sha256 = Keys::of::<Sha256>(password, &salt, iterations);
        Self { iterations, salt, sha256, sha1: None, origin: Origin::Password }
    }

    /// One that shows a salt and a count, and that nothing fits.
    pub(crate) const fn unfit(salt: [u8; 16], iterations: u32) -> Self {
        Self { iterations, salt, sha256: Keys::NONE, sha1: None, origin: Origin::Decoy }
    }

    pub(crate) fn with_sha1(self, password: &Secret) -> Self {
        let sha1 = Keys::of::<Sha1>(password, &self.salt, self.iterations);
        Self { sha1: Some(sha1), ..self }
    }

    pub(crate) fn without_sha1(self) -> Self {
        Self { sha1: None, ..self }
    }

    /// The verifier of another password of the same account: with the salt and the count of this one, for only one of
    /// each can be shown for a name. As dear as [`CredentialRecord::new`](super::CredentialRecord::new) is beside Argon2id.
    #[must_use]
    pub fn alike(&self, password: &Secret) -> Self {
        let alike = Self::new(password, self.salt, self.iterations);
        if self.sha1.is_some() { alike.with_sha1(password) } else { alike }
    }

    pub(crate) const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    pub(crate) const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Whether a proof of SCRAM-SHA-1 can fit it.
    #[must_use]
    pub const fn has_sha1(&self) -> bool {
        self.sha1.is_some()
    }

    /// Iterations (4) · salt (16) · of SHA-256 StoredKey (32) · ServerKey (32), and where there are keys of SHA-1, the same of
    /// them (20 each). Numbers big-endian.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.iterations.to_be_bytes());
        out.extend(self.salt.iter().chain(&self.sha256.stored).chain(&self.sha256.server));
        self.sha1.iter().for_each(|sha1| out.extend(sha1.stored.iter().chain(&sha1.server)));
    }

    /// What [`Self::put`] wrote, and nothing else.
    pub(crate) fn take(octets: &[u8]) -> Option<Self> {
        let (iterations, rest) = octets.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (stored, rest) = rest.split_first_chunk()?;
        let (server, rest) = rest.split_first_chunk()?;
        let sha1 = match rest {
            [] => None,
            rest => {
                let (stored, rest) = rest.split_first_chunk()?;
                Some(Keys { stored: *stored, server: rest.try_into().ok()? })
            }
        };
        let iterations = u32::from_be_bytes(*iterations);
        let sha256 = Keys { stored: *stored, server: *server };
        let is_fine = (MIN_SCRAM_ITERATIONS..=MAX_SCRAM_ITERATIONS).contains(&iterations);
        is_fine.then_some(Self { iterations, salt: *salt, sha256, sha1, origin: Origin::Password })
    }

    fn check(&self, hash: ScramHash, auth_message: &[u8], proof: &[u8]) -> Choice {
        let fits = match hash {
            ScramHash::Sha256 => self.sha256.check::<Sha256>(auth_message, proof),
            // Whoever has no such keys costs what the others do.
            ScramHash::Sha1 => {
                let keys = self.sha1.as_ref().unwrap_or(&Keys::NONE);
                keys.check::<Sha1>(auth_message, proof) & Choice::from(u8::from(self.sha1.is_some()))
            }
        };
        fits & self.origin.may_fit()
    }

    /// ServerSignature: the server knows the verifier.
    pub(crate) fn sign(&self, hash: ScramHash, auth_message: &[u8]) -> Vec<u8> {
        match hash {
            ScramHash::Sha256 => self.sha256.sign::<Sha256>(auth_message),
            ScramHash::Sha1 => self.sha1.as_ref().unwrap_or(&Keys::NONE).sign::<Sha1>(auth_message),
        }
    }

    /// Whether both show the same to who begins an exchange, so that a proof in it can be held against either.
    #[must_use]
    pub fn is_shown_like(&self, other: &Self) -> bool {
        self.salt == other.salt && self.iterations == other.iterations
    }
}

/// In constant time, but for whether there are keys of SHA-1 (threat T-36).
impl PartialEq for ScramVerifier {
    fn eq(&self, other: &Self) -> bool {
        let sha1 = match (&self.sha1, &other.sha1) {
            (Some(one), Some(other)) => one.same(other),
            (one, other) => Choice::from(u8::from(one.is_none() && other.is_none())),
        };
        let same = self.sha256.same(&other.sha256) & sha1;
        self.is_shown_like(other) && self.origin == other.origin && bool::from(same)
    }
}

impl Eq for ScramVerifier {}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramVerifier(…)")
    }
}

/// The verifiers of one account: of its own password, and of others that it has.
#[derive(Clone, Debug)]
pub struct Verifiers(Vec<ScramVerifier>);

/// Most verifiers of one account: its own, and those of 64 app passwords.
pub const MAX_VERIFIERS: usize = 65;

impl Verifiers {
    /// Takes one more, and says its number; the account's own is 0. `None` where it could not be proven in the same
    /// exchange, for its salt or its count is another, or where there are [`MAX_VERIFIERS`].
    pub fn add(&mut self, verifier: ScramVerifier) -> Option<usize> {
        let fits = self.0.len() < MAX_VERIFIERS && self.shown().is_shown_like(&verifier);
        fits.then(|| {
            self.0.push(verifier);
            self.0.len() - 1
        })
    }

    pub(crate) fn shown(&self) -> &ScramVerifier {
        self.0.first().expect("it is made of one, and nothing takes it out")
    }

    /// Holds a proof against all of them, whichever it fits.
    pub(crate) fn check(mut self, hash: ScramHash, auth_message: &[u8], proof: &[u8]) -> Option<Fits> {
        let which = self.find(|verifier| verifier.check(hash, auth_message, proof))?;
        Some(Fits { which, verifier: self.0.swap_remove(which) })
    }

    /// The last that fits. As many are compared as there may be, the missing ones with one that nothing fits, so that the time
    /// does not tell strangers how many passwords an account has.
    fn find(&self, mut fits: impl FnMut(&ScramVerifier) -> Choice) -> Option<usize> {
        let nobodys = ScramVerifier { sha1: Some(Keys::NONE), ..ScramVerifier::unfit([0; 16], 0) };
        let (mut any, mut which) = (Choice::from(0), 0_u64);
        let all = self.0.iter().chain(std::iter::repeat(&nobodys)).take(MAX_VERIFIERS);
        for (number, verifier) in (0_u64..).zip(all) {
            let fits = fits(verifier);
            which.conditional_assign(&number, fits);
            any |= fits;
        }
        usize::try_from(which).ok().filter(|which| bool::from(any) && *which < self.0.len())
    }
}

impl From<ScramVerifier> for Verifiers {
    /// Of an account that has one password, or of nobody.
    fn from(own: ScramVerifier) -> Self {
        Self(vec![own])
    }
}

/// What a proof fits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fits {
    pub(crate) which: usize,
    pub(crate) verifier: ScramVerifier,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Secret {
        Secret::password(text).unwrap()
    }

    fn own() -> ScramVerifier {
        ScramVerifier::new(&password("own"), [1; 16], 4_096)
    }

    #[test]
    fn verifiers_of_one_account_share_what_is_shown_and_are_few() {
        let mut verifiers = Verifiers::from(own());
        assert_eq!(verifiers.add(own().alike(&password("app"))), Some(1));
        assert_eq!(verifiers.add(ScramVerifier::new(&password("app"), [2; 16], 4_096)), None);
        assert_eq!(verifiers.add(ScramVerifier::new(&password("app"), [1; 16], 4_097)), None);
        let another = own().alike(&password("another"));
        (2..MAX_VERIFIERS).for_each(|number| assert_eq!(verifiers.add(another.clone()), Some(number)));
        assert_eq!(verifiers.add(another), None);
    }

    #[test]
    fn a_proof_is_held_against_as_many_verifiers_however_many_an_account_has() {
        for many in [1, 2, 9, MAX_VERIFIERS] {
            let mut verifiers = Verifiers::from(own());
            let app = own().alike(&password("app"));
            (1..many).for_each(|number| assert_eq!(verifiers.add(app.clone()), Some(number)));
            let mut compared = 0;
            let found = verifiers.find(|verifier| {
                compared += 1;
                verifier.origin.may_fit()
            });
            assert_eq!((compared, found), (MAX_VERIFIERS, Some(many - 1)));
        }
    }

    #[test]
    fn verifiers_are_the_same_by_all_that_is_in_them() {
        let sha1 = own().with_sha1(&password("own"));
        assert!(own() == own() && sha1 == sha1.clone() && own() != sha1 && sha1 != own());
        assert!(own() != own().alike(&password("app")) && own().alike(&password("own")) == own());
        assert!(sha1.alike(&password("own")) == sha1);
        assert!(own() != ScramVerifier { origin: Origin::Decoy, ..own() });
    }

    /// RFC 5802, 5.
    #[test]
    fn the_example_of_rfc_5802_comes_out() {
        let salt = [0x41, 0x25, 0xc2, 0x47, 0xe4, 0x3a, 0xb1, 0xe9, 0x3c, 0x6d, 0xff, 0x76];
        let keys = Keys::of::<Sha1>(&password("pencil"), &salt, 4_096);
        let message = b"n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,\
            s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
        let decode =
            |text: &str| base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
        let proof = decode("v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
        assert!(bool::from(keys.check::<Sha1>(message, &proof)));
        assert_eq!(keys.sign::<Sha1>(message), decode("rmF9pqV8S7suAoZWja4dJRkFsKQ="));
    }
}
