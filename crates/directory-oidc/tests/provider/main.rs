//! A real OpenID provider.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and says when it is skipped")]

mod provider;

use directory::{
    Ability, Answer, Directory, DirectoryName, Domains, FAILURES_BEFORE_REST, Member, Secret, Stored, Token,
};
use directory_oidc::{
    ACTIVE_FOR, BadConfig, FETCHED_AGAIN_AFTER, FRESH_FOR, INACTIVE_FOR, Introspected, Introspection,
    KEPT_FOR, LEEWAY, LoginClaim, OidcConfig, OidcDirectory, Refusal, UnixTime,
};
use provider::{AUDIENCE, Provider};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// How long the provider says that its tokens hold, in seconds.
const LIFE: u64 = 600;

/// How long a test may have taken until it makes a token, in seconds.
const AT_MOST: u64 = 300;

/// A directory, with a clock that stands still until it is put forward.
struct Scene {
    staff: OidcDirectory,
    ahead: Arc<AtomicU64>,
    refused: Arc<Mutex<Vec<Refusal>>>,
}

impl Scene {
    fn new(config: OidcConfig) -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let refused = Arc::new(Mutex::new(Vec::new()));
        let (by, heard) = (Arc::clone(&ahead), Arc::clone(&refused));
        let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let clock = move || UnixTime(start + by.load(Ordering::Relaxed));
        let notice = move |refusal| heard.lock().unwrap().push(refusal);
        let staff = OidcDirectory::new(config, Box::new(clock), Box::new(notice)).unwrap();
        Self { staff, ahead, refused }
    }

    fn after(&self, seconds: u64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Who is let in by a token, or in a word why nobody is.
    async fn whose(&self, token: &str) -> String {
        match self.staff.bearer(Token::new(token)).await {
            Answer::Yes(found) => {
                assert_eq!(found.stored, Stored::Elsewhere);
                found.login.to_string()
            }
            Answer::Wrong => format!("wrong: {:?}", self.refused.lock().unwrap().pop().unwrap()),
            Answer::Unavailable(_) => "unavailable".into(),
            answer => format!("{answer:?}"),
        }
    }
}

fn config(provider: &Provider) -> OidcConfig {
    OidcConfig {
        name: DirectoryName::new("staff").unwrap(),
        issuer: provider.issuer.clone(),
        audiences: vec![AUDIENCE.into()],
        clients: vec!["thunderbird".into()],
        scopes: vec!["mail".into()],
        login: LoginClaim::Email,
        enabled: None,
        introspection: None,
        roots: fetch::Roots::Pem(provider.authority.clone()),
    }
}

fn introspecting(provider: &Provider, tokens: Introspected) -> OidcConfig {
    let client_secret = Secret::new("secret of gatepost: +%");
    let introspection = Introspection { client_id: "gatepost".into(), client_secret, tokens };
    OidcConfig { introspection: Some(introspection), ..config(provider) }
}

const ANN: &str = "ann@example.org";

#[tokio::test]
async fn a_signed_token_of_the_provider_lets_in_whom_it_is_about() {
    let Some(provider) = Provider::start() else { return };
    let scene = Scene::new(config(&provider));
    scene.staff.examine().await.unwrap();
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let token = provider.token("thunderbird", &format!("jwt/{algorithm}")).await;
        assert_eq!(scene.whose(&token).await, ANN, "{algorithm}");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { "B" } else { "A" };
        let changed = format!("{signed}.{other}{}", &signature[1..]);
        assert_eq!(scene.whose(&changed).await, "wrong: Signature", "{algorithm}");
    }
    let elsewhere = format!("{}/jwt/RS256", AUDIENCE.replace("mail", "other"));
    for (client, resource, scope, told) in [
        ("thunderbird", elsewhere.as_str(), "mail", "wrong: Audience"),
        ("thunderbird", &format!("{AUDIENCE}/jwt/RS256"), "calendar", "wrong: Scope"),
        ("evil", &format!("{AUDIENCE}/jwt/RS256"), "mail", "wrong: Client"),
    ] {
        let token = provider.token_for(client, resource, scope).await;
        assert_eq!(scene.whose(&token).await, told);
    }
    // Without introspection a text says nothing.
    assert_eq!(scene.whose(&provider.token("thunderbird", "opaque/RS256").await).await, "NoSuch");
    assert!(scene.staff.can(Ability::Bearer) && !scene.staff.can(Ability::Passwords));
}

#[tokio::test]
async fn a_token_ends_when_it_says_and_the_clocks_may_differ_a_little() {
    let Some(provider) = Provider::start() else { return };
    let scene = Scene::new(config(&provider));
    let token = provider.token("thunderbird", "jwt/RS256").await;
    assert_eq!(scene.whose(&token).await, ANN);
    // Our clock stood still while the token was made.
    scene.after(LIFE);
    assert_eq!(scene.whose(&token).await, ANN);
    scene.after(LEEWAY + AT_MOST);
    assert_eq!(scene.whose(&token).await, "wrong: Expired");
}

