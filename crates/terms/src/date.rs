//! INTERNALDATE.

/// When a message came in, as an instant and the zone in which it was told (RFC 9051, 2.3.3).
///
/// The zone is kept because SEARCH SINCE and BEFORE compare the *date as written*, disregarding time and zone
/// (RFC 9051, 6.4.4), and because a client gets back what it gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InternalDate {
    seconds: i64,
    zone_minutes: i16,
}

impl InternalDate {
    /// 0001-01-01 00:00:00 UTC, in Unix seconds: the first year that a four-digit date can name.
    const FIRST: i64 = -62_135_596_800;
    /// 9999-12-31 23:59:59 UTC.
    const LAST: i64 = 253_402_300_799;
    /// The widest zone that IMAP's `+hhmm` can write sensibly: a day each way.
    const WIDEST_ZONE: i16 = 23 * 60 + 59;

    /// 1970-01-01 00:00:00 UTC: the date of a machine that does not know the time.
    pub const EPOCH: Self = Self { seconds: 0, zone_minutes: 0 };

    /// `seconds` since 1970-01-01 UTC; `zone_minutes` east of UTC. `None` outside the years 1 to 9999 (local
    /// time included) or for a zone of a day or more.
    #[must_use]
    pub fn new(seconds: i64, zone_minutes: i16) -> Option<Self> {
        let local = seconds.checked_add(i64::from(zone_minutes) * 60)?;
        let fits = |s: i64| (Self::FIRST..=Self::LAST).contains(&s);
        (fits(seconds) && fits(local) && zone_minutes.abs() <= Self::WIDEST_ZONE)
            .then_some(Self { seconds, zone_minutes })
    }

    /// Unix seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Minutes east of UTC.
    #[must_use]
    pub const fn zone_minutes(self) -> i16 {
        self.zone_minutes
    }

    /// Seconds since 1970-01-01 00:00 of the clock on the wall where it was written.
    #[must_use]
    pub fn local_seconds(self) -> i64 {
        self.seconds.saturating_add(i64::from(self.zone_minutes) * 60)
    }

    /// Days since 1970-01-01 of the date as written: what SEARCH ON, SINCE and BEFORE compare.
    #[must_use]
    pub fn local_day(self) -> i64 {
        self.local_seconds().div_euclid(86_400)
    }
}
