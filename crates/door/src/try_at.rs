//! One try at the door, as limits see it.

use crate::limits::{Limits, LookingAt};
use crate::not_let_in::TryAgain;
use crate::visitor::Visitor;
use events::{Mechanism, Word};
use mail::Lane;
use policy::{Attempt, Fingerprint, Network};
use sasl::{Claim, Secret};
use std::net::IpAddr;
use std::time::Duration;
use terms::Login;
use tokio::time::Instant;

/// With this begins what is no name: there is none in a login.
const NO_LOGIN: char = '\0';

/// One try at the door.
pub(crate) struct Try {
    from: IpAddr,
    client: Option<String>,
    /// What was typed, in the form in which names are compared.
    asked_for: String,
    /// The account's own name once it is known: no way of writing it, and no alias, is a way around its limits.
    account: String,
    typed: Option<Fingerprint>,
    /// What stands for it where it was not looked at: whether it is wrong is not known of it.
    unseen: Option<Fingerprint>,
    /// While it is being looked at.
    pub(crate) looking: Option<LookingAt>,
    /// When it came.
    pub(crate) began: Instant,
    /// How long it was held back.
    pub(crate) waited: Duration,
    /// It is let in only by what was right a short while ago: nothing is hashed and nobody is asked, and it has failed if it is
    /// not known again. When it may be tried again.
    pub(crate) only_recalled: Option<TryAgain>,
}

/// How a claim is judged.
pub(crate) struct Manner {
    pub(crate) mechanism: Mechanism,
    pub(crate) lane: Lane,
    /// How and from where: what is known again of wrong passwords is known again there alone.
    pub(crate) device: String,
}

impl Try {
    pub(crate) fn new(claim: &Claim, visitor: &Visitor, limits: &Limits) -> Self {
        let from = visitor.address();
        // Three spaces of keys: no login has a NUL in it.
        let account = match claim.name() {
            Some(name) => Login::new(name)
                .map_or_else(|_| format!("{NO_LOGIN}no login {name}"), |login| login.as_str().to_owned()),
            // Whose a token or a certificate is turns out later. None of those that fail shall keep out others'.
            None => format!("{NO_LOGIN}no name at {from}"),
        };
        let client = visitor.client.as_ref().map(ToString::to_string);
        let asked_for = account.clone();
        let mut new = Self {
            from,
            client,
            asked_for,
            account,
            typed: None,
            unseen: None,
            began: Instant::now(),
            looking: None,
            waited: Duration::ZERO,
            only_recalled: None,
        };
        // What a proof was made of is not known, so each counts; a certificate is not typed.
        let typed = match claim {
            Claim::Password { password, .. } => Some(password.prepared()),
            Claim::Bearer { token, .. } => Some(token),
            Claim::Proven { .. } | Claim::Disproven { .. } | Claim::External { .. } => None,
        };
        if let Some(typed) = typed {
            new.type_in(typed, limits);
        }
        new
    }

    fn type_in(&mut self, secret: &Secret, limits: &Limits) {
        let of = |account: &str| Some(limits.fingerprint(&self.attempt_at(account), secret.expose()));
        let (typed, unseen) = (of(&self.account), of(&format!("{NO_LOGIN}not looked at {}", self.account)));
        (self.typed, self.unseen) = (typed, unseen);
    }

    pub(crate) fn attempt(&self) -> Attempt<'_> {
        Attempt { from: self.from, client: self.client.as_deref(), account: &self.account }
    }

    pub(crate) fn device(&self, mechanism: Mechanism) -> String {
        let (network, client) = (Network::wide(self.from), self.client.as_deref().unwrap_or_default());
        format!("{} from {network} by {client}", mechanism.as_str())
    }

    /// A directory says whose account it is: `login` is what that is called here. Whether that is another name than limits
    /// have been asked for.
    pub(crate) fn turns_out(&mut self, login: &Login, password: &Secret, limits: &Limits) -> bool {
        if self.account == login.as_str() {
            return false;
        }
        login.as_str().clone_into(&mut self.account);
        self.type_in(password, limits);
        true
    }

    /// Whether no name came with it.
    pub(crate) fn is_unnamed(&self) -> bool {
        self.asked_for.starts_with(NO_LOGIN)
    }

    /// The same, by the name that was typed.
    pub(crate) fn attempt_as_typed(&self) -> Attempt<'_> {
        self.attempt_at(&self.asked_for)
    }

    /// The same, at an account by the name that it has here.
    pub(crate) fn attempt_at<'a>(&'a self, account: &'a str) -> Attempt<'a> {
        Attempt { account, ..self.attempt() }
    }

    pub(crate) const fn unseen(&self) -> Option<Fingerprint> {
        self.unseen
    }

    pub(crate) const fn typed(&self) -> Option<Fingerprint> {
        self.typed
    }
}
