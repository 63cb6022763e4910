//! How long things took: counted in buckets that grow with what they hold, so that however many latencies there are they take 40 KB,
//! and a percentile is at most 1 % too high.

use std::time::Duration;

/// Below so many nanoseconds each has a bucket; above, a power of two is parted in half as many.
const PARTS: u64 = 256;
/// How many there are: what took longer than an hour or ten is in the last.
const BUCKETS: usize = 5_120;

/// A histogram.
#[derive(Clone)]
pub(crate) struct Latencies {
    buckets: Vec<u64>,
    count: u64,
    longest: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, longest: 0 }
    }
}

impl Latencies {
    /// Counts one.
    pub(crate) fn add(&mut self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let place = usize::try_from(bucket(nanoseconds)).unwrap_or(usize::MAX).min(BUCKETS - 1);
        if let Some(count) = self.buckets.get_mut(place) {
            *count += 1;
        }
        self.count += 1;
        self.longest = self.longest.max(nanoseconds);
    }

    /// Counts all that another counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(own, more)| *own += more);
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }

    /// How many were counted.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The longest, exactly; `None` where nothing was counted.
    pub(crate) const fn longest(&self) -> Option<Duration> {
        if self.count == 0 { None } else { Some(Duration::from_nanos(self.longest)) }
    }

    /// What `percent` of a hundred did not exceed: never less than that, and at most 1 % more. `None` where nothing was
    /// counted.
    pub(crate) fn percentile(&self, percent: u64) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        let wanted = self.count.saturating_mul(percent.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        for (number, count) in (0..).zip(&self.buckets) {
            seen += count;
            if seen >= wanted {
                let is_last = number + 1 == BUCKETS as u64;
                let end = if is_last { self.longest } else { end_of(number) };
                return Some(Duration::from_nanos(end.min(self.longest)));
            }
        }
        self.longest()
    }
}

/// Which bucket a number is in.
const fn bucket(nanoseconds: u64) -> u64 {
    if nanoseconds < PARTS {
        return nanoseconds;
    }
    let power = (nanoseconds.ilog2() - PARTS.ilog2() + 1) as u64;
    (power << (PARTS.ilog2() - 1)) + (nanoseconds >> power)
}

/// The largest number in a bucket.
const fn end_of(bucket: u64) -> u64 {
    if bucket < PARTS {
        return bucket;
    }
    let half = PARTS / 2;
    let power = bucket / half - 1;
    let first = bucket - power * half;
    ((first + 1) << power) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_in_its_bucket_and_buckets_are_narrow(number in 0_u64..10_000_000_000_000) {
            let own = bucket(number);
            prop_assert!(number <= end_of(own));
            prop_assert!(own == 0 || end_of(own - 1) < number);
            prop_assert!(end_of(own) - number <= number / 128);
        }

        #[test]
        fn percentiles_are_those_of_the_sorted_list(
            mut all in prop::collection::vec(0_u64..100_000_000_000, 1..300),
            percent in 1_u64..=100,
        ) {
            let mut latencies = Latencies::default();
            all.iter().for_each(|number| latencies.add(Duration::from_nanos(*number)));
            all.sort_unstable();
            let exact = all[(all.len() * usize::try_from(percent).unwrap()).div_ceil(100) - 1];
            let told = u64::try_from(latencies.percentile(percent).unwrap().as_nanos()).unwrap();
            prop_assert!(exact <= told && told <= exact + exact / 128, "{exact} {told}");
            prop_assert_eq!(latencies.longest(), all.last().map(|longest| Duration::from_nanos(*longest)));
        }

        #[test]
        fn two_merged_are_as_one(one in prop::collection::vec(any::<u32>(), 0..100), two in prop::collection::vec(any::<u32>(), 0..100)) {
            let of = |all: &[u32]| {
                let mut latencies = Latencies::default();
                all.iter().for_each(|number| latencies.add(Duration::from_nanos(u64::from(*number))));
                latencies
            };
            let mut merged = of(&one);
            merged.merge(&of(&two));
            let whole = of(&[one, two].concat());
            prop_assert_eq!(merged.buckets, whole.buckets);
            prop_assert_eq!((merged.count, merged.longest), (whole.count, whole.longest));
        }
    }

    #[test]
    fn nothing_has_no_percentile_and_an_age_is_counted() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50), None);
        latencies.add(Duration::MAX);
        assert_eq!(latencies.count(), 1);
        assert_eq!(latencies.percentile(50), latencies.longest());
    }
}
