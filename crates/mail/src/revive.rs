//! An account that is made again of what it was.
//!
//! It gets a number that nobody has had, and is filled before the directory names it: until then it is nobody's, and
//! what was cut off goes when the next one begins. What clients know of it stays true: mailbox ids, UIDVALIDITYs,
//! UIDs and identities are those that they were, and numbers go on behind all that can have been given.

use crate::bygone::{Bygone, Held};
use crate::carry::{BroughtBack, Carrier, MailboxBack, Onlooker};
use crate::directory::STREAM;
use crate::load::At;
use crate::raw::{Raw, Written};
use crate::roll::Roll;
use crate::skip::SKIPPED_MAILBOXES;
use crate::{Accounts, DirectoryError, Error};
use mailbox::account::directory::{DirectoryEvent, DirectoryRefusal, Login, Said};
use mailbox::account::{self as names, AccountEvent, MailboxId};
use mailbox::{Event, Given, Head, MailboxState, Row};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{AccountId, Append, BodyId, EmailId, EmailRange, Record, Seq, StreamId};
use terms::{MailboxName, Uid, UidSet};

/// Messages that are looked at together.
const AT_ONCE: usize = 256;
/// Octets of bodies, of records or of events in one commit.
const COMMIT: usize = 2 << 20;
/// Events of the account in one commit.
const EVENTS: usize = 4_096;
/// Events of the directory that are read at a time.
const BATCH: usize = 1_024;

impl Accounts {
    /// Makes an account of this name of what another one was, or the same one that is there no more: with its password
    /// and its standing of then, and with all of its mailboxes.
    ///
    /// # Errors
    /// The name is taken or cannot be one, or one of the stores cannot be read or written now. Then nothing is there
    /// under this name.
    pub async fn revive(
        &self,
        bygone: &Bygone,
        name: &str,
        onlooker: &dyn Onlooker,
    ) -> Result<BroughtBack, DirectoryError> {
        let login = Login::new(name)?;
        let _one_at_a_time = self.reviving.lock().await;
        self.check_whole()?;
        if self.roll().directory().find(&login).is_some() {
            return Err(DirectoryRefusal::AlreadyExists(login).into());
        }
        self.clear_unfinished().await?;
        let id = self.reserve().await?;
        let ids: Vec<_> = bygone.mailboxes().map(|(_, mailbox)| mailbox.id).collect();
        let of = bygone.count(&ids).await?;
        let raw = Raw { store: &*self.store, world: &*self.world };
        // Nobody knows the account yet: there is nobody to keep anything from.
        let carrier = Carrier::new(bygone, (raw.store, id, Arc::default()), onlooker, of);
        let mut revival = Revival { raw, carrier, fate: HashMap::new(), brought: BroughtBack::default() };
        revival.fill().await?;
        // Without app passwords and certificates: they may have been revoked since.
        self.change_all(|directory| directory.bring_back(id, &login, &bygone.entry)).await?;
        Ok(revival.brought)
    }

    /// A number that nobody else gets.
    async fn reserve(&self) -> Result<AccountId, DirectoryError> {
        let reserved = AtomicU64::new(0);
        self.change_all(|directory| {
            reserved.store(directory.last_id().0 + 1, Ordering::Relaxed);
            Ok(vec![directory.skip(1)?])
        })
        .await?;
        Ok(AccountId(reserved.into_inner()))
    }

    /// Takes away what those left that were cut off.
    async fn clear_unfinished(&self) -> Result<(), Error> {
        let raw = Raw { store: &*self.store, world: &*self.world };
        for id in self.unfinished().await? {
            clear(raw, id).await?;
        }
        Ok(())
    }

