//! What one account alone sees: `\Seen`, and the MODSEQs that it raised.
//!
//! The owner is no exception: everybody's `\Seen` lies beside the shared rows, in a tree of its own that has a
//! row for each message which the account ever marked. So a private change cannot raise what others see
//! (RFC 7162, example 14), whoever made it.

use crate::codec::{DecodeError, Reader, Writer};
use crate::graves::Graves;
use crate::packed::Packed;
use crate::tree::{Counted, LEAF_ROWS, Leaf, Part, Picked, Summary, Tree, pack_all};
use std::collections::BTreeMap;
use std::ops::Range;
use terms::{ModSeq, Uid, UidSet};

/// The private flags of one account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Private {
    pub(crate) marks: Tree<MarkLeaf>,
    /// The highest MODSEQ of its private changes.
    pub(crate) highest: ModSeq,
    /// Marks of messages that are gone but not yet told to every session.
    pub(crate) graves: Graves<MarkLeaf>,
}

impl Private {
    /// With `\Seen` set or taken away on these messages.
    pub(crate) fn marked(&self, uids: &UidSet, seen: Seen, modseq: ModSeq) -> Self {
        let marks = self.marks.edit(uids, |leaf, part| match leaf {
            Some(leaf) => marked_leaf(leaf, part, seen, modseq),
            None => pack_all(&new_marks(part, seen, modseq)),
        });
        Self { marks, highest: modseq, graves: self.graves.clone() }
    }

    /// With these marks, which came one after the other, up to `highest`.
    pub(crate) fn marked_each(&self, each: &BTreeMap<Uid, (Seen, ModSeq)>, highest: ModSeq) -> Self {
        let uids: UidSet = each.keys().copied().collect();
        let mark = |uid: Uid| each.get(&uid).map(|(seen, modseq)| Mark { uid, seen: *seen, modseq: *modseq });
        let marks = self.marks.edit_rows(&uids, |mut rows, part| {
            rows.retain(|row| !each.contains_key(&row.uid));
            rows.extend(part.iter().filter_map(mark));
            rows.sort_unstable_by_key(|row| row.uid);
            rows
        });
        Self { marks, highest, graves: self.graves.clone() }
    }

    /// Without these messages.
    pub(crate) fn without(&self, uids: &UidSet) -> Self {
        let (marks, gone) = self.marks.take(uids);
        Self { marks, highest: self.highest, graves: self.graves.with(gone) }
    }

    /// Those of these messages that have `\Seen`.
    pub(crate) fn seen_among(&self, uids: &UidSet) -> UidSet {
        let mut seen = UidSet::new();
        for (leaf, part) in self.marks.parts(uids) {
            part.places(leaf).for_each(|rows| leaf.name_seen(rows, &mut seen));
        }
        seen
    }
}

fn new_marks(part: Part<'_>, seen: Seen, modseq: ModSeq) -> Vec<Mark> {
    part.iter().map(|uid| Mark { uid, seen, modseq }).collect()
}

/// What takes the place of a leaf when all messages of a part are marked, which may be in it or not.
fn marked_leaf(
    leaf: &Counted<MarkLeaf>,
    part: Part<'_>,
    seen: Seen,
    modseq: ModSeq,
) -> Vec<Counted<MarkLeaf>> {
    let leaf = leaf.leaf();
    let picked = Picked::of(leaf, part);
    if picked.count() as u64 == part.len() {
        return vec![Counted::new(leaf.marked(&picked, seen, modseq))];
    }
    let mut marks = new_marks(part, seen, modseq);
    if picked.count() < leaf.len() {
        let there = leaf.0.rows().into_iter().enumerate();
        marks.extend(there.filter(|(at, _)| !picked.has(*at)).filter_map(|(at, row)| unpack(at, row)));
        marks.sort_by_key(|mark| mark.uid);
    }
    pack_all(&marks)
}

/// Whether a message has `\Seen` for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    No,
    Yes,
}

/// One account's word on one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) uid: Uid,
    pub(crate) seen: Seen,
    pub(crate) modseq: ModSeq,
}

/// A leaf of marks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MarkLeaf(Packed<3>);

/// UID minus place.
const UID: usize = 0;
const SEEN: usize = 1;
const MODSEQ: usize = 2;

