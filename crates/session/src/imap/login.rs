//! LOGIN (RFC 3501, 6.2.3). The line is private: there is no session before it is.

use sasl::{Claim, Failure};
use wire::imap::command::Login;

pub(super) fn claim(login: &Login<'_>) -> Result<Claim, Failure> {
    Claim::login(login.user.as_bytes(), login.password.expose())
}
