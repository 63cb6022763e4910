//! RETURN: what a SEARCH, or a command like it, is to tell (RFC 4731; RFC 9051, 6.4.4; RFC 5182; RFC 9394).

use super::super::error::Fault;
use super::super::input::Input;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;

/// The result options of a command, each of them once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultOptions(Vec<ResultOption>);

/// A result option (RFC 9051, 6.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultOption {
    /// The lowest number.
    Min,
    /// The highest number.
    Max,
    /// All numbers.
    All,
    /// How many.
    Count,
    /// Keep the result for `$` (RFC 5182).
    Save,
    /// Some of the numbers, by their places in the result (RFC 9394).
    Partial(PartialRange),
}

impl ResultOptions {
    /// Whether this is asked for.
    #[must_use]
    pub fn ask_for(&self, option: ResultOption) -> bool {
        self.0.contains(&option)
    }

    /// The part of the result that is asked for, if one is.
    #[must_use]
    pub fn partial(&self) -> Option<PartialRange> {
        self.0.iter().find_map(|option| match option {
            ResultOption::Partial(range) => Some(*range),
            _ => None,
        })
    }

    /// Whether anything is to be told: SAVE alone "suppresses any ESEARCH response" (RFC 9051, 6.4.4).
    #[must_use]
    pub fn ask_to_be_told(&self) -> bool {
        self.0.iter().any(|option| *option != ResultOption::Save)
    }
}

/// `RETURN ()` is `RETURN (ALL)` (RFC 4731, 3.1).
impl FromIterator<ResultOption> for ResultOptions {
    fn from_iter<I: IntoIterator<Item = ResultOption>>(options: I) -> Self {
        let mut distinct = Vec::new();
        for option in options {
            if !distinct.contains(&option) {
                distinct.push(option);
            }
        }
        if distinct.is_empty() {
            distinct.push(ResultOption::All);
        }
        Self(distinct)
    }
}

/// `partial-range` (RFC 9394, 4): places in a list, which need not be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartialRange {
    /// From which end of the list it counts.
    pub from: ListEnd,
    /// Its ends as written: either order means the same.
    ends: (NonZeroU32, NonZeroU32),
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListEnd {
    /// `1:500`: 1 is the first.
    First,
    /// `-1:-500`: -1 is the last.
    Last,
}

impl PartialRange {
    /// How many members from [`Self::from`] on it can be about.
    #[must_use]
    pub fn reach(self) -> u32 {
        self.ends.0.max(self.ends.1).get()
    }

    /// Which members of a list of `length` they are, counted from 0 at the front; an empty range for none.
    #[must_use]
    pub fn of(self, length: u64) -> Range<u64> {
        let before = u64::from(self.ends.0.min(self.ends.1).get() - 1).min(length);
        let reach = u64::from(self.reach()).min(length);
        match self.from {
            ListEnd::First => before..reach,
            ListEnd::Last => length - reach..length - before,
        }
    }

    /// `nz-number ":" nz-number / "-" nz-number ":" "-" nz-number`
    pub(super) fn read(input: &mut Input<'_>) -> Result<Self, Fault> {
        let from = if input.peek() == Some(b'-') { ListEnd::Last } else { ListEnd::First };
        let first = place(input, from)?;
        input.expect(b':', WHAT)?;
        let last = place(input, from)?;
        Ok(Self { from, ends: (first, last) })
    }
}

const WHAT: &str = "Expected a range such as 1:500 or -1:-500";

fn place(input: &mut Input<'_>, from: ListEnd) -> Result<NonZeroU32, Fault> {
    if from == ListEnd::Last {
        input.expect(b'-', WHAT)?;
    }
    let at = input.at();
    let place = input.digits().and_then(|n| u32::try_from(n).ok()).and_then(NonZeroU32::new);
    place.ok_or_else(|| input.fault_at(at, WHAT))
}

/// As it was asked for.
impl fmt::Display for PartialRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.ends;
        match self.from {
            ListEnd::First => write!(f, "{first}:{last}"),
            ListEnd::Last => write!(f, "-{first}:-{last}"),
        }
    }
}

/// `"RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" SP`, if it is next.
pub(super) fn read(input: &mut Input<'_>) -> Result<Option<ResultOptions>, Fault> {
    if !input.keyword("RETURN") {
        return Ok(None);
    }
    input.space()?;
    let at = input.at();
    let options = input.list("Expected result options in parentheses", option)?;
    let lists = |option: &&ResultOption| matches!(option, ResultOption::All | ResultOption::Partial(_));
    // RFC 9394, 3.1: "A single command MUST NOT contain more than one PARTIAL or ALL".
    if options.iter().filter(lists).count() > 1 {
        return Err(input.fault_at(at, "Only one of ALL and PARTIAL can be asked for, and once"));
    }
    input.space()?;
    Ok(Some(options.into_iter().collect()))
}

/// RFC 9051, 6.4.4: options that are not supported "MUST be rejected with a BAD response".
fn option(input: &mut Input<'_>) -> Result<ResultOption, Fault> {
    let at = input.at();
    match input.atom("Expected a result option")?.to_ascii_uppercase().as_str() {
        "MIN" => Ok(ResultOption::Min),
        "MAX" => Ok(ResultOption::Max),
        "ALL" => Ok(ResultOption::All),
        "COUNT" => Ok(ResultOption::Count),
        "SAVE" => Ok(ResultOption::Save),
        "PARTIAL" => {
            input.space()?;
            PartialRange::read(input).map(ResultOption::Partial)
        }
        _ => Err(input.fault_at(at, "Result options are MIN, MAX, ALL, COUNT, PARTIAL and SAVE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Option<PartialRange> {
        let mut input = Input::new(text.as_bytes());
        PartialRange::read(&mut input).ok().filter(|_| input.is_done())
    }

    #[test]
    fn a_partial_range_names_what_is_there_of_it() {
        for (text, length, members) in [
            ("1:500", 23_764, 0..500),
            ("-1:-100", 23_764, 23_664..23_764),
            ("23500:24000", 23_764, 23_499..23_764),
            ("500:400", 450, 399..450),
            ("-500:-400", 450, 0..51),
            ("2:2", 2, 1..2),
            ("4294967295:1", 0, 0..0),
        ] {
            assert_eq!(range(text).unwrap().of(length), members, "{text} of {length}");
        }
        assert!(range("24000:24500").unwrap().of(23_764).is_empty());
        assert!(range("-3:-4").unwrap().of(2).is_empty());
    }

    #[test]
    fn a_partial_range_is_written_as_it_was_read() {
        for text in ["1:500", "500:1", "-1:-100", "-7:-7", "1:4294967295"] {
            assert_eq!(range(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_partial_range_is_refused() {
        for text in ["", "1", "1:", "0:1", "1:-1", "-1:1", "-0:-1", "1:*", "--1:-1", "1:4294967296", "$"] {
            assert_eq!(range(text), None, "{text}");
        }
    }
}
