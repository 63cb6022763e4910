//! A door with everything behind it, over a store in memory, and who comes to it.

use crate::prover;
use directory::scripted::Scripted;
use directory::{Domains, Member};
use door::{
    Claim, Doorkeeper, Elsewhere, Entered, Failures, Limits, Manners, NotLetIn, Rules, ShownCertificate,
    Visitor,
};
use events::{ConnectionId, Mechanism, Peer};
use mail::{Accounts, HashPool, NewAppPassword, Protocol, ScramSha1, World};
use mailbox::account::directory::keyring::{Label, Scopes};
use policy::{Keys, Network};
use sasl::{
    AppRecord, Channel, ClientCertificate, Cost, CredentialRecord, Exchange, Offer, Salts, Secret, Step,
    Workspace,
};
use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use store::Store;
use store_memory::Memory;
use terms::Moment;
use tokio::time::Instant;

/// The time of day stands still here, and chance is a count.
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

pub(crate) fn world() -> Arc<dyn World> {
    Arc::new(Still::default())
}

/// What one hash costs here, in KiB.
pub(crate) const KIB: u64 = 8;

/// The same as it is set.
pub(crate) fn cheap() -> Cost {
    Cost::new(u32::try_from(KIB).unwrap(), 1, 4_096).unwrap()
}

/// What a password of this server's own is held against.
pub(crate) fn record(password: &str) -> CredentialRecord {
    let secret = Secret::password(password).unwrap();
    CredentialRecord::new(&secret, Salts([7; 32]), &cheap(), &mut Workspace::new())
}

pub(crate) struct House {
    pub(crate) keeper: Arc<Doorkeeper>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) pool: Arc<HashPool>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) elsewhere: Arc<Elsewhere>,
    store: Arc<dyn Store>,
}

/// Nobody waits.
const RULES: Rules = Rules {
    longest_delay: Duration::ZERO,
    sessions_per_account: 64,
    remember: Duration::from_secs(300),
    remembered: 100,
};

fn clock() -> impl Fn() -> Moment + Copy + Send + Sync {
    let began = Instant::now();
    move || Moment::default().plus(began.elapsed())
}

/// A directory that serves all names and gives everybody an account.
pub(crate) fn open(directory: &Arc<Scripted>) -> (Member, Manners) {
    with(directory, Manners { get_accounts: true, same_people_as: Vec::new() })
}

pub(crate) fn with(directory: &Arc<Scripted>, manners: Manners) -> (Member, Manners) {
    (Member::new(Arc::clone(directory) as _, Domains::All), manners)
}

impl House {
    pub(crate) async fn new(members: Vec<(Member, Manners)>) -> Self {
        Self::with(members, ScramSha1::Never).await
    }

    pub(crate) async fn with(members: Vec<(Member, Manners)>, scram_sha_1: ScramSha1) -> Self {
        Self::over(Arc::new(Memory::new()), members, scram_sha_1).await
    }

    /// Another server with the same accounts.
    pub(crate) async fn restarted(&self, members: Vec<(Member, Manners)>) -> Self {
        Self::over(Arc::clone(&self.store), members, ScramSha1::Never).await
    }

    async fn over(store: Arc<dyn Store>, members: Vec<(Member, Manners)>, scram_sha_1: ScramSha1) -> Self {
        let accounts = Accounts::open(Arc::clone(&store), world()).await.unwrap();
        Self::of(accounts, store, members, scram_sha_1)
    }

    /// One with accounts that are open already, and what they lie in.
    pub(crate) fn of(
        accounts: Accounts,
        store: Arc<dyn Store>,
        members: Vec<(Member, Manners)>,
        scram_sha_1: ScramSha1,
    ) -> Self {
        let pool = HashPool::start(1, cheap()).unwrap().with_scram_sha_1(scram_sha_1);
        let (accounts, pool) = (Arc::new(accounts), Arc::new(pool));
        let clock = clock();
        let elsewhere = Arc::new(Elsewhere::new(members));
        let trusted = vec![Network::of(Ipv4Addr::new(192, 0, 2, 1).into(), 32)];
        let limits = Arc::new(Limits::new(Keys { names: [1; 32], passwords: [2; 32] }, trusted, clock));
        let (shared, hashing) = (Arc::clone(&accounts), Arc::clone(&pool));
        let keeper =
            Doorkeeper::new(shared, hashing, Arc::clone(&elsewhere), Arc::clone(&limits), clock, RULES);
        Self { keeper: Arc::new(keeper), accounts, pool, limits, elsewhere, store }
    }

