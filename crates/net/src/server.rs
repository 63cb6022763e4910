//! The server: opens the doors, lets connections in, and sees them out when it stops.

use crate::clock::Clock;
use crate::connection::{House, Service, new_fault};
use crate::hush::Hush;
use crate::inspection::{DAILY, Inspection};
use crate::leaving;
use crate::listen::{Afterwards, Arrival, Caller, Doors, ListenError, REST};
use crate::octets::Duplex;
use crate::prompt::Prompt;
use crate::reception::{Present, Reception};
use crate::tls::{ListenerTls, Profiles};
use crate::validation::Validator;
use crate::visit::Visit;
use certificates::{CertificateError, CertificateFiles, Certificates, Reloaded, Validations};
use events::{Event, Peer, Refusal};
use policy::{ConnectionLimits, Crowded, Network};
use settings::{Idle, ListenerKind, Settings};
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep, timeout, timeout_at};

/// How often the certificates' files are looked at.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(2);
/// How long connections that are cut off may take to notice: they have nothing to wait for.
const CUT_PATIENCE: Duration = Duration::from_secs(5);

/// A server whose doors are open; it answers once it [runs](Self::run).
pub struct Server<S> {
    house: Arc<House<S>>,
    doors: Doors,
    reception: Arc<Reception>,
    certificates: Arc<Certificates>,
    inspection: Arc<Inspection>,
    validator: Validator,
    clock: Clock,
    idle: Idle,
    sign_in_patience: Duration,
    mail: MailRules,
    shutdown: Duration,
    control: Arc<Control>,
    /// Whether accepting rests, and has been said to.
    is_resting: bool,
    /// When accepting last failed for want of something.
    trouble: Hush,
}

/// Certificates that somebody is getting from an authority.
#[derive(Debug, Default)]
pub struct Awaited {
    /// Where they will lie.
    pub files: Vec<CertificateFiles>,
    /// What the authority is to find when it validates our names.
    pub validations: Arc<Validations>,
}

/// Who may bring mail.
#[derive(Debug)]
struct MailRules {
    host: Box<str>,
    networks: Vec<Network>,
    places: Arc<Semaphore>,
}

/// Steers a running server from elsewhere.
#[derive(Clone, Debug)]
pub struct Remote {
    control: Arc<Control>,
}

#[derive(Debug)]
struct Control {
    stop: watch::Sender<Running>,
    look: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Yes,
    Stopping,
}

impl Control {
    async fn told_to_stop(&self) {
        let mut stop = self.stop.subscribe();
        stop.wait_for(|running| *running == Running::Stopping).await.map(drop).ok();
    }
}

impl Remote {
    /// No more connections; those that are there are told BYE.
    pub fn stop(&self) {
        self.control.stop.send_replace(Running::Stopping);
    }

    /// Look at the certificates now.
    pub fn look_at_certificates(&self) {
        self.control.look.notify_one();
    }
}

/// What can be asked of a running server from elsewhere.
#[derive(Clone, Debug)]
pub struct Gauge {
    reception: Arc<Reception>,
    certificates: Arc<Certificates>,
    panics: Arc<AtomicU64>,
}

impl Gauge {
    /// How many are in now.
    #[must_use]
    pub fn present(&self) -> Present {
        self.reception.present()
    }

    /// How many connections ended by a panic of ours, from the start on.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// The certificates that are shown.
    #[must_use]
    pub const fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }
}

/// How a server stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// How many connections were told BYE.
    pub told: u64,
    /// How many of them were cut off because they took too long to leave.
    pub cut: u64,
    /// How many connections ended by a panic of ours, from the start on.
    pub panics: u64,
}

impl<S: Service> Server<S> {
    /// Reads the certificates and opens every listener. Wants a tokio runtime around it.
    ///
    /// # Errors
    /// The first thing that is in the way, in words for the admin.
    pub fn open(settings: &Settings, service: S) -> Result<Self, StartError> {
        Self::open_and_await(settings, Awaited::default(), service)
    }

