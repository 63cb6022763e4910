//! Mail of another time, brought into an account that is there.
//!
//! Nothing that is there goes. A message that is there, by its identity or by its octets and date, is not brought a second
//! time: so what was cut off is run again, and goes on. What comes back comes at the end of its mailbox, with a UID that
//! nobody has seen.

use crate::account::Account;
use crate::aside::Aside;
use crate::bygone::{Bygone, Held};
use crate::carry::{BroughtBack, Carried, Carrier, MailboxBack, Onlooker, There};
use crate::undo::note;
use crate::{Error, Origin};
use bytes::Bytes;
use mailbox::account::{self as names, MailboxId, SpecialUses};
use mailbox::{Birth, MailboxState, NewMessage, Row};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use store::{BodyId, EmailId, Record};
use terms::{InternalDate, MailboxName, Uid};

/// Messages that are looked at together.
const AT_ONCE: usize = 256;
/// Octets of bodies and records in one commit.
const COMMIT: usize = 2 << 20;

/// Where mail comes back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Into the mailboxes that it was in; one that was deleted comes back, and what is subscribed no more is again. Where
    /// its name is taken a mailbox gets one that ends with these words.
    InPlace(String),
    /// Into mailboxes of the same names below this one.
    Below(MailboxName),
    /// One mailbox, into that of this name.
    Into(MailboxName),
}

impl Account {
    /// Brings back what an account held at another time, or only one mailbox of it.
    ///
    /// # Errors
    /// There was no such mailbox, the account is full, or one of the stores cannot be read or written now. What has come
    /// back until then stays.
    pub async fn bring_back(
        &self,
        origin: &Origin,
        bygone: &Bygone,
        only: Option<&MailboxName>,
        aim: &Aim,
        onlooker: &dyn Onlooker,
    ) -> Result<BroughtBack, Error> {
        let _turn = self.turn.lock().await;
        let wanted = bygone.mailboxes().filter(|(name, _)| only.is_none_or(|only| only == *name));
        let wanted: Vec<_> = wanted.map(|(name, mailbox)| (name.clone(), *mailbox)).collect();
        if wanted.is_empty() {
            return Err(Error::NoSuchMailbox);
        }
        let ids: Vec<_> = wanted.iter().map(|(_, mailbox)| mailbox.id).collect();
        let to = (&*self.store, self.id(), Arc::clone(&self.keeping));
        let carrier = Carrier::new(bygone, to, onlooker, bygone.count(&ids).await?);
        let mut brought = BroughtBack::default();
        for (name, mailbox) in wanted {
            let Held { state, damage } = bygone.mailbox(mailbox.id).await?;
            damage.into_iter().for_each(|why| brought.leave(&name, None, why));
            let Some(past) = state else {
                brought.leave(&name, None, "what it held then is not kept");
                continue;
            };
            let into = self.target(origin, &name, &mailbox, aim).await?;
            let coming = Coming { account: self, origin, carrier: &carrier, from: &name, past: &past };
            coming.come_into(into, &mut brought).await?;
        }
        if only.is_none() && matches!(aim, Aim::InPlace(_)) {
            self.subscribe_again(origin, &bygone.names).await?;
        }
        Ok(brought)
    }

    async fn target(
        &self,
        origin: &Origin,
        name: &MailboxName,
        mailbox: &names::Mailbox,
        aim: &Aim,
    ) -> Result<MailboxId, Error> {
        match aim {
            Aim::InPlace(words) => self.place_of(origin, name, mailbox, words).await,
            Aim::Into(name) => self.made(origin, name, SpecialUses::NONE).await,
            Aim::Below(above) => {
                let name = MailboxName::new(&format!("{above}{}{name}", terms::SEPARATOR));
                let name = name.map_err(names::Refusal::Name)?;
                self.made(origin, &name, SpecialUses::NONE).await
            }
        }
    }

