//! A mailbox of whose stream something is lost.

use super::left::{Left, decode, state_at};
use super::lossless::Outcome;
use super::{BATCH, Repair, SKIPPED_MODSEQS, SKIPPED_UIDS, stands};
use crate::{Error, Origin};
use mailbox::account::{AccountEvent, Plan};
use mailbox::{Created, Event, Foundling, GoingOn, Head, MailboxState, Salvage};
use message::RecordView;
use store::{Append, Beginning, BodyId, EmailId, EmailRange, Seq, Snapshot, StreamId};
use terms::{InternalDate, ModSeq, Uid, UidSet, UidValidity};

/// By when which UIDs had been given.
#[derive(Default)]
struct Dates(Vec<(Uid, i64)>);

impl Dates {
    fn note(&mut self, uid_next: Uid, time_ms: i64) {
        if self.0.last().is_none_or(|(before, _)| *before < uid_next) {
            self.0.push((uid_next, time_ms.div_euclid(1_000)));
        }
    }

    /// It came in before the next message of which that is known, or after the last one; else when it says that it was
    /// `sent`.
    fn guess(&self, uid: Uid, sent: Option<InternalDate>) -> InternalDate {
        let behind = self.0.iter().find(|(uid_next, _)| *uid_next > uid);
        let known = behind.or_else(|| self.0.last());
        known.and_then(|(_, seconds)| InternalDate::new(*seconds, 0)).or(sent).unwrap_or(InternalDate::EPOCH)
    }
}

