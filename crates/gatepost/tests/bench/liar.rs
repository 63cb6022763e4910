//! A server that is right but for one thing: it passes on what the real one says, and lies where it is told to.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Alters a response, or leaves nothing of it.
pub(crate) type Lie = Box<dyn Fn(&mut Vec<u8>) + Send + Sync>;

/// How the liar lets TLS begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    Tls,
    StartTls,
    /// STARTTLS, with a response in the clear behind its OK.
    Injecting,
}

/// A liar at work; gone when dropped.
pub(crate) struct Liar {
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

struct Lying {
    server: SocketAddr,
    front: Front,
    lie: Lie,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
}

impl Liar {
    /// Stands before `server`, with the certificate in `tls`.
    pub(crate) fn new(server: SocketAddr, tls: &Path, front: Front, lie: Lie) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (acceptor, connector) = (acceptor(tls), connector(tls));
        let lying = Arc::new(Lying { server, front, lie, acceptor, connector });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&lying).pass_on(stream));
            }
        });
        Self { address, _runtime: runtime }
    }
}

fn acceptor(tls: &Path) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(tls.join("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(tls.join("server-key.pem")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn connector(tls: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(tls.join("ca.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

impl Lying {
    /// One connection. That it ends early is what some lies lead to.
    async fn pass_on(self: Arc<Self>, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let stream = if self.front == Front::Tls { stream } else { self.start_tls(stream).await? };
        let near = self.acceptor.accept(stream).await.ok()?;
        let far = TcpStream::connect(self.server).await.ok()?;
        far.set_nodelay(true).ok()?;
        let name = ServerName::try_from("localhost").unwrap();
        let far = self.connector.connect(name, far).await.ok()?;
        let ((mut near_in, mut near_out), (far_in, mut far_out)) =
            (tokio::io::split(near), tokio::io::split(far));
        tokio::spawn(async move {
            // Whichever side goes first.
            let _ = copy(&mut near_in, &mut far_out).await;
            let _ = far_out.shutdown().await;
        });
        let mut far_in = BufReader::with_capacity(64 << 10, far_in);
        // Behind STARTTLS there is no greeting.
        let mut passes = self.front == Front::Tls;
        while let Some(mut response) = response(&mut far_in).await {
            (self.lie)(&mut response);
            if passes {
                near_out.write_all(&response).await.ok()?;
            }
            passes = true;
            if far_in.buffer().is_empty() {
                near_out.flush().await.ok()?;
            }
        }
        near_out.shutdown().await.ok()
    }

    async fn start_tls(&self, mut stream: TcpStream) -> Option<TcpStream> {
        stream.write_all(b"* OK ready\r\n").await.ok()?;
        let mut command = Vec::new();
        while !command.ends_with(b"\r\n") {
            command.push(stream.read_u8().await.ok()?);
        }
        assert_eq!(command, b"b1 STARTTLS\r\n");
        let answer: &[u8] = match self.front {
            Front::Injecting => b"b1 OK go\r\n* 1 EXISTS\r\n",
            _ => b"b1 OK go\r\n",
        };
        stream.write_all(answer).await.ok()?;
        Some(stream)
    }
}

/// A response with its literals, as it came.
async fn response(from: &mut BufReader<impl AsyncRead + Unpin>) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line = whole.len();
        if from.read_until(b'\n', &mut whole).await.ok()? == 0 {
            return None;
        }
        let Some(announced) = whole[line..].strip_suffix(b"}\r\n") else { return Some(whole) };
        let open = announced.iter().rposition(|octet| *octet == b'{').unwrap();
        let literal: usize = std::str::from_utf8(&announced[open + 1..]).unwrap().parse().unwrap();
        let start = whole.len();
        whole.resize(start + literal, 0);
        from.read_exact(&mut whole[start..]).await.ok()?;
    }
}
