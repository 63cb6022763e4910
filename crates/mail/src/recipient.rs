//! Whose mail an address is.

use crate::directory::Accounts;
use mailbox::account::directory::{Directory, Login, Standing};
use mailbox::delivery::Recipient;
use store::AccountId;

/// How addresses are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressing {
    /// What stands between an account and a detail, as in `ann+lists@example.org`; `None` where nothing does.
    pub separator: Option<char>,
    /// Our own name: accounts whose names are no addresses are reached here.
    pub host: Box<str>,
}

impl Accounts {
    /// Who `local@domain` is; `None` where nobody is. An account's whole name comes first, so that one with a
    /// separator in its name gets its own mail.
    #[must_use]
    pub fn recipient(&self, local: &str, domain: Option<&str>, addressing: &Addressing) -> Option<Recipient> {
        let roll = self.roll();
        let directory = roll.directory();
        let whole = find(directory, local, domain, addressing);
        if let Some((login, account, standing)) = whole {
            return Some(Recipient { account, login, standing, detail: None });
        }
        let (user, detail) = local.split_once(addressing.separator?)?;
        let (login, account, standing) = find(directory, user, domain, addressing)?;
        Some(Recipient { account, login, standing, detail: (!detail.is_empty()).then(|| detail.into()) })
    }
}

fn find(
    directory: &Directory,
    local: &str,
    domain: Option<&str>,
    addressing: &Addressing,
) -> Option<(Login, AccountId, Standing)> {
    let entry = |name: &str| {
        let login = Login::new(name).ok()?;
        let (id, entry) = directory.find(&login)?;
        let standing = entry.standing;
        Some((login, id, standing))
    };
    // A local part that was quoted may hold an @, and must not become another domain.
    if local.contains('@') {
        return None;
    }
    match domain {
        None => entry(local),
        Some(domain) => entry(&format!("{local}@{domain}"))
            .or_else(|| domain.eq_ignore_ascii_case(&addressing.host).then(|| entry(local)).flatten()),
    }
}
