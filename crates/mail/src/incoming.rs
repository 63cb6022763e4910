//! A message on its way in: parsed, named and put away as it streams by.

use crate::account::Account;
use crate::{Error, Origin};
use bytes::Bytes;
use mailbox::account::MailboxId;
use mailbox::{Birth, Flags, NewMessage};
use message::Scanner;
use store::{BodyId, BodyWriter, EmailId, MAX_INLINE_BODY};
use terms::{AccountId, InternalDate, Uid, UidValidity};

/// A message of which not all octets are here yet. Holds at most [`MAX_INLINE_BODY`] of them. Dropping it
/// unfinished leaves nothing behind.
pub struct Incoming {
    scanner: Scanner,
    held: Held,
}

enum Held {
    Few { octets: Vec<u8>, name: Box<blake3::Hasher> },
    Many(Box<dyn BodyWriter>),
}

/// A message that is all here, parsed and named; not yet in any mailbox.
#[derive(Clone, Debug)]
pub struct Received {
    record: Bytes,
    id: BodyId,
    /// The octets; `None` where they are staged already.
    body: Option<Bytes>,
    size: u64,
}

/// Where a message came to lie: APPENDUID.
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
            Some(octets) => Held::Few { octets: Vec::with_capacity(octets), name: Box::default() },
            None => Held::Many(self.store.stage_body(self.id).await?),
        };
        Ok(Incoming { scanner: Scanner::new(), held })
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
        self.change(origin, move |proposal| {
            let message = NewMessage {
                birth: Birth::Here,
                flags: flags.clone(),
                internal_date: date
                    .or_else(|| InternalDate::new(proposal.now_s(), 0))
                    .unwrap_or(InternalDate::EPOCH),
                size: received.size,
                save_date: proposal.now_s(),
            };
            let state = proposal.mailbox(mailbox)?;
            let (uid_validity, uid) = (state.uid_validity(), state.uid_next());
            let appending = mailbox::append(state, reader, vec![message])?;
            appending.events.iter().try_for_each(|event| proposal.push(mailbox, event))?;
            let email = EmailId { mailbox: mailbox.get(), uid: uid.get() };
            proposal.put_record(email, received.record.clone());
            received.body.iter().for_each(|body| proposal.put_body(received.id, body.clone()));
            Ok(Placed { uid_validity, uid })
        })
        .await
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
            Held::Few { octets, name } => {
                name.update(&piece);
                octets.extend_from_slice(&piece);
            }
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
            Held::Few { octets, name } => (BodyId(*name.finalize().as_bytes()), Some(octets.into())),
            Held::Many(writer) => (writer.finish().await?.0, None),
        };
        let size = parsed.size;
        Ok(Received { record: message::record(&parsed, id.0).into(), id, body, size })
    }
}
