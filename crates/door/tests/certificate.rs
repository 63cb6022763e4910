//! EXTERNAL: whom a client certificate lets in, and whom it does not, whoever has signed it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use door::{
    Claim, Doorkeeper, Elsewhere, Entered, Failures, Limits, NotLetIn, Rules, ShownCertificate, Visitor,
};
use events::{ConnectionId, Mechanism, Peer};
use mail::{Accounts, HashPool, Protocol, World};
use mailbox::account::directory::Standing;
use mailbox::account::directory::keyring::{Certificate, Fingerprint, Fingerprinted, Label, OwnPassword};
use policy::Keys;
use sasl::{Channel, ClientCertificate, Cost, CredentialRecord, Offer, Salts, Secret, Step, Workspace};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use store_memory::Memory;
use terms::Moment;

#[derive(Default)]
struct Still(AtomicU64);

impl World for Still {
    fn now_ms(&self) -> i64 {
        1_790_000_000_000
    }

    fn random(&self, into: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        into.iter_mut().zip(next.into_iter().cycle()).for_each(|(octet, random)| *octet = random);
    }
}

struct House {
    keeper: Doorkeeper,
    accounts: Arc<Accounts>,
}

/// Certificates of different keys.
const LAPTOP: ShownCertificate = ShownCertificate { certificate: [1; 32], public_key: [2; 32] };
const PHONE: ShownCertificate = ShownCertificate { certificate: [3; 32], public_key: [4; 32] };
/// The laptop's, renewed: its key is the same.
const RENEWED: ShownCertificate = ShownCertificate { certificate: [5; 32], ..LAPTOP };

const fn whole(shown: &ShownCertificate) -> Fingerprint {
    Fingerprint { of: Fingerprinted::Certificate, sha256: shown.certificate }
}

const fn key(shown: &ShownCertificate) -> Fingerprint {
    Fingerprint { of: Fingerprinted::PublicKey, sha256: shown.public_key }
}

impl House {
    /// With accounts of Ann's and Bob's.
    async fn new() -> Self {
        let cost = Cost::new(8, 1, 4_096).unwrap();
        let accounts = Accounts::open(Arc::new(Memory::new()), Arc::new(Still::default())).await.unwrap();
        for name in ["ann@example.org", "bob@example.org"] {
            let secret = Secret::password("secret").unwrap();
            let record = CredentialRecord::new(&secret, Salts([7; 32]), &cost, &mut Workspace::new());
            accounts.add(name, &record).await.unwrap();
        }
        let (accounts, pool) = (Arc::new(accounts), Arc::new(HashPool::start(1, cost).unwrap()));
        let rules = Rules {
            longest_delay: Duration::ZERO,
            sessions_per_account: 64,
            remember: Duration::ZERO,
            remembered: 0,
        };
        let clock = Moment::default;
        let limits = Limits::new(Keys { names: [1; 32], passwords: [2; 32] }, Vec::new(), clock);
        let elsewhere = Elsewhere::new(Vec::new());
        let keeper = Doorkeeper::new(Arc::clone(&accounts), pool, elsewhere, Arc::new(limits), clock, rules);
        Self { keeper, accounts }
    }

    async fn bind(&self, name: &str, fingerprint: Fingerprint) {
        let label = Label::new("a device").unwrap();
        self.accounts.bind(name, &Certificate { fingerprint, label }).await.unwrap();
    }

    /// Says EXTERNAL with this certificate.
    async fn enter(&self, shown: Option<ShownCertificate>, authzid: &str) -> Result<Entered, NotLetIn> {
        let visitor = Visitor {
            connection: ConnectionId(1),
            peer: Peer::Address("192.0.2.1:1".parse().unwrap()),
            protocol: Protocol::Imap,
            mechanism: Mechanism::External,
            client: None,
            certificate: shown.map(Arc::new),
            failures: Failures::default(),
        };
        self.keeper.enter(self.claim(authzid), &visitor).await
    }

    fn claim(&self, authzid: &str) -> Claim {
        let channel = Channel { certificate: ClientCertificate::Verified, ..Channel::default() };
        let offer: Offer = self.keeper.offer(channel);
        match offer.choose("EXTERNAL").unwrap().begin(Some(authzid.as_bytes()), self.keeper.nonce()) {
            Step::Judge(claim, _) => claim,
            step => panic!("{step:?}"),
        }
    }

