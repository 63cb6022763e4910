//! What the desk tells of certificates, and has renewed.

use crate::issuance;
use crate::office::Office;
use acme::{Outcome, Status, Steward};
use anyhow::{Context, Result, bail};
use certificates::{Authorities, Certificates, Shown};
use net::{Gauge, Remote};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::SystemTime;

/// What a running server has to do with certificates.
pub(crate) struct Keeper {
    pub(crate) gauge: Gauge,
    pub(crate) remote: Remote,
    pub(crate) steward: Option<Arc<Steward>>,
}

/// One certificate.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CertificateLine {
    pub(crate) file: String,
    pub(crate) names: Vec<String>,
    /// Unset where there is none yet.
    pub(crate) issuer: Option<String>,
    pub(crate) until_ms: Option<i64>,
    pub(crate) days_left: Option<u64>,
    /// What clients will not like.
    pub(crate) findings: Vec<String>,
    /// Unset where it comes from files.
    pub(crate) acme: Option<AcmeLine>,
}

/// What is planned with one that an authority issues.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AcmeLine {
    pub(crate) challenge: String,
    pub(crate) next_ms: i64,
    /// When the authority wishes the renewal, from and to.
    pub(crate) window_ms: Option<(i64, i64)>,
    /// Why it wishes that, where it says so.
    pub(crate) explanation: Option<String>,
    pub(crate) failures: u32,
    pub(crate) problem: Option<String>,
}

/// All that are shown, or wanted.
pub(super) async fn status(office: &Office) -> Result<Vec<CertificateLine>> {
    let keeper = keeper(office)?;
    let certificates = Arc::clone(keeper.gauge.certificates());
    let now = SystemTime::now();
    let shown = tokio::task::spawn_blocking(move || portraits(&certificates, now)).await?;
    let wanted = keeper.steward.as_ref().map(|steward| steward.status(now)).unwrap_or_default();
    let is_shown = |status: &Status| shown.iter().any(|shown| shown.files.chain == status.file);
    let absent: Vec<_> = wanted.iter().filter(|status| !is_shown(status)).map(absent).collect();
    let there = shown.iter().map(|shown| {
        let acme = wanted.iter().find(|status| status.file == shown.files.chain).map(AcmeLine::of);
        CertificateLine { acme, ..line(shown, now) }
    });
    Ok(there.chain(absent).collect())
}

/// Orders at once, whatever is planned.
pub(super) async fn renew(office: &Office, name: Option<&str>) -> Result<String> {
    let keeper = keeper(office)?;
    let steward = keeper.steward.as_ref();
    let steward = steward.context("no certificate comes from an authority: [acme] names none")?;
    let outcomes = steward.renew(name, SystemTime::now()).await;
    let outcomes = outcomes.context("an order is under way already; see `gatepost cert status`")?;
    if outcomes.is_empty() {
        bail!("[acme] names no certificate for {}", name.unwrap_or("anything"));
    }
    issuance::tell(&outcomes, &keeper.remote);
    let told: Vec<_> = outcomes.iter().map(sentence).collect();
    match outcomes.iter().any(|outcome| matches!(outcome, Outcome::Failed { .. })) {
        true => bail!(told.join("\n")),
        false => Ok(told.join("\n")),
    }
}

fn keeper(office: &Office) -> Result<&Keeper> {
    office.keeper.get().context("no server runs here; `gatepost cert check` looks at the files")
}

fn portraits(certificates: &Certificates, now: SystemTime) -> Vec<Shown> {
    certificates.portraits(&Authorities::of_the_system(), now)
}

/// What a certificate says of itself.
pub(crate) fn line(shown: &Shown, now: SystemTime) -> CertificateLine {
    let portrait = shown.portrait.as_ref();
    CertificateLine {
        file: shown.files.chain.display().to_string(),
        names: portrait.map(|portrait| portrait.names.clone()).unwrap_or_default(),
        issuer: portrait.map(|portrait| portrait.issuer.clone()),
        until_ms: portrait.map(|portrait| unix_ms(portrait.until)),
        days_left: portrait.map(|portrait| portrait.days_left(now)),
        findings: portrait.iter().flat_map(|portrait| &portrait.findings).map(ToString::to_string).collect(),
        acme: None,
    }
}

fn absent(status: &Status) -> CertificateLine {
    CertificateLine {
        file: status.file.display().to_string(),
        names: status.names.clone(),
        issuer: None,
        until_ms: None,
        days_left: None,
        findings: vec!["there is none yet: until it comes, handshakes for its names are refused".into()],
        acme: Some(AcmeLine::of(status)),
    }
}

impl AcmeLine {
    fn of(status: &Status) -> Self {
        let milliseconds =
            |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000);
        let hint = status.record.hint.as_ref();
        Self {
            challenge: status.proof.as_str().to_owned(),
            next_ms: unix_ms(status.next),
            window_ms: hint.map(|hint| (milliseconds(hint.start), milliseconds(hint.end))),
            explanation: hint.and_then(|hint| hint.explanation.clone()),
            failures: status.record.failures,
            problem: status.record.problem.clone(),
        }
    }
}

fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn sentence(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Issued { names, file, .. } => {
            format!("{} has a new certificate, in {}", names.join(", "), file.display())
        }
        Outcome::Failed { names, why, .. } => format!("{}: {why}", names.join(", ")),
    }
}
