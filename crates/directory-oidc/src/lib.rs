//! Accounts that an OpenID provider vouches for: whoever brings a token of it is let in.
//!
//! A token is either signed, and then judged by the keys that the provider publishes, or a text that only the provider can read,
//! and then it is asked ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)). What has to be in a token, the settings say.
//!
//! > **Promises.** A token is checked by an algorithm of a short list, with a key of the provider that is for that algorithm;
//! > nothing that is in a token says where a key is, or is part of a path or a URL (threat T-33). It has to be made by this
//! > issuer, for one of our audiences, and for now. Who made it is looked at first, and a signed token of another issuer is told
//! > to nobody. While the provider is down its keys are used for a day; what cannot be known is "unavailable", never "wrong".
//!
//! Left to others: what a client hears (`sasl`, with what [`OidcDirectory::challenge`] gives); whose mail somebody gets (`door`).

mod claims;
mod config;
mod jws;
mod keyring;
mod keys;
mod object;
mod pause;
mod provider;
mod refusal;
mod remembered;

pub use claims::{LEEWAY, UnixTime};
pub use config::{Introspected, Introspection, LoginClaim, OidcConfig};
pub use jws::{MAX_KEY_ID_OCTETS, MAX_TOKEN_OCTETS};
pub use keyring::{FETCHED_AGAIN_AFTER, FIRST_FETCHED_AGAIN_AFTER, FRESH_FOR, KEPT_FOR};
pub use keys::MAX_KEYS;
pub use refusal::Refusal;
pub use remembered::{ACTIVE_FOR, INACTIVE_FOR, MAX_REMEMBERED};

use claims::{Person, Rules, Source};
use directory::{Ability, Answer, Asked, Directory, DirectoryName, Found, Password, Token, Trouble};
use fetch::Url;
use jws::Signed;
use keys::Verified;
use provider::{Provider, WELL_KNOWN};
use remembered::Remembered;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use terms::Login;

/// What time it is.
pub type Clock = dyn Fn() -> UnixTime + Send + Sync;

/// Who hears why a token does not hold. It is for the log, and called by whoever asks, so it must not wait. Strangers can bring
/// it about, once for each try.
pub type Notice = dyn Fn(Refusal) + Send + Sync;

/// A directory that is an OpenID provider.
pub struct OidcDirectory {
    name: DirectoryName,
    rules: Rules,
    introspected: Option<Introspected>,
    challenge: Challenge,
    provider: Provider,
    remembered: Mutex<Remembered>,
    clock: Box<Clock>,
    notice: Box<Notice>,
}

/// What a client needs to get a token that holds, for the error that OAUTHBEARER sends (RFC 7628, 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Where the provider tells of itself: `openid-configuration`.
    pub openid_configuration: String,
    /// The scopes to ask for, with spaces between them; empty where none is needed.
    pub scope: String,
}

/// Why there can be no such directory.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// Nobody is asked by it, or no token can have it.
    #[error("the issuer is no https URL: {0}")]
    Issuer(fetch::FetchError),
    /// Then tokens for any other service would do.
    #[error("there is no audience: name for whom tokens have to be made (their `aud`)")]
    NoAudience,
    /// A scope is a word without a space, a quote or a backslash (RFC 6749, 3.3).
    #[error("`{0}` is no scope")]
    Scope(String),
    /// Nobody can be verified.
    #[error(transparent)]
    Roots(fetch::FetchError),
}

