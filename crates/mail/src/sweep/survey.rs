//! What an account holds and could bring back, found out before anything goes.
//!
//! All streams are followed from the cut to their ends: so what cannot be read is met here, where nothing has gone yet.
//! How far each is old is bounded by where all of them stood at one moment. A message that is moved meanwhile, out of a
//! mailbox that is looked at later into one that was looked at before, was in the first at that moment, and stays.

use super::restorable::{Births, Restorable};
use super::{Cut, Thoroughness};
use crate::Error;
use crate::account::Account;
use crate::load::{self, At};
use crate::mailbox::MIN_TAIL;
use crate::past::Replay;
use mailbox::account::{self as names, AccountEvent, MailboxId};
use mailbox::{Appended, Birth, Event, MailboxState};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{EmailId, Seq, Snapshot, StreamId};
use terms::{AccountId, Uid};

/// Events read at a time.
const BATCH: usize = 1_024;
const LOST_SUMMARY: &str = "nothing says any more where it stands";

/// What a sweep goes by.
pub(super) struct Survey {
    pub(super) restorable: Restorable,
    /// Streams, and the events up to which they can be trimmed: snapshots of these places were read back and compared.
    pub(super) trims: Vec<(StreamId, Seq)>,
    /// Streams of mailboxes that were deleted before the cut.
    pub(super) drops: Vec<StreamId>,
}

/// How much of a stream lies before the cut.
#[derive(Clone, Copy)]
struct Old {
    /// The last event that was trimmed before.
    trimmed: Seq,
    /// The last event before the cut; where that is none, the last that was trimmed.
    last: Seq,
}

impl Old {
    const fn is_nothing(self) -> bool {
        self.last.0 <= self.trimmed.0
    }
}

impl Account {
    pub(super) async fn survey(&self, cut: &Cut) -> Result<Survey, Error> {
        let own = StreamId { account: self.id(), number: 0 };
        // Before the streams: what is made between the two counts as new.
        let (At { state, seq }, _) = load::account(&*self.store, own).await?;
        let last_mailbox = state.last_id().map_or(0, MailboxId::get);
        let streams = self.store.list_streams(self.id()).await?;
        let mut survey =
            Survey { restorable: Restorable::up_to(last_mailbox), trims: Vec::new(), drops: Vec::new() };
        let Some((_, standing, _)) = streams.iter().find(|(stream, ..)| *stream == own) else {
            // Nothing was ever done in it; else its summary is lost, and what it does not tell would be taken for deleted.
            let is_new = seq == Seq::NONE && streams.is_empty();
            return if is_new { Ok(survey) } else { Err(Error::damaged(own, LOST_SUMMARY)) };
        };
        let is_there = |mailbox: MailboxId| streams.iter().any(|(stream, ..)| stream.number == mailbox.get());
        if let Some((_, lost)) = state.mailboxes().find(|(_, mailbox)| !is_there(mailbox.id)) {
            return Err(Error::damaged(self.stream_of(lost.id), LOST_SUMMARY));
        }
        let old_names = self.old(own, *standing, cut.before_ms, cut).await?;
        let deleted = self.deleted_by(own, old_names.last).await?;
        for (stream, standing, _) in streams.iter().filter(|(stream, ..)| *stream != own) {
            let followed = self.follow_stream(*stream, *standing, cut).await?;
            let is_named = MailboxId::new(stream.number).is_some_and(|id| state.name(id).is_some());
            if !is_named && deleted.contains(&stream.number) && cut.reaches(stream.number) {
                survey.drops.push(*stream);
            } else if let Some((births, uid_next, trim)) = followed {
                survey.restorable.add(stream.number, uid_next, births);
                survey.trims.extend(trim.map(|through| (*stream, through)));
            }
            tokio::task::yield_now().await;
        }
        // Last: what it tells of deleted mailboxes is needed until their streams are gone.
        let trim = self.trim_of_names(own, old_names, cut).await?;
        survey.trims.extend(trim.map(|through| (own, through)));
        Ok(survey)
    }

