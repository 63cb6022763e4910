//! The index: where in the log things are, and where each stream stands. It can be made again from the log.
//!
//! A tail in memory over a durable ordered map. [`Index::publish`] is what makes a commit visible;
//! [`Index::move_tail`] writes the tail down, in one transaction, and with it how far the log has been taken in.

pub(crate) mod change;
pub(crate) mod key;
pub(crate) mod kv;
pub(crate) mod redb;
pub(crate) mod tail;
pub(crate) mod value;

use crate::log::format::{LogEnd, LogPosition};
use crate::log::octets::{array_at, u64_at};
use key::KeyRange;
use kv::{Key, Kv, KvError, Table, Value, View};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use store::{AccountId, CommitId};
use tail::{Found, Generation};

/// Most commits whose ids outlive a clean stop.
pub(crate) const KEPT_IDS: usize = store::REMEMBERED_OVER_A_STOP;

const CHECKPOINT: &[u8] = b"checkpoint";
const RECENT: &[u8] = b"recent commits";

/// The tail over the map.
#[derive(Debug)]
pub(crate) struct Index {
    layers: RwLock<Layers>,
    /// What the map knows of. Held by whoever moves the tail.
    moved: Mutex<Moved>,
}

#[derive(Clone, Debug, Default)]
struct Moved {
    /// The newest commits, oldest first.
    ids: Vec<(AccountId, CommitId)>,
    through: LogEnd,
}

#[derive(Debug)]
struct Layers {
    active: Generation,
    moving: Option<Arc<Generation>>,
    kv: Arc<dyn Kv>,
}

impl Layers {
    fn get(&self, key: &[u8]) -> Found<'_> {
        match self.active.get(key) {
            Found::Unknown => self.moving.as_ref().map_or(Found::Unknown, |moving| moving.get(key)),
            found => found,
        }
    }

    fn soft(&self, key: &[u8]) -> Found<'_> {
        match self.active.soft(key) {
            Found::Unknown => self.moving.as_ref().map_or(Found::Unknown, |moving| moving.soft(key)),
            found => found,
        }
    }

    /// What the tail says about a range: the entries that count, and what of the map is hidden.
    fn overlay(&self, range: &KeyRange) -> Overlay {
        let mut both = Generation::default();
        let layers = self.moving.as_deref().into_iter().chain([&self.active]);
        for layer in layers {
            layer.cleared_in(range).for_each(|range| both.apply(change::Change::Clear(range)));
            let entries = layer.entries_in(range).map(|(key, value)| (key.clone(), value.clone()));
            entries.for_each(|(key, value)| both.apply(change::Change::Set(key, value)));
        }
        Overlay(both)
    }
}

struct Overlay(Generation);

impl Index {
    /// An index over a map that may have something in it.
    pub(crate) fn over(kv: Arc<dyn Kv>) -> Result<Self, KvError> {
        let (recent, checkpoint) = {
            let view = kv.view()?;
            (view.get(Table::Meta, RECENT)?.unwrap_or_default(), view.get(Table::Meta, CHECKPOINT)?)
        };
        let damaged = || KvError::Damaged("its checkpoint is not one".to_owned());
        let through = checkpoint.map(|value| decode_checkpoint(&value).ok_or_else(damaged)).transpose()?;
        let moved = Moved { ids: decode_ids(&recent), through: through.unwrap_or_default() };
        let layers = Layers { active: Generation::default(), moving: None, kv };
        Ok(Self { layers: RwLock::new(layers), moved: Mutex::new(moved) })
    }

    /// Up to where the map has taken in the log; `None` when it is new.
    pub(crate) fn checkpoint(&self) -> Option<LogEnd> {
        let through = self.moved().through;
        (through != LogEnd::default()).then_some(through)
    }

    /// The newest commits that the map knows of, oldest first.
    pub(crate) fn kept_ids(&self) -> Vec<(AccountId, CommitId)> {
        self.moved().ids.clone()
    }

    /// Makes a group visible, all of it at one moment.
    pub(crate) fn publish(&self, group: Generation) {
        self.write().active.absorb(group);
    }

