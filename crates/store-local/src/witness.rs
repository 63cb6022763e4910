//! Whom the store tells what an admin has to know.

use crate::check::{Damage, Tally};
use crate::compaction::Compacted;
use crate::log::Rot;
use std::fmt::Debug;
use store::StoreError;

/// Hears of each failure once when it begins and once when it is over, however often recovery was tried between.
/// Called on the store's own threads, or on that of a reader who has met the failure: it must neither wait nor ask the
/// store.
pub trait Witness: Debug + Send + Sync + 'static {
    /// From now on nothing is written; reads go on.
    fn failed(&self, why: &StoreError);
    /// The store writes again, and nothing that it had acknowledged is lost.
    fn recovered(&self);
    /// Part of the log does not read back as it was written.
    fn rot(&self, rot: &Rot);
    /// A scrub has found damage.
    fn damaged(&self, _: &Damage) {}
    /// A scrub is through.
    fn scrubbed(&self, _: &Tally) {}
    /// The log was compacted, or that was put off.
    fn compacted(&self, _: &Compacted) {}
}

/// Nobody wants to know.
#[derive(Debug)]
pub(crate) struct Nobody;

impl Witness for Nobody {
    fn failed(&self, _: &StoreError) {}
    fn recovered(&self) {}
    fn rot(&self, _: &Rot) {}
}
