//! TCP that acknowledges before it waits.

use settings::Idle;
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection that acknowledges what it has read before it waits for more.
///
/// Many clients write a literal and the CRLF behind it one after the other, and let Nagle hold the second until the
/// first is acknowledged; the system holds the acknowledgement 40 ms, in the hope that a reply will carry it. Both
/// wait, at every APPEND. Where a reply has carried it there is nothing left to send, so the others pay nothing.
#[derive(Debug)]
pub(crate) struct Prompt(TcpStream);

impl Prompt {
    /// Readies an accepted socket: no delay for small replies (one write holds a whole batch of them), and a question
    /// now and then whether a silent peer is still there.
    ///
    /// # Errors
    /// The peer has gone again.
    pub(crate) fn ready(stream: TcpStream, idle: &Idle) -> io::Result<Self> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let keepalive = TcpKeepalive::new()
            .with_time(seconds(idle.keepalive_after_seconds))
            .with_interval(seconds(idle.keepalive_interval_seconds))
            .with_retries(idle.keepalive_probes);
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        Ok(Self(stream))
    }

    fn acknowledge(&self) {
        // Saves time, nothing else: where the system does not know it, all goes on as before.
        #[cfg(target_os = "linux")]
        SockRef::from(&self.0).set_tcp_quickack(true).ok();
    }
}

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        if read.is_pending() {
            self.acknowledge();
        }
        read
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::Settings;
    use tokio::net::TcpListener;

    /// No other way leads from an accepted socket to a conversation. The numbers are those of clients that sleep.
    #[tokio::test]
    async fn a_reply_waits_for_no_other_and_a_silent_peer_is_asked_after_two_minutes_whether_it_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let ready = Prompt::ready(accepted, &Settings::default().idle).unwrap();
        let socket = SockRef::from(&ready.0);
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(120));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(30));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
    }
}
