//! A [`Peer`] at the other end of a private line, and one at the end of a line in the clear.

use crate::deflate::deflate;
use crate::inflate::{Garbled, Inflater};
use crate::octets::{Duplex, read_some, take_leave, take_private_leave};
use crate::reception::Wherefore;
use crate::visit::Visit;
use bytes::Bytes;
use events::EndReason;
use session::outbox::Outbox;
use session::port::{Gone, Peer, Received};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use terms::Moment;
use tokio::io::AsyncWriteExt;
use tokio::task::coop::consume_budget;
use tokio::time::{sleep_until, timeout, timeout_at};
use tokio_rustls::server::TlsStream;

/// How long a peer may take to read what it is sent, before its size is looked at.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);
/// The slowest reader that is waited for, in octets a second: half of what GPRS had.
const WRITE_FLOOR: u64 = 2 << 10;
/// How much of what a peer says is kept while nobody listens, in octets; behind that it is not looked for.
const HEARD_OCTETS: usize = 16 << 10;
/// Most pieces given to one write.
const PIECES_AT_ONCE: usize = 64;

/// The client behind a TLS connection.
#[derive(Debug)]
pub(crate) struct TlsPeer<IO> {
    line: Line<TlsStream<IO>>,
    /// Once the client has said COMPRESS. On the heap, where it does not add to the size of everything that talks.
    inflater: Option<Box<Inflater>>,
    /// The largest message that it may send, in octets.
    largest_message: u64,
}

/// The mail server behind a connection in the clear, which never signs in and is never told of mail.
#[derive(Debug)]
pub(crate) struct PlainPeer<IO> {
    line: Line<IO>,
}

/// The octets of the connection, as TLS carries them or as they are.
#[derive(Debug)]
struct Line<S> {
    /// On the heap too.
    stream: Box<S>,
    /// What was heard while nobody listened.
    heard: Vec<u8>,
    visit: Arc<Visit>,
}

impl<IO: Duplex> TlsPeer<IO> {
    pub(crate) fn new(stream: TlsStream<IO>, visit: Arc<Visit>, largest_message: u64) -> Self {
        let line = Line { stream: Box::new(stream), heard: Vec::new(), visit };
        Self { line, inflater: None, largest_message }
    }

    /// Ends the line behind the last word.
    pub(crate) async fn close(mut self) {
        take_private_leave(&mut self.line.stream).await;
    }
}

impl<IO: Duplex> PlainPeer<IO> {
    pub(crate) fn new(stream: IO, visit: Arc<Visit>) -> Self {
        Self { line: Line { stream: Box::new(stream), heard: Vec::new(), visit } }
    }

    /// Ends the line behind the last word.
    pub(crate) async fn close(mut self) {
        take_leave(&mut *self.line.stream).await;
    }
}

impl<IO: Duplex> Peer for &mut PlainPeer<IO> {
    fn now(&self) -> Moment {
        self.line.now()
    }

    async fn receive(&mut self, into: &mut Vec<u8>, until: Moment) -> Result<Received, Gone> {
        match self.line.receive(into, until).await? {
            Received::Finished => Err(Gone), // a FIN that nobody has signed
            received => Ok(received),
        }
    }

    fn wait(&self, until: Moment) -> impl Future<Output = ()> + Send {
        self.line.wait(until)
    }

    fn look(&mut self) -> Result<(), Gone> {
        self.line.look()
    }

    async fn send(&mut self, outbox: &mut Outbox) -> Result<(), Gone> {
        self.line.send(outbox).await
    }

    fn is_signed_out(&self) -> bool {
        self.line.visit.is_signed_out()
    }

    fn compress(&mut self) {} // LMTP has no word for it
}

impl<IO: Duplex> Peer for &mut TlsPeer<IO> {
    fn now(&self) -> Moment {
        self.line.now()
    }

    async fn receive(&mut self, into: &mut Vec<u8>, until: Moment) -> Result<Received, Gone> {
        let TlsPeer { line, inflater, .. } = &mut **self;
        let Some(inflater) = inflater else { return line.receive(into, until).await };
        loop {
            // So that others have their turn: what follows may not wait for anything. Before it and not behind it,
            // because what was inflated would be lost with a future that is dropped here.
            consume_budget().await;
            match inflater.inflate(into) {
                Ok(0) => {}
                Ok(_) => return Ok(Received::Octets),
                Err(Garbled) => return Ok(Received::Garbled),
            }
            let mut deflated = Vec::new();
            match line.receive(&mut deflated, until).await? {
                Received::Octets => inflater.feed(deflated),
                nothing => return Ok(nothing),
            }
        }
    }

    fn wait(&self, until: Moment) -> impl Future<Output = ()> + Send {
        self.line.wait(until)
    }

    fn look(&mut self) -> Result<(), Gone> {
        self.line.look()
    }

    async fn send(&mut self, outbox: &mut Outbox) -> Result<(), Gone> {
        if self.inflater.is_some() {
            // Its text is the last of what is squeezed, so it goes out as one piece.
            *outbox.text() = deflate(outbox).await;
        }
        self.line.send(outbox).await
    }

    fn is_signed_out(&self) -> bool {
        self.line.visit.is_signed_out()
    }

    fn compress(&mut self) {
        let largest_message = self.largest_message;
        self.inflater.get_or_insert_with(|| Box::new(Inflater::new(largest_message)));
    }
}

