//! STORE (RFC 9051, 6.4.6) with UNCHANGEDSINCE (RFC 7162, 3.1.3).

use super::super::error::Fault;
use super::super::input::Input;
use super::super::sequence_set::MessageSet;
use super::{Numbering, flags, select};
use terms::{Flag, ModSeq};

/// Which messages, and what becomes of their flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// What the numbers mean.
    pub numbering: Numbering,
    /// Which messages.
    pub set: MessageSet,
    /// Only messages that did not change after this; zero is allowed and fails for every message.
    pub unchanged_since: Option<ModSeq>,
    /// What is done with the flags.
    pub action: StoreAction,
    /// Whether the new flags are told.
    pub silence: Silence,
    /// The flags.
    pub flags: Vec<Flag>,
}

/// What STORE does with its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreAction {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// Whether STORE answers with FETCH replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Silence {
    /// It does.
    Told,
    /// `.SILENT`: it does not, but for MODSEQs where CONDSTORE is on.
    Silent,
}

pub(super) fn read(input: &mut Input<'_>, numbering: Numbering) -> Result<Store, Fault> {
    input.space()?;
    let set = MessageSet::read(input)?;
    input.space()?;
    let mut unchanged_since = None;
    if input.peek() == Some(b'(') {
        unchanged_since = Some(modifiers(input)?);
        input.space()?;
    }
    let (action, silence) = item(input)?;
    input.space()?;
    let flags = flags::list_or_bare(input)?;
    Ok(Store { numbering, set, unchanged_since, action, silence, flags })
}

/// RFC 7162, 7: only a single UNCHANGEDSINCE may be specified.
fn modifiers(input: &mut Input<'_>) -> Result<ModSeq, Fault> {
    input.expect(b'(', "Expected '('")?;
    if !input.keyword("UNCHANGEDSINCE") {
        return Err(input.fault("Expected UNCHANGEDSINCE"));
    }
    input.space()?;
    let mod_seq = select::mod_seq(input)?;
    input.expect(b')', "Expected ')'")?;
    Ok(mod_seq)
}

fn item(input: &mut Input<'_>) -> Result<(StoreAction, Silence), Fault> {
    let action = if input.take(b'+') {
        StoreAction::Add
    } else if input.take(b'-') {
        StoreAction::Remove
    } else {
        StoreAction::Replace
    };
    if input.keyword("FLAGS.SILENT") {
        return Ok((action, Silence::Silent));
    }
    if input.keyword("FLAGS") {
        return Ok((action, Silence::Told));
    }
    Err(input.fault("Expected FLAGS, +FLAGS, -FLAGS or one of them with .SILENT"))
}
