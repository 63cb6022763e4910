//! What records cost, taken together.

use super::{Cost, CredentialRecord, DecoyKey};
use std::collections::BTreeMap;

/// How many records there are of each cost.
///
/// Records keep the cost of the day on which they were made, so after a change of the settings a directory holds a mix
/// of costs, and whoever signs in sees which one a name has: SCRAM tells the iterations, and Argon2id takes its time.
/// Names that nobody has must show the same mix (threat T-38), or the cost of yesterday is the mark of an account and
/// the cost of today nearly the mark of nobody.
///
/// A name that nobody has keeps its place among all records, in the order of their costs, for ever; so while the
/// shares stay, all of them stay as they are, whatever accounts come and go. Where the border between two costs moves,
/// those over whose places it passes change, and then their salts change too, as those of an account do whose password
/// is new.
///
/// What this cannot hide: several of them change at one moment, which accounts seldom do, and one that goes back to a
/// cost goes back to its salt. Whoever watches many names while the mix changes can learn from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostMix {
    counts: BTreeMap<Cost, u64>,
    records: u64,
}

impl CostMix {
    /// There is a record more.
    pub fn add(&mut self, cost: Cost) {
        *self.counts.entry(cost).or_default() += 1;
        self.records += 1;
    }

    /// There is a record less. One that was not there is not missed.
    pub fn remove(&mut self, cost: Cost) {
        let Some(count) = self.counts.get_mut(&cost) else { return };
        *count -= 1;
        self.records -= 1;
        if *count == 0 {
            self.counts.remove(&cost);
        }
    }

    /// The record of a name that has none, at the cost that falls to it; `new` where there are no records, for that
    /// is what the first one will cost.
    #[must_use]
    pub fn decoy(&self, key: &DecoyKey, name: &str, new: &Cost) -> CredentialRecord {
        let cost = self.at(key.draw(name)).unwrap_or(*new);
        CredentialRecord::decoy(key, name, &cost)
    }

    /// The cost of the record at a place from 0, the cheapest, to `u64::MAX`, the dearest.
    fn at(&self, place: u64) -> Option<Cost> {
        let before = (u128::from(place) * u128::from(self.records)) >> 64;
        let mut seen = 0;
        let reaches = |(_, count): &(&Cost, &u64)| {
            seen += u128::from(**count);
            seen > before
        };
        self.counts.iter().find(reaches).map(|(cost, _)| *cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: u32 = 2_000;

    fn cost(iterations: u32) -> Cost {
        Cost::new(8, 1, iterations).unwrap()
    }

    fn mix(counts: &[(u32, usize)]) -> CostMix {
        let mut mix = CostMix::default();
        for (iterations, count) in counts {
            (0..*count).for_each(|_| mix.add(cost(*iterations)));
        }
        mix
    }

    /// What each of many names shows: what it costs, and its salt.
    fn shown(mix: &CostMix) -> Vec<(u32, [u8; 16])> {
        let key = DecoyKey::new([3; 32]);
        let decoy = |n| mix.decoy(&key, &format!("nobody{n}"), &cost(9_000));
        (0..NAMES).map(decoy).map(|decoy| (decoy.scram().iterations(), *decoy.scram().salt())).collect()
    }

    fn share(shown: &[(u32, [u8; 16])], iterations: u32) -> usize {
        shown.iter().filter(|(shown, _)| *shown == iterations).count() * 100 / shown.len()
    }

    #[test]
    fn names_that_nobody_has_show_the_mix_of_those_that_somebody_has() {
        let shown = shown(&mix(&[(4_096, 70), (5_000, 20), (6_000, 10)]));
        for (iterations, percent) in [(4_096, 67..=73), (5_000, 17..=23), (6_000, 7..=13), (9_000, 0..=0)] {
            let share = share(&shown, iterations);
            assert!(percent.contains(&share), "{iterations}: {share} %");
        }
    }

    #[test]
    fn where_there_are_no_records_decoys_cost_what_the_first_will() {
        let mut mix = mix(&[]);
        assert_eq!(share(&shown(&mix), 9_000), 100);
        let before = shown(&mix);
        mix.add(cost(9_000));
        assert_eq!(shown(&mix), before);
    }

    #[test]
    fn who_comes_and_goes_at_the_same_cost_changes_nothing() {
        let before = shown(&mix(&[(5_000, 10)]));
        assert_eq!(shown(&mix(&[(5_000, 11)])), before);
        assert_eq!(shown(&mix(&[(5_000, 1)])), before);
    }

    #[test]
    fn as_many_change_as_the_mix_does_and_their_salts_with_them() {
        let (before, mut mix) = (shown(&mix(&[(4_096, 90), (5_000, 10)])), mix(&[(4_096, 90), (5_000, 10)]));
        mix.remove(cost(4_096));
        mix.add(cost(5_000));
        let after = shown(&mix);
        let changed: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
        // One record of a hundred: 20 of 2,000 names, more or less.
        assert!((5..=40).contains(&changed.len()), "{}", changed.len());
        for (before, after) in changed {
            assert_eq!((before.0, after.0), (4_096, 5_000));
            assert_ne!(before.1, after.1, "a salt that outlives its cost is the salt of nobody");
        }
    }

    #[test]
    fn the_first_and_the_last_place_are_places_and_what_is_not_there_is_not_missed() {
        let mut mix = mix(&[(4_096, 1), (5_000, 1)]);
        assert_eq!((mix.at(0), mix.at(u64::MAX)), (Some(cost(4_096)), Some(cost(5_000))));
        let before = mix.clone();
        mix.remove(cost(6_000));
        assert_eq!(mix, before);
        mix.remove(cost(4_096));
        assert_eq!(mix.at(0), Some(cost(5_000)));
        mix.remove(cost(5_000));
        assert_eq!((mix.at(u64::MAX), mix), (None, CostMix::default()));
    }
}
