//! What a connection can be bound to (RFC 9266, RFC 5929), and only what is real.

use rustls::pki_types::CertificateDer;
use rustls::server::ServerConnection;
use rustls::{HandshakeKind, ProtocolVersion};
use sasl::Bindings;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;

/// RFC 9266, 2.
const LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// Those of a connection whose handshake is over; the certificate that was shown in it, and whether the client offered
/// the extended master secret.
pub(crate) fn of(
    connection: &ServerConnection,
    shown: Option<&CertificateDer<'_>>,
    extended_master_secret: bool,
) -> Bindings {
    let is_12 = connection.protocol_version() == Some(ProtocolVersion::TLSv1_2);
    // RFC 9266, 4.2: without it, somebody in between can make two connections of one secret.
    let exporter = (!is_12 || extended_master_secret).then(|| exporter(connection)).flatten();
    // Where a session is resumed no certificate is shown, and for TLS 1.3 the exporter is there always.
    let is_full = connection.handshake_kind() == Some(HandshakeKind::Full);
    let server_end_point = shown.filter(|_| is_12 && is_full).and_then(end_point);
    Bindings { exporter, server_end_point }
}

/// The context is of no octets. TLS 1.2 knows that and no context at all for two things (RFC 5705, 4), and those who bind
/// by it there, GnuTLS and OpenSSL's users, take the latter.
fn exporter(connection: &ServerConnection) -> Option<[u8; 32]> {
    connection.export_keying_material([0; 32], LABEL, None).ok()
}

/// RFC 5929, 4.1: the hash of the certificate, by the function that its signature was made with, but for MD5 and SHA-1, in
/// whose place SHA-256 is taken. "If the certificate's signatureAlgorithm uses no hash functions or multiple hash functions,
/// then this channel binding type's channel bindings are undefined".
fn end_point(certificate: &CertificateDer<'_>) -> Option<Box<[u8]>> {
    let signature = Certificate::from_der(certificate).ok()?.signature_algorithm().oid;
    let (_, hash) = HASHES.iter().find(|(oid, _)| *oid == signature)?;
    Some(match hash {
        Hash::Sha256 => Sha256::digest(certificate).as_slice().into(),
        Hash::Sha384 => Sha384::digest(certificate).as_slice().into(),
        Hash::Sha512 => Sha512::digest(certificate).as_slice().into(),
    })
}

enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// By kind of signature (RFC 3279, 2.2; RFC 4055, 5; RFC 5758, 3.2).
const HASHES: [(ObjectIdentifier, Hash); 9] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), Hash::Sha256), // MD5 with RSA
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"), Hash::Sha256), // SHA-1 with RSA
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), Hash::Sha256),    // ECDSA with SHA-1
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), Hash::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), Hash::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), Hash::Sha512),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), Hash::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), Hash::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), Hash::Sha512),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(algorithm: &'static rcgen::SignatureAlgorithm) -> Option<usize> {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let params = rcgen::CertificateParams::new(vec!["mail.example.org".to_owned()]).unwrap();
        end_point(params.self_signed(&key).unwrap().der()).map(|hash| hash.len())
    }

    #[test]
    fn a_certificate_is_hashed_as_it_was_signed_and_one_signed_without_a_hash_is_not() {
        assert_eq!(octets(&rcgen::PKCS_ECDSA_P256_SHA256), Some(32));
        assert_eq!(octets(&rcgen::PKCS_ECDSA_P384_SHA384), Some(48));
        assert_eq!(octets(&rcgen::PKCS_ED25519), None);
    }
}
