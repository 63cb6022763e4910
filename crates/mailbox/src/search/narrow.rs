//! What a program comes to without a look at any message: flags are found leaf by leaf, and sets are sets.

use super::program::{Column, Node, Program};
use crate::{FlagSet, Reader, SystemFlags};
use terms::{Flag, UidSet};

/// What is left of some messages when a program was held against flags and UIDs alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Narrowed {
    /// These fit, and no others.
    Fit(UidSet),
    /// No others can fit; of these each has to be judged.
    May(UidSet),
}

impl Program {
    /// Holds the program against flags and UIDs of those of these messages that are there, all of them at once. A
    /// combination of flags is looked at once a leaf, however many messages have it.
    #[must_use]
    pub fn narrow(&self, reader: Reader<'_>, among: &UidSet) -> Narrowed {
        match self.root().narrow(reader, among.clone()) {
            // Of a message that is gone nothing is known, so it fits nothing, not even a NOT.
            Narrowed::Fit(uids) => Narrowed::Fit(reader.present(&uids)),
            may @ Narrowed::May(_) => may,
        }
    }
}

impl Node {
    fn narrow(&self, reader: Reader<'_>, among: UidSet) -> Narrowed {
        match self {
            Self::Column(Column::Flag(flag)) => Narrowed::Fit(reader.flagged(flag, &among)),
            Self::Column(Column::Uid(uids)) => Narrowed::Fit(among.intersection(uids)),
            Self::Column(_) | Self::Read(..) => Narrowed::May(among),
            Self::Not(node) => match node.narrow(reader, among.clone()) {
                Narrowed::Fit(uids) => Narrowed::Fit(among.difference(&uids)),
                // Those that are left may fit the key, or fit what it denies.
                Narrowed::May(_) => Narrowed::May(among),
            },
            Self::And(nodes, _) => nodes.iter().fold(Narrowed::Fit(among), |left, node| match left {
                Narrowed::Fit(uids) => node.narrow(reader, uids),
                Narrowed::May(uids) => Narrowed::May(node.narrow(reader, uids).into_uids()),
            }),
            Self::Or(nodes, _) => any(nodes, reader, among),
        }
    }
}

/// What fits one of the keys. As soon as any message may, the others cannot tell more.
fn any(nodes: &[Node], reader: Reader<'_>, among: UidSet) -> Narrowed {
    let mut found = Narrowed::Fit(UidSet::new());
    for node in nodes {
        found = match (found, node.narrow(reader, among.clone())) {
            (_, Narrowed::May(uids)) if uids.len() == among.len() => return Narrowed::May(among),
            (Narrowed::Fit(found), Narrowed::Fit(uids)) => Narrowed::Fit(found.union(&uids)),
            (found, more) => Narrowed::May(found.into_uids().union(&more.into_uids())),
        };
    }
    found
}

impl Narrowed {
    /// All that are left.
    fn into_uids(self) -> UidSet {
        match self {
            Self::Fit(uids) | Self::May(uids) => uids,
        }
    }
}

impl Reader<'_> {
    /// Those of these messages that have a flag, for this account. Of one that is gone it says nothing.
    fn flagged(&self, flag: &Flag, among: &UidSet) -> UidSet {
        match SystemFlags::of(flag) {
            Ok(SystemFlags::SEEN) => self.seen_among(among),
            Ok(system) => self.state().flagged(among, |flags| flags.system.contains(system)),
            Err(keyword) => {
                let Some(number) = self.state().keywords().find(keyword) else { return UidSet::new() };
                let has = |flags: &FlagSet| flags.keywords().contains(&number);
                self.state().flagged(among, has)
            }
        }
    }
}
