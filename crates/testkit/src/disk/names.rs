//! The directory entries: those that show, those that last, and what lies between.

use crate::dice::Dice;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A file, by the number of its inode.
    File(usize),
    /// A directory.
    Directory,
}

/// All names of a disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    shown: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
struct Change {
    /// The directory whose sync makes it last.
    directory: PathBuf,
    gone: Option<PathBuf>,
    come: Option<(PathBuf, Node)>,
}

impl Change {
    fn make(&self, names: &mut BTreeMap<PathBuf, Node>) {
        if let Some(gone) = &self.gone {
            names.remove(gone);
        }
        if let Some((come, node)) = &self.come {
            names.insert(come.clone(), *node);
        }
    }
}

impl Names {
    pub(super) fn get(&self, path: &Path) -> Option<Node> {
        if path.as_os_str().is_empty() { Some(Node::Directory) } else { self.shown.get(path).copied() }
    }

    pub(super) fn list(&self, directory: &Path) -> Vec<String> {
        let inside = self.shown.keys().filter(|path| path.parent() == Some(directory));
        inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
    }

    pub(super) fn link(&mut self, path: &Path, node: Node) -> io::Result<()> {
        if self.get(path).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if self.get(parent(path)) != Some(Node::Directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change(path, None, Some(node));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let node = self.get(from).ok_or(io::ErrorKind::NotFound)?;
        self.change(to, Some(from), Some(node));
        Ok(())
    }

    pub(super) fn unlink(&mut self, path: &Path) -> io::Result<()> {
        self.get(path).ok_or(io::ErrorKind::NotFound)?;
        self.change(path, Some(path), None);
        Ok(())
    }

    pub(super) fn sync(&mut self, directory: &Path) {
        let (lasting, pending) =
            std::mem::take(&mut self.pending).into_iter().partition(|c| c.directory == directory);
        let lasting: Vec<Change> = lasting;
        lasting.iter().for_each(|change| change.make(&mut self.durable));
        self.pending = pending;
    }

    /// Some of what was done to a directory lasts. The rest still shows, and no later sync makes it last.
    pub(super) fn fail_sync(&mut self, directory: &Path, dice: &mut Dice) {
        let of_it = |change: &Change| change.directory == directory;
        let (tried, pending) = std::mem::take(&mut self.pending).into_iter().partition(of_it);
        let tried: Vec<Change> = tried;
        tried.iter().filter(|_| dice.chance(50)).for_each(|change| change.make(&mut self.durable));
        self.pending = pending;
    }

    /// The names when the power comes back: of what was not synced the first few, or any.
    pub(super) fn after_cut(&self, dice: &mut Dice) -> Self {
        let mut left = self.durable.clone();
        let first_few = dice.below(self.pending.len() as u64 + 1) as usize;
        let in_order = dice.chance(50);
        for (n, change) in self.pending.iter().enumerate() {
            if if in_order { n < first_few } else { dice.chance(50) } {
                change.make(&mut left);
            }
        }
        let lost = |path: &Path| !parent(path).as_os_str().is_empty() && !left.contains_key(parent(path));
        let left: BTreeMap<_, _> =
            left.iter().filter(|(path, _)| !lost(path)).map(|(path, node)| (path.clone(), *node)).collect();
        Self { shown: left.clone(), durable: left, pending: Vec::new() }
    }

    fn change(&mut self, path: &Path, gone: Option<&Path>, come: Option<Node>) {
        let change = Change {
            directory: parent(path).to_owned(),
            gone: gone.map(Path::to_owned),
            come: come.map(|node| (path.to_owned(), node)),
        };
        change.make(&mut self.shown);
        self.pending.push(change);
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}
