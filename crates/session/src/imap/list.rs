//! LIST (RFC 9051, 6.3.9; RFC 5258; RFC 5819), LSUB and XLIST (RFC 3501, 6.3.9).
//!
//! Special uses, children and subscriptions are told on each LIST, asked or not: macOS and others that do not see
//! special uses make "Sent Messages" of their own. So SPECIAL-USE, CHILDREN and SUBSCRIBED as return options (RFC 6154,
//! RFC 3348) ask for what is there anyway. REMOTE adds nothing, for no mailbox is elsewhere.

use super::done::{Done, Outcome};
use super::hall::Hall;
use super::status;
use super::talk::Talk;
use crate::breath::breath;
use crate::port::{Mail, Peer};
use crate::refusal::Refusal;
use mailbox::Head;
use mailbox::account::{
    Account, Children, Criterion, ListRow, Listing, Mailbox, Met, Parents, Pattern, Patterns, Presence,
    SpecialUse, Subscription,
};
use wire::imap::NameForm;
use wire::imap::command::{List, ListSelect, ListStyle, ListSyntax, StatusItem};
use wire::imap::reply::{self, ListAttribute, ListLine, StatusValue};

/// After so many rows others have their turn.
const ROWS_A_BREATH: usize = 256;

pub(super) async fn run<M: Mail, P: Peer>(list: &List, hall: &mut Hall<M>, talk: &mut Talk<P>) -> Outcome {
    let items = list.status_items();
    status::begin(&items, hall)?;
    if asks_for_separator(list) {
        tell_separator(list.style, hall.names(), talk.text());
    } else {
        let rows = rows(&*hall.mail.account().await?, list);
        tell_rows(list, &rows, &items, hall, talk).await?;
    }
    Ok(Done::ok(match list.style {
        ListStyle::List => "LIST completed",
        ListStyle::Lsub => "LSUB completed",
        ListStyle::Xlist => "XLIST completed",
    }))
}

/// "In the basic syntax only, an empty mailbox name argument is a special request" (RFC 9051, 6.3.9).
fn asks_for_separator(list: &List) -> bool {
    list.syntax == ListSyntax::Basic && list.patterns.iter().all(String::is_empty)
}

fn rows(account: &Account, list: &List) -> Vec<ListRow> {
    let patterns = || list.patterns.iter().map(String::as_str);
    match list.style {
        ListStyle::Lsub => {
            account.lsub(&Pattern::new(&list.reference, patterns().next().unwrap_or_default()))
        }
        ListStyle::List | ListStyle::Xlist => account.list(&Listing {
            patterns: Patterns::new(&list.reference, patterns()),
            criteria: list.select.iter().filter_map(criterion).collect(),
            parents: match list.select.contains(&ListSelect::RecursiveMatch) {
                true => Parents::Asked,
                false => Parents::Unasked,
            },
        }),
    }
}

const fn criterion(select: &ListSelect) -> Option<Criterion> {
    match select {
        ListSelect::Subscribed => Some(Criterion::Subscribed),
        ListSelect::SpecialUse => Some(Criterion::SpecialUse),
        ListSelect::Remote | ListSelect::RecursiveMatch => None,
    }
}

/// What STATUS has to say of a row.
enum Numbers {
    /// Nothing: it is not asked for, or there is no mailbox, or it could not be found out.
    None,
    /// The mailbox went just now.
    Gone,
    Told(Vec<StatusValue>),
}

async fn tell_rows<M: Mail, P: Peer>(
    list: &List,
    rows: &[ListRow],
    items: &[StatusItem],
    hall: &Hall<M>,
    talk: &mut Talk<P>,
) -> Result<(), Refusal> {
    let (mail, names) = (&hall.mail, hall.names());
    let mut heads = heads(rows, items, mail).await?.into_iter();
    for (n, row) in rows.iter().enumerate() {
        let numbers = match counted(row, items) {
            Some(mailbox) => numbers(mailbox, heads.next().flatten(), items, mail).await,
            None => Numbers::None,
        };
        tell(list, row, &numbers, names, talk.text());
        talk.flow().await?;
        if n % ROWS_A_BREATH == ROWS_A_BREATH - 1 {
            breath().await;
        }
    }
    Ok(())
}

/// One question to the store, however many mailboxes there are.
async fn heads<M: Mail>(
    rows: &[ListRow],
    items: &[StatusItem],
    mail: &M,
) -> Result<Vec<Option<Head>>, Refusal> {
    let ids: Vec<_> = rows.iter().filter_map(|row| counted(row, items)).map(|mailbox| mailbox.id).collect();
    if ids.is_empty() { Ok(Vec::new()) } else { mail.heads(&ids).await }
}

