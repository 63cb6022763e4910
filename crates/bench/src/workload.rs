//! The list of workloads: the one place that names them. Help and manual come from here.

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Workload {
    /// See [`Workload::about`], as for all of them.
    Login,
    /// APPEND in several shapes.
    Append,
    /// Deliveries.
    Lmtp,
    /// A large mailbox is made.
    Fill,
    /// A mail program sees it for the first time.
    Sync,
    /// Flags of all, and of one.
    Flags,
    /// Whole messages.
    Bodies,
    /// Coming back to a mailbox that has changed.
    Resync,
    /// Many mailboxes.
    List,
    /// SEARCH.
    Search,
    /// COPY, MOVE, EXPUNGE.
    Copymove,
    /// News for those who wait.
    Push,
    /// Sessions that do nothing.
    Idle,
    /// All of it at once.
    Mixed,
}

/// What is said of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Which.
    pub workload: Workload,
    /// Its name on the command line.
    pub name: &'static str,
    /// What one operation is.
    pub unit: &'static str,
    /// What it does and measures, as a sentence without its full stop.
    pub measures: &'static str,
}

const fn about(workload: Workload, name: &'static str, unit: &'static str, measures: &'static str) -> About {
    About { workload, name, unit, measures }
}

impl Workload {
    /// All of them, in the order in which they are best run.
    pub const ALL: &[About] = &[
        about(
            Self::Login,
            "login",
            "login",
            "Connect, shake hands in full, sign in, log out; over one connection at a time, and over several at once",
        ),
        about(
            Self::Append,
            "append",
            "message",
            "APPEND of 4 KiB and 64 KiB: one connection, several to a mailbox each, several to one mailbox, MULTIAPPEND, \
             pipelined",
        ),
        about(
            Self::Lmtp,
            "lmtp",
            "message",
            "Deliver 4 KiB by LMTP to the INBOX of each user, which must be empty",
        ),
        about(
            Self::List,
            "list",
            "answer",
            "LIST with STATUS of 1,000 mailboxes, of which 100 hold a message; by LIST-STATUS where the server has it",
        ),
        about(
            Self::Push,
            "push",
            "notice",
            "How long after the OK to an APPEND each of many idle sessions hears of it",
        ),
        about(
            Self::Idle,
            "idle",
            "session",
            "Open many sessions that IDLE, and see what memory and CPU each costs the server; bring mail to some of them \
             (`--wake`), start the server anew and have all come back (`--restart`)",
        ),
        about(
            Self::Fill,
            "fill",
            "message",
            "Make the large mailbox, by MULTIAPPEND where the server has it",
        ),
        about(
            Self::Sync,
            "sync",
            "message",
            "What a mail program asks of a mailbox it sees for the first time: UID, FLAGS, INTERNALDATE, RFC822.SIZE, \
             ENVELOPE, BODYSTRUCTURE of all messages",
        ),
        about(
            Self::Search,
            "search",
            "search",
            "SEARCH the large mailbox: UNSEEN, a part of a subject, a sender, and a word and a part of one in the text",
        ),
        about(
            Self::Flags,
            "flags",
            "message",
            "FETCH the flags of all messages, STORE a keyword on all and take it away, and toggle a flag of one",
        ),
        about(Self::Bodies, "bodies", "message", "FETCH whole messages, 20,000 at most"),
        about(
            Self::Copymove,
            "copymove",
            "message",
            "COPY 10,000 messages, MOVE them, and EXPUNGE them, each with one command",
        ),
        about(
            Self::Resync,
            "resync",
            "select",
            "SELECT the large mailbox, also for the first time where it was there before; and come back to it by QRESYNC \
             after 10 flags were changed and 5 messages expunged",
        ),
        about(
            Self::Mixed,
            "mixed",
            "action",
            "A population at a given rate: phones that idle, mail programs that synchronise, webmail that signs in with \
             each click, deliveries, searches",
        ),
    ];

    /// What is said of it.
    #[must_use]
    pub fn about(self) -> About {
        let found = Self::ALL.iter().find(|about| about.workload == self).copied();
        found.unwrap_or_else(|| about(self, "", "", ""))
    }

    /// The list as a table of the manual.
    #[must_use]
    pub fn manual() -> String {
        let row = |about: &About| format!("| `{}` | {} | {} |\n", about.name, about.measures, about.unit);
        let rows: String = Self::ALL.iter().map(row).collect();
        format!("| workload | what it does | one operation is a |\n|---|---|---|\n{rows}")
    }

    /// The one of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|about| about.name == name).map(|about| about.workload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_is_listed_once() {
        let names: HashSet<_> = Workload::ALL.iter().map(|about| about.name).collect();
        let workloads: HashSet<_> = Workload::ALL.iter().map(|about| about.workload).collect();
        assert_eq!((names.len(), workloads.len()), (14, 14));
        for about in Workload::ALL {
            assert_eq!(Workload::named(about.name), Some(about.workload));
            assert!(!about.measures.ends_with('.') && !about.unit.is_empty());
        }
        assert_eq!(Workload::named(""), None);
    }
}
