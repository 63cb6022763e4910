//! redb's storage as a file of ours, and what is known of that file.

use super::guarded;
use crate::disk::File;
use crate::index::kv::{Condition, KvError};
use redb::StorageBackend;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Most octets that a file which is only read may seem to have been changed by. Opening one changes its header.
const MAX_OVERLAY: usize = 1 << 20;

/// What has happened to the file. redb itself does nothing more after an error of its storage, reads included.
#[derive(Debug, Default)]
pub(super) struct Health {
    condition: Mutex<Condition>,
    use_of_file: RwLock<UseOfFile>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum UseOfFile {
    #[default]
    Free,
    /// Another handle may have it.
    Over,
}

impl Health {
    /// Asks redb, and takes note of what comes back.
    pub(super) fn watch<T>(&self, ask: impl FnOnce() -> Result<T, KvError>) -> Result<T, KvError> {
        guarded(ask).inspect_err(|why| {
            self.worsen(if matches!(why, KvError::Damaged(_)) {
                Condition::Untrusted
            } else {
                Condition::Spent
            });
        })
    }

    pub(super) fn condition(&self) -> Condition {
        *self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody has found out that the file is not what was written.
    pub(super) fn distrust(&self) {
        self.worsen(Condition::Untrusted);
    }

    /// Returns when nobody uses the file any more.
    pub(super) fn abandon(&self) {
        *self.use_of_file.write().unwrap_or_else(PoisonError::into_inner) = UseOfFile::Over;
    }

    fn worsen(&self, to: Condition) {
        let mut worst = self.condition.lock().unwrap_or_else(PoisonError::into_inner);
        *worst = to.max(*worst);
    }

    /// Does something with the file, unless that is another handle's.
    fn using<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let in_use = self.use_of_file.read().unwrap_or_else(PoisonError::into_inner);
        match *in_use {
            UseOfFile::Free => work(),
            UseOfFile::Over => Err(io::Error::other("another handle has taken its place")),
        }
    }

    /// Does what the file must not fail to do, or nobody knows what it holds.
    fn relying<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.using(|| work().inspect_err(|_| self.worsen(Condition::Untrusted)))
    }
}

/// What may be done to the file.
#[derive(Debug)]
pub(super) enum Access {
    /// Everything.
    Whole,
    /// Reading. What redb writes meanwhile, by offset, is kept in memory.
    Reading(Mutex<BTreeMap<u64, Vec<u8>>>),
}

impl Access {
    pub(super) fn to_read() -> Self {
        Self::Reading(Mutex::default())
    }
}

/// The file as redb sees it.
#[derive(Debug)]
pub(super) struct Backend {
    file: Arc<dyn File>,
    access: Access,
    health: Arc<Health>,
}

impl Backend {
    pub(super) fn new(file: Arc<dyn File>, access: Access) -> Self {
        let health = Arc::<Health>::default();
        if matches!(access, Access::Reading(_)) {
            health.worsen(Condition::ReadOnly);
        }
        Self { file, access, health }
    }

    pub(super) fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.health.relying(|| self.file.read_exact_at(out, offset))?;
        if let Access::Reading(overlay) = &self.access {
            let overlay = overlay.lock().unwrap_or_else(PoisonError::into_inner);
            overlay.iter().for_each(|(at, octets)| lay_over(out, offset, octets, *at));
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        match &self.access {
            Access::Whole => self.health.using(|| self.file.truncate(len)),
            Access::Reading(_) => Err(read_only()),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        match &self.access {
            Access::Whole => self.health.relying(|| self.file.sync_data()),
            Access::Reading(_) => Ok(()),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        match &self.access {
            Access::Whole => self.health.using(|| self.file.write_at(data, offset)),
            Access::Reading(overlay) => keep(overlay, offset, data),
        }
    }
}

/// redb writes whole pages, and the header as a whole: what is written again replaces what was.
fn keep(overlay: &Mutex<BTreeMap<u64, Vec<u8>>>, offset: u64, data: &[u8]) -> io::Result<()> {
    let mut overlay = overlay.lock().unwrap_or_else(PoisonError::into_inner);
    let kept: usize = overlay.values().map(Vec::len).sum();
    if kept + data.len() > MAX_OVERLAY {
        return Err(read_only());
    }
    overlay.insert(offset, data.to_vec());
    Ok(())
}

/// Puts the part of `over` (which lies at `at`) that falls into `out` (which lies at `offset`) there.
fn lay_over(out: &mut [u8], offset: u64, over: &[u8], at: u64) {
    let skip = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
    let from = usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
    let over = over.get(skip..).unwrap_or_default();
    let out = out.get_mut(from..).unwrap_or_default();
    out.iter_mut().zip(over).for_each(|(to, octet)| *to = *octet);
}

fn read_only() -> io::Error {
    io::Error::from(io::ErrorKind::ReadOnlyFilesystem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(over: &str, at: u64) -> String {
        let mut out = b"....".to_vec();
        lay_over(&mut out, 10, over.as_bytes(), at);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_was_written_shows_where_it_falls_into_what_is_read() {
        assert_eq!(laid("abcdef", 9), "bcde");
        assert_eq!(laid("ab", 11), ".ab.");
        assert_eq!(laid("abc", 12), "..ab");
        assert_eq!(laid("abc", 8), "c...");
        assert_eq!(laid("abc", 14), "....");
        assert_eq!(laid("abc", 7), "....");
    }
}
