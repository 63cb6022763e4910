//! A message's row, and a leaf of them.

use crate::codec::{DecodeError, Reader, Writer};
use crate::packed::Packed;
use crate::tree::{LEAF_ROWS, Leaf, Picked, Summary};
use crate::{FlagSet, SystemFlags};
use std::ops::Range;
use terms::{EmailId, InternalDate, ModSeq, Uid, UidSet};

/// What a mailbox knows of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its UID here.
    pub uid: Uid,
    /// Its identity: where its record and body are found (RFC 8474, 5.1).
    pub email: EmailId,
    /// Its flags: as the reader who asked sees them.
    pub flags: FlagSet,
    /// Its MODSEQ: as the reader who asked sees it.
    pub modseq: ModSeq,
    /// RFC 9051, 2.3.3.
    pub internal_date: InternalDate,
    /// RFC822.SIZE, in octets.
    pub size: u64,
    /// When it came into this mailbox, in Unix seconds (RFC 8514).
    pub save_date: i64,
}

/// What may change of a message while it is in a mailbox, where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flagged<'a> {
    /// Its UID here.
    pub uid: Uid,
    /// Its MODSEQ: as the reader who asked sees it.
    pub modseq: ModSeq,
    /// Its system flags: as the reader who asked sees them.
    pub system: SystemFlags,
    /// The numbers of its keywords, ascending.
    pub keywords: &'a [u16],
}

impl Row {
    /// Without what stays as it is.
    #[must_use]
    pub fn flagged(&self) -> Flagged<'_> {
        let (system, keywords) = (self.flags.system, self.flags.keywords());
        Flagged { uid: self.uid, modseq: self.modseq, system, keywords }
    }

    /// SAVEDATE as it is told: in universal time, since nobody wrote it in a zone.
    #[must_use]
    pub fn saved(&self) -> InternalDate {
        InternalDate::new(self.save_date, 0).unwrap_or(InternalDate::EPOCH)
    }
}

/// Rows as everybody sees them: without `\Seen`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MessageLeaf {
    table: Packed<COLUMNS>,
    /// The combinations of flags that occur in this leaf, each once; perhaps some that did.
    combinations: Box<[FlagSet]>,
}

const COLUMNS: usize = 9;
/// UID minus place: equal in all rows where no UID is missing.
const UID: usize = 0;
const MODSEQ: usize = 1;
/// Place in `combinations`.
const FLAGS: usize = 2;
const SIZE: usize = 3;

