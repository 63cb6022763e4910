//! Folding what the store has into states.

use crate::Error;
use crate::roll::Roll;
use bytes::Bytes;
use mailbox::account::directory::Said;
use mailbox::account::{Account, AccountEvent};
use mailbox::{Event, MailboxState};
use std::sync::Arc;
use store::{Seq, Snapshot, Store, StreamId};

/// Events read at a time.
const BATCH: usize = 1_024;
/// As many octets of events are decoded, and folded in, together.
const DECODED_OCTETS: usize = 256 << 10;

/// What it costs to read an event beside its own octets, reckoned in octets of a snapshot: to find it, to test it, and to
/// fold it in. Its record in the log has about as many around it.
const AROUND_EVENT: usize = 128;

/// What events weigh in a tail.
pub(crate) fn weight<'e>(events: impl Iterator<Item = &'e Bytes>) -> usize {
    events.map(|event| event.len() + AROUND_EVENT).sum()
}

/// A state and the event up to which it is the fold.
#[derive(Clone, Debug)]
pub(crate) struct At<S> {
    pub(crate) seq: Seq,
    pub(crate) state: S,
}

/// What has been written since the newest snapshot: when it outweighs half of that, a new one is due.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tail {
    /// Octets of the newest snapshot.
    pub(crate) snapshot: usize,
    /// What the events behind it weigh.
    pub(crate) events: usize,
    pub(crate) summary: Summary,
}

/// What a stream says of where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Summary {
    #[default]
    Fits,
    /// It is of an earlier event, or there is none: the last one is lost, and until it is restated nothing can be
    /// written.
    Lost,
}

/// How far one can follow a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// All of it is folded in.
    TheEnd(Summary),
    /// What comes next is not there: it was trimmed, or lost.
    AGap,
}

/// What a stream's events come to.
pub(crate) trait Fold {
    /// Whether this event, the first that is kept and not of a snapshot, begins to say all anew: a repair has said so.
    /// Else what was before it is missing.
    fn begins_anew(event: &[u8]) -> bool;

    /// Takes in one more event.
    fn fold(&mut self, event: &[u8]) -> Result<(), String>;

    /// Takes in these, one behind the other.
    fn fold_all<'e>(&mut self, mut events: impl Iterator<Item = &'e [u8]>) -> Result<(), String> {
        events.try_for_each(|event| self.fold(event))
    }
}

impl<S: Fold> At<S> {
    /// Folds in what of `events` it has not seen, and says how many that were. Where one is missing nothing is folded
    /// on: a state with a hole would give a UID twice.
    pub(crate) fn follow(&mut self, stream: StreamId, events: &[store::Event]) -> Result<usize, Error> {
        let seen = events.partition_point(|event| event.seq <= self.seq);
        let new = events.get(seen..).unwrap_or_default();
        let mut seq = self.seq;
        for (at, event) in new.iter().enumerate() {
            if event.seq != seq.plus(1) && !(at == 0 && self.begins_anew_with(event)) {
                return Err(Error::damaged(stream, format!("event {} is missing", seq.plus(1).0)));
            }
            seq = event.seq;
        }
        let payloads = new.iter().map(|event| &*event.payload);
        self.state.fold_all(payloads).map_err(|why| Error::damaged(stream, why))?;
        self.seq = seq;
        Ok(new.len())
    }

    /// Whether the first of `events` is one that it has seen, or the next.
    pub(crate) fn joins(&self, events: &[store::Event]) -> bool {
        let joins = |first: &store::Event| first.seq <= self.seq.plus(1) || self.begins_anew_with(first);
        events.first().is_none_or(joins)
    }

    fn begins_anew_with(&self, event: &store::Event) -> bool {
        self.seq == Seq::NONE && S::begins_anew(&event.payload)
    }

