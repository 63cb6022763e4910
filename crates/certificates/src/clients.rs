//! Certificates that clients show: which authorities vouch for them, and what each is known by.

use crate::CertificateError;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;

/// Most octets of all authorities' names together. Each client that comes is told them (RFC 8446, 4.2.4), in a list that
/// has 65,535 octets at most.
pub const MAX_AUTHORITY_NAMES_OCTETS: usize = 16 << 10;

/// What a certificate is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// SHA-256 of all of it, in DER.
    pub certificate: [u8; 32],
    /// SHA-256 of its public key (SubjectPublicKeyInfo, in DER; RFC 7469, 2.4).
    pub public_key: [u8; 32],
}

impl Fingerprints {
    /// Those of a certificate; `None` for what is none.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let key = ParsedCertificate::try_from(certificate).ok()?.subject_public_key_info();
        let sha256 = |octets: &[u8]| Sha256::digest(octets).into();
        Some(Self { certificate: sha256(certificate), public_key: sha256(&key) })
    }

    /// Those of the first certificate in a text that is PEM.
    ///
    /// # Errors
    /// There is none in it, in words for the admin.
    pub fn of_pem(text: &[u8]) -> Result<Self, NoCertificate> {
        let first = CertificateDer::from_pem_slice(text).map_err(|_| NoCertificate)?;
        Self::of(&first).ok_or(NoCertificate)
    }
}

/// What was to be a certificate, and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no certificate: it should be PEM, from BEGIN CERTIFICATE to END CERTIFICATE")]
pub struct NoCertificate;

/// What asks clients for a certificate of one of the authorities in a PEM file, and verifies what they show: the chain, the
/// dates, and that it may be a client's. A client that has none goes on without. Revocation lists are not read: a certificate
/// that must not let in any more is unbound from its account.
///
/// # Errors
/// The file cannot be read, or holds no authorities, in words for the admin.
pub fn client_verifier(file: &Path) -> Result<Arc<dyn ClientCertVerifier>, CertificateError> {
    let unusable = |why: String| CertificateError::ClientAuthorities { path: file.to_owned(), why };
    let found = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|why| CertificateError::Unreadable { path: file.to_owned(), why: why.to_string() })?;
    let mut roots = RootCertStore::empty();
    for authority in found {
        roots.add(authority).map_err(|why| unusable(why.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("there is no certificate in it; it should be PEM".into()));
    }
    if roots.subjects().iter().map(|name| name.as_ref().len()).sum::<usize>() > MAX_AUTHORITY_NAMES_OCTETS {
        return Err(unusable(
            "there are too many: name your own authorities, not all that the system knows".into(),
        ));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    verifier.allow_unauthenticated().build().map_err(|why| unusable(why.to_string()))
}
