//! The names of an account of which events are lost. They have no snapshot but that of a purge: they are said anew, by
//! events that come to the same from nothing.

use super::{BATCH, Extent, Mending, Repair, goes_on, is_kept_read_only, stands};
use crate::account::Account;
use crate::load::At;
use crate::{Error, Origin, SKIPPED_MAILBOXES, load};
use mailbox::Head;
use mailbox::account::{self as names, AccountEvent, MailboxId, Salvage};
use std::sync::Arc;
use store::{Beginning, Committed, Seq, StreamId};
use terms::{AccountId, UidValidity};

/// What is left of an account's names where something is wrong with them.
pub(crate) struct LeftOfNames {
    salvage: Salvage,
    stream: StreamId,
    /// Where their stream stands.
    last: Seq,
    /// Its last event: further on where the summary behind it is lost.
    end: Seq,
    /// Mailboxes that no event is left of.
    found: Vec<MailboxId>,
}

impl Repair<'_> {
    pub(super) async fn try_names(&mut self) -> Result<(), Error> {
        let stream = StreamId { account: self.account.id(), number: 0 };
        match self.account.mend_names_in_turn(self.store, Extent::All).await {
            Ok(mended) => {
                self.done.mended.extend(mended);
                Ok(())
            }
            Err(Error::Damaged(why)) => self.leave(stream, None, why).await,
            Err(why) => Err(why),
        }
    }
}

impl Account {
    /// Mends the names if something is wrong with them, and says what was done. Whoever calls has the account's turn.
    pub(crate) async fn mend_names_in_turn(
        &self,
        store: &dyn store::Salvage,
        extent: Extent,
    ) -> Result<Vec<Mending>, Error> {
        let Some(mut left) = LeftOfNames::look(store, self.id()).await? else {
            // They may have been mended before, and not been seen since.
            if self.names_are_in_part() {
                self.read_again(StreamId { account: self.id(), number: 0 }).await?;
            }
            return Ok(Vec::new());
        };
        if let Some(known) = self.known_names().filter(|known| known.seq >= left.end) {
            left.salvage.know((*known.state).clone());
            left.end = known.seq;
        }
        let lost = left.salvage.lost();
        if lost > 0 && extent == Extent::WithoutLoss {
            return Ok(Vec::new());
        }
        if lost > 0 {
            left.find_mailboxes(store, self.unix_s()).await?;
        }
        let beginning = Beginning::Events {
            // One further on: whoever still knows the old events must not take these for what came next.
            behind: left.end.plus(1),
            time_ms: self.world.now_ms(),
            origin: Origin::desk().encode(),
            events: left.salvage.events().iter().map(|event| event.encode().into()).collect(),
            head: store::Head::default(),
        };
        match store.begin_anew(left.stream, left.last, beginning).await? {
            Committed::Done => {}
            _ => {
                return Err(Error::Unavailable(
                    "the account was changed while it was mended; try again".to_owned(),
                ));
            }
        }
        self.read_again(left.stream).await?;
        let names = left.salvage.names();
        let found = left.found.iter().map(|id| Mending {
            mailbox: names.name(*id).cloned(),
            uid: None,
            what: "how it was called is lost; this is its name now".to_owned(),
        });
        Ok(std::iter::once(Mending { mailbox: None, uid: None, what: told(lost) }).chain(found).collect())
    }
}

impl LeftOfNames {
    /// What is left, if something is wrong.
    pub(crate) async fn look(store: &dyn store::Salvage, account: AccountId) -> Result<Option<Self>, Error> {
        let stream = StreamId { account, number: 0 };
        let Some((last, _)) = stands(store, stream).await? else {
            // Of an account without names that has mailboxes all names are lost.
            let is_new = store.list_streams(account).await?.is_empty();
            let mut salvage = Salvage::default();
            salvage.lose(1);
            let all = Self { salvage, stream, last: Seq::NONE, end: Seq::NONE, found: Vec::new() };
            return Ok((!is_new).then_some(all));
        };
        let is_hurt = match load::account(store, stream).await {
            Ok(_) => goes_on(store, stream, last).await? || is_kept_read_only(store, stream, last).await?,
            Err(Error::Damaged(_)) => true,
            Err(why) => return Err(why),
        };
        if !is_hurt {
            return Ok(None);
        }
        let (mut salvage, end) = left(store, stream, last).await?;
        if end == Seq::NONE {
            salvage.lose(1);
        }
        Ok(Some(Self { salvage, stream, last, end, found: Vec::new() }))
    }