    /// Who is in then, or what they are told.
    async fn told(&self, shown: ShownCertificate, authzid: &str) -> String {
        match self.enter(Some(shown), authzid).await {
            Ok(entered) => entered.name.to_string(),
            Err(why) => format!("{why:?}"),
        }
    }
}

fn is_over(entered: &Entered) -> bool {
    let wait = pin!(entered.signed_out.clone().wait());
    wait.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
}

#[tokio::test]
async fn t_35_a_certificate_lets_in_to_the_account_that_it_is_bound_to_and_nobody_elses_does() {
    let house = House::new().await;
    assert_eq!(house.told(LAPTOP, "").await, "Wrong", "it is of an authority that we take, and nobody's");
    assert_eq!(house.told(LAPTOP, "ann@example.org").await, "Wrong", "a name makes it nobody's either");
    house.bind("ann@example.org", whole(&LAPTOP)).await;
    assert_eq!(house.told(LAPTOP, "").await, "ann@example.org");
    assert_eq!(house.told(PHONE, "").await, "Wrong");
    assert_eq!(house.told(RENEWED, "").await, "Wrong", "it was bound by all of it");
    let without = house.enter(None, "ann@example.org").await.map(drop);
    assert!(matches!(without, Err(NotLetIn::Wrong)), "who has shown none is nobody");
}

#[tokio::test]
async fn a_certificate_that_is_bound_by_its_key_stays_so_when_it_is_renewed() {
    let house = House::new().await;
    house.bind("ann@example.org", key(&LAPTOP)).await;
    for shown in [LAPTOP, RENEWED] {
        assert_eq!(house.told(shown, "").await, "ann@example.org");
    }
    assert_eq!(house.told(PHONE, "").await, "Wrong");
    // What was said of this one is nearer to it than what was said of its key.
    house.bind("bob@example.org", whole(&RENEWED)).await;
    assert_eq!(house.told(RENEWED, "").await, "bob@example.org");
    assert_eq!(house.told(LAPTOP, "").await, "ann@example.org");
}

#[tokio::test]
async fn t_30_a_certificate_lets_nobody_act_as_somebody_else() {
    let house = House::new().await;
    house.bind("ann@example.org", whole(&LAPTOP)).await;
    for own in ["", "ann@example.org", "Ann@Example.ORG"] {
        assert_eq!(house.told(LAPTOP, own).await, "ann@example.org", "{own}");
    }
    for other in ["bob@example.org", "nobody@example.org", "ann", "ann@example.org.", "@"] {
        assert_eq!(house.told(LAPTOP, other).await, "NotAuthorized", "{other}");
    }
}

#[tokio::test]
async fn whoever_signed_in_with_a_certificate_is_signed_out_when_it_is_unbound_and_nobody_else() {
    let house = House::new().await;
    for shown in [LAPTOP, PHONE] {
        house.bind("ann@example.org", whole(&shown)).await;
    }
    let laptop = house.enter(Some(LAPTOP), "").await.unwrap();
    let phone = house.enter(Some(PHONE), "").await.unwrap();
    assert_eq!(&*laptop.origin.device, "a device", "history says which it was");
    house.accounts.unbind("ann@example.org", &whole(&LAPTOP)).await.unwrap();
    assert!(is_over(&laptop) && !is_over(&phone));
    assert_eq!(house.told(LAPTOP, "").await, "Wrong");
    assert_eq!(house.told(PHONE, "").await, "ann@example.org");
}

#[tokio::test]
async fn an_account_that_is_disabled_refuses_its_certificates_and_one_that_refuses_its_password_does_not() {
    let house = House::new().await;
    house.bind("ann@example.org", whole(&LAPTOP)).await;
    house.accounts.set_own_password("ann@example.org", OwnPassword::Refused).await.unwrap();
    assert_eq!(house.told(LAPTOP, "").await, "ann@example.org");
    let session = house.enter(Some(LAPTOP), "").await.unwrap();
    house.accounts.set_standing("ann@example.org", Standing::Disabled).await.unwrap();
    assert!(is_over(&session));
    assert_eq!(house.told(LAPTOP, "").await, "Wrong");
}
