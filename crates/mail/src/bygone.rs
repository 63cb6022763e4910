//! An account as it was at a moment, in a store of its own that nobody writes to: what a backup has of it.

use crate::account::Account;
use crate::directory::STREAM;
use crate::load::{self, At, Fold};
use crate::past::{Replay, last_event_until, without_events};
use crate::roll::Roll;
use crate::skip::{SKIPPED_MODSEQS, SKIPPED_UIDS};
use crate::world::World;
use crate::{DirectoryError, Error};
use bytes::Bytes;
use mailbox::account::directory::{Entry, Login};
use mailbox::account::{self as names, Limits, MailboxId};
use mailbox::{Given, LimitReached, MailboxState, Row};
use std::collections::HashMap;
use std::sync::Arc;
use store::{AccountId, EmailId, EmailRange, Seq, Store, StreamId};
use terms::{MailboxName, ModSeq, Uid};

/// Events read at a time.
const BATCH: usize = 1_024;

/// Who had a name.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Its number then.
    pub id: AccountId,
    /// What the directory had of it.
    pub entry: Entry,
}

/// Who had this name at a moment (Unix time in milliseconds), by a store that holds the directory.
///
/// # Errors
/// It is no name, or the store cannot be read.
pub async fn who_had(
    directory: &dyn Store,
    name: &str,
    until_ms: i64,
) -> Result<Option<Holder>, DirectoryError> {
    let login = Login::new(name)?;
    let nothing = At { seq: Seq::NONE, state: Arc::<Roll>::default() };
    let roll = state_until(directory, STREAM, nothing, until_ms).await?;
    let holder = roll.directory().find(&login);
    Ok(holder.map(|(id, entry)| Holder { id, entry: entry.clone() }))
}

/// An account as it was.
pub struct Bygone {
    pub(crate) account: Account,
    pub(crate) entry: Entry,
    pub(crate) names: Arc<names::Account>,
    /// The same at the end of what is known of it.
    pub(crate) newest: Arc<names::Account>,
    until_ms: i64,
}

impl std::fmt::Debug for Bygone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bygone({})", self.entry.login)
    }
}

impl Bygone {
    /// Reads the account's names as they were at a moment: Unix time in milliseconds.
    ///
    /// # Errors
    /// The store cannot be read, or what it holds of the names is damaged.
    pub async fn open(
        store: Arc<dyn Store>,
        world: Arc<dyn World>,
        holder: Holder,
        until_ms: i64,
    ) -> Result<Self, Error> {
        let stream = StreamId { account: holder.id, number: 0 };
        // Where a purge has trimmed the names, the first that is known of them.
        let first = load::account_before(&*store, stream, Seq(u64::MAX)).await?;
        let names = state_until(&*store, stream, first.clone(), until_ms).await?;
        let newest = state_until(&*store, stream, first, i64::MAX).await?;
        if names.mailboxes().len() == 0 {
            return Err(Error::damaged(stream, "what its mailboxes were called then is not kept"));
        }
        let account = Account::new(holder.id, store, world, Limits::default(), Arc::default());
        Ok(Self { account, entry: holder.entry, names, newest, until_ms })
    }

    /// Its mailboxes then.
    pub fn mailboxes(&self) -> impl ExactSizeIterator<Item = (&MailboxName, &names::Mailbox)> {
        self.names.mailboxes()
    }

    /// About how many messages are in these mailboxes.
    pub(crate) async fn count(&self, ids: &[MailboxId]) -> Result<u64, Error> {
        let heads = self.account.heads(ids).await?;
        Ok(heads.into_iter().flatten().map(|head| u64::from(head.messages)).sum())
    }

