//! The standard's nouns as types.
//!
//! What a parser has checked and a mailbox relies on is one of these, never a bare number or a string: a
//! [`Uid`] is not zero, a [`MailboxName`] is normalised, a [`UidSet`] is sorted and disjoint. Nothing here
//! knows a protocol's syntax (that is `wire`) or what a mailbox does (that is `mailbox`).

mod date;
mod directory;
mod flag;
mod login;
mod moment;
mod name;
mod number;
mod set;

pub use date::InternalDate;
pub use directory::{
    BadDirectoryName, BadSubject, DirectoryName, MAX_DIRECTORY_NAME_OCTETS, MAX_SUBJECT_OCTETS, Subject,
};
pub use flag::{BadKeyword, Flag, Keyword, MAX_KEYWORD_OCTETS};
pub use login::{BadLogin, Login, MAX_LOGIN_OCTETS};
pub use moment::Moment;
pub use name::{BadName, MAX_NAME_OCTETS, MailboxName, SEPARATOR, is_nfkc, to_nfc};
pub use number::{AccountId, EmailId, ModSeq, SeqNum, ThreadId, Uid, UidValidity};
pub use set::UidSet;
