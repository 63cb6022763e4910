//! The life of one connection: gate, handshake, conversation, and the line in the log.

use crate::edge::caught;
use crate::gate;
use crate::handshake::{Failed, Overheard, Problem, shake_hands};
use crate::octets::{Duplex, take_leave};
use crate::peer::{PlainPeer, TlsPeer};
use crate::tls::{PrivateLine, Profiles};
use crate::visit::{Farewell, Visit};
use events::{EndReason, Event, FaultId, ServerName};
use session::imap::gate::Greeted;
use session::port::Peer;
use session::{Rules, Signpost, Unasked};
use settings::{ListenerKind, LiteralPlus, Settings};
use std::error::Error;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::unconstrained;

/// What is spoken once a line is private; and with those who bring mail, in the clear.
pub trait Service: Send + Sync + 'static {
    /// Talks to `peer` until one of the two has enough. The service says its goodbyes; closing is left to the
    /// caller.
    fn converse<P: Peer>(
        &self,
        greeted: Greeted,
        peer: P,
        visit: Arc<Visit>,
    ) -> impl Future<Output = Farewell> + Send;

    /// Somebody sent the password of `name` in clear, before any of this. It is not to be waited for.
    fn exposed(&self, name: &str, visit: &Visit);

    /// The same with a mail server that brings mail. A service that takes none hangs up.
    fn take_mail<P: Peer>(&self, _: P, _: Arc<Visit>) -> impl Future<Output = Farewell> + Send {
        std::future::ready(EndReason::Closed.into())
    }
}

/// What all connections share.
pub(crate) struct House<S> {
    pub(crate) service: S,
    pub(crate) tls: Profiles,
    pub(crate) signpost: Arc<Signpost>,
    pub(crate) handshake_patience: Duration,
    pub(crate) rules: Arc<Rules>,
    /// Octets of the largest message that a client may send.
    pub(crate) largest_message: u64,
    /// Connections that a panic of ours ended.
    pub(crate) panics: Arc<AtomicU64>,
}

impl<S: Service> House<S> {
    pub(crate) fn new(settings: &Settings, service: S, tls: Profiles) -> Self {
        let limits = &settings.limits;
        Self {
            service,
            tls,
            signpost: Arc::new(Signpost {
                host: settings.public_host().as_str().into(),
                imaps_port: settings.public_port(ListenerKind::ImapTls),
            }),
            handshake_patience: Duration::from_secs(limits.handshake_seconds.into()),
            rules: Arc::new(rules(settings)),
            largest_message: limits.append_limit_octets,
            panics: Arc::default(),
        }
    }

    /// Serves one connection to its end. A panic ends this one alone.
    pub(crate) async fn serve(&self, stream: impl Duplex, visit: Arc<Visit>) {
        // Pinned here, so that nothing on the way down holds a second copy of it.
        let farewell = self.see_through(pin!(self.converse(stream, &visit)), &visit).await;
        visit.end(farewell);
    }

    /// The same of one that brings mail.
    pub(crate) async fn serve_mail(&self, stream: impl Duplex, visit: Arc<Visit>) {
        let farewell = self.see_through(pin!(self.take_mail(stream, &visit)), &visit).await;
        visit.end(farewell);
    }

    async fn see_through(
        &self,
        conversation: Pin<&mut impl Future<Output = Farewell>>,
        visit: &Visit,
    ) -> Farewell {
        tokio::select! {
            biased;
            ended = caught(conversation) => match ended {
                Ok(farewell) => farewell,
                Err(panic) => self.fault(visit, &panic),
            },
            // Not held up by tokio's budget, which a conversation that never waits has spent each time (a fast reader of
            // compressed mail): these two would never be looked at.
            () = unconstrained(visit.cut()) => EndReason::Stopping.into(),
            // Whatever it is doing: being sent mail as slowly as it likes, waiting for a disk. In the middle of a
            // literal nothing can be said any more.
            () = unconstrained(visit.overstayed()) => EndReason::SignedOut.into(),
        }
    }

