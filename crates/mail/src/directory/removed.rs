//! Accounts that were removed, and the way back.

use super::{Accounts, BATCH, DirectoryError, STREAM};
use crate::Error;
use crate::load::At;
use crate::roll::Roll;
use mailbox::account::directory::{DirectoryEvent, Entry, Login, Said};
use std::sync::Arc;
use store::{AccountId, Seq, StreamId};

/// An account that is in the directory no more.
#[derive(Clone, Debug)]
pub struct RemovedAccount {
    /// Its number.
    pub id: AccountId,
    /// The name that it had.
    pub login: Login,
    /// When it was removed: Unix time in milliseconds.
    pub time_ms: i64,
    /// The same, or later where what came before it was later: clocks are set back.
    pub(crate) since_ms: i64,
    /// What it was at the end.
    entry: Entry,
}

impl Accounts {
    /// The accounts that were removed and can be brought back, the last one first.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn removed(&self) -> Result<Vec<RemovedAccount>, Error> {
        self.still_kept(self.ever_removed().await?).await
    }

    /// The accounts that were removed and have not come back, the last one first, whatever is left of them.
    pub(crate) async fn ever_removed(&self) -> Result<Vec<RemovedAccount>, Error> {
        // One that was removed may have come back.
        self.check_whole()?;
        let mut at = At { seq: Seq::NONE, state: Arc::<Roll>::default() };
        let mut removed: Vec<RemovedAccount> = Vec::new();
        let (plausible_ms, mut youngest) = (self.plausible_ms(), i64::MIN);
        loop {
            let events = self.store.read(STREAM, at.seq, BATCH).await?;
            if events.is_empty() {
                removed.reverse();
                return Ok(removed);
            }
            for event in events {
                if event.time_ms <= plausible_ms {
                    youngest = youngest.max(event.time_ms);
                }
                match Said::decode(&event.payload).map_err(|why| Error::damaged(STREAM, why))?.into_news() {
                    Some(DirectoryEvent::AccountRemoved { id }) => {
                        let entry = at.state.directory().get(id);
                        removed.extend(entry.map(|entry| RemovedAccount {
                            id,
                            login: entry.login.clone(),
                            time_ms: event.time_ms,
                            since_ms: event.time_ms.max(youngest),
                            entry: entry.clone(),
                        }));
                    }
                    Some(DirectoryEvent::AccountRestored { id, .. }) => {
                        removed.retain(|other| other.id != id)
                    }
                    _ => {}
                }
                at.follow(STREAM, std::slice::from_ref(&event))?;
            }
        }
    }

    /// Of those that were swept away nothing comes back.
    async fn still_kept(&self, removed: Vec<RemovedAccount>) -> Result<Vec<RemovedAccount>, Error> {
        let mut kept = Vec::with_capacity(removed.len());
        for removed in removed {
            if self.is_kept(removed.id).await? {
                kept.push(removed);
            }
        }
        Ok(kept)
    }

    async fn is_kept(&self, id: AccountId) -> Result<bool, Error> {
        let own = StreamId { account: id, number: 0 };
        Ok(self.store.heads(&[own]).await?.into_iter().flatten().next().is_some())
    }

    /// Brings back a removed account under this name, with its mail and the password that it had, disabled if it was. Its app
    /// passwords and certificates do not come back: [`Directory::bring_back`](mailbox::account::directory::Directory::bring_back).
    ///
    /// # Errors
    /// The name is taken, the account is there, or the store cannot write now.
    pub async fn restore(&self, removed: &RemovedAccount, name: &str) -> Result<(), DirectoryError> {
        let login = Login::new(name)?;
        let account = self.account(removed.id);
        let _turn = account.turn.lock().await;
        if !self.is_kept(removed.id).await? {
            return Err(Error::NotKept(0).into());
        }
        self.change_all(|directory| directory.bring_back(removed.id, &login, &removed.entry)).await
    }
}
