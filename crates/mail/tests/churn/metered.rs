//! A disk that counts what is written to it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store_local::disk::filesystem::Filesystem;
use store_local::disk::{Disk, File, Lock, LockError, RealDisk};

/// Octets written, by where.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) log: AtomicU64,
    pub(crate) bodies: AtomicU64,
    pub(crate) index: AtomicU64,
}

impl Meter {
    fn of(&self, path: &Path) -> &AtomicU64 {
        match path.components().next().map(|first| first.as_os_str()) {
            Some(first) if first == "log" => &self.log,
            Some(first) if first == "bodies" => &self.bodies,
            _ => &self.index,
        }
    }
}

#[derive(Debug)]
pub(crate) struct MeteredDisk {
    inner: RealDisk,
    meter: Arc<Meter>,
}

#[derive(Debug)]
struct MeteredFile {
    inner: Arc<dyn File>,
    meter: Arc<Meter>,
    at: Box<Path>,
}

impl MeteredDisk {
    pub(crate) fn at(folder: &Path, meter: Arc<Meter>) -> Self {
        Self { inner: RealDisk::at(folder).unwrap(), meter }
    }

    fn metered(&self, path: &Path, inner: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(MeteredFile { inner, meter: Arc::clone(&self.meter), at: path.into() })
    }
}

impl Disk for MeteredDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(self.metered(path, self.inner.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(self.metered(path, self.inner.open(path)?))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.inner.unlink(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.inner.list(path)
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn Lock>, LockError> {
        self.inner.lock(path)
    }

    fn filesystem(&self) -> io::Result<Filesystem> {
        self.inner.filesystem()
    }

    fn place(&self) -> String {
        self.inner.place()
    }
}

impl File for MeteredFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.meter.of(&self.at).fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.inner.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.inner.sync_all()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.inner.truncate(length)
    }

    fn reserve(&self, end: u64) -> io::Result<()> {
        self.inner.reserve(end)
    }

    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }
}
