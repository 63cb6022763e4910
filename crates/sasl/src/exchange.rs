//! The shape that all mechanisms share.

use crate::bearer::Style;
use crate::binding::Binding;
use crate::credential::{Fits, ScramHash, ScramVerifier, Verifiers};
use crate::failure::Failure;
use crate::mechanism::Mechanism;
use crate::offer::BearerHint;
use crate::prep::BadText;
use crate::secret::Secret;
use crate::{external, login, plain, scram};
use std::fmt;
use std::sync::Arc;

/// Random octets that no other exchange has had.
#[derive(Clone, Copy)]
pub struct Nonce(pub [u8; 18]);

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Send these octets, and give the client's answer to the exchange.
    Challenge(Vec<u8>, Exchange),
    /// Find the verifiers of a name.
    Lookup(Lookup),
    /// The client claims to be somebody. Find out whether that holds, and tell the one who waits for it.
    Judge(Claim, Pending),
    /// It is over.
    Failed(Failure),
}

/// Begins an exchange. Only an offer does that: see [`Chosen::begin`](crate::Chosen::begin).
pub(crate) fn begin(
    mechanism: Mechanism,
    binding: Binding,
    hint: &Arc<BearerHint>,
    initial: Option<&[u8]>,
    nonce: Nonce,
) -> Step {
    let scram = |hash| State::ScramFirst(scram::First::new(hash, binding, nonce));
    let state = match mechanism {
        Mechanism::Plain => State::Plain,
        Mechanism::Login => State::LoginName,
        Mechanism::External => State::External,
        Mechanism::OAuthBearer => State::Bearer(Style::OAuthBearer, Arc::clone(hint)),
        Mechanism::XOAuth2 => State::Bearer(Style::XOAuth2, Arc::clone(hint)),
        Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => scram(ScramHash::Sha256),
        Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => scram(ScramHash::Sha1),
    };
    let exchange = Exchange(state);
    match initial {
        Some(response) => exchange.respond(response),
        // All of them let the client speak first (RFC 4422, 5, 2a); LOGIN says what it waits for.
        None if mechanism == Mechanism::Login => Step::Challenge(login::NAME_WANTED.to_vec(), exchange),
        None => Step::Challenge(Vec::new(), exchange),
    }
}

/// An exchange that waits for the client.
pub struct Exchange(State);

enum State {
    Plain,
    LoginName,
    LoginPassword(String),
    External,
    Bearer(Style, Arc<BearerHint>),
    ScramFirst(scram::First),
    ScramFinal(scram::Final),
    /// Nothing but the client's consent to hear that it failed is missing.
    Over(Failure),
}

impl Exchange {
    /// Takes the client's answer, its base64 removed. The exchange is used up; what goes on is in the step.
    #[must_use]
    pub fn respond(self, response: &[u8]) -> Step {
        let next = match self.0 {
            State::Plain => plain::read(response).map(judge),
            State::LoginName => plain::name(response).map(|name| {
                Step::Challenge(login::PASSWORD_WANTED.to_vec(), Self(State::LoginPassword(name)))
            }),
            State::LoginPassword(name) => login::read(name, response).map(judge),
            State::External => external::read(response).map(judge),
            State::Bearer(style, hint) => style.read(response).map(|asked| bearer(style, hint, asked)),
            State::ScramFirst(first) => return scram_first(first, response),
            State::ScramFinal(last) => last.read(response).map(proof),
            State::Over(failure) => Err(failure),
        };
        next.unwrap_or_else(Step::Failed)
    }
}

/// A claim after which nothing more is said.
fn judge(claim: Claim) -> Step {
    Step::Judge(claim, Pending(Rest::Nothing))
}

fn bearer(style: Style, hint: Arc<BearerHint>, asked: crate::bearer::Asked) -> Step {
    let pending = Pending(Rest::Bearer(style, hint));
    match asked.token {
        Some(token) => Step::Judge(Claim::Bearer { user: asked.user, token }, pending),
        None => pending.refused(Refused::Claim),
    }
}

