//! EXTERNAL (RFC 4422, appendix A): who a client is, was settled below us; it may only say as whom it acts.

use crate::exchange::Claim;
use crate::failure::Failure;
use crate::plain;

/// An authorization identity, or nothing.
pub(crate) fn read(message: &[u8]) -> Result<Claim, Failure> {
    let authzid = match message {
        [] => None,
        // Of what is no name, nobody can be the owner (threat T-30).
        authzid => Some(plain::name(authzid).map_err(|_| Failure::NotAuthorized)?),
    };
    Ok(Claim::External { authzid })
}
