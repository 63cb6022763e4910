//! Certificates by ACME in a running server: connects the steward, its clock and its chance, and tells what comes of it.

use acme::{Authority, ExternalAccount, Hook, Outcome, Proof, Steward, Wanted};
use anyhow::{Context, Result};
use events::{Event, Sentence, ServerName};
use fetch::Roots;
use net::{Awaited, Remote};
use settings::{AcmeCertificate, Challenge, Settings, Terms, Text};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// Where its files lie, below the data directory.
const FOLDER: &str = "acme";
/// However busy a plan looks, nothing is done more often.
const SHORTEST_REST: Duration = Duration::from_secs(1);

/// Who sees to the certificates that the settings want from an authority, if any, and what a server is to wait for.
pub(crate) fn open(settings: &Settings) -> Result<(Option<Arc<Steward>>, Awaited)> {
    let acme = &settings.acme;
    let mut awaited = Awaited::default();
    if acme.certificates.is_empty() {
        return Ok((None, awaited));
    }
    let authority = Authority {
        directory: acme.directory.as_str().to_owned(),
        roots: acme.directory_ca.clone().map_or(Roots::System, Roots::File),
        contact: acme.contact.iter().map(|address| format!("mailto:{}", address.as_str())).collect(),
        agree_to_terms: acme.terms == Terms::Agreed,
        external_account: external_account(settings)?,
        profile: acme.profile.as_ref().map(|profile| profile.as_str().to_owned()),
    };
    let hook = (!acme.dns_hook.is_empty()).then(|| Hook {
        command: acme.dns_hook.iter().map(|word| word.as_str().to_owned()).collect(),
        patience: Duration::from_secs(acme.dns_hook_seconds.into()),
    });
    let validations = Arc::clone(&awaited.validations);
    let steward = Steward::open(authority, &folder(settings), wanted(settings), hook, validations, random)
        .context("certificates cannot be got by ACME")?;
    awaited.files = steward.files().collect();
    Ok((Some(Arc::new(steward)), awaited))
}

/// Where the certificates lie, or will.
pub(crate) fn files(settings: &Settings) -> Vec<PathBuf> {
    wanted(settings).iter().map(|wanted| wanted.file(&folder(settings))).collect()
}

fn folder(settings: &Settings) -> PathBuf {
    settings.server.data.join(FOLDER)
}

fn wanted(settings: &Settings) -> Vec<Wanted> {
    settings.acme.certificates.iter().map(want).collect()
}

fn want(certificate: &AcmeCertificate) -> Wanted {
    Wanted {
        names: certificate.names.iter().map(|name| name.as_str().to_owned()).collect(),
        proof: match certificate.challenge {
            Challenge::Http01 => Proof::Http01,
            Challenge::TlsAlpn01 => Proof::TlsAlpn01,
            Challenge::Dns01 => Proof::Dns01,
        },
    }
}

fn external_account(settings: &Settings) -> Result<Option<ExternalAccount>> {
    let acme = &settings.acme;
    let Some((id, file)) = acme.external_account.as_ref().zip(acme.external_account_key.as_ref()) else {
        return Ok(None);
    };
    read_key(id, file).map(Some).with_context(|| format!("acme.external_account_key, {}", file.display()))
}

fn read_key(id: &Text, file: &Path) -> Result<ExternalAccount> {
    let text = Zeroizing::new(std::fs::read_to_string(file)?);
    ExternalAccount::new(id.as_str(), &text).context("it is no key in base64url")
}

/// Only spreads the load of an authority: where the system has no chance to give, the middle will do.
fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX / 2)
}

/// Sees to the certificates, for ever.
pub(crate) async fn run(steward: Arc<Steward>, remote: Remote) {
    loop {
        let (outcome, next) = steward.tend(SystemTime::now()).await;
        tell(outcome.as_slice(), &remote);
        let rest = next.duration_since(SystemTime::now()).unwrap_or_default();
        tokio::time::sleep(rest.max(SHORTEST_REST)).await;
    }
}

/// Writes down what came of orders, and has new certificates taken in.
pub(crate) fn tell(outcomes: &[Outcome], remote: &Remote) {
    for outcome in outcomes {
        tell_one(outcome);
    }
    if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Issued { .. })) {
        remote.look_at_certificates();
    }
}

fn tell_one(outcome: &Outcome) {
    let first = |names: &[String]| ServerName::new(names.first().map_or("", String::as_str));
    match outcome {
        Outcome::Issued { names, file, until } => {
            let left = until.duration_since(SystemTime::now()).unwrap_or_default();
            Event::CertificateIssued {
                server_name: first(names),
                file: file.as_path().into(),
                days_left: left.as_secs() / (24 * 60 * 60),
            }
            .log();
        }
        Outcome::Failed { names, why, failures, again } => {
            let again = again.duration_since(SystemTime::now()).unwrap_or_default();
            Event::CertificateOrderFailed {
                server_name: first(names),
                problem: Sentence::new(why),
                failures: (*failures).into(),
                again_minutes: again.as_secs() / 60,
            }
            .log();
        }
    }
}
