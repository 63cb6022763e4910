//! Password hashes that other systems made: read, weighed, and compared with what was typed.
//!
//! A directory that comes from elsewhere brings its hashes along. They are looked at until their owners sign in for
//! the first time, and are then replaced by a record of our own; so this crate can check, and cannot make, any of them.
//!
//! Three promises:
//! - what cannot be used is refused when it is *read*, in words for whoever runs the server: see [`Unusable`];
//! - what a check costs is known before it runs ([`ForeignHash::cost`]) and bounded by [`bounds`], whoever wrote the hash;
//! - a password is taken octet by octet as it was typed. The systems that made these hashes knew no Unicode
//!   normalisation, so neither does this crate.
//!
//! Hashes are compared in constant time, kept in memory that is wiped, and never printed.

mod argon;
mod bcrypt;
pub mod bounds;
mod compare;
mod cost;
mod digest;
mod encoding;
mod pbkdf;
mod scheme;
mod sha_crypt;
mod unusable;

pub use cost::Cost;
pub use scheme::ForeignHash;
pub use unusable::Unusable;

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is the password that the hash was made of.
    Right,
    /// It is not.
    Wrong,
}
