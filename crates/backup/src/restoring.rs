//! From a backup to a data directory.
//!
//! It is built beside the place where it will be, and gets its name when it is whole, synced and was opened: whoever finds
//! a data directory finds all of it.

use crate::manifest::{FOLDERS, Manifest, ManifestId};
use crate::shelf::{Choice, Shelf, private_folder, sync_folder};
use crate::trouble::Trouble;
use mail::{SkippedNumbers, World};
use std::fs;
use std::path::{Path, PathBuf};
use store_local::LocalStore;

/// Where a data directory has its store.
pub(crate) const STORE: &str = "mail";
/// A directory in the making has this file, so that nobody else's is taken for one.
const MARK: &str = "restore-under-way";

/// Which numbers come next in what was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Such as nothing can have been given since the backup. Clients that saw what is lost are never wrong.
    Skip,
    /// Those that came next at the moment of the backup: for a copy that nobody will sign in to.
    Exact,
}

/// What was brought back.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Which backup.
    pub id: ManifestId,
    /// When it was made.
    pub made: jiff::Timestamp,
    /// How many files it has.
    pub files: u64,
    /// How many octets are in them.
    pub octets: u64,
    /// What was passed over; `None` where nothing was to be.
    pub skipped: Option<SkippedNumbers>,
    /// What of the log does not read back as the server had written it: it was so when the backup was made.
    pub rot: Vec<String>,
}

/// Makes the data directory `new` of a backup: of the one that is chosen.
///
/// # Errors
/// `new` is there already, a file of the backup is damaged, or what was brought back cannot be opened. Nothing is left
/// under the name `new` then.
pub async fn restore(
    shelf: &Shelf,
    choice: Choice<'_>,
    new: &Path,
    numbers: Numbers,
    world: &dyn World,
) -> Result<Restored, Trouble> {
    let (id, manifest) = shelf.choose(choice)?;
    if new.symlink_metadata().is_ok() {
        return Err(Trouble::Refused(format!(
            "{} is there already; a restore makes a directory of its own, and replaces none",
            new.display()
        )));
    }
    let building = beside(new)?;
    clear(&building)?;
    private_folder(&building)?;
    fs::write(building.join(MARK), "").map_err(Trouble::at(&building))?;
    let restored = build(shelf, id, &manifest, &building, numbers, world).await?;
    sync_folder(&building)?;
    fs::rename(&building, new).map_err(Trouble::at(new))?;
    sync_folder(parent(new))?;
    fs::remove_file(new.join(MARK)).map_err(Trouble::at(new))?;
    Ok(restored)
}

async fn build(
    shelf: &Shelf,
    id: ManifestId,
    manifest: &Manifest,
    building: &Path,
    numbers: Numbers,
    world: &dyn World,
) -> Result<Restored, Trouble> {
    let store = building.join(STORE);
    copy(shelf, manifest, &store)?;
    let store = open(&store, manifest)?;
    let rot = store.rot().iter().map(ToString::to_string).collect();
    let skipped = match numbers {
        Numbers::Exact => None,
        Numbers::Skip => Some(mail::skip_numbers(&store, world).await?),
    };
    store.close()?;
    let (files, octets) = (manifest.files.len() as u64, manifest.octets());
    Ok(Restored { id, made: manifest.made, files, octets, skipped, rot })
}

/// Opens what was copied, and says of which format it is.
pub(crate) fn open(store: &Path, manifest: &Manifest) -> Result<LocalStore, Trouble> {
    let opened = LocalStore::open(store)?;
    opened.raise_format(manifest.store_format)?;
    Ok(opened)
}

/// Brings all files of a backup to where a store has them, each compared with its hash, and synced.
pub(crate) fn copy(shelf: &Shelf, manifest: &Manifest, store: &Path) -> Result<(), Trouble> {
    manifest.check_format()?;
    private_folder(store)?;
    for folder in FOLDERS {
        private_folder(&store.join(folder))?;
    }
    for entry in &manifest.files {
        shelf.copy(entry, &store.join(&entry.path))?;
    }
    for folder in FOLDERS {
        sync_folder(&store.join(folder))?;
    }
    sync_folder(store)
}

/// The name of a directory in the making.
fn beside(new: &Path) -> Result<PathBuf, Trouble> {
    let name = new.file_name().ok_or_else(|| {
        Trouble::Refused(format!("{} cannot be the name of a new directory", new.display()))
    })?;
    let mut name = name.to_owned();
    name.push(".restoring");
    Ok(new.with_file_name(name))
}

/// Takes away what a restore left that did not end.
fn clear(building: &Path) -> Result<(), Trouble> {
    if building.symlink_metadata().is_err() {
        return Ok(());
    }
    if !building.join(MARK).is_file() {
        return Err(Trouble::Refused(format!(
            "{} is in the way, and is not what a restore leaves; move it away first",
            building.display()
        )));
    }
    fs::remove_dir_all(building).map_err(Trouble::at(building))
}

/// A path of one part lies in the working directory.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
