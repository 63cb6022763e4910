//! A mailbox put together from what is left of its events, where some are lost.
//!
//! What can be known is kept: whatever a client was told of a message that is still known stays true, but for its flags,
//! which are as they were last known. What can only be guessed is named by whoever asks: messages that lost events may
//! have brought ([`Salvage::in_doubt`]) are put back if their octets are found. Numbers are passed over, so that none is
//! given twice, and what clients know by MODSEQ counts no more (RFC 7162, 3.2.5.2 lets them be told all anew).

use super::{MailboxState, Misfit};
use crate::row::Row;
use crate::{Created, Event, FlagSet, FlagsChanged, Head, LimitReached};
use terms::{EmailId, InternalDate, ModSeq, Uid, UidSet, UidValidity};

/// A mailbox on its way back.
#[derive(Clone, Debug)]
pub struct Salvage {
    state: MailboxState,
    lost: u64,
    /// UIDs that a lost event may have given.
    in_doubt: UidSet,
    /// Those of them that are gone again for sure.
    gone: UidSet,
    /// What happened to the flags of those of them that are not.
    marks: Vec<FlagsChanged>,
}

/// A message of which no event is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foundling {
    /// Its UID, which it has always had.
    pub uid: Uid,
    /// Its identity.
    pub email: EmailId,
    /// A guess.
    pub internal_date: InternalDate,
    /// RFC822.SIZE, in octets.
    pub size: u64,
}

/// How a mailbox goes on.
#[derive(Clone, Copy, Debug)]
pub struct GoingOn<'a> {
    /// The number of the event that the state is to be the fold of; not below that of the last event.
    pub seq: u64,
    /// The last summary that is known: nothing is given below its numbers.
    pub head: Option<&'a Head>,
    /// UIDs to be passed over.
    pub uids: u32,
    /// MODSEQs to be passed over.
    pub modseqs: u64,
    /// Another UIDVALIDITY, where what clients have in their caches cannot be right any more.
    pub uid_validity: Option<UidValidity>,
}

impl Salvage {
    /// From a state that is known. What comes behind it is told by [`Self::take`] and [`Self::lose`], in order.
    #[must_use]
    pub fn of(state: MailboxState) -> Self {
        let (in_doubt, gone) = (UidSet::new(), UidSet::new());
        Self { state, lost: 0, in_doubt, gone, marks: Vec::new() }
    }

    /// Where not even the beginning is left: `created` says what is known of it.
    ///
    /// # Errors
    /// No MODSEQ is left.
    pub fn without_beginning(created: &Created) -> Result<Self, Misfit> {
        Ok(Self { lost: 1, ..Self::of(MailboxState::create(created)?) })
    }

    /// UIDNEXT, as far as is known.
    #[must_use]
    pub const fn uid_next(&self) -> Uid {
        self.state.uid_next
    }

