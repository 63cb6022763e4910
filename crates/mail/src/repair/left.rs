//! What is left of a mailbox's stream of which something is lost.

use super::BATCH;
use crate::Error;
use crate::load::At;
use mailbox::{Event, Head, MailboxState};
use std::collections::BTreeMap;
use store::{Seq, StoreError, StreamId};

/// What is left of a mailbox's stream.
pub(super) struct Left {
    /// The last event that was forgotten on purpose.
    pub(super) trimmed: Seq,
    /// Where it stands.
    pub(super) last: Seq,
    /// Its last event: further on where the summary behind it is lost.
    pub(super) end: Seq,
    /// Its summary, if that can be read.
    pub(super) head: Option<Head>,
    /// The events between the two that cannot be read, ascending.
    missing: Vec<Seq>,
    pub(super) snapshots: BTreeMap<Seq, Kept>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Whole,
    Rotten,
}

impl Left {
    pub(super) async fn look(
        store: &dyn store::Salvage,
        stream: StreamId,
        (last, head): (Seq, Option<store::Head>),
    ) -> Result<Self, Error> {
        let head = head.and_then(|head| Head::decode(&head.0).ok());
        let trimmed = store.trimmed(stream).await?;
        let mut snapshots = BTreeMap::new();
        for at in store.snapshot_places(stream).await? {
            let kept = if state_at(store, stream, at).await?.is_some() { Kept::Whole } else { Kept::Rotten };
            snapshots.insert(at, kept);
        }
        let mut missing = Vec::new();
        let (mut expected, mut after) = (trimmed.plus(1), trimmed);
        loop {
            let some = store.remains(stream, after, BATCH).await?;
            let Some((newest, _)) = some.last() else { break };
            after = *newest;
            for (seq, event) in some {
                missing.extend((expected.0..seq.0).map(Seq));
                missing.extend(decode(event).is_none().then_some(seq));
                expected = seq.plus(1);
            }
        }
        missing.extend((expected.0..=last.0).map(Seq));
        Ok(Self { trimmed, last, end: last.max(after), head, missing, snapshots })
    }

    pub(super) fn is_whole_between(&self, after: Seq, to: Seq) -> bool {
        !self.missing.iter().any(|seq| *seq > after && *seq <= to)
    }

    pub(super) fn newest_whole(&self, before: Seq) -> Option<Seq> {
        let before = self.snapshots.range(..before);
        before.rev().find(|(_, kept)| **kept == Kept::Whole).map(|(at, _)| *at)
    }

    /// The last place at which something is lost.
    pub(super) fn last_loss(&self) -> Option<Seq> {
        let rotten = self.snapshots.iter().rev().find(|(_, kept)| **kept == Kept::Rotten);
        self.missing.last().copied().max(rotten.map(|(at, _)| *at))
    }

    /// The state behind the event `to`, where all that it follows from is left.
    pub(super) async fn exact(
        &self,
        store: &dyn store::Salvage,
        stream: StreamId,
        to: Seq,
    ) -> Result<Option<MailboxState>, Error> {
        let base = self.newest_whole(to.plus(1));
        if !self.is_whole_between(base.unwrap_or(Seq::NONE), to) {
            return Ok(None);
        }
        let from = match base {
            Some(seq) => state_at(store, stream, seq).await?.map(|state| At { seq, state }),
            None => None,
        };
        let at = readable(store, stream, from, to).await?;
        Ok(at.filter(|at| at.seq == to).map(|at| at.state))
    }
}

/// The mailbox as far as it can be read without a gap, from its newest whole snapshot on; `None` where it cannot be read at
/// all.
pub(crate) async fn until_the_gap(
    store: &dyn store::Salvage,
    stream: StreamId,
) -> Result<Option<At<MailboxState>>, Error> {
    for at in store.snapshot_places(stream).await?.into_iter().rev() {
        if let Some(state) = state_at(store, stream, at).await? {
            return readable(store, stream, Some(At { seq: at, state }), Seq(u64::MAX)).await;
        }
    }
    readable(store, stream, None, Seq(u64::MAX)).await
}

/// What can be read behind a snapshot, or from the beginning, up to the event `to`.
pub(super) async fn readable(
    store: &dyn store::Salvage,
    stream: StreamId,
    from: Option<At<MailboxState>>,
    to: Seq,
) -> Result<Option<At<MailboxState>>, Error> {
    let seq = from.as_ref().map(|at| at.seq).unwrap_or_default();
    let mut at = At { seq, state: from.map(|at| at.state) };
    'events: loop {
        let some = store.remains(stream, at.seq, BATCH).await?;
        if some.is_empty() {
            break;
        }
        for (seq, event) in some {
            let next = event.filter(|_| seq == at.seq.plus(1) && seq <= to);
            let Some(next) = next else { break 'events };
            if at.follow(stream, std::slice::from_ref(&next)).is_err() {
                break 'events;
            }
        }
    }
    Ok(at.state.map(|state| At { seq: at.seq, state }))
}

/// The state that a snapshot holds, if it can be read.
pub(super) async fn state_at(
    store: &dyn store::Salvage,
    stream: StreamId,
    at: Seq,
) -> Result<Option<MailboxState>, Error> {
    match store.snapshot_at(stream, at).await {
        Ok(snapshot) => Ok(snapshot.filter(|snapshot| snapshot.at == at).and_then(|snapshot| {
            let state = MailboxState::restore(snapshot.pieces.iter().map(|piece| &**piece)).ok()?;
            (state.seq() == at.0).then_some(state)
        })),
        Err(StoreError::Damaged { .. }) => Ok(None),
        Err(why) => Err(why.into()),
    }
}

pub(super) fn decode(event: Option<store::Event>) -> Option<Event> {
    Event::decode(&event?.payload).ok()
}
