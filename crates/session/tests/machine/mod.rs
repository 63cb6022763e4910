//! The machine alone: conversations in memory, on a clock that stands still until it is told to move. What they cost is
//! counted in `crates/operations`.

mod mail;
mod post;

use mail::Office;
use post::Post;
use sasl::{
    Abilities, Ability, Bindings, Channel, Claim, ClientCertificate, Cost, CredentialRecord, DecoyKey,
    Mechanism, Nonce, Offer, Policy, Salts, Secret, State, Verdict, Verifiers, Workspace,
};
use session::encrypted::{Encrypted, Handshake};
use session::imap::gate::{Cleartext, Effect, Greeted};
use session::imap::serve;
use session::outbox::Outbox;
use session::port::{Door, Gone, Means, Peer, Received};
use session::refusal::{FaultId, Refusal};
use session::{Rules, Signpost};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake};
use std::time::Duration;
use terms::Moment;
use transcript::{Disk, NAME, NONCE, PASSWORD, Pipe, Port, SALTS, World};
use wire::imap::CommandName;
use wire::imap::reply::Code;

/// A world of one account.
pub(crate) struct Machine {
    signpost: Arc<Signpost>,
    rules: Arc<Rules>,
    clock: Arc<Mutex<Moment>>,
    office: Office,
    policy: Arc<Allowed>,
}

/// A connection, from the client's side.
pub(crate) struct Wire {
    clock: Arc<Mutex<Moment>>,
    office: Office,
    policy: Arc<Allowed>,
    server: Server,
    ends: Arc<Mutex<Ends>>,
}

/// What is on its way.
#[derive(Default)]
struct Ends {
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    /// The most that was ever sent at once.
    largest_send: usize,
    hung_up: bool,
    crowded: bool,
    /// Whether the server thinks that all is compressed. In this world nothing is, as nothing is encrypted.
    compressed: bool,
}

enum Server {
    Cleartext(Cleartext),
    Session(Pin<Box<dyn Future<Output = ()>>>),
    Gone,
}

/// The handshake that this world has instead of TLS.
struct Agreed;

impl Handshake for Agreed {
    fn is_complete(&self) -> bool {
        true
    }
}