/// Keeps the order of signed numbers in unsigned ones.
const fn unsign(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

const fn sign(value: u64) -> i64 {
    (value ^ (1 << 63)).cast_signed()
}

fn columns(at: usize, row: &Row, flags: usize) -> [u64; COLUMNS] {
    let seconds = row.internal_date.seconds();
    [
        u64::from(row.uid.get()) - at as u64,
        row.modseq.get(),
        flags as u64,
        row.size,
        u64::from(row.email.mailbox),
        // Born here, or copied in order: the same in all rows.
        unsign(i64::from(row.email.uid) - i64::from(row.uid.get())),
        unsign(seconds),
        unsign(i64::from(row.internal_date.zone_minutes())),
        // A delivered message was saved when it came.
        unsign(row.save_date.wrapping_sub(seconds)),
    ]
}

impl MessageLeaf {
    #[inline]
    fn combination(&self, at: usize) -> Option<&FlagSet> {
        self.combinations.get(usize::try_from(self.table.cell(at, FLAGS)?).ok()?)
    }

    /// The row of a message, of which no other columns are unpacked.
    #[inline]
    pub(crate) fn flagged(&self, at: usize, uid: Uid) -> Option<Flagged<'_>> {
        let flags = self.combination(at)?;
        Some(Flagged { uid, modseq: self.modseq(at), system: flags.system, keywords: flags.keywords() })
    }

    /// The same with other flags on some messages, and this MODSEQ.
    pub(crate) fn changed(
        &self,
        picked: &Picked,
        modseq: ModSeq,
        change: impl Fn(&FlagSet) -> FlagSet,
    ) -> Self {
        if picked.count() == self.len() {
            return self.all_changed(modseq, change);
        }
        let one = picked.only().and_then(|at| self.one_changed(at, modseq, &change));
        one.unwrap_or_else(|| self.some_changed(picked, modseq, change))
    }

    /// Where another row has the new flags and the columns are wide enough, all others stay as they lie. What nobody
    /// has any more may stay among the combinations until there is a new one.
    fn one_changed(&self, at: usize, modseq: ModSeq, change: impl Fn(&FlagSet) -> FlagSet) -> Option<Self> {
        let flags = change(self.combination(at)?);
        let place = self.combinations.iter().position(|known| *known == flags)?;
        let table = self.table.with_cells(at, MODSEQ, [modseq.get(), place as u64])?;
        Some(Self { table, combinations: self.combinations.clone() })
    }

    fn some_changed(&self, picked: &Picked, modseq: ModSeq, change: impl Fn(&FlagSet) -> FlagSet) -> Self {
        let mut combinations = Combinations::default();
        let known = || vec![None; self.combinations.len()];
        let (mut kept, mut changed) = (known(), known());
        let cells = self.table.column(MODSEQ).zip(self.table.column(FLAGS));
        let cells = cells.enumerate().map(|(at, (before, flags))| {
            let flags = flags as usize;
            let of = || self.combinations.get(flags);
            if picked.has(at) {
                [modseq.get(), combinations.once(&mut changed, flags, || of().map(&change))]
            } else {
                [before, combinations.once(&mut kept, flags, || of().cloned())]
            }
        });
        let table = self.table.with_columns(MODSEQ, &cells.collect::<Vec<_>>());
        Self { table, combinations: combinations.0.into() }
    }

    /// The same with what `change` makes of the flags of these messages, which ascend, and the MODSEQ that it gives each;
    /// what is to happen to a message stands beside it.
    pub(crate) fn each_changed<C>(
        &self,
        messages: impl Iterator<Item = (Uid, C)>,
        change: impl Fn(&FlagSet, C) -> (FlagSet, ModSeq),
    ) -> Self {
        let (mut messages, mut combinations) = (messages.peekable(), Combinations::default());
        let mut kept = vec![None; self.combinations.len()];
        let cells = self.table.column(MODSEQ).zip(self.table.column(FLAGS));
        let cells = cells.enumerate().map(|(at, (before, flags))| {
            let of = || self.combinations.get(flags as usize);
            let next = messages.next_if(|(uid, _)| self.uid(at) == Some(*uid));
            if let Some(((_, changes), had)) = next.zip(of()) {
                let (flags, modseq) = change(had, changes);
                [modseq.get(), combinations.place(flags)]
            } else {
                [before, combinations.once(&mut kept, flags as usize, || of().cloned())]
            }
        });
        let table = self.table.with_columns(MODSEQ, &cells.collect::<Vec<_>>());
        Self { table, combinations: combinations.0.into() }
    }

    fn all_changed(&self, modseq: ModSeq, change: impl Fn(&FlagSet) -> FlagSet) -> Self {
        let mut combinations = Combinations::default();
        let places: Vec<_> =
            self.combinations.iter().map(|flags| combinations.place(change(flags))).collect();
        let table = self.table.with_columns(MODSEQ, &vec![[modseq.get()]; self.len()]);
        let combinations: Box<[FlagSet]> = combinations.0.into();
        if combinations.len() == self.combinations.len() {
            return Self { table, combinations };
        }
        let place = |flags: u64| places.get(flags as usize).copied().unwrap_or_default();
        let flags: Vec<_> = table.column(FLAGS).map(|flags| [place(flags)]).collect();
        Self { table: table.with_columns(FLAGS, &flags), combinations }
    }

    /// Of rows whose flags are places in `known`.
    fn of(mut table: Vec<[u64; COLUMNS]>, known: &[FlagSet]) -> Self {
        let mut combinations = Combinations::default();
        let mut met = vec![None; known.len()];
        for [_, _, flags, ..] in &mut table {
            let at = *flags as usize;
            *flags = combinations.once(&mut met, at, || known.get(at).cloned());
        }
        Self { table: Packed::pack(&table), combinations: combinations.0.into() }
    }

    /// Adds the UIDs of those of these rows whose combination of flags is `wanted`.
    pub(crate) fn name_some(&self, rows: Range<usize>, wanted: &[bool], names: &mut UidSet) {
        if wanted.iter().all(|wanted| *wanted) {
            return self.name(rows, names);
        }
        if !wanted.contains(&true) {
            return;
        }
        let is_wanted = |flags: u64| wanted.get(flags as usize).copied().unwrap_or_default();
        let among = rows.clone().zip(self.table.cells(FLAGS, rows)).filter(|(_, flags)| is_wanted(*flags));
        among.filter_map(|(at, _)| self.uid(at)).for_each(|uid| names.push(uid));
    }

    /// The combinations of flags that occur in it, and perhaps some that do not.
    pub(crate) fn combinations(&self) -> &[FlagSet] {
        &self.combinations
    }

    /// Those that occur in these rows, each once.
    pub(crate) fn combinations_of(&self, rows: impl Iterator<Item = Range<usize>>) -> Vec<&FlagSet> {
        let mut met = vec![false; self.combinations.len()];
        let mut left = met.len();
        for flags in rows.flat_map(|rows| self.table.cells(FLAGS, rows)) {
            let is_new = met.get_mut(flags as usize).is_some_and(|met| !std::mem::replace(met, true));
            left -= usize::from(is_new);
            if left == 0 {
                break;
            }
        }
        self.combinations.iter().zip(met).filter(|(_, met)| *met).map(|(flags, _)| flags).collect()
    }

    pub(crate) fn encode(&self, w: &mut Writer) {
        w.number(self.combinations.len() as u64);
        for flags in &self.combinations {
            w.u8(flags.system.bits());
            w.number(flags.keywords().len() as u64);
            flags.keywords().iter().for_each(|k| w.number(u64::from(*k)));
        }
        self.table.encode(w);
    }

    pub(crate) fn decode(r: &mut Reader<'_>, keywords: usize) -> Result<Self, DecodeError> {
        let combinations =
            (0..r.count(2)?).map(|_| read_combination(r, keywords)).collect::<Result<_, _>>()?;
        let leaf = Self { table: Packed::decode(r, LEAF_ROWS)?, combinations };
        if leaf.is_sound() { Ok(leaf) } else { Err(DecodeError::Invalid("a row")) }
    }

    /// Whether every row can be read. The bounds of the columns prove it for most leaves.
    fn is_sound(&self) -> bool {
        let (low, high) = self.table.bounds();
        let last = self.len().saturating_sub(1);
        let bounded =
            unpack(0, low, FlagSet::default()).is_some() && unpack(last, high, FlagSet::default()).is_some();
        let rows = 0..self.len();
        if bounded {
            rows.into_iter().all(|at| self.combination(at).is_some())
        } else {
            rows.into_iter().all(|at| self.row(at).is_some())
        }
    }
}