    /// Numbers that were passed over one at a time, as [`Self::reserve`] does, and that no account got.
    async fn unfinished(&self) -> Result<BTreeSet<AccountId>, Error> {
        let mut at = At { seq: Seq::NONE, state: Arc::<Roll>::default() };
        let mut reserved = BTreeSet::new();
        loop {
            let events = self.store.read(STREAM, at.seq, BATCH).await?;
            if events.is_empty() {
                return Ok(reserved);
            }
            for event in events {
                match Said::decode(&event.payload).map_err(|why| Error::damaged(STREAM, why))?.into_news() {
                    Some(DirectoryEvent::IdsSkipped { last })
                        if last.0 == at.state.directory().last_id().0 + 1 =>
                    {
                        reserved.insert(last);
                    }
                    Some(DirectoryEvent::AccountRestored { id, .. }) => drop(reserved.remove(&id)),
                    _ => {}
                }
                at.follow(STREAM, std::slice::from_ref(&event))?;
            }
        }
    }
}

/// Takes away all that is an account's.
async fn clear(raw: Raw<'_>, id: AccountId) -> Result<(), Error> {
    for (stream, ..) in raw.store.list_streams(id).await? {
        raw.store.drop_stream(stream).await?;
    }
    loop {
        let bodies = raw.store.list_bodies(id, None, AT_ONCE).await?;
        for body in &bodies {
            raw.store.delete_body(id, *body).await?;
        }
        if bodies.is_empty() {
            break;
        }
    }
    let (first, last) = (EmailId { mailbox: 0, uid: 0 }, EmailId { mailbox: u32::MAX, uid: u32::MAX });
    let records = raw.store.records(id, &[EmailRange { first, last }]).await?;
    for some in records.chunks(EVENTS) {
        let records = some.iter().map(|(email, _)| (*email, None)).collect();
        raw.commit(id, Written { records, ..Written::default() }).await?;
    }
    Ok(())
}

/// An account in the making.
struct Revival<'a> {
    raw: Raw<'a>,
    carrier: Carrier<'a>,
    /// What became of a message, which may lie in several mailboxes: why it is lost, if it is.
    fate: HashMap<EmailId, Option<String>>,
    brought: BroughtBack,
}

