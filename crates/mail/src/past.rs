//! What was: who did what to a mailbox and when, and what it held at a moment.
//!
//! Nothing is kept for this besides the events that the mailbox is made of, with their times and origins. How far back
//! it goes is how far back they do: where events were trimmed, a snapshot stands for them.

use crate::account::Account;
use crate::load::{self, At, Fold};
use crate::{Error, Origin};
use bytes::Bytes;
use mailbox::account::{self as names, AccountEvent, MailboxId};
use mailbox::{Event, MailboxState};
use std::collections::BTreeMap;
use store::{Seq, Store, StoreError, StreamId};
use terms::{MailboxName, ModSeq};

/// Events read at a time.
const BATCH: usize = 1_024;

/// A moment in a mailbox's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// What is true behind the last event of this time or an earlier one: Unix time in milliseconds.
    Time(i64),
    /// What is true behind the last event whose MODSEQ is this one or a lower one.
    ModSeq(ModSeq),
}

/// Something that happened to a mailbox.
#[derive(Clone, Debug)]
pub struct Happened {
    /// Unix time in milliseconds.
    pub time_ms: i64,
    /// Who did it. `None` where what was written of it cannot be read, which is no reason not to tell the rest.
    pub origin: Option<Origin>,
    /// Its MODSEQ.
    pub modseq: ModSeq,
    /// What.
    pub event: Event,
}

/// A mailbox that its account names no longer.
#[derive(Clone, Debug)]
pub struct DeletedMailbox {
    /// As it was.
    pub mailbox: names::Mailbox,
    /// The name that it had at the end.
    pub name: MailboxName,
    /// When it was deleted: Unix time in milliseconds.
    pub time_ms: i64,
    /// Who did it.
    pub origin: Option<Origin>,
    /// What it held; `None` where that cannot be told.
    pub head: Option<mailbox::Head>,
}

impl Account {
    /// The last `limit` things that happened to a mailbox, newest first; also to one that has been deleted.
    ///
    /// # Errors
    /// There never was such a mailbox, or the store cannot read now.
    pub async fn history(&self, id: MailboxId, limit: usize) -> Result<Vec<Happened>, Error> {
        let _turn = self.turn.lock().await;
        let stream = self.stream_of(id);
        let head = self.store.heads(&[stream]).await?.into_iter().flatten().next();
        let (last, _) = head.ok_or(Error::NoSuchMailbox)?;
        let from = Seq(last.0.saturating_sub(limit as u64));
        let mut told = Vec::new();
        let mut replay = Replay::begin(&*self.store, stream, from).await?;
        while let Some(event) = replay.next(last).await? {
            let seq = event.seq;
            let decoded = Event::decode(&event.payload).map_err(|why| Error::damaged(stream, why))?;
            let (time_ms, origin) = (event.time_ms, Origin::decode(&event.origin));
            let modseq = replay.take(event)?.last_modseq();
            if seq > from {
                told.push(Happened { time_ms, origin, modseq, event: decoded });
            }
        }
        told.reverse();
        Ok(told)
    }

    /// A mailbox as it was at a moment; `None` where that was before its beginning, or before what is kept of it.
    ///
    /// # Errors
    /// There never was such a mailbox, or the store cannot read now.
    pub async fn state_at(&self, id: MailboxId, moment: Moment) -> Result<Option<MailboxState>, Error> {
        let _turn = self.turn.lock().await;
        let stream = self.stream_of(id);
        let Some(last) = self.last_event_at(stream, moment).await? else {
            return match moment {
                Moment::Time(until) if until >= self.world.now_ms() => {
                    without_events(&*self.store, stream).await
                }
                _ => Ok(None),
            };
        };
        let mut replay = Replay::begin(&*self.store, stream, last).await?;
        while let Some(event) = replay.next(last).await? {
            replay.take(event)?;
        }
        Ok(replay.at.state)
    }