/// Combinations of flags, each once, in the order in which they were met.
#[derive(Default)]
struct Combinations(Vec<FlagSet>);

impl Combinations {
    fn place_of(&mut self, flags: &FlagSet) -> u64 {
        let known = self.0.iter().position(|known| known == flags);
        known.map_or_else(|| self.add(flags.clone()), |at| at as u64)
    }

    fn place(&mut self, flags: FlagSet) -> u64 {
        let known = self.0.iter().position(|known| *known == flags);
        known.map_or_else(|| self.add(flags), |at| at as u64)
    }

    fn add(&mut self, flags: FlagSet) -> u64 {
        self.0.push(flags);
        self.0.len() as u64 - 1
    }

    /// The place of what had the place `at` elsewhere, asked for once.
    fn once(&mut self, met: &mut [Option<u64>], at: usize, flags: impl FnOnce() -> Option<FlagSet>) -> u64 {
        let Some(met) = met.get_mut(at) else { return 0 };
        *met.get_or_insert_with(|| self.place(flags().unwrap_or_default()))
    }
}

/// The inverse of [`columns`]: each value rises with its column, but for the flags.
fn unpack(at: usize, row: [u64; COLUMNS], flags: FlagSet) -> Option<Row> {
    let [uid, modseq, _, size, mailbox, shift, seconds, zone, age] = row;
    let uid = Uid::new(u32::try_from(uid.checked_add(at as u64)?).ok()?)?;
    let born = i64::from(uid.get()).checked_add(sign(shift))?;
    let seconds = sign(seconds);
    Some(Row {
        uid,
        email: EmailId { mailbox: u32::try_from(mailbox).ok()?, uid: u32::try_from(born).ok()? },
        flags,
        modseq: ModSeq::new(modseq)?,
        internal_date: InternalDate::new(seconds, i16::try_from(sign(zone)).ok()?)?,
        size,
        save_date: seconds.wrapping_add(sign(age)),
    })
}

