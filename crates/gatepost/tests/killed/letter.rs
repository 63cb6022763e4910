//! What a writer has in its mailboxes, and what its commands do to that: the truth that the server is held to.

use std::collections::{BTreeMap, BTreeSet};
use testkit::dice::Dice;
use testkit::imap::UNASKED;

/// The mailboxes of every account that are written to.
pub(crate) const MAILBOXES: [&str; 3] = ["INBOX", "Archive", "Sent"];
/// The flags that are set: four of the system's, two keywords.
pub(crate) const FLAGS: [&str; 6] =
    ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$Forwarded", "project"];
/// The place of `\Deleted` among them.
pub(crate) const DELETED: u8 = 3;
/// Every so many letters one is too large for the log and lies in a file of its own.
const LARGE_EVERY: u32 = 61;
/// How large that one is, in octets.
const LARGE: usize = 300 << 10;

/// Places of flags in [`FLAGS`].
pub(crate) type Flags = BTreeSet<u8>;

/// A letter is its writer and a number; its text follows from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LetterId {
    pub(crate) writer: u32,
    pub(crate) serial: u32,
}

/// A letter in a mailbox. There can be several of one letter: copies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Copy {
    pub(crate) mailbox: usize,
    /// `None` as long as the server has not said it.
    pub(crate) uid: Option<u32>,
    pub(crate) letter: LetterId,
    pub(crate) flags: Flags,
}

/// Mailboxes that a writer has made, by name, each with its MAILBOXID; `None` as long as the server has not said it.
pub(crate) type Folders = BTreeMap<String, Option<String>>;

/// Everything that one writer has: letters, wherever they lie, and mailboxes of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shelf {
    pub(crate) copies: Vec<Copy>,
    pub(crate) folders: Folders,
}

/// What the server says of what a command has made: UIDs of letters, the MAILBOXID of a mailbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    pub(crate) uids: Vec<u32>,
    pub(crate) mailbox_id: Option<String>,
}

/// A command that changes something.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Append {
        mailbox: usize,
        letter: LetterId,
        flags: Flags,
    },
    /// MULTIAPPEND: all or none.
    Together {
        mailbox: usize,
        letters: Vec<(LetterId, Flags)>,
    },
    /// REPLACE: the letter comes and the message goes, or neither.
    Replace {
        from: usize,
        uids: [u32; 1],
        to: usize,
        letter: LetterId,
        flags: Flags,
    },
    Store {
        mailbox: usize,
        uids: Vec<u32>,
        change: Change,
        flags: Flags,
    },
    Copy {
        from: usize,
        uids: Vec<u32>,
        to: usize,
    },
    Move {
        from: usize,
        uids: Vec<u32>,
        to: usize,
    },
    Expunge {
        mailbox: usize,
        uids: Vec<u32>,
    },
    Create {
        folder: String,
    },
    Rename {
        folder: String,
        to: String,
    },
    Delete {
        folder: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Remove,
    Replace,
}

impl LetterId {
    pub(crate) const fn is_large(self) -> bool {
        self.serial % LARGE_EVERY == LARGE_EVERY - 1
    }

    /// The whole message, always the same.
    pub(crate) fn text(self) -> Vec<u8> {
        let mut dice = Dice::new(u64::from(self.writer) << 32 | u64::from(self.serial));
        let small = 200 + usize::try_from(dice.below(UNASKED as u64 - 300)).unwrap();
        let octets = if self.is_large() { LARGE } else { small };
        let mut text = format!("Subject: {} {}\r\n\r\n", self.writer, self.serial);
        while text.len() + 18 <= octets {
            text += &format!("{:016x}\r\n", dice.any());
        }
        text.into_bytes()
    }

    /// Which letter says that it is this one.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let subject = text.strip_prefix(b"Subject: ")?.split(|octet| *octet == b'\r').next()?;
        let (writer, serial) = std::str::from_utf8(subject).ok()?.split_once(' ')?;
        Some(Self { writer: writer.parse().ok()?, serial: serial.parse().ok()? })
    }
}

