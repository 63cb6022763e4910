//! What is wrong with a certificate that can be used all the same: what clients will refuse, and what they soon will.
//!
//! Nobody is asked over a network, and nothing is decided: a server shows what it was given, and says what it thinks of it.

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError as Verdict, Error, RootCertStore};
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

/// A certificate with less than this left ends soon, ...
pub const SOON: Duration = Duration::from_hours(21 * 24);
/// ... or, where it lasts but days, with less than this part of its life.
const SOON_PART: u32 = 4;
/// The fewest bits that an RSA key may have (CA/Browser Forum, Baseline Requirements, 6.1.5).
const MIN_RSA_BITS: usize = 2_048;
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The authorities that this system knows, by which a chain is judged.
#[derive(Clone, Debug)]
pub struct Authorities(RootCertStore);

/// What a certificate says of itself, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portrait {
    /// The names that it is for.
    pub names: Vec<String>,
    /// Who issued it.
    pub issuer: String,
    /// From when on it counts.
    pub from: SystemTime,
    /// Until when.
    pub until: SystemTime,
    /// What clients will not like, the worst first.
    pub findings: Vec<Finding>,
}

/// Something that clients will not like. Written out it says what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// It has ended, so many days ago.
    Ended(u64),
    /// It does not count yet.
    NotYet,
    /// The chain of those that vouch for each other breaks off: this one, which is next, is not there.
    Incomplete(String),
    /// It vouches for itself.
    SelfSigned,
    /// The chain is there, and does not hold; what the verifier said.
    Unsound(String),
    /// It does not say for which names it is.
    Nameless,
    /// An RSA key of so many bits, of this certificate.
    WeakKey(usize, String),
    /// A signature by MD5 or SHA-1, on this certificate.
    WeakSignature(String),
    /// It ends in so many days.
    EndsSoon(u64),
    /// The certificates stand in another order than TLS 1.2 wants.
    Disordered,
}

impl Authorities {
    /// Those of the system. It goes to the disk.
    #[must_use]
    pub fn of_the_system() -> Self {
        let mut roots = RootCertStore::empty();
        // Systems carry one or the other that no longer reads: the rest is what counts.
        let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self(roots)
    }

    /// These, and no others.
    #[must_use]
    pub fn these(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        let mut store = RootCertStore::empty();
        let _ = store.add_parsable_certificates(roots);
        Self(store)
    }

    fn and(&self, own: Option<&CertificateDer<'_>>) -> RootCertStore {
        let mut roots = self.0.clone();
        let _ = roots.add_parsable_certificates(own.map(|root| root.clone().into_owned()));
        roots
    }
}

impl Portrait {
    /// Looks at a chain, the server's own certificate first; `None` where that cannot be read.
    #[must_use]
    pub fn of(chain: &[CertificateDer<'_>], authorities: &Authorities, now: SystemTime) -> Option<Self> {
        let read: Vec<_> = chain.iter().map(|der| Certificate::from_der(der).ok()).collect::<Option<_>>()?;
        let leaf = read.first()?;
        let validity = leaf.tbs_certificate().validity();
        let moment = |time: x509_cert::time::Time| SystemTime::UNIX_EPOCH + time.to_unix_duration();
        let mut portrait = Self {
            names: names(leaf),
            issuer: readable(leaf.tbs_certificate().issuer()),
            from: moment(validity.not_before),
            until: moment(validity.not_after),
            findings: Vec::new(),
        };
        let mut findings = BTreeSet::new();
        findings.extend(portrait.time(now));
        findings.extend(portrait.names.is_empty().then_some(Finding::Nameless));
        findings.extend(standing(chain, &read, authorities, portrait.judged_at(now)));
        findings.extend(read.iter().filter_map(weak_key));
        findings.extend(read.iter().filter_map(weak_signature));
        portrait.findings = findings.into_iter().collect();
        Some(portrait)
    }

    /// Whole days until it ends; 0 once it has.
    #[must_use]
    pub fn days_left(&self, now: SystemTime) -> u64 {
        self.until.duration_since(now).map_or(0, |left| left.as_secs() / DAY_SECONDS)
    }

    fn time(&self, now: SystemTime) -> Option<Finding> {
        if let Ok(since) = now.duration_since(self.until) {
            return Some(Finding::Ended(since.as_secs() / DAY_SECONDS));
        }
        if now < self.from {
            return Some(Finding::NotYet);
        }
        let life = self.until.duration_since(self.from).unwrap_or_default();
        let left = self.until.duration_since(now).unwrap_or_default();
        (left < SOON.min(life / SOON_PART)).then(|| Finding::EndsSoon(self.days_left(now)))
    }

    /// A time at which the certificate counts, so that what is wrong with the chain is told apart from its end.
    fn judged_at(&self, now: SystemTime) -> SystemTime {
        now.clamp(self.from, self.until.max(self.from))
    }
}

/// The published names that none of these chains is for.
pub(crate) fn unnamed<'n>(
    published: impl IntoIterator<Item = &'n str>,
    leaves: &[CertificateDer<'_>],
) -> Vec<&'n str> {
    let parsed: Vec<_> = leaves.iter().filter_map(|der| ParsedCertificate::try_from(der).ok()).collect();
    let covered = |name: &str| {
        ServerName::try_from(name)
            .is_ok_and(|name| parsed.iter().any(|leaf| verify_server_name(leaf, &name).is_ok()))
    };
    published.into_iter().filter(|name| !covered(name)).collect()
}

