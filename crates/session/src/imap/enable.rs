//! ENABLE (RFC 5161; RFC 9051, 6.3.1).

use super::done::Done;
use super::hall::Hall;
use crate::port::Mail;
use mailbox::Dialect;
use wire::imap::reply;

/// What can be enabled. A name that is not here is passed over (RFC 5161, 3.1).
const ENABLEABLE: [(&str, Dialect); 2] = [("CONDSTORE", Dialect::Condstore), ("QRESYNC", Dialect::Qresync)];

pub(super) fn run<M: Mail>(names: &[&str], hall: &mut Hall<M>, out: &mut Vec<u8>) -> Done {
    let mut enabled = Vec::new();
    for (name, dialect) in ENABLEABLE {
        // RFC 5161, 3.2: "The ENABLED response lists only what was enabled by this command". QRESYNC enables
        // CONDSTORE too (RFC 7162, 3.2.3), without saying so.
        if hall.dialect < dialect && names.iter().any(|asked| asked.eq_ignore_ascii_case(name)) {
            enabled.push(name);
        }
    }
    for (name, dialect) in ENABLEABLE {
        if enabled.contains(&name) {
            hall.enable(dialect);
        }
    }
    reply::enabled(out, &enabled);
    Done::ok("ENABLE completed")
}
