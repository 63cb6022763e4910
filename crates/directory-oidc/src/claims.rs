//! What a token says, held against the settings. Pure: what time it is comes from outside.

use crate::config::{LoginClaim, OidcConfig};
use crate::object::Object;
use crate::refusal::Refusal;
use aws_lc_rs::digest;
use directory::{Found, MAX_SUBJECT_OCTETS, Standing, Stored, Subject};
use serde_json::Value;
use std::fmt::Write as _;
use terms::Login;

/// How far the provider's clock may be from ours, in seconds.
pub const LEEWAY: u64 = 30;

/// A point in time: seconds since 1970, as tokens have them (RFC 7519, 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(pub u64);

impl UnixTime {
    pub(crate) fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// Where claims come from, and so what is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A signed token: all that is asked for has to be in it.
    Token,
    /// The provider's answer about a token: who made it goes without saying, and so does its end.
    Provider,
}

/// What the settings ask of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) issuer: String,
    audiences: Vec<String>,
    clients: Vec<String>,
    scopes: Vec<String>,
    login: LoginClaim,
    enabled: Option<String>,
}

/// Somebody whom a token lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) found: Found,
    /// When the token ends, where that is known.
    pub(crate) until: Option<UnixTime>,
}

impl Rules {
    pub(crate) fn of(config: &OidcConfig) -> Self {
        Self {
            issuer: config.issuer.clone(),
            audiences: config.audiences.clone(),
            clients: config.clients.clone(),
            scopes: config.scopes.clone(),
            login: config.login.clone(),
            enabled: config.enabled.clone(),
        }
    }

    /// Whose a token is that says this at that time.
    pub(crate) fn judge(&self, claims: &Object, source: Source, now: UnixTime) -> Result<Person, Refusal> {
        self.check_issuer(claims, source)?;
        if !is_for_access(claims) {
            return Err(Refusal::Type);
        }
        let until = check_time(claims, source, now)?;
        self.check_audience(claims, source)?;
        // RFC 7800, 3.1: the provider wants its holder to prove a key, which a bearer does not.
        if claims.get("cnf").is_some() {
            return Err(Refusal::Bound);
        }
        self.check_scopes(claims)?;
        let found = Found {
            subject: self.subject(claims)?,
            login: self.login(claims)?,
            also: [].into(),
            standing: self.standing(claims),
            stored: Stored::Elsewhere,
            version: None,
        };
        Ok(Person { found, until })
    }

    fn check_issuer(&self, claims: &Object, source: Source) -> Result<(), Refusal> {
        match claims.get("iss") {
            None if source == Source::Provider => Ok(()),
            // Letter by letter: OpenID Connect Core 1.0, 3.1.3.7.
            Some(Value::String(issuer)) if *issuer == self.issuer => Ok(()),
            _ => Err(Refusal::Issuer),
        }
    }

    /// For us, and for a program that is allowed. A provider's answer may leave out for whom a token is (RFC 7662, 2.2); then the
    /// program has to be one of the settings, for something has to say that the token is meant for mail.
    fn check_audience(&self, claims: &Object, source: Source) -> Result<(), Refusal> {
        let clients: Vec<_> = ["azp", "client_id"].into_iter().filter_map(|name| claims.get(name)).collect();
        let is_known = |client: &&Value| {
            client.as_str().is_some_and(|client| self.clients.iter().any(|known| known == client))
        };
        let by_client = !self.clients.is_empty() && !clients.is_empty() && clients.iter().all(is_known);
        if !self.clients.is_empty() && !by_client {
            return Err(Refusal::Client);
        }
        let is_for_us = claims.texts("aud").iter().any(|one| self.audiences.iter().any(|known| known == one));
        let goes_without = source == Source::Provider && claims.get("aud").is_none() && by_client;
        if is_for_us || goes_without { Ok(()) } else { Err(Refusal::Audience) }
    }

    /// In `scope` with spaces between them (RFC 9068, 2.2.3), or in an array or in `scp`, as some write it.
    fn check_scopes(&self, claims: &Object) -> Result<(), Refusal> {
        let written = ["scope", "scp"].into_iter().flat_map(|name| claims.texts(name));
        let granted: Vec<_> = written.flat_map(|text| text.split(' ')).collect();
        let is_granted = |scope: &String| granted.contains(&scope.as_str());
        if self.scopes.iter().all(is_granted) { Ok(()) } else { Err(Refusal::Scope) }
    }

