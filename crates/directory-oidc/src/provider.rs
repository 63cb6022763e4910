//! The provider, over HTTPS: what it tells of itself, its keys, and what it says of a token.

use crate::claims::UnixTime;
use crate::config::{Introspection, OidcConfig};
use crate::keyring::{FETCHED_AGAIN_AFTER, Keyring, Known, Need, Step};
use crate::keys::Keys;
use crate::object::Object;
use crate::pause::Pause;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use directory::Trouble;
use fetch::{Answer, Client, FetchError, StatusCode, Url};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long the provider has for what one sign-in needs of it: less than the [patience](directory::PATIENCE) that whoever asks
/// has with us, so that what was known before can still be used.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Where providers of OpenID Connect tell of themselves, below their issuer (OpenID Connect Discovery 1.0, 4).
pub(crate) const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Where other authorization servers do, between host and path of it (RFC 8414, 3.1).
const WELL_KNOWN_OAUTH: &str = "/.well-known/oauth-authorization-server";

/// A provider, and what it told last.
#[derive(Debug)]
pub(crate) struct Provider {
    client: Client,
    issuer: String,
    introspection: Option<Introspection>,
    keyring: Mutex<Keyring>,
    /// One fetches, and the others, if they have nothing to go by, wait for them.
    turn: tokio::sync::Mutex<()>,
    introspecting: Mutex<Pause>,
}

impl Provider {
    pub(crate) fn new(config: &OidcConfig) -> Result<Self, FetchError> {
        Ok(Self {
            client: Client::new(&config.roots)?,
            issuer: config.issuer.clone(),
            introspection: config.introspection.clone(),
            keyring: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            introspecting: Mutex::default(),
        })
    }

    /// What the provider told of itself, not too long ago.
    pub(crate) async fn known(&self, now: UnixTime) -> Result<Arc<Known>, Trouble> {
        let is_first = self.keyring().kept(now).is_none();
        let _turn = if is_first { Some(self.turn.lock().await) } else { None };
        let step = self.keyring().step(Need::Any, now);
        match step {
            Step::Use(known) => Ok(known),
            Step::TooSoon(why) => {
                Err(why.unwrap_or_else(|| Trouble::new("the provider has told nothing yet")))
            }
            Step::Fetch => {
                let fetched = self.fetch(now).await;
                let kept = self.keyring().kept(now);
                fetched.or_else(|why| kept.ok_or(why))
            }
        }
    }

    /// The same, where `known` has not got the key that is looked for.
    ///
    /// # Errors
    /// The provider cannot be asked; or it was just now, and then this is [passing](Trouble::is_passing): strangers can have us
    /// ask by a token of their own making, and the key may be there since.
    pub(crate) async fn newer(&self, known: &Arc<Known>, now: UnixTime) -> Result<Arc<Known>, Trouble> {
        let _turn = self.turn.lock().await;
        // Whoever had the turn before may have fetched it.
        if let Some(kept) = self.keyring().kept(now).filter(|kept| !Arc::ptr_eq(kept, known)) {
            return Ok(kept);
        }
        let step = self.keyring().step(Need::Newer, now);
        match step {
            Step::TooSoon(None) => Err(Trouble::passing(format_args!(
                "a token names a key that the provider has not told of, and it was asked within the last {FETCHED_AGAIN_AFTER} s"
            ))),
            Step::TooSoon(Some(why)) => Err(why),
            Step::Use(_) | Step::Fetch => self.fetch(now).await,
        }
    }

    async fn fetch(&self, now: UnixTime) -> Result<Arc<Known>, Trouble> {
        self.keyring().fetching(now);
        let told = timeout(PATIENCE, self.told()).await;
        let told = told.unwrap_or_else(|_| Err(Trouble::new("the provider does not answer in time")));
        let mut keyring = self.keyring();
        match told {
            Ok(known) => {
                let known = Arc::new(known);
                keyring.fetched(Arc::clone(&known), now);
                Ok(known)
            }
            Err(why) => {
                keyring.failed(why.clone());
                Err(why)
            }
        }
    }

    async fn told(&self) -> Result<Known, Trouble> {
        let metadata = self.metadata().await?;
        // What it says it is has to be what we asked for, or it could speak for another (RFC 8414, 3.3).
        if metadata.text("issuer") != Some(&self.issuer) {
            return Err(Trouble::new("the provider calls itself another issuer than the settings do"));
        }
        let no_keys = || Trouble::new("the provider tells no https URL of its keys (jwks_uri)");
        let place = metadata.text("jwks_uri").and_then(|url| Url::parse(url).ok()).ok_or_else(no_keys)?;
        let answer = self.client.get(&place).await.map_err(Trouble::new)?;
        let keys = found(&answer).then(|| Keys::read(&answer.body)).flatten();
        let keys = keys.filter(|keys| !keys.is_empty());
        let keys = keys.ok_or_else(|| Trouble::new(format_args!("no keys of use to us at {place}")))?;
        let introspection = metadata.text("introspection_endpoint").and_then(|url| Url::parse(url).ok());
        Ok(Known { keys, introspection })
    }

