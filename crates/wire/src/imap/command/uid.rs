//! UID: the commands whose numbers are UIDs (RFC 9051, 6.4.9).

use super::super::error::Fault;
use super::super::input::Input;
use super::super::sequence_set::MessageSet;
use super::{
    COMMANDS, Command, Numbering, Reader, fetch, is, replace, search, sort, store, thread, too_short,
    transfer, unoffered,
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
    input.expect(b' ', EXPECTED)?;
    let at = input.at();
    let name = input.atom(EXPECTED)?;
    let without_uid = COMMANDS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
    match (UID_COMMANDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)), without_uid) {
        (Some((name, read)), _) => {
            let arguments = without_uid.map_or("", |(_, arguments, _)| arguments);
            read(input)
                .map_err(|fault| too_short(fault, input, &format!("UID {name}"), &with_uids(arguments)))
        }
        // "Unknown" would be wrong of what is known without UID.
        (None, Some(_)) => Err(input.fault_at(at, EXPECTED)),
        (None, None) => Err(unoffered::fault(at, name)),
    }
}

/// The name of a command that goes with UID, without it.
pub(super) fn known(name: &[u8]) -> Option<&'static str> {
    UID_COMMANDS.iter().map(|(known, _)| *known).find(|known| is(known, name))
}

/// The arguments of a command as they are with UID: EXPUNGE alone has some only then.
fn with_uids(arguments: &str) -> String {
    if arguments.is_empty() { "uids".into() } else { arguments.replacen("message", "uid", 1) }
}

fn expunge<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    MessageSet::read(input).map(|set| Command::Expunge(Some(set)))
}
