//! LIST, LSUB and XLIST (RFC 3501, 6.3.8 and 6.3.9).
//!
//! Special uses are told on each of them, asked or not: macOS and others that do not see them make "Sent Messages"
//! of their own.

use super::done::{Done, Outcome};
use super::talk::Talk;
use crate::port::{Mail, Peer};
use crate::refusal::{Denial, Refusal};
use mailbox::account::{Account, Children, ListRow, Pattern, Presence, SpecialUse, Subscription};
use wire::imap::command::{List, ListReturn, ListStyle};
use wire::imap::reply::{self, ListAttribute, ListLine};

pub(super) async fn run<M: Mail, P: Peer>(list: &List, mail: &M, talk: &mut Talk<P>) -> Outcome {
    refuse_unoffered(list)?;
    let account = mail.account().await?;
    for pattern in &list.patterns {
        if pattern.is_empty() {
            tell_separator(list.style, talk.text());
            continue;
        }
        for row in rows(&account, list, pattern) {
            tell(list.style, &row, talk.text());
            talk.flow().await?;
        }
    }
    Ok(Done::ok(match list.style {
        ListStyle::List => "LIST completed",
        ListStyle::Lsub => "LSUB completed",
        ListStyle::Xlist => "XLIST completed",
    }))
}

/// What LIST-EXTENDED (RFC 5258) and LIST-STATUS (RFC 5819) add, beyond what is told anyway.
fn refuse_unoffered(list: &List) -> Result<(), Refusal> {
    let returns_status = list.returns.iter().any(|one| matches!(one, ListReturn::Status(_)));
    if list.select.is_empty() && !returns_status {
        return Ok(());
    }
    let why = "LIST with selection options or STATUS is not available on this server".into();
    Err(Refusal::Denied(Denial { code: None, why }))
}

fn rows(account: &Account, list: &List, pattern: &str) -> Vec<ListRow> {
    let pattern = Pattern::new(&list.reference, pattern);
    match list.style {
        ListStyle::Lsub => account.lsub(&pattern),
        ListStyle::List | ListStyle::Xlist => account.list(&pattern),
    }
}

/// RFC 3501, 6.3.8: an empty name asks for the hierarchy's separator and root.
fn tell_separator(style: ListStyle, out: &mut Vec<u8>) {
    let attributes = [ListAttribute::NoSelect];
    reply::list(
        out,
        &ListLine { style, attributes: &attributes, name: None, subscribed_child: false, old_name: None },
    );
}

fn tell(style: ListStyle, row: &ListRow, out: &mut Vec<u8>) {
    let attributes = attributes(style, row);
    let name = Some(&row.name);
    reply::list(
        out,
        &ListLine { style, attributes: &attributes, name, subscribed_child: false, old_name: None },
    );
}

fn attributes(style: ListStyle, row: &ListRow) -> Vec<ListAttribute> {
    let mut attributes = Vec::new();
    match row.presence {
        Presence::Selectable(_) => {}
        Presence::NoSelect => attributes.push(ListAttribute::NoSelect),
        // RFC 3501 clients know \Noselect alone.
        Presence::NonExistent => attributes.extend([ListAttribute::NonExistent, ListAttribute::NoSelect]),
    }
    attributes.push(match row.children {
        Children::Some => ListAttribute::HasChildren,
        Children::None => ListAttribute::HasNoChildren,
    });
    if row.subscription == Subscription::Subscribed && style == ListStyle::List {
        attributes.push(ListAttribute::Subscribed);
    }
    attributes.extend(row.special_use.map(special_use));
    if style == ListStyle::Xlist && row.name.is_inbox() {
        attributes.push(ListAttribute::Inbox);
    }
    attributes
}

const fn special_use(special_use: SpecialUse) -> ListAttribute {
    match special_use {
        SpecialUse::Archive => ListAttribute::Archive,
        SpecialUse::Drafts => ListAttribute::Drafts,
        SpecialUse::Junk => ListAttribute::Junk,
        SpecialUse::Sent => ListAttribute::Sent,
        SpecialUse::Trash => ListAttribute::Trash,
    }
}
