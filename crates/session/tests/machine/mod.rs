//! The machine alone: conversations in memory, on a clock that stands still until it is told to move.

use session::Signpost;
use session::encrypted::{Encrypted, Handshake};
use session::imap::gate::{Cleartext, Effect, Greeted};
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use terms::Moment;
use transcript::{Pipe, Port, World};

/// A world of one account.
pub(crate) struct Machine {
    signpost: Arc<Signpost>,
    clock: Rc<Cell<Moment>>,
}

/// A connection, from the client's side.
pub(crate) struct Wire {
    clock: Rc<Cell<Moment>>,
    server: Server,
    said: Vec<u8>,
}

enum Server {
    Cleartext(Cleartext),
    /// Private, and silent until the client asks.
    Greeted,
    Gone,
}

/// The handshake that this world has instead of TLS.
struct Agreed;

impl Handshake for Agreed {
    fn is_complete(&self) -> bool {
        true
    }
}

impl Machine {
    pub(crate) fn new() -> Self {
        let signpost = Signpost { host: "mail.example.org".into(), imaps_port: Some(993) };
        Self { signpost: Arc::new(signpost), clock: Rc::default() }
    }
}

impl World for Machine {
    type Pipe = Wire;

    fn connect(&mut self, port: Port) -> io::Result<Wire> {
        let clock = Rc::clone(&self.clock);
        let mut wire = Wire { clock, server: Server::Gone, said: Vec::new() };
        let signpost = Arc::clone(&self.signpost);
        match port {
            Port::Imap => {
                let mut effects = Vec::new();
                let gate = Cleartext::greet(signpost, self.clock.get(), &mut effects);
                wire.server = Server::Cleartext(gate);
                wire.obey(effects);
            }
            Port::Imaps => {
                let proof = Encrypted::after(&Agreed).ok_or(io::ErrorKind::NotConnected)?;
                let (_, greeting) = Greeted::at_once(proof, signpost);
                wire.said.extend(greeting.as_bytes());
                wire.server = Server::Greeted;
            }
        }
        Ok(wire)
    }

    fn account(&self) -> (String, String) {
        ("alice".into(), "tanstaaf".into())
    }

    fn pass(&mut self, time: Duration) -> io::Result<()> {
        self.clock.set(self.clock.get().plus(time));
        Ok(())
    }
}

impl Wire {
    fn obey(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(text) => self.said.extend(text.as_bytes()),
                Effect::Close(_) => self.server = Server::Gone,
                Effect::Handshake | Effect::Warn(_) => {}
            }
        }
    }
}

impl Pipe for Wire {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut effects = Vec::new();
        if let Server::Cleartext(gate) = &mut self.server {
            gate.handle(bytes, &mut effects);
        }
        self.obey(effects);
        Ok(())
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut effects = Vec::new();
        if let Server::Cleartext(gate) = &mut self.server
            && gate.deadline() <= self.clock.get()
        {
            gate.time_out(&mut effects);
        }
        self.obey(effects);
        match (std::mem::take(&mut self.said), &self.server) {
            (nothing, Server::Cleartext(_) | Server::Greeted) if nothing.is_empty() => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            (said, _) => Ok(said),
        }
    }

    fn start_tls(&mut self) -> io::Result<()> {
        let proof = Encrypted::after(&Agreed).ok_or(io::ErrorKind::NotConnected)?;
        self.server = match std::mem::replace(&mut self.server, Server::Gone) {
            Server::Cleartext(gate) => {
                drop(gate.finish_handshake(proof));
                Server::Greeted
            }
            other => other,
        };
        Ok(())
    }
}
