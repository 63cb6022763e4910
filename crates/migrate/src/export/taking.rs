//! The half that writes.

use super::frames::{Ask, Behind, Given, Listed, Mailbox, Message, Opened};
use crate::link::Link;
use crate::pour::{Stream, Watcher};
use crate::report::Skipped;
use crate::trouble::Trouble;
use bytes::Bytes;
use mailbox::account::Patterns;
use serde::Serialize;
use terms::InternalDate;

/// A folder that is to be written.
#[derive(Clone, Debug)]
pub struct FolderToWrite {
    /// Its name here.
    pub name: String,
    /// UIDVALIDITY
    pub uid_validity: u32,
    /// UIDNEXT
    pub uid_next: u32,
    /// Keywords that its messages may have.
    pub keywords: Vec<String>,
}

/// A message that is to be written.
#[derive(Clone, Debug)]
pub struct MessageToWrite {
    /// UID
    pub uid: u32,
    /// System flags and keywords, as FETCH prints them.
    pub flags: Vec<String>,
    /// INTERNALDATE
    pub date: InternalDate,
    /// RFC822.SIZE, in octets.
    pub octets: u64,
}

/// Where an export is written to, in its form.
pub trait Shelf {
    /// A folder begins. Says what of it cannot be had in this form, in sentences.
    ///
    /// # Errors
    /// It cannot be written.
    fn begin(&mut self, folder: &FolderToWrite) -> Result<Vec<String>, Trouble>;
    /// A message begins; `false` where it is there already, whole, from an earlier run.
    ///
    /// # Errors
    /// It cannot be written.
    fn message(&mut self, message: &MessageToWrite) -> Result<bool, Trouble>;
    /// More of its octets.
    ///
    /// # Errors
    /// They cannot be written.
    fn octets(&mut self, octets: &[u8]) -> Result<(), Trouble>;
    /// It is whole.
    ///
    /// # Errors
    /// It cannot be written.
    fn keep(&mut self) -> Result<(), Trouble>;
    /// It is not: nothing of it may stay.
    ///
    /// # Errors
    /// What was written of it cannot be taken away.
    fn forget(&mut self) -> Result<(), Trouble>;
    /// The folder is complete, and durable once this answers.
    ///
    /// # Errors
    /// It cannot be written.
    fn end(&mut self) -> Result<(), Trouble>;
    /// All folders are there; these names are subscribed.
    ///
    /// # Errors
    /// They cannot be written.
    fn finish(&mut self, subscribed: &[String]) -> Result<(), Trouble>;
}

/// What was exported.
#[derive(Debug, Default, Serialize)]
pub struct ExportReport {
    /// Whose mail.
    pub account: String,
    /// Folder by folder.
    pub folders: Vec<ExportedFolder>,
}

/// What became of a folder.
#[derive(Debug, Default, Serialize)]
pub struct ExportedFolder {
    /// Its name.
    pub mailbox: String,
    /// Messages that it has.
    pub messages: u64,
    /// Messages that were written in this run.
    pub written: u64,
    /// Messages that an earlier run had written.
    pub already_there: u64,
    /// Messages that cannot be read, by UID, and why.
    pub skipped: Vec<Skipped>,
    /// What could not be had in this form.
    pub notes: Vec<String>,
    /// Why it was not given to its end.
    pub failed: Option<String>,
}

impl ExportedFolder {
    /// Whether all of it is there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_none() && self.skipped.is_empty() && self.messages == self.written + self.already_there
    }
}

