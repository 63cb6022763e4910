//! ENABLE (RFC 5161; RFC 9051, 6.3.1).

use super::done::Done;
use super::hall::Hall;
use super::revision::Revision;
use super::utf8::Utf8;
use crate::port::Mail;
use mailbox::{Dialect, Naming};
use wire::imap::reply;

/// What a client can enable; nothing takes it back.
#[derive(Clone, Copy, Debug)]
enum Feature {
    /// How changes are told.
    Dialect(Dialect),
    /// How messages are named.
    Naming(Naming),
    /// The protocol's revision.
    Revision(Revision),
    /// UTF-8 in names and strings.
    Utf8,
}

/// What can be enabled. A name that is not here is passed over (RFC 5161, 3.1).
const ENABLEABLE: [(&str, Feature); 5] = [
    ("IMAP4rev2", Feature::Revision(Revision::Rev2)),
    ("CONDSTORE", Feature::Dialect(Dialect::Condstore)),
    ("QRESYNC", Feature::Dialect(Dialect::Qresync)),
    ("UIDONLY", Feature::Naming(Naming::Uids)),
    ("UTF8=ACCEPT", Feature::Utf8),
];

pub(super) fn run<M: Mail>(names: &[&str], hall: &mut Hall<M>, out: &mut Vec<u8>) -> Done {
    let asked = |name: &str| names.iter().any(|asked| asked.eq_ignore_ascii_case(name));
    // RFC 5161, 3.2: "The ENABLED response lists only what was enabled by this command". QRESYNC enables CONDSTORE too
    // (RFC 7162, 3.2.3), without saying so.
    let new = |(name, feature): &&(&str, Feature)| asked(name) && feature.is_new(hall);
    let enabled: Vec<_> = ENABLEABLE.iter().filter(new).collect();
    enabled.iter().for_each(|(_, feature)| feature.enable(hall));
    reply::enabled(out, &enabled.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    Done::ok("ENABLE completed")
}

impl Feature {
    fn is_new<M: Mail>(self, hall: &Hall<M>) -> bool {
        match self {
            Self::Dialect(dialect) => hall.dialect < dialect,
            Self::Naming(naming) => hall.naming != naming,
            Self::Revision(revision) => hall.revision < revision,
            Self::Utf8 => hall.utf8 == Utf8::Unasked,
        }
    }

    fn enable<M: Mail>(self, hall: &mut Hall<M>) {
        match self {
            Self::Dialect(dialect) => hall.enable(dialect),
            Self::Naming(naming) => hall.use_naming(naming),
            Self::Revision(revision) => hall.speak(revision),
            Self::Utf8 => hall.utf8 = Utf8::Accepted,
        }
    }
}