    /// The same, where whoever has failed waits.
    pub(crate) fn delaying(self, longest_delay: Duration) -> Self {
        let (accounts, pool) = (Arc::clone(&self.accounts), Arc::clone(&self.pool));
        let (elsewhere, limits) = (Arc::clone(&self.elsewhere), Arc::clone(&self.limits));
        let rules = Rules { longest_delay, ..RULES };
        let keeper = Doorkeeper::new(accounts, pool, elsewhere, limits, clock(), rules);
        Self { keeper: Arc::new(keeper), ..self }
    }

    pub(crate) async fn add(&self, name: &str, password: &str) {
        self.accounts.add(name, &record(password)).await.unwrap();
    }

    /// The same as an admin does it.
    pub(crate) async fn add_by_pool(&self, name: &str, password: &str) {
        let (secret, salts) = (Secret::password(password).unwrap(), self.accounts.salts());
        self.accounts.add(name, &self.pool.new_record(secret, salts).await.unwrap()).await.unwrap();
    }

    pub(crate) async fn change_password(&self, name: &str, password: &str) {
        let (secret, salts) = (Secret::password(password).unwrap(), self.accounts.salts());
        let before = self.accounts.own_record(name).unwrap().unwrap();
        let next = self.pool.next_record(before, secret, salts).await.unwrap();
        self.accounts.set_credential(name, &next).await.unwrap();
    }

    pub(crate) fn offers(&self, mechanism: &str) -> bool {
        self.keeper.offer(Channel::default()).choose(mechanism).is_some()
    }

    /// What a name shows to whoever begins to prove something: salt and count.
    pub(crate) fn shows(&self, mechanism: &str, name: &str) -> String {
        let challenge = self.begin(mechanism, name).0;
        challenge.split_once(',').unwrap().1.to_owned()
    }

    pub(crate) async fn enter(&self, claim: Claim) -> Result<Entered, NotLetIn> {
        self.enter_from("192.0.2.1:1", claim).await
    }

    pub(crate) async fn enter_from(&self, from: &str, claim: Claim) -> Result<Entered, NotLetIn> {
        self.keeper.enter(claim, &visitor(from)).await
    }

    /// Says EXTERNAL with this certificate.
    pub(crate) async fn show(
        &self,
        shown: Option<ShownCertificate>,
        authzid: &str,
    ) -> Result<Entered, NotLetIn> {
        let channel = Channel { certificate: ClientCertificate::Verified, ..Channel::default() };
        let offer: Offer = self.keeper.offer(channel);
        let claim =
            match offer.choose("EXTERNAL").unwrap().begin(Some(authzid.as_bytes()), self.keeper.nonce()) {
                Step::Judge(claim, _) => claim,
                step => panic!("{step:?}"),
            };
        let visitor = Visitor {
            mechanism: Mechanism::External,
            certificate: shown.map(Arc::new),
            ..visitor("192.0.2.1:1")
        };
        self.keeper.enter(claim, &visitor).await
    }

    /// What somebody is told who is not let in, and how long after they asked.
    pub(crate) async fn turned_away(&self, name: &str, password: &str) -> (String, Duration) {
        let asked = Instant::now();
        (self.sign_in(name, password).await, asked.elapsed())
    }