impl Shelf {
    /// What is there once `deed` is done, which has `made` something, where the server said so.
    pub(crate) fn after(mut self, deed: &Deed, made: &Made) -> Self {
        let new = &made.uids;
        match deed {
            Deed::Append { mailbox, letter, flags } => self.put(*mailbox, *letter, flags, new.first()),
            Deed::Together { mailbox, letters } => {
                for (at, (letter, flags)) in letters.iter().enumerate() {
                    self.put(*mailbox, *letter, flags, new.get(at));
                }
            }
            Deed::Replace { from, uids, to, letter, flags } => {
                self.put(*to, *letter, flags, new.first());
                self.copies.retain(|copy| !copy.is_one_of(*from, uids));
            }
            Deed::Store { mailbox, uids, change, flags } => {
                self.named(*mailbox, uids).for_each(|copy| change.make(&mut copy.flags, flags));
            }
            Deed::Copy { from, uids, to } => self.copy(*from, uids, *to, new),
            Deed::Move { from, uids, to } => {
                self.copy(*from, uids, *to, new);
                self.copies.retain(|copy| !copy.is_one_of(*from, uids));
            }
            Deed::Expunge { mailbox, uids } => {
                self.copies.retain(|copy| !(copy.is_one_of(*mailbox, uids) && copy.flags.contains(&DELETED)));
            }
            Deed::Create { folder } => drop(self.folders.insert(folder.clone(), made.mailbox_id.clone())),
            Deed::Rename { folder, to } => {
                let moved = self.folders.remove(folder).flatten();
                self.folders.insert(to.clone(), moved);
            }
            Deed::Delete { folder } => drop(self.folders.remove(folder)),
        }
        self
    }

    fn put(&mut self, mailbox: usize, letter: LetterId, flags: &Flags, uid: Option<&u32>) {
        self.copies.push(Copy { mailbox, uid: uid.copied(), letter, flags: flags.clone() });
    }

    fn copy(&mut self, from: usize, uids: &[u32], to: usize, new: &[u32]) {
        for (at, uid) in uids.iter().enumerate() {
            let Some(original) = self.copies.iter().find(|copy| copy.is_one_of(from, &[*uid])) else {
                continue;
            };
            let copy = Copy { mailbox: to, uid: new.get(at).copied(), ..original.clone() };
            self.copies.push(copy);
        }
    }

    fn named<'a>(&'a mut self, mailbox: usize, uids: &'a [u32]) -> impl Iterator<Item = &'a mut Copy> {
        self.copies.iter_mut().filter(move |copy| copy.is_one_of(mailbox, uids))
    }

    /// Whether this is what was found: UIDs and MAILBOXIDs that nobody was told may be any.
    pub(crate) fn is(&self, found: &Self) -> bool {
        let folder = |(name, id): (&String, &Option<String>)| {
            found.folders.get(name).is_some_and(|there| id.is_none() || id == there)
        };
        self.has_copies(&found.copies)
            && self.folders.len() == found.folders.len()
            && self.folders.iter().all(folder)
    }

    fn has_copies(&self, found: &[Copy]) -> bool {
        let mut left = found.to_vec();
        let (told, untold): (Vec<_>, Vec<_>) = self.copies.iter().partition(|copy| copy.uid.is_some());
        let mut take = |matches: &dyn Fn(&Copy) -> bool| {
            left.iter().position(matches).map(|at| left.swap_remove(at)).is_some()
        };
        told.into_iter().all(|copy| take(&|there| there == copy))
            && untold.into_iter().all(|copy| take(&|there| Copy { uid: None, ..there.clone() } == *copy))
            && left.is_empty()
    }
}

