//! The Date field (RFC 5322, 3.3 and 4.3), as widely as it is written.

use crate::lexer::Lexer;
use terms::InternalDate;

/// When a message says that it was written; `None` when that cannot be told.
///
/// [`InternalDate::local_day`] is what SENTSINCE and its kin compare: "disregarding time and timezone" (RFC 9051,
/// 6.4.4). A zone that is missing or unknown counts as UTC (RFC 5322, 4.3).
#[must_use]
pub fn parse_date(value: &[u8]) -> Option<InternalDate> {
    let mut lexer = Lexer::new(value);
    let mut word = next(&mut lexer)?;
    if !word.first()?.is_ascii_digit() && month(word).is_none() {
        word = next(&mut lexer)?;
    }
    let (day, month_name, year) = match month(word) {
        // asctime: "Mon Mar  2 10:00:00 2026".
        Some(_) => return asctime(word, &mut lexer),
        None => (word, next(&mut lexer)?, next(&mut lexer)?),
    };
    let days = days(full_year(year)?, month(month_name)?, number(day)?)?;
    let seconds = next(&mut lexer).map_or(Some(0), |time| time_of_day(time, &mut lexer))?;
    let zone = next(&mut lexer).map_or(0, zone_minutes);
    at(days, seconds, zone)
}

fn asctime(month_name: &[u8], lexer: &mut Lexer<'_>) -> Option<InternalDate> {
    let day = number(next(lexer)?)?;
    let seconds = time_of_day(next(lexer)?, lexer)?;
    let mut year = next(lexer)?;
    let mut zone = 0;
    if !year.first()?.is_ascii_digit() {
        zone = zone_minutes(year);
        year = next(lexer)?;
    }
    at(days(full_year(year)?, month(month_name)?, day)?, seconds, zone)
}

fn at(days: i64, seconds: i64, zone: i16) -> Option<InternalDate> {
    InternalDate::new(days * 86_400 + seconds - i64::from(zone) * 60, zone)
}

/// The next word; blanks, comments, commas and the dashes of `02-Mar-2026` part them.
fn next<'a>(lexer: &mut Lexer<'a>) -> Option<&'a [u8]> {
    loop {
        lexer.skip_blanks();
        if !lexer.eat(b',') && !lexer.eat(b'.') {
            break;
        }
    }
    let all = lexer.rest();
    let sign = usize::from(matches!(lexer.peek(), Some(b'-' | b'+')));
    lexer.skip(sign);
    let word = lexer.take_while(|octet| octet.is_ascii_alphanumeric() || octet == b':');
    if word.is_empty() {
        return None;
    }
    if sign == 1 && all.first() == Some(&b'-') && (word.len() < 4 || word.first()?.is_ascii_alphabetic()) {
        return Some(word);
    }
    all.get(..sign + word.len())
}

fn number(word: &[u8]) -> Option<i64> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    let fits = digits.len() <= 4 && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// RFC 5322, 4.3: two digits are 1950 to 2049, three count from 1900.
fn full_year(word: &[u8]) -> Option<i64> {
    let year = number(word)?;
    Some(match year {
        0..=49 => year + 2000,
        50..=999 => year + 1900,
        _ => year,
    })
}

fn month(word: &[u8]) -> Option<i64> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = word.get(..3)?.to_ascii_lowercase();
    let place = NAMES.iter().position(|name| name.as_bytes() == start)?;
    i64::try_from(place + 1).ok()
}

/// `10:00`, `10:00:00`, and `10:00:00` with a blank somewhere (`PM` is not known).
fn time_of_day(word: &[u8], _: &mut Lexer<'_>) -> Option<i64> {
    let mut fields = word.split(|octet| *octet == b':').map(number);
    let hour = fields.next()??;
    let minute = fields.next()??;
    let second = fields.next().unwrap_or(Some(0))?;
    let valid = hour < 24 && minute < 60 && second <= 60;
    valid.then_some(hour * 3600 + minute * 60 + second)
}

/// RFC 5322, 4.3: names that are not known mean nothing, hence UTC.
fn zone_minutes(word: &[u8]) -> i16 {
    let offset = |hours: i16| hours * 60;
    match word.to_ascii_uppercase().as_slice() {
        [sign @ (b'+' | b'-'), digits @ ..] => numeric_zone(*sign, digits).unwrap_or(0),
        b"EDT" => offset(-4),
        b"EST" | b"CDT" => offset(-5),
        b"CST" | b"MDT" => offset(-6),
        b"MST" | b"PDT" => offset(-7),
        b"PST" => offset(-8),
        _ => 0,
    }
}

fn numeric_zone(sign: u8, digits: &[u8]) -> Option<i16> {
    let (hours, minutes) = digits.split_at_checked(2).filter(|_| digits.len() == 4)?;
    let (hours, minutes) = (i16::try_from(number(hours)?).ok()?, i16::try_from(number(minutes)?).ok()?);
    let east = hours * 60 + minutes;
    Some(if sign == b'-' { -east } else { east }).filter(|zone| zone.abs() < 24 * 60)
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
        check("2 March 2026", Some((1_772_409_600, 0)));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for value in
            ["", "yesterday", "32 Jan 2020 00:00:00 +0000", "30 Feb 2020 00:00 GMT", "1 Jan 2020 25:00:00"]
        {
            check(value, None);
        }
    }
}
