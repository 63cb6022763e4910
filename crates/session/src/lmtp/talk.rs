//! The line to the client: commands and messages in, replies out.

use crate::outbox::Outbox;
use crate::port::{Gone, Peer, Received};
use std::time::Duration;
use terms::Moment;
use wire::lmtp::{Event, Framer, Reply};

/// How long a client may be silent, between commands and within a message (RFC 5321, 4.5.3.2.7).
pub const SILENCE_TIME: Duration = Duration::from_secs(5 * 60);

/// The line to a client. Replies are kept until there is nothing left to read, so that pipelined commands are answered
/// in one write (RFC 2920, 3.2).
pub(super) struct Talk<P> {
    peer: P,
    framer: Framer,
    outbox: Outbox,
    most_data: u64,
}

/// Why nothing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    Gone,
    TimedOut,
    Stopping,
    /// The message is far larger than any may be, and goes on.
    Endless,
}

impl From<Gone> for Silence {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl<P: Peer> Talk<P> {
    /// To a client whose messages have at most so many octets; as many again are passed over.
    pub(super) fn new(peer: P, message_octets: u64) -> Self {
        let most_data = message_octets.saturating_mul(2);
        Self { peer, framer: Framer::new(), outbox: Outbox::default(), most_data }
    }

    /// Where replies are written.
    pub(super) const fn text(&mut self) -> &mut Vec<u8> {
        self.outbox.text()
    }

    pub(super) fn say(&mut self, reply: &Reply) {
        reply.write(self.outbox.text());
    }

    /// Sends all that is waiting.
    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        if self.outbox.is_empty() { Ok(()) } else { self.peer.send(&mut self.outbox).await }
    }

    /// Lets the client read if much is waiting: it may go on asking without listening.
    pub(super) async fn flow(&mut self) -> Result<(), Gone> {
        if self.outbox.is_full() { self.flush().await } else { Ok(()) }
    }

    pub(super) fn begin_data(&mut self) {
        self.framer.begin_data();
    }

    /// What the client says next.
    pub(super) async fn next_event(&mut self) -> Result<Event, Silence> {
        loop {
            match self.framer.next_event() {
                Event::More if self.framer.data_octets() > self.most_data => return Err(Silence::Endless),
                Event::More => self.receive().await?,
                event => return Ok(event),
            }
        }
    }

    async fn receive(&mut self) -> Result<(), Silence> {
        self.flush().await?;
        let mut octets = Vec::new();
        let until: Moment = self.peer.now().plus(SILENCE_TIME);
        match self.peer.receive(&mut octets, until).await? {
            Received::Octets => {
                self.framer.push(&octets);
                Ok(())
            }
            Received::Finished => Err(Silence::Gone),
            Received::TimedOut => Err(Silence::TimedOut),
            // Nothing is compressed here and nobody is signed in.
            Received::Stopping | Received::Crowded | Received::SignedOut | Received::Garbled => {
                Err(Silence::Stopping)
            }
        }
    }
}
