//! What was taken out of a backup, brought into the accounts that are served.

use super::undo::as_of_time;
use crate::office::Office;
use crate::scratch;
use crate::world::Machine;
use anyhow::{Context, Result, bail};
use backup::{Wanted, open_extracted};
use events::{Account as Name, Event};
use mail::{Aim, BroughtBack, Bygone, DirectoryError, Onlooker, Origin};
use mailbox::account::directory::{DirectoryRefusal, Login};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use terms::MailboxName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What says that all lies in the scratch folder.
pub(crate) const READY: u8 = b'\n';
/// How often it is told how far it is.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// What is brought back, and where to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The account, by the name that it had.
    pub(crate) account: String,
    /// Only this mailbox.
    pub(crate) mailbox: Option<String>,
    /// As it was then: Unix time in milliseconds. `None`: as it was when the backup was made.
    pub(crate) at_ms: Option<i64>,
    /// When the backup was made.
    pub(crate) made_ms: i64,
    pub(crate) whither: Whither,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Whither {
    /// An account that is not there is made again; in one that is, new mailboxes are made.
    Usual,
    /// Into the mailboxes that it was in.
    InPlace,
    /// Into a new account of this name, or a mailbox of this name.
    As(String),
}

/// What is told on the way.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    At { messages: u64, of: u64 },
    Done(Box<BackLine>),
    Refused(String),
}

