//! What is known of one connection: where it came from, who it turned out to be, what it cost.

use crate::clock::Clock;
use crate::handshake::Offer;
use crate::reception::{Admission, Presence, Wherefore};
use crate::tls::ListenerTls;
use door::ShownCertificate;
use events::{Account, Alpn, ClientId, Command, ConnectionId, EndReason, Event, Mechanism, Peer, Problem};
use events::{Protocol, Refused, ResponseCode, Sentence, ServerName, TlsGroup, TlsVersion};
use mail::SignedOut;
use sasl::Channel;
use settings::ListenerKind;
use std::future::{pending, poll_fn};
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;
use std::time::Duration;
use terms::Moment;
use tokio::time::sleep;

/// How long whoever is signed out may take to leave: what a session is in the middle of may end well until then.
/// All of it is to be over within five seconds (threat T-37).
pub(crate) const GOODBYE_TIME: Duration = Duration::from_secs(3);

/// One connection, from its acceptance to the line that it leaves in the log.
#[derive(Debug)]
pub struct Visit {
    admission: Admission,
    peer: Peer,
    listener: ListenerKind,
    tls: ListenerTls,
    clock: Clock,
    opened: Moment,
    sign_in_by: Moment,
    pub(crate) octets_in: AtomicU64,
    pub(crate) octets_out: AtomicU64,
    /// Commands given before TLS; the rest is the conversation's to count.
    pub(crate) commands_in_clear: AtomicU32,
    answered_bad: AtomicU32,
    answered_no: AtomicU32,
    /// When whoever signed in is signed out again.
    signed_out: OnceLock<SignedOut>,
    /// It heard of that while it waited for its client, and so had nothing left to send.
    is_quiet: AtomicBool,
    notes: Mutex<Notes>,
}

#[derive(Clone, Debug, Default)]
struct Notes {
    tls: Option<(TlsVersion, Option<TlsGroup>)>,
    signed_in: Option<(Account, Mechanism)>,
    /// What TLS has settled, for as long as somebody may sign in by it.
    channel: Option<Box<Channel>>,
    /// The certificate that the client has shown, for as long as that.
    certificate: Option<Arc<ShownCertificate>>,
    client: Option<ClientId>,
    /// What the line knows of its own end; the conversation only knows that it ended.
    line_ended: Option<EndReason>,
    /// Whether another event has said all that `session.end` could.
    has_left_its_line: bool,
}

/// How a conversation ended, and how much was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// Why.
    pub reason: EndReason,
    /// How many commands were given.
    pub commands: u64,
}

impl From<EndReason> for Farewell {
    /// Of a conversation in which no command was given.
    fn from(reason: EndReason) -> Self {
        Self { reason, commands: 0 }
    }
}

impl Visit {
    /// A connection that has just come in, and has so long to sign in; who brings mail never does.
    pub(crate) fn new(
        admission: Admission,
        peer: Peer,
        listener: ListenerKind,
        clock: Clock,
        patience: Duration,
    ) -> Self {
        let opened = clock.now();
        Self {
            admission,
            peer,
            listener,
            tls: ListenerTls::default(),
            clock,
            opened,
            sign_in_by: opened.plus(patience),
            octets_in: AtomicU64::new(0),
            octets_out: AtomicU64::new(0),
            commands_in_clear: AtomicU32::new(0),
            answered_bad: AtomicU32::new(0),
            answered_no: AtomicU32::new(0),
            signed_out: OnceLock::new(),
            is_quiet: AtomicBool::new(false),
            notes: Mutex::default(),
        }
    }

    /// The same, with what the listener has of its own about TLS.
    pub(crate) const fn with_tls(mut self, tls: ListenerTls) -> Self {
        self.tls = tls;
        self
    }

    /// What its listener has of its own about TLS.
    pub(crate) const fn listener_tls(&self) -> ListenerTls {
        self.tls
    }