/// The mailbox whose STATUS goes with a row: RFC 5819, 2, "each selectable mailbox matching the list pattern and
/// selection options", and so not one that is there for what lies below it.
fn counted<'r>(row: &'r ListRow, items: &[StatusItem]) -> Option<&'r Mailbox> {
    match &row.presence {
        Presence::Selectable(mailbox) if !items.is_empty() && row.met != Met::Below => Some(mailbox),
        _ => None,
    }
}

/// RFC 5819, 2: "If the server runs into unexpected problems [..] it MAY drop the corresponding STATUS reply."
async fn numbers<M: Mail>(mailbox: &Mailbox, head: Option<Head>, items: &[StatusItem], mail: &M) -> Numbers {
    let Some(head) = head else { return Numbers::Gone };
    status::values(items, mailbox, &head, mail).await.map_or(Numbers::None, Numbers::Told)
}

/// RFC 3501, 6.3.8: an empty name asks for the hierarchy's separator and root.
fn tell_separator(style: ListStyle, names: NameForm, out: &mut Vec<u8>) {
    let attributes = [ListAttribute::NoSelect];
    reply::list(
        out,
        &ListLine { style, attributes: &attributes, name: None, subscribed_child: false, old_name: None },
        names,
    );
}

fn tell(list: &List, row: &ListRow, numbers: &Numbers, names: NameForm, out: &mut Vec<u8>) {
    let mut attributes = attributes((list.style, list.syntax), row);
    if matches!(numbers, Numbers::Gone) {
        // RFC 5819, 2: the LIST response then "MUST include the \NoSelect attribute", and there is no STATUS.
        attributes.insert(0, ListAttribute::NoSelect);
    }
    let line = ListLine {
        style: list.style,
        attributes: &attributes,
        name: Some(&row.name),
        subscribed_child: row.met != Met::Here,
        old_name: None,
    };
    reply::list(out, &line, names);
    if let Numbers::Told(values) = numbers {
        reply::status_data(out, &row.name, values, names);
    }
}

/// A LIST that nobody asked for, with the name that it had or was given until now (RFC 9051, 6.3.9.7).
pub(super) fn tell_unasked(row: &ListRow, old_name: Option<&str>, names: NameForm, out: &mut Vec<u8>) {
    let (style, syntax) = (ListStyle::List, ListSyntax::Extended);
    let (attributes, name) = (attributes((style, syntax), row), Some(&row.name));
    let line = ListLine { style, attributes: &attributes, name, subscribed_child: false, old_name };
    reply::list(out, &line, names);
}

fn attributes(form: (ListStyle, ListSyntax), row: &ListRow) -> Vec<ListAttribute> {
    let style = form.0;
    let mut attributes = selectability(form, row.presence).to_vec();
    attributes.push(match row.children {
        Children::Some => ListAttribute::HasChildren,
        Children::None => ListAttribute::HasNoChildren,
    });
    if row.subscription == Subscription::Subscribed && style == ListStyle::List {
        attributes.push(ListAttribute::Subscribed);
    }
    attributes.extend(row.special_uses.iter().map(special_use));
    if style == ListStyle::Xlist && row.name.is_inbox() {
        attributes.push(ListAttribute::Inbox);
    }
    attributes
}

/// RFC 9051, 9, mbx-list-sflag: "only one per LIST response". Levels are `\Noselect` to RFC 3501's LIST; who speaks the
/// extended one knows the stronger word.
const fn selectability(form: (ListStyle, ListSyntax), presence: Presence) -> &'static [ListAttribute] {
    match (presence, form) {
        (Presence::Selectable(_), _) => &[],
        (Presence::NonExistent, (ListStyle::List, ListSyntax::Extended)) => &[ListAttribute::NonExistent],
        (Presence::NonExistent, (ListStyle::List, ListSyntax::Basic)) | (Presence::NoSelect, _) => {
            &[ListAttribute::NoSelect]
        }
        // Not LIST responses, and their clients know the weaker word alone. On LSUB that has a meaning of its own, "not
        // subscribed", which the other one takes back.
        (Presence::NonExistent, (ListStyle::Lsub | ListStyle::Xlist, _)) => {
            &[ListAttribute::NonExistent, ListAttribute::NoSelect]
        }
    }
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