    /// Who it is, at which provider: a `sub` is unique there and nowhere else (OpenID Connect Core 1.0, 5.7). An issuer has no
    /// space in it, so the two stay apart.
    fn subject(&self, claims: &Object) -> Result<Subject, Refusal> {
        let sub = claims.text("sub").filter(|sub| !sub.is_empty()).ok_or(Refusal::Subject)?;
        let whole = format!("{} {sub}", self.issuer);
        let kept = if whole.len() <= MAX_SUBJECT_OCTETS { whole } else { hashed(&whole) };
        Subject::new(&kept).map_err(|_| Refusal::Subject)
    }

    fn login(&self, claims: &Object) -> Result<Login, Refusal> {
        let name = claims.text(self.login.name()).ok_or(Refusal::Login)?;
        let is_verified = claims.get("email_verified") == Some(&Value::Bool(true));
        if self.login == LoginClaim::Email && !is_verified {
            return Err(Refusal::Unverified);
        }
        Login::new(name).map_err(|_| Refusal::Login)
    }

    fn standing(&self, claims: &Object) -> Standing {
        let is_enabled = |name: &String| claims.get(name) == Some(&Value::Bool(true));
        if self.enabled.as_ref().is_none_or(is_enabled) { Standing::Enabled } else { Standing::Disabled }
    }
}

/// Whether nothing says that it is a token of another kind: one to be renewed by is "active" too where a provider is asked about
/// it. `token_type` is RFC 7662's (2.2); Keycloak writes `typ` and Ory `token_use`.
fn is_for_access(claims: &Object) -> bool {
    let kinds = ["Bearer", "access", "access_token"];
    let is_fine = |said: &Value| {
        said.as_str().is_some_and(|said| kinds.iter().any(|kind| kind.eq_ignore_ascii_case(said)))
    };
    // Only what says who somebody is, to the program that asked, has the hashes of what came with it (OpenID Connect Core,
    // 3.1.3.6 and 3.3.2.11).
    let is_of_identity = ["at_hash", "c_hash"].iter().any(|name| claims.get(name).is_some());
    !is_of_identity
        && ["token_type", "typ", "token_use"].iter().filter_map(|name| claims.get(name)).all(is_fine)
}

/// When the token ends; it has begun, and has not ended.
fn check_time(claims: &Object, source: Source, now: UnixTime) -> Result<Option<UnixTime>, Refusal> {
    let until = match (claims.date("exp"), claims.get("exp")) {
        (Some(until), _) => Some(UnixTime(until)),
        (None, None) if source == Source::Provider => None,
        (None, _) => return Err(Refusal::Expired),
    };
    if until.is_some_and(|until| now >= until.plus(LEEWAY)) {
        return Err(Refusal::Expired);
    }
    match (claims.date("nbf"), claims.get("nbf")) {
        (None, None) => Ok(until),
        (Some(from), _) if UnixTime(from) <= now.plus(LEEWAY) => Ok(until),
        _ => Err(Refusal::NotYet),
    }
}

