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
use crate::log::octets::{array_at, u32_at, u64_at};
use key::KeyRange;
use kv::{Closed, Key, Kv, KvError, Table, Value, View};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use store::{AccountId, CommitId};
use tail::{Found, Generation};

/// Most commits whose ids outlive a clean stop.
pub(crate) const KEPT_IDS: usize = store::REMEMBERED_OVER_A_STOP;

const CHECKPOINT: &[u8] = b"checkpoint";
const RECENT: &[u8] = b"recent commits";
/// Which rewritten segments it leads into as they are now.
const REWRITTEN: &[u8] = b"rewritten segments";
/// There while the log is taken in, until holes have been looked for.
const CATCHING_UP: &[u8] = b"catching up";

/// What an index knows of rewritten segments.
pub(crate) type Rewritings = BTreeMap<u64, Known>;

/// What it knows of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its entries lead into it as this rewriting of the store left it.
    pub(crate) number: u32,
    /// Whether it is certain that a power cut does not bring the file back that lay there before.
    pub(crate) lasts: bool,
}
const VERSION_KEY: &[u8] = b"version";

/// The version of keys and values that this code writes, and the only one that it reads: an index of another one is made
/// again from the log.
pub(crate) const VERSION: u32 = 1;
/// Which version an index is of that does not say so.
const UNSAID: u32 = 1;

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
    /// The map as the last move left it. It changes together with the generations, so that at every moment the three of
    /// them hold everything: what has left the tail is in the view.
    view: Arc<dyn View>,
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

    fn note(&self, name: &[u8]) -> Found<'_> {
        match self.active.note(name) {
            Found::Unknown => self.moving.as_ref().map_or(Found::Unknown, |moving| moving.note(name)),
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

/// What the tail says of a key.
enum Lookup {
    Known(Option<Value>),
    Unknown,
}

impl Lookup {
    fn of(found: Found<'_>) -> Self {
        match found {
            Found::Value(value) => Self::Known(Some(value.clone())),
            Found::Gone => Self::Known(None),
            Found::Unknown => Self::Unknown,
        }
    }

    /// That, or what the map says.
    fn or_in(self, view: &dyn View, table: Table, key: &[u8]) -> Result<Option<Value>, KvError> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Unknown => view.get(table, key),
        }
    }
}

impl Index {
    /// An index over a map that may have something in it.
    pub(crate) fn over(kv: Arc<dyn Kv>) -> Result<Self, KvError> {
        let view = kv.view()?;
        let version = read_version(&*view)?;
        if version != VERSION {
            return Err(KvError::Damaged(format!("it is of version {version}, not {VERSION}")));
        }
        let recent =
            view.get(Table::Meta, RECENT)?.and_then(|ids| value::blob(RECENT, &ids)).unwrap_or_default();
        let through = read_checkpoint(&*view)?.unwrap_or_default();
        let moved = Moved { ids: decode_ids(&recent), through };
        let layers = Layers { active: Generation::default(), moving: None, kv, view };
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
        let (found, view) = self.look(|layers| Lookup::of(layers.get(key)));
        found.or_in(&*view, Table::Index, key)
    }

    /// What is under each of the keys, all at one moment.
    pub(crate) fn get_all(&self, keys: &[Key]) -> Result<Vec<Option<Value>>, KvError> {
        let look_up =
            |layers: &Layers| -> Vec<Lookup> { keys.iter().map(|key| Lookup::of(layers.get(key))).collect() };
        let (found, view) = self.look(look_up);
        found.into_iter().zip(keys).map(|(found, key)| found.or_in(&*view, Table::Index, key)).collect()
    }

    /// Up to `limit` entries of each range, ascending, all at one moment.
    pub(crate) fn scan(&self, ranges: &[KeyRange], limit: usize) -> Result<Vec<Vec<(Key, Value)>>, KvError> {
        let lay =
            |layers: &Layers| -> Vec<Overlay> { ranges.iter().map(|range| layers.overlay(range)).collect() };
        let (overlays, view) = self.look(lay);
        let merged =
            ranges.iter().zip(&overlays).map(|(range, overlay)| merge(&*view, overlay, range, limit));
        merged.collect()
    }

    /// Up to where the log is published.
    pub(crate) fn through(&self) -> LogEnd {
        self.read().active.through
    }