    /// The last event that belongs to a moment.
    async fn last_event_at(&self, stream: StreamId, moment: Moment) -> Result<Option<Seq>, Error> {
        let until = match moment {
            Moment::Time(until) => until,
            Moment::ModSeq(highest) => return self.last_event_below(stream, highest).await,
        };
        match last_event_until(&*self.store, stream, until).await? {
            (_, Some(damage)) => Err(Error::Damaged(damage)),
            (last, None) => Ok(last),
        }
    }

    async fn last_event_below(&self, stream: StreamId, highest: ModSeq) -> Result<Option<Seq>, Error> {
        let mut replay = Replay::begin(&*self.store, stream, Seq::NONE).await?;
        let oldest = replay.at.state.as_ref().filter(|state| state.last_modseq() <= highest);
        let mut found = oldest.map(|_| replay.at.seq);
        while let Some(event) = replay.next(Seq(u64::MAX)).await? {
            let seq = event.seq;
            if replay.take(event)?.last_modseq() > highest {
                break;
            }
            found = Some(seq);
        }
        Ok(found)
    }

    /// The mailboxes that were deleted, can be brought back, and what they held, the last one first.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn deleted_mailboxes(&self) -> Result<Vec<DeletedMailbox>, Error> {
        let _turn = self.turn.lock().await;
        self.find_deleted_mailboxes().await
    }

    /// For whoever has the turn.
    pub(crate) async fn find_deleted_mailboxes(&self) -> Result<Vec<DeletedMailbox>, Error> {
        let stream = StreamId { account: self.id(), number: 0 };
        let trimmed = load::trimmed(&*self.store, stream).await?;
        let mut at = load::account_before(&*self.store, stream, trimmed).await?;
        let mut gone: BTreeMap<MailboxId, (Seq, DeletedMailbox)> = BTreeMap::new();
        loop {
            let events = self.store.read(stream, at.seq, BATCH).await?;
            if events.is_empty() {
                break;
            }
            for event in events {
                let decoded =
                    AccountEvent::decode(&event.payload).map_err(|why| Error::damaged(stream, why))?;
                match decoded {
                    AccountEvent::Deleted { id } => {
                        let deleted = deleted(&at.state, id, &event);
                        gone.extend(deleted.map(|deleted| (id, (event.seq, deleted))));
                    }
                    AccountEvent::Undeleted { id, .. } => drop(gone.remove(&id)),
                    _ => {}
                }
                at.follow(stream, std::slice::from_ref(&event))?;
            }
        }
        let mut gone: Vec<_> = gone.into_values().collect();
        gone.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
        let gone: Vec<_> = gone.into_iter().map(|(_, deleted)| deleted).collect();
        let streams: Vec<_> = gone.iter().map(|deleted| self.stream_of(deleted.mailbox.id)).collect();
        let heads = self.store.heads(&streams).await?;
        // Of what was swept away nothing comes back.
        let kept = gone.into_iter().zip(heads).filter_map(|(deleted, head)| {
            let (_, head) = head?;
            Some(DeletedMailbox { head: mailbox::Head::decode(&head.0).ok(), ..deleted })
        });
        Ok(kept.collect())
    }

    pub(crate) const fn stream_of(&self, id: MailboxId) -> StreamId {
        StreamId { account: self.id(), number: id.get() }
    }
}

/// The last event of this time (Unix time in milliseconds) or an earlier one; and what is damaged, where not all could be
/// read. Times are not in order where a clock was set back; then the last one counts.
pub(crate) async fn last_event_until(
    store: &dyn Store,
    stream: StreamId,
    until_ms: i64,
) -> Result<(Option<Seq>, Option<String>), Error> {
    let (mut seen, mut last) = (Seq::NONE, None);
    loop {
        let (events, damage) = read_on(store, stream, seen).await?;
        let then = events.iter().rev().find(|event| event.time_ms <= until_ms).map(|event| event.seq);
        last = then.or(last);
        match events.last() {
            Some(newest) if damage.is_none() => seen = newest.seq,
            _ => return Ok((last, damage)),
        }
    }
}

