//! What a guess costs.

use argon2::Params;

/// Most memory that a record may ask for, in KiB: a damaged or hostile record cannot take more.
pub const MAX_MEMORY_KIB: u32 = 64 << 10;
/// Most passes over the memory.
pub const MAX_PASSES: u32 = 16;
/// Least iterations of SCRAM: RFC 7677, 4 says "SHOULD be at least 4096".
pub const MIN_SCRAM_ITERATIONS: u32 = 4_096;
/// Most iterations of SCRAM: clients compute them at every login, and telephones are clients.
pub const MAX_SCRAM_ITERATIONS: u32 = 10_000_000;

/// What a guess at a password costs whoever makes it, the right one's owner included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) scram_iterations: u32,
}

impl Cost {
    /// Argon2id with 19 MiB, two passes, one lane: the first of the minimum settings of OWASP's Password Storage
    /// Cheat Sheet. More memory would protect better and lets fewer people sign in at once; webmail signs in at
    /// every click.
    ///
    /// SCRAM with 65,536 iterations: the most that Cyrus' libsasl computes, and so mbsync, mutt and whoever else
    /// signs in by it; asked for more they cannot sign in at all. The sheet's minimum for PBKDF2-HMAC-SHA256 would be
    /// 600,000, so a thief of the records guesses at this half. Servers pay for them when a password is set, never at
    /// login.
    pub const RECOMMENDED: Self = Self { memory_kib: 19_456, passes: 2, scram_iterations: 65_536 };

    /// `None` for what is out of bounds: 8 to [`MAX_MEMORY_KIB`], 1 to [`MAX_PASSES`], and
    /// [`MIN_SCRAM_ITERATIONS`] to [`MAX_SCRAM_ITERATIONS`].
    #[must_use]
    pub fn new(memory_kib: u32, passes: u32, scram_iterations: u32) -> Option<Self> {
        let fits = (Params::MIN_M_COST..=MAX_MEMORY_KIB).contains(&memory_kib)
            && (1..=MAX_PASSES).contains(&passes)
            && (MIN_SCRAM_ITERATIONS..=MAX_SCRAM_ITERATIONS).contains(&scram_iterations);
        fits.then_some(Self { memory_kib, passes, scram_iterations })
    }

    /// Of numbers that are within the bounds, for a record has them.
    pub(super) const fn of_record(memory_kib: u32, passes: u32, scram_iterations: u32) -> Self {
        Self { memory_kib, passes, scram_iterations }
    }

    /// Memory of Argon2id, in KiB.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes of Argon2id over its memory.
    #[must_use]
    pub const fn passes(&self) -> u32 {
        self.passes
    }

    /// Iterations of SCRAM.
    #[must_use]
    pub const fn scram_iterations(&self) -> u32 {
        self.scram_iterations
    }
}