    async fn metadata(&self) -> Result<Object, Trouble> {
        let mut status = StatusCode::NOT_FOUND;
        for place in places(&self.issuer) {
            let answer =
                self.client.get(&Url::parse(&place).map_err(Trouble::new)?).await.map_err(Trouble::new)?;
            if found(&answer) {
                return Object::read(&answer.body)
                    .ok_or_else(|| Trouble::new(format_args!("what is at {place} is no JSON object")));
            }
            status = answer.status;
        }
        Err(Trouble::new(format_args!("the provider tells nothing of itself: {status}")))
    }

    /// What the provider says of a token (RFC 7662, 2.1); `None` where it is not active.
    pub(crate) async fn introspect(&self, token: &str, now: UnixTime) -> Result<Option<Object>, Trouble> {
        let Some(settings) = &self.introspection else {
            return Err(Trouble::new("the settings have no introspection"));
        };
        let known = self.known(now).await?;
        let place = known.introspection.as_ref();
        let place = place.ok_or_else(|| Trouble::new("the provider tells no https URL for introspection"))?;
        if let Some(why) = self.introspecting().holds(now) {
            return Err(why);
        }
        let said = timeout(PATIENCE, self.said_of(token, settings, place)).await;
        let said = said.unwrap_or_else(|_| Err(Trouble::new("the provider does not answer in time")));
        self.introspecting().note(&said);
        said
    }

    async fn said_of(
        &self,
        token: &str,
        settings: &Introspection,
        place: &Url,
    ) -> Result<Option<Object>, Trouble> {
        let body = format!("token={}&token_type_hint=access_token", form(token));
        let authorization = basic(settings);
        let headers = [("authorization", authorization.as_str()), ("accept", "application/json")];
        let answer = self.client.post(place, "application/x-www-form-urlencoded", body, &headers).await;
        let answer = answer.map_err(Trouble::new)?;
        if !found(&answer) {
            return Err(Trouble::new(format_args!(
                "the provider does not introspect for us: {}",
                answer.status
            )));
        }
        let said = Object::read(&answer.body);
        let said = said.ok_or_else(|| Trouble::new("what the provider says of a token is no JSON object"))?;
        match said.get("active").and_then(serde_json::Value::as_bool) {
            Some(true) => Ok(Some(said)),
            Some(false) => Ok(None),
            None => Err(Trouble::new("the provider does not say whether a token is active")),
        }
    }

    fn introspecting(&self) -> MutexGuard<'_, Pause> {
        self.introspecting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keyring(&self) -> MutexGuard<'_, Keyring> {
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn found(answer: &Answer) -> bool {
    answer.status == StatusCode::OK
}

/// Where a provider may tell of itself.
fn places(issuer: &str) -> [String; 2] {
    let issuer = issuer.trim_end_matches('/');
    let host_ends = issuer.find("://").and_then(|at| Some(at + 3 + issuer.get(at + 3..)?.find('/')?));
    let (host, path) = issuer.split_at(host_ends.unwrap_or(issuer.len()));
    [format!("{issuer}{WELL_KNOWN}"), format!("{host}{WELL_KNOWN_OAUTH}{path}")]
}

/// client_secret_basic: both are written as in a form before they are put together (RFC 6749, 2.3.1).
fn basic(settings: &Introspection) -> Zeroizing<String> {
    let secret = Zeroizing::new(form(settings.client_secret.expose()));
    let pair = Zeroizing::new(format!("{}:{}", form(&settings.client_id), *secret));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)))
}

/// As forms are written (application/x-www-form-urlencoded), all that is not plain by its octets.
fn form(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            written.push(octet.into());
        } else {
            // A String takes everything.
            let _ = write!(written, "%{octet:02X}");
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Introspected;
    use directory::Secret;

    #[test]
    fn a_provider_tells_of_itself_below_its_issuer_or_between_host_and_path() {
        for (issuer, openid, oauth) in [
            (
                "https://id.example.org",
                "https://id.example.org/.well-known/openid-configuration",
                "https://id.example.org/.well-known/oauth-authorization-server",
            ),
            (
                "https://id.example.org/",
                "https://id.example.org/.well-known/openid-configuration",
                "https://id.example.org/.well-known/oauth-authorization-server",
            ),
            (
                "https://id.example.org:8443/realms/staff",
                "https://id.example.org:8443/realms/staff/.well-known/openid-configuration",
                "https://id.example.org:8443/.well-known/oauth-authorization-server/realms/staff",
            ),
        ] {
            assert_eq!(places(issuer), [openid, oauth]);
        }
    }

    #[test]
    fn a_secret_goes_out_in_the_form_that_rfc_6749_has() {
        let settings = Introspection {
            client_id: "mail:server".into(),
            client_secret: Secret::new("p ä%+"),
            tokens: Introspected::Opaque,
        };
        let encoded = STANDARD.encode("mail%3Aserver:p%20%C3%A4%25%2B");
        assert_eq!(*basic(&settings), format!("Basic {encoded}"));
        assert!(!format!("{settings:?}").contains("p ä"));
    }
}