    /// The same, where certificates will come that are not there yet.
    ///
    /// # Errors
    /// Those of [`Server::open`].
    pub fn open_and_await(settings: &Settings, awaited: Awaited, service: S) -> Result<Self, StartError> {
        let certificates = Certificates::load_and_await(certificate_files(settings), awaited.files)?;
        let certificates = Arc::new(certificates);
        let house = House::new(settings, service, Profiles::new(&certificates, settings)?);
        let doors = Doors::open(settings)?;
        Ok(Self {
            house: Arc::new(house),
            doors,
            reception: Reception::new(connection_limits(settings)),
            inspection: Arc::new(Inspection::new(settings, Arc::clone(&certificates))),
            validator: Validator::new(awaited.validations)?,
            certificates,
            clock: Clock::start(),
            idle: settings.idle.clone(),
            sign_in_patience: Duration::from_secs(settings.limits.preauth_seconds.into()),
            mail: MailRules::new(settings),
            shutdown: Duration::from_secs(settings.server.shutdown_seconds.into()),
            control: Arc::new(Control { stop: watch::Sender::new(Running::Yes), look: Notify::new() }),
            is_resting: false,
            trouble: Hush::new(),
        })
    }

    /// Where it listens: the ports that the system chose, where the settings say 0.
    pub fn addresses(&self) -> impl Iterator<Item = (ListenerKind, SocketAddr)> {
        self.doors.addresses()
    }

    /// The Unix sockets where it listens.
    pub fn paths(&self) -> impl Iterator<Item = (ListenerKind, &Path)> {
        self.doors.paths()
    }

    /// What stops it.
    #[must_use]
    pub fn remote(&self) -> Remote {
        Remote { control: Arc::clone(&self.control) }
    }