/// For subjects that are longer than a link may be.
fn hashed(text: &str) -> String {
    let mut kept = String::from("sha256:");
    for octet in digest::digest(&digest::SHA256, text.as_bytes()).as_ref() {
        // A String takes everything.
        let _ = write!(kept, "{octet:02x}");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use directory::DirectoryName;
    use proptest::prelude::*;
    use serde_json::json;

    const NOW: u64 = 1_000_000;

    fn config() -> OidcConfig {
        OidcConfig {
            name: DirectoryName::new("staff").unwrap(),
            issuer: "https://id.example.org".into(),
            audiences: vec!["imap".into(), "https://mail.example.org".into()],
            clients: Vec::new(),
            scopes: vec!["mail".into()],
            login: LoginClaim::PreferredUsername,
            enabled: None,
            introspection: None,
            roots: fetch::Roots::System,
        }
    }

    fn claims() -> Value {
        json!({
            "iss": "https://id.example.org",
            "aud": ["other", "imap"],
            "exp": NOW + 300,
            "sub": "248289761001",
            "scope": "openid mail",
            "preferred_username": "Ann@example.org",
        })
    }

    /// Claims like those of [`claims`], one of them changed; `null` takes it out.
    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        claims
    }

    fn judge(config: &OidcConfig, claims: &Value, source: Source) -> Result<Person, Refusal> {
        let claims = Object::read(claims.to_string().as_bytes()).unwrap();
        Rules::of(config).judge(&claims, source, UnixTime(NOW))
    }

    #[test]
    fn a_token_that_has_all_that_is_asked_for_is_somebodys() {
        let person = judge(&config(), &claims(), Source::Token).unwrap();
        assert_eq!(person.found.subject.as_str(), "https://id.example.org 248289761001");
        assert_eq!(person.found.login.as_str(), "ann@example.org");
        assert_eq!(person.found.standing, Standing::Enabled);
        assert_eq!(person.found.stored, Stored::Elsewhere);
        assert_eq!(person.until, Some(UnixTime(NOW + 300)));
    }

    #[test]
    fn what_lacks_one_thing_is_nobodys() {
        for (name, value, refusal) in [
            ("iss", json!(null), Refusal::Issuer),
            ("iss", json!("https://id.example.org/"), Refusal::Issuer),
            ("iss", json!("https://ID.example.org"), Refusal::Issuer),
            ("iss", json!(["https://id.example.org"]), Refusal::Issuer),
            ("aud", json!(null), Refusal::Audience),
            ("aud", json!("other"), Refusal::Audience),
            ("aud", json!([]), Refusal::Audience),
            ("aud", json!("imap other"), Refusal::Audience),
            ("aud", json!(["imap", 7]), Refusal::Audience),
            ("aud", json!({"imap": true}), Refusal::Audience),
            ("exp", json!(null), Refusal::Expired),
            ("exp", json!(NOW - LEEWAY), Refusal::Expired),
            ("exp", json!("1000300"), Refusal::Expired),
            ("exp", json!(-1), Refusal::Expired),
            ("nbf", json!(NOW + LEEWAY + 1), Refusal::NotYet),
            ("nbf", json!("0"), Refusal::NotYet),
            ("cnf", json!({"jkt": "x"}), Refusal::Bound),
            ("typ", json!("ID"), Refusal::Type),
            ("at_hash", json!("x"), Refusal::Type),
            ("c_hash", json!("x"), Refusal::Type),
            ("typ", json!("Refresh"), Refusal::Type),
            ("token_use", json!("refresh_token"), Refusal::Type),
            ("token_type", json!("DPoP"), Refusal::Type),
            ("token_type", json!(["Bearer"]), Refusal::Type),
            ("scope", json!(null), Refusal::Scope),
            ("scope", json!("openid mailx"), Refusal::Scope),
            ("scope", json!(7), Refusal::Scope),
            ("sub", json!(null), Refusal::Subject),
            ("sub", json!(""), Refusal::Subject),
            ("sub", json!(7), Refusal::Subject),
            ("sub", json!("a\nb"), Refusal::Subject),
            ("preferred_username", json!(null), Refusal::Login),
            ("preferred_username", json!("a b"), Refusal::Login),
            ("preferred_username", json!(["ann"]), Refusal::Login),
        ] {
            assert_eq!(
                judge(&config(), &with(name, value.clone()), Source::Token),
                Err(refusal),
                "{name} {value}"
            );
        }
    }

    #[test]
    fn what_may_be_written_in_more_ways_than_one_is_taken_in_each() {
        for (name, value) in [
            ("aud", json!("imap")),
            ("aud", json!("https://mail.example.org")),
            ("exp", json!(NOW + 1 - LEEWAY)),
            ("exp", json!(1_000_300.5)),
            ("nbf", json!(NOW + LEEWAY)),
            ("nbf", json!(0)),
            ("scope", json!("mail")),
            ("scope", json!(["openid", "mail"])),
            ("azp", json!("whoever")),
            ("typ", json!("Bearer")),
            ("token_type", json!("bearer")),
            ("token_use", json!("access_token")),
        ] {
            let person = judge(&config(), &with(name, value.clone()), Source::Token);
            assert!(person.is_ok(), "{name} {value}: {person:?}");
        }
        let mut claims = with("scope", json!(null));
        claims["scp"] = json!(["mail"]);
        assert!(judge(&config(), &claims, Source::Token).is_ok());
    }

    #[test]
    fn an_address_is_a_login_only_where_the_provider_has_verified_it() {
        let by_email = OidcConfig { login: LoginClaim::Email, ..config() };
        for (verified, login) in [
            (json!(true), Ok("ann@example.org")),
            (json!(false), Err(Refusal::Unverified)),
            (json!("true"), Err(Refusal::Unverified)),
            (json!(1), Err(Refusal::Unverified)),
            (json!(null), Err(Refusal::Unverified)),
        ] {
            let mut claims = with("email", json!("ann@example.org"));
            claims["email_verified"] = verified;
            let person = judge(&by_email, &claims, Source::Token);
            assert_eq!(person.map(|person| person.found.login.to_string()), login.map(str::to_owned));
        }
        let by_name = OidcConfig { login: LoginClaim::Named("mail_address".into()), ..config() };
        let person = judge(&by_name, &with("mail_address", json!("bob")), Source::Token).unwrap();
        assert_eq!(person.found.login.as_str(), "bob");
    }

    #[test]
    fn only_programs_of_the_settings_are_served_where_there_are_any() {
        let config = OidcConfig { clients: vec!["thunderbird".into()], ..config() };
        for (azp, client_id, is_served) in [
            (json!("thunderbird"), json!(null), true),
            (json!(null), json!("thunderbird"), true),
            (json!("thunderbird"), json!("thunderbird"), true),
            (json!("thunderbird"), json!("evil"), false),
            (json!("evil"), json!("thunderbird"), false),
            (json!("evil"), json!(null), false),
            (json!(["thunderbird"]), json!(null), false),
            (json!(null), json!(null), false),
        ] {
            let mut claims = with("azp", azp.clone());
            if !client_id.is_null() {
                claims["client_id"] = client_id.clone();
            }
            let judged = judge(&config, &claims, Source::Token);
            assert_eq!(judged.is_ok(), is_served, "{azp} {client_id}");
            assert!(is_served || judged == Err(Refusal::Client));
        }
    }

    #[test]
    fn a_claim_of_the_settings_says_who_may_sign_in() {
        let config = OidcConfig { enabled: Some("mail_enabled".into()), ..config() };
        for (value, standing) in [
            (json!(true), Standing::Enabled),
            (json!(false), Standing::Disabled),
            (json!("true"), Standing::Disabled),
            (json!(null), Standing::Disabled),
        ] {
            let person = judge(&config, &with("mail_enabled", value), Source::Token).unwrap();
            assert_eq!(person.found.standing, standing);
        }
    }

    /// RFC 7662, 2.2: nearly everything is optional there.
    #[test]
    fn the_providers_own_word_may_leave_out_who_made_the_token_and_its_end() {
        for name in ["iss", "exp"] {
            let person = judge(&config(), &with(name, json!(null)), Source::Provider);
            assert!(person.is_ok(), "{name}: {person:?}");
        }
        for (name, value, refusal) in [
            ("iss", json!("https://evil.example"), Refusal::Issuer),
            ("aud", json!("other"), Refusal::Audience),
            ("aud", json!(null), Refusal::Audience),
            ("exp", json!(NOW - LEEWAY), Refusal::Expired),
            ("exp", json!("x"), Refusal::Expired),
        ] {
            assert_eq!(
                judge(&config(), &with(name, value.clone()), Source::Provider),
                Err(refusal),
                "{name} {value}"
            );
        }
        // For whom it is, something has to say: then it is the program that it was made for.
        let config = OidcConfig { clients: vec!["thunderbird".into()], ..config() };
        let mut claims = with("aud", json!(null));
        claims["client_id"] = json!("thunderbird");
        assert!(judge(&config, &claims, Source::Provider).is_ok());
        assert_eq!(judge(&config, &claims, Source::Token), Err(Refusal::Audience));
    }

    #[test]
    fn a_subject_that_is_too_long_to_be_kept_is_one_all_the_same() {
        let subject =
            |sub: String| judge(&config(), &with("sub", json!(sub)), Source::Token).unwrap().found.subject;
        let (one, other) = (subject("a".repeat(255)), subject("b".repeat(255)));
        assert_ne!(one, other);
        assert_eq!(one, subject("a".repeat(255)));
        assert!(one.as_str().starts_with("sha256:"));
    }

    proptest! {
        #[test]
        fn two_subjects_are_two_and_of_two_issuers_too(one in "[a-z ]{1,20}", other in "[a-z ]{1,20}") {
            let subject = |sub: &str| judge(&config(), &with("sub", json!(sub)), Source::Token).unwrap().found.subject;
            prop_assert_eq!(one == other, subject(&one) == subject(&other));
            let elsewhere = OidcConfig { issuer: "https://id.example.org/b".into(), ..config() };
            let mut claims = with("sub", json!(one));
            claims["iss"] = json!("https://id.example.org/b");
            let foreign = judge(&elsewhere, &claims, Source::Token).unwrap().found.subject;
            prop_assert_ne!(foreign, subject(&other));
        }

        #[test]
        fn no_claims_whatever_let_in_who_has_not_all_of_them(json in "\\PC{0,80}", name in "(iss|aud|exp|sub|scope|preferred_username)") {
            prop_assume!(Object::read(json.as_bytes()).is_none_or(|claims| claims.get("iss").is_none()));
            if let Some(claims) = Object::read(json.as_bytes()) {
                prop_assert!(Rules::of(&config()).judge(&claims, Source::Token, UnixTime(NOW)).is_err());
            }
            prop_assert!(judge(&config(), &with(&name, json!(null)), Source::Token).is_err());
        }
    }
}
