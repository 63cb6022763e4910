//! LOGIN (RFC 3501, 6.2.3). The line is private: there is no session before it is.

use super::done::Stop;
use crate::port::{Door, Means};
use crate::refusal::Refusal;
use sasl::Claim;
use wire::imap::command::Login;
use wire::imap::reply::Code;

/// Asks at the door, where passwords are taken there; LOGINDISABLED says where they are not.
pub(super) async fn run<D: Door>(login: &Login<'_>, door: &D) -> Result<D::Mail, Stop> {
    if !door.offer().takes_passwords() {
        let why = "Passwords are not taken here; CAPABILITY lists the ways of signing in";
        return Err(Refusal::denied(Code::Cannot, why).into());
    }
    let claim = Claim::login(login.user.as_bytes(), login.password.expose())?;
    let guest = door.sign_in(claim, Means::LoginCommand).await?;
    Ok(door.come_in(guest)?)
}
