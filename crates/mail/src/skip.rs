//! What a restore does to the store that it brought back: numbers that were given since the backup, and that nobody
//! here remembers, are never given again.
//!
//! A client that has seen a UID has cached what it stood for (RFC 9051, 2.3.1.1). The same holds for modification
//! sequences (RFC 7162, 3.1), MAILBOXID and EMAILID (RFC 8474, 4 and 5.1).

use crate::Error;
use crate::directory::{STREAM, append_twice};
use crate::load::{self, At};
use crate::raw::{Raw, Written};
use crate::roll::Roll;
use crate::world::World;
use bytes::Bytes;
use std::sync::Arc;
use store::{AccountId, Append, Head, Seq, Store, StreamId};

/// UIDs that each mailbox passes over.
pub const SKIPPED_UIDS: u32 = 1 << 16;
/// MODSEQs that each mailbox passes over.
pub const SKIPPED_MODSEQS: u64 = 1 << 20;
/// Mailbox ids, and UIDVALIDITYs, that each account passes over.
pub const SKIPPED_MAILBOXES: u32 = 1 << 16;
/// Account ids that the directory passes over.
pub const SKIPPED_ACCOUNTS: u64 = 1 << 16;

/// Streams that are written together.
const AT_ONCE: usize = 256;

/// What was passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkippedNumbers {
    /// Accounts, those that were removed and can be brought back among them.
    pub accounts: u64,
    /// Mailboxes, deleted ones among them.
    pub mailboxes: u64,
    /// What is kept read-only because of damage: nothing is given there, and nothing was passed over.
    pub left: Vec<String>,
}

/// Passes over numbers in every mailbox, in every account and in the directory. Nobody else may write meanwhile.
///
/// # Errors
/// The directory cannot be read, or the store cannot write.
pub async fn skip_numbers(store: &dyn Store, world: &dyn World) -> Result<SkippedNumbers, Error> {
    let mut at = At { seq: Seq::NONE, state: Arc::<Roll>::default() };
    while at.read_on(store, STREAM).await?.is_some() {}
    let mut skipped = SkippedNumbers::default();
    if at.seq == Seq::NONE {
        return Ok(skipped);
    }
    let skipper = Skipper { raw: Raw { store, world } };
    // Also those that were removed, which no list names: they can be brought back.
    for id in (1..=at.state.directory().last_id().0).map(AccountId) {
        skipper.account(id, &mut skipped).await?;
    }
    let event = at.state.directory().skip(SKIPPED_ACCOUNTS);
    let event = event.map_err(|why| Error::Unavailable(why.to_string()))?;
    skipper.write(AccountId::DIRECTORY, vec![append_twice(at.seq, &[event])]).await?;
    Ok(skipped)
}

struct Skipper<'a> {
    raw: Raw<'a>,
}

impl Skipper<'_> {
    async fn account(&self, id: AccountId, skipped: &mut SkippedNumbers) -> Result<(), Error> {
        let streams = self.raw.store.list_streams(id).await?;
        skipped.accounts += u64::from(!streams.is_empty());
        for some in streams.chunks(AT_ONCE) {
            let mut appends = Vec::with_capacity(some.len());
            for (stream, ..) in some {
                let made = match stream.number {
                    0 => self.names(*stream).await,
                    _ => self.mailbox(*stream).await,
                };
                match made {
                    Ok(append) => appends.extend(append),
                    Err(why) => skipped.left.push(why.to_string()),
                }
            }
            skipped.mailboxes += mailboxes(&appends);
            match self.write(id, appends.clone()).await {
                // One of them is kept read-only: that is no reason for the others to stay.
                Err(Error::Damaged(_)) => self.one_by_one(id, appends, skipped).await?,
                written => written?,
            }
        }
        Ok(())
    }

    async fn one_by_one(
        &self,
        id: AccountId,
        appends: Vec<Append>,
        skipped: &mut SkippedNumbers,
    ) -> Result<(), Error> {
        for append in appends {
            let counted = mailboxes(std::slice::from_ref(&append));
            match self.write(id, vec![append]).await {
                Err(Error::Damaged(why)) => {
                    skipped.mailboxes -= counted;
                    skipped.left.push(why);
                }
                written => written?,
            }
        }
        Ok(())
    }

    async fn names(&self, stream: StreamId) -> Result<Option<Append>, Error> {
        let (at, _) = load::account(self.raw.store, stream).await?;
        let event = at.state.skip(SKIPPED_MAILBOXES, self.raw.world.now_s())?;
        Ok(event.map(|event| append(stream, at.seq, event.encode().into(), Head::default())))
    }

    async fn mailbox(&self, stream: StreamId) -> Result<Option<Append>, Error> {
        let Some((at, _)) = load::mailbox(self.raw.store, stream).await? else { return Ok(None) };
        let event = mailbox::skip(&at.state, SKIPPED_UIDS, SKIPPED_MODSEQS)?;
        let state = at.state.apply(&event).map_err(|why| Error::damaged(stream, why))?;
        Ok(Some(append(stream, at.seq, event.encode(), Head(state.head().encode()))))
    }

    async fn write(&self, account: AccountId, appends: Vec<Append>) -> Result<(), Error> {
        self.raw.commit(account, Written { appends, ..Written::default() }).await
    }
}

fn mailboxes(appends: &[Append]) -> u64 {
    appends.iter().filter(|append| append.stream.number > 0).count() as u64
}

fn append(stream: StreamId, expected: Seq, event: Bytes, head: Head) -> Append {
    Append { stream, expected, events: vec![event], head }
}