impl OidcDirectory {
    /// A directory that asks this provider, when it is first asked itself.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn new(config: OidcConfig, clock: Box<Clock>, notice: Box<Notice>) -> Result<Self, BadConfig> {
        Url::parse(&config.issuer).map_err(BadConfig::Issuer)?;
        if config.audiences.is_empty() {
            return Err(BadConfig::NoAudience);
        }
        if let Some(bad) = config.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(BadConfig::Scope(bad.clone()));
        }
        Ok(Self {
            rules: Rules::of(&config),
            introspected: config.introspection.as_ref().map(|introspection| introspection.tokens),
            challenge: Challenge {
                openid_configuration: format!("{}{WELL_KNOWN}", config.issuer.trim_end_matches('/')),
                scope: config.scopes.join(" "),
            },
            provider: Provider::new(&config).map_err(BadConfig::Roots)?,
            name: config.name,
            remembered: Mutex::default(),
            clock,
            notice,
        })
    }

    /// Whether the provider can be reached, is who the settings say, and has keys that are of use.
    ///
    /// # Errors
    /// What is the matter.
    pub async fn examine(&self) -> Result<(), Trouble> {
        let known = self.provider.known((self.clock)()).await?;
        if self.introspected.is_some() && known.introspection.is_none() {
            return Err(Trouble::new("the provider tells no https URL for introspection"));
        }
        Ok(())
    }

    /// What a client needs to get a token that holds.
    #[must_use]
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    async fn answer(&self, token: &str) -> Answer<Found> {
        if !jws::is_bearer_token(token) {
            return Answer::NoSuch;
        }
        let person = match Signed::read(token) {
            // Not verified, and so no more than a reason to look no further.
            Some(signed) if signed.claims.text("iss") != Some(&self.rules.issuer) => return Answer::NoSuch,
            Some(signed) => match self.judge(&signed).await {
                Answer::Yes(_) if self.introspected == Some(Introspected::All) => {
                    self.introspect(token, Answer::Wrong).await
                }
                judged => judged,
            },
            // A text that says nothing may as well be another authority's.
            None if self.introspected.is_some() => self.introspect(token, Answer::NoSuch).await,
            None => return Answer::NoSuch,
        };
        person.map(|person| person.found)
    }

    /// Judges a signed token by the keys of the provider. What costs nothing comes first, so that nobody has us fetch keys by a
    /// token that would not do anyway.
    async fn judge(&self, signed: &Signed<'_>) -> Answer<Person> {
        let now = (self.clock)();
        let header = match signed.header() {
            Ok(header) => header,
            Err(refusal) => return self.wrong(refusal),
        };
        let person = match self.rules.judge(&signed.claims, Source::Token, now) {
            Ok(person) => person,
            Err(refusal) => return self.wrong(refusal),
        };
        let known = match self.provider.known(now).await {
            Ok(known) => known,
            Err(why) => return Answer::Unavailable(why),
        };
        let mut verified = known.keys.verify(&header, signed.input, &signed.signature);
        if verified == Verified::UnknownKey {
            match self.provider.newer(&known, now).await {
                Ok(newer) => verified = newer.keys.verify(&header, signed.input, &signed.signature),
                Err(why) => {
                    (self.notice)(Refusal::UnknownKey);
                    return Answer::Unavailable(why);
                }
            }
        }
        match verified {
            Verified::Right => Answer::Yes(person),
            Verified::Wrong => self.wrong(Refusal::Signature),
            Verified::UnknownKey => self.wrong(Refusal::UnknownKey),
        }
    }

    /// Asks the provider, or whoever remembers what it said; `inactive` is the answer where it does not know the token.
    async fn introspect(&self, token: &str, inactive: Answer<Person>) -> Answer<Person> {
        let now = (self.clock)();
        let known = self.remembered().get(token, now);
        let person = match known {
            Some(person) => person,
            None => match self.provider.introspect(token, now).await {
                Err(why) => return Answer::Unavailable(why),
                Ok(said) => {
                    let said = said.ok_or(Refusal::Inactive);
                    let person = said.and_then(|said| self.rules.judge(&said, Source::Provider, now));
                    self.remembered().keep(token, person.clone(), now);
                    person
                }
            },
        };
        match person {
            Ok(person) => Answer::Yes(person),
            Err(Refusal::Inactive) => {
                (self.notice)(Refusal::Inactive);
                inactive
            }
            Err(refusal) => self.wrong(refusal),
        }
    }

    fn wrong<T>(&self, refusal: Refusal) -> Answer<T> {
        (self.notice)(refusal);
        Answer::Wrong
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'"' && octet != b'\\')
}

impl Directory for OidcDirectory {
    fn name(&self) -> &DirectoryName {
        &self.name
    }

    fn can(&self, ability: Ability) -> bool {
        match ability {
            Ability::Passwords => false,
            Ability::Bearer => true,
        }
    }

    /// What is not known is looked for with pauses ([`FETCHED_AGAIN_AFTER`]), and meanwhile the keys that are known judge on.
    fn spares_itself(&self) -> bool {
        true
    }

    fn examine(&self) -> Asked<'_, ()> {
        Box::pin(async { Self::examine(self).await.map_or_else(Answer::Unavailable, Answer::Yes) })
    }

    /// A provider is asked about tokens, and knows nobody by name.
    fn find<'a>(&'a self, _: &'a Login) -> Asked<'a, Found> {
        Box::pin(std::future::ready(Answer::NoSuch))
    }

    /// Nobody here has a password.
    fn check<'a>(&'a self, _: &'a Found, _: Password<'a>) -> Asked<'a, ()> {
        Box::pin(std::future::ready(Answer::Wrong))
    }

    fn bearer<'a>(&'a self, token: Token<'a>) -> Asked<'a, Found> {
        Box::pin(self.answer(token.expose()))
    }
}

impl fmt::Debug for OidcDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OidcDirectory").field(&self.name).finish()
    }
}
