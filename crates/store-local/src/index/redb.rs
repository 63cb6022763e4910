//! The ordered map: redb over our own [`File`](crate::disk::File), so that a test's disk stands beneath it too.

mod backend;

use super::kv::{Batch, Closed, Condition, Kv, KvError, Table, Value, View, Visitor};
use super::value;
use crate::disk::Disk;
use backend::{Access, Backend, Health};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use std::fmt::{self, Debug, Formatter};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

type Open = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;
type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// Lies in each table, behind all other keys: so a table that has lost its end, or everything, is found out.
const END: &[u8] = &[0xff; 16];

/// The index's file.
#[derive(Debug)]
pub(crate) struct RedbKv {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Whether the file of that name is this handle's to take away.
    claim: Mutex<Claim>,
    /// `None` once closed.
    database: Mutex<Option<Arc<Database>>>,
    health: Arc<Health>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Held,
    /// The file is gone, or another handle's.
    Given,
}

impl RedbKv {
    /// Opens the file at `path`, or makes it. Up to `cache` octets of it are kept in memory.
    pub(crate) fn open(disk: &Arc<dyn Disk>, path: &Path, cache: usize) -> Result<Self, KvError> {
        let file = match disk.open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => disk.create(path)?,
            opened => opened?,
        };
        let kv = Self::over(disk, path, Backend::new(file, Access::Whole), cache, Claim::Held)?;
        disk.sync_dir(directory_of(path))?;
        Ok(kv)
    }

    /// Opens the file at `path`, which another handle has written.
    pub(crate) fn reopen(disk: &Arc<dyn Disk>, path: &Path, cache: usize) -> Result<Self, KvError> {
        let file = disk.open(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => KvError::Damaged("its file is gone".to_owned()),
            _ => e.into(),
        });
        Self::over(disk, path, Backend::new(file?, Access::Whole), cache, Claim::Held)
    }

    /// Opens the file at `path` where it cannot be written, so that it can at least be read.
    pub(crate) fn open_to_read(disk: &Arc<dyn Disk>, path: &Path, cache: usize) -> Result<Self, KvError> {
        Self::over(disk, path, Backend::new(disk.open(path)?, Access::to_read()), cache, Claim::Held)
    }

    /// Opens the file at `path` to look into it. It stays as it is, whatever it is found to be.
    pub(crate) fn look_into(disk: &Arc<dyn Disk>, path: &Path) -> Result<Self, KvError> {
        Self::over(disk, path, Backend::new(disk.open(path)?, Access::to_read()), 0, Claim::Given)
    }

    fn over(
        disk: &Arc<dyn Disk>,
        path: &Path,
        backend: Backend,
        cache: usize,
        claim: Claim,
    ) -> Result<Self, KvError> {
        let kv = Self {
            disk: Arc::clone(disk),
            path: path.to_owned(),
            claim: Mutex::new(claim),
            database: Mutex::default(),
            health: backend.health(),
        };
        match guarded(|| Ok(Database::builder().set_cache_size(cache).create_with_backend(backend)?)) {
            Ok(database) => {
                *locked(&kv.database) = Some(Arc::new(database));
                Ok(kv)
            }
            // What cannot be read, or did not take a sync, is as good as damaged: it can be made again.
            Err(e) if kv.condition() == Condition::Untrusted => {
                kv.discard()?;
                Err(KvError::Damaged(e.to_string()))
            }
            Err(e) => Err(e),
        }
    }

    fn database(&self) -> Result<Arc<Database>, KvError> {
        locked(&self.database).clone().ok_or_else(Closed::error)
    }

    /// Closes the database, if it is open.
    fn close_database(&self) -> Result<(), KvError> {
        let database = locked(&self.database).take();
        let closed = match database.map(Arc::try_unwrap) {
            Some(Ok(database)) => self.health.watch(|| Ok(database.close()?)),
            // A reader still has it, and drops it when that one is done.
            Some(Err(_)) | None => Ok(()),
        };
        self.health.abandon();
        closed
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// redb has been seen to panic over a file that a disk without honest syncs left behind. The index can be made again,
/// so that is no reason to end a session, or not to start.
fn guarded<T>(ask: impl FnOnce() -> Result<T, KvError>) -> Result<T, KvError> {
    let gave_up = |_| Err(KvError::Damaged("redb gave up on its file".to_owned()));
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(gave_up)
}

impl Kv for RedbKv {
    fn view(&self) -> Result<Arc<dyn View>, KvError> {
        let begin = || Ok(self.database()?.begin_read()?);
        let transaction = self.health.watch(begin)?;
        Ok(Arc::new(RedbView { transaction, opened: Default::default(), health: Arc::clone(&self.health) }))
    }

    fn write(&self, batch: &Batch<'_>) -> Result<(), KvError> {
        if self.condition() == Condition::ReadOnly {
            return Err(KvError::Unavailable("it can only be read".to_owned()));
        }
        let written = self.health.watch(|| self.write_batch(batch));
        if self.condition() == Condition::Untrusted {
            // At once: should the process be killed now, the next one is not to trust the file. A failure is tried
            // again by recovery.
            let _ = self.discard();
        }
        written
    }

    fn condition(&self) -> Condition {
        self.health.condition()
    }

    fn distrust(&self) {
        self.health.distrust();
    }

    fn abandon(&self) {
        *locked(&self.claim) = Claim::Given;
        self.health.abandon();
    }

    fn discard(&self) -> Result<(), KvError> {
        self.health.abandon();
        let mut claim = locked(&self.claim);
        if *claim == Claim::Held {
            match self.disk.unlink(&self.path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
                _ => self.disk.sync_dir(directory_of(&self.path))?,
            }
            *claim = Claim::Given;
        }
        Ok(())
    }

    fn close(&self) -> Result<(), KvError> {
        let closed = self.close_database();
        match self.condition() {
            Condition::Untrusted => self.discard(),
            _ => closed,
        }
        .inspect(|()| *locked(&self.claim) = Claim::Given)
    }
}

impl Drop for RedbKv {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`. Where that has failed to take the file away, the data directory may be
        // another process's by now.
        if locked(&self.database).is_some() {
            let _ = self.close();
        }
    }
}

impl RedbKv {
    fn write_batch(&self, batch: &Batch<'_>) -> Result<(), KvError> {
        let mut transaction = self.database()?.begin_write()?;
        // Without this, opening after a crash would walk the whole file.
        transaction.set_quick_repair(true);
        for &(from, to) in &batch.cleared {
            transaction.open_table(definition(Table::Index))?.retain_in(from..to, |_, _| false)?;
        }
        for table in [Table::Index, Table::Soft, Table::Meta] {
            let mut open = transaction.open_table(definition(table))?;
            open.insert(END, value::of_blob(END, &[]).as_slice())?;
            for &(_, key, value) in batch.entries.iter().filter(|entry| entry.0 == table) {
                match value {
                    Some(value) => open.insert(key, value)?,
                    None => open.remove(key)?,
                };
            }
        }
        Ok(transaction.commit()?)
    }
}

struct RedbView {
    transaction: ReadTransaction,
    /// Each table once somebody has asked for it: to look for one by its name takes as long as to look for a key.
    opened: [OnceLock<Open>; 3],
    health: Arc<Health>,
}

impl Debug for RedbView {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("RedbView")
    }
}

impl RedbView {
    /// `None`: nothing was ever written.
    fn table(&self, table: Table) -> Result<Option<&Open>, KvError> {
        let [index, soft, meta] = &self.opened;
        let opened = match table {
            Table::Index => index,
            Table::Soft => soft,
            Table::Meta => meta,
        };
        if let Some(open) = opened.get() {
            return Ok(Some(open));
        }
        Ok(self.open(table)?.map(|open| opened.get_or_init(|| open)))
    }

    fn open(&self, table: Table) -> Result<Option<Open>, KvError> {
        match self.transaction.open_table(definition(table)) {
            Ok(open) => Ok(Some(open)),
            // Whoever writes one table makes all of them.
            Err(TableError::TableDoesNotExist(_)) if self.transaction.list_tables()?.next().is_none() => {
                Ok(None)
            }
            Err(TableError::TableDoesNotExist(table)) => {
                Err(KvError::Damaged(format!("its table {table} is not there")))
            }
            Err(e) => Err(e.into()),
        }
    }

    /// A key that has rotted, in a leaf or in a branch, leads a search astray, and the search ends beside it. So what is not
    /// found is believed only where the entries before and behind it are sound, and really lie before and behind it.
    fn check_around(open: &Open, before: &[u8], behind: &[u8]) -> Result<(), KvError> {
        Self::check_before(open, before)?;
        Self::check_next(open, behind, |next| next >= behind)
    }

    /// The same for a key that is not there.
    fn check_gap(open: &Open, absent: &[u8]) -> Result<(), KvError> {
        Self::check_before(open, absent)?;
        Self::check_next(open, absent, |next| next > absent)
    }

    fn check_before(open: &Open, before: &[u8]) -> Result<(), KvError> {
        let entry = ReadableTable::range::<&[u8]>(open, ..before)?.next_back();
        let Some((key, value)) = entry.transpose()? else { return Ok(()) };
        sound(key.value(), value.value())?;
        in_order(key.value() < before)
    }

    fn check_next(open: &Open, from: &[u8], fits: impl Fn(&[u8]) -> bool) -> Result<(), KvError> {
        let entry = ReadableTable::range::<&[u8]>(open, from..)?.next();
        let (key, value) = entry.ok_or_else(|| KvError::Damaged("a table has lost its end".to_owned()))??;
        sound(key.value(), value.value())?;
        in_order(fits(key.value()))
    }
}

impl View for RedbView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, KvError> {
        self.health.watch(|| {
            let Some(open) = self.table(table)? else { return Ok(None) };
            let found = ReadableTable::get(open, key)?;
            let Some(value) = found else { return Self::check_gap(open, key).map(|()| None) };
            sound(key, value.value()).map(|value| Some(value.to_vec()))
        })
    }

    fn scan(&self, table: Table, (from, to): (&[u8], &[u8]), visit: &mut Visitor<'_>) -> Result<(), KvError> {
        self.health.watch(|| {
            let Some(open) = self.table(table)? else { return Ok(()) };
            // redb refuses a range that ends before it starts; here it is merely empty.
            let range = if from < to { from..to } else { from..from };
            let mut last = Vec::new();
            for entry in ReadableTable::range(open, range.clone())? {
                let (key, value) = entry?;
                let here = key.value();
                in_order(range.contains(&here) && last.as_slice() < here)?;
                here.clone_into(&mut last);
                if visit(key.value(), sound(key.value(), value.value())?).is_break() {
                    break;
                }
            }
            Self::check_around(open, range.start, range.end)
        })
    }
}

/// The value, if it is what was put under the key. Else the file is not to be trusted in anything: whoever asked through
/// [`Health::watch`] has that noted.
fn sound<'a>(key: &[u8], value: &'a [u8]) -> Result<&'a [u8], KvError> {
    let damaged = || {
        let name = key.iter().fold(String::new(), |name, octet| name + &format!("{octet:02x}"));
        KvError::Damaged(format!("the entry {name} does not fit its checksum"))
    };
    value::fits(key, value).then_some(value).ok_or_else(damaged)
}

/// Where a search has led astray, something is not where the order of keys has it.
fn in_order(is: bool) -> Result<(), KvError> {
    if is { Ok(()) } else { Err(KvError::Damaged("its entries are not in order".to_owned())) }
}

const fn definition(table: Table) -> Definition {
    TableDefinition::new(match table {
        Table::Index => "index",
        Table::Soft => "soft",
        Table::Meta => "meta",
    })
}

impl From<io::Error> for KvError {
    fn from(e: io::Error) -> Self {
        Self::Unavailable(e.to_string())
    }
}

impl From<redb::Error> for KvError {
    fn from(e: redb::Error) -> Self {
        match e {
            // What redb says of a file that is not one of its own, or is too short to be.
            redb::Error::Io(e)
                if [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof].contains(&e.kind()) =>
            {
                Self::Damaged(e.to_string())
            }
            redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                Self::Unavailable(e.to_string())
            }
            _ => Self::Damaged(e.to_string()),
        }
    }
}

/// redb has an error type for each of its verbs, and one that all of them turn into.
macro_rules! through_redb_error {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for KvError {
            fn from(e: redb::$error) -> Self {
                redb::Error::from(e).into()
            }
        }
    )*};
}

through_redb_error!(DatabaseError, TransactionError, TableError, StorageError, CommitError);
