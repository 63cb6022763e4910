//! LHLO (RFC 2033, 4.1): who it is, and what we can do.
//!
//! CHUNKING (RFC 3030) is not among it: a client that has DATA needs no BDAT, and a length that a client announces is
//! one more way in which two programs can disagree about where a message ends.

use super::port::Office;
use super::session::{Answer, Session, Stage};
use crate::port::Peer;
use wire::lmtp::reply::write_extensions;

/// Also ends what was said of a message (RFC 5321, 4.1.4).
pub(super) fn run<P: Peer, O: Office>(session: &mut Session<'_, P, O>, name: Box<str>) -> Answer {
    session.stage = Stage::Known(name);
    let size = format!("SIZE {}", session.rules.message_octets);
    let extensions = [
        "PIPELINING".into(),
        size.into(),
        "8BITMIME".into(),
        "SMTPUTF8".into(),
        "ENHANCEDSTATUSCODES".into(),
    ];
    write_extensions(session.talk.text(), &session.rules.host, &extensions);
    Ok(None)
}
