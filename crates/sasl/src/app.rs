//! App passwords: passwords that a server makes up, one for each device.
//!
//! One has [`APP_PASSWORD_CHARACTERS`] of `a` to `z` and `0` to `9`, 129 bits that nobody can guess at any price. So what
//! is kept of it needs no price: SHA-256, and beside it what SCRAM asks, with the salt and the count of the account's own
//! password, for a client is shown one salt and does not say which password it has.

use crate::credential::{MIN_SCRAM_ITERATIONS, ScramVerifier};
use crate::secret::Secret;
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// How many characters an app password has.
pub const APP_PASSWORD_CHARACTERS: usize = 25;

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// Random octets from here on are thrown away: the others give each character as often (7 times).
const FAIR: u8 = 252;

/// An app password. It prints as `…` and is wiped when dropped.
pub struct AppPassword(Zeroizing<String>);

impl AppPassword {
    /// Makes one up. `random` fills with octets that nobody can guess.
    #[must_use]
    pub fn draw(mut random: impl FnMut(&mut [u8])) -> Self {
        let mut drawn = Zeroizing::new(String::with_capacity(APP_PASSWORD_CHARACTERS));
        let mut octets = Zeroizing::new([0; 2 * APP_PASSWORD_CHARACTERS]);
        loop {
            random(&mut *octets);
            for octet in octets.iter().filter(|octet| **octet < FAIR) {
                if drawn.len() == APP_PASSWORD_CHARACTERS {
                    return Self(drawn);
                }
                drawn.extend(ALPHABET.get(usize::from(octet % 36)).map(|letter| char::from(*letter)));
            }
        }
    }

    /// What was typed, if it can be one: spaces, hyphens and capitals are what people make of it.
    #[must_use]
    pub fn typed(password: &Secret) -> Option<Self> {
        let typed = password.expose().iter().filter(|octet| !matches!(octet, b' ' | b'-'));
        let mut plain = Zeroizing::new(String::with_capacity(APP_PASSWORD_CHARACTERS));
        for octet in typed {
            if !octet.is_ascii_alphanumeric() || plain.len() == APP_PASSWORD_CHARACTERS {
                return None;
            }
            plain.push(char::from(octet.to_ascii_lowercase()));
        }
        (plain.len() == APP_PASSWORD_CHARACTERS).then_some(Self(plain))
    }

    /// To be shown once, to whoever asked for it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for AppPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What is kept of an app password.
#[derive(Clone)]
pub struct AppRecord {
    sha256: [u8; 32],
    scram: Option<ScramVerifier>,
}

impl AppRecord {
    /// Of an app password of an account whose own password has the verifier `beside`; an account without a password has
    /// none, and SCRAM is nothing for it. The price is one guess at that verifier.
    #[must_use]
    pub fn new(app_password: &AppPassword, beside: Option<&ScramVerifier>) -> Self {
        let secret = Secret::password(&app_password.0).ok();
        let scram = beside.zip(secret).map(|(beside, secret)| beside.alike(&secret));
        Self { sha256: app_password.hash(), scram }
    }

    /// With keys for SCRAM-SHA-1 too, where there are any for SCRAM: see
    /// [`CredentialRecord::with_sha1`](crate::CredentialRecord::with_sha1).
    #[must_use]
    pub fn with_sha1(self, app_password: &AppPassword) -> Self {
        let secret = Secret::password(&app_password.0).ok();
        let scram = self.scram.zip(secret).map(|(scram, secret)| scram.with_sha1(&secret));
        Self { scram, ..self }
    }

    /// Without them.
    #[must_use]
    pub fn without_sha1(self) -> Self {
        Self { scram: self.scram.map(ScramVerifier::without_sha1), ..self }
    }

    /// The octets of a record that no password is known to fit: to be read in the place of those that an account does not have.
    #[must_use]
    pub fn nobodys() -> Vec<u8> {
        let scram = ScramVerifier::unfit([0; 16], MIN_SCRAM_ITERATIONS);
        Self { sha256: [0; 32], scram: Some(scram) }.encode()
    }

