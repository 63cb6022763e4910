//! Failed logins are held against those who fail, and keep out nobody else (threats T-13, T-17). Nothing waits here: the
//! longest wait is none.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::house::{Still, cheap};
use common::prover::Prover;
use common::{Client, HOST, Running, issue, scratch, settings};
use mail::{Accounts, HashPool};
use mailbox::account::directory::Standing;
use mailbox::account::directory::keyring::OwnPassword;
use net::Imap;
use sasl::{CredentialRecord, Salts, Secret, Workspace};
use settings::Settings;
use std::sync::Arc;
use store_memory::Memory;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What one hash costs here.
const KIB: u64 = 8;
const LIMITED: &str = "a NO [LIMIT] Too many logins have failed; try again in ";

const WRONG: &str = "a NO [AUTHENTICATIONFAILED] The name or the password is wrong";

struct House {
    server: Running,
    accounts: Arc<Accounts>,
    pool: Arc<HashPool>,
}

impl House {
    async fn start(name: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let (files, _) = issue(&scratch(&format!("{name}-settings")), HOST);
        let mut settings = settings(&files);
        settings.passwords.login_delay_max_ms = 0;
        settings.passwords.remember_seconds = 0;
        change(&mut settings);
        let accounts = Accounts::open(Arc::new(Memory::new()), Arc::new(Still::default())).await.unwrap();
        let secret = Secret::password("secret").unwrap();
        for (name, salt) in [("ann", 1), ("bob", 2), ("eve", 3)] {
            let record = CredentialRecord::new(&secret, Salts([salt; 32]), &cheap(), &mut Workspace::new());
            accounts.add(name, &record).await.unwrap();
        }
        let (accounts, pool) = (Arc::new(accounts), Arc::new(HashPool::start(1, cheap()).unwrap()));
        let imap = Imap::new(&settings, Arc::clone(&accounts), Arc::clone(&pool));
        Self { server: Running::start(name, imap, |_| {}), accounts, pool }
    }

    async fn stranger(&self) -> Client<TlsStream<TcpStream>> {
        let mut client = self.server.in_private().await;
        client.line().await;
        client
    }

    async fn answer(&self, name: &str, password: &str) -> String {
        self.stranger().await.ask(&format!("a LOGIN {name} {password}")).await
    }

    /// Proves a password by SCRAM, and says nothing more where the server proves itself; what a client hears of it.
    async fn prove(&self, name: &str, password: &str) -> String {
        let mut client = self.stranger().await;
        let bare = format!("n={name},r=abc");
        let first = STANDARD.encode(format!("n,,{bare}"));
        let shown = client.ask(&format!("a AUTHENTICATE SCRAM-SHA-256 {first}")).await;
        let Some(shown) = shown.strip_prefix("+ ") else { return shown };
        let shown = String::from_utf8(STANDARD.decode(shown).unwrap()).unwrap();
        let (last, ours) = Prover { header: "n,,", bare: &bare, channel: &[], password }.last(&shown);
        let heard = client.ask(&STANDARD.encode(last)).await;
        if heard != format!("+ {}", STANDARD.encode(ours)) {
            return heard;
        }
        assert_eq!(client.ask("*").await, "a BAD Authentication was cancelled");
        "it is right".into()
    }

    /// So many guesses, no two alike; how many of them were looked at.
    async fn guess(&self, name: &str, times: u32) -> u64 {
        let before = self.pool.verified_kib();
        for n in 0..times {
            let answer = self.answer(name, &format!("guess{n}")).await;
            assert!(answer.starts_with("a NO ["), "{answer}");
        }
        (self.pool.verified_kib() - before) / KIB
    }
}

#[tokio::test]
async fn who_guesses_is_refused_unseen_and_is_told_for_how_long_whether_the_name_is_somebodys_or_not() {
    let house = House::start("guesses", |_| {}).await;
    for name in ["ann", "ANN@example.org", "nobody"] {
        assert_eq!(house.guess(name, 10).await, 5, "{name}");
        let before = house.pool.verified_kib();
        assert_eq!(house.answer(name, "secret").await, format!("{LIMITED}15 minutes"));
        assert_eq!(house.pool.verified_kib(), before);
    }
    let plain = "a AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=";
    assert_eq!(house.stranger().await.ask(plain).await, format!("{LIMITED}15 minutes"));
    // Another name from there: the address is this host's, which is trusted.
    assert!(house.answer("bob", "secret").await.starts_with("a OK "));
    house.server.stop().await;
}