/// What came back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct BackLine {
    /// Where it is now.
    pub(crate) account: String,
    /// Whether the account was made for it.
    pub(crate) made: bool,
    pub(crate) mailboxes: Vec<MailboxBackLine>,
    pub(crate) messages: u64,
    /// How many messages and mailboxes are missing, or have something missing.
    pub(crate) lost: u64,
    pub(crate) left: Vec<LeftLine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct MailboxBackLine {
    pub(crate) name: String,
    pub(crate) messages: u64,
    pub(crate) flags: u64,
    pub(crate) mended: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct LeftLine {
    pub(crate) mailbox: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<u32>,
    pub(crate) why: String,
}

/// Where it comes to.
enum Target {
    /// An account of this name, which is made.
    New(String),
    /// One that is there.
    There(Aim),
}

impl Job {
    /// Where to, as things are now.
    fn target(&self, office: &Office) -> Result<Target> {
        let there = match office.accounts.named(&self.account) {
            Ok(_) => true,
            Err(DirectoryError::Refused(DirectoryRefusal::NonExistent(_))) => false,
            Err(why) => return Err(why.into()),
        };
        match (&self.whither, &self.mailbox) {
            (Whither::As(name), None) => free(office, name),
            (Whither::Usual, None) if !there => free(office, &self.account),
            _ if !there => bail!(
                "there is no account {} to bring this into: bring back all of it, without --mailbox and --in-place",
                self.account
            ),
            (Whither::InPlace, _) => Ok(Target::There(Aim::InPlace(self.words()))),
            (Whither::As(name), Some(_)) => Ok(Target::There(Aim::Into(MailboxName::new(name)?))),
            (Whither::Usual, Some(mailbox)) => {
                let mailbox = MailboxName::new(mailbox)?;
                let name = MailboxName::new(&format!("{mailbox} {}", self.words()))?;
                Ok(Target::There(Aim::Into(name)))
            }
            (Whither::Usual, None) => {
                Ok(Target::There(Aim::Below(MailboxName::new(&format!("Restored {}", self.words()))?)))
            }
        }
    }

    fn words(&self) -> String {
        format!("as of {}", as_of_time(self.at_ms.unwrap_or(self.made_ms)))
    }
}

/// Refuses a name that is taken before anything is read.
fn free(office: &Office, name: &str) -> Result<Target> {
    let login = Login::new(name)?;
    if office.accounts.list().into_iter().any(|(other, _)| other == login) {
        return Err(DirectoryRefusal::AlreadyExists(login).into());
    }
    Ok(Target::New(name.to_owned()))
}

/// Whether it can be done, before anything is taken out of the backup.
pub(super) fn check(office: &Office, job: &Job) -> Result<()> {
    job.target(office).map(drop)
}

/// Once it is told that all lies in the scratch folder: brings it back, and tells how far it is. Whoever asked and has
/// gone ends it.
pub(super) async fn serve(
    office: &Office,
    job: &Job,
    stream: impl AsyncRead + AsyncWrite + Send,
) -> Result<()> {
    let (mut hears, tells) = tokio::io::split(stream);
    // Whoever only looked whether a server runs has taken nothing out.
    if hears.read_u8().await.ok() != Some(READY) {
        return Ok(());
    }
    let mut teller = Teller(tells);
    let far = Far::default();
    let mut bringing = Box::pin(bring(office, job, &far));
    loop {
        tokio::select! {
            brought = &mut bringing => {
                let last = match brought {
                    Ok(line) => Line::Done(Box::new(line)),
                    Err(why) => Line::Refused(crate::say::complaint(&why)),
                };
                return teller.tell(&last).await;
            }
            _ = hears.read_u8() => return Ok(()),
            () = tokio::time::sleep(TELL_EVERY) => teller.tell(&far.line()).await?,
        }
    }
}

struct Teller<S>(S);

impl<S: AsyncWrite + Unpin + Send> Teller<S> {
    async fn tell(&mut self, line: &Line) -> Result<()> {
        self.0.write_all(format!("{}\n", serde_json::to_string(line)?).as_bytes()).await?;
        Ok(self.0.flush().await?)
    }
}

/// How far it is.
#[derive(Default)]
struct Far {
    messages: AtomicU64,
    of: AtomicU64,
}

impl Far {
    fn line(&self) -> Line {
        Line::At { messages: self.messages.load(Ordering::Relaxed), of: self.of.load(Ordering::Relaxed) }
    }
}

impl Onlooker for Far {
    fn at(&self, messages: u64, of: u64) {
        self.messages.store(messages, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
    }
}

async fn bring(office: &Office, job: &Job, far: &Far) -> Result<BackLine> {
    let bygone = open(office, job).await?;
    let only = job.mailbox.as_deref().map(MailboxName::new).transpose()?;
    if let Some(name) = only.as_ref().filter(|name| !bygone.mailboxes().any(|(other, _)| other == *name)) {
        bail!("{} had no mailbox {name} then", job.account);
    }
    match job.target(office)? {
        Target::New(name) => {
            let brought = office.accounts.revive(&bygone, &name, far).await?;
            Event::AccountRestored { account: Name::new(&name) }.log();
            Ok(line(name, true, brought))
        }
        Target::There(aim) => {
            let account = office.accounts.named(&job.account)?;
            let brought = account.bring_back(&Origin::desk(), &bygone, only.as_ref(), &aim, far).await?;
            brought.mailboxes.iter().for_each(|mailbox| {
                let (messages, flags) = (mailbox.messages, mailbox.flags);
                let (account, mailbox) = (Name::new(&job.account), (&mailbox.name).into());
                Event::MailboxRestored { account, mailbox, messages, flags }.log();
            });
            Ok(line(job.account.clone(), false, brought))
        }
    }
}

/// An index is made when it is opened: others must not wait for that.
async fn open(office: &Office, job: &Job) -> Result<Bygone> {
    let (folder, name, until_ms) =
        (scratch::folder(&office.data), job.account.clone(), job.at_ms.unwrap_or(i64::MAX));
    let remote = office.remote;
    let handle = tokio::runtime::Handle::current();
    let opened = tokio::task::spawn_blocking(move || {
        let wanted = Wanted { account: &name, until_ms, remote };
        handle.block_on(open_extracted(&folder, wanted, Arc::new(Machine)))
    });
    Ok(opened.await.context("the server is stopping")??)
}

fn line(account: String, made: bool, brought: BroughtBack) -> BackLine {
    let messages = brought.messages();
    let mailboxes = brought.mailboxes.into_iter().map(|back| MailboxBackLine {
        name: back.name.to_string(),
        messages: back.messages,
        flags: back.flags,
        mended: back.mended,
    });
    let left = brought.left.into_iter().map(|left| LeftLine {
        mailbox: left.mailbox.to_string(),
        uid: left.uid.map(terms::Uid::get),
        why: left.why,
    });
    let (mailboxes, left) = (mailboxes.collect(), left.collect());
    BackLine { account, made, mailboxes, messages, lost: brought.lost, left }
}
