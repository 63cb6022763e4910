//! Client certificates that stand for accounts, as they are asked for and told at the desk.

use crate::office::Office;
use anyhow::{Context, Result, bail};
use events::{Account, Event, Label as EventLabel, Sha256};
use mailbox::account::directory::keyring::{Certificate, Fingerprint, Fingerprinted, Label};
use serde::{Deserialize, Serialize};

/// What of a certificate an account is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BoundBy {
    /// All of it: when it is renewed, the new one has to be bound.
    Certificate,
    /// Its public key: whatever certificate is made for it.
    PublicKey,
}

/// A certificate that is to stand for an account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CertificateWanted {
    pub(crate) account: String,
    pub(crate) label: String,
    pub(crate) by: BoundBy,
    /// In hexadecimal.
    pub(crate) sha256: String,
}

/// A client certificate in a list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BoundLine {
    pub(crate) name: String,
    pub(crate) by: BoundBy,
    pub(crate) sha256: String,
}

impl From<BoundBy> for Fingerprinted {
    fn from(by: BoundBy) -> Self {
        match by {
            BoundBy::Certificate => Self::Certificate,
            BoundBy::PublicKey => Self::PublicKey,
        }
    }
}

impl From<&Certificate> for BoundLine {
    fn from(bound: &Certificate) -> Self {
        let by = match bound.fingerprint.of {
            Fingerprinted::Certificate => BoundBy::Certificate,
            Fingerprinted::PublicKey => BoundBy::PublicKey,
        };
        Self { name: bound.label.to_string(), by, sha256: hex(&bound.fingerprint.sha256) }
    }
}

/// As fingerprints are written.
pub(crate) fn hex(octets: &[u8; 32]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return None;
    }
    let octets = (0..32).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok());
    octets.collect::<Option<Vec<_>>>()?.try_into().ok()
}

/// Lets a certificate stand for an account.
pub(super) async fn bind(office: &Office, wanted: &CertificateWanted) -> Result<String> {
    let (account, label) = (&wanted.account, Label::new(&wanted.label)?);
    let sha256 = unhex(&wanted.sha256).context("a fingerprint is 64 digits of hexadecimal")?;
    let fingerprint = Fingerprint { of: wanted.by.into(), sha256 };
    let keyring = office.accounts.keyring(account)?.1;
    let bound = keyring.certificates();
    if let Some(there) = bound.iter().find(|bound| bound.fingerprint == fingerprint) {
        return Ok(format!("It stands for {account} already, as {}", there.label));
    }
    if bound.iter().any(|bound| bound.label == label) {
        bail!("{account} has a certificate that is called {label} already");
    }
    office.accounts.bind(account, &Certificate { fingerprint, label: label.clone() }).await?;
    let called = EventLabel::new(label.as_str());
    Event::CertificateBound { account: Account::new(account), label: called, sha256: Sha256(sha256) }.log();
    Ok(format!("The certificate {label} stands for {account}"))
}

/// The certificates of an account, in the order in which they were bound.
pub(super) fn list(office: &Office, account: &str) -> Result<Vec<BoundLine>> {
    Ok(office.accounts.keyring(account)?.1.certificates().iter().map(BoundLine::from).collect())
}

/// Lets a certificate stand for an account no more.
pub(super) async fn unbind(office: &Office, account: &str, called: &str) -> Result<String> {
    let keyring = office.accounts.keyring(account)?.1;
    let is_it = |bound: &&Certificate| {
        bound.label.as_str() == called || hex(&bound.fingerprint.sha256).eq_ignore_ascii_case(called)
    };
    let found: Vec<_> = keyring.certificates().iter().filter(is_it).collect();
    let [bound] = found.as_slice() else {
        match found.is_empty() {
            true => bail!("{account} has no certificate {called}"),
            false => bail!("{account} has several that are called {called}: name one by its fingerprint"),
        }
    };
    office.accounts.unbind(account, &bound.fingerprint).await?;
    let (label, sha256) = (EventLabel::new(bound.label.as_str()), Sha256(bound.fingerprint.sha256));
    Event::CertificateUnbound { account: Account::new(account), label, sha256 }.log();
    Ok(format!(
        "The certificate {} stands for {account} no more, and who had signed in with it is signed out",
        bound.label
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_written_and_nothing_else_is() {
        let octets = std::array::from_fn(|at| u8::try_from(at * 7).unwrap());
        assert_eq!(unhex(&hex(&octets)), Some(octets));
        assert_eq!(unhex(&hex(&octets).to_uppercase()), Some(octets));
        for other in [
            String::new(),
            "00".repeat(31),
            "00".repeat(33),
            "0g".repeat(32),
            "\u{fc}".repeat(32),
            "+1".repeat(32),
        ] {
            assert_eq!(unhex(&other), None, "{other}");
        }
    }
}
