//! A message on its way in: parsed, named and put away as it streams by.

use crate::account::Account;
use crate::keeping::{Hold, Keeping};
use crate::{Arrival, Error, Origin};
use bytes::Bytes;
use mailbox::Flags;
use mailbox::account::MailboxId;
use message::Scanner;
use std::sync::Arc;
use store::{Body, BodyId, BodyWriter, MAX_INLINE_BODY, Record};
use terms::{AccountId, InternalDate, Uid, UidValidity};

/// A message of which not all octets are here yet. Holds at most [`MAX_INLINE_BODY`] of them. Dropping it
/// unfinished leaves nothing behind.
pub struct Incoming {
    scanner: Scanner,
    held: Held,
    keeping: Arc<Keeping>,
}

enum Held {
    Few(Vec<u8>),
    Many(Box<dyn BodyWriter>),
}

/// A message that is all here, parsed and named; not yet in any mailbox.
#[derive(Clone, Debug)]
pub struct Received {
    pub(crate) record: Bytes,
    pub(crate) id: BodyId,
    /// Keeps its octets from being swept away until it is in a mailbox.
    _hold: Arc<Hold>,
    /// The octets; `None` where they are put away already.
    pub(crate) body: Option<Body>,
    pub(crate) size: u64,
}

/// Where a message came to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The mailbox's.
    pub uid_validity: UidValidity,
    /// The message's.
    pub uid: Uid,
}

impl Account {
    /// Begins a message of `octets`: what is too large for a commit is staged as it comes.
    ///
    /// # Errors
    /// The store cannot write now.
    pub async fn incoming(&self, octets: u64) -> Result<Incoming, Error> {
        let few = usize::try_from(octets).ok().filter(|octets| *octets <= MAX_INLINE_BODY);
        let held = match few {
            Some(octets) => Held::Few(Vec::with_capacity(octets)),
            None => Held::Many(self.store.stage_body(self.id).await?),
        };
        Ok(Incoming { scanner: Scanner::new(), held, keeping: Arc::clone(&self.keeping) })
    }

    /// Puts a message into a mailbox, dated now unless `date` says otherwise; `reader` is whose `\Seen` its flags
    /// speak of.
    ///
    /// # Errors
    /// The mailbox is gone or full, or the store cannot write now.
    pub async fn append(
        &self,
        origin: &Origin,
        mailbox: MailboxId,
        received: Received,
        reader: AccountId,
        flags: Flags,
        date: Option<InternalDate>,
    ) -> Result<Placed, Error> {
        let filed = self.file(origin, mailbox, Arrival { received, flags, date }.into(), reader).await?;
        let uid = filed.uids.first().ok_or(Error::NoSuchMessage)?;
        Ok(Placed { uid_validity: filed.uid_validity, uid })
    }
}

impl Received {
    /// The name of its octets (BLAKE3).
    #[must_use]
    pub const fn name(&self) -> [u8; 32] {
        self.id.0
    }

    /// How many they are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn store_record(&self) -> Record {
        Record { octets: self.record.clone(), body: Some(self.id) }
    }
}

impl Incoming {
    /// Takes the next octets.
    ///
    /// # Errors
    /// The store cannot write now.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), Error> {
        self.scanner.push(&piece);
        match &mut self.held {
            Held::Few(octets) => octets.extend_from_slice(&piece),
            Held::Many(writer) => writer.write(piece).await?,
        }
        Ok(())
    }

    /// All octets are here. What was staged is durable when this returns.
    ///
    /// # Errors
    /// The store cannot write now.
    pub async fn finish(self) -> Result<Received, Error> {
        let parsed = self.scanner.finish();
        let (id, body) = match self.held {
            Held::Few(octets) => {
                let body = Body::new(octets.into());
                (body.id(), Some(body))
            }
            Held::Many(writer) => (writer.finish().await?.0, None),
        };
        let size = parsed.size;
        let hold = Arc::new(self.keeping.hold(id));
        Ok(Received { record: message::record(&parsed, id.0).into(), id, _hold: hold, body, size })
    }
}