    /// Reads the soft values and what the map knows of the log, and tests them; says how many there are.
    pub(crate) fn read_apart(&self) -> Result<u64, KvError> {
        let ((), view) = self.look(|_| ());
        let mut entries = 0;
        for table in [Table::Soft, Table::Meta] {
            view.scan(table, (&[], &[0xff; 9]), &mut |_, _| {
                entries += 1;
                ControlFlow::Continue(())
            })?;
        }
        Ok(entries)
    }

    /// A soft value.
    pub(crate) fn soft(&self, key: &[u8]) -> Result<Option<Value>, KvError> {
        let (found, view) = self.look(|layers| Lookup::of(layers.soft(key)));
        found.or_in(&*view, Table::Soft, key)
    }

    /// The rewritten segments that its entries lead into as they are now.
    pub(crate) fn rewritings(&self) -> Result<Rewritings, KvError> {
        let known = self.note(REWRITTEN)?;
        let damaged = || KvError::Damaged("its list of rewritten segments is not one".to_owned());
        let decode = |value: Value| decode_rewritings(&value::blob(REWRITTEN, &value)?);
        known.map_or_else(|| Ok(Rewritings::new()), |value| decode(value).ok_or_else(damaged))
    }

    /// Whether the log was being taken in, and holes in it have not been looked for.
    pub(crate) fn is_catching_up(&self) -> Result<bool, KvError> {
        Ok(self.note(CATCHING_UP)?.is_some())
    }

    fn note(&self, name: &[u8]) -> Result<Option<Value>, KvError> {
        let (found, view) = self.look(|layers| Lookup::of(layers.note(name)));
        found.or_in(&*view, Table::Meta, name)
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
        let view = self.map().view()?;
        *moved = next;
        let mut layers = self.write();
        layers.moving = None;
        layers.view = view;
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
        let checkpoint = value::of_blob(CHECKPOINT, &encode_checkpoint(next.through));
        let recent = value::of_blob(RECENT, &encode_ids(&next.ids));
        let version = value::of_blob(VERSION_KEY, &VERSION.to_le_bytes());
        let mut batch = moving.batch();
        batch.entries.push((Table::Meta, CHECKPOINT, Some(&checkpoint)));
        batch.entries.push((Table::Meta, RECENT, Some(&recent)));
        batch.entries.push((Table::Meta, VERSION_KEY, Some(&version)));
        self.map().write(&batch)
    }

