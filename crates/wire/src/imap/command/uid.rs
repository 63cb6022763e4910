//! UID: the commands whose numbers are UIDs (RFC 9051, 6.4.9).

use super::super::error::Fault;
use super::super::input::Input;
use super::super::sequence_set::MessageSet;
use super::{
    COMMANDS, Command, Numbering, Reader, fetch, replace, search, sort, store, thread, transfer, unoffered,
};

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

const EXPECTED: &str = "UID goes with COPY, EXPUNGE, FETCH, MOVE, REPLACE, SEARCH, SORT, STORE or THREAD";

pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    let at = input.at();
    let name = input.atom(EXPECTED)?;
    let named = |(known, _): &&(&str, Reader)| known.eq_ignore_ascii_case(name);
    match UID_COMMANDS.iter().find(named) {
        Some((_, read)) => read(input),
        // "Unknown" would be wrong of what is known without UID.
        None if COMMANDS.iter().any(|command| named(&command)) => Err(input.fault_at(at, EXPECTED)),
        None => Err(unoffered::fault(at, name)),
    }
}

fn expunge<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    MessageSet::read(input).map(|set| Command::Expunge(Some(set)))
}