    /// The same mailbox, under whatever name, deleted or not; else the one that has its name; else a new one.
    async fn place_of(
        &self,
        origin: &Origin,
        name: &MailboxName,
        mailbox: &names::Mailbox,
        words: &str,
    ) -> Result<MailboxId, Error> {
        let there = self.names().await?;
        let is_same =
            |other: &names::Mailbox| (other.id, other.uid_validity) == (mailbox.id, mailbox.uid_validity);
        if there.mailboxes().any(|(_, other)| is_same(other)) {
            return Ok(mailbox.id);
        }
        let mut deleted = self.find_deleted_mailboxes().await?;
        deleted.retain(|deleted| is_same(&deleted.mailbox) && deleted.head.is_some());
        let Some(deleted) = deleted.first() else {
            return self.made(origin, name, mailbox.special_uses).await;
        };
        let other = || MailboxName::new(&format!("{name} {words}")).map_err(names::Refusal::Name);
        let free = if there.mailbox(name).is_some() { other()? } else { name.clone() };
        match self.undelete_in_turn(origin, deleted, &free).await {
            Ok(()) => Ok(mailbox.id),
            // What it held has been swept away, in part at least.
            Err(Error::NotKept(_)) => self.made(origin, &free, mailbox.special_uses).await,
            Err(why) => Err(why),
        }
    }

    /// The mailbox of this name, made where it is missing, for those of the uses that no other serves.
    async fn made(&self, origin: &Origin, name: &MailboxName, uses: SpecialUses) -> Result<MailboxId, Error> {
        let there = self.names().await?;
        if there.mailbox(name).is_none() {
            let free = uses.iter().filter(|one| there.serving(*one).is_none()).collect();
            self.create_mailbox(origin, name, free).await?;
        }
        self.names().await?.mailbox(name).map(|mailbox| mailbox.id).ok_or(Error::NoSuchMailbox)
    }

    async fn subscribe_again(&self, origin: &Origin, then: &names::Account) -> Result<(), Error> {
        self.change(origin, |proposal| {
            for name in then.subscriptions() {
                let plan = proposal.account().subscribe(name, &self.limits).map_err(Error::from)?;
                proposal.follow(&plan)?;
            }
            Ok(())
        })
        .await
    }
}

/// The messages of one mailbox on their way.
struct Coming<'a> {
    account: &'a Account,
    origin: &'a Origin,
    carrier: &'a Carrier<'a>,
    /// The mailbox's name then.
    from: &'a MailboxName,
    past: &'a MailboxState,
}

/// A message as it was.
struct Then {
    uid: Uid,
    email: EmailId,
    body: BodyId,
    message: NewMessage,
}

/// A message of then that is there now, under this UID and with this identity.
struct Found {
    uid: Uid,
    email: EmailId,
    then: Then,
}

/// A message that comes back.
struct Returning {
    message: NewMessage,
    body: BodyId,
    /// Its record, where the commit has to bring it or has to name the octets anew.
    record: Option<Bytes>,
    /// Its identity, where that is known here: else it gets another.
    email: Option<EmailId>,
    carried: Carried,
}

impl Returning {
    fn octets(&self) -> usize {
        self.record.as_ref().map_or(0, Bytes::len) + self.carried.octets()
    }
}

