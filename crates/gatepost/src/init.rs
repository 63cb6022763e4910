//! `gatepost init`: a configuration to start from, and everything it names.

use crate::authority::PrivateAuthority;
use crate::cli::Init;
use crate::office;
use crate::say::say;
use anyhow::{Context, Result, anyhow, bail};
use settings::{Certificate, HostName, Listener, ListenerKind, Settings};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, absolute};

/// Writes the configuration; makes the data directory and, without a certificate, a private authority in it.
pub(crate) fn run(init: &Init, now: jiff::Timestamp) -> Result<()> {
    if init.config.exists() {
        bail!(
            "{} is there already; move it away first, or name another with --config",
            init.config.display()
        );
    }
    let hostname = HostName::new(&init.hostname).ok_or_else(|| {
        anyhow!("{:?} is not a host name: letters, digits and hyphens between dots", init.hostname)
    })?;
    let data = absolute(&init.data)?;
    office::make_private(&data)?;
    let certificate = certificate(init, &data, now)?;
    let mut settings = Settings::default();
    settings.server.data = data;
    settings.server.hostname = hostname;
    settings.network.listeners = vec![
        Listener::new(init.imap, ListenerKind::ImapStartTls),
        Listener::new(init.imaps, ListenerKind::ImapTls),
    ];
    settings.tls.certificates = vec![certificate];
    write_new(&init.config, &settings.to_toml())?;
    say!("Wrote {}.", init.config.display());
    say!("Add an account:   gatepost account --config {} add NAME", init.config.display());
    say!("Run the server:   gatepost serve --config {}", init.config.display());
    Ok(())
}

fn certificate(init: &Init, data: &Path, now: jiff::Timestamp) -> Result<Certificate> {
    if let (Some(chain), Some(key)) = (&init.certificate, &init.key) {
        return Ok(Certificate { chain: absolute(chain)?, key: absolute(key)? });
    }
    let authority = PrivateAuthority::ensure(&data.join("tls"), std::slice::from_ref(&init.hostname), now)?;
    say!("Made a private certificate authority; let clients trust {}.", authority.ca.display());
    Ok(Certificate { chain: authority.chain, key: authority.key })
}

fn write_new(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
