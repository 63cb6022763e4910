//! Mail coming in: whom an address means, what an account gets, and where it came to lie. These words are shared by the
//! conversation in which mail comes (`session`) and by what files it (`mail`).

use crate::account::directory::{Login, Standing};
use bytes::Bytes;
use terms::{AccountId, MailboxName};

/// Somebody who has an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Which.
    pub account: AccountId,
    /// Its name.
    pub login: Login,
    /// Whether it may be signed in to.
    pub standing: Standing,
    /// What the address says besides: the name of a mailbox, as a rule (RFC 5233).
    pub detail: Option<Box<str>>,
}

/// What one account gets of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Which.
    pub account: AccountId,
    /// The lines in front of the message.
    pub heading: Bytes,
    /// For each recipient the mailboxes that it would be for, the likeliest first; INBOX where there are none of them.
    pub wanted: Vec<Vec<MailboxName>>,
}

/// Where a message came to lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The size that it has there.
    pub octets: u64,
}