    /// For SCRAM: of use where its salt and its count are those that the account shows.
    #[must_use]
    pub const fn scram(&self) -> Option<&ScramVerifier> {
        self.scram.as_ref()
    }

    /// Which of these records a password fits, counted from 0. All are compared, and none faster than another.
    #[must_use]
    pub fn which<'r>(
        app_password: &AppPassword,
        records: impl IntoIterator<Item = &'r Self>,
    ) -> Option<usize> {
        let hash = app_password.hash();
        let mut found = 0_u64;
        for (place, record) in (1_u64..).zip(records) {
            found.conditional_assign(&place, record.sha256.ct_eq(&hash));
        }
        usize::try_from(found.checked_sub(1)?).ok()
    }

    /// Whether there is something for SCRAM, and for which.
    fn kind(&self) -> u8 {
        self.scram.as_ref().map_or(0, |scram| if scram.has_sha1() { 2 } else { 1 })
    }

    /// For the directory: version (1) · SHA-256 (32) · 0, or 1 and of SCRAM-SHA-256 iterations (4) · salt (16) ·
    /// StoredKey (32) · ServerKey (32), or 2 and the same and of SCRAM-SHA-1 StoredKey (20) · ServerKey (20). 34, 118 or
    /// 158 octets, numbers big-endian.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(self.sha256);
        out.push(self.kind());
        self.scram.iter().for_each(|scram| scram.put(&mut out));
        out
    }

    /// From the directory.
    ///
    /// # Errors
    /// Anything that [`Self::encode`] does not write.
    pub fn decode(octets: &[u8]) -> Result<Self, DamagedAppRecord> {
        let (version, rest) = octets.split_first().ok_or(DamagedAppRecord)?;
        let (sha256, rest) = rest.split_first_chunk().ok_or(DamagedAppRecord)?;
        let scram = match rest {
            [0] => None,
            [1 | 2, rest @ ..] => Some(ScramVerifier::take(rest).ok_or(DamagedAppRecord)?),
            _ => return Err(DamagedAppRecord),
        };
        let record = Self { sha256: *sha256, scram };
        match *version == VERSION && rest.first() == Some(&record.kind()) {
            true => Ok(record),
            false => Err(DamagedAppRecord),
        }
    }
}

const VERSION: u8 = 1;

impl fmt::Debug for AppRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppRecord(…)")
    }
}

/// Octets that are no record of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DamagedAppRecord;

impl fmt::Display for DamagedAppRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The record of an app password is damaged or of an unknown version")
    }
}

