//! Whose account somebody gets whom a directory elsewhere lets in.

use super::keyring::{DirectoryName, Link};
use super::{Directory, DirectoryEvent, DirectoryRefusal, Login, NO_CREDENTIAL};
use terms::AccountId;

/// What somebody is called elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// What their account is called when it is made, and when it has none of these names any more.
    pub login: &'a Login,
    /// What it may be called as well.
    pub also: &'a [Login],
}

impl<'a> Called<'a> {
    /// By one name and no other.
    #[must_use]
    pub const fn one(login: &'a Login) -> Self {
        Self { login, also: &[] }
    }

    /// Whether that is one of the names.
    #[must_use]
    pub fn is(self, name: &Login) -> bool {
        self.login == name || self.also.contains(name)
    }
}

/// What is allowed to those who come from a directory elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Newcomers<'a> {
    /// Whether somebody who has no account gets one.
    pub get_accounts: bool,
    /// Directories whose names mean the same people.
    pub same_people_as: &'a [DirectoryName],
}

impl Directory {
    /// What has to happen before somebody comes in who is `link` elsewhere, and is called so now: nothing mostly.
    ///
    /// Who it is goes before what they are called. The account of the link is theirs whatever its name; where that is none of
    /// theirs any more, it becomes the new one if that is free. A name is theirs only where nobody has it: the mail of an Ann
    /// who has left is not for the Ann who came after her, who is another subject, and an account of this server's own is
    /// nobody's elsewhere.
    ///
    /// # Errors
    /// [`OfAnother`](DirectoryRefusal::OfAnother): the name is that of another subject of the same directory;
    /// [`AlreadyExists`](DirectoryRefusal::AlreadyExists): it is an account's that comes from elsewhere, or from nowhere;
    /// [`NonExistent`](DirectoryRefusal::NonExistent): there is no account, and none is made. An admin can tell what is right.
    pub fn take_in(
        &self,
        link: &Link,
        called: Called<'_>,
        newcomers: Newcomers<'_>,
    ) -> Result<Vec<DirectoryEvent>, DirectoryRefusal> {
        let login = called.login;
        if let Some((id, entry)) = self.find_linked(link) {
            let is_new = !called.is(&entry.login) && self.find(login).is_none();
            let renamed = || DirectoryEvent::AccountRenamed { id, login: login.clone() };
            return Ok(is_new.then(renamed).into_iter().collect());
        }
        let Some((_, entry)) = self.find(login) else { return self.make(link, login, newcomers) };
        let keyring = entry.keyring();
        if keyring.link_to(&link.directory).is_some() {
            return Err(DirectoryRefusal::OfAnother(login.clone()));
        }
        let is_same = |known: &Link| newcomers.same_people_as.contains(&known.directory);
        if !keyring.links().iter().any(is_same) {
            return Err(DirectoryRefusal::AlreadyExists(login.clone()));
        }
        Ok(self.link(login, link)?.into_iter().collect())
    }

    fn make(
        &self,
        link: &Link,
        login: &Login,
        newcomers: Newcomers<'_>,
    ) -> Result<Vec<DirectoryEvent>, DirectoryRefusal> {
        if !newcomers.get_accounts {
            return Err(DirectoryRefusal::NonExistent(login.clone()));
        }
        self.add_linked(login, link)
    }

