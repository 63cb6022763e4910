//! Does an account fit together? What its heads say against what is counted, and what its messages need against what
//! is there.
//!
//! Nothing is changed. What the store can test by itself (checksums, the index) it has tested; here is what only
//! whoever knows mail can tell. Mailboxes that were deleted and may be brought back are not looked at.

use crate::Error;
use crate::account::Account;
use crate::load::{self, At};
use mailbox::account::MailboxId;
use mailbox::{Head, MailboxState, Row, SystemFlags};
use std::collections::{BTreeMap, BTreeSet};
use store::{BodyId, EmailId, EmailRange, StoreError, StreamId};
use terms::{MailboxName, Uid};

/// Messages that are looked at together.
const AT_ONCE: usize = 256;
/// How often a mailbox that is changed meanwhile is read on.
const LOOKS: u32 = 16;
/// Most findings that one account has.
pub const MAX_FINDINGS: usize = 10_000;

/// What the store has found that it cannot read.
#[derive(Clone, Debug, Default)]
pub struct Unreadable {
    /// Records, by their messages.
    pub records: BTreeSet<EmailId>,
    /// Bodies.
    pub bodies: BTreeSet<BodyId>,
    /// Events or snapshots of these streams.
    pub streams: BTreeSet<u32>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In which mailbox.
    pub mailbox: MailboxName,
    /// Of which message, where it is one's.
    pub uid: Option<Uid>,
    /// What it is, in words.
    pub what: String,
}

/// What a check came to.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Mailboxes looked at.
    pub mailboxes: u64,
    /// Messages looked at.
    pub messages: u64,
    /// What was found, at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
}

impl Checked {
    fn note(&mut self, mailbox: &MailboxName, uid: Option<Uid>, what: impl Into<String>) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { mailbox: mailbox.clone(), uid, what: what.into() });
        }
    }
}

