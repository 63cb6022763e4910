//! PLAIN (RFC 4616), and names as all mechanisms take them.

use crate::exchange::{Claim, Typed};
use crate::failure::Failure;
use crate::prep::prepare;

/// Longest name, in octets (RFC 4616, 2: up to 255).
pub(crate) const MAX_NAME_OCTETS: usize = 255;

pub(crate) const BAD_PASSWORD: Failure =
    Failure::Malformed("The password is not UTF-8, empty, too long, or holds control characters");

/// `[authzid] NUL authcid NUL passwd`: exactly two NULs, whatever else there is.
pub(crate) fn read(message: &[u8]) -> Result<Claim, Failure> {
    let mut parts = message.split(|octet| *octet == 0);
    let (Some(authzid), Some(authcid), Some(passwd), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Failure::Malformed("PLAIN is two names and a password with NUL between them"));
    };
    let name = name(authcid)?;
    authorize(authzid, &name)?;
    Ok(Claim::Password { name, password: Typed::read(passwd).map_err(|_| BAD_PASSWORD)? })
}

/// Nobody acts for another (threat T-30): the authorization identity is empty, or the same name in the same
/// spelling. A spelling that merely leads to the same account is refused too; what "the same account" is, is not
/// known here, and a wrong guess would let somebody in.
pub(crate) fn authorize(authzid: &[u8], name: &str) -> Result<(), Failure> {
    if authzid.is_empty() {
        return Ok(());
    }
    match self::name(authzid) {
        Ok(authzid) if authzid == name => Ok(()),
        _ => Err(Failure::NotAuthorized),
    }
}

pub(crate) fn name(octets: &[u8]) -> Result<String, Failure> {
    let text = std::str::from_utf8(octets).map_err(|_| Failure::Malformed("Names are UTF-8"))?;
    match prepare(text, MAX_NAME_OCTETS) {
        Ok(mut name) => Ok(std::mem::take(&mut *name)),
        Err(_) => Err(Failure::Malformed("The name is empty, too long, or holds control characters")),
    }
}
