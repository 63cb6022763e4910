//! `gatepost demo`: a server with a mailbox full of mail, one command from nothing.

mod fill;
mod tour;

use crate::authority::PrivateAuthority;
use crate::cli::Demo;
use crate::office::{self, Office, Opener};
use crate::serve;
use anyhow::{Context, Result};
use settings::{Certificate, HostName, Listener, ListenerKind, LogLevel, Settings};
use std::fs;
use std::path::{Path, absolute};

/// Characters of the made-up password: none that looks like another.
const PASSWORD_LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// 20 of 31 characters: 99 bits.
const PASSWORD_LENGTH: usize = 20;

/// Makes what is missing in the demo's folder, then serves.
pub(crate) async fn run(demo: Demo, now: jiff::Timestamp) -> Result<()> {
    let data = absolute(&demo.data)?;
    office::make_private(&data)?;
    let names = ["localhost".into(), "127.0.0.1".into(), "::1".into()];
    let authority = PrivateAuthority::ensure(&data.join("tls"), &names, now)?;
    let settings = settings(&demo, &data, &authority)?;
    crate::log::start(&settings.log);
    let password = password(&data.join("password.txt"))?;
    let office = Office::open(&settings, Opener::Server).await?;
    fill::fill(&office, &password, demo.mail.as_deref(), &data.join("filled")).await?;
    serve::serve(&settings, office, |addresses| tour::print(addresses, &authority.ca, &password)).await
}

fn settings(demo: &Demo, data: &Path, authority: &PrivateAuthority) -> Result<Settings> {
    let mut settings = Settings::default();
    settings.server.data = data.to_owned();
    settings.server.hostname = HostName::new("localhost").context("localhost is a host name")?;
    settings.network.listeners = vec![
        Listener::new(demo.imap, ListenerKind::ImapStartTls),
        Listener::new(demo.imaps, ListenerKind::ImapTls),
    ];
    settings.tls.certificates =
        vec![Certificate { chain: authority.chain.clone(), key: authority.key.clone() }];
    settings.log.level = LogLevel::Info;
    Ok(settings)
}

/// The demo's password: made up once, kept where only its owner can read it.
fn password(path: &Path) -> Result<String> {
    // One that was interrupted before its line end was never told to anybody.
    if let Some(kept) = fs::read_to_string(path).ok().as_deref().and_then(|kept| kept.strip_suffix('\n')) {
        return Ok(kept.into());
    }
    let made = made_up_password()?;
    office::write_private(path, &format!("{made}\n"))?;
    Ok(made)
}

fn made_up_password() -> Result<String> {
    let mut letters = String::new();
    while letters.len() < PASSWORD_LENGTH {
        let mut random = [0; 1];
        getrandom::fill(&mut random)?;
        // Random octets beyond a whole number of alphabets are thrown away: each letter is as likely.
        let [octet] = random;
        let whole = 256 / PASSWORD_LETTERS.len() * PASSWORD_LETTERS.len();
        if usize::from(octet) < whole {
            let letter = PASSWORD_LETTERS.get(usize::from(octet) % PASSWORD_LETTERS.len());
            letters.extend(letter.map(|letter| char::from(*letter)));
        }
    }
    Ok(letters)
}