fn scram_first(first: scram::First, response: &[u8]) -> Step {
    match first.read(response) {
        Ok(asked) => Step::Lookup(Lookup(asked)),
        // RFC 5802, 7: what is told as `e=`. It is the last that we say.
        Err(failure) => match scram::server_error(failure) {
            Some(told) => Step::Challenge(told.to_vec(), Exchange(State::Over(failure))),
            None => Step::Failed(failure),
        },
    }
}

fn proof(proof: scram::Proof) -> Step {
    match proof {
        // A right proof looks like a wrong one until somebody is let in by it.
        scram::Proof::Holds { name, fits: Fits { which, verifier }, seal } => {
            Step::Judge(Claim::Proven { name, verifier, which }, Pending(Rest::Scram(seal)))
        }
        scram::Proof::Fails { name, why } => judge(Claim::Disproven { name, why }),
    }
}

/// Says nothing of what was said so far.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Plain => "Exchange(PLAIN)",
            State::LoginName | State::LoginPassword(_) => "Exchange(LOGIN)",
            State::External => "Exchange(EXTERNAL)",
            State::Bearer(..) => "Exchange(bearer)",
            State::ScramFirst(_) | State::ScramFinal(_) => "Exchange(SCRAM)",
            State::Over(_) => "Exchange(over)",
        })
    }
}

/// A SCRAM exchange that needs the verifiers of the name that the client gave.
pub struct Lookup(scram::Asked);

impl Lookup {
    /// Whose. Where there is no such account, take a [decoy](crate::CredentialRecord::decoy): the exchange must go
    /// on as if there were.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Goes on with the verifiers.
    #[must_use]
    pub fn found(self, verifiers: impl Into<Verifiers>) -> Step {
        let (challenge, last) = self.0.challenge(verifiers.into());
        Step::Challenge(challenge, Exchange(State::ScramFinal(last)))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lookup").field(&self.name()).finish()
    }
}

/// An exchange that waits for what becomes of its claim.
pub struct Pending(Rest);

/// What a mechanism has to say yet once a claim is judged.
enum Rest {
    Nothing,
    /// To who is refused.
    Bearer(Style, Arc<BearerHint>),
    /// To who is let in.
    Scram(Box<scram::Seal>),
}

/// What became of a claim that does not let anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It does not hold.
    Claim,
    /// It was not judged, or whoever holds it may not come in now.
    NotNow,
}

/// What is left to say to somebody who is let in, and who that is.
#[must_use]
#[derive(Debug)]
pub enum Accepted<T> {
    /// Nothing: here they are.
    In(T),
    /// Send these octets: they prove the server to the client, and tell it that its own proof was right. Then give the
    /// client's answer to the one who waits for it.
    Prove(Vec<u8>, Assent<T>),
}

/// Somebody who is let in, as soon as the client is content with our proof. If it is not, drop this, and them with it.
#[derive(Debug)]
pub struct Assent<T>(T);

impl<T> Assent<T> {
    /// Takes the client's answer, its base64 removed: an empty one (RFC 4422, 5, 2b) says that it is content.
    ///
    /// # Errors
    /// It says something else.
    pub fn respond(self, response: &[u8]) -> Result<T, Failure> {
        match response {
            [] => Ok(self.0),
            _ => Err(Failure::Malformed("An empty response belongs here")),
        }
    }
}

impl Pending {
    /// The claim holds, and nothing else keeps out whoever made it: `entered` is who they are now, and comes back when all is
    /// said. So nothing that tells that a proof is right can be said to anybody who has not been let in.
    pub fn accepted<T>(self, entered: T) -> Accepted<T> {
        match self.0 {
            Rest::Scram(seal) => Accepted::Prove(seal.sign(), Assent(entered)),
            Rest::Nothing | Rest::Bearer(..) => Accepted::In(entered),
        }
    }

