//! What a hash may cost at most.
//!
//! A hash is data: whoever can write one into a directory could otherwise ask for minutes of work, or for all memory,
//! with each guess. Within these bounds none takes ten seconds of one core, and what is usual takes less than one.

/// A stored hash is no longer, in octets. Argon2's and SHA512-CRYPT's have some 120.
pub const MAX_STORED_OCTETS: usize = 1_024;

/// Most that bcrypt's cost may be: 2^16 rounds, some four seconds. It begins at 4.
pub const MAX_BCRYPT_COST: u32 = 16;

/// Most rounds of SHA256-CRYPT, SHA512-CRYPT and PBKDF2.
pub const MAX_ROUNDS: u32 = 1_000_000;

/// Most memory that Argon2 may ask for, in KiB.
pub const MAX_ARGON2_MEMORY_KIB: u32 = 256 * 1_024;

/// Most that Argon2's memory times its passes may be, in KiB: some two seconds.
pub const MAX_ARGON2_WORK_KIB: u64 = 2 * 1_024 * 1_024;

/// Most lanes that Argon2 may have. We compute them one after the other.
pub const MAX_ARGON2_LANES: u32 = 16;

/// The longest password that is compared with what `crypt(3)` made, in octets: libxcrypt takes none of 512 or more, and
/// what SHA-CRYPT costs grows with the password.
pub const MAX_CRYPT_PASSWORD_OCTETS: usize = 511;
