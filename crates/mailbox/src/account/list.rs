//! LIST and LSUB: which names to show, and what to say of each.

use super::pattern::Pattern;
use super::patterns::Patterns;
use super::special_use::SpecialUses;
use super::state::{Account, Mailbox};
use std::collections::{BTreeMap, BTreeSet};
use terms::{MailboxName, SEPARATOR};

/// What LIST asks for (RFC 9051, 6.3.9; RFC 5258, 3).
#[derive(Clone, Debug)]
pub struct Listing {
    /// The names have to match one of these.
    pub patterns: Patterns,
    /// And meet all of these. None: the mailboxes, and the levels where a pattern asks for them.
    pub criteria: Vec<Criterion>,
    /// Which names besides.
    pub parents: Parents,
}

impl Listing {
    /// The mailboxes that match, and the levels where a pattern asks for them.
    #[must_use]
    pub const fn of(patterns: Patterns) -> Self {
        Self { patterns, criteria: Vec::new(), parents: Parents::Unasked }
    }
}

/// A selection criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// The name is subscribed, whether a mailbox has it or not.
    Subscribed,
    /// The mailbox has a special use.
    SpecialUse,
}

/// Whether names are listed for what lies below them (RFC 5258, 3.1, RECURSIVEMATCH).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parents {
    /// They are not.
    Unasked,
    /// A name that matches and does not meet the criteria is listed if one below it meets them and is not listed
    /// itself.
    Asked,
}

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
    /// The mailbox's special uses.
    pub special_uses: SpecialUses,
    /// What meets the criteria.
    pub met: Met,
}

