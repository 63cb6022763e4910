//! The shape that all mechanisms share.

use crate::credential::ScramVerifier;
use crate::failure::Failure;
use crate::secret::Secret;
use crate::{plain, scram};
use std::fmt;

/// A mechanism that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// RFC 7677, without channel binding.
    ScramSha256,
}

impl Mechanism {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Plain, Self::ScramSha256];

    /// As it is advertised.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
        }
    }

    /// The mechanism that a client asked for, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// Begins: with the initial response if the client sent one, else by asking for it. Our nonce is fresh random
    /// octets, used by the mechanisms that want one.
    #[must_use]
    pub fn begin(self, initial: Option<&[u8]>, nonce: Nonce) -> Step {
        let exchange = Exchange(match self {
            Self::Plain => State::Plain,
            Self::ScramSha256 => State::ScramFirst(scram::First::new(nonce)),
        });
        match initial {
            Some(response) => exchange.respond(response),
            // Both mechanisms let the client speak first (RFC 4422, 5, 2a).
            None => Step::Challenge(Vec::new(), exchange),
        }
    }
}

/// Random octets that no other exchange has had.
#[derive(Clone, Copy)]
pub struct Nonce(pub [u8; 18]);

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Send these octets, and give the client's answer to the exchange.
    Challenge(Vec<u8>, Exchange),
    /// Find the verifier of a name.
    Lookup(Lookup),
    /// The client claims to be somebody.
    Done(Claim),
    /// It is over.
    Failed(Failure),
}

/// An exchange that waits for the client.
pub struct Exchange(State);

enum State {
    Plain,
    ScramFirst(scram::First),
    ScramFinal(scram::Final),
    ScramConfirmed(String, ScramVerifier),
}

impl Exchange {
    /// Takes the client's answer, its base64 removed. The exchange is used up; what goes on is in the step.
    #[must_use]
    pub fn respond(self, response: &[u8]) -> Step {
        let next = match self.0 {
            State::Plain => plain::read(response).map(Step::Done),
            State::ScramFirst(first) => first.read(response).map(|asked| Step::Lookup(Lookup(asked))),
            State::ScramFinal(last) => last.read(response).map(judged),
            State::ScramConfirmed(name, verifier) if response.is_empty() => {
                Ok(Step::Done(Claim::Proven { name, verifier }))
            }
            State::ScramConfirmed(..) => Err(Failure::Malformed("An empty response belongs here")),
        };
        next.unwrap_or_else(Step::Failed)
    }
}

fn judged(proof: scram::Proof) -> Step {
    match proof {
        scram::Proof::Holds { name, verifier, signature } => {
            Step::Challenge(signature, Exchange(State::ScramConfirmed(name, verifier)))
        }
        scram::Proof::Fails { name } => Step::Done(Claim::Disproven { name }),
    }
}

/// Says nothing of what was said so far.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Plain => "Exchange(PLAIN)",
            _ => "Exchange(SCRAM-SHA-256)",
        })
    }
}

/// A SCRAM exchange that needs the verifier of the name that the client gave.
pub struct Lookup(scram::Asked);

impl Lookup {
    /// Whose. Where there is no such account, take a [decoy](crate::CredentialRecord::decoy): the exchange must go
    /// on as if there were.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Goes on with the verifier.
    #[must_use]
    pub fn found(self, verifier: ScramVerifier) -> Step {
        let (challenge, last) = self.0.challenge(verifier);
        Step::Challenge(challenge, Exchange(State::ScramFinal(last)))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lookup").field(&self.name()).finish()
    }
}

/// Who the client says it is.
#[derive(Debug)]
pub enum Claim {
    /// It gave a password, which is still to be checked against the record of that name.
    Password {
        /// As typed, but for SASLprep.
        name: String,
        /// What it gave.
        password: Secret,
    },
    /// It has proven that it knows the password behind the verifier that was looked up. To be held against the
    /// record as it is now: the password may have been changed, or the account made anew, meanwhile.
    Proven {
        /// The name that was looked up.
        name: String,
        /// What was found.
        verifier: ScramVerifier,
    },
    /// Its proof does not fit the verifier: a wrong password, to be treated as one.
    Disproven {
        /// The name that was looked up.
        name: String,
    },
}

impl Claim {
    /// Who the client says it is.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Password { name, .. } | Self::Proven { name, .. } | Self::Disproven { name } => name,
        }
    }

    /// The claim of a LOGIN command, or of USER and PASS.
    ///
    /// # Errors
    /// Name or password are not text that can be prepared: such an account cannot be.
    pub fn login(name: &[u8], password: &[u8]) -> Result<Self, Failure> {
        let name = plain::name(name).map_err(|_| Failure::WrongCredentials)?;
        let password = plain::password(password).map_err(|_| Failure::WrongCredentials)?;
        Ok(Self::Password { name, password })
    }
}