    /// Folds in all that lies behind it, as far as that is there, and adds what it weighs.
    pub(crate) async fn catch_up(
        &mut self,
        store: &dyn Store,
        stream: StreamId,
        weighed: &mut usize,
    ) -> Result<Reached, Error> {
        loop {
            let events = store.read(stream, self.seq, BATCH).await?;
            if events.is_empty() {
                let head = store.heads(&[stream]).await?.into_iter().flatten().next();
                let last = head.map_or(Seq::NONE, |(last, _)| last);
                let all = last <= self.seq;
                let summary = if last < self.seq { Summary::Lost } else { Summary::Fits };
                // What came in between the two looks is read with the next batch.
                let more = !all && !store.read(stream, self.seq, 1).await?.is_empty();
                match (all, more) {
                    (true, _) => return Ok(Reached::TheEnd(summary)),
                    (false, true) => continue,
                    (false, false) => return Ok(Reached::AGap),
                }
            }
            if !self.joins(&events) {
                return Ok(Reached::AGap);
            }
            self.follow(stream, &events)?;
            *weighed += weight(events.iter().map(|event| &event.payload));
        }
    }

    /// Reads a batch of what lies behind it, and says how many octets of events that were; `None` at the end. A batch
    /// may be short because its events are long: only an empty one is the end.
    pub(crate) async fn read_on(
        &mut self,
        store: &dyn Store,
        stream: StreamId,
    ) -> Result<Option<usize>, Error> {
        let events = store.read(stream, self.seq, BATCH).await?;
        let folded = self.follow(stream, &events)?;
        Ok((folded > 0).then(|| events.iter().map(|event| event.payload.len()).sum()))
    }
}

/// The mailbox as the store has it: newest snapshot and tail.
pub(crate) async fn mailbox(
    store: &dyn Store,
    stream: StreamId,
) -> Result<Option<(At<MailboxState>, Tail)>, Error> {
    let begin = |snapshot: Option<&Snapshot>| snapshot.map(|s| restored(stream, s)).transpose();
    let (At { seq, state }, tail) = newest(store, stream, begin).await?;
    Ok(state.map(|state| (At { seq, state }, tail)))
}

/// The newest snapshot with all that lies behind it. A purge may trim what is about to be read: then there is a newer
/// snapshot, which stands for it.
async fn newest<S: Fold>(
    store: &dyn Store,
    stream: StreamId,
    begin: impl Fn(Option<&Snapshot>) -> Result<S, Error>,
) -> Result<(At<S>, Tail), Error> {
    let mut snapshot = store.snapshot_at(stream, Seq(u64::MAX)).await?;
    loop {
        let place = |snapshot: &Option<Snapshot>| snapshot.as_ref().map(|s| s.at).unwrap_or_default();
        let mut at = At { seq: place(&snapshot), state: begin(snapshot.as_ref())? };
        let octets = snapshot.iter().flat_map(|s| &s.pieces).map(Bytes::len).sum();
        let mut tail = Tail { snapshot: octets, ..Tail::default() };
        if let Reached::TheEnd(summary) = at.catch_up(store, stream, &mut tail.events).await? {
            return Ok((at, Tail { summary, ..tail }));
        }
        let newer = store.snapshot_at(stream, Seq(u64::MAX)).await?;
        if place(&newer) <= at.seq {
            return Err(Error::damaged(stream, format!("event {} is missing", at.seq.plus(1).0)));
        }
        snapshot = newer;
    }
}

/// What a snapshot of a mailbox says.
pub(crate) fn restored(stream: StreamId, snapshot: &Snapshot) -> Result<MailboxState, Error> {
    let state = MailboxState::restore(snapshot.pieces.iter().map(|piece| &**piece));
    state.map_err(|why| Error::damaged(stream, why))
}

/// The account as the store has it, and what its stream says of where it stands.
pub(crate) async fn account(
    store: &dyn Store,
    stream: StreamId,
) -> Result<(At<Arc<Account>>, Summary), Error> {
    let (at, tail) = newest(store, stream, |snapshot| named(stream, snapshot)).await?;
    Ok((at, tail.summary))
}

