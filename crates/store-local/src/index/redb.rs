//! The ordered map: redb over our own [`File`], so that a test's disk stands beneath it too.

use super::kv::{Batch, Condition, Kv, KvError, Table, Value, View, Visitor};
use crate::disk::{Disk, File};
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, TableError,
};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

type Open = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;
type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// Octets of the map's file that it may keep in memory.
const CACHE: usize = 64 << 20;

/// The index's file.
#[derive(Debug)]
pub(crate) struct RedbKv {
    /// `None` once closed.
    database: Mutex<Option<Arc<Database>>>,
    health: Arc<Health>,
}

/// What has happened to the file. redb itself does nothing more after an error of its storage, reads included.
#[derive(Debug, Default)]
struct Health {
    condition: Mutex<Condition>,
    /// A sync or a read has failed.
    betrayed: AtomicBool,
    abandoned: AtomicBool,
}

impl Health {
    fn betray<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.inspect_err(|_| self.betrayed.store(true, Ordering::Release))
    }

    fn check_abandoned(&self) -> io::Result<()> {
        if self.abandoned.load(Ordering::Acquire) {
            return Err(io::Error::other("another handle has taken its place"));
        }
        Ok(())
    }

    /// Asks redb, and takes note of what comes back.
    fn watch<T>(&self, ask: impl FnOnce() -> Result<T, KvError>) -> Result<T, KvError> {
        guarded(ask).inspect_err(|why| self.note(why))
    }

    fn note(&self, why: &KvError) {
        let betrayed = self.betrayed.load(Ordering::Acquire) || matches!(why, KvError::Damaged(_));
        let condition = if betrayed { Condition::Untrusted } else { Condition::Spent };
        let mut worst = self.condition.lock().unwrap_or_else(PoisonError::into_inner);
        *worst = condition.max(*worst);
    }
}

impl RedbKv {
    /// Opens the file at `path`, or makes it.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Self, KvError> {
        let file = match disk.open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => disk.create(path)?,
            opened => opened?,
        };
        let health = Arc::<Health>::default();
        let backend = Backend { file, health: Arc::clone(&health) };
        let open = || Ok(Database::builder().set_cache_size(CACHE).create_with_backend(backend)?);
        let database = guarded(open)?;
        let kv = Self { database: Mutex::new(Some(Arc::new(database))), health };
        disk.sync_dir(path.parent().unwrap_or(Path::new("")))?;
        Ok(kv)
    }

    fn database(&self) -> Result<Arc<Database>, KvError> {
        let database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        database.clone().ok_or_else(|| KvError::Unavailable("it is closed".to_owned()))
    }
}

/// redb has been seen to panic over a file that a disk without honest syncs left behind. The index can be made again,
/// so that is no reason to end a session, or not to start.
fn guarded<T>(ask: impl FnOnce() -> Result<T, KvError>) -> Result<T, KvError> {
    let gave_up = |_| Err(KvError::Damaged("redb gave up on its file".to_owned()));
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(gave_up)
}

impl Kv for RedbKv {
    fn view(&self) -> Result<Box<dyn View>, KvError> {
        let begin = || Ok(self.database()?.begin_read()?);
        let transaction = self.health.watch(begin)?;
        Ok(Box::new(RedbView { transaction, health: Arc::clone(&self.health) }))
    }

    fn write(&self, batch: &Batch<'_>) -> Result<(), KvError> {
        self.health.watch(|| self.write_batch(batch))
    }

    fn condition(&self) -> Condition {
        *self.health.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn abandon(&self) {
        self.health.abandoned.store(true, Ordering::Release);
    }

    fn close(&self) -> Result<(), KvError> {
        let database = self.database.lock().unwrap_or_else(PoisonError::into_inner).take();
        match database.map(Arc::try_unwrap) {
            // A reader still has it: it closes when that one is done.
            None | Some(Err(_)) => Ok(()),
            Some(Ok(database)) => guarded(|| Ok(database.close()?)),
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
    health: Arc<Health>,
}

impl RedbView {
    /// `None`: nothing was ever written.
    fn table(&self, table: Table) -> Result<Option<Open>, KvError> {
        match self.transaction.open_table(definition(table)) {
            Ok(open) => Ok(Some(open)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

impl View for RedbView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, KvError> {
        self.health.watch(|| {
            let Some(open) = self.table(table)? else { return Ok(None) };
            let found = ReadableTable::get(&open, key)?;
            Ok(found.map(|value| value.value().to_vec()))
        })
    }

    fn scan(&self, table: Table, (from, to): (&[u8], &[u8]), visit: &mut Visitor<'_>) -> Result<(), KvError> {
        self.health.watch(|| {
            let Some(open) = self.table(table)? else { return Ok(()) };
            // redb refuses a range that ends before it starts; here it is merely empty.
            let range = if from < to { from..to } else { from..from };
            for entry in ReadableTable::range(&open, range)? {
                let (key, value) = entry?;
                if visit(key.value(), value.value()).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }
}

const fn definition(table: Table) -> Definition {
    TableDefinition::new(match table {
        Table::Index => "index",
        Table::Soft => "soft",
        Table::Meta => "meta",
    })
}

/// redb's storage as a file of ours.
#[derive(Debug)]
struct Backend {
    file: Arc<dyn File>,
    health: Arc<Health>,
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.health.betray(self.file.read_exact_at(out, offset))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.health.check_abandoned()?;
        self.file.truncate(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.health.check_abandoned()?;
        self.health.betray(self.file.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.health.check_abandoned()?;
        self.file.write_at(data, offset)
    }
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
