//! TLS to a PostgreSQL server: its certificate is verified, with the name that the settings have for it, or nothing is said.

use crate::fault::Fault;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_rustls::{Connect, TlsConnector};

/// Shakes hands with the server; or, where the settings want no TLS, with nobody.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl Tls {
    /// Trusts the authorities in a PEM file, or the system's.
    pub(super) fn trusting(ca_file: Option<&Path>) -> Result<Self, Fault> {
        let mut roots = RootCertStore::empty();
        match ca_file {
            Some(file) => add(&mut roots, file)
                .map_err(|why| Fault::wrong(format_args!("{} cannot be used: {why}", file.display())))?,
            // Systems carry one or the other that no longer reads: the rest is what counts.
            None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
        if roots.is_empty() {
            return Err(Fault::wrong("there is no authority to verify the database's server by"));
        }
        Ok(Self::with(roots))
    }

    /// For where none is wanted. It trusts nobody, so that it would come to nothing if it were used.
    pub(super) fn none() -> Self {
        Self::with(RootCertStore::empty())
    }

    fn with(roots: RootCertStore) -> Self {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("aws-lc-rs has all of them");
        Self(TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
    }
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
    }
    Ok(())
}

/// One handshake to come.
pub(super) struct Handshake {
    tls: TlsConnector,
    host: ServerName<'static>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Private<S>;
    type TlsConnect = Handshake;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, InvalidDnsNameError> {
        // For a Unix socket there is no host, and no handshake either.
        let host = if host.is_empty() { "localhost" } else { host };
        Ok(Handshake { tls: self.0.clone(), host: ServerName::try_from(host.to_owned())? })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Private<S>;
    type Error = io::Error;
    type Future = Shaking<S>;

    fn connect(self, stream: S) -> Shaking<S> {
        Shaking(Box::new(self.tls.connect(self.host, stream)))
    }
}

/// A handshake.
pub(super) struct Shaking<S>(Box<Connect<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Shaking<S> {
    type Output = io::Result<Private<S>>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.0).poll(task).map_ok(|stream| Private(Box::new(stream)))
    }
}

/// What comes out of it.
pub(super) struct Private<S>(Box<tokio_rustls::client::TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> tokio_postgres::tls::TlsStream for Private<S> {
    /// None: SCRAM goes without one. That the server is who it should be has been verified before the password was proved.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Private<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(task, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Private<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(task, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(task)
    }
}
