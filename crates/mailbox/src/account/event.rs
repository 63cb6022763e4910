//! What can happen to an account.

use super::quota::Allowances;
use super::special_use::SpecialUses;
use std::fmt;
use std::num::NonZeroU32;
use terms::{MailboxName, UidValidity};

/// A mailbox of an account for ever: the number of its stream. Stream 0 is the account's own, so no mailbox has
/// it; a number that was given once is not given again, whatever becomes of the mailbox.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxId(NonZeroU32);

impl MailboxId {
    /// The first that an account gives: its INBOX.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// `None` for the account's own stream.
    #[must_use]
    pub const fn new(stream: u32) -> Option<Self> {
        match NonZeroU32::new(stream) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The stream number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The one after it, or `None` behind the last.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }
}

impl fmt::Debug for MailboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mailbox {}", self.0)
    }
}

impl fmt::Display for MailboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One event of an account's stream.
///
/// A later version adds kinds (ACLs, metadata) under tags of their own and never changes one that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    /// A mailbox came to be.
    Created {
        /// Above every id that the account gave before.
        id: MailboxId,
        /// Free until now.
        name: MailboxName,
        /// Above every UIDVALIDITY that the account gave of its own before.
        uid_validity: UidValidity,
        /// CREATE's USE argument (RFC 6154, 3), or its part in the standard set.
        special_uses: SpecialUses,
    },
    /// A mailbox came to be that goes on where one on another server ended: clients that know that one need not load
    /// anything again.
    Continued {
        /// Above every id that the account gave before.
        id: MailboxId,
        /// Free until now.
        name: MailboxName,
        /// The other one's. No mailbox of this account has, or had, messages under it.
        uid_validity: UidValidity,
        /// As for one that is created.
        special_uses: SpecialUses,
    },
    /// What comes behind says all anew: a repair has begun, for events are lost. Only the first that is kept can be this.
    BegunAnew,
    /// A mailbox that never held a message makes room for another. Nobody has seen a UID under its UIDVALIDITY, so that
    /// can be had again.
    Withdrawn {
        /// Which.
        id: MailboxId,
    },
    /// A mailbox and its messages are gone. Its name may be subscribed still, and its children stay.
    Deleted {
        /// Which.
        id: MailboxId,
    },
    /// A mailbox that was deleted is there again, with all that it held: its numbers are those that it had.
    Undeleted {
        /// One that was given, and that no mailbox has now.
        id: MailboxId,
        /// Free until now.
        name: MailboxName,
        /// The one that it began with.
        uid_validity: UidValidity,
        /// Those of its purposes that nobody else has taken over meanwhile.
        special_uses: SpecialUses,
    },
    /// The mailbox of this name, if there is one, and all below it have other names now.
    Renamed {
        /// The old name or level.
        from: MailboxName,
        /// The new one.
        to: MailboxName,
    },
    /// A name is in the set of subscriptions, whether a mailbox has it or not.
    Subscribed {
        /// The name.
        name: MailboxName,
    },
    /// A name is in the set no longer.
    Unsubscribed {
        /// The name.
        name: MailboxName,
    },
    /// A mailbox serves other purposes, or none.
    SpecialUseChanged {
        /// Which mailbox.
        id: MailboxId,
        /// The purposes.
        special_uses: SpecialUses,
    },
    /// Whoever runs the server gave the account limits of its own, or took them back.
    AllowancesChanged {
        /// All of them.
        allowances: Allowances,
    },
    /// Numbers were passed over: they may have been given, and forgotten with what a restore did not bring back.
    Skipped {
        /// As if this id had been given.
        last_id: MailboxId,
        /// As if this UIDVALIDITY had.
        last_uid_validity: UidValidity,
    },
}
