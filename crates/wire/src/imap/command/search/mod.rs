//! SEARCH (RFC 9051, 6.4.4; RFC 3501, 6.4.4), with RETURN (RFC 4731).

mod key;
mod program;

pub use key::{EntryKind, SearchKey};

use super::super::error::{Fault, Reason};
use super::super::input::Input;
use super::Numbering;
use super::results::{self, ResultOptions};
use std::borrow::Cow;

/// Which messages are sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search<'a> {
    /// What the numbers in the *reply* mean; a bare set in the keys is always of sequence numbers.
    pub numbering: Numbering,
    /// What to tell; `None` where the command does not say.
    pub results: Option<ResultOptions>,
    /// The charset of the strings; `None` is US-ASCII, read as UTF-8 where it is not (neomutt).
    pub charset: Option<Cow<'a, str>>,
    /// All of these.
    pub keys: SearchKeys<'a>,
}

/// The keys of a search. Those that are answered with a NO make a command still: where it was to SAVE what it finds, it
/// has to be known that it was one (RFC 5182, 2.1).
pub type SearchKeys<'a> = Result<Vec<SearchKey<'a>>, Reason>;

pub(super) fn read<'a>(input: &mut Input<'a>, numbering: Numbering) -> Result<Search<'a>, Fault> {
    input.space()?;
    let results = results::read(input)?;
    let charset = if input.keyword("CHARSET") { Some(charset(input)?) } else { None };
    Ok(Search { numbering, results, charset, keys: keys(input)? })
}

/// RFC 5256, 5: `search-criteria = charset 1*(SP search-key)`, with the space in front.
pub(super) fn read_criteria<'a>(input: &mut Input<'a>, numbering: Numbering) -> Result<Search<'a>, Fault> {
    let charset = Some(charset(input)?);
    Ok(Search { numbering, results: None, charset, keys: keys(input)? })
}

fn charset<'a>(input: &mut Input<'a>) -> Result<Cow<'a, str>, Fault> {
    input.space()?;
    let charset = input.text("Expected the name of a charset")?;
    input.space()?;
    Ok(charset)
}

/// `search-key *(SP search-key)`, up to the end of the command.
fn keys<'a>(input: &mut Input<'a>) -> Result<SearchKeys<'a>, Fault> {
    match program::read(input) {
        Err(Fault { reason, .. }) if reason.is_no() => {
            input.skip();
            Ok(Err(reason))
        }
        keys => keys.map(Ok),
    }
}
