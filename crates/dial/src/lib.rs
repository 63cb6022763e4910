//! Connections to servers that have several addresses, of which one may be dead.
//!
//! A name leads to addresses of both families, or to a server and the one that stands in for it. Where the first of them says
//! nothing, as behind a broken IPv6 or a firewall that drops, the next is tried a moment later, and the first that answers is
//! taken (RFC 8305, and no more of it than that).
//!
//! > **Promise.** Behind a dead address nobody waits longer than [`NEXT_AFTER`]. No attempt outlives whoever waits for it.
//!
//! Left to others: how long all of it may take, and what is said then.

use socket2::{SockRef, TcpKeepalive};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// After so long without an answer the next address is tried as well (RFC 8305, 5).
pub const NEXT_AFTER: Duration = Duration::from_millis(250);

/// How many addresses of a name are tried.
pub const MAX_ADDRESSES: usize = 6;

/// A connection that is kept is looked after by the kernel when it was silent so long: what a firewall forgot is noticed before
/// somebody waits for it.
pub const SILENCE: Duration = Duration::from_secs(60);

/// After so long without a sign from the other side a connection that is kept is given up by the kernel.
pub const GIVEN_UP_AFTER: Duration = Duration::from_secs(10);

/// Connects to the first of the addresses of a name that answers. What is written goes out at once.
///
/// # Errors
/// The name leads nowhere; or what the last of the addresses came to.
pub async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let found: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    let stream = first_of(in_turns(found), TcpStream::connect).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Has the kernel look after a connection that is kept.
///
/// # Errors
/// It does not.
pub fn look_after(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE).with_interval(GIVEN_UP_AFTER / 4))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(GIVEN_UP_AFTER))?;
    Ok(())
}

/// One of each family by turns, beginning with that which the system prefers (RFC 8305, 4): one that is broken keeps nobody from
/// the other, however many addresses it has.
fn in_turns(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let prefers_ipv6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|address| address.is_ipv6() == prefers_ipv6);
    let mut others = others.into_iter();
    let mut turns = Vec::new();
    for address in preferred {
        turns.push(address);
        turns.extend(others.next());
    }
    turns.extend(others);
    turns.truncate(MAX_ADDRESSES);
    turns
}

/// The first to which an attempt succeeds. Each begins when the one before it has failed, or has said nothing for a while.
async fn first_of<T, F>(addresses: Vec<SocketAddr>, connect: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    F: Future<Output = io::Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let mut addresses = addresses.into_iter();
    // Dropped with all that is still tried.
    let mut trying = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = addresses.next() {
            trying.spawn(connect(address));
        }
        tokio::select! {
            biased;
            tried = trying.join_next() => match tried {
                Some(Ok(Ok(connected))) => return Ok(connected),
                Some(Ok(Err(why))) => last = why,
                Some(Err(why)) => last = io::Error::other(why),
                None => return Err(last),
            },
            () = sleep(NEXT_AFTER), if addresses.len() > 0 => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use std::pin::Pin;
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// What comes of an attempt, by the port.
    type Attempt = Pin<Box<dyn Future<Output = io::Result<u16>> + Send>>;
    const DEAD: u16 = 1;
    const REFUSING: u16 = 2;
    const SLOW: u16 = 3;

    fn attempt(address: SocketAddr) -> Attempt {
        let port = address.port();
        match port {
            DEAD => Box::pin(pending()),
            REFUSING => Box::pin(ready(Err(io::ErrorKind::ConnectionRefused.into()))),
            SLOW => Box::pin(async move {
                sleep(NEXT_AFTER * 3 / 2).await;
                Ok(port)
            }),
            _ => Box::pin(ready(Ok(port))),
        }
    }

    /// Which was the first, and after how much of the pause between two attempts.
    async fn first(ports: &[u16]) -> (Result<u16, io::ErrorKind>, f64) {
        let began = Instant::now();
        let addresses = ports.iter().map(|port| SocketAddr::from(([192, 0, 2, 1], *port))).collect();
        let first = first_of(addresses, attempt).await.map_err(|why| why.kind());
        (first, began.elapsed().as_secs_f64() / NEXT_AFTER.as_secs_f64())
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_address_is_tried_when_the_one_before_fails_or_says_nothing() {
        let refused = Err(io::ErrorKind::ConnectionRefused);
        for (ports, which, pauses) in [
            (&[143, DEAD][..], Ok(143), 0.0),
            (&[DEAD, 143], Ok(143), 1.0),
            (&[DEAD, DEAD, 143], Ok(143), 2.0),
            (&[REFUSING, 143], Ok(143), 0.0),
            (&[DEAD, REFUSING, 143], Ok(143), 1.0),
            (&[REFUSING, REFUSING], refused, 0.0),
            (&[], Err(io::ErrorKind::AddrNotAvailable), 0.0),
        ] {
            assert_eq!(first(ports).await, (which, pauses), "{ports:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_slow_is_waited_for_beside_the_next() {
        assert_eq!(first(&[SLOW, DEAD]).await.0, Ok(SLOW));
        assert_eq!(first(&[SLOW, REFUSING]).await.0, Ok(SLOW));
    }

    #[test]
    fn the_families_take_turns() {
        let found = addresses(&["[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", "192.0.2.1:1"]);
        let turns = addresses(&["[2001:db8::1]:1", "192.0.2.1:1", "[2001:db8::2]:1", "[2001:db8::3]:1"]);
        assert_eq!(in_turns(found), turns);
        let many = (1..100).map(|port| SocketAddr::from(([192, 0, 2, 1], port))).collect();
        assert_eq!(in_turns(many).len(), MAX_ADDRESSES);
    }

    #[tokio::test]
    async fn a_server_that_listens_is_reached_and_looked_after() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = connect("127.0.0.1", listener.local_addr().unwrap().port()).await.unwrap();
        look_after(&stream).unwrap();
        assert!(SockRef::from(&stream).keepalive().unwrap() && stream.nodelay().unwrap());
    }

    /// A socket that takes no more connections says nothing to who asks for one.
    #[tokio::test]
    async fn an_address_where_nobody_answers_does_not_keep_from_one_where_somebody_does() {
        let dead = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
        dead.bind(&anywhere.into()).unwrap();
        dead.listen(0).unwrap();
        let dead_at = dead.local_addr().unwrap().as_socket().unwrap();
        // There is room for one who waits to be let in.
        let _waits = TcpStream::connect(dead_at).await.unwrap();
        let live = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let live_at = live.local_addr().unwrap();
        let stream = first_of(vec![dead_at, live_at], TcpStream::connect).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live_at);
    }
}
