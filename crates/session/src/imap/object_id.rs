//! MAILBOXID, EMAILID and THREADID (RFC 8474): object ids as they are told and sought.
//!
//! An EMAILID is a message's place of birth, which COPY and MOVE keep: account, mailbox and UID. A THREADID is a hash
//! of the Message-ID that a thread descends from, so the same in all mailboxes of an account, and different in another
//! account. A MAILBOXID is the mailbox's stream with its UIDVALIDITY. All are functions of what never changes; nothing
//! is stored for them.

use mailbox::MailboxState;
use mailbox::account::MailboxId;
use message::RecordView;
use std::fmt;
use terms::{AccountId, EmailId, ThreadId, UidValidity};

/// A mailbox's identity, whatever its name: `F1-7-65a3c000`, numbers in hexadecimal.
///
/// The owner is in it, so that mailboxes of two accounts can stand in one list; and the UIDVALIDITY, which is not given
/// again even by an account that came back from an old backup and gives a stream's number a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FolderName {
    owner: AccountId,
    stream: u32,
    uid_validity: UidValidity,
}

impl FolderName {
    pub(super) const fn new(owner: AccountId, mailbox: MailboxId, uid_validity: UidValidity) -> Self {
        Self { owner, stream: mailbox.get(), uid_validity }
    }

    pub(super) const fn of(state: &MailboxState) -> Self {
        Self { owner: state.owner(), stream: state.stream(), uid_validity: state.uid_validity() }
    }
}

impl fmt::Display for FolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "F{:x}-{:x}-{:x}", self.owner.0, self.stream, self.uid_validity.get())
    }
}

/// A message's identity, with the account whose it is: `M1-7-2a`, numbers in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EmailName {
    pub owner: AccountId,
    pub email: EmailId,
}

impl EmailName {
    /// The identity of which this is the name: `None` for what we never said.
    pub(super) fn read(name: &str) -> Option<Self> {
        let mut numbers = name.strip_prefix('M')?.split('-').map(|number| u64::from_str_radix(number, 16));
        let (owner, mailbox, uid) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        let email = EmailId { mailbox: u32::try_from(mailbox).ok()?, uid: u32::try_from(uid).ok()? };
        let read = Self { owner: AccountId(owner), email };
        // "ObjectID values are case sensitive" (RFC 8474, 7), and there is one way to write each.
        (read.to_string() == name).then_some(read)
    }
}

impl fmt::Display for EmailName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M{:x}-{:x}-{:x}", self.owner.0, self.email.mailbox, self.email.uid)
    }
}

/// A thread's name: `T` and 32 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ThreadName(pub ThreadId);

/// Sets these hashes apart from all others. Never to change: "The server MUST NOT change the THREADID of a message
/// once reported" (RFC 8474, 5.2).
const CONTEXT: &str = "gatepost THREADID of a message, 2026";

impl ThreadName {
    /// The thread of a message. One without any Message-ID is alone, and its copies with it: "the same THREADID for
    /// all messages with the same EMAILID".
    pub(super) fn of(record: &RecordView<'_>, name: EmailName) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&name.owner.0.to_le_bytes());
        match record.thread_root() {
            b"" => hasher.update(&name.email.mailbox.to_le_bytes()).update(&name.email.uid.to_le_bytes()),
            root => hasher.update(b"<").update(root),
        };
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        Self(ThreadId(id))
    }

    /// The thread of which this is the name.
    pub(super) fn read(name: &str) -> Option<Self> {
        let digits = name.strip_prefix('T').filter(|digits| digits.len() == 32)?;
        let read = Self(ThreadId(u128::from_str_radix(digits, 16).ok()?.to_be_bytes()));
        (read.to_string() == name).then_some(read)
    }
}

impl fmt::Display for ThreadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{:032x}", u128::from_be_bytes(self.0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(owner: u64, mailbox: u32, uid: u32) -> EmailName {
        EmailName { owner: AccountId(owner), email: EmailId { mailbox, uid } }
    }

    fn thread(message: &str, name: EmailName) -> ThreadName {
        let record = message::record(&message::parse(message.as_bytes()), [0; 32]);
        ThreadName::of(&RecordView::new(&record).unwrap(), name)
    }

    #[test]
    fn an_identity_is_read_as_it_is_written() {
        for name in [name(0, 0, 0), name(1, 7, 42), name(u64::MAX, u32::MAX, u32::MAX)] {
            assert_eq!(EmailName::read(&name.to_string()), Some(name));
        }
        assert_eq!(name(1, 7, 42).to_string(), "M1-7-2a");
    }

    #[test]
    fn what_was_never_said_names_nothing() {
        for text in
            ["", "M", "M1-7", "M1-7-2A", "m1-7-2a", "M01-7-2a", "M1-7-2a-1", "M1-100000000-1", "M+1-7-2a"]
        {
            assert_eq!(EmailName::read(text), None, "{text}");
        }
        let digits = "0123456789abcdef".repeat(2);
        assert!(ThreadName::read(&format!("T{digits}")).is_some());
        for text in
            [digits.clone(), format!("T{}", digits.to_uppercase()), format!("T{digits}0"), "T+".into()]
        {
            assert_eq!(ThreadName::read(&text), None, "{text}");
        }
    }

    #[test]
    fn messages_that_descend_from_one_are_a_thread_in_each_account() {
        let (first, answer) = ("Message-ID: <a@x>\r\n\r\n", "Message-ID: <b@x>\r\nReferences: <a@x>\r\n\r\n");
        let root = thread(first, name(1, 1, 1));
        assert_eq!(thread(answer, name(1, 2, 9)), root);
        assert_ne!(thread(answer, name(2, 2, 9)), root);
        assert_ne!(thread("Message-ID: <b@x>\r\n\r\n", name(1, 2, 9)), root);
        assert_eq!(ThreadName::read(&root.to_string()), Some(root));
    }

    #[test]
    fn messages_without_any_id_are_alone() {
        let of = |uid| thread("Subject: none\r\n\r\n", name(1, 1, uid));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