impl Copy {
    pub(crate) fn is_one_of(&self, mailbox: usize, uids: &[u32]) -> bool {
        self.mailbox == mailbox && self.uid.is_some_and(|uid| uids.contains(&uid))
    }
}

impl Change {
    fn make(self, flags: &mut Flags, named: &Flags) {
        match self {
            Self::Add => flags.extend(named),
            Self::Remove => flags.retain(|flag| !named.contains(flag)),
            Self::Replace => flags.clone_from(named),
        }
    }
}

impl Deed {
    /// The command, up to the message that it brings.
    pub(crate) fn command(&self) -> String {
        match self {
            Self::Append { mailbox, flags, .. } => {
                format!("APPEND {} {}", MAILBOXES[*mailbox], written(flags))
            }
            Self::Together { mailbox, .. } => format!("APPEND {}", MAILBOXES[*mailbox]),
            Self::Replace { uids, to, flags, .. } => {
                format!("UID REPLACE {} {} {}", set(uids), MAILBOXES[*to], written(flags))
            }
            Self::Store { uids, change, flags, .. } => {
                let word = match change {
                    Change::Add => "+FLAGS",
                    Change::Remove => "-FLAGS",
                    Change::Replace => "FLAGS",
                };
                format!("UID STORE {} {word} {}", set(uids), written(flags))
            }
            Self::Copy { uids, to, .. } => format!("UID COPY {} {}", set(uids), MAILBOXES[*to]),
            Self::Move { uids, to, .. } => format!("UID MOVE {} {}", set(uids), MAILBOXES[*to]),
            Self::Expunge { uids, .. } => format!("UID EXPUNGE {}", set(uids)),
            Self::Create { folder } => format!("CREATE {folder}"),
            Self::Rename { folder, to } => format!("RENAME {folder} {to}"),
            Self::Delete { folder } => format!("DELETE {folder}"),
        }
    }

    /// The messages that it brings, each with what stands in front of it.
    pub(crate) fn messages(&self) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::Append { letter, .. } | Self::Replace { letter, .. } => {
                vec![(self.command(), letter.text())]
            }
            Self::Together { letters, .. } => {
                let commands = std::iter::once(self.command() + " ").chain(std::iter::repeat(String::new()));
                let message = |(before, (letter, flags)): (String, &(LetterId, Flags))| {
                    (before + &written(flags), letter.text())
                };
                commands.zip(letters).map(message).collect()
            }
            _ => vec![],
        }
    }

    /// The messages that are not to be named again before it is answered.
    pub(crate) fn takes_away(&self) -> (usize, &[u32]) {
        match self {
            Self::Move { from: mailbox, uids, .. } | Self::Expunge { mailbox, uids } => (*mailbox, uids),
            Self::Replace { from, uids, .. } => (*from, uids),
            _ => (0, &[]),
        }
    }

    /// The mailboxes that are not to be named again before it is answered.
    pub(crate) fn folders(&self) -> Vec<&str> {
        match self {
            Self::Create { folder } | Self::Delete { folder } => vec![folder],
            Self::Rename { folder, to } => vec![folder, to],
            _ => vec![],
        }
    }

    /// Where it puts letters.
    pub(crate) const fn target(&self) -> Option<usize> {
        match self {
            Self::Append { mailbox: to, .. }
            | Self::Together { mailbox: to, .. }
            | Self::Replace { to, .. }
            | Self::Copy { to, .. }
            | Self::Move { to, .. } => Some(*to),
            _ => None,
        }
    }
}

fn set(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

fn written(flags: &Flags) -> String {
    let names: Vec<_> = flags.iter().map(|flag| FLAGS[usize::from(*flag)]).collect();
    format!("({})", names.join(" "))
}

/// The flags that stand for names; `\Recent` is nobody's doing.
pub(crate) fn read_flags<'a>(names: impl Iterator<Item = &'a str>) -> Flags {
    names.filter_map(|name| FLAGS.iter().position(|flag| *flag == name)?.try_into().ok()).collect()
}
