//! The machine alone: conversations in memory, on a clock that stands still until it is told to move.

mod mail;

use mail::Office;
use session::Signpost;
use session::encrypted::{Encrypted, Handshake};
use session::imap::gate::{Cleartext, Effect, Greeted};
use session::imap::serve;
use session::outbox::Outbox;
use session::port::{Door, Gone, Means, Peer, Received};
use session::refusal::Refusal;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use terms::Moment;
use transcript::{NAME, Pipe, Port, World};

/// A world of one account.
pub(crate) struct Machine {
    signpost: Arc<Signpost>,
    clock: Arc<Mutex<Moment>>,
    office: Office,
}

/// A connection, from the client's side.
pub(crate) struct Wire {
    clock: Arc<Mutex<Moment>>,
    office: Office,
    server: Server,
    ends: Arc<Mutex<Ends>>,
}

/// What is on its way.
#[derive(Default)]
struct Ends {
    to_server: Vec<u8>,
    to_client: Vec<u8>,
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
        Self { signpost: Arc::new(signpost), clock: Arc::default(), office: Office::new() }
    }
}

impl World for Machine {
    type Pipe = Wire;

    fn connect(&mut self, port: Port) -> io::Result<Wire> {
        let (clock, office) = (Arc::clone(&self.clock), self.office.clone());
        let mut wire = Wire { clock, office, server: Server::Gone, ends: Arc::default() };
        let signpost = Arc::clone(&self.signpost);
        match port {
            Port::Imap => {
                let mut effects = Vec::new();
                let gate = Cleartext::greet(signpost, *lock(&self.clock), &mut effects);
                wire.server = Server::Cleartext(gate);
                wire.obey(effects);
            }
            Port::Imaps => wire.begin(Greeted::at_once(proof()?, signpost)),
        }
        Ok(wire)
    }

    fn pass(&mut self, time: Duration) -> io::Result<()> {
        let mut clock = lock(&self.clock);
        *clock = clock.plus(time);
        Ok(())
    }
}

impl Wire {
    fn obey(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(text) => lock(&self.ends).to_client.extend(text.as_bytes()),
                Effect::Close(_) => self.server = Server::Gone,
                Effect::Handshake | Effect::Warn(_) => {}
            }
        }
    }

    fn begin(&mut self, greeted: Greeted) {
        let far = Far { clock: Arc::clone(&self.clock), ends: Arc::clone(&self.ends) };
        let door = Doorman(self.office.clone());
        self.server = Server::Session(Box::pin(async move {
            serve(greeted, far, &door).await;
        }));
    }

    /// Lets the server do what it can: all ports of this world answer at once, so one look is enough.
    fn run(&mut self) {
        let mut effects = Vec::new();
        match &mut self.server {
            Server::Cleartext(gate) if gate.deadline() <= *lock(&self.clock) => gate.time_out(&mut effects),
            Server::Session(session) => {
                if session.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    self.server = Server::Gone;
                }
            }
            Server::Cleartext(_) | Server::Gone => {}
        }
        self.obey(effects);
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
            into.append(&mut lock(&self.ends).to_server);
            match into.is_empty() {
                false => Poll::Ready(Ok(Received::Octets)),
                true if until <= *lock(&self.clock) => Poll::Ready(Ok(Received::TimedOut)),
                true => Poll::Pending,
            }
        })
        .await
    }

    async fn send(&mut self, outbox: &mut Outbox) -> Result<(), Gone> {
        while let Some(piece) = outbox.pop() {
            lock(&self.ends).to_client.extend(piece);
        }
        Ok(())
    }
}

struct Doorman(Office);

impl Door for Doorman {
    type Mail = Office;

    /// Passwords cannot be looked at, so here each is right; a wrong claim is one of another name.
    async fn sign_in(&self, claim: sasl::Claim, _: Means) -> Result<Office, Refusal> {
        match claim {
            sasl::Claim::Password { name, .. } if name == NAME => Ok(self.0.clone()),
            _ => Err(sasl::Failure::WrongCredentials.into()),
        }
    }

    fn introduced(&self, _: &[(&str, Option<&str>)]) {}
}
