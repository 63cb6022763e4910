//! A soft value: while a store runs the last one that was put shows; after a crash one that was put since the one that was
//! last seen to outlive a crash, whole, or that one; and none where the index had to be made again.

use crate::model::plan::tagged;
use crate::model::state::ACCOUNTS;
use bytes::Bytes;
use store::Store;
use store::conformance::block_on;
use store_local::LocalStore;

const KEY: &[u8] = b"recent";
const LENGTH: usize = 100;

/// What may be there.
#[derive(Debug)]
pub(crate) struct Soft(Vec<Option<u64>>);

impl Default for Soft {
    fn default() -> Self {
        Self(vec![None])
    }
}

impl Soft {
    pub(crate) fn put(&mut self, store: &LocalStore, tag: u64) {
        // A store that cannot write takes none.
        if block_on(store.put_soft(ACCOUNTS[0], KEY, Some(tagged(tag, LENGTH)))).is_ok() {
            self.0.push(Some(tag));
        }
    }

    /// What has outlived a crash outlives the next one.
    pub(crate) fn after_opening(&mut self, store: &LocalStore) -> Result<(), String> {
        let seen = read(store)?;
        let at = self.0.iter().position(|put| *put == seen);
        if at.is_none() && seen.is_some() {
            return Err(format!("the soft value is {seen:?}, and of {:?} one should be there", self.0));
        }
        self.0 = vec![seen];
        Ok(())
    }

    /// The log does not know it: what had been moved into the index is gone with that.
    pub(crate) fn after_losing_the_index(&mut self, store: &LocalStore) -> Result<(), String> {
        match read(store)? {
            None => self.0.push(None),
            Some(_) => self.check(store)?,
        }
        Ok(())
    }

    pub(crate) fn check(&self, store: &LocalStore) -> Result<(), String> {
        let seen = read(store)?;
        if Some(&seen) == self.0.last() {
            Ok(())
        } else {
            Err(format!("the soft value is {seen:?}: {:?}", self.0))
        }
    }
}

/// Which one was put; an error if it is not whole.
fn read(store: &LocalStore) -> Result<Option<u64>, String> {
    let value: Option<Bytes> = block_on(store.soft(ACCOUNTS[0], KEY)).map_err(|e| e.to_string())?;
    value
        .map(|value| {
            let tag = value.first_chunk().map_or(0, |tag| u64::from_le_bytes(*tag));
            if value == tagged(tag, LENGTH) {
                Ok(tag)
            } else {
                Err(format!("the soft value is torn: {value:?}"))
            }
        })
        .transpose()
}