fn proof() -> io::Result<Encrypted> {
    Encrypted::after(&Agreed).ok_or_else(|| io::ErrorKind::NotConnected.into())
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Machine {
    pub(crate) fn new() -> Self {
        let signpost = Signpost { host: "mail.example.org".into(), imaps_port: Some(993) };
        Self {
            signpost: Arc::new(signpost),
            rules: Arc::default(),
            clock: Arc::default(),
            office: Office::new(),
            policy: Arc::default(),
        }
    }
}

#[allow(dead_code, reason = "not every test that shares this file asks")]
impl Machine {
    /// A world with other rules.
    pub(crate) fn under(rules: Rules) -> Self {
        Self { rules: Arc::new(rules), ..Self::new() }
    }

    /// The same where SCRAM-SHA-1 is offered.
    pub(crate) fn for_old_clients(rules: Rules) -> Self {
        let usual = Policy::default();
        let on = usual.on.iter().chain([Mechanism::ScramSha1]).collect();
        let abilities = Abilities { scram_sha_1: Ability::Everybody, ..usual.abilities };
        Self { rules: Arc::new(rules), ..Self::with(Policy { on, abilities }) }
    }

    /// A world in which one signs in otherwise.
    pub(crate) fn with(policy: Policy) -> Self {
        Self { policy: Arc::new((policy, ClientCertificate::None)), ..Self::new() }
    }

    /// A world in which every client has shown a certificate.
    #[allow(dead_code, reason = "not every test that shares this file asks")]
    pub(crate) fn certified() -> Self {
        Self { policy: Arc::new((Policy::default(), ClientCertificate::Verified)), ..Self::new() }
    }

    /// The size of a session that waits for its client. It can be sent to another thread.
    pub(crate) fn session_octets(&self) -> usize {
        fn measure(session: impl Future + Send) -> usize {
            size_of_val(&session)
        }
        let far = Far { clock: Arc::clone(&self.clock), ends: Arc::default() };
        let greeted =
            Greeted::at_once(Encrypted::after(&Agreed).unwrap(), Arc::clone(&self.signpost), Arc::default());
        measure(serve(greeted, far, &Doorman(self.office.clone(), Arc::default(), Mutex::default())))
    }

    /// From now on nothing can be changed, and that is written down under `id`.
    pub(crate) fn break_down(&self, id: u64) {
        self.office.fail(Some(FaultId(id)));
    }

    pub(crate) fn records_read(&self) -> usize {
        self.office.records_read()
    }

    pub(crate) fn mend(&self) {
        self.office.fail(None);
    }

    /// From now on the account may hold as much as it likes.
    pub(crate) fn lift_quota(&self) {
        self.office.lift_quota();
    }

    pub(crate) fn lose_bodies(&self) {
        self.office.lose_bodies();
    }

    /// The largest piece of a message that was ever asked for or handed over.
    pub(crate) fn largest_piece(&self) -> usize {
        self.office.largest_piece()
    }

    /// How many octets of messages were ever asked for.
    pub(crate) fn octets_read(&self) -> usize {
        self.office.octets_read()
    }
}

impl World for Machine {
    type Pipe = Wire;

    fn connect(&mut self, port: Port) -> io::Result<Wire> {
        let (clock, office) = (Arc::clone(&self.clock), self.office.clone());
        let policy = Arc::clone(&self.policy);
        let mut wire = Wire { clock, office, policy, server: Server::Gone, ends: Arc::default() };
        let (signpost, rules) = (Arc::clone(&self.signpost), Arc::clone(&self.rules));
        match port {
            Port::Imap => {
                let mut effects = Vec::new();
                let gate = Cleartext::greet(signpost, rules, *lock(&self.clock), &mut effects);
                wire.server = Server::Cleartext(gate);
                wire.obey(effects);
            }
            Port::Imaps => wire.begin(Greeted::at_once(proof()?, signpost, rules)),
            Port::Lmtp => wire.take_mail(),
        }
        Ok(wire)
    }

    fn pass(&mut self, time: Duration) -> io::Result<()> {
        let mut clock = lock(&self.clock);
        *clock = clock.plus(time);
        Ok(())
    }

    fn disk(&mut self, disk: Disk) -> io::Result<()> {
        self.office.turn(disk);
        Ok(())
    }
}

impl Wire {
    fn obey(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(text) => lock(&self.ends).to_client.extend(text.as_bytes()),
                Effect::Close(_) => self.server = Server::Gone,
                Effect::Handshake | Effect::PrivacyRequired(_) | Effect::Warn(_) | Effect::Refused(_) => {}
            }
        }
    }

    fn begin(&mut self, greeted: Greeted) {
        let far = Far { clock: Arc::clone(&self.clock), ends: Arc::clone(&self.ends) };
        let door = Doorman(self.office.clone(), Arc::clone(&self.policy), Mutex::default());
        self.server = Server::Session(Box::pin(async move {
            serve(greeted, far, &door).await;
        }));
    }

    fn take_mail(&mut self) {
        let far = Far { clock: Arc::clone(&self.clock), ends: Arc::clone(&self.ends) };
        let post = Post(self.office.clone());
        self.server = Server::Session(Box::pin(async move {
            session::lmtp::serve(far, &post, &post::rules()).await;
        }));
    }

    /// Lets the server do what it can. All ports of this world answer at once; a session that only pauses, to let
    /// others have their turn, asks to be looked at again.
    fn run(&mut self) {
        let mut effects = Vec::new();
        match &mut self.server {
            Server::Cleartext(gate) if gate.deadline() <= *lock(&self.clock) => gate.time_out(&mut effects),
            Server::Session(session) => {
                if run_until_it_waits(session.as_mut()).is_ready() {
                    self.server = Server::Gone;
                }
            }
            Server::Cleartext(_) | Server::Gone => {}
        }
        self.obey(effects);
    }
}

#[allow(dead_code, reason = "not every test that shares this file asks")]
impl Wire {
    pub(crate) fn largest_send(&self) -> usize {
        lock(&self.ends).largest_send
    }

    /// Others wait outside.
    pub(crate) fn crowd(&mut self) {
        lock(&self.ends).crowded = true;
        self.run();
    }

    /// The client is gone without a word.
    pub(crate) fn hang_up(&mut self) {
        lock(&self.ends).hung_up = true;
        self.run();
    }

    /// Whether the server has ended the conversation.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.server, Server::Gone)
    }
}

/// Whether a session asked to be looked at again.
#[derive(Default)]
struct Again(AtomicBool);

impl Wake for Again {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn run_until_it_waits(mut session: Pin<&mut dyn Future<Output = ()>>) -> Poll<()> {
    let again = Arc::new(Again::default());
    let waker = Arc::clone(&again).into();
    loop {
        let polled = session.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_ready() || !again.0.swap(false, Ordering::Relaxed) {
            return polled;
        }
    }
}

impl Pipe for Wire {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut effects = Vec::new();
        match &mut self.server {
            Server::Cleartext(gate) => gate.handle(bytes, &mut effects),
            _ => lock(&self.ends).to_server.extend(bytes),
        }
        self.obey(effects);
        self.run();
        Ok(())
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        self.run();
        let said = std::mem::take(&mut lock(&self.ends).to_client);
        match self.server {
            Server::Gone => Ok(said),
            _ if said.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(said),
        }
    }

    fn start_tls(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.server, Server::Gone) {
            Server::Cleartext(gate) => self.begin(gate.finish_handshake(proof()?)),
            other => self.server = other,
        }
        Ok(())
    }

    fn deflate(&mut self) -> io::Result<()> {
        if lock(&self.ends).compressed {
            Ok(())
        } else {
            Err(io::Error::other("the server does not compress"))
        }
    }
}

