//! Sets of sequence numbers or UIDs as clients write them (RFC 9051, 9: sequence-set).

use super::error::Fault;
use super::input::Input;
use std::fmt;
use std::num::NonZeroU32;
use terms::{SeqNum, Uid, UidSet};

/// A sequence-set as written: any order, overlapping, reversed, with `*`.
///
/// What a number means, a position or a UID, the command says; what `*` means, the mailbox. So this stays a
/// list of ranges until [`SequenceSet::resolve`] is told the highest number in use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SequenceSet {
    ranges: Vec<(SetNumber, SetNumber)>,
}

/// The messages that a command names (RFC 5182, 3: sequence-set).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MessageSet {
    /// As written.
    Written(SequenceSet),
    /// `$`: those that a SEARCH found and was told to SAVE. It stands for itself, never within a set.
    Saved,
}

impl MessageSet {
    pub(crate) fn read(input: &mut Input<'_>) -> Result<Self, Fault> {
        if input.take(b'$') { Ok(Self::Saved) } else { SequenceSet::read(input).map(Self::Written) }
    }
}

/// A number in a [`SequenceSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetNumber {
    /// A number as written.
    Number(NonZeroU32),
    /// `*`: the highest number in use.
    Highest,
}

impl SetNumber {
    fn or(self, highest: u32) -> u32 {
        match self {
            Self::Number(number) => number.get(),
            Self::Highest => highest,
        }
    }

    /// RFC 9051, 9: seq-number.
    pub(crate) fn read(input: &mut Input<'_>) -> Result<Self, Fault> {
        if input.take(b'*') {
            return Ok(Self::Highest);
        }
        let at = input.at();
        let number = input.digits().and_then(|n| u32::try_from(n).ok()).and_then(NonZeroU32::new);
        number
            .map(Self::Number)
            .ok_or_else(|| input.fault_at(at, "Expected a message number from 1 to 4294967295, or '*'"))
    }
}

impl SequenceSet {
    /// One number.
    #[must_use]
    pub fn one(number: SetNumber) -> Self {
        Self { ranges: vec![(number, number)] }
    }

    /// The ranges as written.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = (SetNumber, SetNumber)> + Clone + '_ {
        self.ranges.iter().copied()
    }

    /// Whether `*` is in it.
    #[must_use]
    pub fn names_highest(&self) -> bool {
        self.ranges.iter().any(|&(a, b)| a == SetNumber::Highest || b == SetNumber::Highest)
    }

    /// The highest number that is written out, `*` aside.
    #[must_use]
    pub fn highest_written(&self) -> Option<u32> {
        self.ranges.iter().flat_map(|&(a, b)| [a.or(0), b.or(0)]).max().filter(|&n| n > 0)
    }

    /// Its ranges with `*` replaced by `highest`, each lower end first, sorted, joined where they touch.
    ///
    /// `9:*` with a highest of 5 is 5 to 9: the last message is always in it (RFC 9051, 9: seq-range). Where
    /// nothing is in use, pass 0: `*` then names nothing. (RFC 9051 has `*` be UIDNEXT in an empty mailbox; no
    /// message has that either.)
    #[must_use]
    pub fn resolve(&self, highest: u32) -> Vec<(u32, u32)> {
        let ends = |&(a, b): &(SetNumber, SetNumber)| (a.or(highest), b.or(highest));
        let mut ranges: Vec<_> =
            self.ranges.iter().map(ends).map(|(a, b)| (a.min(b).max(1), a.max(b))).collect();
        ranges.retain(|range| range.1 > 0);
        ranges.sort_unstable();
        ranges.dedup_by(|next, open| {
            let touches = next.0 <= open.1.saturating_add(1);
            if touches {
                open.1 = open.1.max(next.1);
            }
            touches
        });
        ranges
    }

    /// As a set of UIDs in a mailbox whose highest UID is `highest`.
    #[must_use]
    pub fn uids(&self, highest: Option<Uid>) -> UidSet {
        let ranges = self.resolve(highest.map_or(0, Uid::get));
        UidSet::from_ranges(ranges.into_iter().filter_map(|(a, b)| Some((Uid::new(a)?, Uid::new(b)?))))
    }

    /// From ranges of positions, in this order. `None` when there are none: IMAP cannot write an empty set.
    #[must_use]
    pub fn of_positions(ranges: impl IntoIterator<Item = (SeqNum, SeqNum)>) -> Option<Self> {
        Self::of_numbers(ranges.into_iter().map(|(a, b)| (a.get(), b.get())))
    }

    /// From a set of UIDs. `None` when it is empty.
    #[must_use]
    pub fn of_uids(uids: &UidSet) -> Option<Self> {
        Self::of_numbers(uids.ranges().map(|range| (range.start().get(), range.end().get())))
    }

    fn of_numbers(ranges: impl Iterator<Item = (u32, u32)>) -> Option<Self> {
        let number = |n| NonZeroU32::new(n).map(SetNumber::Number);
        let ranges: Vec<_> = ranges.filter_map(|(a, b)| Some((number(a)?, number(b)?))).collect();
        (!ranges.is_empty()).then_some(Self { ranges })
    }

    pub(crate) fn read(input: &mut Input<'_>) -> Result<Self, Fault> {
        let mut ranges = Vec::new();
        loop {
            let first = SetNumber::read(input)?;
            let last = if input.take(b':') { SetNumber::read(input)? } else { first };
            ranges.push((first, last));
            if !input.take(b',') {
                return Ok(Self { ranges });
            }
        }
    }

    /// A set in which `*` is not allowed.
    pub(crate) fn read_numbers(input: &mut Input<'_>) -> Result<Self, Fault> {
        let at = input.at();
        let set = Self::read(input)?;
        if set.names_highest() {
            return Err(input.fault_at(at, "'*' is not allowed in this set"));
        }
        Ok(set)
    }
}

impl fmt::Display for SetNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Highest => f.write_str("*"),
        }
    }
}

/// As IMAP writes it: `1:3,7,9:*`.
impl fmt::Display for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            if first == last { write!(f, "{comma}{first}")? } else { write!(f, "{comma}{first}:{last}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Option<SequenceSet> {
        let mut input = Input::new(text.as_bytes());
        SequenceSet::read(&mut input).ok().filter(|_| input.is_done())
    }

    #[test]
    fn the_last_message_is_in_every_range_to_the_star() {
        assert_eq!(set("9:*").unwrap().resolve(5), [(5, 9)]);
        assert_eq!(set("*:4,5:7").unwrap().resolve(10), [(4, 10)]);
        assert_eq!(set("2,4:7,9,12:*").unwrap().resolve(15), [(2, 2), (4, 7), (9, 9), (12, 15)]);
    }

    #[test]
    fn in_an_empty_mailbox_the_star_names_nothing() {
        assert_eq!(set("*").unwrap().resolve(0), []);
        assert!(set("*").unwrap().uids(None).is_empty());
    }

    #[test]
    fn reversed_huge_and_touching_ranges_are_one() {
        assert_eq!(set("4294967295:1,3").unwrap().resolve(7), [(1, u32::MAX)]);
        assert_eq!(set("1,2,3").unwrap().uids(None).to_string(), "1:3");
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in
            ["", "0", "1:", ",1", "1,", "4294967296", "1:0", "$", "a", "1 ", "**", "18446744073709551616"]
        {
            assert_eq!(set(text), None, "{text:?}");
        }
    }

    #[test]
    fn sets_are_written_as_they_were_read() {
        for text in ["1", "*", "1:*", "3:1,*:7,2"] {
            assert_eq!(set(text).unwrap().to_string(), text);
        }
    }
}
