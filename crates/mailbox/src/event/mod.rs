//! What happens to a mailbox.
//!
//! A mailbox is the fold of its events. They say what *changed* and leave out what followed from it: an event
//! names only messages that really change, by UID, and flags by name, so that it means the same whatever state
//! it is read beside. Each takes the next number of its stream ([`Event::Created`] takes 1), and its MODSEQ is
//! that number above the mailbox's base: nothing here stores a MODSEQ twice.

mod decode;
mod encode;

use crate::Flags;
use terms::{AccountId, EmailId, InternalDate, ModSeq, Uid, UidSet, UidValidity};

pub(crate) use decode::read_keyword;

/// One step in a mailbox's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The first event of every stream, and of no stream twice.
    Created(Created),
    /// New messages at the end.
    Appended(Appended),
    /// Flags were set or taken away.
    FlagsChanged(FlagsChanged),
    /// Messages are gone for ever.
    Expunged {
        /// Which: all of them were there.
        uids: UidSet,
    },
    /// UIDNEXT and the base of MODSEQ jump forward, so that what was lost in a restore or a failover is never given
    /// out a second time. Where the base stays nothing was lost: UIDNEXT alone jumps, to a UID that a message had on
    /// another server.
    Skipped {
        /// The UID of the next message.
        uid_next: Uid,
        /// The MODSEQ that this event's own is counted from.
        modseq_base: ModSeq,
    },
}

/// How a mailbox begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The number of the stream within its account: the `mailbox` of every [`EmailId`] born here.
    pub stream: u32,
    /// Whose mailbox it is.
    pub owner: AccountId,
    /// RFC 9051, 2.3.1.1.
    pub uid_validity: UidValidity,
    /// The UID of the first message. Above 1 where a mailbox continues one that had to be given a new
    /// UIDVALIDITY: no EMAILID is made twice (RFC 8474, 5.1).
    pub uid_next: Uid,
    /// The MODSEQ below that of this event.
    pub modseq_base: ModSeq,
}

/// Messages that came in together. They take the UIDs from `first` on, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The mailbox's UIDNEXT at that moment.
    pub first: Uid,
    /// Whose `\Seen` the flags speak of: `\Seen` is private to each account, the other flags are shared.
    pub reader: AccountId,
    /// At least one.
    pub messages: Vec<NewMessage>,
}

/// A message that comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Where it was born.
    pub birth: Birth,
    /// Its flags, `\Seen` for the reader who is named beside it.
    pub flags: Flags,
    /// RFC 9051, 2.3.3. Kept by COPY and MOVE.
    pub internal_date: InternalDate,
    /// RFC822.SIZE, in octets.
    pub size: u64,
    /// When it came into *this* mailbox, in Unix seconds (RFC 8514).
    pub save_date: i64,
}

/// Where a message was born: decides its EMAILID (RFC 8474, 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Birth {
    /// Here, with the UID that it gets now.
    Here,
    /// It was copied or moved and keeps the identity that it had.
    Elsewhere(EmailId),
}

/// The same change to the flags of some messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagsChanged {
    /// Who can see it.
    pub scope: Scope,
    /// Messages, each of which is changed by it.
    pub uids: UidSet,
    /// Flags that they have afterwards.
    pub add: Flags,
    /// Flags that they do not have afterwards.
    pub remove: Flags,
}

/// Who can see a change of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    Shared,
    /// This account alone: others see neither the flag nor the MODSEQ (RFC 7162, example 14). Only `\Seen` is
    /// private.
    Private(AccountId),
}
