//! Dates as IMAP writes them (RFC 9051, `date-time`), and the seconds that they mean.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const DAY: u64 = 86_400;

/// Seconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(pub(crate) u64);

impl Date {
    /// As in APPEND and in a FETCH of INTERNALDATE, without the quotes.
    pub(crate) fn internal(self) -> String {
        let (day, month, year) = civil(self.0 / DAY);
        format!("{day:2}-{}-{year} {} +0000", name(month), self.clock())
    }

    /// As in the Date field of a message (RFC 5322, 3.3).
    pub(crate) fn field(self) -> String {
        let (day, month, year) = civil(self.0 / DAY);
        let weekday = usize::try_from(self.0 / DAY % 7).ok().and_then(|at| DAYS.get(at)).unwrap_or(&"Thu");
        format!("{weekday}, {day} {} {year} {} +0000", name(month), self.clock())
    }

    fn clock(self) -> String {
        let seconds = self.0 % DAY;
        format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }

    /// Reads an INTERNALDATE, whatever zone the server writes it in.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim_start();
        let (date, rest) = text.split_once(' ')?;
        let (clock, zone) = rest.split_once(' ')?;
        let mut parts = date.split('-');
        let (day, month, year) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?.parse().ok()?);
        let month = MONTHS.iter().position(|known| known.eq_ignore_ascii_case(month))? as u64 + 1;
        let mut parts = clock.split(':').map(str::parse::<u64>);
        let clock = parts.next()?.ok()? * 3_600 + parts.next()?.ok()? * 60 + parts.next()?.ok()?;
        let (sign, zone) = zone.split_at_checked(1)?;
        let zone: u64 = zone.parse().ok()?;
        let zone = (zone / 100 * 60 + zone % 100) * 60;
        let local = days_since_1970(day, month, year)? * DAY + clock;
        let utc = if sign == "-" { local.checked_add(zone) } else { local.checked_sub(zone) };
        utc.map(Self)
    }
}

fn name(month: u64) -> &'static str {
    usize::try_from(month).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?)).unwrap_or(&"Jan")
}

/// Day, month and year of a day since 1970, by the calendar that begins its years in March: so the leap day is the last.
const fn civil(day: u64) -> (u64, u64, u64) {
    let since_0000_march = day + 719_468;
    let era = since_0000_march / 146_097;
    let of_era = since_0000_march % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (of_year - (153 * from_march + 2) / 5 + 1, month, year)
}

fn days_since_1970(day: u64, month: u64, year: u64) -> Option<u64> {
    if !(1..=31).contains(&day) || !(1970..10_000).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let of_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + of_year;
    (year / 400 * 146_097 + of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_date_reads_as_it_was_written(seconds in 0_u64..7_000_000_000) {
            prop_assert_eq!(Date::read(Date(seconds).internal().as_bytes()), Some(Date(seconds)));
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(Date(1_709_210_096).internal(), "29-Feb-2024 12:34:56 +0000");
        assert_eq!(Date(1_709_210_096).field(), "Thu, 29 Feb 2024 12:34:56 +0000");
        assert_eq!(Date(86_400 * 4).internal(), " 5-Jan-1970 00:00:00 +0000");
    }

    #[test]
    fn zones_count() {
        let there = Date::read(b"29-Feb-2024 14:04:56 +0130").unwrap();
        assert_eq!(there, Date(1_709_210_096));
        assert_eq!(Date::read(b"29-Feb-2024 04:34:56 -0800"), Some(Date(1_709_210_096)));
        assert_eq!(Date::read(b"29-Fab-2024 04:34:56 -0800"), None);
        assert_eq!(Date::read(b""), None);
    }
}
