//! One account out of a backup: into a folder of its own, beside the store that it goes to.
//!
//! ```text
//! directory/   the directory of accounts, as a store
//! mail/        the account, as a store
//! ```

use crate::manifest::{Entry, FOLDERS, Manifest, ManifestId};
use crate::shelf::{Shelf, private_folder};
use crate::shelf_disk::ShelfDisk;
use crate::trouble::Trouble;
use mail::{Bygone, World, who_had};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{AccountId, Store};
use store_local::disk::RealDisk;
use store_local::disk::filesystem::Remote;
use store_local::{Archive, LocalStore, OpenError, Options};

const DIRECTORY: &str = "directory";
const MAIL: &str = "mail";
/// Octets of an index that are kept in memory: it is read once.
const INDEX_CACHE: usize = 8 << 20;

/// What was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// Of which backup.
    pub id: ManifestId,
    /// When it was made.
    pub made: jiff::Timestamp,
    /// What of the backup does not read back as it was written; not all of it need be the account's.
    pub damaged: Vec<String>,
}

/// Which account, and when.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The name that it had then.
    pub account: &'a str,
    /// The moment, in Unix milliseconds.
    pub until_ms: i64,
    /// Whether what was extracted may lie on a filesystem over a network.
    pub remote: Remote,
}

/// Takes an account out of a backup into `folder`, which is there and empty. Of the log are read the tables of contents and
/// what is the account's; messages that are files are linked where that can be, else copied.
///
/// # Errors
/// There was no such account, or a file cannot be read or written.
pub async fn extract(
    shelf: &Shelf,
    (id, manifest): (ManifestId, Manifest),
    wanted: Wanted<'_>,
    folder: &Path,
) -> Result<Extracted, Trouble> {
    manifest.check_format()?;
    let archive = Archive::open(Arc::new(ShelfDisk::new(shelf, &manifest))).map_err(unreadable)?;
    let mut damaged = Vec::new();
    let directory = disk(&folder.join(DIRECTORY))?;
    let found = archive.extract(AccountId::DIRECTORY, Arc::clone(&directory) as _)?;
    damaged.extend(found.rot.iter().map(ToString::to_string));
    let store = open(directory, wanted.remote)?;
    let holder = who_had(&store, wanted.account, wanted.until_ms).await?;
    store.close()?;
    let holder = holder.ok_or_else(|| {
        Trouble::Refused(format!("there was no account {} in the backup {id} at that time", wanted.account))
    })?;
    let mail = folder.join(MAIL);
    let found = archive.extract(holder.id, disk(&mail)? as _)?;
    damaged.extend(found.rot.iter().map(ToString::to_string));
    bring_bodies(shelf, &manifest, &found.bodies, &mail, &mut damaged)?;
    damaged.dedup();
    Ok(Extracted { id, made: manifest.made, damaged })
}

/// What [`extract`] has put there.
///
/// # Errors
/// It cannot be read, or it is not all there.
pub async fn open_extracted(
    folder: &Path,
    wanted: Wanted<'_>,
    world: Arc<dyn World>,
) -> Result<Bygone, Trouble> {
    let directory = open(disk(&folder.join(DIRECTORY))?, wanted.remote)?;
    let holder = who_had(&directory, wanted.account, wanted.until_ms).await?;
    directory.close()?;
    let holder = holder.ok_or_else(|| Trouble::Refused("there was no such account".to_owned()))?;
    let store: Arc<dyn Store> = Arc::new(open(disk(&folder.join(MAIL))?, wanted.remote)?);
    Ok(Bygone::open(store, world, holder, wanted.until_ms).await?)
}

fn disk(folder: &Path) -> Result<Arc<RealDisk>, Trouble> {
    Ok(Arc::new(RealDisk::at(folder).map_err(Trouble::at(folder))?))
}

fn open(disk: Arc<RealDisk>, remote: Remote) -> Result<LocalStore, Trouble> {
    let options = Options { index_cache_octets: INDEX_CACHE, remote, ..Options::default() };
    Ok(LocalStore::open_on(disk, &options)?)
}

/// What is damaged or missing is told; the messages that it is of will be told too, by name.
fn bring_bodies(
    shelf: &Shelf,
    manifest: &Manifest,
    bodies: &[PathBuf],
    store: &Path,
    damaged: &mut Vec<String>,
) -> Result<(), Trouble> {
    let [_, folder] = FOLDERS;
    private_folder(&store.join(folder))?;
    let entries: HashMap<&Path, &Entry> =
        manifest.files.iter().map(|entry| (Path::new(&entry.path), entry)).collect();
    for path in bodies {
        let Some(entry) = entries.get(path.as_path()) else { continue };
        let to = store.join(path);
        if fs::hard_link(shelf.path_of(entry), &to).is_ok() {
            continue;
        }
        match shelf.copy(entry, &to) {
            Err(Trouble::Damaged(why)) => {
                damaged.push(why);
                fs::remove_file(&to).or_else(absent).map_err(Trouble::at(&to))?;
            }
            copied => copied?,
        }
    }
    Ok(())
}

/// Without the header of a segment nothing in it can be found, and none of those before it.
fn unreadable(why: OpenError) -> Trouble {
    let why = match why {
        OpenError::Io(why) => why.to_string(),
        other => other.to_string(),
    };
    Trouble::Damaged(format!(
        "the backup cannot be read: {why}. If the server still has what was there, the next backup brings it again; what an \
         older backup holds may be restored with --manifest"
    ))
}

fn absent(why: std::io::Error) -> std::io::Result<()> {
    if why.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(why) }
}
