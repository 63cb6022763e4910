//! TCP that acknowledges before it waits.

use crate::visit::Visit;
use settings::Idle;
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection that acknowledges what it has read before it waits for more.
///
/// Many clients write a literal and the CRLF behind it one after the other, and let Nagle hold the second until the
/// first is acknowledged; the system holds the acknowledgement 40 ms, in the hope that a reply will carry it. Both
/// wait, at every APPEND. Where a reply has carried it the system is not asked for another one.
#[derive(Debug)]
pub(crate) struct Prompt {
    stream: TcpStream,
    debt: Debt,
    visit: Arc<Visit>,
}

/// Whether the peer is to be told that what it sent has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Debt {
    /// It knows, or a reply carries it.
    #[default]
    Nothing,
    /// Of all that was read since we last wrote.
    Acknowledgement,
}

impl Prompt {
    /// Readies an accepted socket: no delay for small replies (one write holds a whole batch of them), and a question
    /// now and then whether a silent peer is still there.
    ///
    /// # Errors
    /// The peer has gone again.
    pub(crate) fn ready(stream: TcpStream, idle: &Idle, visit: Arc<Visit>) -> io::Result<Self> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let keepalive = TcpKeepalive::new()
            .with_time(seconds(idle.keepalive_after_seconds))
            .with_interval(seconds(idle.keepalive_interval_seconds))
            .with_retries(idle.keepalive_probes);
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        Ok(Self { stream, debt: Debt::Nothing, visit })
    }

    fn acknowledge(&mut self) {
        self.debt = Debt::Nothing;
        // Saves time, nothing else: where the system does not know it, all goes on as before.
        #[cfg(target_os = "linux")]
        SockRef::from(&self.stream).set_tcp_quickack(true).ok();
    }

    fn wrote(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.debt = Debt::Nothing;
        }
        written
    }
}

impl Drop for Prompt {
    /// Whoever is signed out gets no more mail. What was written is in the system's hands, some megabytes of it (tcp(7),
    /// `tcp_wmem`), and would go on to a peer that reads slowly for half an hour: unless it is thrown away (socket(7),
    /// `SO_LINGER`). Whoever waited in silence when it was signed out has no mail under way: their goodbye is sent as often as it
    /// takes, for a telephone may be asleep.
    fn drop(&mut self) {
        if self.visit.is_torn_away() {
            self.stream.set_zero_linger().ok();
        }
    }
}

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.debt = Debt::Acknowledgement;
        }
        if read.is_pending() && self.debt == Debt::Acknowledgement {
            self.acknowledge();
        }
        read
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::reception::Reception;
    use policy::ConnectionLimits;
    use settings::{ListenerKind, Settings};
    use std::task::Waker;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn ready(accepted: TcpStream) -> Prompt {
        let admission = Reception::new(ConnectionLimits::default()).admit_known();
        let peer = events::Peer::Address(accepted.peer_addr().unwrap());
        let visit = Visit::new(admission, peer, ListenerKind::ImapTls, Clock::start(), Duration::MAX);
        Prompt::ready(accepted, &Settings::default().idle, Arc::new(visit)).unwrap()
    }

    /// No other way leads from an accepted socket to a conversation. The numbers are those of clients that sleep.
    #[tokio::test]
    async fn a_reply_waits_for_no_other_and_a_silent_peer_is_asked_after_two_minutes_whether_it_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let ready = ready(accepted);
        let socket = SockRef::from(&ready.stream);
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(120));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(30));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
    }

    /// Says hello to a peer that is then read, looked at, waited for or answered; gives what is owed to it afterwards.
    async fn debt_after(what: impl AsyncFnOnce(&mut Prompt)) -> Debt {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let mut prompt = ready(accepted);
        peer.write_all(b"hello").await.unwrap();
        prompt.read_exact(&mut [0; 5]).await.unwrap();
        what(&mut prompt).await;
        prompt.debt
    }

    #[tokio::test]
    async fn what_was_read_is_acknowledged_by_a_reply_or_before_we_wait_for_more() {
        assert_eq!(debt_after(async |_| ()).await, Debt::Acknowledgement);
        let wait = async |prompt: &mut Prompt| {
            let mut octets = [0; 5];
            let mut more = ReadBuf::new(&mut octets);
            let read = Pin::new(prompt).poll_read(&mut Context::from_waker(Waker::noop()), &mut more);
            assert!(read.is_pending());
        };
        assert_eq!(debt_after(wait).await, Debt::Nothing);
        assert_eq!(debt_after(async |prompt| prompt.write_all(b"hi").await.unwrap()).await, Debt::Nothing);
    }
}
