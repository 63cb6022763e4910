//! `gatepost cert`: how certificates are, what clients will not like about them, and new ones at once.

use crate::account::Style;
use crate::cli::{Cert, CertCommand};
use crate::desk::{self, AcmeLine, CertificateLine, Reply, Request};
use crate::say::say;
use crate::{config, issuance, when};
use anyhow::{Context, Result, bail};
use certificates::{Authorities, CertificateFiles, Certificates};
use settings::Settings;
use std::path::Path;
use std::time::SystemTime;

/// Runs one of its commands.
pub(crate) async fn run(cert: Cert) -> Result<()> {
    let config = &cert.config.config;
    match cert.command {
        CertCommand::Status { json } => status(config, Style::of(json)).await,
        CertCommand::Renew { name } => renew(config, name).await,
        CertCommand::Check => check(config),
    }
}

async fn status(config: &Path, style: Style) -> Result<()> {
    match ask(config, &Request::CertificateStatus).await? {
        Reply::Certificates(lines) => print(&lines, style),
        reply => bail!("the server answers something else: {reply:?}"),
    }
}

async fn renew(config: &Path, name: Option<String>) -> Result<()> {
    match ask(config, &Request::RenewCertificate { name }).await? {
        Reply::Done(sentence) => {
            say!("{sentence}");
            Ok(())
        }
        reply => bail!("the server answers something else: {reply:?}"),
    }
}

/// Both need a server: it has the ports to which authorities come.
async fn ask(config: &Path, request: &Request) -> Result<Reply> {
    let data = config::read(config)?.server.data;
    match desk::ask(&data, request).await? {
        None => bail!("no server runs on {}; `gatepost cert check` looks at the files", data.display()),
        Some(Reply::Refused(why)) => bail!(why),
        Some(reply) => Ok(reply),
    }
}

/// Looks at the files, as a server would, whether one runs or not.
fn check(config: &Path) -> Result<()> {
    let settings = config::read(config)?;
    let now = SystemTime::now();
    let authorities = Authorities::of_the_system();
    let mut complaints = Vec::new();
    let mut readable = Vec::new();
    for files in files(&settings) {
        match Certificates::load(vec![files.clone()]) {
            Err(why) => complaints.push(why.to_string()),
            Ok(certificates) => {
                let shown = certificates.portraits(&authorities, now);
                let lines: Vec<_> = shown.iter().map(|shown| desk::certificate_line(shown, now)).collect();
                print(&lines, Style::Lines)?;
                let told = |line: &CertificateLine| {
                    line.findings.iter().map(|what| format!("{}: {what}", line.file)).collect()
                };
                complaints.extend(lines.iter().flat_map::<Vec<_>, _>(told));
                readable.push(files);
            }
        }
    }
    complaints.extend(unnamed(&settings, readable));
    match complaints.is_empty() {
        true => Ok(()),
        false => bail!("clients will not like this:\n{}", complaints.join("\n")),
    }
}

fn files(settings: &Settings) -> Vec<CertificateFiles> {
    let by_acme = issuance::files(settings).into_iter();
    let by_acme = by_acme.map(|file| CertificateFiles { chain: file.clone(), key: file });
    net::certificate_files(settings).into_iter().chain(by_acme).collect()
}

fn unnamed(settings: &Settings, readable: Vec<CertificateFiles>) -> Option<String> {
    let host = settings.public_host().as_str();
    let certificates = Certificates::load_and_await(Vec::new(), readable).ok()?;
    let missing = !certificates.unnamed([host]).is_empty();
    missing.then(|| format!("no certificate is for {host}, the name that users are told to connect to"))
}

fn print(lines: &[CertificateLine], style: Style) -> Result<()> {
    if let Style::Json = style {
        say!(
            "{}",
            serde_json::to_string_pretty(lines).context("the certificates cannot be written as JSON")?
        );
        return Ok(());
    }
    for line in lines {
        say!("{}", line.names.join(", "));
        say!("  file     {}", line.file);
        if let (Some(issuer), Some(until), Some(days)) = (&line.issuer, line.until_ms, line.days_left) {
            say!("  issuer   {issuer}");
            say!("  ends     {}, in {days} days", when::told(until));
        }
        line.acme.iter().for_each(print_plan);
        line.findings.iter().for_each(|finding| say!("  problem  {finding}"));
    }
    Ok(())
}

fn print_plan(acme: &AcmeLine) {
    say!("  ACME     {}, next order {}", acme.challenge, when::told(acme.next_ms));
    if let Some((from, to)) = acme.window_ms {
        say!("  wished   by the authority, between {} and {}", when::told(from), when::told(to));
    }
    acme.explanation.iter().for_each(|url| say!("  because  {url}"));
    acme.problem.iter().for_each(|why| say!("  failed   {} times, last: {why}", acme.failures));
}
