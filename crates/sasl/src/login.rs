//! LOGIN (draft-murchison-sasl-login): PLAIN in two steps, and without an authorization identity.

use crate::exchange::{Claim, Typed};
use crate::failure::Failure;
use crate::plain;

/// The draft has "User Name" and "Password"; clients look for these, or do not look.
pub(crate) const NAME_WANTED: &[u8] = b"Username:";
pub(crate) const PASSWORD_WANTED: &[u8] = b"Password:";

/// The second step.
pub(crate) fn read(name: String, password: &[u8]) -> Result<Claim, Failure> {
    let password = Typed::read(password).map_err(|_| plain::BAD_PASSWORD)?;
    Ok(Claim::Password { name, password })
}
