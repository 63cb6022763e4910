//! The log: the truth of the store. [`format`] draws it.

pub(crate) mod chain;
pub(crate) mod footer;
pub(crate) mod format;
pub(crate) mod frames;
pub(crate) mod heading;
pub(crate) mod octets;
pub(crate) mod replay;
pub(crate) mod segments;
pub(crate) mod writer;

pub use replay::Rot;
