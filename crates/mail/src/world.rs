//! Time and chance, as values that tests can make up.

use store::CommitId;

/// What mail needs of the world besides a store.
pub trait World: Send + Sync + 'static {
    /// Unix time in milliseconds.
    fn now_ms(&self) -> i64;

    /// Fills `into` with octets that nobody can guess.
    fn random(&self, into: &mut [u8]);
}

impl dyn World {
    /// A fresh name for a commit.
    pub(crate) fn commit_id(&self) -> CommitId {
        let mut id = [0; 16];
        self.random(&mut id);
        CommitId(id)
    }

    /// Unix time in seconds.
    pub(crate) fn now_s(&self) -> i64 {
        self.now_ms().div_euclid(1_000)
    }
}