    /// What is under a key.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Value>, KvError> {
        let layers = self.read();
        match layers.get(key) {
            Found::Value(value) => Ok(Some(value.clone())),
            Found::Gone => Ok(None),
            Found::Unknown => {
                let view = layers.kv.view()?;
                drop(layers);
                view.get(Table::Index, key)
            }
        }
    }

    /// What is under each of the keys, all at one moment.
    pub(crate) fn get_all(&self, keys: &[Key]) -> Result<Vec<Option<Value>>, KvError> {
        let layers = self.read();
        let view = layers.kv.view()?;
        let look_up = |key: &Key| match layers.get(key) {
            Found::Value(value) => Ok(Some(value.clone())),
            Found::Gone => Ok(None),
            Found::Unknown => view.get(Table::Index, key),
        };
        keys.iter().map(look_up).collect()
    }

    /// Up to `limit` entries of each range, ascending, all at one moment.
    pub(crate) fn scan(&self, ranges: &[KeyRange], limit: usize) -> Result<Vec<Vec<(Key, Value)>>, KvError> {
        // The map is viewed while the tail stands still: then it holds nothing that the tail does not know of.
        let (overlays, view) = {
            let layers = self.read();
            let overlays: Vec<Overlay> = ranges.iter().map(|range| layers.overlay(range)).collect();
            (overlays, layers.kv.view()?)
        };
        let merged =
            ranges.iter().zip(&overlays).map(|(range, overlay)| merge(&*view, overlay, range, limit));
        merged.collect()
    }

    /// A soft value.
    pub(crate) fn soft(&self, key: &[u8]) -> Result<Option<Value>, KvError> {
        let layers = self.read();
        match layers.soft(key) {
            Found::Value(value) => Ok(Some(value.clone())),
            Found::Gone => Ok(None),
            Found::Unknown => {
                let view = layers.kv.view()?;
                drop(layers);
                view.get(Table::Soft, key)
            }
        }
    }

    /// Puts or removes a soft value.
    pub(crate) fn put_soft(&self, key: Key, value: Option<Value>) {
        self.write().active.put_soft(key, value);
    }

    /// About what the tail takes in memory, in octets.
    pub(crate) fn tail_octets(&self) -> usize {
        let layers = self.read();
        layers.active.octets() + layers.moving.as_ref().map_or(0, |moving| moving.octets())
    }

    /// Writes the tail into the map and says how much that was, in octets. One caller at a time.
    pub(crate) fn move_tail(&self) -> Result<usize, KvError> {
        self.move_tail_if(|| true)
    }

    /// The same if, once it is its turn, it `may` still be done.
    pub(crate) fn move_tail_if(&self, may: impl FnOnce() -> bool) -> Result<usize, KvError> {
        let mut moved = self.moved();
        if !may() {
            return Ok(0);
        }
        let Some(moving) = self.set_apart(&moved) else { return Ok(0) };
        let mut ids = moved.ids.clone();
        ids.extend_from_slice(&moving.commits);
        ids.drain(..ids.len().saturating_sub(KEPT_IDS));
        let next = Moved { ids, through: moving.through };
        self.write_down(&moving, &next)?;
        *moved = next;
        self.write().moving = None;
        Ok(moving.octets())
    }

    /// What earlier could not be moved, else what has been published since; `None` when that is nothing.
    fn set_apart(&self, moved: &Moved) -> Option<Arc<Generation>> {
        let mut layers = self.write();
        let news = !layers.active.is_empty() || layers.active.through > moved.through;
        if layers.moving.is_none() && news {
            let next = Generation::starting_at(layers.active.through);
            let full = std::mem::replace(&mut layers.active, next);
            layers.moving = Some(Arc::new(full));
        }
        layers.moving.clone()
    }

    fn write_down(&self, moving: &Generation, next: &Moved) -> Result<(), KvError> {
        let (checkpoint, recent) = (encode_checkpoint(next.through), encode_ids(&next.ids));
        let mut batch = moving.batch();
        batch.entries.push((Table::Meta, CHECKPOINT, Some(&checkpoint)));
        batch.entries.push((Table::Meta, RECENT, Some(&recent)));
        self.map().write(&batch)
    }

    /// Closes the map. The tail must have been moved, or is lost to the next opening's replay.
    pub(crate) fn close(&self) -> Result<(), KvError> {
        self.map().close()
    }

    /// The map beneath the tail.
    pub(crate) fn map(&self) -> Arc<dyn Kv> {
        Arc::clone(&self.read().kv)
    }

    /// Becomes the index that `make` makes, all at one moment; if it makes none, stays as it is. The tail is not moved
    /// meanwhile. Soft values, which the log does not know, are taken along.
    pub(crate) fn become_what<T, E>(&self, make: impl FnOnce() -> Result<(Self, T), E>) -> Result<T, E> {
        let mut moved = self.moved();
        let (next, made) = make()?;
        *moved = next.moved.into_inner().unwrap_or_else(PoisonError::into_inner);
        let next = next.layers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut layers = self.write();
        let old = std::mem::replace(&mut *layers, next);
        let soft = old.moving.iter().map(|moving| &**moving).chain([&old.active]);
        soft.for_each(|generation| layers.active.absorb_soft(generation));
        Ok(made)
    }

    fn moved(&self) -> MutexGuard<'_, Moved> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Layers> {
        self.layers.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entries of the map in a range with the tail's over them.
fn merge(
    view: &dyn View,
    overlay: &Overlay,
    range: &KeyRange,
    limit: usize,
) -> Result<Vec<(Key, Value)>, KvError> {
    let mut merged: Vec<(Key, Value)> = Vec::new();
    view.scan(Table::Index, (&range.0, &range.1), &mut |key, value| {
        if merged.len() >= limit {
            return ControlFlow::Break(());
        }
        if overlay.0.get(key) == Found::Unknown {
            merged.push((key.to_vec(), value.to_vec()));
        }
        ControlFlow::Continue(())
    })?;
    let put = overlay.0.entries_in(range).filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
    merged.extend(put);
    // Two ascending runs: the stable sort merges them.
    merged.sort_by(|a, b| a.0.cmp(&b.0));
    merged.truncate(limit);
    Ok(merged)
}

fn encode_checkpoint(end: LogEnd) -> Vec<u8> {
    let LogEnd { position, next_group, next_number } = end;
    [position.segment, position.offset, next_group, next_number]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect()
}

fn decode_checkpoint(value: &[u8]) -> Option<LogEnd> {
    let position = LogPosition { segment: u64_at(value, 0)?, offset: u64_at(value, 8)? };
    Some(LogEnd { position, next_group: u64_at(value, 16)?, next_number: u64_at(value, 24)? })
}

fn encode_ids(ids: &[(AccountId, CommitId)]) -> Vec<u8> {
    let octets = ids.iter().flat_map(|(account, id)| account.0.to_le_bytes().into_iter().chain(id.0));
    octets.collect()
}

fn decode_ids(value: &[u8]) -> Vec<(AccountId, CommitId)> {
    let pairs = value.chunks_exact(24);
    pairs.filter_map(|pair| Some((AccountId(u64_at(pair, 0)?), CommitId(array_at(pair, 8)?)))).collect()
}