fn read_combination(r: &mut Reader<'_>, keywords: usize) -> Result<FlagSet, DecodeError> {
    let system = SystemFlags::from_bits(r.u8()?).ok_or(DecodeError::Invalid("a system flag"))?;
    let numbers = (0..r.count(1)?).map(|_| r.u16()).collect::<Result<Vec<_>, _>>()?;
    if numbers.iter().any(|number| usize::from(*number) >= keywords) {
        return Err(DecodeError::Invalid("a keyword's number"));
    }
    Ok(FlagSet::new(system, numbers))
}

impl Leaf for MessageLeaf {
    type Row = Row;

    fn pack(rows: &[Row]) -> Self {
        let mut combinations = Combinations::default();
        let place = |row: &Row| combinations.place_of(&row.flags) as usize;
        let places: Vec<_> = rows.iter().map(place).collect();
        let rows = rows.iter().zip(places).enumerate();
        let table: Vec<_> = rows.map(|(at, (row, flags))| columns(at, row, flags)).collect();
        Self { table: Packed::pack(&table), combinations: combinations.0.into() }
    }

    fn len(&self) -> usize {
        self.table.len()
    }

    fn row(&self, at: usize) -> Option<Row> {
        let row = self.table.row(at)?;
        let combination = self.combinations.get(usize::try_from(*row.get(FLAGS)?).ok()?)?;
        unpack(at, row, combination.clone())
    }

    fn uid(&self, at: usize) -> Option<Uid> {
        let uid = self.table.cell(at, UID)?.checked_add(at as u64)?;
        Uid::new(u32::try_from(uid).ok()?)
    }

    fn uid_of(row: &Row) -> Uid {
        row.uid
    }

    fn modseq(&self, at: usize) -> ModSeq {
        self.table.cell(at, MODSEQ).and_then(ModSeq::new).unwrap_or_default()
    }

    fn is_marked(&self, at: usize) -> bool {
        self.combination(at).is_some_and(|flags| flags.system.contains(SystemFlags::DELETED))
    }

    fn summary(&self) -> Summary {
        let marks = |flags: &FlagSet| flags.system.contains(SystemFlags::DELETED);
        let marks: Vec<bool> = self.combinations.iter().map(marks).collect();
        let is_marked = |flags: &u64| marks.get(*flags as usize).copied().unwrap_or_default();
        let marked = match (marks.contains(&true), marks.contains(&false)) {
            (false, _) => 0,
            (true, false) => self.len(),
            (true, true) => self.table.column(FLAGS).filter(is_marked).count(),
        };
        Summary {
            last: self.last().map_or(0, Uid::get),
            rows: self.len() as u32,
            marked: marked as u32,
            octets: self.table.column(SIZE).fold(0, u64::saturating_add),
            modseq: ModSeq::new(self.table.highest(MODSEQ)).unwrap_or_default(),
        }
    }

    fn is_dense(&self) -> bool {
        self.table.is_flat(UID)
    }

    fn pick(&self, is_wanted: impl Fn(usize) -> bool) -> Self {
        Self::of(self.table.pick(UID, is_wanted), &self.combinations)
    }

    fn join(&self, next: &Self) -> Self {
        let mut rows = self.table.rows();
        rows.extend(next.table.rows().into_iter().map(|mut row| {
            let [uid, _, flags, ..] = &mut row;
            *uid = uid.saturating_sub(self.len() as u64);
            *flags += self.combinations.len() as u64;
            row
        }));
        Self::of(rows, &[&*self.combinations, &*next.combinations].concat())
    }

