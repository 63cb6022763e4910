//! What the server does all day, one operation each, on input that is made by code and always the same.
//!
//! The list serves two masters: `cargo bench -p operations` times each operation, and `cargo xtask instructions` counts
//! the instructions of each and holds them against `ceilings.toml`. Nothing here is part of a release.
//!
//! > **Promise.** An operation does the same work in each run, and says how much came of it ([`Operation::yields`]): one
//! > that has stopped doing its work fails, and is not taken for a fast one.

#![expect(clippy::unwrap_used, reason = "for measurements, which may panic")]

mod mailbox_operations;
mod message_operations;
mod sasl_operations;
mod session_operations;
mod store_operations;
mod wire_operations;

use std::fmt;

pub use store_operations::commit_on_real_disk;

/// Something that the server does.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The crate whose work it is, and what is done.
    pub name: &'static str,
    /// What comes of one run: octets written, messages found and the like.
    pub yields: u64,
    /// Makes what a run needs.
    pub prepare: fn() -> Work,
}

/// An operation made ready: each call is a run, and gives what came of it.
pub type Work = Box<dyn FnMut() -> u64>;

impl Operation {
    /// Runs it so many times.
    ///
    /// # Errors
    /// A run did not yield what it should.
    pub fn run(&self, times: u32) -> Result<(), Surprise> {
        let mut work = (self.prepare)();
        for _ in 0..times {
            let yielded = work();
            if yielded != self.yields {
                return Err(Surprise { operation: self.name, expected: self.yields, yielded });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A run that did not yield what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surprise {
    operation: &'static str,
    expected: u64,
    yielded: u64,
}

impl fmt::Display for Surprise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, expected, yielded } = self;
        write!(f, "{operation}: a run yields {expected}, and this one {yielded}")
    }
}

impl std::error::Error for Surprise {}

/// All operations, crate by crate.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    [
        wire_operations::ALL,
        message_operations::ALL,
        mailbox_operations::ALL,
        sasl_operations::ALL,
        store_operations::ALL,
        session_operations::ALL,
    ]
    .into_iter()
    .flatten()
}

/// The operation of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Operation> {
    all().find(|operation| operation.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_yields_the_same_however_often_it_runs() {
        let surprises: Vec<_> = all().filter_map(|operation| operation.run(3).err()).collect();
        let told: Vec<_> = surprises.iter().map(ToString::to_string).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }

    #[test]
    fn a_run_that_yields_something_else_is_told() {
        let lazy = Operation { name: "lazy", yields: 7, prepare: || Box::new(|| 0) };
        let told = lazy.run(1).map_err(|surprise| surprise.to_string());
        assert_eq!(told, Err("lazy: a run yields 7, and this one 0".into()));
        assert_eq!(lazy.run(0), Ok(()));
    }

    #[test]
    fn no_two_operations_share_a_name() {
        let names: std::collections::BTreeSet<_> = all().map(|operation| operation.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(all().all(|operation| find(operation.name).is_some()));
        assert!(find("nothing").is_none());
    }
}
