//! How large messages are.
//!
//! Two tables of quantiles. Between two of them lies a straight line: a multiplication and an addition, which come
//! out alike on every machine.
//!
//! *People* is fitted to the sizes of a personal mailbox of 2,327 messages (collected by the authors of Aerogramme; the
//! list itself is not here). What is kept of it are its quantiles, rounded to two digits: half of the messages are below
//! 15 KB, a twentieth above 310 KB, and one in two hundred above 4 MB. Each decile is within 2 % of the list's.
//! Half of all octets lie in the largest 2 % of messages, which is why [`Recipe::largest`](super::Recipe::largest) cuts
//! them: with them a run measures how fast octets pass, and not much else.
//!
//! *Small* is mail without pictures: lists, notices and short letters, 6.5 KB in the mean. Figures of mail servers are
//! often given for such mail.

use serde::Serialize;

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sizes {
    /// A personal mailbox, with its attachments.
    People,
    /// Mail without pictures: 6.5 KB in the mean.
    Small,
}

/// A share of all messages, and the size that they do not exceed.
type Quantile = (f64, f64);

const PEOPLE: &[Quantile] = &[
    (0.0, 720.0),
    (0.01, 1_300.0),
    (0.05, 1_900.0),
    (0.1, 3_000.0),
    (0.2, 4_700.0),
    (0.3, 5_800.0),
    (0.4, 8_700.0),
    (0.5, 15_000.0),
    (0.6, 23_000.0),
    (0.7, 35_000.0),
    (0.8, 63_000.0),
    (0.85, 92_000.0),
    (0.9, 150_000.0),
    (0.95, 310_000.0),
    (0.97, 580_000.0),
    (0.98, 870_000.0),
    (0.99, 1_500_000.0),
    (0.995, 4_300_000.0),
    (0.999, 16_000_000.0),
    (1.0, 21_000_000.0),
];

const SMALL: &[Quantile] = &[
    (0.0, 720.0),
    (0.1, 1_500.0),
    (0.25, 2_300.0),
    (0.5, 4_000.0),
    (0.75, 6_600.0),
    (0.85, 9_000.0),
    (0.95, 20_000.0),
    (1.0, 31_000.0),
];

/// The smallest message that there is, in octets.
pub const SMALLEST: u32 = 720;

impl Sizes {
    /// The size below which `share` (0 to 1) of all messages are, in octets.
    pub(crate) fn at(self, share: f64) -> u32 {
        let table = match self {
            Self::People => PEOPLE,
            Self::Small => SMALL,
        };
        let mut below = (0.0, f64::from(SMALLEST));
        for &(upto, size) in table {
            if share < upto {
                return between(below, (upto, size), share);
            }
            below = (upto, size);
        }
        whole(below.1)
    }
}

fn between((from, small): Quantile, (to, large): Quantile, share: f64) -> u32 {
    let way = (share - from) / (to - from);
    whole(small + (large - small) * way)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no table goes above 21 million")]
const fn whole(size: f64) -> u32 {
    size as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(sizes: Sizes, largest: u32) -> u32 {
        let all = (0..100_000_u32).map(|at| u64::from(sizes.at(f64::from(at) / 100_000.0).min(largest)));
        u32::try_from(all.sum::<u64>() / 100_000).unwrap()
    }

    #[test]
    fn sizes_grow_with_the_share_and_meet_their_table() {
        for sizes in [Sizes::People, Sizes::Small] {
            let all: Vec<_> = (0..=1_000).map(|at| sizes.at(f64::from(at) / 1_000.0)).collect();
            assert!(all.is_sorted());
            assert_eq!(all[0], SMALLEST);
        }
        assert_eq!(Sizes::People.at(0.5), 15_000);
        assert_eq!(Sizes::People.at(1.0), 21_000_000);
    }

    #[test]
    fn the_means_are_those_that_the_manual_tells() {
        assert!((6_000..7_000).contains(&mean(Sizes::Small, u32::MAX)), "{}", mean(Sizes::Small, u32::MAX));
        assert!((64_000..74_000).contains(&mean(Sizes::People, 1 << 20)), "{}", mean(Sizes::People, 1 << 20));
        assert!((115_000..140_000).contains(&mean(Sizes::People, u32::MAX)));
    }
}