impl<S: Duplex> Line<S> {
    fn now(&self) -> Moment {
        self.visit.clock().now()
    }

    fn wait(&self, until: Moment) -> impl Future<Output = ()> + Send + use<S> {
        sleep_until(self.visit.clock().instant(until))
    }

    async fn receive(&mut self, into: &mut Vec<u8>, until: Moment) -> Result<Received, Gone> {
        if !self.heard.is_empty() {
            into.append(&mut std::mem::take(&mut self.heard));
            return Ok(Received::Octets);
        }
        let until = self.visit.at_most(until);
        if self.now() >= until {
            return Ok(Received::TimedOut); // also for a peer that never pauses
        }
        let reading = timeout_at(self.visit.clock().instant(until), read_some(&mut *self.stream, into));
        let read = tokio::select! {
            biased;
            wherefore = self.visit.asked_to_leave() => return Ok(match wherefore {
                Wherefore::SignedOut => {
                    self.visit.leaves_quietly();
                    Received::SignedOut
                }
                Wherefore::Crowded => Received::Crowded,
                Wherefore::Stopping => Received::Stopping,
            }),
            read = reading => read,
        };
        match read {
            Err(_) => Ok(Received::TimedOut),
            // From TLS this is close_notify; a line that breaks is an error there.
            Ok(Ok(0)) => {
                self.visit.line_ended(EndReason::Closed);
                Ok(Received::Finished)
            }
            Ok(read) => self.judge(read).map(|()| Received::Octets),
        }
    }

    fn look(&mut self) -> Result<(), Gone> {
        if self.heard.len() >= HEARD_OCTETS {
            return Ok(());
        }
        // Nobody has to be woken: whoever waits later looks first.
        let mut context = Context::from_waker(Waker::noop());
        let looked = pin!(read_some(&mut *self.stream, &mut self.heard)).poll(&mut context);
        match looked {
            Poll::Pending => Ok(()),
            Poll::Ready(read) => self.judge(read),
        }
    }

    async fn send(&mut self, outbox: &mut Outbox) -> Result<(), Gone> {
        let octets = outbox.len() as u64;
        let patience = WRITE_PATIENCE + Duration::from_secs(octets / WRITE_FLOOR);
        match timeout(patience, write_all(&mut *self.stream, outbox)).await {
            Err(_) => Err(self.gone(EndReason::SlowReader)),
            Ok(Err(_)) => Err(self.gone(EndReason::Broken)),
            Ok(Ok(())) => {
                self.visit.octets_out.fetch_add(octets, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    fn judge(&self, read: io::Result<usize>) -> Result<(), Gone> {
        match read {
            Ok(0) => Err(self.gone(EndReason::Closed)),
            Ok(octets) => {
                self.visit.octets_in.fetch_add(octets as u64, Ordering::Relaxed);
                Ok(())
            }
            Err(_) => Err(self.gone(EndReason::Broken)),
        }
    }

    fn gone(&self, reason: EndReason) -> Gone {
        self.visit.line_ended(reason);
        Gone
    }
}

/// Replies and pieces of bodies go into the same TLS records, and those into as few segments as it takes.
async fn write_all(stream: &mut impl Duplex, outbox: &mut Outbox) -> io::Result<()> {
    while !outbox.is_empty() {
        let pieces: Vec<Bytes> = std::iter::from_fn(|| outbox.pop()).take(PIECES_AT_ONCE).collect();
        write_pieces(stream, &pieces).await?;
    }
    stream.flush().await
}

async fn write_pieces(stream: &mut impl Duplex, pieces: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut left = slices.as_mut_slice();
    while !left.is_empty() {
        match stream.write_vectored(left).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut left, written),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use session::outbox::PIECE;
    use std::pin::Pin;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    /// Takes what it is given, at most so much at once, and counts how often.
    struct Counting {
        at_once: usize,
        writes: usize,
        taken: Vec<u8>,
    }

    impl AsyncRead for Counting {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Counting {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(buf)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let before = self.taken.len();
            let octets: Vec<u8> =
                bufs.iter().flat_map(|buf| buf.iter().copied()).take(self.at_once).collect();
            self.taken.extend(octets);
            self.writes += 1;
            Poll::Ready(Ok(self.taken.len() - before))
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// How many writes a FETCH of three large bodies takes, of a stream that takes so much at once.
    async fn writes(at_once: usize) -> usize {
        let mut stream = Counting { at_once, writes: 0, taken: Vec::new() };
        let (mut outbox, mut whole) = (Outbox::default(), Vec::new());
        for n in b"123" {
            outbox.text().extend_from_slice(b"* FETCH\r\n");
            outbox.push(vec![*n; PIECE].into());
            outbox.text().extend_from_slice(b")\r\n");
            whole.extend([b"* FETCH\r\n", &vec![*n; PIECE][..], b")\r\n"].concat());
        }
        write_all(&mut stream, &mut outbox).await.unwrap();
        assert!(stream.taken == whole, "every octet once, in order");
        stream.writes
    }

    #[tokio::test]
    async fn replies_and_bodies_leave_in_as_few_writes_as_the_stream_takes() {
        assert_eq!(writes(usize::MAX).await, 1);
        assert_eq!(writes(PIECE).await, 4);
    }
}
