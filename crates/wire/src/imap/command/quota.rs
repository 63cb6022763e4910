//! GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208, 4.1).

use super::super::error::Fault;
use super::super::input::Input;
use std::borrow::Cow;

/// `"GETQUOTA" SP quota-root-name`
pub(super) fn read_root<'a>(input: &mut Input<'a>) -> Result<Cow<'a, str>, Fault> {
    input.space()?;
    input.text("Expected the name of a quota root")
}

/// `"SETQUOTA" SP quota-root-name SP "(" [resource-name SP resource-limit *(...)] ")"`. Which limits, nobody needs to
/// know: no client sets them.
pub(super) fn read_set<'a>(input: &mut Input<'a>) -> Result<Cow<'a, str>, Fault> {
    let root = read_root(input)?;
    input.space()?;
    input.list("Expected a list of limits in parentheses", |input| {
        input.atom("Expected a resource such as STORAGE")?;
        input.space()?;
        input.number64("Expected a limit up to 9223372036854775807")
    })?;
    Ok(root)
}
