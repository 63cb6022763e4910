//! Dates as IMAP writes them: `1-Jul-2026` and `" 1-Jul-2026 10:00:00 +0200"`.

use super::error::Fault;
use super::input::Input;
use terms::InternalDate;

/// A calendar day, in days since 1970-01-01: what SEARCH compares with [`InternalDate::local_day`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

pub(crate) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Day {
    /// `date-text / DQUOTE date-text DQUOTE`
    pub(crate) fn read(input: &mut Input<'_>) -> Result<Self, Fault> {
        const WHAT: &str = "Expected a date such as 1-Jul-2026";
        let at = input.at();
        let quoted = input.take(b'"');
        let day = two_digits_at_most(input).ok_or_else(|| input.fault_at(at, WHAT))?;
        let read = month_and_year(input, day).ok_or_else(|| input.fault_at(at, WHAT))?;
        if quoted {
            input.expect(b'"', WHAT)?;
        }
        Ok(read)
    }

    /// `None` for a day that the calendar does not have.
    fn of_calendar(year: i64, month: i64, day: i64) -> Option<Self> {
        let candidate = Self(days_from_civil(year, month, day));
        (candidate.calendar() == (year, month, day)).then_some(candidate)
    }

    /// Year, month and day of the proleptic Gregorian calendar.
    pub(crate) fn calendar(self) -> (i64, i64, i64) {
        let shifted = self.0.saturating_add(719_468);
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        (year_of_era + era * 400 + i64::from(month <= 2), month, day)
    }
}

/// Days since 1970-01-01, by counting years from March so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// `"-" date-month "-" date-year`, behind a day.
fn month_and_year(input: &mut Input<'_>, day: i64) -> Option<Day> {
    let dash = input.take(b'-');
    let name = input.word(|octet| octet.is_ascii_alphabetic());
    let month = MONTHS.iter().zip(1..).find(|(month, _)| month.eq_ignore_ascii_case(name))?.1;
    let year = (dash && input.take(b'-')).then(|| fixed_digits(input, 4))??;
    Day::of_calendar(year, month, day)
}

fn two_digits_at_most(input: &mut Input<'_>) -> Option<i64> {
    let digits = input.word(|octet| octet.is_ascii_digit());
    (digits.len() <= 2).then(|| digits.parse().ok()).flatten()
}

fn fixed_digits(input: &mut Input<'_>, count: usize) -> Option<i64> {
    let mut left = count;
    let mut value = 0;
    while let Some(digit) = input.peek().filter(|octet| left > 0 && octet.is_ascii_digit()) {
        value = value * 10 + i64::from(digit - b'0');
        left -= 1;
        input.take(digit);
    }
    (left == 0).then_some(value)
}

/// `DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`
pub(crate) fn read_date_time(input: &mut Input<'_>) -> Result<InternalDate, Fault> {
    let at = input.at();
    date_time(input)
        .ok_or_else(|| input.fault_at(at, "Expected a date and time such as \"01-Jul-2026 09:30:00 +0200\""))
}

fn date_time(input: &mut Input<'_>) -> Option<InternalDate> {
    let opened = input.take(b'"');
    input.take(b' '); // date-day-fixed pads with a space; a single digit without it is harmless.
    let day = two_digits_at_most(input)?;
    let day = month_and_year(input, day)?;
    let seconds = (opened && input.take(b' ')).then(|| time_of_day(input))??;
    let zone_minutes = input.take(b' ').then(|| zone(input))??;
    let local = day.0 * 86_400 + seconds;
    input.take(b'"').then(|| InternalDate::new(local - i64::from(zone_minutes) * 60, zone_minutes)).flatten()
}

fn time_of_day(input: &mut Input<'_>) -> Option<i64> {
    let hours = fixed_digits(input, 2)?;
    let minutes = input.take(b':').then(|| fixed_digits(input, 2))??;
    let seconds = input.take(b':').then(|| fixed_digits(input, 2))??;
    // 23:59:60 is a leap second; RFC 5322 allows it and Unix time has no place for it.
    (hours < 24 && minutes < 60 && seconds <= 60).then(|| hours * 3_600 + minutes * 60 + seconds.min(59))
}

fn zone(input: &mut Input<'_>) -> Option<i16> {
    let sign = match input.peek()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    input.take(b'+');
    input.take(b'-');
    let (hours, minutes) = (fixed_digits(input, 2)?, fixed_digits(input, 2)?);
    (minutes < 60).then(|| i16::try_from(sign * (hours * 60 + minutes)).ok()).flatten()
}

