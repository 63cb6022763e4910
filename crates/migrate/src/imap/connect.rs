//! From nothing to a connection that is verified, private and signed in.
//!
//! > **Gate.** A password goes into a [`Client`], and a client is made of a TLS stream alone. What came before the
//! > handshake is dropped with the stream it came through.

use super::client::{Client, foreign_tag, keep, read};
use super::lines::{Lines, Part};
use super::response::{Response, Status, Told};
use super::{Account, Security};
use crate::pour::Stream;
use crate::trouble::Trouble;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

/// How long connecting, and the handshake, may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Responses that may come in the clear.
const MAX_IN_THE_CLEAR: usize = 100;

/// Trusts the authorities in a PEM file, or the system's where none is named.
///
/// # Errors
/// They cannot be read, or there are none.
pub fn trust(ca_file: Option<&Path>) -> Result<TlsConnector, Trouble> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(file) => {
            let failed = |why: &dyn std::fmt::Display| Trouble::file(file, why);
            for certificate in CertificateDer::pem_file_iter(file).map_err(|why| failed(&why))? {
                roots.add(certificate.map_err(|why| failed(&why))?).map_err(|why| failed(&why))?;
            }
        }
        // Systems carry one or the other that no longer reads: the rest is what counts.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() {
        let why = "there is no authority to verify the other server by; name one with --ca-file";
        return Err(Trouble::Source(why.into()));
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Connects, verifies, signs in.
pub(super) async fn sign_in(
    account: &Account,
    host: &ServerName<'static>,
    tls: &TlsConnector,
) -> Result<Client, Trouble> {
    let stream = connect(account).await?;
    let mut client = match account.security {
        Security::StartTls => {
            let stream = start_tls(stream).await?;
            Client::new(Lines::new(shake_hands(stream, host, tls).await?))
        }
        Security::Tls => {
            let mut lines = Lines::new(shake_hands(stream, host, tls).await?);
            greeting(&mut lines).await?;
            Client::new(lines)
        }
    };
    client.ask_capabilities().await?;
    log_in(&mut client, account).await?;
    client.ask_capabilities().await?;
    Ok(client)
}

async fn connect(account: &Account) -> Result<TcpStream, Trouble> {
    let named = || account.place();
    let connecting = async {
        match account.address {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect((account.host.as_str(), account.port)).await,
        }
    };
    let connected = timeout(PATIENCE, connecting).await;
    let connected = connected.map_err(|_| Trouble::Lost(format!("{} does not answer", named())))?;
    connected.map_err(|why| Trouble::Lost(format!("cannot connect to {}: {why}", named())))
}

async fn shake_hands(
    stream: TcpStream,
    host: &ServerName<'static>,
    tls: &TlsConnector,
) -> Result<Box<dyn Stream>, Trouble> {
    let shaken = timeout(PATIENCE, tls.connect(host.clone(), stream)).await;
    let shaken = shaken.map_err(|_| Trouble::Lost("the TLS handshake does not end".into()))?;
    match shaken {
        Ok(stream) => Ok(Box::new(stream)),
        Err(why) => Err(Trouble::Source(format!("no TLS with {}: {why}; nothing was sent", host.to_str()))),
    }
}

/// A greeting that leaves the login to us. Behind PREAUTH we would be somebody, and not know who; before TLS it would
/// keep us from asking for TLS at all (RFC 9051, 11.3; CVE-2020-12398 and its kin).
async fn greeting<S: AsyncRead + AsyncWrite + Unpin>(lines: &mut Lines<S>) -> Result<(), Trouble> {
    let Part::Whole(line) = lines.next().await? else { return Err(no_greeting()) };
    match read(&line)? {
        Response::Status(Told { status: Status::Ok, .. }) => Ok(()),
        Response::Status(Told { status: Status::PreAuth, .. }) => {
            Err(Trouble::Hostile("the server says that somebody is signed in already (PREAUTH)".into()))
        }
        Response::Status(told) => {
            Err(Trouble::Source(format!("the server does not serve us: {}", told.text)))
        }
        _ => Err(no_greeting()),
    }
}

