//! UID: the commands whose numbers are UIDs (RFC 9051, 6.4.9).

use super::super::error::Fault;
use super::super::input::Input;
use super::super::sequence_set::SequenceSet;
use super::{Command, Numbering, Reader, fetch, replace, search, sort, store, thread, transfer, unoffered};

const UID_COMMANDS: &[(&str, Reader)] = &[
    ("COPY", |input| transfer::read(input, Numbering::Uid).map(Command::Copy)),
    ("EXPUNGE", expunge),
    ("FETCH", |input| fetch::read(input, Numbering::Uid).map(Command::Fetch)),
    ("MOVE", |input| transfer::read(input, Numbering::Uid).map(Command::Move)),
    ("REPLACE", replace::without_literal),
    ("SEARCH", |input| search::read(input, Numbering::Uid).map(Command::Search)),
    ("SORT", |input| sort::read(input, Numbering::Uid).map(Command::Sort)),
    ("STORE", |input| store::read(input, Numbering::Uid).map(Command::Store)),
    ("THREAD", |input| thread::read(input, Numbering::Uid).map(Command::Thread)),
];

pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    let at = input.at();
    let name = input.atom("Expected COPY, EXPUNGE, FETCH, MOVE, REPLACE, SEARCH, SORT, STORE or THREAD")?;
    match UID_COMMANDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, read)) => read(input),
        None => Err(unoffered::fault(at, name)),
    }
}

fn expunge<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    SequenceSet::read(input).map(|set| Command::Expunge(Some(set)))
}
