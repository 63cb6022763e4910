//! A stranger tries names (threat T-38). What is heard and what is computed is the same whether somebody has the name
//! or not, by every way of signing in. Work is counted: time is the machine's.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Running, house, issue, scratch, settings};
use mail::HashPool;
use mailbox::account::directory::Standing;
use net::Imap;
use sasl::Cost;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a stranger learns of a name, by one way of signing in.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Learnt {
    said: Vec<String>,
    work_kib: u64,
}

struct House {
    server: Running,
    pool: Arc<HashPool>,
}

#[tokio::test]
async fn t_38_nothing_that_is_said_or_done_tells_whether_a_name_is_somebodys() {
    let house = House::start().await;
    let mut somebody = BTreeSet::new();
    for name in ["ann", "bob", "carol", "dan"] {
        somebody.insert(house.try_name(name).await);
    }
    let mut nobody = BTreeSet::new();
    for n in 0..24 {
        nobody.insert(house.try_name(&format!("nobody{n}")).await);
    }
    assert_eq!(somebody.len(), 2, "records of two days: {somebody:#?}");
    assert_eq!(nobody, somebody);
    // What no account can be called is nobody as well.
    let odd = house.try_name("no/body@@").await;
    assert!(somebody.contains(&odd), "{odd:#?}");
    house.server.stop().await;
}

/// A record was made when the settings were others, by one of the first two costs; today's are the third.
fn costs() -> [Cost; 3] {
    [(8, 1, 4_096), (16, 2, 5_000), (32, 3, 6_000)].map(|(kib, passes, n)| Cost::new(kib, passes, n).unwrap())
}

impl House {
    async fn start() -> Self {
        let (files, _) = issue(&scratch("who-exists-settings"), common::HOST);
        let mut settings = settings(&files);
        settings.passwords.login_delay_max_ms = 0;
        let [first, second, today] = costs();
        let people = [("ann", first), ("bob", second), ("carol", first), ("dan", second)];
        let accounts = house::accounts(&people).await;
        // Dan has been put to rest: neither his right password nor a wrong one tells that he is there.
        accounts.set_standing("dan", Standing::Disabled).await.unwrap();
        let pool = Arc::new(HashPool::start(1, today).unwrap());
        let imap = Imap::new(&settings, Arc::new(accounts), Arc::clone(&pool));
        Self { server: Running::start("who-exists", imap, |_| {}), pool }
    }

    async fn try_name(&self, name: &str) -> [Learnt; 3] {
        let plain = STANDARD.encode(format!("\0{name}\0wrong"));
        let login = self.learn(&[format!("a LOGIN {name} wrong")]).await;
        let plain = self.learn(&["a AUTHENTICATE PLAIN".into(), plain]).await;
        assert_eq!(login.work_kib, plain.work_kib);
        let again = self.learn(&[format!("a LOGIN {name} wrong")]).await;
        assert_eq!((again.work_kib, &again.said), (0, &login.said));
        assert!(login.work_kib > 0);
        let scram = self.scram(name).await;
        assert_eq!(scram.work_kib, 0, "a proof is no password");
        [login, plain, scram]
    }

    async fn learn(&self, lines: &[String]) -> Learnt {
        let before = self.pool.verified_kib();
        let mut client = self.server.in_private().await;
        client.line().await;
        let mut said = Vec::new();
        for line in lines {
            said.push(client.ask(line).await);
        }
        Learnt { said, work_kib: self.pool.verified_kib() - before }
    }

    /// Of what SCRAM shows the salt is another for each name; its length is the same, and so are the iterations of two
    /// names whose records are of one day.
    async fn scram(&self, name: &str) -> Learnt {
        let before = self.pool.verified_kib();
        let mut client = self.server.in_private().await;
        client.line().await;
        let first = STANDARD.encode(format!("n,,n={name},r=abc"));
        let shown = client.ask(&format!("a AUTHENTICATE SCRAM-SHA-256 {first}")).await;
        let shown = STANDARD.decode(shown.strip_prefix("+ ").unwrap()).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        let [nonce, salt, iterations] = <[&str; 3]>::try_from(shown.split(',').collect::<Vec<_>>()).unwrap();
        let last = STANDARD.encode(format!("c=biws,{nonce},p={}", STANDARD.encode([7; 32])));
        let answer = client.ask(&last).await;
        let said = vec![salt.len().to_string(), iterations.to_owned(), answer];
        Learnt { said, work_kib: self.pool.verified_kib() - before }
    }
}