impl Account {
    /// The name of a mailbox by the number of its stream.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn name_of(&self, stream: u32) -> Result<Option<MailboxName>, Error> {
        let names = self.names().await?;
        Ok(MailboxId::new(stream).and_then(|id| names.name(id).cloned()))
    }

    /// Looks at everything; what is `unreadable` is named by the messages that it belongs to.
    ///
    /// # Errors
    /// The store cannot read now. What it reads and is damaged is a finding.
    pub async fn check(&self, unreadable: &Unreadable) -> Result<Checked, Error> {
        let names = self.names().await?;
        let mut checked = Checked::default();
        for (name, mailbox) in names.mailboxes() {
            checked.mailboxes += 1;
            let looked = self.check_mailbox(name, self.stream_of(mailbox.id), unreadable, &mut checked).await;
            match looked {
                Err(Error::Damaged(why)) => checked.note(name, None, why),
                looked => looked?,
            }
        }
        Ok(checked)
    }

    async fn check_mailbox(
        &self,
        name: &MailboxName,
        stream: StreamId,
        unreadable: &Unreadable,
        checked: &mut Checked,
    ) -> Result<(), Error> {
        let Some((mut at, _)) = load::mailbox(&*self.store, stream).await? else {
            checked.note(name, None, "the account names it, and there is nothing of it");
            return Ok(());
        };
        let head = self.head_of(stream, &mut at).await?;
        let uids = at.state.uids(Uid::MIN);
        let rows: Vec<Row> = at.state.reader(self.id()).rows(&uids).collect();
        let misfits = match head {
            Some(head) => misfits(&head, &at.state, &rows),
            None => vec!["its summary cannot be read".to_owned()],
        };
        misfits.into_iter().for_each(|what| checked.note(name, None, what));
        for some in rows.chunks(AT_ONCE) {
            self.check_messages(name, some, unreadable, checked).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// The summary beside a mailbox's stream, and the state read on to where that stands.
    pub(crate) async fn head_of(
        &self,
        stream: StreamId,
        at: &mut At<MailboxState>,
    ) -> Result<Option<Head>, Error> {
        for _ in 0..LOOKS {
            let head = self.store.heads(&[stream]).await?.into_iter().flatten().next();
            match head {
                Some((seq, head)) if seq == at.seq => return Ok(Head::decode(&head.0).ok()),
                Some((seq, _)) if seq > at.seq => {
                    if at.read_on(&*self.store, stream).await?.is_none() {
                        let next = at.seq.plus(1).0;
                        return Err(Error::damaged(stream, format!("event {next} is missing")));
                    }
                }
                _ => return Ok(None),
            }
        }
        Err(Error::Unavailable("a mailbox changes faster than it can be checked; try again".to_owned()))
    }

    async fn check_messages(
        &self,
        name: &MailboxName,
        rows: &[Row],
        unreadable: &Unreadable,
        checked: &mut Checked,
    ) -> Result<(), Error> {
        let records = self.body_of_each(rows).await?;
        for row in rows {
            checked.messages += 1;
            let uid = Some(row.uid);
            if unreadable.records.contains(&row.email) {
                checked.note(name, uid, "its record cannot be read");
                continue;
            }
            let body = match records.get(&row.email) {
                Some(Ok(body)) => *body,
                Some(Err(why)) => {
                    checked.note(name, uid, format!("its record cannot be read: {why}"));
                    continue;
                }
                None => {
                    checked.note(name, uid, "it has no record");
                    continue;
                }
            };
            match self.store.body_len(self.id(), body).await? {
                _ if unreadable.bodies.contains(&body) => {
                    checked.note(name, uid, "its octets cannot be read")
                }
                None => checked.note(name, uid, "its octets are not there"),
                Some(length) if length != row.size => {
                    let size = row.size;
                    checked.note(name, uid, format!("it has {length} octets, and its size says {size}"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Which body each record speaks of, or why that cannot be told.
    async fn body_of_each(&self, rows: &[Row]) -> Result<BTreeMap<EmailId, Result<BodyId, String>>, Error> {
        let emails: BTreeSet<EmailId> = rows.iter().map(|row| row.email).collect();
        let ranges: Vec<_> = emails.iter().map(|&email| EmailRange { first: email, last: email }).collect();
        let named =
            |record: &[u8]| message::body_of(record).map(BodyId).ok_or_else(|| "it is no record".to_owned());
        match self.store.records(self.id(), &ranges).await {
            Ok(records) => Ok(records.iter().map(|(email, record)| (*email, named(record))).collect()),
            Err(StoreError::Damaged { .. }) => {
                let mut each = BTreeMap::new();
                for range in ranges {
                    match self.store.records(self.id(), &[range]).await {
                        Ok(records) => {
                            each.extend(records.iter().map(|(email, record)| (*email, named(record))));
                        }
                        Err(StoreError::Damaged { detail, .. }) => {
                            each.insert(range.first, Err(detail));
                        }
                        Err(why) => return Err(why.into()),
                    }
                }
                Ok(each)
            }
            Err(why) => Err(why.into()),
        }
    }
}

/// What a mailbox's summary says otherwise than its messages.
fn misfits(head: &Head, state: &MailboxState, rows: &[Row]) -> Vec<String> {
    let count = |of: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| of(row)).count() as u64;
    let has = |row: &Row, flag| row.flags.system.contains(flag);
    let counted = [
        ("messages", u64::from(head.messages), rows.len() as u64),
        ("unseen", head.unseen.into(), count(&|row| !has(row, SystemFlags::SEEN))),
        ("deleted", head.deleted.into(), count(&|row| has(row, SystemFlags::DELETED))),
        ("octets", head.octets, rows.iter().map(|row| row.size).sum()),
    ];
    let wrong = counted.into_iter().filter(|(_, said, counted)| said != counted);
    let mut misfits: Vec<String> = wrong
        .map(|(what, said, counted)| format!("its summary says {said} {what}, and {counted} are counted"))
        .collect();
    let own = state.head();
    let told = [
        ("UIDNEXT", u64::from(head.uid_next.get()), u64::from(own.uid_next.get())),
        ("UIDVALIDITY", head.uid_validity.get().into(), own.uid_validity.get().into()),
        ("HIGHESTMODSEQ", head.highest_modseq.get(), own.highest_modseq.get()),
    ];
    let wrong = told.into_iter().filter(|(_, said, is)| said != is);
    misfits.extend(wrong.map(|(what, said, is)| format!("its summary says {what} {said}, and it is {is}")));
    let last = rows.last().filter(|row| row.uid >= head.uid_next);
    misfits.extend(last.map(|row| {
        format!("UIDNEXT is {}, and there is a message with UID {}", head.uid_next.get(), row.uid.get())
    }));
    misfits
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailbox::{Created, Event};
    use terms::{AccountId, ModSeq, UidValidity};

    fn empty() -> MailboxState {
        let created = Created {
            stream: 1,
            owner: AccountId(1),
            uid_validity: UidValidity::new(7).unwrap(),
            uid_next: Uid::MIN,
            modseq_base: ModSeq::ZERO,
        };
        MailboxState::fold([&Event::Created(created)]).unwrap()
    }

    #[test]
    fn a_summary_that_says_otherwise_than_the_messages_is_found_in_each_number() {
        let state = empty();
        let right = state.head();
        assert_eq!(misfits(&right, &state, &[]), Vec::<String>::new());
        let wrong = Head { messages: 1, unseen: 2, deleted: 3, octets: 4, uid_next: Uid::MAX, ..right };
        let found = misfits(&wrong, &state, &[]).join("; ");
        for told in ["1 messages", "2 unseen", "3 deleted", "4 octets", "UIDNEXT 4294967295"] {
            assert!(found.contains(told), "{told}: {found}");
        }
    }
}