    /// How much of a stream happened by `before_ms`, of what it had when it stood there. An event is as old as the
    /// youngest before it: clocks are set back. One from the future tells nothing, and is as old as what comes behind it.
    async fn old(&self, stream: StreamId, standing: Seq, before_ms: i64, cut: &Cut) -> Result<Old, Error> {
        let (mut seen, mut youngest) = (Seq::NONE, i64::MIN);
        let mut old: Option<Old> = None;
        loop {
            let events = self.store.read(stream, seen, BATCH).await?;
            if events.is_empty() {
                // Trimmed to its end.
                return Ok(old.unwrap_or(Old { trimmed: standing, last: standing }));
            }
            for event in events {
                let before = Seq(event.seq.0.saturating_sub(1));
                let so_far = old.get_or_insert(Old { trimmed: before, last: before });
                seen = event.seq;
                if event.seq > standing {
                    return Ok(*so_far);
                }
                if event.time_ms > cut.plausible_ms {
                    continue;
                }
                youngest = youngest.max(event.time_ms);
                if youngest > before_ms {
                    return Ok(*so_far);
                }
                so_far.last = event.seq;
            }
        }
    }

    /// The mailboxes that were deleted by then and have not come back since, though they may have gone again.
    async fn deleted_by(&self, own: StreamId, last: Seq) -> Result<BTreeSet<u32>, Error> {
        let (mut seen, mut deleted) = (Seq::NONE, BTreeSet::new());
        loop {
            let events = self.store.read(own, seen, BATCH).await?;
            let Some(newest) = events.last().map(|event| event.seq) else { return Ok(deleted) };
            for event in events {
                match AccountEvent::decode(&event.payload).map_err(|why| Error::damaged(own, why))? {
                    AccountEvent::Deleted { id } | AccountEvent::Withdrawn { id } if event.seq <= last => {
                        deleted.insert(id.get());
                    }
                    AccountEvent::Undeleted { id, .. } => {
                        deleted.remove(&id.get());
                    }
                    _ => {}
                }
            }
            seen = newest;
        }
    }

    /// The messages that a stream holds or held since the cut, its UIDNEXT, and up to where it can be trimmed. `None`
    /// where it has no state: nothing was ever written to it.
    async fn follow_stream(
        &self,
        stream: StreamId,
        standing: Seq,
        cut: &Cut,
    ) -> Result<Option<(Births, Uid, Option<Seq>)>, Error> {
        let before_ms = if cut.reaches(stream.number) { cut.before_ms } else { i64::MIN };
        let old = self.old(stream, standing, before_ms, cut).await?;
        let mut replay = Replay::begin(&*self.store, stream, old.last).await?;
        let mut tail = 0;
        while let Some(event) = replay.next(old.last).await? {
            tail += load::weight(std::iter::once(&event.payload));
            replay.take(event)?;
        }
        let mut births = Births::default();
        if let Some(state) = &replay.at.state {
            every_row(state, self.id(), &mut births);
        }
        let trim = match &replay.at.state {
            Some(state) if !old.is_nothing() => {
                let at = At { seq: replay.at.seq, state: state.clone() };
                let due = tail > MIN_TAIL.max(replay.begun.octets / 2);
                self.trim_of(stream, old, (replay.begun.at, due), at, cut.thoroughness).await?
            }
            _ => None,
        };
        while let Some(event) = replay.next(Seq(u64::MAX)).await? {
            let decoded = Event::decode(&event.payload).map_err(|why| Error::damaged(stream, why))?;
            if let Event::Appended(appended) = decoded {
                every_arrival(stream, &appended, &mut births);
            }
            replay.take(event)?;
        }
        Ok(replay.at.state.map(|state| (births, state.uid_next(), trim)))
    }

