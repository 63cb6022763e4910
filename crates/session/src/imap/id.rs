//! ID (RFC 2971).

use super::capability::Stage;
use super::done::Done;
use crate::port::Door;
use wire::imap::command::Id;
use wire::imap::reply;

/// Who we are.
const OURSELVES: [(&str, Option<&str>); 2] =
    [("name", Some("Gatepost")), ("version", Some(env!("CARGO_PKG_VERSION")))];

pub(super) fn run(id: &Id<'_>, stage: Stage, door: &impl Door, out: &mut Vec<u8>) -> Done {
    let fields: Vec<_> = id.fields.iter().map(|(name, value)| (&**name, value.as_deref())).collect();
    door.introduced(&fields);
    // Name and version are for those who have signed in; strangers would look up what it is good for.
    reply::id(out, if stage == Stage::SignedIn { &OURSELVES } else { &[] });
    Done::ok("ID completed")
}

/// Whether a client wants to be told now and then that the connection lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reassurance {
    /// It does: Delta Chat gives up an IDLE that is silent for five minutes.
    #[default]
    Wanted,
    /// It is a phone whose radio would be woken for nothing.
    Unwanted,
}

/// Names under which mail clients of phones introduce themselves.
const PHONES: [&str; 4] = ["FairEmail", "K-9", "com.android.email", "com.samsung"];

pub(super) fn reassurance(id: &Id<'_>) -> Reassurance {
    let name = id.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case("name"));
    let name = name.and_then(|(_, value)| value.as_deref()).unwrap_or_default();
    match PHONES.iter().any(|phone| name.starts_with(phone)) {
        true => Reassurance::Unwanted,
        false => Reassurance::Wanted,
    }
}