impl Coming<'_> {
    async fn come_into(&self, into: MailboxId, brought: &mut BroughtBack) -> Result<(), Error> {
        let then = self.messages_then(brought).await?;
        let there = Present::look(self.account, into).await?;
        let (found, missing) = there.compare(then);
        let mut flags = Vec::new();
        found.iter().for_each(|found| note(&mut flags, found.then.message.flags.clone(), found.uid));
        let mut back = MailboxBack { name: self.from.clone(), messages: 0, flags: 0, mended: 0 };
        for (flags, uids) in &flags {
            back.flags += self.account.set_flags(self.origin, into, flags, uids).await?;
        }
        for found in &found {
            back.mended += u64::from(self.mend(found, brought).await?);
            self.carrier.advance(1);
        }
        for some in missing.chunks(AT_ONCE) {
            back.messages += self.bring(into, some, brought).await?;
            self.carrier.advance(some.len() as u64);
        }
        if let Some(name) = self.account.names().await?.name(into) {
            back.name = name.clone();
        }
        brought.mailboxes.push(back);
        Ok(())
    }

    async fn messages_then(&self, brought: &mut BroughtBack) -> Result<Vec<Then>, Error> {
        let from = &self.carrier.from.account;
        let uids = self.past.uids(Uid::MIN);
        let rows: Vec<Row> = self.past.reader(from.id()).rows(&uids).collect();
        let bodies = from.readable_bodies(&rows).await?;
        let (_, messages) = mailbox::copies(self.past, from.id(), &uids, self.account.unix_s());
        let mut then = Vec::with_capacity(rows.len());
        for (row, message) in rows.into_iter().zip(messages) {
            match bodies.get(&row.email) {
                Some(body) => then.push(Then { uid: row.uid, email: row.email, body: *body, message }),
                None => brought.leave(self.from, Some(row.uid), NO_RECORD),
            }
        }
        Ok(then)
    }

    /// Brings the octets of a message that is there, where they are damaged or missing.
    async fn mend(&self, found: &Found, brought: &mut BroughtBack) -> Result<bool, Error> {
        let Found { email, then, .. } = found;
        let carried = match self.carrier.carry(then.body).await? {
            Ok(carried) => carried,
            Err(why) => {
                brought.leave(self.from, Some(then.uid), why);
                return Ok(false);
            }
        };
        if carried.was != There::Whole {
            // Its record is there, and is said again, so that the octets are named by this commit.
            let records = self.account.readable_records(std::iter::once(*email)).await?;
            let record = |octets| (*email, Some(Record { octets, body: Some(then.body) }));
            let records = records.into_values().map(record).collect();
            let bodies = carried.body.iter().cloned().collect();
            self.account.put_aside(self.origin, Aside { records, bodies }).await?;
        }
        Ok(!carried.was.is_whole())
    }

    /// In commits of a size that nobody waits for.
    async fn bring(&self, into: MailboxId, some: &[Then], brought: &mut BroughtBack) -> Result<u64, Error> {
        let emails = || some.iter().map(|then| then.email);
        let records = self.carrier.from.account.readable_records(emails()).await?;
        let mut known = self.account.readable_records(emails()).await?;
        let bodies: HashMap<_, _> = some.iter().map(|then| (then.email, then.body.0)).collect();
        known.retain(|email, record| message::body_of(record).as_ref() == bodies.get(email));
        let (mut waiting, mut octets, mut messages) = (Vec::new(), 0, 0);
        for then in some {
            let carried = match self.carrier.carry(then.body).await? {
                Ok(carried) => carried,
                Err(why) => {
                    brought.leave(self.from, Some(then.uid), why);
                    continue;
                }
            };
            let Some(returning) = returning(then, carried, known.get(&then.email), records.get(&then.email))
            else {
                brought.leave(self.from, Some(then.uid), NO_RECORD);
                continue;
            };
            octets += returning.octets();
            waiting.push(returning);
            messages += 1;
            if octets > COMMIT {
                self.put(into, &std::mem::take(&mut waiting)).await?;
                octets = 0;
            }
        }
        self.put(into, &waiting).await?;
        Ok(messages)
    }

    async fn put(&self, into: MailboxId, some: &[Returning]) -> Result<(), Error> {
        if some.is_empty() {
            return Ok(());
        }
        let account = self.account.id();
        self.account
            .change(self.origin, |proposal| {
                let messages = some.iter().map(|one| one.message.clone()).collect();
                let appending = mailbox::append(proposal.mailbox(into)?, account, messages)?;
                appending.events.iter().try_for_each(|event| proposal.push(into, event))?;
                for (uid, one) in appending.uids.iter().zip(some) {
                    let email = one.email.unwrap_or(EmailId { mailbox: into.get(), uid: uid.get() });
                    if let Some(octets) = &one.record {
                        let record = Record { octets: octets.clone(), body: Some(one.body) };
                        proposal.put_record(email, record);
                    }
                    one.carried.body.iter().for_each(|body| proposal.put_body(body.clone()));
                }
                Ok(())
            })
            .await
    }
}