    /// Closes the map. The tail must have been moved, or is lost to the next opening's replay.
    pub(crate) fn close(&self) -> Result<(), KvError> {
        self.write().view = Arc::new(Closed);
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

    /// Puts another map in the place of the one beneath the tail. It must hold the same, for the tail stays as it is; it is
    /// not moved meanwhile.
    pub(crate) fn replace_map(
        &self,
        open: impl FnOnce() -> Result<Arc<dyn Kv>, KvError>,
    ) -> Result<(), KvError> {
        let moved = self.moved();
        let kv = open()?;
        let view = kv.view()?;
        if read_checkpoint(&*view)?.unwrap_or_default() < moved.through {
            return Err(KvError::Damaged("it has lost what was moved into it".to_owned()));
        }
        let mut layers = self.write();
        layers.kv.abandon();
        (layers.kv, layers.view) = (kv, view);
        Ok(())
    }

    /// What the tail says, and the view of the map for what it does not: of one moment.
    fn look<T>(&self, look: impl FnOnce(&Layers) -> T) -> (T, Arc<dyn View>) {
        let layers = self.read();
        (look(&layers), Arc::clone(&layers.view))
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

/// Notes that the log is being taken in, or that this is over.
pub(crate) fn note_catching_up(is_so: bool, into: &mut Generation) {
    into.put_note(CATCHING_UP, is_so.then(|| value::of_blob(CATCHING_UP, &[])));
}

/// Notes which rewritten segments the index leads into.
pub(crate) fn note_rewritings(rewritings: &Rewritings, into: &mut Generation) {
    let entry = |(segment, known): (&u64, &Known)| {
        [&segment.to_le_bytes()[..], &known.number.to_le_bytes(), &[u8::from(known.lasts)]].concat()
    };
    let octets: Vec<u8> = rewritings.iter().flat_map(entry).collect();
    into.put_note(REWRITTEN, Some(value::of_blob(REWRITTEN, &octets)));
}

fn decode_rewritings(octets: &[u8]) -> Option<Rewritings> {
    let known = |entry| Some(Known { number: u32_at(entry, 8)?, lasts: *entry.get(12)? != 0 });
    octets.chunks(13).map(|entry| Some((u64_at(entry, 0)?, known(entry)?))).collect()
}

fn encode_checkpoint(end: LogEnd) -> Vec<u8> {
    let LogEnd { position, next_group, next_number } = end;
    [position.segment, position.offset, next_group, next_number]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect()
}

fn read_checkpoint(view: &dyn View) -> Result<Option<LogEnd>, KvError> {
    let damaged = || KvError::Damaged("its checkpoint is not one".to_owned());
    let checkpoint = view.get(Table::Meta, CHECKPOINT)?;
    let decode = |value: Value| decode_checkpoint(&value::blob(CHECKPOINT, &value)?);
    checkpoint.map(|value| decode(value).ok_or_else(damaged)).transpose()
}

/// The version of a map's keys and values.
pub(crate) fn read_version(view: &dyn View) -> Result<u32, KvError> {
    let Some(value) = view.get(Table::Meta, VERSION_KEY)? else { return Ok(UNSAID) };
    let version = value::blob(VERSION_KEY, &value).and_then(|version| u32_at(&version, 0));
    version.ok_or_else(|| KvError::Damaged("its version is not one".to_owned()))
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

#[cfg(test)]
mod tests {
    use super::change::Change;
    use super::kv::{Batch, Condition, Visitor};
    use super::*;
    use std::collections::BTreeMap;
    use std::fmt::{self, Debug, Formatter};
    use std::sync::{OnceLock, Weak};
    use testkit::dice::Dice;

    type Content = BTreeMap<(u8, Key), Value>;

    /// A map in memory that, whenever it is asked to write or for a view, has a reader look at the index.
    #[derive(Default)]
    struct Watched {
        content: Mutex<Content>,
        reader: OnceLock<Reader>,
        dice: Mutex<Option<Dice>>,
    }

    struct Reader {
        index: Weak<Index>,
        /// What has been published.
        truth: Mutex<Content>,
    }

    #[derive(Clone, Debug)]
    struct Frozen(Content);

    impl Debug for Watched {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("Watched")
        }
    }

    impl Watched {
        fn look(&self) {
            if let Some(reader) = self.reader.get() {
                reader.look();
            }
        }

        fn may_fail(&self) -> Result<(), KvError> {
            let fails = self.dice.lock().unwrap().as_mut().is_some_and(|dice| dice.chance(20));
            if fails { Err(KvError::Unavailable("the dice say so".to_owned())) } else { Ok(()) }
        }
    }

    impl Kv for Watched {
        fn view(&self) -> Result<Arc<dyn View>, KvError> {
            self.look();
            self.may_fail()?;
            Ok(Arc::new(Frozen(self.content.lock().unwrap().clone())))
        }

        fn write(&self, batch: &Batch<'_>) -> Result<(), KvError> {
            self.look();
            self.may_fail()?;
            let mut content = self.content.lock().unwrap();
            for (from, to) in &batch.cleared {
                let index = Table::Index as u8;
                content
                    .retain(|(table, key), _| *table != index || key < &from.to_vec() || key >= &to.to_vec());
            }
            for (table, key, value) in &batch.entries {
                put(&mut content, *table, key, value.map(<[u8]>::to_vec));
            }
            drop(content);
            self.look();
            Ok(())
        }

        fn condition(&self) -> Condition {
            Condition::Sound
        }

        fn distrust(&self) {}

        fn abandon(&self) {}

        fn discard(&self) -> Result<(), KvError> {
            Ok(())
        }

        fn close(&self) -> Result<(), KvError> {
            Ok(())
        }
    }

    impl View for Frozen {
        fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, KvError> {
            Ok(self.0.get(&(table as u8, key.to_vec())).cloned())
        }

        fn scan(
            &self,
            table: Table,
            (from, to): (&[u8], &[u8]),
            visit: &mut Visitor<'_>,
        ) -> Result<(), KvError> {
            let inside = |key: &[u8]| from <= key && key < to;
            let all = self.0.iter().filter(|((of, key), _)| *of == table as u8 && inside(key));
            let _ = all.map(|((_, key), value)| visit(key, value)).find(ControlFlow::is_break);
            Ok(())
        }
    }

    fn put(content: &mut Content, table: Table, key: &[u8], value: Option<Value>) {
        let key = (table as u8, key.to_vec());
        match value {
            Some(value) => drop(content.insert(key, value)),
            None => drop(content.remove(&key)),
        }
    }

    const KEYS: u8 = 12;

    impl Reader {
        /// Every way of reading shows what has been published last.
        fn look(&self) {
            let Some(index) = self.index.upgrade() else { return };
            let truth = self.truth.lock().unwrap();
            let is = |table: Table, key: u8| truth.get(&(table as u8, vec![key])).cloned();
            let keys: Vec<Key> = (0..KEYS).map(|key| vec![key]).collect();
            let all: Vec<_> = (0..KEYS).map(|key| is(Table::Index, key)).collect();
            assert_eq!(index.get_all(&keys).unwrap(), all);
            for key in 0..KEYS {
                assert_eq!(index.get(&[key]).unwrap(), is(Table::Index, key));
                assert_eq!(index.soft(&[key]).unwrap(), is(Table::Soft, key));
            }
            let there: Vec<_> =
                keys.into_iter().zip(all).filter_map(|(key, value)| Some((key, value?))).collect();
            assert_eq!(index.scan(&[(vec![0], vec![KEYS])], usize::MAX).unwrap(), [there]);
        }

        fn publish_something(&self, index: &Index, dice: &mut Dice) {
            let mut truth = self.truth.lock().unwrap();
            let mut group = Generation::default();
            for _ in 0..=dice.below(4) {
                let (key, value) = (vec![dice.below(KEYS)], dice.octets(4));
                match dice.below(4) {
                    0 => {
                        let to = vec![dice.below(KEYS)];
                        truth.retain(|(table, at), _| *table != Table::Index as u8 || *at < key || *at >= to);
                        group.apply(Change::Clear((key, to)));
                    }
                    1 => {
                        put(&mut truth, Table::Index, &key, None);
                        group.apply(Change::Set(key, None));
                    }
                    2 => {
                        put(&mut truth, Table::Index, &key, Some(value.clone()));
                        group.apply(Change::Set(key, Some(value)));
                    }
                    _ => {
                        put(&mut truth, Table::Soft, &key, Some(value.clone()));
                        index.put_soft(key, Some(value));
                    }
                }
            }
            group.through.position.offset = group.through.position.offset.max(1) + dice.below(1 << 40);
            index.publish(group);
        }
    }

    #[test]
    fn at_every_step_of_a_move_a_reader_sees_what_was_published_last() {
        let (mut moved, mut failed) = (0, 0);
        for seed in 0..200 {
            let mut dice = Dice::new(seed);
            let kv = Arc::<Watched>::default();
            let index = Arc::new(Index::over(Arc::clone(&kv) as Arc<dyn Kv>).unwrap());
            let reader = Reader { index: Arc::downgrade(&index), truth: Mutex::default() };
            let reader = kv.reader.get_or_init(|| reader);
            *kv.dice.lock().unwrap() = Some(Dice::new(!seed));
            for _ in 0..30 {
                reader.publish_something(&index, &mut dice);
                reader.look();
                if dice.chance(40) {
                    match index.move_tail() {
                        Ok(_) => moved += 1,
                        Err(_) => failed += 1,
                    }
                    reader.look();
                }
            }
        }
        assert!(moved > 500 && failed > 100, "{moved} moved, {failed} failed");
    }

    #[test]
    fn a_map_that_has_lost_what_was_moved_is_not_put_in_place() {
        let index = Index::over(Arc::<Watched>::default()).unwrap();
        let mut group = Generation::default();
        group.apply(Change::Set(vec![1], Some(vec![2])));
        group.through.position.offset = 1;
        index.publish(group);
        index.move_tail().unwrap();
        let other = || Ok(Arc::<Watched>::default() as Arc<dyn Kv>);
        assert!(matches!(index.replace_map(other), Err(KvError::Damaged(_))));
        assert_eq!(index.get(&[1]).unwrap(), Some(vec![2]));
    }
}
