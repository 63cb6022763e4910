//! One try at the door, as limits see it.

use crate::limits::Limits;
use crate::visitor::Visitor;
use events::Mechanism;
use mail::Lane;
use policy::{Attempt, Fingerprint};
use sasl::Claim;
use std::net::IpAddr;
use std::time::Duration;
use terms::Login;

/// One try at the door.
pub(crate) struct Try {
    from: IpAddr,
    client: Option<String>,
    /// The account's own name where there is one: no way of writing it is a way around its limits.
    account: String,
    typed: Option<Fingerprint>,
    /// How long it was held back.
    pub(crate) waited: Duration,
}

/// How a claim is judged.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) mechanism: Mechanism,
    pub(crate) lane: Lane,
}

impl Try {
    pub(crate) fn new(claim: &Claim, visitor: &Visitor, limits: &Limits) -> Self {
        let from = visitor.address();
        let account = match claim.name() {
            Some(name) => {
                Login::new(name).map_or_else(|_| name.to_owned(), |login| login.as_str().to_owned())
            }
            // Whose a token or a certificate is turns out later. None of those that fail shall keep out others'.
            None => format!("nobody at {from}"),
        };
        let client = visitor.client.as_ref().map(ToString::to_string);
        let mut new = Self { from, client, account, typed: None, waited: Duration::ZERO };
        if let Claim::Password { password, .. } = claim {
            new.typed = Some(limits.fingerprint(&new.attempt(), password.prepared().expose()));
        }
        new
    }

    pub(crate) fn attempt(&self) -> Attempt<'_> {
        Attempt { from: self.from, client: self.client.as_deref(), account: &self.account }
    }

    /// The same, at an account by the name that it has here.
    pub(crate) fn attempt_at<'a>(&'a self, account: &'a str) -> Attempt<'a> {
        Attempt { account, ..self.attempt() }
    }

    pub(crate) const fn typed(&self) -> Option<Fingerprint> {
        self.typed
    }
}
