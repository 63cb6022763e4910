//! UTF8=ACCEPT (RFC 9755): mailbox names and strings in UTF-8, once a client has said that it reads them.
//!
//! Strings in UTF-8 are taken from every client. What changes is how names are written, in both directions
//! (`Hall::names`), and that no charset is named any more. Messages with UTF-8 in their headers are stored and told as
//! they are, to every client: docs/decisions/nul-and-bare-line-ends.md.

use crate::refusal::Refusal;

/// Whether a client has enabled UTF8=ACCEPT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Utf8 {
    /// It has not.
    Unasked,
    /// It has.
    Accepted,
}

/// RFC 9755, 3: once UTF8=ACCEPT is enabled a client "MUST NOT issue a "SEARCH" command that contains a charset
/// specification", and that is BAD "due to the conflicting charset labels".
pub(super) fn check_no_charset(utf8: Utf8, charset: Option<&str>) -> Result<(), Refusal> {
    match (utf8, charset) {
        (Utf8::Accepted, Some(_)) => {
            Err(Refusal::misspoken("With UTF8=ACCEPT enabled all strings are UTF-8; name no other charset"))
        }
        _ => Ok(()),
    }
}

/// The same of SORT and THREAD, whose charset is an argument that there must be: "servers SHOULD reject charset values
/// other than UTF-8 with a "BAD" response" (RFC 9755, 3).
pub(super) fn check_charset(utf8: Utf8, charset: Option<&str>) -> Result<(), Refusal> {
    check_no_charset(utf8, charset.filter(|charset| !charset.eq_ignore_ascii_case("UTF-8")))
}
