//! Carrying messages out of a store of another time into the one that is served: octets are compared with their names on
//! the way, and what does not fit is left and told.

use crate::Error;
use crate::bygone::Bygone;
use crate::keeping::{Hold, Keeping};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{AccountId, Body, BodyId, MAX_INLINE_BODY, Store, StoreError};
use terms::{MailboxName, Uid};

/// Most things that are told one by one because they could not be brought back; the others are counted.
pub const MAX_LEFT: usize = 1_000;
/// Octets that are read at once.
const PIECE: usize = 1 << 20;

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BroughtBack {
    /// The mailboxes, in the order of the names that they had.
    pub mailboxes: Vec<MailboxBack>,
    /// How many messages and mailboxes are missing, or have something missing.
    pub lost: u64,
    /// The first [`MAX_LEFT`] of them.
    pub left: Vec<Left>,
}

/// A mailbox that holds again what it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxBack {
    /// Its name now.
    pub name: MailboxName,
    /// Messages that came back.
    pub messages: u64,
    /// Messages that were there and have the flags again that they had.
    pub flags: u64,
    /// Messages that were there and have octets again that can be read.
    pub mended: u64,
}

/// Something that did not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// In which mailbox it was, by its name then.
    pub mailbox: MailboxName,
    /// The message; `None` where more than one is concerned.
    pub uid: Option<Uid>,
    /// Why.
    pub why: String,
}

impl BroughtBack {
    pub(crate) fn leave(&mut self, mailbox: &MailboxName, uid: Option<Uid>, why: impl Into<String>) {
        self.lost += 1;
        if self.left.len() < MAX_LEFT {
            self.left.push(Left { mailbox: mailbox.clone(), uid, why: why.into() });
        }
    }

    /// All messages that came back.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.mailboxes.iter().map(|mailbox| mailbox.messages).sum()
    }
}

/// Whoever looks on.
pub trait Onlooker: Send + Sync {
    /// So many messages were looked at, of about so many.
    fn at(&self, messages: u64, of: u64);
}

/// The way from one store into an account of the other.
pub(crate) struct Carrier<'a> {
    pub(crate) from: &'a Bygone,
    pub(crate) to: &'a dyn Store,
    pub(crate) account: AccountId,
    keeping: Arc<Keeping>,
    onlooker: &'a dyn Onlooker,
    done: AtomicU64,
    of: u64,
}

/// Octets that are where they should be, or on their way.
#[derive(Debug)]
pub(crate) struct Carried {
    /// They go with the commit that refers to them; `None` where they are there.
    pub(crate) body: Option<Body>,
    /// What was there before.
    pub(crate) was: There,
    /// Keeps them until that commit.
    _hold: Hold,
}

/// What the target has of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum There {
    Whole,
    /// All of it, but a message is on its way which may have brought it, and takes it away where it is refused: unless a
    /// commit names it meanwhile.
    InPassing,
    Damaged,
    Not,
}

impl Carried {
    /// How many octets go with the commit.
    pub(crate) fn octets(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.octets().len())
    }
}

impl There {
    /// Whether nothing had to be brought.
    pub(crate) const fn is_whole(self) -> bool {
        matches!(self, Self::Whole | Self::InPassing)
    }
}

impl<'a> Carrier<'a> {
    /// To an account that a sweep and deliveries may come to meanwhile, by what it keeps from them.
    pub(crate) fn new(
        from: &'a Bygone,
        (to, account, keeping): (&'a dyn Store, AccountId, Arc<Keeping>),
        onlooker: &'a dyn Onlooker,
        of: u64,
    ) -> Self {
        Self { from, to, account, keeping, onlooker, done: AtomicU64::new(0), of }
    }

    /// Tells that so many messages more were looked at.
    pub(crate) fn advance(&self, messages: u64) {
        let done = self.done.fetch_add(messages, Ordering::Relaxed) + messages;
        self.onlooker.at(done, self.of.max(done));
    }

    /// Sees to it that the octets of this name are there, or can go with a commit; else says why not. What is there and
    /// cannot be read makes room. They stay as long as what this gives is there, and behind it where a commit has named
    /// them.
    pub(crate) async fn carry(&self, body: BodyId) -> Result<Result<Carried, String>, Error> {
        let hold = self.keeping.hold(body);
        let was_shared = hold.is_shared();
        let was = match self.there(body).await? {
            There::Whole if was_shared || hold.is_shared() => There::InPassing,
            was => was,
        };
        if was.is_whole() {
            return Ok(Ok(Carried { body: None, was, _hold: hold }));
        }
        match self.fetch(body, was).await {
            Ok(body) => Ok(body.map(|body| Carried { body, was, _hold: hold })),
            Err(StoreError::Damaged { what, detail }) => Ok(Err(format!("damaged {what}: {detail}"))),
            Err(why) => Err(why.into()),
        }
    }

    async fn there(&self, body: BodyId) -> Result<There, Error> {
        let mut offset = 0;
        loop {
            match self.to.body(self.account, body, offset, PIECE).await {
                Ok(None) => return Ok(There::Not),
                Ok(Some(piece)) if piece.is_empty() => return Ok(There::Whole),
                Ok(Some(piece)) => offset += piece.len() as u64,
                Err(StoreError::Damaged { .. }) => return Ok(There::Damaged),
                Err(why) => return Err(why.into()),
            }
            // A store that reads at once never waits: others have their turn all the same.
            tokio::task::yield_now().await;
        }
    }

    async fn fetch(&self, id: BodyId, was: There) -> Result<Result<Option<Body>, String>, StoreError> {
        let (from, account) = (&self.from.account.store, self.from.account.id());
        let Some(length) = from.body_len(account, id).await? else {
            return Ok(Err("the backup does not hold its octets".to_owned()));
        };
        if length > MAX_INLINE_BODY as u64 {
            return Ok(self.stage(id, was).await?.map(|()| None));
        }
        let octets = from.body(account, id, 0, MAX_INLINE_BODY).await?.unwrap_or_default();
        let body = Body::new(octets);
        if body.id() != id {
            return Ok(Err(OTHERS.to_owned()));
        }
        self.make_room(id, was).await?;
        Ok(Ok(Some(body)))
    }

    async fn stage(&self, id: BodyId, was: There) -> Result<Result<(), String>, StoreError> {
        let (from, account) = (&self.from.account.store, self.from.account.id());
        let mut writer = self.to.stage_body(self.account).await?;
        let (mut hasher, mut offset) = (blake3::Hasher::new(), 0);
        loop {
            let piece = from.body(account, id, offset, PIECE).await?.unwrap_or_default();
            if piece.is_empty() {
                break;
            }
            hasher.update(&piece);
            offset += piece.len() as u64;
            writer.write(piece).await?;
            tokio::task::yield_now().await;
        }
        if *hasher.finalize().as_bytes() != id.0 {
            return Ok(Err(OTHERS.to_owned()));
        }
        self.make_room(id, was).await?;
        writer.finish().await?;
        Ok(Ok(()))
    }

    /// What cannot be read is no loss.
    async fn make_room(&self, id: BodyId, was: There) -> Result<(), StoreError> {
        if was == There::Damaged { self.to.delete_body(self.account, id).await } else { Ok(()) }
    }
}

const OTHERS: &str = "its octets in the backup are not those that it was named by";
