//! A mailbox through one account's eyes.

use super::MailboxState;
use crate::private::{Mark, MarkLeaf, Private, Seen};
use crate::row::{Flagged, MessageLeaf, Row};
use crate::tree::{Leaf, Lookup, Walk, Wanted};
use crate::{FlagSet, SystemFlags};
use terms::{AccountId, ModSeq, SeqNum, Uid, UidSet};

/// The messages of a mailbox as one account sees them: `\Seen` is its own, and so is what that does to MODSEQs.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    state: &'a MailboxState,
    private: Option<&'a Private>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(state: &'a MailboxState, account: AccountId) -> Self {
        Self { state, private: state.privates.get(&account) }
    }

    pub(crate) const fn state(&self) -> &'a MailboxState {
        self.state
    }

    /// Those of these messages that are there.
    pub(crate) fn present(&self, uids: &UidSet) -> UidSet {
        self.state.present(uids)
    }

    /// HIGHESTMODSEQ: no change that this account can see has a higher one.
    #[must_use]
    pub fn highest_modseq(&self) -> ModSeq {
        self.state.highest_shared.max(self.private.map_or(ModSeq::ZERO, |p| p.highest))
    }

    /// How many messages lack `\Seen`.
    #[must_use]
    pub fn unseen(&self) -> u32 {
        self.state.messages().saturating_sub(self.private.map_or(0, |p| p.marks.summary().marked))
    }

    /// The first message without `\Seen`: SELECT's `[UNSEEN n]`. O(log n) steps, each down one path.
    #[must_use]
    pub fn first_unseen(&self) -> Option<SeqNum> {
        let all_seen_up_to = |n: u32| {
            let uid = self.state.messages.select(n);
            uid.is_some_and(|uid| self.private.map_or(0, |p| p.marks.rank_marked(uid)) == n)
        };
        let (mut seen, mut open) = (0, self.state.messages());
        if self.unseen() == 0 {
            return None;
        }
        while open - seen > 1 {
            let middle = seen + (open - seen) / 2;
            if all_seen_up_to(middle) { seen = middle } else { open = middle }
        }
        SeqNum::new(open)
    }

    /// A message.
    #[must_use]
    pub fn row(&self, uid: Uid) -> Option<Row> {
        let mark = self.private.and_then(|p| p.marks.get(uid));
        self.state.messages.get(uid).map(|row| marked(row, mark.as_ref()))
    }

    /// A message that is gone, as it was, if it went not too long ago.
    #[must_use]
    pub fn ghost(&self, uid: Uid) -> Option<Row> {
        let mark = self.private.and_then(|p| p.graves.get(uid));
        self.state.graves.get(uid).map(|row| marked(row, mark.as_ref()))
    }

    /// Those of these messages that are there, ascending.
    #[must_use]
    pub fn rows<'u>(&self, uids: &'u UidSet) -> Rows<'a, 'u> {
        Rows {
            spans: uids.spans(),
            messages: self.state.messages.walk(Wanted::All, Uid::MIN),
            marks: self.private.map(|p| p.marks.lookup()),
        }
    }

    /// Those of these messages, which are there, that have `\Seen`.
    pub(crate) fn seen_among(&self, uids: &UidSet) -> UidSet {
        self.private.map(|p| p.seen_among(uids)).unwrap_or_default()
    }

    /// Those of these messages, which are there, whose MODSEQ is above `since`.
    pub(crate) fn changed_among(&self, uids: &UidSet, since: ModSeq) -> UidSet {
        let changed = self.state.messages.changed_among(uids, since);
        match self.private.map(|p| p.marks.changed_among(uids, since)) {
            Some(marked) if !marked.is_empty() => changed.union(&marked),
            _ => changed,
        }
    }

    /// Looks messages up whose UIDs ascend.
    #[must_use]
    pub fn lookup(&self) -> RowLookup<'a> {
        RowLookup { messages: self.state.messages.lookup(), marks: self.private.map(|p| p.marks.lookup()) }
    }

    /// Looks up what may change of messages, whose UIDs ascend.
    #[must_use]
    pub fn flags_lookup(&self) -> FlagsLookup<'a> {
        let messages = self.state.messages.walk(Wanted::All, Uid::MIN);
        FlagsLookup { messages, marks: self.private.map(|p| p.marks.walk(Wanted::All, Uid::MIN)) }
    }

    /// The messages from `from` on whose MODSEQ is above `since`, ascending by UID. Visits only the parts of
    /// the mailbox that changed.
    #[must_use]
    pub fn changed(&self, since: ModSeq, from: Uid) -> Changed<'a> {
        self.walk_changed(Wanted::Since(since), from)
    }

    /// The same without those of some messages that have not changed behind another MODSEQ; it does not visit them.
    pub(crate) fn changed_but(
        &self,
        since: ModSeq,
        (settled, through): (&'a UidSet, ModSeq),
        from: Uid,
    ) -> Changed<'a> {
        self.walk_changed(Wanted::Untold { since, settled: settled.spans(), through }, from)
    }

    fn walk_changed(&self, wanted: Wanted<'a>, from: Uid) -> Changed<'a> {
        Changed {
            all: self.lookup(),
            messages: self.state.messages.walk(wanted, from),
            message: None,
            marks: self.private.map(|p| p.marks.walk(wanted, from)),
            mark: None,
        }
    }
}

