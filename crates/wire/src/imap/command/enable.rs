//! ENABLE (RFC 9051, 6.3.1).

use super::super::error::Fault;
use super::super::input::{Input, MAX_LIST_MEMBERS};
use super::Command;

pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    let mut capabilities = Vec::new();
    while capabilities.is_empty() || !input.is_done() {
        if capabilities.len() == MAX_LIST_MEMBERS {
            return Err(input.limit("ENABLE names too many capabilities"));
        }
        input.space()?;
        capabilities.push(input.atom("Expected a capability")?);
    }
    Ok(Command::Enable(capabilities))
}