    /// Up to where a stream can be trimmed. `newest` is the newest snapshot before the cut, and whether so much lies
    /// behind it that one is due at the cut itself, where `at` stands.
    async fn trim_of(
        &self,
        stream: StreamId,
        old: Old,
        newest: (Seq, bool),
        at: At<MailboxState>,
        thoroughness: Thoroughness,
    ) -> Result<Option<Seq>, Error> {
        let wanted = newest.1 || thoroughness == Thoroughness::Complete;
        let newest = if wanted && newest.0 < at.seq {
            let snapshot = Snapshot { at: at.seq, pieces: at.state.snapshot() };
            self.store.put_snapshot(stream, snapshot).await?;
            at.seq
        } else {
            newest.0
        };
        let through = match thoroughness {
            Thoroughness::Complete => Some(newest),
            Thoroughness::Careful => {
                let before = Seq(newest.0.saturating_sub(1));
                self.store.snapshot_at(stream, before).await?.map(|snapshot| snapshot.at)
            }
        };
        let Some(through) = through.filter(|through| *through > old.trimmed) else { return Ok(None) };
        self.compare(stream, &[through, newest]).await?;
        Ok(Some(through))
    }

    /// Holds snapshots, read back, against the fold of all that is kept of their stream.
    async fn compare(&self, stream: StreamId, places: &[Seq]) -> Result<(), Error> {
        let mut replay = Replay::begin(&*self.store, stream, Seq::NONE).await?;
        for &place in places {
            while let Some(event) = replay.next(place).await? {
                replay.take(event)?;
            }
            let snapshot = self.store.snapshot_at(stream, place).await?;
            let snapshot = snapshot.filter(|snapshot| snapshot.at == place);
            let read = snapshot.map(|snapshot| load::restored(stream, &snapshot)).transpose()?;
            let same = match (&read, &replay.at.state) {
                (Some(read), Some(folded)) => read.says_the_same_as(folded),
                _ => false,
            };
            if !same {
                let what = format!("its snapshot behind event {} says otherwise than its events", place.0);
                return Err(Error::damaged(stream, what));
            }
        }
        Ok(())
    }

    /// Up to where the account's own list of names can be trimmed: only a purge asks for that, for there is little of it.
    async fn trim_of_names(&self, own: StreamId, old: Old, cut: &Cut) -> Result<Option<Seq>, Error> {
        let is_asked_for = cut.thoroughness == Thoroughness::Complete && cut.reaches(own.number);
        if !is_asked_for || old.is_nothing() {
            return Ok(None);
        }
        let folded = self.names_at(own, old.last).await?;
        let pieces = folded.encode();
        let pieces = pieces.chunks(store::MAX_SNAPSHOT_PIECE).map(bytes::Bytes::copy_from_slice).collect();
        self.store.put_snapshot(own, Snapshot { at: old.last, pieces }).await?;
        let read = load::account_before(&*self.store, own, old.last).await?;
        if read.seq != old.last || read.state != folded {
            return Err(Error::damaged(own, "its snapshot says otherwise than its events"));
        }
        Ok(Some(old.last))
    }

    async fn names_at(&self, own: StreamId, last: Seq) -> Result<Arc<names::Account>, Error> {
        let mut at = load::account_before(&*self.store, own, last).await?;
        while at.seq < last {
            let mut events = self.store.read(own, at.seq, BATCH).await?;
            events.retain(|event| event.seq <= last);
            if at.follow(own, &events)? == 0 {
                return Err(Error::damaged(own, format!("event {} is missing", at.seq.plus(1).0)));
            }
        }
        Ok(at.state)
    }
}

fn every_row(state: &MailboxState, account: AccountId, births: &mut Births) {
    let uids = state.uids(Uid::MIN);
    state.reader(account).rows(&uids).for_each(|row| births.push(row.email));
}

fn every_arrival(stream: StreamId, appended: &Appended, births: &mut Births) {
    for (message, uid) in appended.messages.iter().zip(appended.first.get()..=u32::MAX) {
        births.push(match message.birth {
            Birth::Here => EmailId { mailbox: stream.number, uid },
            Birth::Elsewhere(email) => email,
        });
    }
}