    async fn take_mail(&self, stream: impl Duplex, visit: &Arc<Visit>) -> Farewell {
        let mut peer = PlainPeer::new(stream, Arc::clone(visit));
        let farewell = self.service.take_mail(&mut peer, Arc::clone(visit)).await;
        peer.close().await;
        farewell
    }

    async fn converse(&self, stream: impl Duplex, visit: &Arc<Visit>) -> Farewell {
        // Boxed, as is the handshake within: the room that it needs is taken late and given back early.
        let (greeted, mut peer) = match Box::pin(self.enter(stream, visit)).await {
            Ok(entered) => entered,
            Err(reason) => return reason.into(),
        };
        let farewell = self.service.converse(greeted, &mut peer, Arc::clone(visit)).await;
        peer.close().await;
        farewell
    }

    async fn enter<IO: Duplex>(
        &self,
        stream: IO,
        visit: &Arc<Visit>,
    ) -> Result<(Greeted, TlsPeer<Overheard<IO>>), EndReason> {
        let (greeted, line) = match visit.listener() {
            ListenerKind::ImapStartTls => self.through_the_gate(stream, visit).await?,
            ListenerKind::ImapTls => self.at_once(stream, visit).await?,
            // They have no TLS to enter: see `serve_mail`, and `validation`.
            ListenerKind::Lmtp | ListenerKind::AcmeHttp | ListenerKind::AcmeTls => {
                return Err(EndReason::Fault);
            }
        };
        Ok((greeted, TlsPeer::new(line.stream, Arc::clone(visit), self.largest_message)))
    }

    async fn through_the_gate<IO: Duplex>(
        &self,
        mut stream: IO,
        visit: &Visit,
    ) -> Result<(Greeted, PrivateLine<Overheard<IO>>), EndReason> {
        let exposed = |name: &str| self.service.exposed(name, visit);
        let (signpost, rules) = (Arc::clone(&self.signpost), Arc::clone(&self.rules));
        let cleartext = match gate::pass(&mut stream, visit, &exposed, signpost, rules).await {
            Ok(cleartext) => cleartext,
            Err(reason) => {
                take_leave(&mut stream).await;
                return Err(reason);
            }
        };
        let line = self.handshake(stream, visit).await?;
        let proof = line.proof().ok_or(EndReason::Fault)?;
        Ok((cleartext.finish_handshake(proof), line))
    }

    async fn at_once<IO: Duplex>(
        &self,
        stream: IO,
        visit: &Visit,
    ) -> Result<(Greeted, PrivateLine<Overheard<IO>>), EndReason> {
        let line = self.handshake(stream, visit).await?;
        let proof = line.proof().ok_or(EndReason::Fault)?;
        Ok((Greeted::at_once(proof, Arc::clone(&self.signpost), Arc::clone(&self.rules)), line))
    }

    async fn handshake<IO: Duplex>(
        &self,
        stream: IO,
        visit: &Visit,
    ) -> Result<PrivateLine<Overheard<IO>>, EndReason> {
        let clock = visit.clock();
        let deadline = clock.instant(clock.now().plus(self.handshake_patience));
        let shaken = tokio::select! {
            biased;
            _ = visit.asked_to_leave() => return Err(EndReason::Stopping), // nothing can be said in between
            shaken = Box::pin(shake_hands(stream, self.tls.of(visit.listener_tls()), deadline)) => shaken,
        };
        match shaken {
            Ok(mut line) => {
                established(visit, &mut line);
                Ok(line)
            }
            Err(failed) => Err(refused(visit, failed).await),
        }
    }