/// Writes a date-time, quotes included. The years of a date are 1 to 9999, so four digits are enough.
pub(crate) fn write_date_time(out: &mut Vec<u8>, date: InternalDate) {
    let (year, month, day) = Day(date.local_day()).calendar();
    let month = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"Jan");
    let seconds = date.local_seconds().rem_euclid(86_400);
    let zone = i64::from(date.zone_minutes().unsigned_abs());
    out.push(b'"');
    two_digits(out, b"", day);
    out.push(b'-');
    out.extend_from_slice(month.as_bytes());
    two_digits(out, b"-", year / 100);
    two_digits(out, b"", year);
    two_digits(out, b" ", seconds / 3_600);
    two_digits(out, b":", seconds / 60 % 60);
    two_digits(out, b":", seconds % 60);
    two_digits(out, if date.zone_minutes() < 0 { b" -" } else { b" +" }, zone / 60);
    two_digits(out, b"", zone % 60);
    out.push(b'"');
}

/// The last two digits of a number, behind something.
fn two_digits(out: &mut Vec<u8>, behind: &[u8], number: i64) {
    let digit = |number: i64| b'0' + u8::try_from(number.rem_euclid(10)).unwrap_or_default();
    out.extend_from_slice(behind);
    out.extend_from_slice(&[digit(number / 10), digit(number)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<i64> {
        let mut input = Input::new(text.as_bytes());
        Day::read(&mut input).ok().filter(|_| input.is_done()).map(|day| day.0)
    }

    fn instant(text: &str) -> Option<InternalDate> {
        let mut input = Input::new(text.as_bytes());
        read_date_time(&mut input).ok().filter(|_| input.is_done())
    }

    #[test]
    fn a_date_time_is_written_as_its_parts_would_be_one_by_one() {
        for n in (-700_000..2_900_000_i64).step_by(7) {
            let (seconds, zone) = (n * 86_399, (n % 1_439) as i16);
            let Some(date) = InternalDate::new(seconds, zone) else { continue };
            let (year, month, day) = Day(date.local_day()).calendar();
            let local = date.local_seconds().rem_euclid(86_400);
            let (hours, minutes) = (local / 3_600, local / 60 % 60);
            let zone =
                format!("{}{:02}{:02}", if zone < 0 { '-' } else { '+' }, zone.abs() / 60, zone.abs() % 60);
            let month = MONTHS[month as usize - 1];
            let want =
                format!("\"{day:02}-{month}-{year:04} {hours:02}:{minutes:02}:{:02} {zone}\"", local % 60);
            let mut out = Vec::new();
            write_date_time(&mut out, date);
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }

    #[test]
    fn days_are_counted_from_1970() {
        for (text, want) in [
            ("1-Jan-1970", Some(0)),
            ("01-jan-1970", Some(0)),
            ("\"29-Feb-2000\"", Some(11_016)),
            ("31-Dec-1969", Some(-1)),
            ("1-Jan-0001", Some(-719_162)),
            ("29-Feb-1900", None),
            ("31-Apr-2026", None),
            ("0-Jan-2026", None),
            ("001-Jan-2026", None),
            ("1-Jan-26", None),
            ("1 Jan 2026", None),
            ("\"1-Jan-2026", None),
            ("1-Foo-2026", None),
        ] {
            assert_eq!(day(text), want, "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_has_one_date() {
        for days in -200_000..200_000 {
            let (year, month, day) = Day(days).calendar();
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn date_times_are_written_as_they_were_read() {
        for text in [
            "\"17-Jul-1996 02:44:25 -0700\"",
            "\"01-Jan-1970 00:00:00 +0000\"",
            "\"31-Dec-9999 23:59:59 +0000\"",
            "\"29-Feb-2024 23:59:59 +1400\"",
            "\"01-Mar-0002 00:00:00 -2359\"",
        ] {
            let mut out = Vec::new();
            write_date_time(&mut out, instant(text).unwrap());
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
        assert_eq!(instant("\"17-Jul-1996 02:44:25 -0700\"").unwrap().seconds(), 837_596_665);
        assert!(instant("\" 1-Jul-2026 10:00:00 +0200\"").is_some());
    }

    #[test]
    fn what_is_no_date_time_is_refused() {
        for text in [
            "\"17-Jul-1996 24:00:00 +0000\"",
            "\"17-Jul-1996 02:60:00 +0000\"",
            "\"17-Jul-1996 02:44:25\"",
            "\"17-Jul-1996 02:44:25 0700\"",
            "\"17-Jul-1996 02:44:25 +9999\"",
            "\"17-Jul-1996 02:44:25 +0060\"",
            "17-Jul-1996 02:44:25 +0000",
            "\"17-Jul-1996 02:44:25 +0000",
            "\"01-Jan-0000 00:00:00 +0000\"",
            "\"\"",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