#[tokio::test]
async fn a_token_of_another_provider_is_told_to_nobody() {
    let (Some(provider), Some(other)) = (Provider::start(), Provider::start()) else { return };
    let scene = Scene::new(introspecting(&provider, Introspected::All));
    let token = other.token("thunderbird", "jwt/RS256").await;
    drop(provider);
    // Nobody can be asked, and nobody has to be.
    assert_eq!(scene.whose(&token).await, "NoSuch");
}

#[tokio::test]
async fn keys_are_followed_when_the_provider_changes_them_and_used_while_it_is_down() {
    let Some(mut provider) = Provider::start() else { return };
    let scene = Scene::new(config(&provider));
    let old = provider.token("thunderbird", "jwt/ES256").await;
    assert_eq!(scene.whose(&old).await, ANN);

    provider.down();
    provider.up();
    let new = provider.token("thunderbird", "jwt/ES256").await;
    // The keys came a moment ago: that often nobody has them fetched, and that the token is wrong cannot be known.
    assert_eq!(scene.whose(&new).await, "unavailable");
    scene.after(FETCHED_AGAIN_AFTER);
    assert_eq!(scene.whose(&new).await, ANN);
    scene.after(FETCHED_AGAIN_AFTER);
    assert_eq!(scene.whose(&old).await, "wrong: UnknownKey");

    provider.down();
    scene.after(FETCHED_AGAIN_AFTER);
    // Whether this is a key of the provider cannot be known, and the other is known.
    assert_eq!(scene.whose(&old).await, "unavailable");
    assert_eq!(scene.whose(&new).await, ANN);
}

#[tokio::test]
async fn keys_are_looked_for_again_in_time_and_given_up_in_time() {
    let Some(mut provider) = Provider::start() else { return };
    let scene = Scene::new(config(&provider));
    let token = provider.token("thunderbird", "jwt/EdDSA").await;
    assert_eq!(scene.whose(&token).await, ANN);
    provider.down();
    // The token has ended by then; so what is looked at is whether there are keys.
    scene.staff.examine().await.unwrap();
    scene.after(FRESH_FOR);
    scene.staff.examine().await.unwrap();
    scene.after(KEPT_FOR - FRESH_FOR);
    scene.staff.examine().await.unwrap_err();
    provider.up();
    scene.after(FETCHED_AGAIN_AFTER);
    scene.staff.examine().await.unwrap();
}

#[tokio::test]
async fn a_provider_that_is_down_from_the_start_is_unavailable() {
    let Some(mut provider) = Provider::start() else { return };
    let token = provider.token("thunderbird", "jwt/RS256").await;
    let opaque = provider.token("thunderbird", "opaque/RS256").await;
    provider.down();
    let scene = Scene::new(introspecting(&provider, Introspected::Opaque));
    for token in [&token, &opaque] {
        assert_eq!(scene.whose(token).await, "unavailable");
    }
    scene.staff.examine().await.unwrap_err();
}

#[tokio::test]
async fn the_provider_is_asked_about_a_text_that_only_it_can_read() {
    let Some(mut provider) = Provider::start() else { return };
    let scene = Scene::new(introspecting(&provider, Introspected::Opaque));
    scene.staff.examine().await.unwrap();
    let token = provider.token("thunderbird", "opaque/RS256").await;
    assert_eq!(scene.whose(&token).await, ANN);
    assert_eq!(scene.whose("made-up").await, "NoSuch");
    for (client, resource, scope, refusal) in [
        ("thunderbird", "https://other.example.org/opaque/RS256", "mail", Refusal::Audience),
        ("thunderbird", "https://mail.example.org/opaque/RS256", "calendar", Refusal::Scope),
        ("evil", "https://mail.example.org/opaque/RS256", "mail", Refusal::Client),
    ] {
        let token = provider.token_for(client, resource, scope).await;
        assert_eq!(scene.whose(&token).await, format!("wrong: {refusal:?}"));
    }
    // Revoked: it is remembered for a minute at most.
    provider.revoke("thunderbird", &token).await;
    assert_eq!(scene.whose(&token).await, ANN);
    scene.after(ACTIVE_FOR);
    assert_eq!(scene.whose(&token).await, "NoSuch");
    assert_eq!(scene.refused.lock().unwrap().pop(), Some(Refusal::Inactive));

    // What is remembered is of use while the provider is down; the rest cannot be known.
    let token = provider.token("thunderbird", "opaque/RS256").await;
    assert_eq!(scene.whose(&token).await, ANN);
    provider.down();
    assert_eq!(scene.whose(&token).await, ANN);
    assert_eq!(scene.whose("made-up-too").await, "unavailable");
    scene.after(ACTIVE_FOR);
    assert_eq!(scene.whose(&token).await, "unavailable");
}

