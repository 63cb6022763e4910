//! The names of an account of which events are lost. They have no snapshot but that of a purge: they are said anew, by
//! events that come to the same from nothing.

use super::{BATCH, Repair, goes_on, stands};
use crate::{Error, Origin, SKIPPED_MAILBOXES, load};
use mailbox::Head;
use mailbox::account::{AccountEvent, MailboxId, Salvage};
use store::{Beginning, Seq, StreamId};
use terms::UidValidity;

impl Repair<'_> {
    pub(super) async fn try_names(&mut self) -> Result<(), Error> {
        let stream = StreamId { account: self.account.id(), number: 0 };
        let Some((last, _)) = stands(self.store, stream).await? else { return self.all_names(stream).await };
        let is_hurt = match load::account(self.store, stream).await {
            Ok(_) => {
                self.unreadable.streams.contains(&stream.number) || goes_on(self.store, stream, last).await?
            }
            Err(Error::Damaged(_)) => true,
            Err(why) => return Err(why),
        };
        match if is_hurt { self.names(stream, last).await } else { Ok(()) } {
            Err(Error::Damaged(why)) => self.leave(stream, None, why).await,
            done => done,
        }
    }

    /// Of an account without names that has mailboxes all names are lost.
    async fn all_names(&mut self, stream: StreamId) -> Result<(), Error> {
        match self.store.list_streams(stream.account).await?.is_empty() {
            true => Ok(()),
            false => self.names(stream, Seq::NONE).await,
        }
    }

    async fn names(&mut self, stream: StreamId, last: Seq) -> Result<(), Error> {
        let (mut salvage, end) = self.left_of_names(stream, last).await?;
        if end == Seq::NONE {
            salvage.lose(1);
        }
        if let Some(known) = self.account.known_names().filter(|known| known.seq == last) {
            salvage.know((*known.state).clone());
        }
        let lost = salvage.lost();
        let found = if lost > 0 { self.find_mailboxes(&mut salvage).await? } else { Vec::new() };
        let beginning = Beginning::Events {
            // One further on: whoever still knows the old events must not take these for what came next.
            behind: end.plus(1),
            time_ms: self.account.world.now_ms(),
            origin: Origin::desk().encode(),
            events: salvage.events().iter().map(|event| event.encode().into()).collect(),
            head: store::Head::default(),
        };
        self.begin(stream, last, beginning).await?;
        self.account.read_again(stream).await?;
        self.mended(stream, None, told(lost)).await?;
        for id in found {
            let stream = StreamId { number: id.get(), ..stream };
            self.mended(stream, None, "how it was called is lost; this is its name now").await?;
        }
        Ok(())
    }

    async fn left_of_names(&self, stream: StreamId, last: Seq) -> Result<(Salvage, Seq), Error> {
        let mut salvage = Salvage::default();
        let mut seen = self.store.trimmed(stream).await?;
        // A purge has trimmed the names to a snapshot.
        match load::account_before(self.store, stream, Seq(u64::MAX)).await {
            Ok(snapshot) if snapshot.seq > Seq::NONE => {
                salvage.begin((*snapshot.state).clone());
                seen = seen.max(snapshot.seq);
            }
            Ok(_) if seen == Seq::NONE || self.begins_anew(stream, seen).await? => {}
            Ok(_) | Err(Error::Damaged(_)) => salvage.lose(1),
            Err(why) => return Err(why),
        }
        loop {
            let some = self.store.remains(stream, seen, BATCH).await?;
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
    async fn begins_anew(&self, stream: StreamId, trimmed: Seq) -> Result<bool, Error> {
        let first = self.store.remains(stream, trimmed, 1).await?.into_iter().next();
        let event = first.and_then(|(_, event)| AccountEvent::decode(&event?.payload).ok());
        Ok(event == Some(AccountEvent::BegunAnew))
    }

    /// Mailboxes that there are, and that no event is left of.
    async fn find_mailboxes(&self, salvage: &mut Salvage) -> Result<Vec<MailboxId>, Error> {
        let mut found = Vec::new();
        for (stream, _, head) in self.store.list_streams(self.account.id()).await? {
            let Some(id) = MailboxId::new(stream.number).filter(|id| salvage.is_unknown(*id)) else {
                continue;
            };
            let head = Head::decode(&head.0).ok();
            let uid_validity = head.map_or(UidValidity::MIN, |head| head.uid_validity);
            found.extend(salvage.find(id, uid_validity).map(|_| id));
        }
        salvage.skip(SKIPPED_MAILBOXES, self.account.unix_s());
        Ok(found)
    }
}

fn told(lost: u64) -> String {
    match lost {
        0 => "events of the account's past are lost; the server knew what they had come to, and it has the mailboxes \
              that it had"
            .to_owned(),
        lost => format!(
            "{lost} events of the account are lost for good: names, subscriptions and limits are as they were last known"
        ),
    }
}
