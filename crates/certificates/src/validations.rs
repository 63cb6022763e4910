//! What an authority that validates our names finds when it comes: proofs that we have them.
//!
//! They are put here by whoever orders certificates, and shown by whoever listens. Who asks for what is not here learns
//! nothing and costs nothing.

use crate::CertificateError;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The ALPN id of a validation over TLS (RFC 8737, 6.2).
pub const ALPN_ACME: &[u8] = b"acme-tls/1";
/// Proofs of each kind that are kept at a time: an order has at most a hundred names.
pub const MAX_PROOFS: usize = 256;

/// The proofs that are to be found now.
#[derive(Debug, Default)]
pub struct Validations {
    /// By token: what the file says (RFC 8555, 8.3).
    files: RwLock<HashMap<Box<str>, Box<str>>>,
    /// By name: what is shown to a validation over TLS (RFC 8737, 3).
    certificates: RwLock<HashMap<Box<str>, Arc<CertifiedKey>>>,
}

impl Validations {
    /// Lets a file be found; `false` where there are [too many](MAX_PROOFS).
    pub fn show_file(&self, token: &str, content: &str) -> bool {
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        let has_room = files.len() < MAX_PROOFS || files.contains_key(token);
        if has_room {
            files.insert(token.into(), content.into());
        }
        has_room
    }

    /// It is needed no more.
    pub fn hide_file(&self, token: &str) {
        self.files.write().unwrap_or_else(PoisonError::into_inner).remove(token);
    }

    /// What the file of that token says.
    #[must_use]
    pub fn file(&self, token: &str) -> Option<Box<str>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// Lets a certificate be shown to whoever validates `name`; `false` where there are [too many](MAX_PROOFS).
    ///
    /// # Errors
    /// The key cannot be used.
    pub fn show_certificate(
        &self,
        name: &str,
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Result<bool, CertificateError> {
        // Not `from_der`, which reads the certificate: a reader that does not know the critical extension of RFC 8737 has to
        // refuse it.
        let key = aws_lc_rs::sign::any_supported_type(&key)
            .map_err(|why| CertificateError::Proof(why.to_string()))?;
        let key = CertifiedKey::new(vec![certificate], key);
        let name = name.to_ascii_lowercase();
        let mut shown = self.certificates.write().unwrap_or_else(PoisonError::into_inner);
        let has_room = shown.len() < MAX_PROOFS || shown.contains_key(name.as_str());
        if has_room {
            shown.insert(name.into(), Arc::new(key));
        }
        Ok(has_room)
    }

    /// It is needed no more.
    pub fn hide_certificate(&self, name: &str) {
        let name = name.to_ascii_lowercase();
        self.certificates.write().unwrap_or_else(PoisonError::into_inner).remove(name.as_str());
    }
}

impl ResolvesServerCert for Validations {
    /// RFC 8737, 3: whoever validates offers this protocol and no other.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let only_acme = hello
            .alpn()
            .is_some_and(|mut offered| offered.next() == Some(ALPN_ACME) && offered.next().is_none());
        let name = hello.server_name().filter(|_| only_acme)?.to_ascii_lowercase();
        self.certificates.read().unwrap_or_else(PoisonError::into_inner).get(name.as_str()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_with_the_extension_of_a_validation_can_be_shown() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["mail.example.org".to_owned()]).unwrap();
        params.custom_extensions = vec![rcgen::CustomExtension::new_acme_identifier(&[7; 32])];
        let made = params.self_signed(&key).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let validations = Validations::default();
        assert!(validations.show_certificate("Mail.example.org", made.der().clone(), key).unwrap());
        assert!(validations.certificates.read().unwrap().contains_key("mail.example.org"));
        validations.hide_certificate("mail.example.org");
        assert!(validations.certificates.read().unwrap().is_empty());
    }

    #[test]
    fn a_file_is_found_while_it_is_shown_and_there_are_never_too_many() {
        let validations = Validations::default();
        assert_eq!(validations.file("a"), None);
        assert!(validations.show_file("a", "a.print"));
        assert_eq!(validations.file("a").as_deref(), Some("a.print"));
        validations.hide_file("a");
        assert_eq!(validations.file("a"), None);
        let taken =
            (0..MAX_PROOFS + 5).filter(|number| validations.show_file(&number.to_string(), "x")).count();
        assert_eq!(taken, MAX_PROOFS);
        assert!(validations.show_file("7", "y"), "one that is there may change");
    }
}
