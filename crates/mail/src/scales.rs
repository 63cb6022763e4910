//! What accounts and mailboxes keep in memory, in octets, all together.
//!
//! Whoever keeps something has a [`Share`] of the sum, and says how much it is whenever that changes; what it had goes
//! out of the sum with it. So the sum is of what is there, and nobody has to go through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The sum, and what it should not be above.
#[derive(Debug)]
pub(crate) struct Scales {
    octets: AtomicUsize,
    most: usize,
}

/// What one account or mailbox keeps.
#[derive(Debug)]
pub(crate) struct Share {
    scales: Arc<Scales>,
    octets: AtomicUsize,
}

impl Scales {
    /// Nothing yet, and so much at most.
    pub(crate) const fn new(most: usize) -> Self {
        Self { octets: AtomicUsize::new(0), most }
    }

    /// How much all shares are together.
    pub(crate) fn octets(&self) -> usize {
        self.octets.load(Ordering::Relaxed)
    }

    /// How much they should be at most.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// How much they are too much.
    pub(crate) fn excess(&self) -> usize {
        self.octets().saturating_sub(self.most)
    }
}

impl Share {
    pub(crate) const fn of(scales: Arc<Scales>) -> Self {
        Self { scales, octets: AtomicUsize::new(0) }
    }

    pub(crate) const fn scales(&self) -> &Arc<Scales> {
        &self.scales
    }

    pub(crate) fn octets(&self) -> usize {
        self.octets.load(Ordering::Relaxed)
    }

    /// It is so much from now on; says how much it was.
    pub(crate) fn set(&self, octets: usize) -> usize {
        let before = self.octets.swap(octets, Ordering::Relaxed);
        // Each takes off what it has put on, so the sum is right in whichever order they come.
        self.scales.octets.fetch_add(octets, Ordering::Relaxed);
        self.scales.octets.fetch_sub(before, Ordering::Relaxed);
        before
    }

    /// It is nothing from now on, for it is about to go; says how much that gives back.
    pub(crate) fn give_back(&self) -> usize {
        self.set(0)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_of_the_shares_that_are_there() {
        let scales = Arc::new(Scales::new(100));
        let one = Share::of(Arc::clone(&scales));
        one.set(70);
        assert_eq!((scales.octets(), scales.excess()), (70, 0));
        {
            let another = Share::of(Arc::clone(&scales));
            another.set(60);
            assert_eq!((scales.octets(), scales.excess()), (130, 30));
            assert_eq!(another.set(50), 60);
            assert_eq!(scales.excess(), 20);
        }
        assert_eq!(scales.octets(), 70);
        assert_eq!(one.give_back(), 70);
        drop(one);
        assert_eq!(scales.octets(), 0, "what was given back is not taken off twice");
    }
}