    /// What a mailbox held. Where it is damaged: what it held before that, and what is wrong.
    pub(crate) async fn mailbox(&self, id: MailboxId) -> Result<Held, Error> {
        let (store, stream) = (&*self.account.store, self.account.stream_of(id));
        let (last, mut damage) = match last_event_until(store, stream, self.until_ms).await? {
            (Some(last), damage) => (last, damage),
            (None, None) => return Ok(self.held_at_last(without_events(store, stream).await?)),
            (None, damage) => return Ok(Held { state: None, damage }),
        };
        let mut replay = match Replay::begin(store, stream, last).await {
            Err(Error::Damaged(why)) => return Ok(Held { state: None, damage: Some(why) }),
            begun => begun?,
        };
        loop {
            let next = match replay.next(last).await {
                Ok(Some(event)) => replay.take(event).map(drop),
                Ok(None) => break,
                Err(why) => Err(why),
            };
            match next {
                Err(Error::Damaged(why)) => {
                    damage = Some(why);
                    break;
                }
                taken => taken?,
            }
        }
        Ok(Held { state: replay.at.state, damage })
    }

    /// What a mailbox held of which it is not kept since when: not what came into it later.
    fn held_at_last(&self, state: Option<MailboxState>) -> Held {
        let until_ms = self.until_ms;
        let came_later = |row: &Row| row.save_date.saturating_mul(1_000) > until_ms;
        let state = state.filter(|state| {
            let uids = state.uids(Uid::MIN);
            !state.reader(self.account.id()).rows(&uids).any(|row| came_later(&row))
        });
        let is_doubtful = state.is_some() && until_ms < i64::MAX;
        Held { state, damage: is_doubtful.then(|| HELD_AT_LAST.to_owned()) }
    }

    /// Numbers that may have been given since a mailbox was as it was, by others than this store knows of too.
    pub(crate) async fn given(&self, id: MailboxId, past: &MailboxState) -> Result<Given, Error> {
        let head = match self.account.heads(&[id]).await {
            Err(Error::Damaged(_)) => None,
            heads => heads?.into_iter().flatten().next(),
        };
        let (uid_next, modseq) =
            head.map_or((Uid::MIN, ModSeq::ZERO), |head| (head.uid_next, head.highest_modseq));
        let uid_next = uid_next.max(past.uid_next()).get().checked_add(SKIPPED_UIDS).and_then(Uid::new);
        let modseq = modseq.max(past.last_modseq()).plus(SKIPPED_MODSEQS);
        Ok(Given {
            uid_next: uid_next.ok_or(LimitReached::Uids)?,
            modseq: modseq.ok_or(LimitReached::ModSeqs)?,
        })
    }
}

const HELD_AT_LAST: &str =
    "its past is not kept: this is what it held at last, and whether it held that then cannot be told";

/// What a mailbox held.
pub(crate) struct Held {
    /// `None` where it was not there yet, or what it held then is not kept.
    pub(crate) state: Option<MailboxState>,
    pub(crate) damage: Option<String>,
}

impl Account {
    /// The records of these messages, as far as they can be read.
    pub(crate) async fn readable_records(
        &self,
        emails: impl Iterator<Item = EmailId>,
    ) -> Result<HashMap<EmailId, Bytes>, Error> {
        let mut emails: Vec<_> = emails.collect();
        emails.sort_unstable();
        emails.dedup();
        let ranges: Vec<_> =
            emails.into_iter().map(|email| EmailRange { first: email, last: email }).collect();
        match self.records(&ranges).await {
            Err(Error::Damaged(_)) => {}
            read => return Ok(read?.into_iter().collect()),
        }
        let mut found = HashMap::new();
        for range in ranges {
            match self.records(&[range]).await {
                Err(Error::Damaged(_)) => {}
                read => found.extend(read?),
            }
        }
        Ok(found)
    }
}

async fn state_until<S: Fold>(
    store: &dyn Store,
    stream: StreamId,
    mut at: At<S>,
    until_ms: i64,
) -> Result<S, Error> {
    let (last, damage) = last_event_until(store, stream, until_ms).await?;
    if let Some(why) = damage {
        return Err(Error::Damaged(why));
    }
    let last = last.unwrap_or(Seq::NONE);
    while at.seq < last {
        let mut events = store.read(stream, at.seq, BATCH).await?;
        events.retain(|event| event.seq <= last);
        if at.follow(stream, &events)? == 0 {
            break;
        }
    }
    Ok(at.state)
}
