//! The embedded store passes the tests that every backend passes, on a real disk.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::Arc;
use store::Store;
use store::conformance::Place;
use store_local::LocalStore;
use support::Folder;

impl Place for Folder {
    fn new() -> Self {
        Self::new()
    }

    fn open(&mut self) -> Arc<dyn Store> {
        Arc::new(LocalStore::open(self.path()).unwrap())
    }
}

store::conformance_tests!(Folder);
store::durability_tests!(Folder);