/// Takes an account's mail and puts it on a shelf: the mailboxes that one of the patterns matches, or all.
///
/// # Errors
/// The other half has gone, or the shelf cannot be written. What was written until then stays, and a second run goes
/// on from there.
pub async fn take(
    account: &str,
    only: &[String],
    stream: Box<dyn Stream>,
    shelf: &mut (impl Shelf + Send),
    watcher: &dyn Watcher,
) -> Result<ExportReport, Trouble> {
    let mut taker = Taker { link: Link::new(stream), shelf, watcher };
    taker.link.say(&Ask::List).await?;
    let listed: Listed = taker.link.hear().await?.ok_or_else(gone)?;
    let patterns = Patterns::new("", only.iter().map(String::as_str));
    let wanted = |mailbox: &Mailbox| only.is_empty() || patterns.matches(&mailbox.name);
    let mut report = ExportReport { account: account.to_owned(), folders: Vec::new() };
    for mailbox in listed.mailboxes.iter().filter(|mailbox| wanted(mailbox)) {
        report.folders.push(taker.folder(mailbox).await?);
    }
    let here =
        listed.mailboxes.iter().filter(|mailbox| mailbox.subscribed).map(|mailbox| mailbox.name.clone());
    let subscribed: Vec<_> = here.chain(listed.other_subscriptions.iter().cloned()).collect();
    taker.shelf.finish(&subscribed)?;
    Ok(report)
}

struct Taker<'a, S> {
    link: Link<Box<dyn Stream>>,
    shelf: &'a mut S,
    watcher: &'a dyn Watcher,
}

impl<S: Shelf + Send> Taker<'_, S> {
    async fn folder(&mut self, mailbox: &Mailbox) -> Result<ExportedFolder, Trouble> {
        let mut report = ExportedFolder { mailbox: mailbox.name.clone(), ..ExportedFolder::default() };
        self.link.say(&Ask::Folder(mailbox.id)).await?;
        loop {
            match self.link.hear().await?.ok_or_else(gone)? {
                Given::Folder(opened) => self.begin(opened, &mut report)?,
                Given::Message(message) => self.message(message, &mut report).await?,
                Given::Bad { uid, why } => self.skip(uid, why, &mut report),
                Given::Failed(why) => {
                    report.failed = Some(why);
                    return Ok(report);
                }
                Given::End => break,
            }
        }
        self.shelf.end()?;
        self.watcher.ends(&report.mailbox);
        Ok(report)
    }

    fn begin(&mut self, opened: Opened, report: &mut ExportedFolder) -> Result<(), Trouble> {
        let Opened { uid_validity, uid_next, messages, keywords } = opened;
        report.messages = messages.into();
        self.watcher.begins(&report.mailbox, report.messages);
        let name = report.mailbox.clone();
        report.notes = self.shelf.begin(&FolderToWrite { name, uid_validity, uid_next, keywords })?;
        Ok(())
    }

    async fn message(&mut self, message: Message, report: &mut ExportedFolder) -> Result<(), Trouble> {
        let Message { uid, flags, date: (seconds, zone), octets } = message;
        let date = InternalDate::new(seconds, zone)
            .ok_or_else(|| Trouble::Ours(format!("UID {uid} has no date")))?;
        let is_new = self.shelf.message(&MessageToWrite { uid, flags, date, octets })?;
        let mut hasher = blake3::Hasher::new();
        loop {
            let piece: Bytes = self.link.hear_octets().await?.ok_or_else(gone)?;
            if piece.is_empty() {
                break;
            }
            hasher.update(&piece);
            if is_new {
                self.shelf.octets(&piece)?;
            }
        }
        match self.link.hear().await?.ok_or_else(gone)? {
            Behind::Whole(name) if name == *hasher.finalize().as_bytes() => {
                if is_new {
                    self.shelf.keep()?;
                    report.written += 1;
                } else {
                    report.already_there += 1;
                }
                self.watcher.moves(&report.mailbox, 1);
                Ok(())
            }
            behind => {
                if is_new {
                    self.shelf.forget()?;
                }
                let why = match behind {
                    Behind::Broken(why) => why,
                    Behind::Whole(_) => "it did not come as it was sent".to_owned(),
                };
                self.skip(uid, why, report);
                Ok(())
            }
        }
    }

    fn skip(&self, uid: u32, why: String, report: &mut ExportedFolder) {
        report.skipped.push(Skipped { what: format!("UID {uid}"), why });
        self.watcher.moves(&report.mailbox, 1);
    }
}

fn gone() -> Trouble {
    Trouble::Ours("the server stopped; run the export again when it is back".into())
}