#[tokio::test]
async fn an_address_that_is_not_trusted_is_refused_for_all_it_does_and_who_is_known_there_comes_in() {
    let house = House::start("address", |settings| settings.limits.trusted_networks = vec![]).await;
    assert!(house.answer("eve", "secret").await.starts_with("a OK "));
    let mut looked_at = 0;
    for n in 0..30 {
        looked_at += house.guess(&format!("victim{n}"), 1).await;
    }
    // Eight, and one more for the account that has signed in from there.
    assert_eq!(looked_at, 9);
    assert!(house.answer("ann", "secret").await.starts_with(LIMITED));
    assert!(house.answer("eve", "secret").await.starts_with("a OK "));
    house.server.stop().await;
}

#[tokio::test]
async fn what_fails_before_a_success_on_the_same_connection_and_what_repeats_are_not_held_against_anybody() {
    let house = House::start("forgiven", |_| {}).await;
    for n in 0..20 {
        let mut client = house.stranger().await;
        let failed = client.ask(&format!("a LOGIN ann typo{n}")).await;
        assert!(failed.starts_with("a NO [AUTHENTICATIONFAILED]"), "{failed}");
        assert!(client.ask("b LOGIN ann secret").await.starts_with("b OK "));
    }
    for _ in 0..20 {
        let failed = house.answer("bob", "before").await;
        assert!(failed.starts_with("a NO [AUTHENTICATIONFAILED]"), "{failed}");
    }
    assert!(house.answer("bob", "secret").await.starts_with("a OK "));
    house.server.stop().await;
}

#[tokio::test]
async fn t_13_what_is_no_base64_on_one_connection_keeps_nobody_out_on_others() {
    let house = House::start("faulty", |settings| settings.limits.trusted_networks = vec![]).await;
    for faulty in ["not base64", "====", "AGFubg", "*", "\u{0}"] {
        let mut client = house.stranger().await;
        assert_eq!(client.ask("a AUTHENTICATE PLAIN").await, "+ ");
        let answer = client.ask(faulty).await;
        assert!(answer.starts_with("a BAD ") || answer == "(closed)", "{answer}");
        for name in ["ann", "bob", "eve"] {
            assert!(house.answer(name, "secret").await.starts_with("a OK "), "{name} beside {faulty:?}");
        }
    }
    house.server.stop().await;
}

/// Each guess could be given up with a `*`, and none would ever be counted.
#[tokio::test]
async fn who_is_refused_does_not_hear_by_scram_which_guess_is_right() {
    let house = House::start("oracle", |_| {}).await;
    assert_eq!(house.prove("eve", "secret").await, "it is right");
    assert_eq!(house.guess("ann", 5).await, 5);
    for password in ["wrong", "secret", "secret"] {
        let heard = house.prove("ann", password).await;
        assert!(heard.starts_with(LIMITED), "{password}: {heard}");
    }
    house.server.stop().await;
}

#[tokio::test]
async fn of_an_account_that_is_not_let_in_nobody_hears_by_scram_that_its_password_is_right() {
    let house = House::start("barred", |_| {}).await;
    house.accounts.set_standing("ann", Standing::Disabled).await.unwrap();
    house.accounts.set_own_password("bob", OwnPassword::Refused).await.unwrap();
    for name in ["ann", "bob", "nobody"] {
        for password in ["wrong", "secret", "secret", "secret", "secret"] {
            assert_eq!(house.prove(name, password).await, WRONG, "{name} with {password}");
        }
        // And each counted.
        let heard = house.prove(name, "secret").await;
        assert!(heard.starts_with(LIMITED), "{name}: {heard}");
    }
    house.server.stop().await;
}

/// A client that does not believe our proof goes away, and may come back.
#[tokio::test]
async fn who_is_let_in_and_goes_away_instead_is_a_stranger_still_and_has_failed_in_nothing() {
    let house = House::start("content", |settings| settings.limits.connections_per_account = 1).await;
    for _ in 0..10 {
        assert_eq!(house.prove("ann", "secret").await, "it is right");
    }
    let mut client = house.stranger().await;
    assert!(client.ask("a LOGIN ann secret").await.starts_with("a OK "), "no place is taken");
    house.server.stop().await;
}
