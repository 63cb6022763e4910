//! Accounts that are known elsewhere: in a file, a database, an LDAP server, at an OpenID provider.
//!
//! A [`Directory`] is asked whose a name is and whether a password or a token is right. It keeps no mail and makes no
//! account: whoever is let in by its word gets an account in the store, linked to the [`Subject`] that the directory has for
//! them. The [`Chain`] puts several in order, by domain, and sees to it that one that is down costs its own people alone.
//!
//! > **Promises.** A name is asked for as it is: nothing that a stranger types is ever put into a query, a filter, a path or
//! > a template as text (threat T-33). A directory that cannot be asked is [`Answer::Unavailable`], never "wrong". Passwords
//! > and tokens print as `…`.
//!
//! Left to others: which of the answers a client hears, and when (`door`); hashing in bounded memory (`mail`).

mod answer;
mod chain;
#[cfg(feature = "conformance")]
pub mod conformance;
mod found;
mod member;
mod presented;
#[cfg(feature = "conformance")]
pub mod scripted;
mod secret;
mod turns;

pub use answer::{Answer, Asked, Trouble};
pub use chain::{Chain, Hit};
pub use found::{Found, Standing, Stored, Version};
pub use member::{
    ASKED_AGAIN_AFTER, CHECK_PATIENCE, Checks, Domains, FAILURES_BEFORE_REST, Member, PATIENCE,
};
pub use presented::{Password, Token};
pub use secret::Secret;
pub use terms::{BadDirectoryName, BadSubject, DirectoryName, Login, MAX_SUBJECT_OCTETS, Subject};
pub use turns::{MAX_WAITING_FOR_A_TURN, TURN_PATIENCE};

use std::future::ready;

/// What a directory can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Whether a password is right.
    Passwords,
    /// Whose a bearer token is (RFC 6750).
    Bearer,
}

/// What a directory is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// [`Directory::find`], and [`Directory::examine`].
    Find,
    /// [`Directory::check`].
    Check,
    /// [`Directory::bearer`].
    Bearer,
}

/// Where accounts are known.
///
/// Whoever implements it runs the suite in `conformance`. An answer may take its time: [`Member`] bounds it. A future that
/// is dropped leaves nothing half done.
pub trait Directory: Send + Sync {
    /// As the settings call it.
    fn name(&self) -> &DirectoryName;

    /// Whether it can be asked for that at all.
    fn can(&self, ability: Ability) -> bool;

    /// Whether it keeps by itself from asking over and over what does not answer, so that [`Member`] need not have it rest: where
    /// part of what it is asked is known to it even then.
    fn spares_itself(&self) -> bool {
        false
    }

    /// How many such questions it can be busy with at a time. [`Member`] lets no more be asked, and has the others wait: were that
    /// left to the directory, to wait for whoever came before would look like its silence.
    fn turns(&self, _: Question) -> usize {
        usize::MAX
    }

    /// Whether it can be asked as the settings say: nobody's name is. What is the matter stands in [`Answer::Unavailable`]; one
    /// that finds out only by being asked says yes.
    fn examine(&self) -> Asked<'_, ()> {
        Box::pin(ready(Answer::Yes(())))
    }

    /// Who has that name. [`Answer::NoSuch`] where nobody has, and where more than one has: then it is not known whose it is.
    fn find<'a>(&'a self, login: &'a Login) -> Asked<'a, Found>;

    /// Whether somebody who was found once is still among those who can be found, whatever they are called by now: asked by
    /// their subject. [`Answer::NoSuch`] says for certain that they are not. `None` where only names can be asked for.
    fn still_has<'a>(&'a self, _: &'a Subject) -> Option<Asked<'a, Standing>> {
        None
    }

    /// Whether a password is that of somebody who was [found](Self::find) with [`Stored::Elsewhere`]. An empty password is
    /// wrong, without asking anybody: an LDAP server takes it for a wish to stay anonymous (RFC 4513, 5.1.2).
    fn check<'a>(&'a self, found: &'a Found, password: Password<'a>) -> Asked<'a, ()>;

    /// Whose a token is. [`Answer::NoSuch`] for one that another authority has made, [`Answer::Wrong`] for one of this
    /// directory's that does not hold: expired, for somebody else, badly signed.
    fn bearer<'a>(&'a self, token: Token<'a>) -> Asked<'a, Found>;
}
