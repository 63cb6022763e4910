//! Whose mail an address is.

use crate::directory::Accounts;
use crate::error::{Error, Part};
use crate::roll::Certainty;
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
    /// Who reads mail for `postmaster`; `None` where that is left to accounts of that name.
    pub postmaster: Option<Box<str>>,
}

impl Addressing {
    /// Whether it is the postmaster's, whom everybody who takes mail in must have, in any case of letters and also
    /// without a domain (RFC 5321, 4.5.1). Which domains are ours is known to the mail server that asks.
    #[must_use]
    pub fn is_postmaster(&self, local: &str) -> bool {
        self.user(local).0.eq_ignore_ascii_case("postmaster")
    }

    /// The user, and what is said besides.
    fn user<'l>(&self, local: &'l str) -> (&'l str, Option<&'l str>) {
        let split = self.separator.and_then(|separator| local.split_once(separator));
        split.map_or((local, None), |(user, detail)| (user, Some(detail).filter(|detail| !detail.is_empty())))
    }
}

impl Accounts {
    /// Who `local@domain` is; `None` where nobody is. An account's whole name comes first, so that one with a
    /// separator in its name gets its own mail; and so does one that is called as the postmaster is.
    ///
    /// # Errors
    /// Part of the directory is lost: it may be somebody's although nobody seems to have it, or nobody's by now.
    pub fn recipient(
        &self,
        local: &str,
        domain: Option<&str>,
        addressing: &Addressing,
    ) -> Result<Option<Recipient>, Error> {
        let roll = self.roll();
        let directory = roll.directory();
        let whole = find(directory, local, domain, addressing);
        // Whoever has the name that comes first may be lost.
        let first = domain.map_or_else(|| local.to_owned(), |domain| format!("{local}@{domain}"));
        let first = entry(directory, &first).map(|(_, account, _)| account);
        if roll.certainty(first) == Certainty::Doubtful {
            return Err(Error::InPart(Part::Directory));
        }
        if let Some((login, account, standing)) = whole {
            return Ok(Some(Recipient { account, login, standing, detail: None }));
        }
        let (user, detail) = addressing.user(local);
        let named = || addressing.postmaster.as_deref().filter(|_| addressing.is_postmaster(local));
        let found = find(directory, user, domain, addressing).or_else(|| entry(directory, named()?));
        let detail = detail.map(Into::into);
        Ok(found.map(|(login, account, standing)| Recipient { account, login, standing, detail }))
    }
}

/// The names under which `local@domain` may be known elsewhere, in the order in which they are looked for here; each with
/// what is said besides.
#[must_use]
pub fn names_of<'l>(
    local: &'l str,
    domain: Option<&str>,
    addressing: &Addressing,
) -> Vec<(Login, Option<&'l str>)> {
    // As in `find`, a quoted @ makes no other domain.
    let Some(domain) = domain.filter(|_| !local.contains('@')) else { return Vec::new() };
    let (user, detail) = addressing.user(local);
    let user = (user != local).then_some((user, detail));
    let named = |(user, detail)| Some((Login::new(&format!("{user}@{domain}")).ok()?, detail));
    std::iter::once((local, None)).chain(user).filter_map(named).collect()
}

fn find(
    directory: &Directory,
    local: &str,
    domain: Option<&str>,
    addressing: &Addressing,
) -> Option<(Login, AccountId, Standing)> {
    // A local part that was quoted may hold an @, and must not become another domain.
    if local.contains('@') {
        return None;
    }
    match domain {
        None => entry(directory, local),
        Some(domain) => entry(directory, &format!("{local}@{domain}")).or_else(|| {
            domain.eq_ignore_ascii_case(&addressing.host).then(|| entry(directory, local)).flatten()
        }),
    }
}

fn entry(directory: &Directory, name: &str) -> Option<(Login, AccountId, Standing)> {
    let login = Login::new(name).ok()?;
    let (id, entry) = directory.find(&login)?;
    let standing = entry.standing;
    Some((login, id, standing))
}