/// The row as it is for the account whose mark this is.
#[inline]
fn marked(mut row: Row, mark: Option<&Mark>) -> Row {
    if let Some(mark) = mark {
        row.modseq = row.modseq.max(mark.modseq);
        if mark.seen == Seen::Yes {
            row.flags.system = row.flags.system.with(SystemFlags::SEEN);
        }
    }
    row
}

/// The same of a row that has not been unpacked.
#[inline]
fn marked_flags<'a>(flagged: Flagged<'a>, mark: Option<&Mark>) -> Flagged<'a> {
    let Some(mark) = mark else { return flagged };
    let seen = if mark.seen == Seen::Yes { SystemFlags::SEEN } else { SystemFlags::default() };
    Flagged { modseq: flagged.modseq.max(mark.modseq), system: flagged.system.with(seen), ..flagged }
}

impl MailboxState {
    /// Those of these messages that are there.
    #[must_use]
    pub fn present(&self, uids: &UidSet) -> UidSet {
        self.messages.present(uids)
    }

    /// Those of these messages whose shared flags are as `wanted` says, combination by combination.
    pub(crate) fn flagged(&self, uids: &UidSet, wanted: impl Fn(&FlagSet) -> bool) -> UidSet {
        let mut flagged = UidSet::new();
        for (leaf, part) in self.messages.parts(uids) {
            let wanted: Vec<bool> = leaf.combinations().iter().map(&wanted).collect();
            part.places(leaf).for_each(|rows| leaf.name_some(rows, &wanted, &mut flagged));
        }
        flagged
    }

    /// Goes through the combinations of shared flags that these messages have: each at least once, and not many more
    /// times than there are leaves.
    pub(crate) fn each_combination(&self, uids: &UidSet, mut each: impl FnMut(&FlagSet)) {
        for (leaf, part) in self.messages.parts(uids) {
            leaf.combinations_of(part.places(leaf)).into_iter().for_each(&mut each);
        }
    }
}

/// Looks up what may change of messages one behind the other, and unpacks nothing else.
pub struct FlagsLookup<'a> {
    messages: Walk<'a, MessageLeaf>,
    marks: Option<Walk<'a, MarkLeaf>>,
}

impl<'a> FlagsLookup<'a> {
    /// A message that is behind those that were found so far.
    pub fn find(&mut self, uid: Uid) -> Option<Flagged<'a>> {
        let (leaf, at) = self.messages.find(uid)?;
        let mark = self.marks.as_mut().and_then(|marks| marks.find(uid));
        let mark = mark.and_then(|(marks, at)| marks.row(at));
        Some(marked_flags(leaf.flagged(at, uid)?, mark.as_ref()))
    }
}

/// Goes along chosen messages.
pub struct Rows<'a, 'u> {
    spans: &'u [(Uid, Uid)],
    messages: Walk<'a, MessageLeaf>,
    marks: Option<Lookup<'a, MarkLeaf>>,
}

impl Rows<'_, '_> {
    fn next_message(&mut self) -> Option<Row> {
        loop {
            let &(first, _) = self.spans.first()?;
            self.messages.skip_to(first);
            let row = self.messages.next()?;
            if self.spans.first().is_some_and(|span| span.1 < row.uid) {
                let behind = self.spans.partition_point(|span| span.1 < row.uid);
                self.spans = self.spans.get(behind..).unwrap_or_default();
            }
            if self.spans.first().is_some_and(|span| span.0 <= row.uid) {
                return Some(row);
            }
        }
    }
}

impl Iterator for Rows<'_, '_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let row = self.next_message()?;
        let mark = self.marks.as_mut().and_then(|marks| marks.get(row.uid));
        Some(marked(row, mark))
    }
}

/// Looks messages up one behind the other.
pub struct RowLookup<'a> {
    messages: Lookup<'a, MessageLeaf>,
    marks: Option<Lookup<'a, MarkLeaf>>,
}

impl RowLookup<'_> {
    /// A message that is behind those that were asked for.
    pub fn row(&mut self, uid: Uid) -> Option<Row> {
        let row = self.messages.take(uid)?;
        Some(self.marked(row))
    }

    fn marked(&mut self, row: Row) -> Row {
        let mark = self.marks.as_mut().and_then(|marks| marks.get(row.uid));
        marked(row, mark)
    }
}

/// Goes along changed messages: of two trees at once, the shared and the private one.
pub struct Changed<'a> {
    messages: Walk<'a, MessageLeaf>,
    message: Option<Row>,
    marks: Option<Walk<'a, MarkLeaf>>,
    mark: Option<Uid>,
    /// What has not changed of one that has: its row, or its mark.
    all: RowLookup<'a>,
}

impl Changed<'_> {
    /// How many nodes of the trees were looked into so far to find what changed.
    #[must_use]
    pub fn visits(&self) -> usize {
        self.messages.visits + self.marks.as_ref().map_or(0, |marks| marks.visits)
    }
}

impl Iterator for Changed<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.message.is_none() {
            self.message = self.messages.next();
        }
        if self.mark.is_none() {
            self.mark = self.marks.as_mut().and_then(Iterator::next).map(|mark| mark.uid);
        }
        let message = self.message.as_ref().map(|row| row.uid);
        let next = message.into_iter().chain(self.mark).min()?;
        self.mark.take_if(|uid| *uid == next);
        match self.message.take_if(|row| row.uid == next) {
            Some(row) => Some(self.all.marked(row)),
            None => self.all.row(next),
        }
    }
}
