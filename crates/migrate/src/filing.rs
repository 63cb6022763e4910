//! The filing half: messages into the mailboxes of one account.
//!
//! Messages wait until they are many and are then stored in one commit, so that they share a sync. Each is looked for
//! before it is stored: a run that was cut off may have left it in the mailbox and not in the memory.

mod folder;

use crate::letter::{self, alike};
use crate::link::{AT_ONCE, Answer, Ask, Behind, Compared, FlagsPolicy, Kept, Known, Link, Opening, Outcome};
use crate::trouble::Trouble;
use bytes::Bytes;
use folder::{Folder, Waiting};
use mail::{Account, Incoming, Origin};
use mailbox::account::SpecialUse;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

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

/// Files what the other half brings into `account`, whose name is `login`, until that half goes.
///
/// # Errors
/// The other half speaks otherwise. What cannot be stored is answered, not returned.
pub async fn serve(
    account: Arc<Account>,
    login: &str,
    ground: &Ground,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
) -> Result<(), Trouble> {
    let mut filing = Filing { account, login, ground, folder: None };
    let mut link = Link::new(stream);
    while let Some(ask) = link.hear::<Ask>().await? {
        let answer = match ask {
            Ask::Uses => filing.uses().await,
            Ask::Open(opening) => filing.open(opening).await,
            Ask::Compare { messages, flags } => filing.compare(&messages, flags).await,
            Ask::Put { octets } => {
                filing.put(&mut link, octets).await?;
                continue;
            }
            Ask::Flush => filing.flush().await,
            Ask::Check => filing.check().await,
        };
        link.say(&answer.unwrap_or_else(|why| Answer::Failed(why.to_string()))).await?;
    }
    Ok(())
}

struct Filing<'a> {
    account: Arc<Account>,
    login: &'a str,
    ground: &'a Ground,
    folder: Option<Folder>,
}

impl Filing<'_> {
    async fn uses(&self) -> Result<Answer, Trouble> {
        self.account.ensure_founded(&Origin::desk()).await.map_err(ours)?;
        let names = self.account.names().await.map_err(ours)?;
        let serving = |one: SpecialUse| Some((one.to_string(), names.serving(one)?.0.to_string()));
        Ok(Answer::Uses(SpecialUse::ALL.into_iter().filter_map(serving).collect()))
    }

    async fn open(&mut self, opening: Opening) -> Result<Answer, Trouble> {
        // The memory of the one before is closed first: it may be the same, begun again after a broken connection.
        let stored = self.folder.take().map(|before| before.stored_for(&opening)).unwrap_or_default();
        let opened = Folder::open(&self.account, self.login, &self.ground.folder, opening).await;
        let mut folder = match opened {
            Ok(folder) => folder,
            Err(Trouble::Source(why)) => return Ok(Answer::Refused(why)),
            Err(why) => return Err(why),
        };
        folder.stored = stored;
        self.folder = Some(folder);
        Ok(Answer::Opened { most_octets: self.ground.most_octets })
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
            compared.flags_updated += u64::from(here != now);
            changes.push(folder::FlagsChange { key: message.key, uid: row.uid, words: &message.flags, now });
        }
        folder.change_flags(&account, &changes).await?;
        Ok(Answer::Compared(compared))
    }

    /// Takes a message, whatever becomes of it: the other half hears that with the next FLUSH.
    async fn put<S: AsyncRead + AsyncWrite + Unpin + Send>(
        &mut self,
        link: &mut Link<S>,
        octets: u64,
    ) -> Result<(), Trouble> {
        let mut taking = Taking::begin(&self.account, octets, self.ground.most_octets).await;
        loop {
            let piece = link.hear_octets().await?.ok_or_else(gone)?;
            if piece.is_empty() {
                break;
            }
            taking.write(piece).await;
        }
        match link.hear::<Behind>().await?.ok_or_else(gone)? {
            Behind::Drop => {}
            Behind::Keep(kept) => self.keep(taking, kept).await?,
        }
        Ok(())
    }

    async fn keep(&mut self, taking: Taking, kept: Kept) -> Result<(), Trouble> {
        let account = Arc::clone(&self.account);
        let folder = self.folder()?;
        let received = match taking.finish(kept.name).await {
            Ok(received) => received,
            Err(why) => {
                folder.outcomes.push(Some(Outcome::Refused(why)));
                return Ok(());
            }
        };
        if let Some(uid) = folder.find(&account, received.name()).await? {
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
        Ok(Answer::Flushed(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect()))
    }

    async fn check(&mut self) -> Result<Answer, Trouble> {
        let account = Arc::clone(&self.account);
        let checked = self.folder()?.check(&account).await?;
        self.folder = None;
        Ok(Answer::Checked(checked))
    }
}

/// A message on its way in, or why it is not taken.
struct Taking {
    incoming: Result<Incoming, String>,
    most: u64,
    octets: u64,
}

impl Taking {
    async fn begin(account: &Account, octets: u64, most: u64) -> Self {
        let incoming = account.incoming(octets).await.map_err(|why| why.to_string());
        Self { incoming, most, octets: 0 }
    }

    async fn write(&mut self, piece: Bytes) {
        self.octets = self.octets.saturating_add(piece.len() as u64);
        if let Err(why) = self.try_write(piece).await {
            self.incoming = Err(why);
        }
    }

    async fn try_write(&mut self, piece: Bytes) -> Result<(), String> {
        let Ok(incoming) = &mut self.incoming else { return Ok(()) };
        // docs/decisions/nul-and-bare-line-ends.md, as for APPEND.
        if piece.contains(&0) {
            return Err("it holds NUL octets, and could not be fetched as it is".into());
        }
        if self.octets > self.most {
            return Err(too_large(self.most));
        }
        incoming.write(piece).await.map_err(|why| why.to_string())
    }

    async fn finish(self, name: [u8; 32]) -> Result<mail::Received, String> {
        let incoming = self.incoming?;
        if self.octets == 0 {
            return Err("it is empty".into());
        }
        let received = incoming.finish().await.map_err(|why| why.to_string())?;
        if received.name() == name { Ok(received) } else { Err("it was not received as it was sent".into()) }
    }
}

pub(crate) fn too_large(most: u64) -> String {
    format!("it has more than {most} octets, the largest message that is taken (append_limit_octets)")
}

fn gone() -> Trouble {
    Trouble::Ours("the import was cut off within a message".into())
}

pub(crate) fn ours(why: mail::Error) -> Trouble {
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
