//! LOGIN (RFC 9051, 6.2.3).

use super::super::error::Fault;
use super::super::input::Input;
use super::super::secret::Secret;
use super::Command;
use std::borrow::Cow;

/// A name and a password.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// The account's name as typed.
    pub user: Cow<'a, str>,
    /// Whatever octets the password is made of.
    pub password: Secret,
}

pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    let user = input.text("Expected a user name")?;
    input.space()?;
    let password = input.astring("Expected a password")?;
    Ok(Command::Login(Login { user, password: Secret::new(password.into_owned()) }))
}