/// How the chain stands: whether a client that knows the system's authorities, or the root that the chain ends with, gets
/// from one end to the other.
fn standing(
    chain: &[CertificateDer<'_>],
    read: &[Certificate],
    authorities: &Authorities,
    now: SystemTime,
) -> Vec<Finding> {
    let [leaf, others @ ..] = read else { return Vec::new() };
    if vouches_for_itself(leaf) {
        return vec![Finding::SelfSigned];
    }
    let [leaf_der, others_der @ ..] = chain else { return Vec::new() };
    let root = others.iter().position(vouches_for_itself).and_then(|place| others_der.get(place));
    let disordered = read
        .windows(2)
        .any(|pair| matches!(pair, [one, next] if one.tbs_certificate().issuer() != next.tbs_certificate().subject()));
    let mut findings: Vec<_> = disordered.then_some(Finding::Disordered).into_iter().collect();
    findings.extend(match verify(leaf_der, others_der, &authorities.and(root), now) {
        Ok(()) => None,
        Err(Error::InvalidCertificate(Verdict::UnknownIssuer)) => Some(Finding::Incomplete(missing(read))),
        Err(why) => Some(Finding::Unsound(why.to_string())),
    });
    findings
}

fn verify(
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    roots: &RootCertStore,
    now: SystemTime,
) -> Result<(), Error> {
    let leaf = ParsedCertificate::try_from(leaf)?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms.all;
    verify_server_cert_signed_by_trust_anchor(
        &leaf,
        roots,
        others,
        UnixTime::since_unix_epoch(now),
        algorithms,
    )
}

/// The issuer at which the way up from the server's own certificate ends.
fn missing(read: &[Certificate]) -> String {
    let Some(mut top) = read.first() else { return String::new() };
    // One step for each certificate at most: names may go in circles.
    for _ in read {
        let issuer = top.tbs_certificate().issuer();
        match read.iter().find(|other| other.tbs_certificate().subject() == issuer) {
            Some(next) => top = next,
            None => break,
        }
    }
    readable(top.tbs_certificate().issuer())
}

fn vouches_for_itself(certificate: &Certificate) -> bool {
    certificate.tbs_certificate().issuer() == certificate.tbs_certificate().subject()
}

/// The names that a certificate is for, in its order (RFC 5280, 4.2.1.6).
pub(crate) fn names(leaf: &Certificate) -> Vec<String> {
    let found = leaf.tbs_certificate().get_extension::<SubjectAltName>().ok().flatten();
    let names = found.map(|(_, SubjectAltName(names))| names).unwrap_or_default();
    names.iter().filter_map(name).collect()
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(printable(name.as_str())),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

fn weak_key(certificate: &Certificate) -> Option<Finding> {
    let info = certificate.tbs_certificate().subject_public_key_info();
    if info.algorithm.oid != RSA {
        return None;
    }
    let bits = rsa_bits(info.subject_public_key.as_bytes()?)?;
    (bits < MIN_RSA_BITS).then(|| Finding::WeakKey(bits, readable(certificate.tbs_certificate().subject())))
}

/// How long the modulus is (RFC 8017, A.1.1).
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(key).ok()?;
    let modulus: UintRef<'_> = reader
        .sequence(|inner| {
            let modulus = UintRef::decode(inner)?;
            UintRef::decode(inner)?;
            Ok::<_, x509_cert::der::Error>(modulus)
        })
        .ok()?;
    let octets = modulus.as_bytes();
    let zeros = octets.first().map_or(0, |first| first.leading_zeros() as usize);
    Some((octets.len() * 8).saturating_sub(zeros))
}

/// What a root says of itself is believed or not; its own signature counts for nothing.
fn weak_signature(certificate: &Certificate) -> Option<Finding> {
    let is_weak = WEAK_SIGNATURES.contains(&certificate.signature_algorithm().oid);
    (is_weak && !vouches_for_itself(certificate))
        .then(|| Finding::WeakSignature(readable(certificate.tbs_certificate().subject())))
}

fn readable(name: &Name) -> String {
    printable(&name.to_string())
}

/// Whoever issues certificates can write into them what they like; a terminal need not hear it.
fn printable(text: &str) -> String {
    text.chars().take(MAX_NAME).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Characters of a name that are shown.
const MAX_NAME: usize = 256;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// MD2, MD5 and SHA-1 with RSA, SHA-1 with DSA and with ECDSA (RFC 3279, 2.2).
const WEAK_SIGNATURES: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.2"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"),
    ObjectIdentifier::new_unwrap("1.2.840.10040.4.3"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"),
];

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(days) => write!(f, "it ended {days} days ago: clients refuse it; renew it"),
            Self::NotYet => write!(f, "it does not count yet: see whether this host's clock is right"),
            Self::Incomplete(issuer) => write!(
                f,
                "the chain is incomplete: {issuer} is neither in the file nor known to this system; add its certificate \
                 to the file, unless it is a root that all clients were given"
            ),
            Self::SelfSigned => {
                write!(f, "it is self-signed: clients refuse it, or teach their users to accept anything")
            }
            Self::Unsound(why) => write!(f, "the chain does not hold: {why}"),
            Self::Nameless => write!(f, "it is for no name: clients want a subjectAltName"),
            Self::WeakKey(bits, whose) => {
                write!(f, "the key of {whose} is weak: RSA of {bits} bits, where clients want {MIN_RSA_BITS}")
            }
            Self::WeakSignature(whose) => {
                write!(f, "the signature on {whose} is weak: MD5 or SHA-1, which clients refuse")
            }
            Self::EndsSoon(days) => write!(f, "it ends in {days} days: renew it"),
            Self::Disordered => write!(
                f,
                "the file is not in order: after the server's own certificate, each should be the one that issued the \
                 one before it"
            ),
        }
    }
}
