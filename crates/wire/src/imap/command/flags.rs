//! Flags that a client sets (RFC 9051, 9: flag).

use super::super::error::{Fault, Reason};
use super::super::input::Input;
use terms::{Flag, Keyword};

/// `"(" [flag *(SP flag)] ")"`
pub(super) fn list(input: &mut Input<'_>) -> Result<Vec<Flag>, Fault> {
    let flags = input.list("Expected a list of flags in parentheses", flag)?;
    Ok(flags.into_iter().flatten().collect())
}

/// `flag-list / (flag *(SP flag))`
pub(super) fn list_or_bare(input: &mut Input<'_>) -> Result<Vec<Flag>, Fault> {
    if input.peek() == Some(b'(') {
        return list(input);
    }
    let mut flags = Vec::new();
    loop {
        flags.extend(flag(input)?);
        if !input.take(b' ') {
            return Ok(flags);
        }
    }
}

/// A flag and nothing else.
pub(super) fn one(text: &[u8]) -> Option<Flag> {
    let mut input = Input::new(text);
    flag(&mut input).ok()?.filter(|_| input.is_done())
}

/// `None` for a system flag that is none to be set. `\Recent` "cannot be altered by the client" (RFC 3501, 2.3.2);
/// clients that copy a message's flags send it all the same. Another may be one of an extension: the grammar has it
/// (RFC 9051, 9: flag-extension), so BAD would be wrong, and "if the client attempts to STORE a flag that is not in the
/// PERMANENTFLAGS list, the server will either ignore the change or store the state change for the remainder of the
/// current session only" (7.1).
fn flag(input: &mut Input<'_>) -> Result<Option<Flag>, Fault> {
    if !input.take(b'\\') {
        return keyword(input).map(Flag::Keyword).map(Some);
    }
    let name = input.atom("Expected the name of a system flag")?;
    match name.to_ascii_lowercase().as_str() {
        "answered" => Ok(Some(Flag::Answered)),
        "flagged" => Ok(Some(Flag::Flagged)),
        "deleted" => Ok(Some(Flag::Deleted)),
        "seen" => Ok(Some(Flag::Seen)),
        "draft" => Ok(Some(Flag::Draft)),
        _ => Ok(None),
    }
}

pub(super) fn keyword(input: &mut Input<'_>) -> Result<Keyword, Fault> {
    let at = input.at();
    let atom = input.atom("Expected a flag")?;
    Keyword::new(atom).map_err(|bad| Fault { at, reason: Reason::Grammar(bad.to_string().into()) })
}