/// The account as its newest snapshot at or before `seq` says: as its first day where there is none.
pub(crate) async fn account_before(
    store: &dyn Store,
    stream: StreamId,
    seq: Seq,
) -> Result<At<Arc<Account>>, Error> {
    let snapshot = store.snapshot_at(stream, seq).await?;
    let seq = snapshot.as_ref().map(|snapshot| snapshot.at).unwrap_or_default();
    Ok(At { seq, state: named(stream, snapshot.as_ref())? })
}

/// What a snapshot of an account says.
pub(crate) fn named(stream: StreamId, snapshot: Option<&Snapshot>) -> Result<Arc<Account>, Error> {
    let Some(snapshot) = snapshot else { return Ok(Arc::new(Account::new())) };
    let state = Account::decode(&snapshot.pieces.concat());
    Ok(Arc::new(state.map_err(|why| Error::damaged(stream, why))?))
}

/// Up to which event a stream was trimmed. One of which nothing is left but its snapshot was trimmed wherever that is.
pub(crate) async fn trimmed(store: &dyn Store, stream: StreamId) -> Result<Seq, Error> {
    let first = store.read(stream, Seq::NONE, 1).await?.first().map(|event| event.seq);
    Ok(first.map_or(Seq(u64::MAX), |first| Seq(first.0.saturating_sub(1))))
}

impl Fold for MailboxState {
    fn begins_anew(_: &[u8]) -> bool {
        false
    }

    fn fold(&mut self, event: &[u8]) -> Result<(), String> {
        let event = Event::decode(event).map_err(|why| why.to_string())?;
        *self = self.apply(&event).map_err(|why| why.to_string())?;
        Ok(())
    }

    fn fold_all<'e>(&mut self, events: impl Iterator<Item = &'e [u8]>) -> Result<(), String> {
        let (mut next, mut together, mut octets) = (self.clone(), Vec::new(), 0);
        for event in events {
            octets += event.len();
            together.push(Event::decode(event).map_err(|why| why.to_string())?);
            if octets >= DECODED_OCTETS {
                next = next.apply_all(&together).map_err(|why| why.to_string())?;
                together.clear();
                octets = 0;
            }
        }
        *self = next.apply_all(&together).map_err(|why| why.to_string())?;
        Ok(())
    }
}

/// `None` is a stream without events.
impl Fold for Option<MailboxState> {
    fn begins_anew(_: &[u8]) -> bool {
        false
    }

    fn fold(&mut self, event: &[u8]) -> Result<(), String> {
        if let Some(state) = self {
            return state.fold(event);
        }
        let created = Event::decode(event).map_err(|why| why.to_string())?;
        *self = Some(MailboxState::fold([&created]).map_err(|why| why.to_string())?);
        Ok(())
    }

    fn fold_all<'e>(&mut self, mut events: impl Iterator<Item = &'e [u8]>) -> Result<(), String> {
        if self.is_none()
            && let Some(created) = events.next()
        {
            self.fold(created)?;
        }
        self.as_mut().map_or(Ok(()), |state| state.fold_all(events))
    }
}

impl Fold for Arc<Account> {
    fn begins_anew(event: &[u8]) -> bool {
        AccountEvent::decode(event) == Ok(AccountEvent::BegunAnew)
    }

    fn fold(&mut self, event: &[u8]) -> Result<(), String> {
        let event = AccountEvent::decode(event).map_err(|why| why.to_string())?;
        Self::make_mut(self).apply(&event).map_err(|why| why.to_string())
    }
}

impl Fold for Arc<Roll> {
    /// The directory has no snapshots.
    fn begins_anew(_: &[u8]) -> bool {
        true
    }

    fn fold(&mut self, event: &[u8]) -> Result<(), String> {
        match Said::decode(event).map_err(|why| why.to_string())?.into_news() {
            Some(event) => Self::make_mut(self).apply(&event).map_err(|why| why.to_string()),
            None => Ok(()),
        }
    }
}
