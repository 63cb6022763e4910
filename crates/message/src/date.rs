//! The Date field (RFC 5322, 3.3 and 4.3), as widely as it is written.

use crate::lexer::Lexer;
use terms::InternalDate;

/// When a message says that it was written; `None` when that cannot be told.
///
/// [`InternalDate::local_day`] is what SENTSINCE and its kin compare: "disregarding time and timezone" (RFC 9051,
/// 6.4.4). A zone that is missing or unknown counts as UTC (RFC 5322, 4.3).
#[must_use]
pub fn parse_date(value: &[u8]) -> Option<InternalDate> {
    let mut reader = Reader { lexer: Lexer::new(value) };
    let mut word = reader.word();
    if month(word).is_none() && !word.is_empty() {
        // The day of the week.
        word = reader.word();
    }
    match month(word) {
        Some(month) => asctime(&mut reader, month),
        None => standard(&mut reader),
    }
}

/// `2 Mar 2026 10:00:00 +0100`.
fn standard(reader: &mut Reader<'_>) -> Option<InternalDate> {
    let day = reader.number()?;
    let month = month(reader.word())?;
    let days = days(full_year(reader.number()?), month, day)?;
    // RFC 5256, 2.2: "If the time is also invalid, the time SHOULD be treated as 00:00:00", UTC.
    match reader.time_of_day() {
        Some(seconds) => at(days, seconds, reader.zone_minutes()),
        None => at(days, 0, 0),
    }
}

/// `Mar  2 10:00:00 2026`, perhaps with a zone before the year, as C's asctime writes it.
fn asctime(reader: &mut Reader<'_>, month: i64) -> Option<InternalDate> {
    let day = reader.number()?;
    let seconds = reader.time_of_day()?;
    let zone = zone_of_name(reader.word());
    let days = days(full_year(reader.number()?), month, day)?;
    at(days, seconds, zone)
}

fn at(days: i64, seconds: i64, zone: i16) -> Option<InternalDate> {
    InternalDate::new(days * 86_400 + seconds - i64::from(zone) * 60, zone)
}

struct Reader<'a> {
    lexer: Lexer<'a>,
}

impl<'a> Reader<'a> {
    /// The letters that come next, if any.
    fn word(&mut self) -> &'a [u8] {
        self.skip_separators();
        self.lexer.take_while(|octet| octet.is_ascii_alphabetic())
    }

    /// The digits that come next, four at most.
    fn number(&mut self) -> Option<i64> {
        self.skip_separators();
        number(self.lexer.take_while(|octet| octet.is_ascii_digit()))
    }

    /// Blanks, comments, commas, and what parts `02-Mar-2026` and `Mar. 2`.
    fn skip_separators(&mut self) {
        loop {
            self.lexer.skip_blanks();
            if self.lexer.take_while(|octet| matches!(octet, b',' | b'-' | b'.')).is_empty() {
                return;
            }
        }
    }

    /// `10:00` or `10:00:00`, with blanks and comments around the colons (RFC 5322, 4.3).
    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.number()?;
        self.colon().then_some(())?;
        let minute = self.number()?;
        let second = if self.colon() { self.number()? } else { 0 };
        let is_valid = hour < 24 && minute < 60 && second <= 60;
        is_valid.then_some(hour * 3600 + minute * 60 + second)
    }

    fn colon(&mut self) -> bool {
        self.lexer.skip_blanks();
        self.lexer.eat(b':')
    }

    fn zone_minutes(&mut self) -> i16 {
        self.lexer.skip_blanks();
        let sign = self.lexer.peek();
        if self.lexer.eat(b'+') || self.lexer.eat(b'-') {
            let east = zone_of_digits(self.lexer.take_while(|octet| octet.is_ascii_digit())).unwrap_or(0);
            return if sign == Some(b'-') { -east } else { east };
        }
        zone_of_name(self.word())
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    let digits = Some(digits).filter(|digits| digits.len() <= 4)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// RFC 5322, 4.3: two digits are 1950 to 2049, three count from 1900.
const fn full_year(year: i64) -> i64 {
    match year {
        0..=49 => year + 2000,
        50..=999 => year + 1900,
        _ => year,
    }
}

/// By its first three letters.
fn month(word: &[u8]) -> Option<i64> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = word.get(..3)?.to_ascii_lowercase();
    let place = NAMES.iter().position(|name| name.as_bytes() == start)?;
    i64::try_from(place + 1).ok()
}

/// `0330`: hours and minutes.
fn zone_of_digits(digits: &[u8]) -> Option<i16> {
    let hhmm = i16::try_from(number(digits)?).ok()?;
    let minutes = hhmm / 100 * 60 + hhmm % 100;
    (digits.len() == 4 && minutes < 24 * 60).then_some(minutes)
}

/// RFC 5322, 4.3: names that are not known mean nothing, hence UTC.
fn zone_of_name(name: &[u8]) -> i16 {
    60 * match name.to_ascii_uppercase().as_slice() {
        b"EDT" => -4,
        b"EST" | b"CDT" => -5,
        b"CST" | b"MDT" => -6,
        b"MST" | b"PDT" => -7,
        b"PST" => -8,
        _ => 0,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Years begin in March here, so that the leap day is a year's last.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    (1..=days_in_month(year, month)).contains(&day).then_some(())?;
    let march_year = if month <= 2 { year - 1 } else { year };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Option<(i64, i16)>) {
        let parsed = parse_date(value.as_bytes());
        assert_eq!(parsed.map(|date| (date.seconds(), date.zone_minutes())), expected, "{value}");
    }

    #[test]
    fn dates_are_instants_with_a_zone() {
        check("Mon, 02 Mar 2026 10:00:00 +0100", Some((1_772_442_000, 60)));
        check("Thu, 1 Jan 1970 00:00:00 +0000", Some((0, 0)));
        check("Fri, 29 Feb 2008 23:59:60 -0330", Some((1_204_342_200, -210)));
    }

    #[test]
    fn obsolete_forms_are_read() {
        check("02 Mar 26 10:00 EST", Some((1_772_463_600, -300)));
        check("Mon (a comment), 2 (b) Mar 2026 10:00:00 (c) +0100", Some((1_772_442_000, 60)));
        check("1 Jan 70 00:00 Z", Some((0, 0)));
        check("1 Jan 100 00:00:00 GMT", Some((946_684_800, 0)));
        check("Thu,1 Jan 1970\r\n 00:00:00 +0000", Some((0, 0)));
        check("02-Mar-2026 10:00:00 +0100", Some((1_772_442_000, 60)));
        check("Mon Mar  2 09:00:00 2026", Some((1_772_442_000, 0)));
        check("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", Some((880_127_706, -360)));
        check("2 March 2026", Some((1_772_409_600, 0)));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for value in ["", "yesterday", "32 Jan 2020 00:00:00 +0000", "30 Feb 2020 00:00 GMT"] {
            check(value, None);
        }
    }

    #[test]
    fn a_day_without_a_time_is_its_midnight() {
        for value in ["1 Jan 2020", "1 Jan 2020 25:00:00 +0100", "1 Jan 2020 noon", "1 Jan 2020 10"] {
            check(value, Some((1_577_836_800, 0)));
        }
    }
}