impl std::error::Error for DamagedAppRecord {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cost, CredentialRecord, Salts, Workspace};

    /// Octets one after the other, from `next` on.
    fn counting(mut next: u8) -> impl FnMut(&mut [u8]) {
        move |into| {
            for octet in into {
                *octet = next;
                next = next.wrapping_add(1);
            }
        }
    }

    fn typed(text: &str) -> Option<String> {
        let app_password = AppPassword::typed(&Secret::password(text).unwrap());
        app_password.map(|app_password| app_password.reveal().to_owned())
    }

    #[test]
    fn each_character_comes_from_as_many_octets() {
        let mut counts = std::collections::BTreeMap::new();
        // Each octet once in each place: 256 draws, the last octets of which are thrown away.
        for first in 0..=255 {
            let drawn = AppPassword::draw(counting(first));
            assert_eq!(drawn.reveal().len(), APP_PASSWORD_CHARACTERS);
            *counts.entry(drawn.reveal().as_bytes()[0]).or_insert(0) += 1;
        }
        assert_eq!(counts.keys().copied().collect::<Vec<_>>().len(), 36);
        // From 252 on the first of the next round is taken: `a` has four more.
        assert!(
            counts.iter().all(|(letter, count)| *count == if *letter == b'a' { 11 } else { 7 }),
            "{counts:?}"
        );
    }

    #[test]
    fn what_a_person_makes_of_it_is_forgiven_and_nothing_else() {
        let plain = AppPassword::draw(counting(3)).reveal().to_owned();
        let mut grouped = String::new();
        for (at, letter) in plain.to_uppercase().chars().enumerate() {
            grouped.push_str(if at > 0 && at % 5 == 0 { [" ", "-"][at / 5 % 2] } else { "" });
            grouped.push(letter);
        }
        assert_eq!(typed(&grouped), Some(plain.clone()));
        for other in [&plain[1..], &format!("{plain}a"), &format!("{}.", &plain[1..]), "ü"] {
            assert_eq!(typed(other), None, "{other}");
        }
    }

    #[test]
    fn the_one_that_fits_is_told_from_the_others() {
        let drawn: Vec<_> = [0, 50, 100].map(|first| AppPassword::draw(counting(first))).into();
        let records: Vec<_> = drawn.iter().map(|one| AppRecord::new(one, None)).collect();
        for (place, one) in drawn.iter().enumerate() {
            assert_eq!(AppRecord::which(one, &records), Some(place));
        }
        assert_eq!(AppRecord::which(&AppPassword::draw(counting(200)), &records), None);
        assert_eq!(AppRecord::which(&drawn[0], []), None);
    }

    #[test]
    fn a_record_comes_back_from_its_octets_and_shows_the_salt_of_the_account() {
        let cost = Cost::new(8, 1, 4_096).unwrap();
        let own = Secret::password("own").unwrap();
        let own = CredentialRecord::new(&own, Salts([7; 32]), &cost, &mut Workspace::new());
        let drawn = AppPassword::draw(counting(9));
        let sha1 = AppRecord::decode(&[&[1][..], &[0; 32], &[2, 0, 0, 0x10, 0], &[9; 120]].concat()).unwrap();
        for beside in [None, Some(own.scram()), sha1.scram()] {
            let octets = AppRecord::new(&drawn, beside).encode();
            let record = AppRecord::decode(&octets).unwrap();
            assert_eq!(record.encode(), octets);
            assert_eq!(record.scram().is_some(), beside.is_some());
            for (scram, own) in record.scram().iter().zip(beside) {
                assert_eq!((scram.salt(), scram.iterations()), (own.salt(), own.iterations()));
                assert!(*scram != own);
            }
            for at in 0..octets.len() {
                assert!(AppRecord::decode(&octets[..at]).is_err());
            }
            let longer = [&octets[..], &[0]].concat();
            assert!(AppRecord::decode(&longer).is_err());
            assert!(AppRecord::decode(&[&[2], &octets[1..]].concat()).is_err(), "of a later version");
        }
    }

    #[test]
    fn keys_of_sha_1_come_and_go_and_leave_the_others_as_they_are() {
        let cost = Cost::new(8, 1, 4_096).unwrap();
        let own = Secret::password("own").unwrap();
        let own = CredentialRecord::new(&own, Salts([7; 32]), &cost, &mut Workspace::new());
        let drawn = AppPassword::draw(counting(9));
        let without = AppRecord::new(&drawn, Some(own.scram()));
        let with = without.clone().with_sha1(&drawn);
        assert_eq!((without.encode().len(), with.encode().len()), (118, 158));
        assert!(with.scram().unwrap().has_sha1() && !without.scram().unwrap().has_sha1());
        assert_eq!(AppRecord::decode(&with.encode()).unwrap().encode(), with.encode());
        assert_eq!(with.without_sha1().encode(), without.encode());
        let unproven = AppRecord::new(&drawn, None);
        assert_eq!(unproven.clone().with_sha1(&drawn).encode(), unproven.encode());
    }

    #[test]
    fn what_is_nobodys_reads_like_a_record_and_no_password_fits_it() {
        let nobodys = AppRecord::decode(&AppRecord::nobodys()).unwrap();
        assert!(nobodys.scram().is_some());
        assert_eq!(AppRecord::which(&AppPassword::draw(counting(9)), [&nobodys]), None);
    }

    #[test]
    fn an_app_password_and_its_record_are_not_printed() {
        let drawn = AppPassword::draw(counting(9));
        let printed = format!("{drawn:?} {:?}", AppRecord::new(&drawn, None));
        assert_eq!(printed, "… AppRecord(…)");
    }
}
