//! Folding what the store has into states.

use crate::Error;
use crate::roll::Roll;
use bytes::Bytes;
use mailbox::account::directory::DirectoryEvent;
use mailbox::account::{Account, AccountEvent};
use mailbox::{Event, MailboxState};
use std::sync::Arc;
use store::{Seq, Snapshot, Store, StreamId};

/// Events read at a time.
const BATCH: usize = 1_024;

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
    /// Octets of the events behind it.
    pub(crate) events: usize,
}

/// What a stream's events come to.
pub(crate) trait Fold {
    /// Whether what was before the first event that is kept lies in a snapshot. Where there are none, the first events
    /// that are kept say all anew.
    const HAS_SNAPSHOTS: bool;

    /// Takes in one more event.
    fn fold(&mut self, event: &[u8]) -> Result<(), String>;
}

impl<S: Fold> At<S> {
    /// Folds in what of `events` it has not seen, and says how many that were. Where one is missing nothing is folded
    /// on: a state with a hole would give a UID twice.
    pub(crate) fn follow(&mut self, stream: StreamId, events: &[store::Event]) -> Result<usize, Error> {
        let seen = self.seq;
        for event in events.iter().filter(|event| event.seq > seen) {
            let begins_anew = self.seq == Seq::NONE && !S::HAS_SNAPSHOTS;
            if event.seq != self.seq.plus(1) && !begins_anew {
                let why = format!("event {} is missing", self.seq.plus(1).0);
                return Err(Error::damaged(stream, why));
            }
            self.state.fold(&event.payload).map_err(|why| Error::damaged(stream, why))?;
            self.seq = event.seq;
        }
        Ok(events.iter().filter(|event| event.seq > seen).count())
    }

    /// Whether the first of `events` is one that it has seen, or the next.
    pub(crate) fn joins(&self, events: &[store::Event]) -> bool {
        events.first().is_none_or(|first| first.seq <= self.seq.plus(1))
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
    let mut at = At { seq: Seq::NONE, state: None };
    let mut tail = Tail::default();
    if let Some(Snapshot { at: seq, pieces }) = store.snapshot_at(stream, Seq(u64::MAX)).await? {
        let state = MailboxState::restore(pieces.iter().map(|piece| &**piece));
        at = At { seq, state: Some(state.map_err(|why| Error::damaged(stream, why))?) };
        tail.snapshot = pieces.iter().map(Bytes::len).sum();
    }
    while let Some(octets) = at.read_on(store, stream).await? {
        tail.events += octets;
    }
    let At { seq, state } = at;
    Ok(state.map(|state| (At { seq, state }, tail)))
}

/// The account as the store has it.
pub(crate) async fn account(store: &dyn Store, stream: StreamId) -> Result<At<Arc<Account>>, Error> {
    let mut at = At { seq: Seq::NONE, state: Arc::new(Account::new()) };
    while at.read_on(store, stream).await?.is_some() {}
    Ok(at)
}

impl Fold for MailboxState {
    const HAS_SNAPSHOTS: bool = true;

    fn fold(&mut self, event: &[u8]) -> Result<(), String> {
        let event = Event::decode(event).map_err(|why| why.to_string())?;
        *self = self.apply(&event).map_err(|why| why.to_string())?;
        Ok(())
    }
}

/// `None` is a stream without events.
impl Fold for Option<MailboxState> {
    const HAS_SNAPSHOTS: bool = true;

    fn fold(&mut self, event: &[u8]) -> Result<(), String> {
        if let Some(state) = self {
            return state.fold(event);
        }
        let created = Event::decode(event).map_err(|why| why.to_string())?;
        *self = Some(MailboxState::fold([&created]).map_err(|why| why.to_string())?);
        Ok(())
    }
}

impl Fold for Arc<Account> {
    const HAS_SNAPSHOTS: bool = false;

    fn fold(&mut self, event: &[u8]) -> Result<(), String> {
        let event = AccountEvent::decode(event).map_err(|why| why.to_string())?;
        Self::make_mut(self).apply(&event).map_err(|why| why.to_string())
    }
}

impl Fold for Arc<Roll> {
    const HAS_SNAPSHOTS: bool = false;

    fn fold(&mut self, event: &[u8]) -> Result<(), String> {
        let event = DirectoryEvent::decode(event).map_err(|why| why.to_string())?;
        Self::make_mut(self).apply(&event).map_err(|why| why.to_string())
    }
}
