//! LIST and LSUB: which names to show, and what to say of each.

use super::pattern::Pattern;
use super::special_use::SpecialUse;
use super::state::{Account, Mailbox};
use std::collections::{BTreeMap, BTreeSet};
use terms::{MailboxName, SEPARATOR};

/// One line of an answer to LIST or LSUB, without its syntax.
///
/// Special uses are told on every form of LIST and LSUB: clients that do not see them make mailboxes of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    /// The name.
    pub name: MailboxName,
    /// What stands behind it.
    pub presence: Presence,
    /// `\HasChildren` or `\HasNoChildren` (RFC 9051, 6.3.9.5).
    pub children: Children,
    /// Whether it is `\Subscribed`.
    pub subscription: Subscription,
    /// The mailbox's special use.
    pub special_use: Option<SpecialUse>,
}

/// What stands behind a listed name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// A mailbox, which can be selected.
    Selectable(Mailbox),
    /// LSUB only, `\Noselect`: the name stands for subscribed names below it and is not itself subscribed.
    NoSelect,
    /// `\NonExistent`, which implies `\Noselect`: a level, or a subscribed name that no mailbox has.
    NonExistent,
}

/// Whether there are mailboxes below a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// `\HasChildren`
    Some,
    /// `\HasNoChildren`
    None,
}

/// Whether a name is in the set of subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscription {
    /// `\Subscribed`
    Subscribed,
    /// It is not.
    Not,
}

impl Account {
    /// LIST (RFC 9051, 6.3.9): the mailboxes that match and, for a pattern that ends in `%`, the levels that do.
    /// In the order of the names. At most as many rows as there are mailboxes and levels.
    #[must_use]
    pub fn list(&self, pattern: &Pattern) -> Vec<ListRow> {
        let mut found: BTreeMap<&str, Presence> = self
            .mailboxes()
            .filter(|(name, _)| pattern.matches(name.as_str()))
            .map(|(name, mailbox)| (name.as_str(), Presence::Selectable(*mailbox)))
            .collect();
        if pattern.asks_for_levels() {
            let names = self.mailboxes().map(|(name, _)| name.as_str());
            for level in levels(names).into_iter().filter(|level| pattern.matches(level)) {
                found.entry(level).or_insert(Presence::NonExistent);
            }
        }
        self.rows(found)
    }

    /// LSUB (RFC 3501, 6.3.9): the subscribed names that match, whether they exist or not. "If foo/bar is
    /// subscribed but foo is not, a % wildcard must return foo, and it MUST be flagged with \Noselect", though it
    /// be a mailbox.
    #[must_use]
    pub fn lsub(&self, pattern: &Pattern) -> Vec<ListRow> {
        let mut found: BTreeMap<&str, Presence> = self
            .subscriptions()
            .filter(|name| pattern.matches(name.as_str()))
            .map(|name| (name.as_str(), self.presence(name)))
            .collect();
        if pattern.asks_for_levels() {
            let names = self.subscriptions().map(MailboxName::as_str);
            for level in levels(names).into_iter().filter(|level| pattern.matches(level)) {
                found.entry(level).or_insert(Presence::NoSelect);
            }
        }
        self.rows(found)
    }

    fn presence(&self, name: &MailboxName) -> Presence {
        self.mailbox(name).map_or(Presence::NonExistent, |mailbox| Presence::Selectable(*mailbox))
    }

    fn rows(&self, found: BTreeMap<&str, Presence>) -> Vec<ListRow> {
        found.into_iter().filter_map(|(name, presence)| self.row(name, presence)).collect()
    }

    fn row(&self, name: &str, presence: Presence) -> Option<ListRow> {
        // A level's name is the beginning of a name, and so a name too.
        let name = MailboxName::new(name).ok()?;
        Some(ListRow {
            presence,
            children: if self.has_children(name.as_str()) { Children::Some } else { Children::None },
            subscription: match self.is_subscribed(&name) {
                true => Subscription::Subscribed,
                false => Subscription::Not,
            },
            special_use: self.mailbox(&name).and_then(|mailbox| mailbox.special_use),
            name,
        })
    }
}

/// What lies above the names: one visit for each, because above what was seen all was seen.
fn levels<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    for name in names {
        let above = name.rmatch_indices(SEPARATOR).filter_map(|(at, _)| name.get(..at));
        for level in above {
            if !seen.insert(level) {
                break;
            }
        }
    }
    seen
}
