//! SORT (RFC 5256, BASE.6.4.SORT) with the display keys of RFC 5957 and RETURN (RFC 5267, 3).

use super::super::error::Fault;
use super::super::input::Input;
use super::{Numbering, Search, results, search};

/// Which messages, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort<'a> {
    /// "Sorted in the priority order that the criteria appear." Never empty.
    pub criteria: Vec<SortCriterion>,
    /// The messages. Its charset is there, for it is mandatory here.
    pub search: Search<'a>,
}

/// `sort-criterion = ["REVERSE" SP] sort-key`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortCriterion {
    /// Which way.
    pub direction: SortDirection,
    /// By what.
    pub key: SortKey,
}

/// Which way a criterion sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortDirection {
    /// The least first.
    Ascending,
    /// REVERSE
    Descending,
}

/// What messages are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// The internal date and time.
    Arrival,
    /// addr-mailbox of the first Cc address.
    Cc,
    /// The sent date and time (2.2).
    Date,
    /// The first From address as it is shown (RFC 5957).
    DisplayFrom,
    /// The first To address as it is shown (RFC 5957).
    DisplayTo,
    /// addr-mailbox of the first From address.
    From,
    /// Octets.
    Size,
    /// The base subject (2.1).
    Subject,
    /// addr-mailbox of the first To address.
    To,
}

const KEYS: [(&str, SortKey); 9] = [
    ("ARRIVAL", SortKey::Arrival),
    ("CC", SortKey::Cc),
    ("DATE", SortKey::Date),
    ("DISPLAYFROM", SortKey::DisplayFrom),
    ("DISPLAYTO", SortKey::DisplayTo),
    ("FROM", SortKey::From),
    ("SIZE", SortKey::Size),
    ("SUBJECT", SortKey::Subject),
    ("TO", SortKey::To),
];

/// `"SORT" [SP "RETURN" SP "(" options ")"] SP sort-criteria SP search-criteria`
pub(super) fn read<'a>(input: &mut Input<'a>, numbering: Numbering) -> Result<Sort<'a>, Fault> {
    input.space()?;
    let results = results::read(input)?;
    let criteria = input.filled_list("Expected what to sort by, such as (DATE)", criterion)?;
    let search = Search { results, ..search::read_criteria(input, numbering)? };
    Ok(Sort { criteria, search })
}

fn criterion(input: &mut Input<'_>) -> Result<SortCriterion, Fault> {
    let direction = if input.keyword("REVERSE") {
        input.space()?;
        SortDirection::Descending
    } else {
        SortDirection::Ascending
    };
    let at = input.at();
    let name = input.atom(WHAT)?;
    let key = KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let (_, key) = key.ok_or_else(|| input.fault_at(at, WHAT))?;
    Ok(SortCriterion { direction, key: *key })
}

const WHAT: &str = "Expected ARRIVAL, CC, DATE, DISPLAYFROM, DISPLAYTO, FROM, SIZE, SUBJECT or TO";