    fn heap_octets(&self) -> usize {
        let combinations: usize =
            self.combinations.iter().map(|flags| size_of::<FlagSet>() + flags.heap_octets()).sum();
        self.table.heap_octets() + combinations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;
    use testkit::dice::Dice;

    fn some_rows(dice: &mut Dice) -> Vec<Row> {
        let first = 1 + dice.below(1_000_u32);
        let gaps = if dice.one_in(2) { 1 } else { 5 };
        let kinds = dice.pick(&[1, 2, 9_u8]);
        let mut last = first;
        let mut row = || {
            last += 1 + dice.below(gaps);
            let system = SystemFlags::from_bits(dice.below(kinds) & 7).unwrap();
            let keywords = if dice.one_in(kinds.into()) { vec![dice.below(3_u16)] } else { Vec::new() };
            let seconds = i64::from(dice.below(100_000_u32));
            Row {
                uid: Uid::new(last).unwrap(),
                email: EmailId { mailbox: 1, uid: last },
                flags: FlagSet::new(system, keywords),
                modseq: ModSeq::new(5 + dice.below(1_u64 << kinds)).unwrap(),
                internal_date: InternalDate::new(seconds, 0).unwrap(),
                size: dice.below(1_u64 << 40),
                save_date: seconds,
            }
        };
        let count = 1 + first as usize * 7 % LEAF_ROWS;
        (0..count).map(|_| row()).collect()
    }

    fn check_changed(rows: &[Row], uids: &UidSet, modseq: u64, change: impl Fn(&FlagSet) -> FlagSet) {
        let modseq = ModSeq::new(modseq).unwrap();
        let tree = Tree::from_leaves(vec![MessageLeaf::pack(rows)]);
        let changed = tree.change(uids, |leaf, picked| leaf.changed(picked, modseq, &change));
        let mut plain = rows.to_vec();
        for row in plain.iter_mut().filter(|row| uids.contains(row.uid)) {
            (row.flags, row.modseq) = (change(&row.flags), modseq);
        }
        let leaf = changed.leaves().next().unwrap();
        assert!((0..leaf.len()).filter_map(|at| leaf.row(at)).eq(plain.iter().cloned()));
        if uids.len() > 1 {
            assert_eq!(*leaf, MessageLeaf::pack(&plain));
        }
        assert_eq!(changed.summary(), MessageLeaf::pack(&plain).summary());
    }

    #[test]
    fn a_leaf_of_which_each_message_is_changed_by_itself_is_as_if_all_its_rows_had_been_packed_anew() {
        for seed in 0..400 {
            let mut dice = Dice::new(seed);
            let mut rows = some_rows(&mut dice);
            let leaf = MessageLeaf::pack(&rows);
            let mut changes = Vec::new();
            let picked: Vec<bool> = rows.iter().map(|_| dice.one_in(3)).collect();
            for (row, _) in rows.iter_mut().zip(picked).filter(|(_, is_picked)| *is_picked) {
                let modseq = ModSeq::new(1 + dice.below(2_000_u64)).unwrap();
                let flags = FlagSet::new(SystemFlags::FLAGGED, vec![dice.below(4)]);
                (row.flags, row.modseq) = (row.flags.with(&flags), modseq);
                changes.push((row.uid, (flags, modseq)));
            }
            let changed =
                leaf.each_changed(changes.into_iter(), |had, (flags, modseq)| (had.with(&flags), modseq));
            assert_eq!(changed, MessageLeaf::pack(&rows), "seed {seed}");
        }
    }

    #[test]
    fn a_leaf_that_is_changed_or_cut_or_joined_is_as_if_all_its_rows_had_been_packed_anew() {
        for seed in 0..400 {
            let mut dice = Dice::new(seed);
            let rows = some_rows(&mut dice);
            let all: UidSet = rows.iter().map(|row| row.uid).collect();
            let some: UidSet = all.iter().filter(|_| dice.one_in(2)).collect();
            let one = UidSet::one(rows[dice.below(rows.len())].uid);
            let flags = FlagSet::new(SystemFlags::FLAGGED, vec![dice.below(4)]);
            for uids in [&all, &some, &one] {
                let modseq = dice.below(2_000);
                check_changed(&rows, uids, modseq, |had| had.with(&flags));
                check_changed(&rows, uids, modseq, |had| had.without(&flags));
                check_changed(&rows, uids, modseq, |_| flags.clone());
            }
            let leaf = MessageLeaf::pack(&rows);
            let picked: Vec<Row> = rows.iter().filter(|row| some.contains(row.uid)).cloned().collect();
            if !picked.is_empty() {
                let cut = leaf.pick(|at| some.contains(rows[at].uid));
                assert_eq!(cut, MessageLeaf::pack(&picked), "seed {seed}");
            }
            let (before, behind) = rows.split_at(dice.below(rows.len()));
            if !before.is_empty() {
                let joined = MessageLeaf::pack(before).join(&MessageLeaf::pack(behind));
                assert_eq!(joined, leaf, "seed {seed}");
            }
        }
    }
}
