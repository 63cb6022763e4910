//! TLS as a mail program does it, or as it is told to.

use crate::trouble::Trouble;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// By what the server's certificate is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// The system's authorities.
    System,
    /// The authorities in a PEM file.
    Authorities(PathBuf),
    /// Not at all. The password goes to whoever answers: for a server of one's own with a throw-away certificate.
    Nothing,
}

/// What keys are agreed upon with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchange {
    /// X25519MLKEM768 where the server has it, else X25519 or P-256: what browsers do by now.
    Usual,
    /// X25519 alone: what servers of some years ago have, to compare handshakes with them.
    X25519,
}

/// A configuration in which each connection is a full handshake.
pub(super) fn config(verification: &Verification, exchange: KeyExchange) -> Result<ClientConfig, Trouble> {
    let mut provider = aws_lc_rs::default_provider();
    if exchange == KeyExchange::X25519 {
        provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    }
    let provider = Arc::new(provider);
    let failed = |why: rustls::Error| Trouble::Asked(format!("TLS: {why}"));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
    let mut config = match roots(verification)? {
        Some(roots) => builder.with_root_certificates(roots).with_no_client_auth(),
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn roots(verification: &Verification) -> Result<Option<RootCertStore>, Trouble> {
    let mut roots = RootCertStore::empty();
    match verification {
        Verification::Nothing => return Ok(None),
        Verification::Authorities(file) => add(&mut roots, file)?,
        // Systems carry one or the other that no longer reads: the rest is what counts.
        Verification::System => {
            let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        let why = "there is no authority to verify the server by; name one with --ca-file";
        return Err(Trouble::Asked(why.into()));
    }
    Ok(Some(roots))
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), Trouble> {
    let failed = |why: &dyn std::fmt::Display| Trouble::Asked(format!("{}: {why}", file.display()));
    for certificate in CertificateDer::pem_file_iter(file).map_err(|why| failed(&why))? {
        roots.add(certificate.map_err(|why| failed(&why))?).map_err(|why| failed(&why))?;
    }
    Ok(())
}

/// Takes any certificate; that the other side has its key is still verified, as that costs what it costs.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