    /// Adds an account of somebody who is `link` elsewhere. Of its own it has no password: it is let in by the directory's word
    /// alone.
    ///
    /// # Errors
    /// The name is taken, or the link is another account's; or the directory is full.
    pub fn add_linked(&self, login: &Login, link: &Link) -> Result<Vec<DirectoryEvent>, DirectoryRefusal> {
        if let Some((_, entry)) = self.find_linked(link) {
            return Err(DirectoryRefusal::OfAnother(entry.login.clone()));
        }
        let added = self.add(login, &NO_CREDENTIAL)?;
        let linked = |id: AccountId| DirectoryEvent::AccountLinked { id, link: link.clone() };
        Ok(match added {
            DirectoryEvent::AccountAdded { id, .. } => vec![added, linked(id)],
            other => vec![other],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::directory::keyring::Subject;

    fn login(name: &str) -> Login {
        Login::new(name).unwrap()
    }

    fn name(directory: &str) -> DirectoryName {
        DirectoryName::new(directory).unwrap()
    }

    fn link(directory: &str, subject: &str) -> Link {
        Link { directory: name(directory), subject: Subject::new(subject).unwrap() }
    }

    const ANYBODY: Newcomers<'_> = Newcomers { get_accounts: true, same_people_as: &[] };

    /// Lets somebody in; the number and the name of their account.
    fn come(
        directory: &mut Directory,
        link: &Link,
        called: &str,
        newcomers: Newcomers<'_>,
    ) -> Result<(u64, String), DirectoryRefusal> {
        come_as(directory, link, &[called], newcomers)
    }

    /// The same by several names, the first of which counts.
    fn come_as(
        directory: &mut Directory,
        link: &Link,
        called: &[&str],
        newcomers: Newcomers<'_>,
    ) -> Result<(u64, String), DirectoryRefusal> {
        let names: Vec<_> = called.iter().map(|name| login(name)).collect();
        let called = Called { login: &names[0], also: &names[1..] };
        for event in directory.take_in(link, called, newcomers)? {
            let written = DirectoryEvent::decode(&event.encode()).unwrap();
            directory.apply(&written).unwrap();
        }
        assert_eq!(directory.take_in(link, called, newcomers), Ok(vec![]), "once is enough");
        let (id, entry) = directory.find_linked(link).unwrap();
        Ok((id.0, entry.login.to_string()))
    }

    #[test]
    fn somebody_new_gets_an_account_without_a_password_of_its_own() {
        let mut directory = Directory::new();
        assert_eq!(come(&mut directory, &link("ldap", "1"), "ann", ANYBODY), Ok((1, "ann".into())));
        assert!(directory.find(&login("ann")).unwrap().1.credential.is_empty());
        let nobody = Newcomers { get_accounts: false, ..ANYBODY };
        let refused = come(&mut directory, &link("ldap", "2"), "bob", nobody);
        assert_eq!(refused, Err(DirectoryRefusal::NonExistent(login("bob"))));
    }

    #[test]
    fn mail_goes_with_the_person_and_not_with_the_name() {
        let mut directory = Directory::new();
        let (ann, other) = (link("ldap", "1"), link("ldap", "2"));
        come(&mut directory, &ann, "ann", ANYBODY).unwrap();
        // She marries.
        assert_eq!(come(&mut directory, &ann, "ann.b", ANYBODY), Ok((1, "ann.b".into())));
        // Another Ann comes, and later wants the name of the first, who is still there.
        assert_eq!(come(&mut directory, &other, "ann", ANYBODY), Ok((2, "ann".into())));
        assert_eq!(come(&mut directory, &other, "ann.b", ANYBODY), Ok((2, "ann".into())));
        // A third gets neither's mail.
        let third = come(&mut directory, &link("ldap", "3"), "ann", ANYBODY);
        assert_eq!(third, Err(DirectoryRefusal::OfAnother(login("ann"))));
    }

    #[test]
    fn an_account_keeps_its_name_as_long_as_that_is_one_of_those_that_its_owner_has() {
        let mut directory = Directory::new();
        let ann = link("ldap", "1");
        let mut come = |called: &[&str]| come_as(&mut directory, &ann, called, ANYBODY).unwrap().1;
        assert_eq!(come(&["ann", "zoe"]), "ann");
        assert_eq!(come(&["adele", "ann", "zoe"]), "ann");
        assert_eq!(come(&["adele", "zoe"]), "adele");
        assert_eq!(come(&["zoe"]), "zoe");
    }

    #[test]
    fn an_account_of_our_own_or_of_elsewhere_is_nobodys_in_a_directory() {
        let mut directory = Directory::new();
        let own = directory.add(&login("ann"), b"record").unwrap();
        directory.apply(&own).unwrap();
        come(&mut directory, &link("ldap", "1"), "bob", ANYBODY).unwrap();
        for called in ["ann", "bob"] {
            let refused = come(&mut directory, &link("guests", "1"), called, ANYBODY);
            assert_eq!(refused, Err(DirectoryRefusal::AlreadyExists(login(called))));
        }
    }

    #[test]
    fn a_directory_of_the_same_people_shares_their_accounts() {
        let mut directory = Directory::new();
        come(&mut directory, &link("ldap", "1"), "ann", ANYBODY).unwrap();
        let ldap = [name("ldap")];
        let same = Newcomers { get_accounts: true, same_people_as: &ldap };
        assert_eq!(come(&mut directory, &link("oidc", "a"), "ann", same), Ok((1, "ann".into())));
        let other = come(&mut directory, &link("oidc", "b"), "ann", same);
        assert_eq!(other, Err(DirectoryRefusal::OfAnother(login("ann"))));
    }
}