/// Whoever makes up tokens while the provider is down keeps nobody out whose token can be judged.
#[tokio::test]
async fn what_cannot_be_known_has_the_directory_rest_for_nothing_else() {
    let Some(mut provider) = Provider::start() else { return };
    let scene = Scene::new(introspecting(&provider, Introspected::Opaque));
    let token = provider.token("thunderbird", "jwt/RS256").await;
    assert_eq!(scene.whose(&token).await, ANN);
    provider.down();
    let member = Member::new(Arc::new(scene.staff), Domains::All);
    for number in 0..2 * FAILURES_BEFORE_REST {
        let made_up = format!("made-up-{number}");
        assert!(matches!(member.bearer(Token::new(&made_up)).await, Answer::Unavailable(_)));
    }
    assert!(member.trouble().is_some());
    assert!(matches!(member.bearer(Token::new(&token)).await, Answer::Yes(_)));
}

#[tokio::test]
async fn a_refused_secret_of_ours_is_nobodys_wrong_token() {
    let Some(provider) = Provider::start() else { return };
    let mut config = introspecting(&provider, Introspected::Opaque);
    let wrong = Introspection { client_secret: Secret::new("wrong"), ..config.introspection.unwrap() };
    config.introspection = Some(wrong);
    let scene = Scene::new(config);
    let token = provider.token("thunderbird", "opaque/RS256").await;
    assert_eq!(scene.whose(&token).await, "unavailable");
}

/// `oidc-provider` keeps signed tokens nowhere, so that it knows none when it is asked: as if each had been revoked.
#[tokio::test]
async fn signed_tokens_too_are_asked_about_where_the_settings_say_so() {
    let Some(provider) = Provider::start() else { return };
    let scene = Scene::new(introspecting(&provider, Introspected::All));
    let token = provider.token("thunderbird", "jwt/RS256").await;
    assert_eq!(scene.whose(&token).await, "wrong: Inactive");
    assert_eq!(scene.whose(&provider.token("thunderbird", "opaque/RS256").await).await, ANN);
    scene.after(INACTIVE_FOR);
    assert_eq!(scene.whose(&token).await, "wrong: Inactive");
}

#[tokio::test]
async fn a_provider_whose_certificate_nobody_vouches_for_is_unavailable() {
    let (Some(provider), Some(other)) = (Provider::start(), Provider::start()) else { return };
    let token = provider.token("thunderbird", "jwt/RS256").await;
    let roots = fetch::Roots::Pem(other.authority.clone());
    let scene = Scene::new(OidcConfig { roots, ..config(&provider) });
    assert_eq!(scene.whose(&token).await, "unavailable");
    // One that calls itself otherwise, as one behind an alias of its host, is another one.
    let issuer = format!("{}/", provider.issuer);
    let scene = Scene::new(OidcConfig { issuer, ..config(&provider) });
    let told = scene.staff.examine().await.unwrap_err().to_string();
    assert_eq!(told, "the provider calls itself another issuer than the settings do");
}

#[test]
fn clients_are_told_where_to_get_a_token_and_which() {
    let config = OidcConfig {
        name: DirectoryName::new("staff").unwrap(),
        issuer: "https://id.example.org/realms/staff".into(),
        audiences: vec![AUDIENCE.into()],
        clients: Vec::new(),
        scopes: vec!["mail".into(), "offline_access".into()],
        login: LoginClaim::PreferredUsername,
        enabled: None,
        introspection: None,
        roots: fetch::Roots::System,
    };
    let bad = |config| OidcDirectory::new(config, Box::new(|| UnixTime(0)), Box::new(|_| {})).err();
    let made = OidcDirectory::new(config.clone(), Box::new(|| UnixTime(0)), Box::new(|_| {}));
    if let Ok(staff) = made {
        let place = "https://id.example.org/realms/staff/.well-known/openid-configuration";
        assert_eq!(staff.challenge().openid_configuration, place);
        assert_eq!(staff.challenge().scope, "mail offline_access");
    } else {
        // A machine without any authority.
        assert!(matches!(made, Err(BadConfig::Roots(_))));
    }
    let issuer = OidcConfig { issuer: "http://id.example.org".into(), ..config.clone() };
    assert!(matches!(bad(issuer), Some(BadConfig::Issuer(_))));
    let no_audience = OidcConfig { audiences: Vec::new(), ..config.clone() };
    assert!(matches!(bad(no_audience), Some(BadConfig::NoAudience)));
    let scope = OidcConfig { scopes: vec!["a b".into()], ..config };
    assert!(matches!(bad(scope), Some(BadConfig::Scope(_))));
}