    /// Who is in then, by the number of the account and its name; or what they are told.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> String {
        told(self.enter(Claim::login(name.as_bytes(), password.as_bytes()).unwrap()).await)
    }

    /// What is said to the first words of somebody who will prove something.
    pub(crate) fn begin(&self, mechanism: &str, name: &str) -> (String, Exchange) {
        let offer = self.keeper.offer(Channel::default());
        let chosen = offer.choose(mechanism).unwrap();
        match chosen.begin(Some(prover::first(name).as_bytes()), self.keeper.nonce()) {
            Step::Lookup(asked) => challenged(asked.found(self.keeper.verifiers(name))),
            step => panic!("{step:?}"),
        }
    }

    /// The same for somebody who proves that they know a password, or tries to.
    pub(crate) async fn prove(&self, mechanism: &str, name: &str, password: &str) -> String {
        told(self.enter(self.proof(mechanism, name, password)).await)
    }

    /// What comes of a proof before anybody judges it.
    pub(crate) fn proof(&self, mechanism: &str, name: &str, password: &str) -> Claim {
        let (challenge, exchange) = self.begin(mechanism, name);
        let proof = prover::last(mechanism, name, password, &challenge);
        match exchange.respond(proof.as_bytes()) {
            Step::Judge(claim, _) => claim,
            step => panic!("nobody is told before it is judged: {step:?}"),
        }
    }

    /// The same from an address that is not trusted.
    pub(crate) async fn sign_in_from(&self, from: &str, name: &str, password: &str) -> String {
        told(self.enter_from(from, Claim::login(name.as_bytes(), password.as_bytes()).unwrap()).await)
    }

    pub(crate) async fn bearer(&self, user: Option<&str>, token: &str) -> String {
        self.bearer_from("192.0.2.1:1", user, token).await
    }

    pub(crate) async fn bearer_from(&self, from: &str, user: Option<&str>, token: &str) -> String {
        let sent = format!(
            "n,{},\u{1}auth=Bearer {token}\u{1}\u{1}",
            user.map_or(String::new(), |u| format!("a={u}"))
        );
        let mut policy = sasl::Policy::default();
        policy.abilities.bearer = Some(Arc::default());
        let offer = Offer::new(sasl::State::Private(Channel::default()), &policy);
        let chosen = offer.choose("OAUTHBEARER").unwrap();
        match chosen.begin(Some(sent.as_bytes()), self.keeper.nonce()) {
            Step::Judge(claim, _) => told(self.enter_from(from, claim).await),
            step => panic!("{step:?}"),
        }
    }
}

pub(crate) fn visitor(from: &str) -> Visitor {
    Visitor {
        connection: ConnectionId(1),
        peer: Peer::Address(from.parse().unwrap()),
        protocol: Protocol::Imap,
        mechanism: Mechanism::Plain,
        client: None,
        certificate: None,
        failures: Failures::default(),
    }
}

/// Whether whoever was let in is signed out.
pub(crate) fn is_over(entered: &Entered) -> bool {
    let wait = pin!(entered.signed_out.clone().wait());
    wait.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
}

pub(crate) fn challenged(step: Step) -> (String, Exchange) {
    match step {
        Step::Challenge(challenge, exchange) => (String::from_utf8(challenge).unwrap(), exchange),
        step => panic!("{step:?}"),
    }
}

pub(crate) fn told(entered: Result<Entered, NotLetIn>) -> String {
    match entered {
        Ok(entered) => format!("{} {:?}", entered.account.id().0, entered.name),
        Err(why) => format!("{why:?}"),
    }
}

/// An app password of somebody, as they are shown it.
pub(crate) async fn app_password(house: &House, name: &str, scopes: Scopes) -> String {
    let drawn = house.accounts.draw_app_password();
    add_app_password(house, name, scopes, &AppRecord::new(&drawn, None)).await;
    drawn.reveal().to_owned()
}

/// The same for one that SCRAM can prove.
pub(crate) async fn provable_app_password(house: &House, name: &str) -> String {
    let beside = house.accounts.own_record(name).unwrap().unwrap().scram().clone();
    let drawn = house.accounts.draw_app_password();
    let (drawn, record) = house.pool.app_record(drawn, Some(beside)).await.unwrap();
    add_app_password(house, name, Scopes::MAIL, &record).await;
    drawn.reveal().to_owned()
}

async fn add_app_password(house: &House, name: &str, scopes: Scopes, record: &AppRecord) {
    let label = Label::new(&scopes.to_string()).unwrap();
    let new = NewAppPassword { label, scopes, expires_s: None, networks: [].into() };
    house.accounts.add_app_password(name, &new, record).await.unwrap();
}