    /// Whether what they had come to is not known.
    pub(crate) const fn is_in_part(&self) -> bool {
        self.salvage.lost() > 0
    }

    /// The names as a repair would put them. Of which something is lost they stand where the stream stands: then whatever
    /// needs them to be what they are can be done, and they cannot be changed.
    pub(crate) async fn shown(
        mut self,
        store: &dyn store::Salvage,
        unix_s: i64,
    ) -> Result<At<Arc<names::Account>>, Error> {
        if !self.is_in_part() {
            return Ok(At { seq: self.end, state: Arc::new(self.salvage.names().clone()) });
        }
        self.find_mailboxes(store, unix_s).await?;
        Ok(At { seq: self.last, state: Arc::new(self.salvage.names().clone()) })
    }

    /// Names mailboxes that there are, and that no event is left of.
    async fn find_mailboxes(&mut self, store: &dyn store::Salvage, unix_s: i64) -> Result<(), Error> {
        for (stream, _, head) in store.list_streams(self.stream.account).await? {
            let Some(id) = MailboxId::new(stream.number).filter(|id| self.salvage.is_unknown(*id)) else {
                continue;
            };
            let head = Head::decode(&head.0).ok();
            let uid_validity = head.map_or(UidValidity::MIN, |head| head.uid_validity);
            self.found.extend(self.salvage.find(id, uid_validity).map(|_| id));
        }
        self.salvage.skip(SKIPPED_MAILBOXES, unix_s);
        Ok(())
    }
}

async fn left(store: &dyn store::Salvage, stream: StreamId, last: Seq) -> Result<(Salvage, Seq), Error> {
    let mut salvage = Salvage::default();
    let mut seen = store.trimmed(stream).await?;
    // A purge has trimmed the names to a snapshot.
    match load::account_before(store, stream, Seq(u64::MAX)).await {
        Ok(snapshot) if snapshot.seq > Seq::NONE => {
            salvage.begin((*snapshot.state).clone());
            seen = seen.max(snapshot.seq);
        }
        Ok(_) if seen == Seq::NONE || begins_anew(store, stream, seen).await? => {}
        Ok(_) | Err(Error::Damaged(_)) => salvage.lose(1),
        Err(why) => return Err(why),
    }
    loop {
        let some = store.remains(stream, seen, BATCH).await?;
        if some.is_empty() {
            break;
        }
        for (seq, event) in some {
            salvage.lose(seq.0 - seen.0 - 1);
            match event.and_then(|event| AccountEvent::decode(&event.payload).ok()) {
                Some(event) => salvage.take(&event),
                None => salvage.lose(1),
            }
            seen = seq;
        }
    }
    salvage.lose(last.0.saturating_sub(seen.0));
    Ok((salvage, last.max(seen)))
}

/// Whether what is left of a stream that was trimmed says all anew.
async fn begins_anew(store: &dyn store::Salvage, stream: StreamId, trimmed: Seq) -> Result<bool, Error> {
    let first = store.remains(stream, trimmed, 1).await?.into_iter().next();
    let event = first.and_then(|(_, event)| AccountEvent::decode(&event?.payload).ok());
    Ok(event == Some(AccountEvent::BegunAnew))
}

fn told(lost: u64) -> String {
    match lost {
        0 => "events of the account's past are lost; what they had come to is known, and it has the mailboxes that it had"
            .to_owned(),
        lost => format!(
            "{lost} events of the account are lost for good: names, subscriptions and limits are as they were last known"
        ),
    }
}
