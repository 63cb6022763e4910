//! What the tests of this crate share.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs `check` on `cases` values from a fixed seed; a failure prints the seed and the smallest value that fails.
pub(crate) fn for_all<S: Strategy>(seed: u8, cases: u32, values: S, check: impl Fn(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let checked = TestRunner::new_with_rng(config, rng).run(&values, |value| {
        check(value);
        Ok(())
    });
    checked.unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
}