    /// How many events are lost, those among them that do not fit any more.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// The number of the last event that was told of.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.state.seq
    }

    /// What it is where nothing was lost.
    #[must_use]
    pub fn exact(&self) -> Option<&MailboxState> {
        (self.lost == 0).then_some(&self.state)
    }

    /// So many events cannot be read.
    pub const fn lose(&mut self, events: u64) {
        self.state.seq = self.state.seq.saturating_add(events);
        self.lost = self.lost.saturating_add(events);
    }

    /// The next event, as far as it says something of what is known.
    pub fn take(&mut self, event: &Event) {
        match self.fit(event) {
            Ok(state) => self.state = state,
            Err(_) => self.lose(1),
        }
    }

    fn fit(&mut self, event: &Event) -> Result<MailboxState, Misfit> {
        if self.lost == 0 {
            return self.state.apply(event);
        }
        match event {
            Event::Appended(appended) if appended.first > self.state.uid_next => {
                self.doubt_until(appended.first);
                let mut jumped = self.state.clone();
                jumped.uid_next = appended.first;
                jumped.apply(event)
            }
            Event::Skipped { uid_next, .. } => {
                self.doubt_until(*uid_next);
                self.state.apply(event)
            }
            Event::FlagsChanged(changed) => self.change_flags(changed),
            Event::Expunged { uids } => {
                let known = self.known(uids);
                self.gone = self.gone.union(&uids.difference(&known));
                self.apply_or_pass(known, |uids| Event::Expunged { uids })
            }
            Event::Created(_) | Event::Appended(_) => self.state.apply(event),
        }
    }

    fn change_flags(&mut self, changed: &FlagsChanged) -> Result<MailboxState, Misfit> {
        let known = self.known(&changed.uids);
        let unknown = changed.uids.difference(&known);
        if !unknown.is_empty() {
            self.marks.push(FlagsChanged { uids: unknown, ..changed.clone() });
        }
        self.apply_or_pass(known, |uids| Event::FlagsChanged(FlagsChanged { uids, ..changed.clone() }))
    }

    /// Of an event that speaks of nothing that is known, only the number counts.
    fn apply_or_pass(
        &self,
        known: UidSet,
        event: impl FnOnce(UidSet) -> Event,
    ) -> Result<MailboxState, Misfit> {
        if !known.is_empty() {
            return self.state.apply(&event(known));
        }
        let mut passed = self.state.clone();
        passed.seq += 1;
        Ok(passed)
    }

    fn known(&self, uids: &UidSet) -> UidSet {
        if self.state.must_hold(uids).is_ok() {
            return uids.clone();
        }
        uids.intersection(&self.state.uids(uids.first().unwrap_or(Uid::MIN)))
    }

    fn doubt_until(&mut self, uid_next: Uid) {
        if let Some(last) = Uid::new(uid_next.get() - 1).filter(|last| *last >= self.state.uid_next) {
            self.in_doubt.push_range(self.state.uid_next, last);
        }
    }

    /// The UIDs of messages that may have been there, and of which no event is left. `head` is the last summary, where
    /// that is known.
    #[must_use]
    pub fn in_doubt(&self, head: Option<&Head>) -> UidSet {
        let mut all = self.clone();
        if self.lost > 0 {
            all.doubt_until(head.map_or(Uid::MAX, |head| head.uid_next));
        }
        all.in_doubt.difference(&self.gone)
    }

    /// The mailbox with what was found again, as it goes on.
    ///
    /// # Errors
    /// There are not so many numbers left to be passed over.
    pub fn finish(self, found: &[Foundling], on: GoingOn<'_>) -> Result<MailboxState, LimitReached> {
        let marks = self.marks.clone();
        let mut state = self.with(found);
        for mark in marks {
            let uids = mark.uids.intersection(&state.uids(Uid::MIN));
            // What changes nothing that is there, or cannot, is left out.
            let changed = Event::FlagsChanged(FlagsChanged { uids, ..mark });
            if let Ok(marked) = state.apply(&changed) {
                state = marked;
            }
        }
        state.seq = on.seq;
        state.pass_over(on)?;
        Ok(state)
    }

    fn with(self, found: &[Foundling]) -> MailboxState {
        let mut state = self.state;
        let uids: UidSet = found.iter().map(|found| found.uid).collect();
        let uids = uids.difference(&state.uids(Uid::MIN));
        let modseq = state.last_modseq();
        state.messages = state.messages.edit_rows(&uids, |mut rows, part| {
            let here = found.iter().filter(|found| part.contains(found.uid));
            rows.extend(here.map(|found| found.row(modseq)));
            rows.sort_by_key(|row: &Row| row.uid);
            rows
        });
        let behind = uids.last().and_then(Uid::next);
        state.uid_next = behind.map_or(state.uid_next, |behind| behind.max(state.uid_next));
        state
    }
}

impl Foundling {
    fn row(&self, modseq: ModSeq) -> Row {
        let Self { uid, email, internal_date, size } = *self;
        let save_date = internal_date.seconds();
        Row { uid, email, flags: FlagSet::default(), modseq, internal_date, size, save_date }
    }
}

impl MailboxState {
    fn pass_over(&mut self, on: GoingOn<'_>) -> Result<(), LimitReached> {
        let given = on.head.map_or(self.uid_next, |head| head.uid_next.max(self.uid_next));
        self.uid_next = given.get().checked_add(on.uids).and_then(Uid::new).ok_or(LimitReached::Uids)?;
        let known = self.modseq_in(0).ok_or(LimitReached::ModSeqs)?;
        let known = on.head.map_or(known, |head| head.highest_modseq.max(known));
        let now = known.plus(on.modseqs).ok_or(LimitReached::ModSeqs)?;
        self.modseq_base = ModSeq::new(now.get() - self.seq).ok_or(LimitReached::ModSeqs)?;
        self.highest_shared = now;
        self.expunges.forget(now);
        self.skipped = now;
        self.uid_validity = on.uid_validity.unwrap_or(self.uid_validity);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Appended, Birth, Flags, NewMessage, Scope, SystemFlags};
    use terms::AccountId;

    const ANN: AccountId = AccountId(1);

    fn uid(n: u32) -> Uid {
        Uid::new(n).unwrap()
    }

    fn uids(numbers: &[u32]) -> UidSet {
        numbers.iter().map(|n| uid(*n)).collect()
    }

    fn created() -> Event {
        Event::Created(Created {
            stream: 9,
            owner: ANN,
            uid_validity: UidValidity::new(7).unwrap(),
            uid_next: Uid::MIN,
            modseq_base: ModSeq::ZERO,
        })
    }

    fn appended(first: u32, count: usize) -> Event {
        let message = NewMessage {
            birth: Birth::Here,
            flags: Flags::NONE,
            internal_date: InternalDate::new(1_700_000_000, 0).unwrap(),
            size: 10,
            save_date: 1_700_000_000,
        };
        Event::Appended(Appended { first: uid(first), reader: ANN, messages: vec![message; count] })
    }