fn no_greeting() -> Trouble {
    Trouble::Source("there is no IMAP server: it does not greet".into())
}

/// STARTTLS (RFC 9051, 6.2.1). What was said in the clear is forgotten; what stands behind the OK may have been put
/// there by anybody, to be taken for something that came through TLS.
async fn start_tls(stream: TcpStream) -> Result<TcpStream, Trouble> {
    let mut lines = Lines::new(stream);
    greeting(&mut lines).await?;
    lines.send(b"g0 STARTTLS\r\n").await?;
    for _ in 0..MAX_IN_THE_CLEAR {
        let Part::Whole(line) = lines.next().await? else { return Err(no_greeting()) };
        match read(&line)? {
            Response::Tagged(tag, told) if tag == "g0" => {
                if told.status != Status::Ok {
                    return Err(Trouble::Source(format!("the server refuses STARTTLS: {}", told.text)));
                }
                let (stream, unread) = lines.into_stream();
                return if unread == 0 { Ok(stream) } else { Err(injected(unread)) };
            }
            Response::Tagged(tag, _) => return Err(foreign_tag(&tag)),
            Response::Status(told) => drop(keep(told)?),
            Response::Data(_) | Response::Continue => {}
        }
    }
    Err(Trouble::Hostile("the server does not stop to talk in the clear".into()))
}

fn injected(octets: usize) -> Trouble {
    Trouble::Hostile(format!(
        "{octets} octets came in the clear behind the server's OK to STARTTLS: somebody may have put them there"
    ))
}

async fn log_in(client: &mut Client, account: &Account) -> Result<(), Trouble> {
    if account.user.contains('\0') || account.password.contains('\0') {
        return Err(Trouble::Source("a user or a password with a NUL cannot sign in".into()));
    }
    if client.can("AUTH=PLAIN") {
        return authenticate_plain(client, account).await;
    }
    if client.can("LOGINDISABLED") {
        return Err(Trouble::Source("the server lets nobody sign in with a password".into()));
    }
    let quoted = (quoted(&account.user), quoted(&account.password));
    let (Some(user), Some(password)) = quoted else {
        let why = "the server takes only ASCII in a user and a password (it has no AUTH=PLAIN)";
        return Err(Trouble::Source(why.into()));
    };
    let command = Zeroizing::new(format!("LOGIN {} {}", *user, *password));
    let tag = client.send(&command).await?;
    let answer = client.answer(&tag, 0, |_| Ok(())).await?;
    accepted(&answer.told)
}

/// RFC 4616, in the way of RFC 9051, 6.2.2.
async fn authenticate_plain(client: &mut Client, account: &Account) -> Result<(), Trouble> {
    let plain = Zeroizing::new(format!("\0{}\0{}", account.user, *account.password));
    let plain = Zeroizing::new(STANDARD.encode(&*plain));
    let tag = client.send("AUTHENTICATE PLAIN").await?;
    loop {
        match client.next().await? {
            Response::Continue => break,
            Response::Tagged(own, told) if own == tag => return accepted(&told),
            Response::Tagged(own, _) => return Err(foreign_tag(&own)),
            Response::Status(told) => drop(keep(told)?),
            Response::Data(_) => {}
        }
    }
    let line = Zeroizing::new(format!("{}\r\n", *plain));
    client.lines.send(line.as_bytes()).await?;
    let answer = client.answer(&tag, 0, |_| Ok(())).await?;
    accepted(&answer.told)
}

fn accepted(told: &Told) -> Result<(), Trouble> {
    match told.status {
        Status::Ok => Ok(()),
        _ => Err(Trouble::Source(format!("the server does not let this user in: {}", told.text))),
    }
}

/// A quoted string; `None` for what cannot stand in one.
pub(super) fn quoted(text: &str) -> Option<Zeroizing<String>> {
    if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return None;
    }
    Some(Zeroizing::new(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))))
}
