//! SEARCH: which messages fit a program (RFC 9051, 6.4.4; RFC 3501, 6.4.4; RFC 7162, 3.1.5).
//!
//! A [`Program`] is a tree of [`Key`]s within bounds. It is judged message by message, in three-valued fashion: the
//! columns of the mailbox ([`Searchable`]) decide what they can; then what has been read already is asked; where
//! that does not decide, the [`Verdict`] asks one [`Question`], the cheapest that is left. A message that its flags
//! rule out is never read, and one that its Subject rules out is not read beyond its record.
//!
//! ```text
//! let mut read = Nothing;
//! loop {
//!     match program.judge(&row, &mut answers, |need| read.tell(need)) {
//!         Verdict::Asks(question) => match question.need() {
//!             Need::SentDate(_) | Need::Thread(_) | Need::Header(_) => read = the message's record,
//!             Need::Body(needle) | Need::Text(needle) => answers.set(&question, scan the body for the needle),
//!         },
//!         decided => break,
//!     }
//! }
//! ```
//!
//! Before that, [`Program::narrow`] holds what a program says of flags and UIDs against all messages at once. Where it says
//! nothing else, that is the answer; else fewer are left to be judged.
//!
//! Strings are found as exact substrings, without regard to case ([`Needle`]); nothing is cut into words.
//!
//! Left to others: reading and decoding (what is searched is *decoded* header fields and text parts, RFC 9051,
//! 6.4.4), and numbers. A sequence set means something only in a session's view, so the session gives its UIDs.

mod key;
mod narrow;
mod needle;
mod program;

pub use key::{ArrivalTest, DateTest, FieldName, HeaderTest, Key};
pub use narrow::Narrowed;
pub use needle::{MAX_NEEDLE_OCTETS, Needle, Scan};
pub use program::{Answers, MAX_DEPTH, MAX_KEYS, Need, Program, Question, Searchable, TooComplex, Verdict};
