//! Dates as mail writes them.

use terms::InternalDate;

/// 2026-11-16 08:00 UTC, a Monday: "today" in the demo mailbox.
pub(crate) const TODAY: i64 = 1_794_816_000;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;

/// A moment and the zone of who wrote then. Falls back to [`TODAY`] where a date cannot be told.
pub(crate) fn at(seconds: i64, zone_minutes: i16) -> InternalDate {
    let today = || InternalDate::new(TODAY, 0);
    InternalDate::new(seconds, zone_minutes)
        .or_else(today)
        .expect("the year 2026 lies between the years 1 and 9999")
}

/// Year, month and day of a count of days since 1970-01-01.
///
/// The year begins in March here, so that the leap day is its last (Howard Hinnant, "chrono-compatible low-level
/// date algorithms").
fn civil(days: i64) -> (i64, usize, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, usize::try_from(month).unwrap_or(1), day)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

fn month_name(month: usize) -> &'static str {
    MONTHS.get(month - 1).copied().unwrap_or_default()
}

/// `Mon, 16 Nov 2026 08:00:00 +0000` (RFC 5322, 3.3).
pub(crate) fn mail_date(date: InternalDate) -> String {
    let (year, month, day) = civil(date.local_day());
    let weekday = usize::try_from(date.local_day().rem_euclid(7)).ok().and_then(|day| WEEKDAYS.get(day));
    let zone = date.zone_minutes();
    let sign = if zone < 0 { '-' } else { '+' };
    let (hours, minutes) = (zone.abs() / 60, zone.abs() % 60);
    format!(
        "{}, {day:02} {} {year} {} {sign}{hours:02}{minutes:02}",
        weekday.unwrap_or(&""),
        month_name(month),
        clock(date.local_seconds(), ":"),
    )
}

/// `16 November` would need a language; `16 Nov 2026` is read everywhere.
pub(crate) fn plain_date(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    format!("{day} {} {year}", month_name(month))
}

/// `20261116T080000Z` (RFC 5545, 3.3.5).
pub(crate) fn calendar_date(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    format!("{year}{month:02}{day:02}T{}Z", clock(seconds, ""))
}

fn clock(seconds: i64, between: &str) -> String {
    let second = seconds.rem_euclid(DAY);
    format!("{:02}{between}{:02}{between}{:02}", second / HOUR, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days since 1970-01-01 of a date; the inverse of [`civil`].
    fn days(year: i64, month: i64, day: i64) -> i64 {
        let year = if month <= 2 { year - 1 } else { year };
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let year_of_era = year.rem_euclid(400);
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        year.div_euclid(400) * 146_097 + day_of_era - 719_468
    }

    #[test]
    fn dates_are_written_in_the_writers_zone() {
        assert_eq!(mail_date(at(TODAY, 0)), "Mon, 16 Nov 2026 08:00:00 +0000");
        assert_eq!(mail_date(at(TODAY, -570)), "Sun, 15 Nov 2026 22:30:00 -0930");
        assert_eq!(calendar_date(TODAY), "20261116T080000Z");
        assert_eq!(plain_date(0), "1 Jan 1970");
    }

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for day in (-800_000..800_000).step_by(97) {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, i64::try_from(month).unwrap(), of_month), day);
        }
        assert_eq!(days(2024, 2, 29) + 1, days(2024, 3, 1));
    }
}
