//! The Argon2id half of a record (RFC 9106), version 0x13, one lane.

use super::{Cost, Verdict};
use crate::secret::Secret;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::fmt;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// The memory that hashing works in, kept from one password to the next so that a pool of n of them never takes
/// more than n times its largest: 19 MiB each with [`Cost::RECOMMENDED`].
#[derive(Default)]
pub struct Workspace {
    blocks: Vec<Block>,
}

impl Workspace {
    /// Empty; it grows with the first hash.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.blocks.len() < count {
            self.blocks.resize(count, Block::new());
        }
        &mut self.blocks
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Workspace({} KiB)", self.blocks.len())
    }
}

#[derive(Clone)]
pub(super) struct Argon2idHash {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) salt: [u8; 16],
    pub(super) hash: [u8; 32],
    pub(super) origin: Origin,
}

/// Whether anything can fit it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was made of a password.
    Password,
    /// It was made up: nothing fits, whatever is computed.
    Decoy,
}

impl Origin {
    pub(super) fn may_fit(self) -> Choice {
        Choice::from(u8::from(self == Self::Password))
    }

    pub(super) fn judge(self, same: Choice) -> Verdict {
        Verdict::of(same & self.may_fit())
    }
}

impl Argon2idHash {
    pub(super) fn new(password: &Secret, salt: [u8; 16], cost: &Cost, workspace: &mut Workspace) -> Self {
        let mut made = Self {
            memory_kib: cost.memory_kib(),
            passes: cost.passes(),
            salt,
            hash: [0; 32],
            origin: Origin::Password,
        };
        made.hash = *made.compute(password, workspace);
        made
    }

    /// Costs as much, and fits nothing.
    pub(super) const fn unfit(cost: &Cost) -> Self {
        Self {
            memory_kib: cost.memory_kib(),
            passes: cost.passes(),
            salt: [0; 16],
            hash: [0; 32],
            origin: Origin::Decoy,
        }
    }

    pub(super) fn verify(&self, password: &Secret, workspace: &mut Workspace) -> Verdict {
        let computed = self.compute(password, workspace);
        self.origin.judge(computed.ct_eq(&self.hash))
    }

    pub(super) fn memory_octets(&self) -> usize {
        usize::try_from(self.memory_kib).unwrap_or(usize::MAX).saturating_mul(Block::SIZE)
    }

    fn compute(&self, password: &Secret, workspace: &mut Workspace) -> Zeroizing<[u8; 32]> {
        let mut hash = Zeroizing::new([0; 32]);
        let params = Params::new(self.memory_kib, self.passes, 1, None);
        let params = params.expect("a cost is within Argon2's bounds, whether given or read");
        let blocks = workspace.blocks(params.block_count());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.expose(), &self.salt, &mut *hash, blocks)
            .expect("16 octets of salt, 32 of hash, all blocks, and a password far below 4 GiB");
        hash
    }
}
