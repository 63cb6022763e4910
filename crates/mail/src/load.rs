//! Folding what the store has into states.

use crate::Error;
use bytes::Bytes;
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

/// The mailbox as the store has it: newest snapshot and tail.
pub(crate) async fn mailbox(
    store: &dyn Store,
    stream: StreamId,
) -> Result<Option<(At<MailboxState>, Tail)>, Error> {
    let snapshot = store.snapshot_at(stream, Seq(u64::MAX)).await?;
    let mut tail = Tail::default();
    let mut at = match snapshot {
        None => None,
        Some(Snapshot { at, pieces }) => {
            tail.snapshot = pieces.iter().map(Bytes::len).sum();
            let state = MailboxState::restore(pieces.iter().map(|piece| &**piece));
            let state = state.map_err(|why| Error::damaged(stream, why))?;
            Some(At { seq: at, state })
        }
    };
    loop {
        let after = at.as_ref().map_or(Seq::NONE, |at| at.seq);
        let events = store.read(stream, after, BATCH).await?;
        for event in &events {
            tail.events += event.payload.len();
            at = Some(next(stream, at.as_ref(), event)?);
        }
        if events.len() < BATCH {
            return Ok(at.map(|at| (at, tail)));
        }
    }
}

/// The mailbox after one more event; `None` before is a stream without events.
pub(crate) fn next(
    stream: StreamId,
    before: Option<&At<MailboxState>>,
    event: &store::Event,
) -> Result<At<MailboxState>, Error> {
    let told = Event::decode(&event.payload).map_err(|why| Error::damaged(stream, why))?;
    let state = match before {
        Some(at) => at.state.apply(&told),
        None => MailboxState::fold([&told]),
    };
    Ok(At { seq: event.seq, state: state.map_err(|why| Error::damaged(stream, why))? })
}

/// The account as the store has it.
pub(crate) async fn account(store: &dyn Store, stream: StreamId) -> Result<At<Arc<Account>>, Error> {
    let mut at = At { seq: Seq::NONE, state: Arc::new(Account::new()) };
    loop {
        let events = store.read(stream, at.seq, BATCH).await?;
        follow_account(stream, &mut at, &events)?;
        if events.len() < BATCH {
            return Ok(at);
        }
    }
}

/// Folds events into the account's state.
pub(crate) fn follow_account(
    stream: StreamId,
    at: &mut At<Arc<Account>>,
    events: &[store::Event],
) -> Result<(), Error> {
    for event in events {
        let told = AccountEvent::decode(&event.payload).map_err(|why| Error::damaged(stream, why))?;
        Arc::make_mut(&mut at.state).apply(&told).map_err(|why| Error::damaged(stream, why))?;
        at.seq = event.seq;
    }
    Ok(())
}