    /// What tells how it is.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        Gauge {
            reception: Arc::clone(&self.reception),
            certificates: Arc::clone(&self.certificates),
            panics: Arc::clone(&self.house.panics),
        }
    }

    /// Lets connections in until it is told to stop, and then sees them out.
    pub async fn run(mut self) -> Stopped {
        self.announce_certificates();
        // Told before the doors are, so that a start has said what it has to say once it listens.
        self.inspect_certificates().await.ok();
        self.announce();
        let mut visits = JoinSet::new();
        self.receive(&mut visits).await;
        let Self { house, reception, shutdown, doors, .. } = self;
        drop(doors); // from now on the system refuses
        let (told, cut) = see_out(&reception, visits, shutdown).await;
        Stopped { told, cut, panics: house.panics.load(Ordering::Relaxed) }
    }

    fn announce_certificates(&self) {
        for file in self.certificates.loaded() {
            Event::CertificateLoaded { file: file.chain.as_path().into(), server_name: None }.log();
        }
    }

    fn announce(&self) {
        for (kind, address) in self.addresses() {
            Event::Listening { listener: named(kind), address: Some(address), path: None }.log();
        }
        for (kind, path) in self.paths() {
            Event::Listening { listener: named(kind), address: None, path: Some(path.into()) }.log();
        }
    }

    async fn receive(&mut self, visits: &mut JoinSet<()>) {
        let control = Arc::clone(&self.control);
        let mut looks = interval(CERTIFICATE_LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut days = interval_at(Instant::now() + DAILY, DAILY);
        days.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = control.told_to_stop() => return,
                Some(_ended) = visits.join_next() => {}
                _ = days.tick() => drop(self.inspect_certificates()),
                _ = looks.tick() => self.look_at_certificates().await,
                () = control.look.notified() => self.look_at_certificates().await,
                arrival = self.next_arrival() => self.welcome(arrival, visits),
            }
        }
    }

    async fn next_arrival(&mut self) -> Arrival {
        if self.is_resting {
            sleep(REST).await;
        }
        self.doors.next().await
    }

    fn welcome(&mut self, arrival: Arrival, visits: &mut JoinSet<()>) {
        match arrival {
            Ok((kind, caller)) => {
                self.is_resting = false;
                match (kind, caller) {
                    (ListenerKind::Lmtp, caller) => self.admit_mail(kind, caller, visits),
                    (ListenerKind::AcmeHttp | ListenerKind::AcmeTls, Caller::Tcp(stream, from, _)) => {
                        self.validator.receive(kind, stream, from.ip());
                    }
                    (kind, Caller::Tcp(stream, address, tls)) => {
                        self.admit((kind, tls), stream, address, visits);
                    }
                    // Nothing but mail comes in through the file system.
                    (_, Caller::Unix(_)) => {}
                }
            }
            Err(why) => self.rest(&why),
        }
    }

    /// Says once why nobody comes in, not four times a second; and at the limit, where each connection that closes
    /// lets one in and the next one waits, not once for each.
    fn rest(&mut self, why: &std::io::Error) {
        if Afterwards::of(why) != Afterwards::Rest {
            return;
        }
        self.is_resting = true;
        if self.trouble.is_news(Instant::now()) {
            let why = AcceptError(std::io::Error::new(why.kind(), why.to_string()));
            let problem = (&why as &(dyn Error + 'static)).into();
            Event::ServerFault { connection: None, fault: new_fault(), problem }.log();
        }
    }

    fn admit(
        &self,
        (kind, tls): (ListenerKind, ListenerTls),
        stream: TcpStream,
        address: SocketAddr,
        visits: &mut JoinSet<()>,
    ) {
        let admission = match self.reception.admit(address.ip()) {
            Ok(admission) => admission,
            Err(crowded) => return turn_away(kind, stream, address, crowded),
        };
        let visit = Visit::new(admission, Peer::Address(address), kind, self.clock, self.sign_in_patience);
        let visit = Arc::new(visit.with_tls(tls));
        let Ok(stream) = Prompt::ready(stream, &self.idle, Arc::clone(&visit)) else { return };
        Event::Connected { connection: visit.id(), listener: named(kind), peer: visit.peer() }.log();
        let house = Arc::clone(&self.house);
        visits.spawn(async move { house.serve(stream, visit).await });
    }

    /// Lets somebody in who brings mail: from where the settings allow it, as long as there are places.
    fn admit_mail(&self, kind: ListenerKind, caller: Caller, visits: &mut JoinSet<()>) {
        let peer = caller.peer();
        let place = match self.mail.admit(peer) {
            Ok(place) => place,
            Err(reason) => return self.mail.turn_away(kind, caller, reason),
        };
        let admission = self.reception.admit_known();
        let visit = Arc::new(Visit::new(admission, peer, kind, self.clock, Duration::MAX));
        match caller {
            Caller::Tcp(stream, ..) => {
                let Ok(stream) = Prompt::ready(stream, &self.idle, Arc::clone(&visit)) else { return };
                self.take_mail((stream, kind), visit, place, visits);
            }
            Caller::Unix(stream) => self.take_mail((stream, kind), visit, place, visits),
        }
    }

    fn take_mail(
        &self,
        (stream, kind): (impl Duplex + 'static, ListenerKind),
        visit: Arc<Visit>,
        place: OwnedSemaphorePermit,
        visits: &mut JoinSet<()>,
    ) {
        let (connection, listener, peer) = (visit.id(), named(kind), visit.peer());
        Event::Connected { connection, listener, peer }.log();
        let house = Arc::clone(&self.house);
        visits.spawn(async move {
            house.serve_mail(stream, visit).await;
            drop(place);
        });
    }

    async fn look_at_certificates(&self) {
        let certificates = Arc::clone(&self.certificates);
        let looked = tokio::task::spawn_blocking(move || certificates.look_again()).await;
        let looked = looked.unwrap_or_default();
        looked.iter().for_each(report);
        if looked.iter().any(|outcome| matches!(outcome, Reloaded::Replaced(_))) {
            // Not waited for: whoever connects need not, either.
            drop(self.inspect_certificates());
        }
    }

    fn inspect_certificates(&self) -> JoinHandle<()> {
        let inspection = Arc::clone(&self.inspection);
        tokio::task::spawn_blocking(move || inspection.tell(SystemTime::now()))
    }
}

impl MailRules {
    fn new(settings: &Settings) -> Self {
        let networks = settings.lmtp.networks.iter();
        let places = usize::try_from(settings.lmtp.connections).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            host: settings.server.hostname.as_str().into(),
            networks: networks.map(|network| Network::of(network.address, network.bits)).collect(),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    fn admit(&self, peer: Peer) -> Result<OwnedSemaphorePermit, Refusal> {
        let is_allowed = match peer {
            Peer::Address(address) => self.networks.iter().any(|network| network.holds(address.ip())),
            Peer::UnixSocket => true, // the file system has let it in
        };
        if !is_allowed {
            return Err(Refusal::Policy);
        }
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::ServerLimit)
    }

    /// Both are told as what may pass: a network that was not named is a mistake of the admin's, and no reason to send
    /// mail back.
    fn turn_away(&self, kind: ListenerKind, caller: Caller, reason: Refusal) {
        let peer = caller.peer();
        let words = match reason {
            Refusal::Policy => "4.7.1 This host may not hand in mail here",
            _ => "4.3.2 Too many connections; try again in a moment",
        };
        let words = format!("421 {words} ({})\r\n", self.host);
        // Not waited for: a new socket has room for a line.
        let told = match caller {
            Caller::Tcp(stream, ..) => {
                stream.into_std().and_then(|mut stream| stream.write_all(words.as_bytes()))
            }
            Caller::Unix(stream) => {
                stream.into_std().and_then(|mut stream| stream.write_all(words.as_bytes()))
            }
        };
        told.ok();
        Event::ConnectionRefused { listener: named(kind), peer, reason }.log();
    }
}

/// Asks all to leave, waits, and cuts off who stays; how many were asked, and how many cut off. Asking takes half of
/// the time at most, so that whoever is asked last has the other half.
async fn see_out(reception: &Reception, mut visits: JoinSet<()>, patience: Duration) -> (u64, u64) {
    let deadline = Instant::now() + patience;
    let told = leaving::ask_all(reception, patience / 2).await;
    if timeout_at(deadline, all_ended(&mut visits)).await.is_ok() {
        return (told, 0);
    }
    let cut = reception.cut_all();
    timeout(CUT_PATIENCE, all_ended(&mut visits)).await.ok();
    (told, cut)
}

async fn all_ended(visits: &mut JoinSet<()>) {
    while visits.join_next().await.is_some() {}
}

/// The pairs of files that the settings name.
#[must_use]
pub fn certificate_files(settings: &Settings) -> Vec<CertificateFiles> {
    let certificates = settings.tls.certificates.iter();
    certificates.map(|pair| CertificateFiles { chain: pair.chain.clone(), key: pair.key.clone() }).collect()
}

fn connection_limits(settings: &Settings) -> ConnectionLimits {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    ConnectionLimits {
        per_narrow: count(settings.limits.preauth_connections_per_address),
        per_wide: count(settings.limits.preauth_connections_per_network),
        ..ConnectionLimits::default()
    }
}

fn report(reloaded: &Reloaded) {
    match reloaded {
        Reloaded::Replaced(files) => {
            Event::CertificateLoaded { file: files.chain.as_path().into(), server_name: None }.log();
        }
        Reloaded::Kept(files, why) => {
            let problem = (why as &(dyn Error + 'static)).into();
            Event::CertificateRejected { file: files.chain.as_path().into(), problem }.log();
        }
    }
}

/// Where words are possible they say why. They are not waited for: a new socket has room for a line.
fn turn_away(kind: ListenerKind, stream: TcpStream, address: SocketAddr, crowded: Crowded) {
    if kind == ListenerKind::ImapStartTls
        && let Ok(mut stream) = stream.into_std()
    {
        write!(stream, "* BYE {crowded}; try again in a minute\r\n").ok();
    }
    let reason = match crowded {
        Crowded::Network(network) if network == Network::narrow(address.ip()) => Refusal::AddressLimit,
        Crowded::Network(_) => Refusal::NetworkLimit,
        Crowded::Server => Refusal::ServerLimit,
    };
    Event::ConnectionRefused { listener: named(kind), peer: Peer::Address(address), reason }.log();
}

fn named(kind: ListenerKind) -> events::Listener {
    events::Listener::new(kind.as_str())
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The TLS library refuses its own settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

#[derive(Debug, thiserror::Error)]
#[error(
    "no connection can be accepted: {0}; if files have run out, raise the limit (LimitNOFILE, ulimit -n)"
)]
struct AcceptError(std::io::Error);
