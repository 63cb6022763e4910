//! Who an account's owner is in a directory elsewhere, and what an account is called, as an admin decides it.

use crate::office::Office;
use anyhow::Result;
use events::{Account, Directory, Event};
use mail::Accounts;
use mailbox::account::directory::keyring::{Link, Subject};
use serde::{Deserialize, Serialize};
use terms::DirectoryName;

/// Somebody whom a directory elsewhere knows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LinkLine {
    /// As the settings call it.
    pub(crate) directory: String,
    /// What stays the same there whatever they are called.
    pub(crate) subject: String,
}

impl From<&Link> for LinkLine {
    fn from(link: &Link) -> Self {
        Self { directory: link.directory.to_string(), subject: link.subject.to_string() }
    }
}

impl TryFrom<&LinkLine> for Link {
    type Error = anyhow::Error;

    fn try_from(line: &LinkLine) -> Result<Self> {
        Ok(Self { directory: DirectoryName::new(&line.directory)?, subject: Subject::new(&line.subject)? })
    }
}

/// Makes an account for somebody whom a directory elsewhere knows.
pub(super) async fn add(office: &Office, name: &str, link: &LinkLine) -> Result<String> {
    office.accounts.add_linked(name, &link.try_into()?).await?;
    let account = Account::new(name);
    Event::AccountAdded { account: account.clone() }.log();
    Event::AccountLinked { account, directory: Directory::new(&link.directory) }.log();
    Ok(format!("{name} is added, and is {} in {}", link.subject, link.directory))
}

/// Says that an account is of somebody whom a directory elsewhere knows.
pub(super) async fn link(office: &Office, name: &str, link: &LinkLine) -> Result<String> {
    office.accounts.link(name, &link.try_into()?).await?;
    let (account, directory) = (Account::new(name), Directory::new(&link.directory));
    Event::AccountLinked { account, directory }.log();
    let linked = format!(
        "{name} is {} in {}: from now on that is asked for its password",
        link.subject, link.directory
    );
    let (_, keyring) = office.accounts.keyring(name)?;
    Ok(match let_in_besides(name, keyring.app_passwords().len(), keyring.certificates().len()) {
        Some(besides) => format!("{linked}\n{besides}"),
        None => linked,
    })
}

/// What lets in to an account whoever its directory says that it is of: to be looked at where that is somebody else now.
fn let_in_besides(name: &str, app_passwords: usize, certificates: usize) -> Option<String> {
    let counted = |count, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        more => Some(format!("{more} {one}s")),
    };
    let kinds = [
        (counted(app_passwords, "app password"), "app-password revoke"),
        (counted(certificates, "certificate"), "certificate unbind"),
    ];
    let there = kinds.into_iter().filter_map(|(counted, taken_back)| Some((counted?, taken_back)));
    let (counted, taken_back): (Vec<_>, Vec<_>) =
        there.map(|(counted, by)| (counted, format!("gatepost account {by} {name} NAME"))).unzip();
    (!counted.is_empty()).then(|| {
        format!(
            "{} of it still let in whoever has them; where that is not the same person, take them back: {}",
            counted.join(" and "),
            taken_back.join(", ")
        )
    })
}

/// Says that a directory elsewhere knows nothing of an account.
pub(super) async fn unlink(office: &Office, name: &str, directory: &str) -> Result<String> {
    let Some(link) = office.accounts.unlink(name, &DirectoryName::new(directory)?).await? else {
        return Ok(format!("{name} is nobody in {directory}"));
    };
    Event::AccountUnlinked { account: Account::new(name), directory: Directory::new(directory) }.log();
    Ok(format!(
        "{name} is {} in {directory} no more, and who had signed in by its word is signed out; the mail stays",
        link.subject
    ))
}

/// What a new password of an account is good for.
pub(super) fn has_new_password(accounts: &Accounts, name: &str) -> String {
    let links = accounts.links(name);
    let asked: Vec<_> = links.iter().map(|link| link.directory.to_string()).collect();
    match &*asked.join(", ") {
        "" => format!("{name} has a new password"),
        asked => format!(
            "{name} has a new password here, and is linked to {asked}: where that knows passwords it is asked, and not this one"
        ),
    }
}

/// Calls an account something else.
pub(super) async fn rename(office: &Office, name: &str, new: &str) -> Result<String> {
    office.accounts.rename(name, new).await?;
    Event::AccountRenamed { account: Account::new(new), before: Account::new(name) }.log();
    Ok(format!("{name} is called {new} now"))
}