impl Repair<'_> {
    pub(super) async fn mailbox(&mut self, stream: StreamId) -> Result<(), Error> {
        let Some(standing) = stands(self.store, stream).await? else { return Ok(()) };
        let mut left = Left::look(self.store, stream, standing).await?;
        match self.without_loss(stream, &mut left).await? {
            Outcome::Sound | Outcome::Mended => Ok(()),
            Outcome::Lost => self.put_together(stream, &left).await,
        }
    }

    /// Folds what is left behind a snapshot, or from the beginning, up to the event `to`.
    async fn fold(
        &self,
        stream: StreamId,
        from: Option<Seq>,
        left: &Left,
        to: Seq,
    ) -> Result<(Salvage, Dates), Error> {
        let mut salvage = match from {
            Some(at) => state_at(self.store, stream, at).await?.map(Salvage::of),
            None => None,
        };
        let mut dates = Dates::default();
        let mut after = salvage.as_ref().map_or(Seq::NONE, |salvage| Seq(salvage.seq()));
        loop {
            let some = self.store.remains(stream, after, BATCH).await?;
            let Some((newest, _)) = some.last() else { break };
            after = if *newest < to { *newest } else { Seq(u64::MAX - 1) };
            for (seq, event) in some.into_iter().filter(|(seq, _)| *seq <= to) {
                let time_ms = event.as_ref().map(|event| event.time_ms);
                let event = decode(event);
                let salvage = match &mut salvage {
                    Some(salvage) => salvage,
                    none => none.insert(self.begun(stream, left, event.as_ref()).await?),
                };
                if salvage.seq() >= seq.0 {
                    continue;
                }
                salvage.lose(seq.0 - salvage.seq() - 1);
                match event {
                    Some(event) => salvage.take(&event),
                    None => salvage.lose(1),
                }
                time_ms.into_iter().for_each(|time_ms| dates.note(salvage.uid_next(), time_ms));
            }
        }
        let mut salvage = match salvage {
            Some(salvage) => salvage,
            None => self.begun(stream, left, None).await?,
        };
        salvage.lose(to.0.saturating_sub(salvage.seq()));
        Ok((salvage, dates))
    }

    /// From the first event that is left. Of how the mailbox began, its summary and its account know the UIDVALIDITY too.
    async fn begun(&self, stream: StreamId, left: &Left, first: Option<&Event>) -> Result<Salvage, Error> {
        if let Some(Event::Created(created)) = first {
            return Ok(Salvage::of(MailboxState::create(created).map_err(misfit(stream))?));
        }
        let named = match (left.head, self.name(stream).await?) {
            (None, Some(name)) => {
                self.account.names().await?.mailbox(&name).map(|mailbox| mailbox.uid_validity)
            }
            _ => None,
        };
        let uid_validity = match left.head.map(|head| head.uid_validity).or(named) {
            Some(known) => known,
            None => self.new_uid_validity(stream).await?,
        };
        let created = Created {
            stream: stream.number,
            owner: stream.account,
            uid_validity,
            uid_next: Uid::MIN,
            modseq_base: ModSeq::ZERO,
        };
        Salvage::without_beginning(&created).map_err(misfit(stream))
    }

    /// Where no snapshot is behind what is lost: what is left before it, and of what is behind it whatever still says
    /// something, and the messages in between that have a record and octets.
    async fn put_together(&mut self, stream: StreamId, left: &Left) -> Result<(), Error> {
        let base = left.newest_whole(left.end.plus(1));
        let (salvage, dates) = self.fold(stream, base, left, left.end).await?;
        let lost = salvage.lost();
        let found = self.foundlings(stream, &salvage.in_doubt(left.head.as_ref()), &dates).await?;
        // RFC 9051, 2.3.1.1: the internal date of a UID never changes, and those that are found again have one that is
        // guessed. RFC 8474, 5.1 would have another EMAILID for it too; that stays, for it is what names the record.
        let uid_validity = match found.is_empty() {
            true => None,
            false => Some(self.new_uid_validity(stream).await?),
        };
        let on = (left.last, left.end.plus(1));
        let known = (left.head.as_ref(), uid_validity);
        let state = self.go_on(stream, salvage, &found, on, known).await?;
        self.mended(stream, None, told(lost, state.messages(), uid_validity.is_some())).await?;
        self.tell_found(stream, &found).await
    }

    /// A mailbox that is named, and of which no event and no summary is left. What is in it is told by records alone.
    pub(super) async fn make_again(&mut self, stream: StreamId) -> Result<(), Error> {
        let created = Created {
            stream: stream.number,
            owner: stream.account,
            uid_validity: self.new_uid_validity(stream).await?,
            uid_next: Uid::MIN,
            modseq_base: ModSeq::ZERO,
        };
        let salvage = Salvage::without_beginning(&created).map_err(misfit(stream))?;
        let found = self.foundlings(stream, &salvage.in_doubt(None), &Dates::default()).await?;
        let state = MailboxState::create(&created).map_err(misfit(stream))?;
        let first = Append {
            stream,
            expected: Seq::NONE,
            events: vec![Event::Created(created).encode()],
            head: store::Head(state.head().encode()),
        };
        self.account.put_streams(&Origin::desk(), vec![first]).await?;
        let messages = self.go_on(stream, salvage, &found, (Seq(1), Seq(2)), (None, None)).await?.messages();
        let what = format!(
            "nothing was left of it; it is made again, with {messages} messages whose records are left"
        );
        self.mended(stream, None, what).await?;
        self.tell_found(stream, &found).await
    }

    /// From where the stream stands to the new place, with the last summary that is known, and perhaps another
    /// UIDVALIDITY.
    async fn go_on(
        &self,
        stream: StreamId,
        salvage: Salvage,
        found: &[Foundling],
        (last, at): (Seq, Seq),
        (head, uid_validity): (Option<&Head>, Option<UidValidity>),
    ) -> Result<MailboxState, Error> {
        let (uids, modseqs) = (SKIPPED_UIDS, SKIPPED_MODSEQS);
        let state = salvage.finish(found, GoingOn { seq: at.0, head, uids, modseqs, uid_validity })?;
        let head = store::Head(state.head().encode());
        let snapshot = Snapshot { at, pieces: state.snapshot() };
        self.begin(stream, last, Beginning::State(snapshot, head)).await?;
        self.account.let_go(stream.number);
        Ok(state)
    }

    async fn tell_found(&mut self, stream: StreamId, found: &[Foundling]) -> Result<(), Error> {
        for foundling in found {
            let what =
                "no event is left of it; its record was found, and it is there again, with a guessed date";
            self.mended(stream, Some(foundling.uid), what).await?;
        }
        Ok(())
    }

    async fn foundlings(
        &self,
        stream: StreamId,
        in_doubt: &UidSet,
        dates: &Dates,
    ) -> Result<Vec<Foundling>, Error> {
        let email = |uid: Uid| EmailId { mailbox: stream.number, uid: uid.get() };
        let mut found = Vec::new();
        for (first, last) in in_doubt.spans() {
            let mut next = Some(*first);
            while let Some(first) = next {
                let range = EmailRange { first: email(first), last: email(*last) };
                let some = self.store.recorded(stream.account, range, BATCH).await?;
                let more = some.last().filter(|_| some.len() == BATCH);
                next = more.and_then(|email| Uid::new(email.uid)?.next()).filter(|uid| uid <= last);
                for email in some {
                    found.extend(self.foundling(email, dates).await?);
                }
            }
        }
        Ok(found)
    }

    /// A message whose record can be read and whose octets are there.
    async fn foundling(&self, email: EmailId, dates: &Dates) -> Result<Option<Foundling>, Error> {
        let Some(uid) = Uid::new(email.uid) else { return Ok(None) };
        let records = match self.account.records(&[EmailRange { first: email, last: email }]).await {
            Err(Error::Damaged(_)) => return Ok(None),
            records => records?,
        };
        let Some(record) = records.first().and_then(|(_, record)| RecordView::new(record)) else {
            return Ok(None);
        };
        let (body, size) = (BodyId(record.body()), record.size());
        let internal_date = dates.guess(uid, record.sent());
        let is_there = self.store.body_len(self.account.id(), body).await? == Some(size)
            && !self.unreadable.bodies.contains(&body);
        Ok(is_there.then_some(Foundling { uid, email, internal_date, size }))
    }

    async fn new_uid_validity(&self, stream: StreamId) -> Result<UidValidity, Error> {
        self.account
            .change(&Origin::desk(), |proposal| {
                let skipped = proposal.account().skip(0, proposal.now_s()).map_err(Error::from)?;
                let Some(event @ AccountEvent::Skipped { last_uid_validity, .. }) = skipped else {
                    return Err(Error::damaged(stream, "its account has no mailbox").into());
                };
                proposal.follow(&Plan { events: vec![event], streams: Vec::new() })?;
                Ok(last_uid_validity)
            })
            .await
    }
}

fn misfit(stream: StreamId) -> impl Fn(mailbox::Misfit) -> Error {
    move |why| Error::damaged(stream, why)
}

fn told(lost: u64, messages: u32, is_new_to_clients: bool) -> String {
    let clients = match is_new_to_clients {
        true => "it has another UIDVALIDITY, so that clients load it anew",
        false => "it keeps its UIDVALIDITY, and clients ask for all flags again",
    };
    format!(
        "{lost} events are lost for good; it is put together from what is left, {messages} messages with the flags \
         that are known, and is written again; {clients}"
    )
}