/// What a mailbox holds of which no event is kept, for a purge or a repair has trimmed all of them: their snapshot. Since
/// when it has held that is not kept either.
pub(crate) async fn without_events(
    store: &dyn Store,
    stream: StreamId,
) -> Result<Option<MailboxState>, Error> {
    if !store.read(stream, Seq::NONE, 1).await?.is_empty() {
        return Ok(None);
    }
    let snapshot = store.snapshot_at(stream, Seq(u64::MAX)).await?;
    snapshot.map(|snapshot| load::restored(stream, &snapshot)).transpose()
}

/// The next events, up to the first that is damaged; and what is wrong with that.
async fn read_on(
    store: &dyn Store,
    stream: StreamId,
    mut seen: Seq,
) -> Result<(Vec<store::Event>, Option<String>), Error> {
    match store.read(stream, seen, BATCH).await {
        Err(StoreError::Damaged { .. }) => {}
        read => return Ok((read?, None)),
    }
    let mut events = Vec::new();
    while events.len() < BATCH {
        let next = match store.read(stream, seen, 1).await {
            Err(why @ StoreError::Damaged { .. }) => return Ok((events, Some(why.to_string()))),
            read => read?,
        };
        let Some(event) = next.into_iter().next() else { break };
        seen = event.seq;
        events.push(event);
    }
    Ok((events, None))
}

fn deleted(names: &names::Account, id: MailboxId, event: &store::Event) -> Option<DeletedMailbox> {
    let name = names.name(id)?;
    let mailbox = *names.mailbox(name)?;
    let (time_ms, origin) = (event.time_ms, Origin::decode(&event.origin));
    Some(DeletedMailbox { mailbox, name: name.clone(), time_ms, origin, head: None })
}

/// A mailbox's life, lived again.
pub(crate) struct Replay<'a> {
    store: &'a dyn Store,
    stream: StreamId,
    pub(crate) begun: Begun,
    pub(crate) at: At<Option<MailboxState>>,
    read: std::vec::IntoIter<store::Event>,
}

/// The snapshot that a life was begun from; [`Seq::NONE`] where there was none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    pub(crate) at: Seq,
    pub(crate) octets: usize,
}

impl<'a> Replay<'a> {
    /// From the newest snapshot at or before `from`; where there is none, from the first event that is kept.
    pub(crate) async fn begin(
        store: &'a dyn Store,
        stream: StreamId,
        from: Seq,
    ) -> Result<Replay<'a>, Error> {
        let trimmed = load::trimmed(store, stream).await?;
        let snapshot = store.snapshot_at(stream, from.max(trimmed)).await?;
        let octets = snapshot.iter().flat_map(|snapshot| &snapshot.pieces).map(Bytes::len).sum();
        let at = match snapshot {
            None => At { seq: Seq::NONE, state: None },
            Some(snapshot) => At { seq: snapshot.at, state: Some(load::restored(stream, &snapshot)?) },
        };
        let begun = Begun { at: at.seq, octets };
        Ok(Self { store, stream, begun, at, read: Vec::new().into_iter() })
    }

    /// The next event, up to and including `last`, not taken in yet.
    pub(crate) async fn next(&mut self, last: Seq) -> Result<Option<store::Event>, Error> {
        if self.at.seq >= last {
            return Ok(None);
        }
        if let Some(event) = self.read.next() {
            return Ok(Some(event));
        }
        // What is damaged behind the last one is nobody's concern here.
        let wanted = usize::try_from(last.0 - self.at.seq.0).unwrap_or(BATCH).min(BATCH);
        self.read = self.store.read(self.stream, self.at.seq, wanted).await?.into_iter();
        Ok(self.read.next())
    }

    /// Takes it in.
    pub(crate) fn take(&mut self, event: store::Event) -> Result<&MailboxState, Error> {
        let seq = self.at.seq.plus(1);
        if event.seq != seq {
            return Err(Error::damaged(self.stream, format!("event {} is missing", seq.0)));
        }
        self.at.state.fold(&event.payload).map_err(|why| Error::damaged(self.stream, why))?;
        self.at.seq = seq;
        self.at.state.as_ref().ok_or_else(|| Error::damaged(self.stream, "it does not begin"))
    }
}