/// A message as it comes back, by its record here or by that of then; `None` where there is neither.
fn returning(
    then: &Then,
    carried: Carried,
    known: Option<&Bytes>,
    record: Option<&Bytes>,
) -> Option<Returning> {
    let (birth, email, record) = match known {
        Some(known) => {
            let record = (carried.was != There::Whole).then(|| known.clone());
            (then.message.birth, Some(then.email), record)
        }
        None => (Birth::Here, None, Some(record?.clone())),
    };
    let message = NewMessage { birth, ..then.message.clone() };
    Some(Returning { message, body: then.body, record, email, carried })
}

const NO_RECORD: &str = "its record cannot be read";

/// The messages of a mailbox that can be read, as long as none of another time was found to be them.
struct Present {
    by_uid: HashMap<Uid, (EmailId, BodyId)>,
    by_identity: HashMap<(EmailId, BodyId), VecDeque<Uid>>,
    by_octets: HashMap<(BodyId, InternalDate), VecDeque<Uid>>,
}

impl Present {
    async fn look(account: &Account, id: MailboxId) -> Result<Self, Error> {
        let state = account.open(id).await?.newest();
        let uids = state.state().uids(Uid::MIN);
        let rows: Vec<Row> = state.state().reader(account.id()).rows(&uids).collect();
        let bodies = account.readable_bodies(&rows).await?;
        let (by_uid, by_identity, by_octets) = Default::default();
        let mut there = Self { by_uid, by_identity, by_octets };
        for row in rows {
            let Some(body) = bodies.get(&row.email) else { continue };
            there.by_uid.insert(row.uid, (row.email, *body));
            there.by_identity.entry((row.email, *body)).or_default().push_back(row.uid);
            there.by_octets.entry((*body, row.internal_date)).or_default().push_back(row.uid);
        }
        Ok(there)
    }

    /// Those that are there, and those that are missing. Who is known best comes first, so that nobody is taken for a
    /// copy of another.
    fn compare(mut self, then: Vec<Then>) -> (Vec<Found>, Vec<Then>) {
        let (mut found, mut missing) = (Vec::new(), then);
        for find in [Self::the_same, Self::of_its_identity, Self::alike] {
            let strangers = missing.into_iter().filter_map(|then| match find(&mut self, &then) {
                Some((uid, email)) => {
                    found.push(Found { uid, email, then });
                    None
                }
                None => Some(then),
            });
            missing = strangers.collect();
        }
        found.sort_unstable_by_key(|found| found.uid);
        (found, missing)
    }

    fn the_same(&mut self, then: &Then) -> Option<(Uid, EmailId)> {
        let is_it = self.by_uid.get(&then.uid) == Some(&(then.email, then.body));
        is_it.then(|| self.by_uid.remove(&then.uid)).map(|_| (then.uid, then.email))
    }

    fn of_its_identity(&mut self, then: &Then) -> Option<(Uid, EmailId)> {
        let candidates = self.by_identity.get_mut(&(then.email, then.body))?;
        take_one(candidates, &mut self.by_uid)
    }

    fn alike(&mut self, then: &Then) -> Option<(Uid, EmailId)> {
        let candidates = self.by_octets.get_mut(&(then.body, then.message.internal_date))?;
        take_one(candidates, &mut self.by_uid)
    }
}

/// The first that nobody was found to be yet.
fn take_one(
    candidates: &mut VecDeque<Uid>,
    free: &mut HashMap<Uid, (EmailId, BodyId)>,
) -> Option<(Uid, EmailId)> {
    let mut candidates = std::iter::from_fn(|| candidates.pop_front());
    candidates.find_map(|uid| free.remove(&uid).map(|(email, _)| (uid, email)))
}

impl Account {
    /// The names of these messages' octets, of those whose records can be read.
    async fn readable_bodies(&self, rows: &[Row]) -> Result<HashMap<EmailId, BodyId>, Error> {
        let mut bodies = HashMap::with_capacity(rows.len());
        for some in rows.chunks(AT_ONCE) {
            let records = self.readable_records(some.iter().map(|row| row.email)).await?;
            let body = |(email, record): (EmailId, Bytes)| Some((email, BodyId(message::body_of(&record)?)));
            bodies.extend(records.into_iter().filter_map(body));
        }
        Ok(bodies)
    }
}
