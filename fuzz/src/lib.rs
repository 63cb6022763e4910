//! Random bytes against every parser.
//!
//! A target is a test that hands [`fuzz`] some seeds, some words of the language and a function. The function
//! panics when a promise is broken, and says what its input came to; an input that comes to something new is
//! kept and mutated further, so that the search goes deeper than chance would. That needs no instrumented build:
//! it runs on the stable toolchain, under plain `cargo test`.
//!
//! `GATEPOST_FUZZ_CASES=100000000 cargo test --release -p fuzz imap_command` searches for longer. Cases depend on
//! nothing but the target's name and their number, so a failure comes back; its input is printed too.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use testkit::dice::Dice;

/// How many cases a smoke run takes.
const SMOKE_CASES: u64 = 20_000;
/// Longest input.
const MAX_OCTETS: usize = 4_096;
/// How many inputs are kept for mutation.
const MAX_KEPT: usize = 4_096;

/// Hands `target` inputs made of `seeds` and `words`.
///
/// # Panics
/// When the target does; the input is printed first.
pub fn fuzz<Outcome: Hash>(name: &str, seeds: &[&[u8]], words: &[&[u8]], target: impl Fn(&[u8]) -> Outcome) {
    let mut search = Search::new(name, seeds);
    for seed in seeds {
        search.judge(seed.to_vec(), &target);
    }
    for _ in 0..cases() {
        let input = search.next_input(words);
        search.judge(input, &target);
    }
}

fn cases() -> u64 {
    let asked = std::env::var("GATEPOST_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    asked.unwrap_or(SMOKE_CASES)
}

struct Search<'a> {
    name: &'a str,
    dice: Dice,
    kept: Vec<Vec<u8>>,
    outcomes: HashSet<u64>,
    case: u64,
}

impl<'a> Search<'a> {
    fn new(name: &'a str, seeds: &[&[u8]]) -> Self {
        let kept = seeds.iter().map(|seed| seed.to_vec()).collect();
        Self { name, dice: Dice::new(digest(&name)), kept, outcomes: HashSet::new(), case: 0 }
    }

    fn judge<Outcome: Hash>(&mut self, input: Vec<u8>, target: &impl Fn(&[u8]) -> Outcome) {
        self.case += 1;
        match catch_unwind(AssertUnwindSafe(|| target(&input))) {
            Ok(outcome) if self.outcomes.insert(digest(&outcome)) => self.keep(input),
            Ok(_) => {}
            Err(_) => panic!("{}, case {}: b\"{}\"", self.name, self.case, input.escape_ascii()),
        }
    }

    fn keep(&mut self, input: Vec<u8>) {
        if self.kept.len() < MAX_KEPT {
            self.kept.push(input);
        } else {
            let at = self.dice.below(MAX_KEPT);
            self.kept.splice(at..=at, [input]);
        }
    }

    fn next_input(&mut self, words: &[&[u8]]) -> Vec<u8> {
        let mut input = one_of(&mut self.dice, &self.kept).cloned().unwrap_or_default();
        for _ in 0..=self.dice.below(4) {
            self.mutate(&mut input, words);
        }
        input.truncate(MAX_OCTETS);
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>, words: &[&[u8]]) {
        let at = self.dice.below(input.len() + 1);
        let end = (at + 1 + self.dice.below(8)).min(input.len());
        match self.dice.below(7) {
            0 => drop(input.drain(at..end)),
            1 => input.truncate(at),
            2 => insert(input, at, &self.dice.octets(1)),
            3 => insert(input, at, one_of(&mut self.dice, words).copied().unwrap_or_default()),
            4 => {
                let again = input.get(at..end).unwrap_or_default().to_vec();
                insert(input, at, &again);
            }
            5 => {
                let other = one_of(&mut self.dice, &self.kept).cloned().unwrap_or_default();
                let from = self.dice.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            _ => {
                let end = (at + 1).min(input.len());
                input.splice(at..end, self.dice.octets(1));
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, octets: &[u8]) {
    drop(input.splice(at..at, octets.iter().copied()));
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn one_of<'v, T>(dice: &mut Dice, values: &'v [T]) -> Option<&'v T> {
    values.get(dice.below(values.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_bug_behind_three_letters_is_found() {
        let reached = Cell::new(0);
        let found = catch_unwind(AssertUnwindSafe(|| {
            fuzz("letters", &[b""], &[b"g", b"a", b"t"], |input: &[u8]| {
                let depth = input.iter().zip(b"gat").take_while(|(a, b)| a == b).count();
                reached.set(reached.get().max(depth));
                assert!(depth < 3, "found");
                depth
            });
        }));
        assert!(found.is_err() && reached.get() == 3);
    }
}
