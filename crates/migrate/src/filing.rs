//! The filing half: messages into the mailboxes of one account.
//!
//! Messages wait until they are many and are then stored in one commit, so that they share a sync. Each is looked for
//! before it is stored: a run that was cut off may have left it in the mailbox and not in the memory.

mod folder;
mod record;

use crate::letter::{self, alike};
use crate::link::{AT_ONCE, Answer, Ask, Behind, Compared, FlagsPolicy, Kept, Known, Link, Opening, Outcome};
use crate::memory;
use crate::trouble::Trouble;
use bytes::Bytes;
use folder::{Folder, Waiting};
use mail::{Account, Error, Incoming, Origin};
use mailbox::account::SpecialUse;
use record::Record;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use terms::AccountId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_blocking;

/// Octets of messages that wait for their commit.
const MAX_WAITING: u64 = 2 << 20;

/// What an import needs of whoever has the data directory.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Where it is remembered what was brought.
    pub folder: PathBuf,
    /// Octets of the largest message that is taken.
    pub most_octets: u64,
}

/// Who files what comes, into what.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The account's name.
    pub login: &'a str,
    /// The number of the system's user who runs the import.
    pub user: u32,
}

impl Ground {
    /// Forgets what was brought into an account that is gone.
    ///
    /// # Errors
    /// The directory cannot be written to.
    pub async fn forget(&self, account: AccountId) -> io::Result<()> {
        let folder = self.folder.clone();
        spawn_blocking(move || memory::forget(&folder, account)).await?
    }

    /// Forgets what was brought into any but these: a crash may have left it behind.
    ///
    /// # Errors
    /// The directory cannot be read, or not be written to.
    pub async fn forget_all_but(&self, accounts: HashSet<AccountId>) -> io::Result<()> {
        let folder = self.folder.clone();
        spawn_blocking(move || memory::forget_all_but(&folder, &accounts)).await?
    }
}

/// Files what the other half brings into `account` until that half goes.
///
/// # Errors
/// The other half speaks otherwise. What cannot be stored is answered, not returned.
pub async fn serve(
    account: Arc<Account>,
    who: Who<'_>,
    ground: &Ground,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
) -> Result<(), Trouble> {
    let mut filing = Filing { account, who, ground, folder: None, failed: None, record: None };
    let mut link = Link::new(stream);
    while let Some(ask) = link.hear::<Ask>().await? {
        if let Ask::Put { octets } = ask {
            filing.put(&mut link, octets).await?;
        } else {
            link.say(&filing.answer(ask).await).await?;
        }
    }
    Ok(())
}

struct Filing<'a> {
    account: Arc<Account>,
    who: Who<'a>,
    ground: &'a Ground,
    folder: Option<Folder>,
    /// Why nothing can be stored any more. A message is put without an answer, so it is told with the next one.
    failed: Option<String>,
    /// What is recorded of the import, where it began on this link.
    record: Option<Record>,
}

