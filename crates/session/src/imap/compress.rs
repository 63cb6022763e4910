//! COMPRESS (RFC 4978): DEFLATE in both directions. How it is done is the driver's business; from when on is ours.

use super::done::{Done, Outcome};
use super::talk::{Compression, Talk};
use crate::port::Peer;
use crate::refusal::Refusal;
use wire::imap::reply::Code;

/// Whether compression may begin: it does behind the tagged OK (RFC 4978, 3), so whoever is asked for more behaves
/// as if nothing had happened.
pub(super) fn run<P: Peer>(talk: &Talk<P>) -> Outcome {
    if talk.compression() == Compression::Deflate {
        return Err(Refusal::denied(Code::CompressionActive, "DEFLATE is active already").into());
    }
    // RFC 4978, 3: "The client MUST NOT send any further commands until it has seen the result". What came
    // already cannot be told from what is compressed.
    if talk.has_more() {
        return Err(Refusal::misspoken("Wait for the answer to COMPRESS before you say more").into());
    }
    Ok(Done::ok("DEFLATE active"))
}
