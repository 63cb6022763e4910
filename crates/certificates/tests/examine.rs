//! What is told of certificates that clients will not like.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use certificates::{Authorities, CertificateFiles, Certificates, Finding, Portrait};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// 2026-06-01: in the midst of what [`params`] makes.
const NOW: u64 = 1_780_272_000;
const DAY: u64 = 86_400;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A certificate for 2026.
fn params(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params
}

/// An authority, the one below it, and a server's certificate.
struct Family {
    root: CertificateDer<'static>,
    middle: CertificateDer<'static>,
    leaf: CertificateDer<'static>,
    leaf_pem: (String, String),
}

fn family(leaf: CertificateParams) -> Family {
    let authority = |name: &str| {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let keys = [(); 3].map(|()| KeyPair::generate().unwrap());
    let root = authority("Root").self_signed(&keys[0]).unwrap();
    let root_issuer = Issuer::new(authority("Root"), &keys[0]);
    let middle = authority("Middle").signed_by(&keys[1], &root_issuer).unwrap();
    let middle_issuer = Issuer::new(authority("Middle"), &keys[1]);
    let made = leaf.signed_by(&keys[2], &middle_issuer).unwrap();
    Family {
        root: root.der().clone(),
        middle: middle.der().clone(),
        leaf: made.der().clone(),
        leaf_pem: (made.pem(), keys[2].serialize_pem()),
    }
}

fn findings(chain: &[CertificateDer<'static>], roots: &[CertificateDer<'static>], now: u64) -> Vec<Finding> {
    let authorities = Authorities::these(roots.to_vec());
    Portrait::of(chain, &authorities, at(now)).unwrap().findings
}

#[test]
fn a_whole_chain_is_found_fine_whether_or_not_it_has_its_root_in_it() {
    let it = family(params("leaf", &["mail.example.org", "192.0.2.1"]));
    let (short, long) = ([it.leaf.clone(), it.middle.clone()], [it.leaf, it.middle, it.root.clone()]);
    assert_eq!(findings(&short, std::slice::from_ref(&it.root), NOW), []);
    assert_eq!(findings(&long, &[], NOW), [], "a private authority that comes along");
    let portrait = Portrait::of(&long, &Authorities::these([]), at(NOW)).unwrap();
    assert_eq!(portrait.names, ["mail.example.org", "192.0.2.1"]);
    assert_eq!(portrait.issuer, "CN=Middle");
    assert_eq!(portrait.days_left(at(NOW)), 214);
}

#[test]
fn a_missing_intermediate_is_named() {
    let it = family(params("leaf", &["mail.example.org"]));
    let missing = |chain: &[_]| findings(chain, std::slice::from_ref(&it.root), NOW);
    assert_eq!(missing(std::slice::from_ref(&it.leaf)), [Finding::Incomplete("CN=Middle".into())]);
    let unknown = findings(&[it.leaf.clone(), it.middle.clone()], &[], NOW);
    assert_eq!(unknown, [Finding::Incomplete("CN=Root".into())]);
    let told = Finding::Incomplete("CN=Middle".into()).to_string();
    assert!(told.starts_with("the chain is incomplete: CN=Middle is neither in the file"), "{told}");
}

#[test]
fn a_chain_out_of_order_or_of_strangers_is_told_of() {
    let it = family(params("leaf", &["mail.example.org"]));
    let other = family(params("leaf", &["mail.example.org"]));
    let swapped = [it.leaf.clone(), it.root.clone(), it.middle];
    assert_eq!(findings(&swapped, &[], NOW), [Finding::Disordered]);
    // The names are right, and the signature is another's.
    let forged = findings(&[it.leaf, other.middle, it.root], &[], NOW);
    assert!(matches!(forged.as_slice(), [Finding::Incomplete(_) | Finding::Unsound(_)]), "{forged:?}");
}

#[test]
fn what_vouches_for_itself_is_called_self_signed() {
    let made = rcgen::generate_simple_self_signed(vec!["mail.example.org".to_owned()]).unwrap();
    assert_eq!(findings(&[made.cert.der().clone()], &[], NOW), [Finding::SelfSigned]);
}

#[test]
fn days_are_counted_down_and_the_end_is_told_in_time() {
    let it = family(params("leaf", &["mail.example.org"]));
    let end = NOW + 214 * DAY; // 2027-01-01
    let found = |now| findings(std::slice::from_ref(&it.leaf), std::slice::from_ref(&it.middle), now);
    assert_eq!(found(end - 22 * DAY), []);
    assert_eq!(found(end - 20 * DAY), [Finding::EndsSoon(20)]);
    assert_eq!(found(end + 3 * DAY), [Finding::Ended(3)]);
    assert_eq!(found(NOW - 300 * DAY), [Finding::NotYet]);
    let mut brief = params("leaf", &["mail.example.org"]);
    brief.not_after = rcgen::date_time_ymd(2026, 1, 9);
    let brief = family(brief);
    let start = NOW - 151 * DAY; // 2026-01-01
    let found = |now| findings(std::slice::from_ref(&brief.leaf), std::slice::from_ref(&brief.middle), now);
    assert_eq!(found(start + 5 * DAY), [], "of eight days three are left, which is more than a quarter");
    assert_eq!(found(start + 7 * DAY), [Finding::EndsSoon(1)]);
}

#[test]
fn a_certificate_without_a_name_is_told_of() {
    let it = family(params("leaf", &[]));
    assert_eq!(findings(&[it.leaf], &[it.middle], NOW), [Finding::Nameless]);
}

#[test]
fn weak_keys_and_signatures_are_told_of() {
    // Made once by `openssl req -x509 -newkey rsa:1024 -sha1`, which nothing that we borrow still does.
    let weak = include_bytes!("weak/leaf.der");
    let root = include_bytes!("weak/root.der");
    let chain = [weak.as_slice(), root.as_slice()].map(|der| CertificateDer::from(der.to_vec()));
    let found = findings(&chain, &[], NOW);
    let subject = "CN=mail.example.org".to_owned();
    assert!(found.contains(&Finding::WeakKey(1024, subject.clone())), "{found:?}");
    assert!(found.contains(&Finding::WeakSignature(subject)), "{found:?}");
    assert!(
        !found.contains(&Finding::WeakSignature("CN=Weak Root".into())),
        "a root's own counts for nothing"
    );
}

#[test]
fn a_published_name_that_no_certificate_is_for_is_told_of() {
    let it = family(params("leaf", &["mail.example.org", "*.example.com"]));
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = dir.join(format!("published-{}.pem", std::process::id()));
    std::fs::write(&path, [it.leaf_pem.0, it.leaf_pem.1].concat()).unwrap();
    let files = CertificateFiles { chain: path.clone(), key: path };
    let certificates = Certificates::load(vec![files.clone()]).unwrap();
    let published = ["mail.example.org", "imap.example.com", "mail.example.net", "MAIL.example.org"];
    assert_eq!(certificates.unnamed(published), ["mail.example.net"]);
    let [shown] = certificates.portraits(&Authorities::these([]), at(NOW)).try_into().unwrap();
    assert_eq!(shown.files, files);
    assert_eq!(shown.portrait.unwrap().findings, [Finding::Incomplete("CN=Middle".into())]);
}

#[test]
fn what_an_issuer_writes_into_a_name_does_not_reach_a_terminal() {
    let mut params = params("leaf", &["mail.example.org"]);
    params.distinguished_name.push(DnType::CommonName, "a\u{1b}[2Jb");
    let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let portrait = Portrait::of(&[made.der().clone()], &Authorities::these([]), at(NOW)).unwrap();
    assert!(!portrait.issuer.contains('\u{1b}'), "{:?}", portrait.issuer);
}
