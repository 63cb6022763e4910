//! Records as bytes.
//!
//! ```text
//! version (1) · Argon2id: memory in KiB (4) · passes (4) · salt (16) · hash (32)
//!             · SCRAM-SHA-256: iterations (4) · salt (16) · StoredKey (32) · ServerKey (32)
//! ```
//! 141 octets, numbers big-endian. What is out of [`Cost`]'s bounds is not decoded.

use super::argon::{Argon2idHash, Origin};
use super::{Cost, CredentialRecord, ScramVerifier};
use std::fmt;

const VERSION: u8 = 1;

impl CredentialRecord {
    /// For the directory.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { argon2, scram } = self;
        let parts: [&[u8]; 9] = [
            &[VERSION],
            &argon2.memory_kib.to_be_bytes(),
            &argon2.passes.to_be_bytes(),
            &argon2.salt,
            &argon2.hash,
            &scram.iterations.to_be_bytes(),
            &scram.salt,
            &scram.stored_key,
            &scram.server_key,
        ];
        parts.concat()
    }

    /// From the directory.
    ///
    /// # Errors
    /// Anything that [`Self::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, DamagedRecord> {
        let mut reader = Reader(bytes);
        if reader.take()? != [VERSION] {
            return Err(DamagedRecord);
        }
        let argon2 = Argon2idHash {
            memory_kib: reader.number()?,
            passes: reader.number()?,
            salt: reader.take()?,
            hash: reader.take()?,
            origin: Origin::Password,
        };
        let scram = ScramVerifier {
            iterations: reader.number()?,
            salt: reader.take()?,
            stored_key: reader.take()?,
            server_key: reader.take()?,
            origin: Origin::Password,
        };
        let cost = Cost::new(argon2.memory_kib, argon2.passes, scram.iterations);
        match (cost, reader.0) {
            (Some(_), []) => Ok(Self { argon2, scram }),
            _ => Err(DamagedRecord),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
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
