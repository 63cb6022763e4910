//! The ordered map: redb over our own [`File`], so that a test's disk stands beneath it too.

use super::kv::{Batch, Kv, KvError, Table, Value, View, Visitor};
use crate::disk::{Disk, File};
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, TableError,
};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
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
}

impl RedbKv {
    /// Opens the file at `path`, or makes it.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Self, KvError> {
        let file = match disk.open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => disk.create(path)?,
            opened => opened?,
        };
        let open = || Ok(Database::builder().set_cache_size(CACHE).create_with_backend(Backend(file))?);
        let database = guarded(open)?;
        let kv = Self { database: Mutex::new(Some(Arc::new(database))) };
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
        guarded(|| Ok(Box::new(RedbView(self.database()?.begin_read()?)) as Box<dyn View>))
    }

    fn write(&self, batch: &Batch<'_>) -> Result<(), KvError> {
        guarded(|| self.write_batch(batch))
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

struct RedbView(ReadTransaction);

impl RedbView {
    /// `None`: nothing was ever written.
    fn table(&self, table: Table) -> Result<Option<Open>, KvError> {
        match self.0.open_table(definition(table)) {
            Ok(open) => Ok(Some(open)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

impl View for RedbView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, KvError> {
        guarded(|| {
            let Some(open) = self.table(table)? else { return Ok(None) };
            let found = ReadableTable::get(&open, key)?;
            Ok(found.map(|value| value.value().to_vec()))
        })
    }

    fn scan(&self, table: Table, (from, to): (&[u8], &[u8]), visit: &mut Visitor<'_>) -> Result<(), KvError> {
        guarded(|| {
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
struct Backend(Arc<dyn File>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(data, offset)
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
