//! SELECT and EXAMINE, with CONDSTORE and QRESYNC (RFC 9051, 6.3.2; RFC 7162, 3.1.8 and 3.2.5).

use super::super::error::{Fault, Reason};
use super::super::input::Input;
use super::super::mailbox_name::{BadMailboxName, SpeltName};
use super::super::sequence_set::SequenceSet;
use terms::{ModSeq, SeqNum, UidSet, UidValidity};

/// Which mailbox, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// SELECT or EXAMINE.
    pub access: Access,
    /// Which mailbox. One that cannot be is no mistake of the grammar: SELECT fails, and so closes what is open.
    pub mailbox: Result<SpeltName, BadMailboxName>,
    /// Whether `(CONDSTORE)` was given.
    pub condstore: bool,
    /// What the client knows of the mailbox, to be brought up to date.
    pub qresync: Option<QResync>,
}

/// Whether a session may change the mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// SELECT
    ReadWrite,
    /// EXAMINE
    ReadOnly,
}

/// What a client knows of a mailbox (RFC 7162, 3.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QResync {
    /// The UIDVALIDITY under which it learned it.
    pub uid_validity: UidValidity,
    /// Up to where it knows.
    pub mod_seq: ModSeq,
    /// The UIDs that it has; `None` for all up to where it knows.
    pub known_uids: Option<UidSet>,
    /// Which of its sequence numbers are which UIDs, to spare it old expunges.
    pub known_messages: Option<KnownMessages>,
}

/// Sequence numbers and the UIDs that they had: of equal number, both ascending (RFC 7162, 3.2.5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMessages {
    /// Ascending ranges of sequence numbers.
    pub sequence: Vec<(SeqNum, SeqNum)>,
    /// The UID of each, in the same order.
    pub uids: UidSet,
}

pub(super) fn read(input: &mut Input<'_>, access: Access) -> Result<Select, Fault> {
    input.space()?;
    let mailbox = match input.spelt_mailbox() {
        Err(Fault { reason: Reason::Name(bad), .. }) => Err(bad),
        name => Ok(name?),
    };
    let mut select = Select { access, mailbox, condstore: false, qresync: None };
    if input.take(b' ') {
        input.filled_list("Expected a list of parameters in parentheses", |input| {
            parameter(input, &mut select)
        })?;
    }
    Ok(select)
}

fn parameter(input: &mut Input<'_>, select: &mut Select) -> Result<(), Fault> {
    if input.keyword("CONDSTORE") {
        select.condstore = true;
        return Ok(());
    }
    if input.keyword("QRESYNC") {
        input.space()?;
        select.qresync = Some(qresync(input)?);
        return Ok(());
    }
    Err(input.fault("Expected CONDSTORE or QRESYNC"))
}

/// `"(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"`
fn qresync(input: &mut Input<'_>) -> Result<QResync, Fault> {
    input.expect(b'(', "Expected '(' and a UIDVALIDITY")?;
    let uid_validity = uid_validity(input)?;
    input.space()?;
    let mod_seq = mod_seq(input)?;
    let mut more = input.take(b' ');
    let mut known_uids = None;
    if more && input.peek() != Some(b'(') {
        known_uids = Some(uids(input)?);
        more = input.take(b' ');
    }
    let known_messages = if more { Some(known_messages(input)?) } else { None };
    input.expect(b')', "Expected ')' behind QRESYNC's parameters")?;
    Ok(QResync { uid_validity, mod_seq, known_uids, known_messages })
}

fn uid_validity(input: &mut Input<'_>) -> Result<UidValidity, Fault> {
    let at = input.at();
    let number = input.digits().and_then(|n| u32::try_from(n).ok()).and_then(UidValidity::new);
    number.ok_or_else(|| input.fault_at(at, "Expected a UIDVALIDITY from 1 to 4294967295"))
}

/// RFC 7162, 7: mod-sequence-value is 63 bits. Zero is taken where it means "nothing known": iOS sends it.
pub(super) fn mod_seq(input: &mut Input<'_>) -> Result<ModSeq, Fault> {
    let number = input.number64("Expected a mod-sequence up to 9223372036854775807")?;
    ModSeq::new(number).ok_or_else(|| input.fault("Expected a mod-sequence up to 9223372036854775807"))
}

fn uids(input: &mut Input<'_>) -> Result<UidSet, Fault> {
    SequenceSet::read_numbers(input).map(|set| set.uids(None))
}

/// `"(" known-sequence-set SP known-uid-set ")"`
fn known_messages(input: &mut Input<'_>) -> Result<KnownMessages, Fault> {
    let at = input.at();
    input.expect(b'(', "Expected '(' and known sequence numbers")?;
    let sequence = SequenceSet::read_numbers(input)?.resolve(0);
    input.space()?;
    let uids = uids(input)?;
    input.expect(b')', "Expected ')' behind the known UIDs")?;
    let count: u64 = sequence.iter().map(|&(a, b)| u64::from(b - a) + 1).sum();
    if count != uids.len() {
        return Err(input.fault_at(at, "Known sequence numbers and known UIDs must be equally many"));
    }
    let positions = |(a, b)| Some((SeqNum::new(a)?, SeqNum::new(b)?));
    Ok(KnownMessages { sequence: sequence.into_iter().filter_map(positions).collect(), uids })
}
