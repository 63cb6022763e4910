//! The proof that nobody else listens.
//!
//! # Who can make one
//! Rust has no way to say "only crate `net` may call this", so misuse is made *visible* instead of impossible:
//! an [`Encrypted`] comes only out of [`Encrypted::after`], which wants a [`Handshake`] to look at, and the
//! only implementation of that trait outside tests stands beside the TLS library in `net/src/tls.rs`. The test
//! `one_way_in.rs` of this crate reads every source file of the workspace and fails on a second one.

/// Proof that a TLS handshake completed. Neither `Clone` nor `Copy`: one handshake, one session.
#[derive(Debug)]
pub struct Encrypted(());

impl Encrypted {
    /// The proof, if `handshake` has in fact completed.
    #[must_use]
    pub fn after(handshake: &impl Handshake) -> Option<Self> {
        handshake.is_complete().then_some(Self(()))
    }
}

/// A TLS connection that can say whether its handshake is over. Implemented by the TLS driver alone.
pub trait Handshake {
    /// Whether keys are agreed and the peer's Finished message has been verified.
    fn is_complete(&self) -> bool;
}
