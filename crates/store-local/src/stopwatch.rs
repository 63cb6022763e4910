//! How long something takes, each time that it is done.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Times are counted by the first of these that they do not exceed. A sync takes well below a millisecond on a good disk,
/// some ten on one that turns, and seconds on one that is about to fail.
pub const BOUNDS: [Duration; 14] = [
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(10),
];

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// How often it took no longer than each of the [`BOUNDS`], and longer than the one before.
    pub counts: [u64; BOUNDS.len()],
    /// How often it took longer than all of them.
    pub longer: u64,
    /// How long it took together.
    pub sum: Duration,
}

/// Takes times.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    counts: [AtomicU64; BOUNDS.len()],
    longer: AtomicU64,
    sum_ns: AtomicU64,
}

impl Stopwatch {
    /// It took so long.
    pub(crate) fn took(&self, time: Duration) {
        let bounded = BOUNDS.iter().zip(&self.counts).find(|(bound, _)| time <= **bound);
        bounded.map_or(&self.longer, |(_, count)| count).fetch_add(1, Ordering::Relaxed);
        // 584 years of nanoseconds fit.
        self.sum_ns.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Times {
        Times {
            counts: self.counts.each_ref().map(|count| count.load(Ordering::Relaxed)),
            longer: self.longer.load(Ordering::Relaxed),
            sum: Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_counted_once_by_the_first_bound_that_it_does_not_exceed() {
        let watch = Stopwatch::default();
        let millis = [1, 1, 2, 3, 10_000, 10_001];
        millis.map(Duration::from_millis).iter().for_each(|time| watch.took(*time));
        let times = watch.read();
        assert_eq!(times.counts, [0, 0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((times.longer, times.sum), (1, Duration::from_millis(20_008)));
        assert!(BOUNDS.is_sorted());
    }
}
