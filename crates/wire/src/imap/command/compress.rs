//! COMPRESS (RFC 4978, 5).

use super::super::error::Fault;
use super::super::input::Input;
use super::Command;

/// `"COMPRESS" SP algorithm`; "DEFLATE is the only one defined".
pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    let at = input.at();
    let algorithm = input.atom("Expected a way of compressing")?;
    if algorithm.eq_ignore_ascii_case("DEFLATE") {
        Ok(Command::Compress)
    } else {
        Err(input.fault_at(at, "DEFLATE is the only way of compressing"))
    }
}
