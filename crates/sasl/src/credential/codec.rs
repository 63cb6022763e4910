//! Records as bytes.
//!
//! ```text
//! version 1: 1 · Argon2id: memory in KiB (4) · passes (4) · salt (16) · hash (32)
//!              · SCRAM-SHA-256: iterations (4) · salt (16) · StoredKey (32) · ServerKey (32)
//! version 2: 2 · 1 · what stands behind the version in 1 · SCRAM-SHA-1: StoredKey (20) · ServerKey (20)
//!          | 2 · 2 · what its own record is to cost: memory in KiB (4) · passes (4) · SCRAM iterations (4)
//!              · SCRAM salt (16) · foreign hash: length (2) · text
//! ```
//! 141 octets in version 1, numbers big-endian. What is out of [`Cost`]'s bounds is not decoded. A record has one
//! spelling: version 2 is written for what version 1 has no place for, and for nothing else.

use super::argon::{Argon2idHash, Origin};
use super::keys::Keys;
use super::{Cost, CredentialRecord, ForeignHash, Salts, ScramVerifier};
use std::fmt;

const FIRST: u8 = 1;
const SECOND: u8 = 2;
/// What the second version holds.
const WITH_SHA1: u8 = 1;
const FOREIGN: u8 = 2;

impl CredentialRecord {
    /// Which version it is written in: 2 needs a store of format 3.
    #[must_use]
    pub const fn version(&self) -> u8 {
        if self.foreign.is_some() || self.scram.sha1.is_some() { SECOND } else { FIRST }
    }

    /// For the directory.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match (&self.foreign, &self.scram.sha1) {
            (Some(foreign), _) => [&[SECOND, FOREIGN][..], &self.foreign_part(foreign)].concat(),
            (None, Some(sha1)) => {
                [&[SECOND, WITH_SHA1][..], &self.own_part(), &sha1.stored, &sha1.server].concat()
            }
            (None, None) => [&[FIRST][..], &self.own_part()].concat(),
        }
    }

    fn own_part(&self) -> Vec<u8> {
        let Self { argon2, scram, .. } = self;
        let parts: [&[u8]; 8] = [
            &argon2.memory_kib.to_be_bytes(),
            &argon2.passes.to_be_bytes(),
            &argon2.salt,
            &argon2.hash,
            &scram.iterations.to_be_bytes(),
            &scram.salt,
            &scram.sha256.stored,
            &scram.sha256.server,
        ];
        parts.concat()
    }

    fn foreign_part(&self, foreign: &ForeignHash) -> Vec<u8> {
        let Self { argon2, scram, .. } = self;
        let text = foreign.text().as_bytes();
        let length = u16::try_from(text.len()).expect("a foreign hash has 512 octets at most");
        let parts: [&[u8]; 6] = [
            &argon2.memory_kib.to_be_bytes(),
            &argon2.passes.to_be_bytes(),
            &scram.iterations.to_be_bytes(),
            &scram.salt,
            &length.to_be_bytes(),
            text,
        ];
        parts.concat()
    }

    /// From the directory.
    ///
    /// # Errors
    /// Anything that [`Self::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, DamagedRecord> {
        let mut reader = Reader(bytes);
        let record = match reader.take()? {
            [FIRST] => reader.own_part()?,
            [SECOND] => match reader.take()? {
                [WITH_SHA1] => reader.with_sha1()?,
                [FOREIGN] => reader.foreign_part()?,
                _ => return Err(DamagedRecord),
            },
            _ => return Err(DamagedRecord),
        };
        if reader.0.is_empty() { Ok(record) } else { Err(DamagedRecord) }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn own_part(&mut self) -> Result<CredentialRecord, DamagedRecord> {
        let argon2 = Argon2idHash {
            memory_kib: self.number()?,
            passes: self.number()?,
            salt: self.take()?,
            hash: self.take()?,
            origin: Origin::Password,
        };
        let scram = ScramVerifier {
            iterations: self.number()?,
            salt: self.take()?,
            sha256: self.keys()?,
            sha1: None,
            origin: Origin::Password,
        };
        let cost = Cost::new(argon2.memory_kib, argon2.passes, scram.iterations);
        cost.map(|_| CredentialRecord { argon2, scram, foreign: None }).ok_or(DamagedRecord)
    }

    fn with_sha1(&mut self) -> Result<CredentialRecord, DamagedRecord> {
        let mut record = self.own_part()?;
        record.scram.sha1 = Some(self.keys()?);
        Ok(record)
    }

    fn foreign_part(&mut self) -> Result<CredentialRecord, DamagedRecord> {
        let cost = Cost::new(self.number()?, self.number()?, self.number()?).ok_or(DamagedRecord)?;
        let salt = self.take()?;
        let length = usize::from(u16::from_be_bytes(self.take()?));
        let text = std::str::from_utf8(self.octets(length)?).map_err(|_| DamagedRecord)?;
        let foreign = ForeignHash::new(text).ok_or(DamagedRecord)?;
        Ok(CredentialRecord::foreign(foreign, Salts::for_scram(salt), &cost))
    }

    fn keys<const N: usize>(&mut self) -> Result<Keys<N>, DamagedRecord> {
        Ok(Keys { stored: self.take()?, server: self.take()? })
    }

    fn octets(&mut self, length: usize) -> Result<&'a [u8], DamagedRecord> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DamagedRecord)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], DamagedRecord> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(DamagedRecord)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u32, DamagedRecord> {
        self.take().map(u32::from_be_bytes)
    }
}

/// Bytes that are no record of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DamagedRecord;

impl fmt::Display for DamagedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("A credential record is damaged or of an unknown version")
    }
}

impl std::error::Error for DamagedRecord {}