    fn fault(&self, visit: &Visit, panic: &(dyn Error + 'static)) -> Farewell {
        self.panics.fetch_add(1, Ordering::Relaxed);
        Event::ServerFault { connection: Some(visit.id()), fault: new_fault(), problem: panic.into() }.log();
        EndReason::Fault.into()
    }
}

fn established<IO>(visit: &Visit, line: &mut PrivateLine<IO>) {
    visit.bound(std::mem::take(&mut line.channel), line.certificate.take());
    let (version, group) = (line.version(), line.group());
    visit.encrypted(version, group);
    let server_name = line.server_name.as_deref().map(ServerName::new);
    Event::TlsEstablished { connection: visit.id(), version, group, server_name }.log();
}

/// Writes down why there is no TLS, and lets the alert arrive that says it to the client.
async fn refused<IO: Duplex>(visit: &Visit, failed: Failed<IO>) -> EndReason {
    let Failed { problem, offer, io } = failed;
    // The same attack as data right behind STARTTLS, only slower: clear text where the handshake should begin.
    let injected = problem == Problem::NotTls && visit.listener() == ListenerKind::ImapStartTls;
    if injected {
        gate::injection(visit, io.as_ref().map_or(0, |io| io.opening.octets));
    } else {
        visit.tls_failed((&problem as &(dyn Error + 'static)).into(), offer);
    }
    if let Some(mut io) = io {
        take_leave(&mut io).await;
    }
    if injected { EndReason::Injection } else { EndReason::Broken }
}

/// What the settings say of a conversation.
fn rules(settings: &Settings) -> Rules {
    let (limits, still_here) = (&settings.limits, settings.idle.still_here_seconds);
    let octets = |octets: u32| usize::try_from(octets).unwrap_or(usize::MAX);
    Rules {
        sign_in_time: Duration::from_secs(limits.preauth_seconds.into()),
        before_tls_octets: octets(limits.before_tls_octets),
        before_login_octets: octets(limits.before_login_octets),
        login_literal_octets: limits.login_literal_octets.into(),
        command_octets: octets(limits.command_line_octets),
        unasked: match limits.literal_plus {
            LiteralPlus::Never => Unasked::Short,
            LiteralPlus::Authenticated => Unasked::Any,
        },
        output_octets: octets(limits.output_buffer_octets),
        still_here: (still_here > 0).then(|| Duration::from_secs(still_here.into())),
    }
}

/// A number that a fault can be found by: random, so that it is not one from before a restart.
pub(crate) fn new_fault() -> FaultId {
    FaultId(RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Imap;
    use crate::clock::Clock;
    use crate::reception::Reception;
    use crate::visit::GOODBYE_TIME;
    use certificates::{CertificateFiles, Certificates};
    use mail::{Accounts, HashPool, World};
    use mailbox::account::directory::Standing;
    use policy::ConnectionLimits;
    use sasl::{Cost, CredentialRecord, Salts, Secret, Workspace};
    use std::future::pending;
    use std::mem::size_of_val;
    use store_memory::Memory;
    use tokio::io::duplex;
    use tokio::time::{Instant, sleep};

    mod races;

    struct Silent;

    impl Service for Silent {
        async fn converse<P: Peer>(&self, _: Greeted, _: P, _: Arc<Visit>) -> Farewell {
            EndReason::Closed.into()
        }

        fn exposed(&self, _: &str, _: &Visit) {}
    }

    fn house(name: &str) -> House<Silent> {
        house_of(name, Silent)
    }

    fn house_of<S: Service>(name: &str, service: S) -> House<S> {
        let folder = std::env::temp_dir();
        let path = |end: &str| folder.join(format!("gatepost-{name}-{}.{end}", std::process::id()));
        let files = CertificateFiles { chain: path("crt"), key: path("key") };
        let made = rcgen::generate_simple_self_signed(vec!["mail.example.org".to_owned()]).unwrap();
        std::fs::write(&files.chain, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let certificates = Arc::new(Certificates::load(vec![files]).unwrap());
        let settings = Settings::default();
        House::new(&settings, service, Profiles::new(&certificates, &settings).unwrap())
    }

    fn visit(kind: ListenerKind) -> Arc<Visit> {
        let admission = Reception::new(ConnectionLimits::default()).admit([192, 0, 2, 1].into()).unwrap();
        let address = events::Peer::Address("192.0.2.1:1".parse().unwrap());
        Arc::new(Visit::new(admission, address, kind, Clock::start(), Duration::from_secs(60)))
    }

    /// What a connection holds besides what its session holds and what the TLS library puts on the heap, in octets.
    const MOST: usize = 1 << 10;

    #[tokio::test]
    async fn a_connection_that_waits_is_small() {
        let house = house("small");
        let visit = visit(ListenerKind::ImapTls);
        let (near, _far) = duplex(1);
        let task = house.serve(near, visit);
        assert!(size_of_val(&task) <= MOST, "{} octets", size_of_val(&task));
    }

    /// Threat T-37: whatever it waits for, a disk or a peer.
    #[tokio::test(start_paused = true)]
    async fn t_37_a_conversation_that_hears_nothing_ends_soon_after_its_account_is_signed_out() {
        let (house, visit) = (house("signed-out"), visit(ListenerKind::ImapTls));
        let accounts = Accounts::open(Arc::new(Memory::new()), Arc::new(Chance::default())).await.unwrap();
        let password = Secret::password("secret").unwrap();
        let cost = Cost::new(8, 1, 4_096).unwrap();
        let record = CredentialRecord::new(&password, Salts([7; 32]), &cost, &mut Workspace::new());
        let ann = accounts.add("ann", &record).await.unwrap();
        let conversation = async {
            sleep(Duration::from_mins(1)).await;
            visit.stays_until(accounts.account(ann).signed_out());
            pending().await
        };
        let disabled = async {
            sleep(Duration::from_mins(2)).await;
            accounts.set_standing("ann", Standing::Disabled).await.unwrap();
            Instant::now()
        };
        let seen_through = async { (house.see_through(pin!(conversation), &visit).await, Instant::now()) };
        let (since, (farewell, ended)) = tokio::join!(disabled, seen_through);
        assert_eq!((farewell, ended - since), (EndReason::SignedOut.into(), GOODBYE_TIME));
    }

    /// The same of one that has always something to do, and spends all that a task may do at a time.
    #[tokio::test(start_paused = true)]
    async fn t_37_a_conversation_that_never_waits_ends_soon_after_its_account_is_signed_out() {
        let (house, visit) = (house("busy"), visit(ListenerKind::ImapTls));
        let accounts = Accounts::open(Arc::new(Memory::new()), Arc::new(Chance::default())).await.unwrap();
        let password = Secret::password("secret").unwrap();
        let cost = Cost::new(8, 1, 4_096).unwrap();
        let record = CredentialRecord::new(&password, Salts([7; 32]), &cost, &mut Workspace::new());
        let ann = accounts.add("ann", &record).await.unwrap();
        visit.stays_until(accounts.account(ann).signed_out());
        accounts.set_standing("ann", Standing::Disabled).await.unwrap();
        let conversation = async {
            loop {
                tokio::task::consume_budget().await;
            }
        };
        let clock = async {
            loop {
                tokio::time::advance(Duration::from_millis(100)).await;
            }
        };
        let mut conversation = pin!(conversation);
        let farewell = tokio::select! {
            biased;
            farewell = house.see_through(conversation.as_mut(), &visit) => farewell,
            () = clock => unreachable!("a clock does not end"),
        };
        assert_eq!(farewell, EndReason::SignedOut.into());
    }

    /// Time that stands still, and numbers that are each another.
    #[derive(Default)]
    struct Chance(AtomicU64);

    impl World for Chance {
        fn now_ms(&self) -> i64 {
            0
        }

        fn random(&self, into: &mut [u8]) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            into.iter_mut().zip(next.into_iter().cycle()).for_each(|(octet, random)| *octet = random);
        }
    }

    /// Time that stands still, and no chance.
    struct Still;

    impl World for Still {
        fn now_ms(&self) -> i64 {
            0
        }

        fn random(&self, into: &mut [u8]) {
            into.fill(7);
        }
    }

    /// The same with its session, but for what it holds on the heap: the command that it is in, its mailbox.
    const MOST_WITH_SESSION: usize = 2 << 10;

    #[tokio::test]
    async fn a_session_that_waits_is_small() {
        let accounts = Accounts::open(Arc::new(Memory::new()), Arc::new(Still)).await.unwrap();
        let pool = HashPool::start(1, Cost::RECOMMENDED).unwrap();
        let imap = Imap::new(&Settings::default(), Arc::new(accounts), Arc::new(pool));
        let house = house_of("small-session", imap);
        let (near, _far) = duplex(1);
        let task = house.serve(near, visit(ListenerKind::ImapTls));
        assert!(size_of_val(&task) <= MOST_WITH_SESSION, "{} octets", size_of_val(&task));
    }
}
