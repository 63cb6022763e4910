//! By what a password that was right is known again without its hash.

use super::CredentialRecord;
use super::keys::{keyed, tag};
use crate::secret::Secret;
use hmac::Mac;
use std::fmt;
use zeroize::Zeroizing;

/// The secret from which marks are made. Make it anew with every process and write it nowhere: whoever has it and a
/// mark can guess at the password without the price that its record asks.
pub struct MarkKey(Zeroizing<[u8; 32]>);

/// What is left of a password that was right for one record of one account: an HMAC, and no way back.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark([u8; 32]);

impl MarkKey {
    /// From random octets.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// The mark of a password for a record of an account, told by a mechanism of this name. All of the record goes into it,
    /// salts and hash: where the password has been changed, even into itself, no old mark is met again. So do the account,
    /// though no two records are the same, and the mechanism, so that none lets in whom another has checked (threat T-31). The
    /// account is of a fixed length, record and name say theirs: nothing can be read as a part of anything else.
    #[must_use]
    pub fn mark(&self, account: u64, mechanism: &str, record: &CredentialRecord, password: &Secret) -> Mark {
        self.of((account, mechanism), Of::Record, &record.encode(), password)
    }

    /// The same of a password that is known elsewhere, where `version` says by whom and becomes another with it.
    #[must_use]
    pub fn mark_elsewhere(&self, account: u64, mechanism: &str, version: &[u8], password: &Secret) -> Mark {
        self.of((account, mechanism), Of::Elsewhere, version, password)
    }

    fn of(&self, (account, mechanism): (u64, &str), of: Of, version: &[u8], password: &Secret) -> Mark {
        let mac = keyed(&*self.0).chain_update(account.to_be_bytes()).chain_update([of as u8]);
        let mac = mac.chain_update((version.len() as u64).to_be_bytes()).chain_update(version);
        let mac = mac.chain_update((mechanism.len() as u64).to_be_bytes()).chain_update(mechanism);
        Mark(tag(mac.chain_update(password.expose())))
    }
}

/// Where a password is known: no mark of the one is met by the other.
#[derive(Clone, Copy)]
enum Of {
    Record = 0,
    Elsewhere = 1,
}

impl fmt::Debug for MarkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MarkKey(…)")
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark(…)")
    }
}