impl Filing<'_> {
    async fn answer(&mut self, ask: Ask) -> Answer {
        if let Ask::End(ending) = ask {
            self.record.iter_mut().for_each(|record| record.end(ending));
            self.record = None;
            return Answer::Recorded;
        }
        if let Some(why) = &self.failed {
            return Answer::Failed(why.clone());
        }
        let answer = match ask {
            Ask::Begin { source } => {
                self.record = Some(Record::begin(&self.who, &source));
                self.uses().await
            }
            Ask::Open(opening) => self.open(opening).await,
            Ask::Compare { messages, flags } => self.compare(&messages, flags).await,
            Ask::Flush => self.flush().await,
            Ask::Check => self.check().await,
            Ask::Put { .. } | Ask::End(_) => Err(Trouble::Ours("this is answered elsewhere".into())),
        };
        answer.unwrap_or_else(|why| Answer::Failed(self.fail(&why)))
    }

    /// Whoever runs the import is told, and runs it again: what was stored meanwhile is found by its octets.
    fn fail(&mut self, why: &Trouble) -> String {
        self.failed.get_or_insert_with(|| why.to_string()).clone()
    }

    async fn uses(&self) -> Result<Answer, Trouble> {
        self.account.ensure_founded(&Origin::desk()).await.map_err(ours)?;
        let names = self.account.names().await.map_err(ours)?;
        let serving = |one: SpecialUse| Some((one.to_string(), names.serving(one)?.0.to_string()));
        Ok(Answer::Uses(SpecialUse::ALL.into_iter().filter_map(serving).collect()))
    }

    async fn open(&mut self, opening: Opening) -> Result<Answer, Trouble> {
        // The memory of the one before is closed first: it may be the same, begun again after a broken connection.
        let stored = self.folder.take().map(|before| before.stored_for(&opening)).unwrap_or_default();
        let opened = Folder::open(&self.account, self.who.login, &self.ground.folder, opening).await;
        let mut folder = match opened {
            Ok(folder) => folder,
            Err(Trouble::Source(why)) => return Ok(Answer::Refused(why)),
            Err(why) => return Err(why),
        };
        folder.stored = stored;
        let uids = folder.uids.clone();
        self.folder = Some(folder);
        Ok(Answer::Opened { most_octets: self.ground.most_octets, uids })
    }

    fn folder(&mut self) -> Result<&mut Folder, Trouble> {
        self.folder.as_mut().ok_or_else(|| Trouble::Ours("no folder is open".into()))
    }

    async fn compare(&mut self, messages: &[Known], policy: FlagsPolicy) -> Result<Answer, Trouble> {
        let account = Arc::clone(&self.account);
        let folder = self.folder()?;
        let state = Arc::clone(account.open(folder.mailbox).await.map_err(ours)?.newest().state());
        let (mut compared, mut changes) = (Compared::default(), Vec::new());
        for (place, message) in messages.iter().enumerate() {
            let Some(brought) = folder.memory.get(message.key) else {
                compared.unknown.push(place);
                continue;
            };
            let row = state.reader(account.id()).row(brought.uid);
            let Some(row) = row.filter(|row| state.contains(row.uid)) else {
                compared.removed_here += 1;
                continue;
            };
            compared.other_uids += u64::from(folder.is_other(row.uid, message.uid));
            let (then, now) = (folder.memory.flags(brought), alike(message.flags.iter().map(String::as_str)));
            if then == now && policy == FlagsPolicy::KeepChanges {
                continue;
            }
            let here = alike(state.keywords().names(&row.flags));
            if here != then && here != now && policy == FlagsPolicy::KeepChanges {
                compared.flags_kept += 1;
                continue;
            }
            if here == now && then == now {
                continue;
            }
            let is_change = here != now;
            let (key, uid, words) = (message.key, row.uid, message.flags.as_slice());
            changes.push(folder::FlagsChange { place, key, uid, words, now, is_change });
        }
        folder.change_flags(&account, &changes, &mut compared).await?;
        Ok(Answer::Compared(compared))
    }

    /// Takes a message, whatever becomes of it: the other half hears that with the next FLUSH.
    async fn put<S: AsyncRead + AsyncWrite + Unpin + Send>(
        &mut self,
        link: &mut Link<S>,
        octets: u64,
    ) -> Result<(), Trouble> {
        let mut taking = match &self.failed {
            Some(why) => Taking::not(Trouble::Ours(why.clone())),
            None => Taking::begin(&self.account, octets, self.ground.most_octets).await,
        };
        loop {
            let piece = link.hear_octets().await?.ok_or_else(gone)?;
            if piece.is_empty() {
                break;
            }
            taking.write(piece).await;
        }
        match link.hear::<Behind>().await?.ok_or_else(gone)? {
            Behind::Drop => {}
            Behind::Keep(kept) => {
                if let Err(why) = self.keep(taking, kept).await {
                    self.fail(&why);
                }
            }
        }
        Ok(())
    }

    async fn keep(&mut self, taking: Taking, kept: Kept) -> Result<(), Trouble> {
        let account = Arc::clone(&self.account);
        let folder = self.folder()?;
        let received = match taking.finish(kept.name).await {
            Ok(received) => received,
            Err(NotTaken::Message(why)) => {
                folder.outcomes.push(Some(Outcome::Refused(why)));
                return Ok(());
            }
            Err(NotTaken::Ours(why)) => return Err(why),
        };
        if let Some(uid) = folder.find(&account, received.name(), kept.uid()).await? {
            folder.other_uids += u64::from(folder.is_other(uid, kept.uid));
            folder.remember([(kept.key, uid, alike(kept.flags.iter().map(String::as_str)))])?;
            folder.outcomes.push(Some(Outcome::Found));
            return Ok(());
        }
        let waiting = Waiting { received, kept, place: folder.outcomes.len() };
        folder.outcomes.push(None);
        folder.wait(waiting);
        if folder.waiting_octets() > MAX_WAITING || folder.waits() >= AT_ONCE {
            folder.file(&account).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<Answer, Trouble> {
        let account = Arc::clone(&self.account);
        let folder = self.folder()?;
        folder.file(&account).await?;
        let lost = || Outcome::Refused("it is not known what became of it; run the import again".into());
        let outcomes = std::mem::take(&mut folder.outcomes);
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect();
        Ok(Answer::Flushed { outcomes, other_uids: std::mem::take(&mut folder.other_uids) })
    }

    async fn check(&mut self) -> Result<Answer, Trouble> {
        let account = Arc::clone(&self.account);
        let folder = self.folder()?;
        folder.skip_to_uid_next(&account).await?;
        let checked = folder.check(&account).await?;
        self.folder = None;
        Ok(Answer::Checked(checked))
    }
}

/// A message on its way in, or why it is not taken.
struct Taking {
    incoming: Result<Incoming, NotTaken>,
    most: u64,
    octets: u64,
}

/// Whose fault it is.
enum NotTaken {
    /// The message's: others are taken.
    Message(String),
    /// Our own: nothing can be stored now.
    Ours(Trouble),
}

impl From<Error> for NotTaken {
    fn from(why: Error) -> Self {
        if is_of_one(&why) { Self::Message(why.to_string()) } else { Self::Ours(ours(why)) }
    }
}

impl Taking {
    async fn begin(account: &Account, octets: u64, most: u64) -> Self {
        let incoming = account.incoming(octets).await.map_err(NotTaken::from);
        Self { incoming, most, octets: 0 }
    }

    const fn not(why: Trouble) -> Self {
        Self { incoming: Err(NotTaken::Ours(why)), most: 0, octets: 0 }
    }

    async fn write(&mut self, piece: Bytes) {
        self.octets = self.octets.saturating_add(piece.len() as u64);
        if let Err(why) = self.try_write(piece).await {
            self.incoming = Err(why);
        }
    }

    async fn try_write(&mut self, piece: Bytes) -> Result<(), NotTaken> {
        let Ok(incoming) = &mut self.incoming else { return Ok(()) };
        // docs/decisions/nul-and-bare-line-ends.md, as for APPEND.
        if piece.contains(&0) {
            let why = "it holds NUL octets, and could not be fetched as it is";
            return Err(NotTaken::Message(why.into()));
        }
        if self.octets > self.most {
            return Err(NotTaken::Message(too_large(self.most)));
        }
        Ok(incoming.write(piece).await?)
    }

    async fn finish(self, name: [u8; 32]) -> Result<mail::Received, NotTaken> {
        let incoming = self.incoming?;
        if self.octets == 0 {
            return Err(NotTaken::Message("it is empty".into()));
        }
        let received = incoming.finish().await?;
        let is_whole = received.name() == name;
        is_whole.then_some(received).ok_or(NotTaken::Message("it was not received as it was sent".into()))
    }
}

/// Whether a change was refused for what it is, and another one may do: the store is well.
const fn is_of_one(why: &Error) -> bool {
    matches!(why, Error::OverQuota(_) | Error::Limit(_) | Error::TooMuch | Error::Refused(_))
}

pub(crate) fn too_large(most: u64) -> String {
    format!("it has more than {most} octets, the largest message that is taken (append_limit_octets)")
}

fn gone() -> Trouble {
    Trouble::Ours("the import was cut off within a message".into())
}

pub(crate) fn ours(why: Error) -> Trouble {
    Trouble::Ours(why.to_string())
}

/// Special uses by their attributes; what is none of ours is left out.
pub(crate) fn special_uses(words: &[String]) -> mailbox::account::SpecialUses {
    words.iter().filter_map(|word| SpecialUse::from_attribute(word)).collect()
}

/// Flags as the mailbox takes them.
fn flags(words: &[String]) -> mailbox::Flags {
    letter::flags(words)
}
