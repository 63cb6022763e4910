//! By what an authority knows a certificate, when it is asked when to renew it.

use instant_acme::CertificateIdentifier;
use rustls::pki_types::{CertificateDer, Der};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;

/// The identifier of RFC 9773, 4.1: the authority's key and the serial number; `None` where the certificate does not say by
/// which key it was signed.
#[must_use]
pub fn identifier(leaf: &CertificateDer<'_>) -> Option<CertificateIdentifier<'static>> {
    let read = Certificate::from_der(leaf).ok()?;
    let read = read.tbs_certificate();
    let (_, key) = read.get_extension::<AuthorityKeyIdentifier>().ok()??;
    let key = key.key_identifier?;
    // The number as it is written, with the zero octet that keeps it positive.
    let serial = read.serial_number().as_bytes();
    Some(CertificateIdentifier::new(Der::from_slice(key.as_bytes()), Der::from_slice(serial)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyIdMethod, KeyPair, SerialNumber};

    #[test]
    fn the_identifier_is_that_of_the_standards_example() {
        // RFC 9773, 4.1: the same key identifier and serial number.
        let key_id = [
            0x69, 0x88, 0x5B, 0x6B, 0x87, 0x46, 0x40, 0x41, 0xE1, 0xB3, 0x7B, 0x84, 0x7B, 0xA0, 0xAE, 0x2C,
            0xDE, 0x01, 0xC8, 0xD4,
        ];
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_identifier_method = KeyIdMethod::PreSpecified(key_id.to_vec());
        let issuer = Issuer::new(authority, &key);
        let mut leaf = CertificateParams::new(vec!["example.org".to_owned()]).unwrap();
        leaf.use_authority_key_identifier_extension = true;
        leaf.serial_number = Some(SerialNumber::from_slice(&[0x87, 0x65, 0x43, 0x21]));
        let made = leaf.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        assert_eq!(identifier(made.der()).unwrap().to_string(), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    }
}
