//! Which revision of the protocol a session speaks.
//!
//! Every session begins with IMAP4rev1; a client that says `ENABLE IMAP4rev2` has it changed for good (RFC 9051,
//! 6.3.1). Whoever answers differently in the two asks `Hall::revision`, and says beside the question which clause of
//! RFC 9051, appendix E, it obeys.

/// A revision of IMAP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// RFC 3501.
    #[default]
    Rev1,
    /// RFC 9051.
    Rev2,
}