    /// The number that all its events carry.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.admission.id
    }

    /// Who it is, for events.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// Who it is, for limits: a program on this host counts as the host itself.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self.peer {
            Peer::Address(address) => address,
            Peer::UnixSocket => (Ipv6Addr::LOCALHOST, 0).into(),
        }
    }

    /// What is spoken.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self.listener {
            ListenerKind::ImapStartTls | ListenerKind::ImapTls => Protocol::Imap,
            // Authorities are no visitors: what they ask is answered by `validation`.
            ListenerKind::Lmtp | ListenerKind::AcmeHttp | ListenerKind::AcmeTls => Protocol::Lmtp,
        }
    }

    /// Where it came in.
    #[must_use]
    pub const fn listener(&self) -> ListenerKind {
        self.listener
    }

    /// When it came in.
    #[must_use]
    pub const fn opened(&self) -> Moment {
        self.opened
    }

    /// Until when a wait may last: a stranger's ends when it should have signed in, whatever it waits for.
    pub(crate) fn at_most(&self, until: Moment) -> Moment {
        if self.notes().signed_in.is_some() { until } else { until.min(self.sign_in_by) }
    }

    /// The clock by which its deadlines go.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Somebody signed in: the connection no longer counts as a stranger's.
    pub fn signed_in(&self, account: Account, mechanism: Mechanism) {
        let mut notes = self.notes();
        notes.signed_in = Some((account, mechanism));
        (notes.channel, notes.certificate) = (None, None);
        drop(notes);
        self.admission.signed_in();
    }

    /// There is TLS, and this is what can be known of it.
    pub(crate) fn bound(&self, channel: Channel, certificate: Option<Arc<ShownCertificate>>) {
        let mut notes = self.notes();
        (notes.channel, notes.certificate) = (Some(Box::new(channel)), certificate);
    }

    /// The certificate that the client has shown. None where it was not asked to, or somebody has signed in.
    pub(crate) fn certificate(&self) -> Option<Arc<ShownCertificate>> {
        self.notes().certificate.clone()
    }

    /// What TLS has settled. Nothing where there is none, or where somebody has signed in.
    pub(crate) fn channel(&self) -> Channel {
        self.notes().channel.as_deref().cloned().unwrap_or_default()
    }

    /// The connection goes when its account may not be signed in to any more.
    pub(crate) fn stays_until(&self, signed_out: SignedOut) {
        // Nobody signs in twice on a connection (RFC 9051, 6.2: these commands are of the state before).
        self.signed_out.set(signed_out).ok();
    }

    /// It is signed out while it waits for its client: nothing is under way to it but what it is told then.
    pub(crate) fn leaves_quietly(&self) {
        self.is_quiet.store(true, Ordering::Relaxed);
    }

    /// Whether mail may be under way that its peer is to get no more.
    pub(crate) fn is_torn_away(&self) -> bool {
        self.is_signed_out() && !self.is_quiet.load(Ordering::Relaxed)
    }

    /// Whether its account may not be signed in to any more.
    pub(crate) fn is_signed_out(&self) -> bool {
        self.signed_out.get().is_some_and(SignedOut::is_over)
    }

    /// The client said what it is (RFC 2971).
    pub fn introduced(&self, client: ClientId) {
        self.notes().client = Some(client);
    }

    /// What the client said it is.
    #[must_use]
    pub fn client(&self) -> Option<ClientId> {
        self.notes().client.clone()
    }

    /// A command was refused.
    pub(crate) fn refused(
        &self,
        refused: Refused,
        command: Option<Command>,
        code: Option<ResponseCode>,
        told: Sentence,
    ) {
        let count = match refused {
            Refused::Bad => &self.answered_bad,
            Refused::No => &self.answered_no,
        };
        count.fetch_add(1, Ordering::Relaxed);
        let account = self.notes().signed_in.as_ref().map(|(account, _)| account.clone());
        Event::CommandRefused { connection: self.id(), account, command, refused, code, told }.log();
    }

    pub(crate) fn encrypted(&self, version: TlsVersion, group: Option<TlsGroup>) {
        self.notes().tls = Some((version, group));
    }

    /// The first who knows why the line ended is right.
    pub(crate) fn line_ended(&self, reason: EndReason) {
        self.notes().line_ended.get_or_insert(reason);
    }

    pub(crate) fn presence(&self) -> tokio::sync::watch::Receiver<Presence> {
        self.admission.presence.clone()
    }

    /// Waits until the connection has to go.
    pub(crate) async fn asked_to_leave(&self) -> Wherefore {
        tokio::select! {
            biased;
            wherefore = self.unwelcome() => wherefore,
            () = self.signed_out() => Wherefore::SignedOut,
        }
    }

    async fn unwelcome(&self) -> Wherefore {
        let mut presence = self.presence();
        match presence.wait_for(|presence| *presence != Presence::Welcome).await.as_deref() {
            Ok(Presence::Asked(wherefore)) => *wherefore,
            _ => Wherefore::Stopping,
        }
    }

    async fn signed_out(&self) {
        match self.signed_out.get() {
            Some(signed_out) => signed_out.clone().wait().await,
            None => pending().await,
        }
    }

    /// Waits until whoever is signed out has had time enough for a goodbye. It is to be asked again whenever the
    /// conversation has had its turn, in which somebody may have signed in; nobody is woken for that.
    pub(crate) async fn overstayed(&self) {
        let waiting = poll_fn(|_| match self.signed_out.get() {
            // Boxed, so that a stranger's connection is no larger for it.
            Some(signed_out) => Poll::Ready(Box::pin(stay(signed_out.clone()))),
            None => Poll::Pending,
        });
        waiting.await.await;
    }

    /// Waits until there was time enough for a goodbye.
    pub(crate) async fn cut(&self) {
        let mut presence = self.presence();
        presence.wait_for(|presence| *presence == Presence::Cut).await.map(drop).ok();
    }

    /// There is no TLS, and so no session: this is the one line that the connection leaves.
    pub(crate) fn tls_failed(&self, problem: Problem, offer: Option<Offer>) {
        self.notes().has_left_its_line = true;
        let offered = offer.as_ref();
        Event::TlsFailed {
            connection: self.id(),
            peer: self.peer(),
            problem,
            server_name: offered.and_then(|offer| offer.server_name.as_deref()).map(ServerName::new),
            versions: offered.map(|offer| offer.versions.iter().copied().collect()),
            groups: offered.map(|offer| offer.groups.clone()),
            suites: offered.map(|offer| offer.suites.clone()),
            protocols: offered
                .filter(|offer| !offer.protocols.is_empty())
                .map(|offer| Alpn::new(&offer.protocols)),
            duration_ms: self.duration_ms(),
        }
        .log();
    }

    /// The one line that every connection leaves.
    pub(crate) fn end(&self, farewell: Farewell) {
        let Notes { tls, signed_in, client, line_ended, has_left_its_line, .. } = self.notes().clone();
        if has_left_its_line {
            return;
        }
        let (account, mechanism) = signed_in.unzip();
        Event::SessionEnded {
            connection: self.id(),
            protocol: self.protocol(),
            peer: self.peer(),
            account,
            tls: tls.map(|(version, _)| version),
            group: tls.and_then(|(_, group)| group),
            mechanism,
            client,
            commands: u64::from(self.commands_in_clear.load(Ordering::Relaxed)) + farewell.commands,
            bad: count(&self.answered_bad),
            no: count(&self.answered_no),
            octets_in: self.octets_in.load(Ordering::Relaxed),
            octets_out: self.octets_out.load(Ordering::Relaxed),
            duration_ms: self.duration_ms(),
            reason: match farewell.reason {
                EndReason::Closed => line_ended.unwrap_or(EndReason::Closed),
                reason => reason,
            },
        }
        .log();
    }

    fn duration_ms(&self) -> u64 {
        u64::try_from(self.clock.now().since(self.opened).as_millis()).unwrap_or(u64::MAX)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn stay(signed_out: SignedOut) {
    signed_out.wait().await;
    sleep(GOODBYE_TIME).await;
}

/// What is worth telling.
fn count(counter: &AtomicU32) -> Option<u64> {
    Some(u64::from(counter.load(Ordering::Relaxed))).filter(|&count| count > 0)
}
