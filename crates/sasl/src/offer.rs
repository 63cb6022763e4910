//! What may be used to sign in, here and now.

use crate::binding::{Binding, Bindings};
use crate::exchange::{Nonce, Step, begin};
use crate::mechanism::{Mechanism, Mechanisms};
use std::sync::Arc;

/// How far a connection has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Whoever listens can read it.
    Cleartext,
    /// Behind TLS, and nobody has signed in.
    Private(Channel),
    /// Somebody has signed in.
    SignedIn,
}

/// What TLS has settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// What the connection can be bound to.
    pub bindings: Bindings,
    /// Whether the client has shown who it is.
    pub certificate: ClientCertificate,
}

/// Whether a client has shown a certificate in the handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificate {
    /// It has not, or it was not asked to.
    #[default]
    None,
    /// It has, and its chain leads to an authority that we take. Whose it is, is not said by that (threat T-35).
    Verified,
}

/// What the settings and the directories allow.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What is switched on. The variant with channel binding goes with the one without.
    pub on: Mechanisms,
    /// What the directories can do.
    pub abilities: Abilities,
}

/// What directories can do, all of them together.
#[derive(Clone, Debug)]
pub struct Abilities {
    /// Whether passwords are checked: [`Ability::Nobody`] where policy refuses every password.
    pub passwords: Ability,
    /// Whose SCRAM-SHA-256 proofs can be checked.
    pub scram_sha_256: Ability,
    /// Whose SCRAM-SHA-1 proofs can be checked.
    pub scram_sha_1: Ability,
    /// What a client is told whose token is refused; `None` where no directory knows tokens.
    pub bearer: Option<Arc<BearerHint>>,
}

/// For whom something works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// For every account.
    Everybody,
    /// For some. A client uses the strongest mechanism that it sees and fails with it for ever, so what does not work
    /// for all is as good as what works for nobody where the password itself does not come.
    Some,
    /// For none.
    Nobody,
}

/// What a client is told whose bearer token is refused, so that it can get another (RFC 7628, 3.2.2). Of the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BearerHint {
    /// The scope that a token needs.
    pub scope: Option<String>,
    /// Where the authority describes itself: a URL of RFC 8414 or of OpenID Connect Discovery.
    pub openid_configuration: Option<String>,
}

impl Default for Policy {
    /// Passwords, and proofs by SHA-256.
    fn default() -> Self {
        Self {
            on: Mechanisms::of(&[
                Mechanism::ScramSha256,
                Mechanism::OAuthBearer,
                Mechanism::XOAuth2,
                Mechanism::External,
                Mechanism::Plain,
                Mechanism::Login,
            ]),
            abilities: Abilities::default(),
        }
    }
}

impl Default for Abilities {
    /// Those of accounts that are made here.
    fn default() -> Self {
        Self {
            passwords: Ability::Everybody,
            scram_sha_256: Ability::Everybody,
            scram_sha_1: Ability::Nobody,
            bearer: None,
        }
    }
}

impl Policy {
    fn allows(&self, mechanism: Mechanism, channel: &Channel) -> bool {
        let abilities = &self.abilities;
        self.on.has(mechanism)
            && match mechanism {
                Mechanism::Plain | Mechanism::Login => abilities.passwords != Ability::Nobody,
                Mechanism::ScramSha256 => abilities.scram_sha_256 == Ability::Everybody,
                Mechanism::ScramSha1 => abilities.scram_sha_1 == Ability::Everybody,
                Mechanism::OAuthBearer | Mechanism::XOAuth2 => abilities.bearer.is_some(),
                Mechanism::External => channel.certificate == ClientCertificate::Verified,
                // Not by themselves: see `Offer::private`.
                Mechanism::ScramSha256Plus | Mechanism::ScramSha1Plus => false,
            }
    }
}

/// What may be used to sign in on one connection. An exchange begins with what stands in an offer and with nothing else.
#[derive(Clone, Debug)]
pub struct Offer {
    mechanisms: Mechanisms,
    passwords: Ability,
    bindings: Bindings,
    bearer: Arc<BearerHint>,
}

impl Offer {
    /// The offer of a state and a policy. Before TLS, and to whoever has signed in, it is empty, whatever the policy is.
    #[must_use]
    pub fn new(state: State, policy: &Policy) -> Self {
        match state {
            State::Cleartext | State::SignedIn => Self::nothing(),
            State::Private(channel) => Self::private(channel, policy),
        }
    }

    fn nothing() -> Self {
        Self {
            mechanisms: Mechanisms::NONE,
            passwords: Ability::Nobody,
            bindings: Bindings::NONE,
            bearer: Arc::default(),
        }
    }

    fn private(channel: Channel, policy: &Policy) -> Self {
        let bare = || Mechanism::ALL.into_iter().filter(|mechanism| policy.allows(*mechanism, &channel));
        // A binding that is not there cannot be asked for (RFC 5802, 6).
        let bound = bare().filter(|_| !channel.bindings.is_empty()).filter_map(Mechanism::plus);
        Self {
            mechanisms: bare().chain(bound).collect(),
            passwords: policy.abilities.passwords,
            bindings: channel.bindings,
            bearer: policy.abilities.bearer.clone().unwrap_or_default(),
        }
    }

    /// What is advertised.
    #[must_use]
    pub const fn mechanisms(&self) -> Mechanisms {
        self.mechanisms
    }

    /// Whether a name and a password may come without any mechanism: by IMAP's LOGIN, or by USER and PASS.
    #[must_use]
    pub fn takes_passwords(&self) -> bool {
        self.passwords != Ability::Nobody
    }

    /// The mechanism that a client asks for, if it is offered: of one that is not, nothing tells whether we know it.
    #[must_use]
    pub fn choose(&self, name: &str) -> Option<Chosen<'_>> {
        let mechanism = Mechanism::from_name(name).filter(|mechanism| self.mechanisms.has(*mechanism))?;
        Some(Chosen { mechanism, offer: self })
    }

    fn binding(&self, mechanism: Mechanism) -> Binding {
        match mechanism {
            Mechanism::ScramSha256Plus | Mechanism::ScramSha1Plus => Binding::Chosen(self.bindings.clone()),
            _ if mechanism.plus().is_some_and(|plus| self.mechanisms.has(plus)) => Binding::Declined,
            _ => Binding::NotOffered,
        }
    }
}

/// A mechanism that is offered, and that the client wants.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    mechanism: Mechanism,
    offer: &'a Offer,
}

impl Chosen<'_> {
    /// Which.
    #[must_use]
    pub const fn mechanism(self) -> Mechanism {
        self.mechanism
    }

    /// Begins: with the initial response if the client sent one, else by asking for it. Our nonce is fresh random
    /// octets, used by the mechanisms that want one.
    #[must_use]
    pub fn begin(self, initial: Option<&[u8]>, nonce: Nonce) -> Step {
        let binding = self.offer.binding(self.mechanism);
        begin(self.mechanism, binding, &self.offer.bearer, initial, nonce)
    }
}
