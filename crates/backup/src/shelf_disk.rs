//! A backup as the directory of a store, to be read.

use crate::manifest::Manifest;
use crate::shelf::Shelf;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store_local::disk::filesystem::Filesystem;
use store_local::disk::{self, Disk, Lock, LockError};

/// The files of a backup where a store would have them, to be read.
#[derive(Debug)]
pub(crate) struct ShelfDisk {
    place: String,
    files: HashMap<PathBuf, PathBuf>,
}

#[derive(Debug)]
struct ShelfFile {
    file: File,
    place: PathBuf,
}

impl ShelfDisk {
    pub(crate) fn new(shelf: &Shelf, manifest: &Manifest) -> Self {
        let files = manifest.files.iter().map(|entry| (entry.path.clone().into(), shelf.path_of(entry)));
        Self { place: shelf.root().display().to_string(), files: files.collect() }
    }
}

fn named(place: &Path, why: &io::Error) -> io::Error {
    io::Error::new(why.kind(), format!("{}: {why}", place.display()))
}

impl Disk for ShelfDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn disk::File>> {
        let place = self.files.get(path).ok_or(ErrorKind::NotFound)?;
        let file = File::open(place).map_err(|why| named(place, &why))?;
        Ok(Arc::new(ShelfFile { file, place: place.clone() }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let inside = self.files.keys().filter(|file| file.parent() == Some(path));
        Ok(inside.filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn filesystem(&self) -> io::Result<Filesystem> {
        Ok(Filesystem(0))
    }

    fn create(&self, _: &Path) -> io::Result<Arc<dyn disk::File>> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn unlink(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn lock(&self, _: &Path) -> Result<Box<dyn Lock>, LockError> {
        Err(io::Error::from(ErrorKind::ReadOnlyFilesystem).into())
    }
}

impl disk::File for ShelfFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(&self.file, into, offset).map_err(|why| named(&self.place, &why))
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata().map_err(|why| named(&self.place, &why))?.len())
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn reserve(&self, _: u64) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_all(&self) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }
}
