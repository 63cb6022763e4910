//! Moments as an admin types them.

use jiff::civil::DateTime;
use jiff::{Span, Timestamp, Zoned};

/// Reads a time of day (in the system's time zone unless it names its own), a day (its first moment), or how long ago.
///
/// # Errors
/// What can be written instead.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    parse_at(text, &Zoned::now())
}

fn parse_at(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let with_zone = || text.parse::<Timestamp>().ok();
    let here = || {
        let civil = text.parse::<DateTime>().ok()?;
        civil.to_zoned(now.time_zone().clone()).ok().map(|then| then.timestamp())
    };
    let ago = || {
        let span = text.parse::<Span>().ok()?;
        now.checked_sub(span.abs()).ok().map(|then| then.timestamp())
    };
    with_zone().or_else(here).or_else(ago).ok_or_else(|| {
        "a time such as 2026-11-28T14:30, 2026-11-28T14:30:00Z or 2h (two hours ago)".to_owned()
    })
}

/// The same of a moment that is to come: a span, such as `90d`, is from now on.
///
/// # Errors
/// What can be written instead, or that it is over already.
pub(crate) fn until(text: &str) -> Result<Timestamp, String> {
    until_at(text, &Zoned::now())
}

fn until_at(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let later = text.parse::<Span>().ok().and_then(|span| now.checked_add(span.abs()).ok());
    let until = match later {
        Some(later) => later.timestamp(),
        None => parse_at(text, now)
            .map_err(|_| "a time such as 2026-11-28, 2026-11-28T14:30 or 90d (in ninety days)".to_owned())?,
    };
    if until > now.timestamp() { Ok(until) } else { Err("that is over already".to_owned()) }
}

/// A moment for a person to read: RFC 3339, to the second.
pub(crate) fn told(time_ms: i64) -> String {
    Timestamp::from_millisecond(time_ms)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn a_moment_to_come_may_be_told_by_how_far_it_is() {
        let now: Timestamp = "2026-11-28T14:00:00Z".parse().unwrap();
        let now = now.to_zoned(TimeZone::UTC);
        let parsed = |text| until_at(text, &now).map(|then| then.to_string());
        for text in ["2026-12-28T14:00:00Z", "2026-12-28T14:00", "1mo", "30d"] {
            assert_eq!(parsed(text), Ok("2026-12-28T14:00:00Z".to_owned()), "{text}");
        }
        for text in ["", "soon", "2026-11-28T14:00:00Z", "2025-01-01"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_has_many_forms() {
        let now: Timestamp = "2026-11-28T14:00:00Z".parse().unwrap();
        let now = now.to_zoned(TimeZone::fixed(jiff::tz::offset(1)));
        let parsed = |text| parse_at(text, &now).map(|then| then.to_string());
        let noon = Ok("2026-11-28T12:00:00Z".to_owned());
        for text in ["2026-11-28T12:00:00Z", "2026-11-28T13:00", "2026-11-28 13:00:00", "2h", "2 hours ago"] {
            assert_eq!(parsed(text), noon, "{text}");
        }
        assert_eq!(parsed("2026-11-28"), Ok("2026-11-27T23:00:00Z".to_owned()));
        for text in ["", "yesterday-ish", "2026-13-01"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }
}
