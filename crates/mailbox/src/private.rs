//! What one account alone sees: `\Seen`, and the MODSEQs that it raised.
//!
//! The owner is no exception: everybody's `\Seen` lies beside the shared rows, in a tree of its own that has a
//! row for each message which the account ever marked. So a private change cannot raise what others see
//! (RFC 7162, example 14), whoever made it.

use crate::codec::{DecodeError, Reader, Writer};
use crate::graves::Graves;
use crate::packed::Packed;
use crate::tree::{LEAF_ROWS, Leaf, Part, Tree};
use std::collections::BTreeMap;
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
        let mark = |uid| Mark { uid, seen, modseq };
        let marks = self.marks.edit(uids, |mut rows, part: Part<'_>| {
            rows.retain(|row| !part.contains(row.uid));
            rows.extend(part.iter().map(mark));
            rows.sort_unstable_by_key(|row| row.uid);
            rows
        });
        Self { marks, highest: modseq, graves: self.graves.clone() }
    }

    /// With these marks, which came one after the other, up to `highest`.
    pub(crate) fn marked_each(&self, each: &BTreeMap<Uid, (Seen, ModSeq)>, highest: ModSeq) -> Self {
        let uids: UidSet = each.keys().copied().collect();
        let mark = |uid: Uid| each.get(&uid).map(|(seen, modseq)| Mark { uid, seen: *seen, modseq: *modseq });
        let marks = self.marks.edit(&uids, |mut rows, part: Part<'_>| {
            rows.retain(|row| !each.contains_key(&row.uid));
            rows.extend(part.iter().filter_map(mark));
            rows.sort_unstable_by_key(|row| row.uid);
            rows
        });
        Self { marks, highest, graves: self.graves.clone() }
    }

    /// Without these messages.
    pub(crate) fn without(&self, uids: &UidSet) -> Self {
        let mut gone = Vec::new();
        let marks = self.marks.edit(uids, |rows, part| {
            let (dead, alive) = rows.into_iter().partition(|row: &Mark| part.contains(row.uid));
            gone.extend::<Vec<Mark>>(dead);
            alive
        });
        Self { marks, highest: self.highest, graves: self.graves.with(gone, |mark| mark.uid) }
    }
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

    fn octets(&self, _at: usize) -> u64 {
        0
    }

    fn is_dense(&self) -> bool {
        self.0.is_flat(UID)
    }

    fn heap_octets(&self) -> usize {
        self.0.heap_octets()
    }
}
