//! What a comparison costs.

/// What a comparison costs, told before it runs, for whoever shares out memory and time.
///
/// These are constants of the hash and not measurements: the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    work: u64,
}

impl Cost {
    pub(crate) const fn new(memory_kib: u32, work: u64) -> Self {
        Self { memory_kib, work }
    }

    /// Memory that it takes while it runs, in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// How much there is to compute. The unit is what Argon2 does with a KiB in one pass, which takes about a microsecond of
    /// one core; so it adds up with the work of our own records.
    #[must_use]
    pub const fn work(self) -> u64 {
        self.work
    }
}
