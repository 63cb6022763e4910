//! THREAD (RFC 5256, BASE.6.4.THREAD).

use super::super::error::{Fault, Reason};
use super::super::input::Input;
use super::{Numbering, Search, search};

/// Which messages, and how they belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread<'a> {
    /// How.
    pub algorithm: ThreadAlgorithm,
    /// The messages. Its charset is there, for it is mandatory here.
    pub search: Search<'a>,
}

/// `thread-alg`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThreadAlgorithm {
    /// By base subject.
    OrderedSubject,
    /// By who answers whom.
    References,
}

/// `"THREAD" SP thread-alg SP search-criteria`
pub(super) fn read<'a>(input: &mut Input<'a>, numbering: Numbering) -> Result<Thread<'a>, Fault> {
    input.space()?;
    let at = input.at();
    let algorithm = match input.atom(WHAT)?.to_ascii_uppercase().as_str() {
        "ORDEREDSUBJECT" => ThreadAlgorithm::OrderedSubject,
        "REFERENCES" => ThreadAlgorithm::References,
        "REFS" => return Err(Fault { at, reason: Reason::NotOffered("THREAD=REFS") }),
        _ => return Err(input.fault_at(at, WHAT)),
    };
    Ok(Thread { algorithm, search: search::read_criteria(input, numbering)? })
}

const WHAT: &str = "Expected ORDEREDSUBJECT or REFERENCES";