impl Revival<'_> {
    async fn fill(&mut self) -> Result<(), Error> {
        let bygone = self.carrier.from;
        let mut missing = BTreeSet::new();
        for (name, mailbox) in bygone.mailboxes() {
            let Held { state, damage } = bygone.mailbox(mailbox.id).await?;
            damage.into_iter().for_each(|why| self.brought.leave(name, None, why));
            match state {
                Some(state) => self.mailbox(name, mailbox.id, &state).await?,
                None => {
                    self.brought.leave(name, None, "what it held then is not kept");
                    missing.insert(mailbox.id);
                }
            }
        }
        self.names(&missing).await
    }

    async fn mailbox(&mut self, name: &MailboxName, id: MailboxId, past: &MailboxState) -> Result<(), Error> {
        let bygone = self.carrier.from;
        let uids = past.uids(Uid::MIN);
        let mut lost = UidSet::new();
        let mut next = Some(Uid::MIN);
        while let Some(from) = next {
            let rest = UidSet::range(from, Uid::MAX);
            let rows: Vec<_> = past.reader(bygone.account.id()).rows(&rest).take(AT_ONCE).collect();
            let Some(last) = rows.last() else { break };
            next = last.uid.next();
            self.messages(&rows).await?;
            for row in &rows {
                if let Some(Some(why)) = self.fate.get(&row.email) {
                    self.brought.leave(name, Some(row.uid), why.clone());
                    lost.push(row.uid);
                }
            }
            self.carrier.advance(rows.len() as u64);
        }
        let (account, given) = (self.carrier.account, self.given(id, past).await?);
        let events = mailbox::rebuild(past, bygone.account.id(), account, &lost, given)?;
        self.events(StreamId { account, number: id.get() }, events).await?;
        let messages = uids.len() - lost.len();
        self.brought.mailboxes.push(MailboxBack { name: name.clone(), messages, flags: 0, mended: 0 });
        Ok(())
    }

    /// Numbers that may have been given: of a mailbox that was here until its account was removed that is known.
    async fn given(&self, id: MailboxId, past: &MailboxState) -> Result<Given, Error> {
        let bygone = self.carrier.from;
        let given = bygone.given(id, past).await?;
        let heads = self.raw.store.heads(&[bygone.account.stream_of(id)]).await?;
        let head = heads.into_iter().flatten().find_map(|(_, head)| Head::decode(&head.0).ok());
        Ok(match head.filter(|head| head.uid_validity == past.uid_validity()) {
            None => given,
            Some(head) => Given {
                uid_next: given.uid_next.max(head.uid_next),
                modseq: given.modseq.max(head.highest_modseq),
            },
        })
    }

    /// Brings records and octets of those that have not come with another mailbox.
    async fn messages(&mut self, rows: &[Row]) -> Result<(), Error> {
        let bygone = self.carrier.from;
        let emails: BTreeSet<_> =
            rows.iter().map(|row| row.email).filter(|email| !self.fate.contains_key(email)).collect();
        let records = bygone.account.readable_records(emails.iter().copied()).await?;
        let (mut written, mut octets) = (Written::default(), 0);
        for email in emails {
            let record = records.get(&email);
            let body = record.and_then(|record| Some((record, message::body_of(record)?)));
            let Some((record, body)) = body else {
                self.fate.insert(email, Some("its record cannot be read".to_owned()));
                continue;
            };
            match self.carrier.carry(BodyId(body)).await? {
                Ok(carried) => {
                    octets += record.len() + carried.octets();
                    written.bodies.extend(carried.body);
                    let record = Record { octets: record.clone(), body: Some(BodyId(body)) };
                    written.records.push((email, Some(record)));
                    self.fate.insert(email, None);
                }
                Err(why) => drop(self.fate.insert(email, Some(why))),
            }
            if octets > COMMIT {
                self.raw.commit(self.carrier.account, std::mem::take(&mut written)).await?;
                octets = 0;
            }
        }
        self.raw.commit(self.carrier.account, written).await
    }

    /// In commits of a size that nobody waits for, each with the head that is true behind it.
    async fn events(&self, stream: StreamId, events: Vec<Event>) -> Result<(), Error> {
        let mut at = At { seq: Seq::NONE, state: None };
        let (mut waiting, mut octets) = (Vec::new(), 0);
        let count = events.len();
        for (n, event) in events.into_iter().enumerate() {
            let fits = |state: &Option<MailboxState>| match state {
                Some(state) => state.apply(&event),
                None => MailboxState::fold([&event]),
            };
            at.state = Some(fits(&at.state).map_err(|why| Error::damaged(stream, why))?);
            let encoded = event.encode();
            octets += encoded.len();
            waiting.push(encoded);
            if octets > COMMIT || n + 1 == count {
                let head =
                    at.state.as_ref().map(|state| store::Head(state.head().encode())).unwrap_or_default();
                let written = waiting.len() as u64;
                let append = Append { stream, expected: at.seq, events: std::mem::take(&mut waiting), head };
                let appends = Written { appends: vec![append], ..Written::default() };
                self.raw.commit(stream.account, appends).await?;
                (at.seq, octets) = (at.seq.plus(written), 0);
            }
        }
        Ok(())
    }

    /// The account's own stream, last.
    async fn names(&self, missing: &BTreeSet<MailboxId>) -> Result<(), Error> {
        let bygone = self.carrier.from;
        let mut events = bygone.names.rebuild(&bygone.newest, SKIPPED_MAILBOXES, self.raw.world.now_s())?;
        events.retain(|event| match event {
            AccountEvent::Created { id, .. } | AccountEvent::Continued { id, .. } => !missing.contains(id),
            _ => true,
        });
        let stream = StreamId { account: self.carrier.account, number: 0 };
        check(&events).map_err(|why| Error::damaged(stream, why))?;
        let mut expected = Seq::NONE;
        for some in events.chunks(EVENTS) {
            let events = some.iter().map(|event| event.encode().into()).collect();
            let append = Append { stream, expected, events, head: store::Head::default() };
            let appends = Written { appends: vec![append], ..Written::default() };
            self.raw.commit(stream.account, appends).await?;
            expected = expected.plus(some.len() as u64);
        }
        Ok(())
    }
}

/// Whether they can follow on each other.
fn check(events: &[AccountEvent]) -> Result<(), names::Inconsistent> {
    let mut account = names::Account::new();
    events.iter().try_for_each(|event| account.apply(event))
}
