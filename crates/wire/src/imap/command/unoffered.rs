//! Commands of extensions that this server knows by name and does not offer.
//!
//! Clients that use an extension without looking at the capabilities stop on a BAD (offlineimap does); a NO they
//! survive. So these are told apart from what no RFC defines.

use super::super::error::{Fault, Reason};

/// In alphabetical order. A command that gets its own file leaves this list.
const UNOFFERED: &[&str] = &[
    "CANCELUPDATE",
    "CONVERSIONS",
    "CONVERT",
    "DELETEACL",
    "ESEARCH",
    "GENURLAUTH",
    "GETACL",
    "GETANNOTATION",
    "GETJMAPACCESS",
    "GETMETADATA",
    "LANGUAGE",
    "LISTRIGHTS",
    "MYRIGHTS",
    "NOTIFY",
    "RESETKEY",
    "RLIST",
    "RLSUB",
    "SETACL",
    "SETANNOTATION",
    "SETMETADATA",
    "UIDBATCHES",
    "UNAUTHENTICATE",
    "URLFETCH",
    "XAPPLEPUSHSERVICE",
];

/// How much of an unknown name is repeated to the client.
const MAX_ECHOED_OCTETS: usize = 40;

/// What to say of a name that [`super::COMMANDS`] does not have.
pub(super) fn fault(at: usize, name: &str) -> Fault {
    let reason = match UNOFFERED.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(known) => Reason::NotOffered(known),
        None => Reason::Unknown(name.chars().take(MAX_ECHOED_OCTETS).collect()),
    };
    Fault { at, reason }
}
