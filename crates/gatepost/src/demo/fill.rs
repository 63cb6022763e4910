//! Filling the demo's mailboxes.

use crate::office::Office;
use crate::say::say;
use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use demo::DemoMessage;
use mail::{Account, Origin};
use mailbox::Flags;
use mailbox::account::MailboxId;
use migrate::maildir::Directories;
use migrate::mbox::Mboxes;
use migrate::{Files, Found, Layout, Unreadable};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use terms::{InternalDate, MailboxName};

/// The same mail at every first run.
const SEED: u64 = 1;

/// Makes the account, if it is not there, and puts into its mailboxes what they do not have yet. An interrupted fill
/// goes on where it stopped: the messages of a mailbox come in the same order each time.
///
/// `marker` is a file that says that all of it is there.
pub(crate) async fn fill(office: &Office, password: &str, from: Option<&Path>, marker: &Path) -> Result<()> {
    if marker.exists() {
        if let Some(from) = from {
            say!("The demo has its mail already; {} is left out. A new one: --data DIR", from.display());
        }
        return Ok(());
    }
    let messages = messages(from)?;
    let owner = demo::OWNER;
    let known = office.accounts.list().into_iter().find(|(login, _)| login.as_str() == owner);
    let id = match known {
        Some((_, id)) => id,
        None => office.accounts.add(owner, &office.record(password).await?).await?,
    };
    let account = office.accounts.account(id);
    say!("Filling the mailbox of {owner} ...");
    let mut filling = Filling { account, places: HashMap::new() };
    let mut count = 0;
    for message in messages {
        filling.put(message?).await?;
        count += 1;
    }
    if let (0, Some(from)) = (count, from) {
        bail!("no message is in {}; run it again with other mail, or without --mail", from.display());
    }
    say!("{count} messages in {} mailboxes.", filling.places.len());
    fs::write(marker, "The demo's mail is all there.\n").context("cannot write the demo's marker")
}

type Messages = Box<dyn Iterator<Item = Result<DemoMessage>>>;

fn messages(from: Option<&Path>) -> Result<Messages> {
    let Some(path) = from else { return Ok(Box::new(demo::messages(SEED).map(Ok))) };
    let found = if path.is_dir() { lying_in::<Directories>(path) } else { lying_in::<Mboxes>(path) };
    found.context("there is no mail to fill the demo with")
}

fn lying_in<L: Layout>(path: &Path) -> Result<Messages> {
    let files = Files::<L>::open(path)?;
    let mut all = Vec::new();
    for folder in files.folders() {
        let name = folder.name.clone();
        all.push(files.messages(folder)?.all.map(move |found| message(name.clone(), found)));
    }
    Ok(Box::new(all.into_iter().flatten()))
}

fn message(mailbox: MailboxName, found: Result<Found, Unreadable>) -> Result<DemoMessage> {
    let found = found.map_err(|Unreadable { what, why, .. }| anyhow!("{what}: {why}"))?;
    let date = found.marks.date.unwrap_or(InternalDate::EPOCH);
    Ok(DemoMessage { mailbox, flags: found.marks.flags, date, bytes: found.octets.into() })
}

struct Filling {
    account: Arc<Account>,
    places: HashMap<MailboxName, Place>,
}

struct Place {
    id: MailboxId,
    /// Messages that an interrupted fill has put there.
    there: u32,
}

impl Filling {
    async fn put(&mut self, message: DemoMessage) -> Result<()> {
        let place = self.place(&message.mailbox).await?;
        if place.there > 0 {
            place.there -= 1;
            return Ok(());
        }
        let id = place.id;
        let mut incoming = self.account.incoming(message.bytes.len() as u64).await?;
        incoming.write(Bytes::from(message.bytes)).await?;
        let received = incoming.finish().await?;
        let (flags, date): (Flags, _) = (message.flags.iter().collect(), Some(message.date));
        self.account.append(&Origin::desk(), id, received, self.account.id(), flags, date).await?;
        Ok(())
    }

    async fn place(&mut self, name: &MailboxName) -> Result<&mut Place> {
        if !self.places.contains_key(name) {
            let id = self.account.ensure_mailbox(&Origin::desk(), name).await?;
            let there = self.account.open(id).await?.newest().state().messages();
            self.places.insert(name.clone(), Place { id, there });
        }
        self.places.get_mut(name).context("it was put there a line ago")
    }
}
