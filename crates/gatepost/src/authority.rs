//! A private certificate authority for a machine that has no public name yet.
//!
//! `demo` and `init` use it, so that even the first connection of a newcomer is verified: there is no switch in
//! Gatepost, and none in its instructions, that tells a client to trust anything.

use crate::office::write_private;
use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::fs;
use std::path::{Path, PathBuf};

/// How long the authority lasts, in years.
const AUTHORITY_YEARS: i16 = 10;
/// How long a server certificate lasts, in days. Apple's clients refuse more than 825 even from a private authority.
const SERVER_DAYS: i64 = 397;
/// A server certificate with fewer days left than this is issued anew.
const RENEW_DAYS: i64 = 60;

/// Where the authority and the server certificate that it issued lie.
#[derive(Clone, Debug)]
pub(crate) struct PrivateAuthority {
    /// The authority's certificate: what clients are told to trust.
    pub(crate) ca: PathBuf,
    /// The server's chain.
    pub(crate) chain: PathBuf,
    /// The server's key.
    pub(crate) key: PathBuf,
    ca_key: PathBuf,
    until: PathBuf,
}

impl PrivateAuthority {
    /// The files' places in `dir`.
    fn at(dir: &Path) -> Self {
        Self {
            ca: dir.join("ca.pem"),
            ca_key: dir.join("ca-key.pem"),
            chain: dir.join("server.pem"),
            key: dir.join("server-key.pem"),
            until: dir.join("server-until.txt"),
        }
    }

    /// Makes what is missing in `dir`: the authority once, the server's certificate for `names` again when it is
    /// about to end.
    pub(crate) fn ensure(dir: &Path, names: &[String], now: jiff::Timestamp) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let files = Self::at(dir);
        if !files.ca.exists() || !files.ca_key.exists() {
            files.found_authority(now)?;
        }
        if !files.is_fresh(names, now) {
            files.issue(names, now)?;
        }
        Ok(files)
    }

    fn found_authority(&self, now: jiff::Timestamp) -> Result<()> {
        let key = KeyPair::generate()?;
        let mut params = authority()?;
        let today = day_of(now);
        params.not_before = date_time_ymd(today.year().into(), 1, 1);
        params.not_after = date_time_ymd(i32::from(today.year()) + i32::from(AUTHORITY_YEARS), 1, 1);
        let certificate = params.self_signed(&key)?;
        write_private(&self.ca_key, &key.serialize_pem())?;
        fs::write(&self.ca, certificate.pem()).with_context(|| format!("cannot write {}", self.ca.display()))
    }

    fn issue(&self, names: &[String], now: jiff::Timestamp) -> Result<()> {
        let ca_key = KeyPair::from_pem(&read(&self.ca_key)?)?;
        let issuer = Issuer::new(authority()?, ca_key);
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.to_vec())?;
        let common = names.first().map_or("gatepost", String::as_str);
        params.distinguished_name.push(DnType::CommonName, common);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        // A day back: a client's clock may be behind ours.
        let (first, last) = (day_after(now, -1)?, day_after(now, SERVER_DAYS)?);
        params.not_before =
            date_time_ymd(first.year().into(), first.month().try_into()?, first.day().try_into()?);
        params.not_after =
            date_time_ymd(last.year().into(), last.month().try_into()?, last.day().try_into()?);
        let certificate = params.signed_by(&key, &issuer)?;
        write_private(&self.key, &key.serialize_pem())?;
        let chain = format!("{}{}", certificate.pem(), read(&self.ca)?);
        fs::write(&self.chain, chain).with_context(|| format!("cannot write {}", self.chain.display()))?;
        fs::write(&self.until, format!("{last} {}\n", names.join(" ")))
            .with_context(|| format!("cannot write {}", self.until.display()))
    }

    fn is_fresh(&self, names: &[String], now: jiff::Timestamp) -> bool {
        let Ok(noted) = fs::read_to_string(&self.until) else { return false };
        let Some((until, for_names)) = noted.trim_end().split_once(' ') else { return false };
        let enough = until
            .parse::<jiff::civil::Date>()
            .is_ok_and(|until| day_after(now, RENEW_DAYS).is_ok_and(|soon| until > soon));
        enough && for_names == names.join(" ") && self.chain.exists() && self.key.exists()
    }
}

/// What the authority is in every certificate that names it: all but its key and its dates.
fn authority() -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Gatepost private authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn day_of(now: jiff::Timestamp) -> jiff::civil::Date {
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn day_after(now: jiff::Timestamp, days: i64) -> Result<jiff::civil::Date> {
    Ok(day_of(now).checked_add(jiff::Span::new().days(days))?)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
