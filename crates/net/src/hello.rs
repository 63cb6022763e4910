//! What a ClientHello says that the TLS library does not repeat (RFC 8446, 4.1.2).
//!
//! The library has read the same octets and found them sound before anybody asks here; what cannot be read here all the
//! same is simply not known.

/// The most of a connection's beginning that is kept for this, in octets: of a hello that is longer nothing is known.
pub(crate) const MAX_HELLO_OCTETS: usize = 16 << 10;
/// How many versions are told.
const MAX_VERSIONS: usize = 16;

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The versions that are offered, in the client's order: 0x0304 is TLS 1.3.
    pub(crate) versions: Vec<u16>,
    /// Whether the extended master secret is (RFC 7627): then it is used, if the version is 1.2.
    pub(crate) extended_master_secret: bool,
}

impl Said {
    /// From the octets with which the connection began.
    pub(crate) fn read(opening: &[u8]) -> Self {
        message(opening).and_then(|message| hello(&message)).unwrap_or_default()
    }
}

const HANDSHAKE_RECORD: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const EXTENDED_MASTER_SECRET: usize = 23;
const SUPPORTED_VERSIONS: usize = 43;

/// The first handshake message, put together from its records (RFC 8446, 5.1).
fn message(mut records: &[u8]) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let [kind, _, _] = *take(&mut records)?;
        message.extend_from_slice(block(&mut records, 2).filter(|_| kind == HANDSHAKE_RECORD)?);
        let mut rest = &message[..];
        if let (Some([CLIENT_HELLO]), Some(body)) = (take(&mut rest), block(&mut rest, 3)) {
            return Some(body.to_vec());
        }
    }
}

fn hello(mut hello: &[u8]) -> Option<Said> {
    let legacy = u16::from_be_bytes(*take(&mut hello)?);
    let _random: &[u8; 32] = take(&mut hello)?;
    let (_session, _suites, _compression) =
        (block(&mut hello, 1)?, block(&mut hello, 2)?, block(&mut hello, 1)?);
    let mut said = Said { versions: vec![legacy], extended_master_secret: false };
    let mut extensions = block(&mut hello, 2).unwrap_or_default();
    while let Some(kind) = number(&mut extensions, 2) {
        let mut body = block(&mut extensions, 2)?;
        match kind {
            EXTENDED_MASTER_SECRET => said.extended_master_secret = true,
            SUPPORTED_VERSIONS => said.versions = versions(block(&mut body, 1)?),
            _ => {}
        }
    }
    Some(said)
}

fn versions(mut list: &[u8]) -> Vec<u16> {
    std::iter::from_fn(|| take(&mut list).copied().map(u16::from_be_bytes)).take(MAX_VERSIONS).collect()
}

fn take<'a, const N: usize>(octets: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, rest) = octets.split_first_chunk()?;
    *octets = rest;
    Some(taken)
}

fn number(octets: &mut &[u8], width: usize) -> Option<usize> {
    let (taken, rest) = octets.split_at_checked(width)?;
    *octets = rest;
    Some(taken.iter().fold(0, |number, octet| number << 8 | usize::from(*octet)))
}

/// So many octets as the number in front of them says, which has this many octets itself.
fn block<'a>(octets: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let length = number(octets, width)?;
    let (taken, rest) = octets.split_at_checked(length)?;
    *octets = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::client::{ClientConfig, ClientConnection};
    use rustls::{RootCertStore, SupportedProtocolVersion, version};
    use std::sync::Arc;

    fn opening(versions: &[&'static SupportedProtocolVersion]) -> Vec<u8> {
        let config = ClientConfig::builder_with_protocol_versions(versions);
        let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let mut client =
            ClientConnection::new(Arc::new(config), "mail.example.org".try_into().unwrap()).unwrap();
        let mut octets = Vec::new();
        client.write_tls(&mut octets).unwrap();
        octets
    }

    /// The same message in records of three octets, which RFC 8446, 5.1 allows.
    fn in_small_records(opening: &[u8]) -> Vec<u8> {
        opening[5..]
            .chunks(3)
            .flat_map(|piece| [&[22, 3, 1, 0, u8::try_from(piece.len()).unwrap()], piece].concat())
            .collect()
    }

    #[test]
    fn versions_and_the_extended_master_secret_are_found_however_the_records_are_cut() {
        for (versions, expected) in [
            (&[&version::TLS13, &version::TLS12][..], &[0x0304, 0x0303][..]),
            (&[&version::TLS12], &[0x0303]),
        ] {
            let opening = opening(versions);
            let said = Said::read(&opening);
            assert!(
                said.versions.iter().all(|version| expected.contains(version))
                    && said.versions.len() == expected.len()
            );
            assert!(said.extended_master_secret);
            assert_eq!(Said::read(&in_small_records(&opening)), said);
        }
    }

    #[test]
    fn a_hello_without_the_extended_master_secret_has_none() {
        let mut opening = opening(&[&version::TLS12]);
        let at = opening.windows(4).position(|octets| octets == [0, 23, 0, 0]).unwrap();
        opening[at + 1] = 99; // an extension that nobody knows
        let said = Said::read(&opening);
        assert_eq!((said.versions, said.extended_master_secret), (vec![0x0303], false));
    }

    #[test]
    fn of_what_is_no_hello_or_but_a_part_of_one_nothing_is_known() {
        let opening = opening(&[&version::TLS12]);
        for length in 0..opening.len() {
            assert_eq!(Said::read(&opening[..length]), Said::default(), "{length}");
        }
        assert_eq!(Said::read(b"a CAPABILITY\r\n"), Said::default());
        assert_eq!(Said::read(&[23; 400]), Said::default());
    }
}
