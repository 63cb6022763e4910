//! What the index asks of the ordered map beneath it: little enough that SQLite could take redb's place.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::ptr::addr_eq;
use std::sync::Arc;

/// A key of the index: the account first, all numbers big-endian, so that what belongs together lies together.
pub(crate) type Key = Vec<u8>;
/// What the index keeps under a key.
pub(crate) type Value = Vec<u8>;

/// The maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// What the log says: it can be made again from there.
    Index,
    /// Soft values, which are nowhere else.
    Soft,
    /// How far the log has been taken in.
    Meta,
}

/// An entry to put or, without a value, to remove.
pub(crate) type Entry<'a> = (Table, &'a [u8], Option<&'a [u8]>);

/// Everything that one transaction changes: first whole ranges go, then entries are put or removed.
#[derive(Debug, Default)]
pub(crate) struct Batch<'a> {
    /// Half-open ranges of [`Table::Index`] to empty.
    pub(crate) cleared: Vec<(&'a [u8], &'a [u8])>,
    /// Entries to put or, with `None`, to remove.
    pub(crate) entries: Vec<Entry<'a>>,
}

/// A durable ordered map.
pub(crate) trait Kv: Debug + Send + Sync {
    /// The map as it is now. Whoever keeps a view takes a new one after each write: an old one keeps old pages from
    /// being reused.
    fn view(&self) -> Result<Arc<dyn View>, KvError>;
    /// Makes all of a batch durable, or none of it.
    fn write(&self, batch: &Batch<'_>) -> Result<(), KvError>;
    /// What is known of its file.
    fn condition(&self) -> Condition;
    /// What the map answers does not fit together: from now on it is [`Condition::Untrusted`].
    fn distrust(&self);
    /// From now on nothing is written to the file or read from it through this handle, whoever holds it still and
    /// whatever it does when it is dropped: the file is another handle's.
    fn abandon(&self);
    /// Takes the file away, durably, so that nobody trusts it any more; may be asked again should that fail.
    fn discard(&self) -> Result<(), KvError>;
    /// Leaves the file in good order; one that is [`Condition::Untrusted`] is discarded. Dropping the map does the same,
    /// so that there is no way out on which such a file stays. Nothing else may be asked afterwards.
    fn close(&self) -> Result<(), KvError>;
}

/// Whether two handles are of one map.
pub(crate) fn is_same(one: &Arc<dyn Kv>, other: &Arc<dyn Kv>) -> bool {
    addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}

/// How far a map's file can be relied upon; the worst that has happened counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// Nothing has failed.
    #[default]
    Sound,
    /// It was opened only to be read, for its file could not be written.
    ReadOnly,
    /// A write was refused (no space, say): the handle is spent, the file is good.
    Spent,
    /// A sync or a read failed, or the file is not what was written: what it shows may not be what is on the disk.
    Untrusted,
}

/// Takes entries in order until it breaks off.
pub(crate) type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// One moment of a [`Kv`].
pub(crate) trait View: Debug + Send + Sync {
    /// What is under a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, KvError>;
    /// Shows the entries of the half-open range to `visit`, ascending.
    fn scan(&self, table: Table, range: (&[u8], &[u8]), visit: &mut Visitor<'_>) -> Result<(), KvError>;
}

/// What is left to see of a map that was closed.
#[derive(Debug)]
pub(crate) struct Closed;

impl Closed {
    pub(crate) fn error() -> KvError {
        KvError::Unavailable("it is closed".to_owned())
    }
}

impl View for Closed {
    fn get(&self, _: Table, _: &[u8]) -> Result<Option<Value>, KvError> {
        Err(Self::error())
    }

    fn scan(&self, _: Table, _: (&[u8], &[u8]), _: &mut Visitor<'_>) -> Result<(), KvError> {
        Err(Self::error())
    }
}

/// Why the map beneath could not do as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KvError {
    /// Its file is not what it wrote: it can be made again from the log.
    #[error("the index is damaged: {0}")]
    Damaged(String),
    /// Its file could not be read or written.
    #[error("the index is unavailable: {0}")]
    Unavailable(String),
}
