//! The memory store passes the tests that every backend passes.

use std::sync::Arc;
use store::Store;
use store::conformance::Place;
use store_memory::Memory;

struct Nowhere;

impl Place for Nowhere {
    fn new() -> Self {
        Self
    }

    fn open(&mut self) -> Arc<dyn Store> {
        Arc::new(Memory::new())
    }
}

store::conformance_tests!(Nowhere);

/// A memory that is never closed. Against it the durability tests must hold too, or they ask for too much.
mod kept {
    use super::{Arc, Memory, Place, Store};

    struct Kept(Arc<Memory>);

    impl Place for Kept {
        fn new() -> Self {
            Self(Arc::new(Memory::new()))
        }

        fn open(&mut self) -> Arc<dyn Store> {
            Arc::clone(&self.0) as Arc<dyn Store>
        }
    }

    store::durability_tests!(Kept);
}