/// What meets the criteria of a [`Listing`] (RFC 9051, 6.3.9.6, table 3). Where parents are unasked for it is the name
/// itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// The name.
    Here,
    /// The name, and others below it: CHILDINFO.
    HereAndBelow,
    /// Only others below it: CHILDINFO, and no STATUS.
    Below,
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
    /// LIST (RFC 9051, 6.3.9): the names that match and meet the criteria, once each, in the order of the names. At
    /// most as many rows as there are mailboxes, levels and subscriptions.
    #[must_use]
    pub fn list(&self, listing: &Listing) -> Vec<ListRow> {
        let meeting = self.meeting(&listing.criteria);
        let mut found = match listing.parents {
            Parents::Unasked => self.matching(&meeting, &listing.patterns),
            Parents::Asked => self.matching_with_parents(&meeting, &listing.patterns),
        };
        if listing.criteria.is_empty() && listing.patterns.ask_for_levels() {
            for level in levels(meeting.iter().copied()) {
                if listing.patterns.ask_for_level(level) {
                    found.entry(level).or_insert((Presence::NonExistent, Met::Here));
                }
            }
        }
        self.rows(found)
    }

    /// The names that meet all criteria, matching or not.
    fn meeting(&self, criteria: &[Criterion]) -> BTreeSet<&str> {
        let serves =
            |name: &str| self.mailboxes.get(name).is_some_and(|mailbox| !mailbox.special_uses.is_empty());
        let special = !criteria.contains(&Criterion::SpecialUse);
        let met = |name: &&str| special || serves(name);
        match criteria.contains(&Criterion::Subscribed) {
            true => self.subscriptions().map(MailboxName::as_str).filter(met).collect(),
            false => self.mailboxes.keys().map(MailboxName::as_str).filter(met).collect(),
        }
    }

    fn matching<'a>(&self, meeting: &BTreeSet<&'a str>, patterns: &Patterns) -> Found<'a> {
        let matching = meeting.iter().copied().filter(|name| patterns.matches(name));
        matching.map(|name| (name, (self.presence(name), Met::Here))).collect()
    }

    /// RECURSIVEMATCH. RFC 9051, 6.3.9.3: a name that does not meet the criteria is there for "at least one descendant
    /// mailbox name that satisfies the selection criteria and that doesn't match the canonical LIST pattern".
    fn matching_with_parents<'a>(&self, meeting: &BTreeSet<&'a str>, patterns: &Patterns) -> Found<'a> {
        let mut found = self.matching(meeting, patterns);
        let below = below(meeting, &found);
        for (name, what) in below {
            match (found.get_mut(name), what) {
                (Some((_, met)), _) => *met = Met::HereAndBelow,
                (None, Below::Unlisted) if patterns.matches(name) => {
                    found.insert(name, (self.presence(name), Met::Below));
                }
                (None, _) => {}
            }
        }
        found
    }

    /// LSUB (RFC 3501, 6.3.9): the subscribed names that match, whether they exist or not. "If foo/bar is
    /// subscribed but foo is not, a % wildcard must return foo, and it MUST be flagged with \Noselect", though it
    /// be a mailbox.
    #[must_use]
    pub fn lsub(&self, pattern: &Pattern) -> Vec<ListRow> {
        let subscribed = || self.subscriptions().map(MailboxName::as_str);
        let matching = subscribed().filter(|name| pattern.matches(name));
        let mut found: Found<'_> = matching.map(|name| (name, (self.presence(name), Met::Here))).collect();
        if pattern.asks_for_levels() {
            for level in levels(subscribed()).into_iter().filter(|level| pattern.matches(level)) {
                found.entry(level).or_insert((Presence::NoSelect, Met::Here));
            }
        }
        self.rows(found)
    }

    /// One name, as LIST would show it.
    #[must_use]
    pub fn listed(&self, name: &MailboxName) -> ListRow {
        self.row(name.clone(), self.presence(name.as_str()), Met::Here)
    }

    fn presence(&self, name: &str) -> Presence {
        self.mailboxes.get(name).map_or(Presence::NonExistent, |mailbox| Presence::Selectable(*mailbox))
    }

    fn rows(&self, found: Found<'_>) -> Vec<ListRow> {
        // A level's name is the beginning of a name, and so a name too.
        let row = |(name, (presence, met))| Some(self.row(MailboxName::new(name).ok()?, presence, met));
        found.into_iter().filter_map(row).collect()
    }

    fn row(&self, name: MailboxName, presence: Presence, met: Met) -> ListRow {
        ListRow {
            presence,
            children: if self.has_children(name.as_str()) { Children::Some } else { Children::None },
            subscription: match self.is_subscribed(&name) {
                true => Subscription::Subscribed,
                false => Subscription::Not,
            },
            special_uses: self.mailbox(&name).map(|mailbox| mailbox.special_uses).unwrap_or_default(),
            met,
            name,
        }
    }
}

/// Names to list, in order.
type Found<'a> = BTreeMap<&'a str, (Presence, Met)>;

/// What lies below a name, of that which meets the criteria.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Below {
    /// Some, and all of them are listed themselves.
    Listed,
    /// One that is not.
    Unlisted,
}

/// What lies below each name above those that meet the criteria: a level is set twice at most, because above what was
/// seen all was seen.
fn below<'a>(meeting: &BTreeSet<&'a str>, listed: &Found<'_>) -> BTreeMap<&'a str, Below> {
    let mut seen = BTreeMap::new();
    for &name in meeting {
        let what = if listed.contains_key(name) { Below::Listed } else { Below::Unlisted };
        for level in above(name) {
            if seen.get(level) >= Some(&what) {
                break;
            }
            seen.insert(level, what);
        }
    }
    seen
}

/// What lies above the names: one visit for each, because above what was seen all was seen.
fn levels<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    for name in names {
        for level in above(name) {
            if !seen.insert(level) {
                break;
            }
        }
    }
    seen
}

/// The levels above a name, nearest first.
fn above(name: &str) -> impl Iterator<Item = &str> {
    name.rmatch_indices(SEPARATOR).filter_map(|(at, _)| name.get(..at))
}