/// The server's side of a connection.
struct Far {
    clock: Arc<Mutex<Moment>>,
    ends: Arc<Mutex<Ends>>,
}

impl Peer for Far {
    fn now(&self) -> Moment {
        *lock(&self.clock)
    }

    async fn receive(&mut self, into: &mut Vec<u8>, until: Moment) -> Result<Received, Gone> {
        poll_fn(|_| {
            let mut ends = lock(&self.ends);
            into.append(&mut ends.to_server);
            match into.is_empty() {
                false => Poll::Ready(Ok(Received::Octets)),
                true if ends.hung_up => Poll::Ready(Err(Gone)),
                true if ends.crowded => Poll::Ready(Ok(Received::Crowded)),
                true if until <= *lock(&self.clock) => Poll::Ready(Ok(Received::TimedOut)),
                true => Poll::Pending,
            }
        })
        .await
    }

    async fn wait(&self, until: Moment) {
        poll_fn(|_| if until <= *lock(&self.clock) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    fn look(&mut self) -> Result<(), Gone> {
        if lock(&self.ends).hung_up { Err(Gone) } else { Ok(()) }
    }

    async fn send(&mut self, outbox: &mut Outbox) -> Result<(), Gone> {
        let mut ends = lock(&self.ends);
        ends.largest_send = ends.largest_send.max(outbox.len());
        while let Some(piece) = outbox.pop() {
            ends.to_client.extend(piece);
        }
        Ok(())
    }

    fn is_signed_out(&self) -> bool {
        false
    }

    fn compress(&mut self) {
        lock(&self.ends).compressed = true;
    }
}

/// The last is how often somebody has failed who named the account.
struct Doorman(Office, Arc<Allowed>, Mutex<u32>);

/// By what one signs in, and whether the client has shown a certificate: it is of the account that there is.
type Allowed = (Policy, ClientCertificate);

/// As often as a stranger may (`door` asks `policy`, and this says what it would say).
const MOST_FAILURES: u32 = 5;
const LIMITED: &str = "Too many logins have failed; try again in 15 minutes";

/// A token that opens.
#[allow(dead_code, reason = "not every test that shares this file asks")]
pub(crate) const TOKEN: &[u8] = b"good";

fn cost() -> Cost {
    Cost::new(8, 1, 4_096).unwrap()
}

/// What the one account signs in with.
fn record() -> &'static CredentialRecord {
    static RECORD: OnceLock<CredentialRecord> = OnceLock::new();
    RECORD.get_or_init(|| {
        let password = Secret::password(PASSWORD).unwrap();
        let record = CredentialRecord::new(&password, Salts(SALTS), &cost(), &mut Workspace::new());
        record.with_sha1(&password)
    })
}

impl Doorman {
    fn external(&self, authzid: Option<&str>) -> Result<Office, Refusal> {
        match authzid {
            None | Some(NAME) => Ok(self.0.clone()),
            Some(_) => Err(sasl::Failure::NotAuthorized.into()),
        }
    }
}

impl Door for Doorman {
    type Mail = Office;
    type Guest = Office;

    async fn sign_in(&self, claim: Claim, _: Means) -> Result<Office, Refusal> {
        if claim.name() == Some(NAME) && *self.2.lock().unwrap() >= MOST_FAILURES {
            return Err(Refusal::denied(Code::Limit, LIMITED));
        }
        let verdict = match &claim {
            Claim::Password { password, .. } => record().verify(password.prepared(), &mut Workspace::new()),
            Claim::Proven { .. } => Verdict::Right,
            Claim::Bearer { token, .. } if token.expose() == TOKEN => Verdict::Right,
            Claim::External { authzid } => return self.external(authzid.as_deref()),
            Claim::Disproven { .. } | Claim::Bearer { .. } => Verdict::Wrong,
        };
        match verdict {
            Verdict::Right if claim.name() == Some(NAME) => Ok(self.0.clone()),
            _ => {
                *self.2.lock().unwrap() += u32::from(claim.name() == Some(NAME));
                Err(sasl::Failure::WrongCredentials.into())
            }
        }
    }

    fn come_in(&self, guest: Office) -> Result<Office, Refusal> {
        Ok(guest)
    }

    fn offer(&self) -> Offer {
        let bindings = Bindings { exporter: Some([7; 32]), server_end_point: None };
        let (policy, certificate) = &*self.1;
        let channel = Channel { bindings, certificate: *certificate };
        Offer::new(State::Private(channel), policy)
    }

    /// The same every time, so that a transcript can hold the proof that goes with it.
    fn nonce(&self) -> Nonce {
        Nonce(NONCE)
    }

    async fn verifiers(&self, name: &str) -> Result<Verifiers, Refusal> {
        let verifier = match name {
            NAME => record().scram().clone(),
            name => CredentialRecord::decoy(&DecoyKey::new([7; 32]), name, &cost()).scram().clone(),
        };
        Ok(verifier.into())
    }

    fn refused(&self, _: Option<CommandName>, _: &Refusal) {}

    fn introduced(&self, _: &[(&str, Option<&str>)]) {}
}