impl MarkLeaf {
    /// The same with other marks on some messages that it has.
    fn marked(&self, picked: &Picked, seen: Seen, modseq: ModSeq) -> Self {
        let new = [u64::from(seen == Seen::Yes), modseq.get()];
        if let Some(patched) = picked.only().and_then(|at| self.0.with_cells(at, SEEN, new)) {
            return Self(patched);
        }
        let cells = self.0.column(SEEN).zip(self.0.column(MODSEQ)).enumerate();
        let cells = cells.map(|(at, (seen, modseq))| if picked.has(at) { new } else { [seen, modseq] });
        Self(self.0.with_columns(SEEN, &cells.collect::<Vec<_>>()))
    }

    /// Adds the UIDs of those of these rows that say `\Seen`.
    fn name_seen(&self, rows: Range<usize>, names: &mut UidSet) {
        match self.0.is_flat(SEEN) {
            true if self.is_marked(0) => self.name(rows, names),
            true => {}
            false => {
                let seen = rows.clone().zip(self.0.cells(SEEN, rows)).filter(|(_, seen)| *seen == 1);
                seen.filter_map(|(at, _)| self.uid(at)).for_each(|uid| names.push(uid));
            }
        }
    }

    pub(crate) fn encode(&self, w: &mut Writer) {
        self.0.encode(w);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let leaf = Self(Packed::decode(r, LEAF_ROWS)?);
        let (low, high) = leaf.0.bounds();
        let is_sound = unpack(0, low).is_some() && unpack(leaf.len().saturating_sub(1), high).is_some();
        let can_read = |at| leaf.row(at).is_some();
        if is_sound || (0..leaf.len()).all(can_read) {
            Ok(leaf)
        } else {
            Err(DecodeError::Invalid("a private mark"))
        }
    }
}

fn unpack(at: usize, [uid, seen, modseq]: [u64; 3]) -> Option<Mark> {
    let seen = match seen {
        0 => Seen::No,
        1 => Seen::Yes,
        _ => return None,
    };
    let uid = Uid::new(u32::try_from(uid.checked_add(at as u64)?).ok()?)?;
    Some(Mark { uid, seen, modseq: ModSeq::new(modseq)? })
}

impl Leaf for MarkLeaf {
    type Row = Mark;

    fn pack(rows: &[Mark]) -> Self {
        let row = |(at, mark): (usize, &Mark)| {
            [u64::from(mark.uid.get()) - at as u64, u64::from(mark.seen == Seen::Yes), mark.modseq.get()]
        };
        Self(Packed::pack(&rows.iter().enumerate().map(row).collect::<Vec<_>>()))
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn row(&self, at: usize) -> Option<Mark> {
        unpack(at, self.0.row(at)?)
    }

    fn uid(&self, at: usize) -> Option<Uid> {
        let uid = self.0.cell(at, UID)?.checked_add(at as u64)?;
        Uid::new(u32::try_from(uid).ok()?)
    }

    fn uid_of(row: &Mark) -> Uid {
        row.uid
    }

    fn modseq(&self, at: usize) -> ModSeq {
        self.0.cell(at, MODSEQ).and_then(ModSeq::new).unwrap_or_default()
    }

    fn is_marked(&self, at: usize) -> bool {
        self.0.cell(at, SEEN) == Some(1)
    }

    fn summary(&self) -> Summary {
        Summary {
            last: self.last().map_or(0, Uid::get),
            rows: self.len() as u32,
            marked: self.0.column(SEEN).filter(|seen| *seen == 1).count() as u32,
            octets: 0,
            modseq: ModSeq::new(self.0.highest(MODSEQ)).unwrap_or_default(),
        }
    }

    fn is_dense(&self) -> bool {
        self.0.is_flat(UID)
    }

    fn pick(&self, is_wanted: impl Fn(usize) -> bool) -> Self {
        Self(Packed::pack(&self.0.pick(UID, is_wanted)))
    }

    fn join(&self, next: &Self) -> Self {
        let moved = self.len() as u64;
        let mut rows = self.0.rows();
        rows.extend(
            next.0.rows().into_iter().map(|[uid, seen, modseq]| [uid.saturating_sub(moved), seen, modseq]),
        );
        Self(Packed::pack(&rows))
    }

    fn heap_octets(&self) -> usize {
        self.0.heap_octets()
    }
}