    fn flagged(which: &[u32]) -> Event {
        Event::FlagsChanged(FlagsChanged {
            scope: Scope::Shared,
            uids: uids(which),
            add: Flags::system(SystemFlags::FLAGGED),
            remove: Flags::NONE,
        })
    }

    fn history() -> Vec<Event> {
        vec![
            created(),
            appended(1, 3),
            flagged(&[1, 3]),
            appended(4, 2),
            Event::Expunged { uids: uids(&[2, 4]) },
            flagged(&[5]),
            appended(6, 1),
        ]
    }

    /// What is left of the history without these events; the first one is never lost.
    fn without(lost: &[usize]) -> Salvage {
        let mut events = history().into_iter().enumerate();
        let first = events.next().map(|(_, event)| event).unwrap();
        let mut salvage = Salvage::of(MailboxState::fold([&first]).unwrap());
        for (at, event) in events {
            if lost.contains(&at) { salvage.lose(1) } else { salvage.take(&event) }
        }
        salvage
    }

    fn whole() -> MailboxState {
        MailboxState::fold(&history()).unwrap()
    }

    fn on(head: Option<&Head>) -> GoingOn<'_> {
        GoingOn { seq: 8, head, uids: 100, modseqs: 1_000, uid_validity: None }
    }

    fn found(n: u32) -> Foundling {
        let email = EmailId { mailbox: 9, uid: n };
        Foundling { uid: uid(n), email, internal_date: InternalDate::EPOCH, size: 10 }
    }

    fn flags(state: &MailboxState) -> Vec<(u32, bool)> {
        let all = state.uids(Uid::MIN);
        let is_flagged = |row: &Row| row.flags.system.contains(SystemFlags::FLAGGED);
        state.reader(ANN).rows(&all).map(|row| (row.uid.get(), is_flagged(&row))).collect()
    }

    #[test]
    fn where_nothing_is_lost_it_is_what_it_was() {
        let salvage = without(&[]);
        assert_eq!(salvage.exact().unwrap().snapshot(), whole().snapshot());
        assert!(salvage.in_doubt(None).is_empty());
    }

    #[test]
    fn whatever_event_is_lost_no_number_is_given_twice_and_what_is_left_stays() {
        let head = whole().head();
        for lost in 1..history().len() {
            for head in [Some(&head), None] {
                let salvage = without(&[lost]);
                assert!(salvage.exact().is_none());
                let known = flags(&salvage.state);
                let state = salvage.finish(&[], on(head)).unwrap();
                assert_eq!((flags(&state), state.seq()), (known, 8), "event {lost}");
                assert!(head.is_none_or(|head| state.uid_next().get() >= head.uid_next.get() + 100));
                assert!(state.last_modseq() >= whole().last_modseq().plus(1_000).unwrap());
                assert!(!state.is_reliable(whole().last_modseq()));
                let pieces = state.snapshot();
                let read = MailboxState::restore(pieces.iter().map(|piece| &**piece)).unwrap();
                assert_eq!(read.snapshot(), pieces, "event {lost}");
            }
        }
    }

    #[test]
    fn messages_that_a_lost_event_brought_are_in_doubt_unless_they_are_gone() {
        let head = whole().head();
        assert_eq!(without(&[3]).in_doubt(Some(&head)), uids(&[5]), "4 was expunged later");
        assert_eq!(without(&[1]).in_doubt(Some(&head)), uids(&[1, 3]));
        assert_eq!(without(&[6]).in_doubt(Some(&head)), uids(&[6]));
        assert_eq!(without(&[6]).in_doubt(None).first(), Some(uid(6)));
        assert!(without(&[5]).in_doubt(Some(&head)).is_empty());
    }

    #[test]
    fn what_is_found_comes_between_its_neighbours_with_the_flags_that_are_known() {
        let head = whole().head();
        let state = without(&[3]).finish(&[found(5)], on(Some(&head))).unwrap();
        assert_eq!(flags(&state), flags(&whole()));
        let state = without(&[1, 6]).finish(&[found(3), found(1), found(6)], on(Some(&head))).unwrap();
        assert_eq!(flags(&state), flags(&whole()));
        assert!(state.uid_next() > uid(6));
        let state = without(&[1]).finish(&[found(3)], on(None)).unwrap();
        assert_eq!(flags(&state), [(3, true), (5, true), (6, false)]);
    }

    #[test]
    fn an_expunge_that_is_lost_leaves_its_messages() {
        let state = without(&[4]).finish(&[], on(None)).unwrap();
        assert_eq!(state.uids(Uid::MIN), uids(&[1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn where_numbers_run_out_that_is_said() {
        let last = GoingOn { uids: u32::MAX, ..on(None) };
        assert_eq!(without(&[4]).finish(&[], last).unwrap_err(), LimitReached::Uids);
        let last = GoingOn { modseqs: u64::MAX, ..on(None) };
        assert_eq!(without(&[4]).finish(&[], last).unwrap_err(), LimitReached::ModSeqs);
    }
}
