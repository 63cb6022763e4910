//! Octets in and out of a stream, in the ways that all conversations share.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// A connection, or what plays one in a test.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Duplex for T {}

/// Most octets of one read: a TLS record's worth (RFC 8446, 5.1).
const READ_OCTETS: usize = 16 << 10;
/// How long the last words may take to arrive.
const LINGER: Duration = Duration::from_secs(2);
/// How much is thrown away meanwhile, in octets: more than both sides' sockets hold on their way (tcp(7), `tcp_wmem`
/// and `tcp_rmem`).
const LINGER_OCTETS: u64 = 16 << 20;

/// Appends what has come; 0 at the end. While nothing comes no buffer is held, and dropping the future loses
/// nothing.
pub(crate) async fn read_some(stream: &mut impl Duplex, into: &mut Vec<u8>) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut room = [const { MaybeUninit::uninit() }; READ_OCTETS];
        let mut buffer = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
        into.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}

/// Ends the sending side, and hears the peer out for a moment before the socket is closed.
///
/// A socket that is closed while octets lie in it unread sends a reset, and a reset takes back words that the peer
/// has not read yet (RFC 1122, 4.2.2.13): the BYE that says what was wrong. Failures do not matter any more.
pub(crate) async fn take_leave(stream: &mut impl Duplex) {
    let leave = async {
        stream.shutdown().await?;
        hear_out(stream).await
    };
    timeout(LINGER, leave).await.map(drop).ok();
}

/// The same behind TLS: close_notify, then FIN, in this order. A client that sees the FIN alone has to think that
/// somebody cut the line (RFC 8446, 6.1). What it still says is not even deciphered.
pub(crate) async fn take_private_leave(stream: &mut TlsStream<impl Duplex>) {
    let leave = async {
        stream.shutdown().await?;
        hear_out(stream.get_mut().0).await
    };
    timeout(LINGER, leave).await.map(drop).ok();
}

/// As long as the peer says nothing no buffer is held: all may leave at once.
async fn hear_out(stream: &mut impl Duplex) -> io::Result<()> {
    let (mut heard, mut octets) = (Vec::new(), 0);
    while octets < LINGER_OCTETS && read_some(stream, &mut heard).await? > 0 {
        octets += heard.len() as u64;
        heard.clear();
    }
    Ok(())
}