    /// The client is not let in: the exchange has failed, or has one challenge more to send, whose answer is to be read
    /// before the failure is told (RFC 7628, 3.2.3).
    #[must_use]
    pub fn refused(self, why: Refused) -> Step {
        match (self.0, why) {
            (Rest::Bearer(style, hint), Refused::Claim) => {
                let over = Exchange(State::Over(Failure::WrongCredentials));
                Step::Challenge(style.refusal(&hint), over)
            }
            // A token that may be good is not to be thrown away, and JSON has no word for that.
            _ => Step::Failed(Failure::WrongCredentials),
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

/// A password as it was typed, and as it is compared.
#[derive(Debug)]
pub struct Typed {
    raw: Secret,
    prepared: Secret,
}

impl Typed {
    /// Of what was typed.
    ///
    /// # Errors
    /// See [`Secret::password`].
    pub fn new(text: &str) -> Result<Self, BadText> {
        Ok(Self { raw: Secret::typed(text)?, prepared: Secret::password(text)? })
    }

    pub(crate) fn read(octets: &[u8]) -> Result<Self, BadText> {
        // What is no text at all is as wrong as what has no meaning in one.
        Self::new(std::str::from_utf8(octets).map_err(|_| BadText::Control)?)
    }

    /// Octet by octet as it came: what hashes made elsewhere, and directories that bind, want to see.
    #[must_use]
    pub const fn raw(&self) -> &Secret {
        &self.raw
    }

    /// As records of ours have it, and SCRAM.
    #[must_use]
    pub const fn prepared(&self) -> &Secret {
        &self.prepared
    }

    /// The same, when nothing else is wanted of it.
    #[must_use]
    pub fn into_prepared(self) -> Secret {
        self.prepared
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
        password: Typed,
    },
    /// It has proven that it knows the password behind a verifier that was looked up, and has not been told that yet. To be
    /// held against the records as they are now: the password may have been changed, or the account made anew, meanwhile.
    Proven {
        /// The name that was looked up.
        name: String,
        /// What its proof fits.
        verifier: ScramVerifier,
        /// Which of those that were found that is: their order, from 0.
        which: usize,
    },
    /// Its proof does not fit: a wrong password, to be treated as one.
    Disproven {
        /// The name that was looked up.
        name: String,
        /// For the log. The client is told the same of both.
        why: Disproof,
    },
    /// It has a token, which a directory has to know.
    Bearer {
        /// As whom it would act, if it says so: refuse it where the token is another's (threat T-30).
        user: Option<String>,
        /// The token.
        token: Secret,
    },
    /// Its certificate says who it is (threat T-35: only where somebody has said whose the certificate is).
    External {
        /// As whom it would act, if it says so: refuse it where the certificate is another's (threat T-30).
        authzid: Option<String>,
    },
}

/// Why a proof does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disproof {
    /// It is one of another password, or of another exchange.
    Password,
    /// It is right, but what the client has seen of the connection is not what we have seen: somebody is between.
    Channel,
}

impl Claim {
    /// Who the client says it is, or as whom it would act; `None` where that is for a token or a certificate to say.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Password { name, .. } | Self::Proven { name, .. } | Self::Disproven { name, .. } => {
                Some(name)
            }
            Self::Bearer { user: name, .. } | Self::External { authzid: name } => name.as_deref(),
        }
    }

    /// The claim of a LOGIN command, or of USER and PASS.
    ///
    /// # Errors
    /// Name or password are not text that can be prepared: such an account cannot be.
    pub fn login(name: &[u8], password: &[u8]) -> Result<Self, Failure> {
        let name = plain::name(name).map_err(|_| Failure::WrongCredentials)?;
        let password = Typed::read(password).map_err(|_| Failure::WrongCredentials)?;
        Ok(Self::Password { name, password })
    }
}
