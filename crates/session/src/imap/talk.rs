//! The line to the peer: commands in, replies out.

use crate::Rules;
use crate::outbox::Outbox;
use crate::port::{Gone, Peer, Received};
use crate::refusal::{Denial, Refusal};
use bytes::Bytes;
use terms::Moment;
use wire::imap::framer::{Event, Framer, GoAhead, Limits, Refused};
use wire::imap::reply::{self, Code};

/// The line to a peer, with what came in and is not read yet, and what is to go out and is not sent yet.
///
/// Replies are kept until there is nothing left to read, so that pipelined commands are answered in one write,
/// or until the outbox is full.
pub(super) struct Talk<P> {
    peer: P,
    framer: Framer,
    outbox: Outbox,
    compression: Compression,
}

/// Whether what is said is compressed on its way (RFC 4978).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// It is not.
    #[default]
    None,
    /// By DEFLATE, in both directions.
    Deflate,
}

/// Why nothing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The peer is gone.
    Gone,
    /// The peer is gone in the middle of a command.
    HalfSaid,
    /// The same, but the line proves that it meant to end there: see [`Talk::last_line`].
    Unended,
    /// What it says is no compressed text, and it said that it would be.
    Garbled,
    /// The moment has come.
    TimedOut,
    /// The server is stopping.
    Stopping,
    /// Others wait outside, and nobody has signed in here.
    Crowded,
    /// The account may not be signed in to any more.
    SignedOut,
}

impl From<Gone> for Silence {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl<P: Peer> Talk<P> {
    /// To a peer that has not signed in.
    pub(super) fn new(peer: P, rules: &Rules) -> Self {
        let (framer, outbox) = (Framer::new(rules.before_login()), Outbox::new(rules.high_water()));
        Self { peer, framer, outbox, compression: Compression::None }
    }

    pub(super) fn now(&self) -> Moment {
        self.peer.now()
    }

    /// Waits for the moment. Losing the future loses nothing.
    pub(super) async fn wait(&self, until: Moment) {
        self.peer.wait(until).await;
    }

    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.framer.set_limits(limits);
    }

    /// Where replies are written.
    pub(super) const fn text(&mut self) -> &mut Vec<u8> {
        self.outbox.text()
    }

    /// Adds a piece of a body, and lets the peer read if it is time to.
    pub(super) async fn push(&mut self, piece: Bytes) -> Result<(), Gone> {
        self.outbox.push(piece);
        self.flow().await
    }

    /// Lets the peer read if much is waiting: called wherever a command may write without end.
    pub(super) async fn flow(&mut self) -> Result<(), Gone> {
        if self.outbox.is_full() { self.flush().await } else { Ok(()) }
    }

    /// Whether it is time to let the peer read.
    pub(super) const fn is_full(&self) -> bool {
        self.outbox.is_full()
    }

    /// Sends all that is waiting.
    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        if self.outbox.is_empty() { Ok(()) } else { self.peer.send(&mut self.outbox).await }
    }

    /// Finds out whether the peer has gone, without waiting.
    pub(super) fn look(&mut self) -> Result<(), Gone> {
        self.peer.look()
    }

    /// Whether the account may not be signed in to any more.
    pub(super) fn is_signed_out(&self) -> bool {
        self.peer.is_signed_out()
    }

    /// What the peer says next. Losing the future loses nothing.
    pub(super) async fn next_event(&mut self, until: Moment) -> Result<Event, Silence> {
        loop {
            match self.framer.next_event() {
                // Boxed: whoever waits for a peer does nothing else, and whoever does something does not wait for it.
                Event::More => Box::pin(self.receive(until)).await?,
                event => return Ok(event),
            }
        }
    }

    async fn receive(&mut self, until: Moment) -> Result<(), Silence> {
        self.flush().await?;
        let mut octets = Vec::new();
        let Ok(received) = self.peer.receive(&mut octets, until).await else {
            return Err(if self.framer.is_between_commands() { Silence::Gone } else { Silence::HalfSaid });
        };
        match received {
            Received::Octets => {
                self.framer.push(&octets);
                Ok(())
            }
            Received::Finished if self.framer.is_between_commands() => Err(Silence::Gone),
            Received::Finished => Err(Silence::Unended),
            Received::Garbled => Err(Silence::Garbled),
            Received::TimedOut => Err(Silence::TimedOut),
            Received::Stopping => Err(Silence::Stopping),
            Received::Crowded => Err(Silence::Crowded),
            Received::SignedOut => Err(Silence::SignedOut),
        }
    }

    /// What came of a line that has no end; `None` within a literal, or what is no command any more.
    pub(super) fn last_line(&self) -> Option<Bytes> {
        self.framer.unended_line().map(Bytes::copy_from_slice)
    }

    pub(super) const fn compression(&self) -> Compression {
        self.compression
    }

    /// Whether the peer has said more than was read.
    pub(super) fn has_more(&self) -> bool {
        !self.framer.unread().is_empty()
    }

    /// From here on all is compressed; what is waiting goes out before.
    pub(super) async fn compress(&mut self) -> Result<(), Gone> {
        self.flush().await?;
        self.compression = Compression::Deflate;
        self.peer.compress();
        Ok(())
    }

    /// The command so far, up to the literal that it announces.
    pub(super) fn start(&self) -> &[u8] {
        self.framer.start()
    }

    /// Takes the announced literal into memory as a part of its command.
    pub(super) fn keep_literal(&mut self) -> Result<(), Refused> {
        let go_ahead = self.framer.keep()?;
        self.go_ahead(go_ahead);
        Ok(())
    }

    /// Takes the announced literal piece by piece.
    pub(super) fn stream_literal(&mut self) -> Result<(), Refused> {
        let go_ahead = self.framer.stream()?;
        self.go_ahead(go_ahead);
        Ok(())
    }

    /// Ends the command at its literal.
    pub(super) fn refuse_literal(&mut self) {
        self.framer.refuse();
    }

    fn go_ahead(&mut self, go_ahead: GoAhead) {
        if go_ahead == GoAhead::Continue {
            reply::continuation(self.outbox.text(), "Ready for literal data");
        }
    }
}

/// What is said of a literal that is not taken (RFC 9051, 7.1). One that came unasked, and is longer than LITERAL- has
/// it, is the client's mistake: "the tagged BAD response MUST contain the TOOBIG response code" (RFC 7888, 5).
pub(super) fn too_big(why: Refused) -> Refusal {
    let (limit, which) = match why {
        Refused::TooBig(limit) => (limit, "A literal here"),
        Refused::TooBigTogether(limit) => (limit, "All literals of a command together"),
        Refused::TooBigNonSync(limit) => (limit, "A literal that does not wait"),
    };
    let told =
        Denial { code: Some(Code::TooBig), why: format!("{which} can have at most {limit} octets").into() };
    match why {
        Refused::TooBig(_) | Refused::TooBigTogether(_) => Refusal::Denied(told),
        Refused::TooBigNonSync(_) => Refusal::Misspoken(told),
    }
}
