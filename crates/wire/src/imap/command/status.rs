//! STATUS (RFC 9051, 6.3.11).

use super::super::error::Fault;
use super::super::input::Input;
use terms::MailboxName;

/// Which mailbox, and what of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Which mailbox.
    pub mailbox: MailboxName,
    /// What to tell, in the client's order.
    pub items: Vec<StatusItem>,
}

/// A status data item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusItem {
    /// How many messages.
    Messages,
    /// How many messages have `\Recent` (RFC 3501).
    Recent,
    /// The next UID.
    UidNext,
    /// The mailbox's UIDVALIDITY.
    UidValidity,
    /// How many messages lack `\Seen`.
    Unseen,
    /// How many messages have `\Deleted`.
    Deleted,
    /// The sum of all sizes (RFC 8438).
    Size,
    /// RFC 7162, 3.1.7
    HighestModSeq,
    /// RFC 8474, 4.3
    MailboxId,
    /// The largest message that can be appended (RFC 7889, 3.1).
    AppendLimit,
    /// What an expunge would give back, in octets (RFC 9208, 4.1.4).
    DeletedStorage,
}

const ITEMS: &[StatusItem] = &[
    StatusItem::Messages,
    StatusItem::Recent,
    StatusItem::UidNext,
    StatusItem::UidValidity,
    StatusItem::Unseen,
    StatusItem::Deleted,
    StatusItem::Size,
    StatusItem::HighestModSeq,
    StatusItem::MailboxId,
    StatusItem::AppendLimit,
    StatusItem::DeletedStorage,
];

impl StatusItem {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "MESSAGES",
            Self::Recent => "RECENT",
            Self::UidNext => "UIDNEXT",
            Self::UidValidity => "UIDVALIDITY",
            Self::Unseen => "UNSEEN",
            Self::Deleted => "DELETED",
            Self::Size => "SIZE",
            Self::HighestModSeq => "HIGHESTMODSEQ",
            Self::MailboxId => "MAILBOXID",
            Self::AppendLimit => "APPENDLIMIT",
            Self::DeletedStorage => "DELETED-STORAGE",
        }
    }

    fn read(input: &mut Input<'_>) -> Result<Self, Fault> {
        let at = input.at();
        let name = input.atom("Expected a status item such as MESSAGES")?;
        let item = ITEMS.iter().copied().find(|item| item.as_str().eq_ignore_ascii_case(name));
        item.ok_or_else(|| input.fault_at(at, "Unknown status item"))
    }
}

pub(super) fn read(input: &mut Input<'_>) -> Result<Status, Fault> {
    input.space()?;
    let mailbox = input.mailbox()?;
    input.space()?;
    Ok(Status { mailbox, items: items(input)? })
}

/// `"(" status-att *(SP status-att) ")"`. What is asked for twice is told once: else one command could ask ten thousand
/// mailboxes for as many items as fit into it.
pub(super) fn items(input: &mut Input<'_>) -> Result<Vec<StatusItem>, Fault> {
    let items = input.filled_list("Expected a list of status items in parentheses", StatusItem::read)?;
    Ok(each_once(items.into_iter()))
}

pub(super) fn each_once(items: impl Iterator<Item = StatusItem>) -> Vec<StatusItem> {
    items.fold(Vec::new(), |mut once, item| {
        if !once.contains(&item) {
            once.push(item);
        }
        once
    })
}
