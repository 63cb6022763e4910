//! A sweep of all accounts.

use super::clock::Time;
use super::{Cut, Pace, Reach, Swept, Thoroughness};
use crate::Error;
use crate::directory::{Accounts, RemovedAccount};
use mailbox::account::directory::Login;
use std::time::Duration;
use store::AccountId;

/// What a sweep of all accounts came to.
#[derive(Clone, Debug, Default)]
pub struct SweepReport {
    /// Accounts that were looked at.
    pub accounts: u64,
    /// What went.
    pub swept: Swept,
    /// Accounts of which nothing went, for something of them cannot be read.
    pub left: Vec<LeftAlone>,
    /// How far it was behind the machine's clock, in milliseconds: what was deleted is kept for so much longer. `None`
    /// where nothing was swept, for it was the first time, or the clock is wrong.
    pub behind_ms: Option<i64>,
}

impl SweepReport {
    fn take_in(&mut self, id: AccountId, login: Login, swept: Result<Swept, Error>) -> Result<(), Error> {
        match swept {
            Ok(swept) => self.swept += swept,
            // Removed meanwhile: its turn comes.
            Err(Error::AccountRemoved) => {}
            Err(Error::Damaged(why)) => self.left.push(LeftAlone { id, login, why }),
            Err(why) => return Err(why),
        }
        Ok(())
    }
}

/// An account of which nothing was swept.
#[derive(Clone, Debug)]
pub struct LeftAlone {
    /// Which.
    pub id: AccountId,
    /// Its name.
    pub login: Login,
    /// What cannot be read.
    pub why: String,
}

impl Accounts {
    /// Lets everything go that was expunged, deleted or removed longer ago than `retention`. One account at a time; nobody
    /// waits for it but whoever brings something back.
    ///
    /// # Errors
    /// The directory cannot be read, or the store cannot read or write now. What went by then is gone; the next sweep
    /// goes on.
    pub async fn sweep(&self, retention: Duration, pace: Pace) -> Result<SweepReport, Error> {
        let (time, next) = self.next_sweep(pace).await?;
        match time {
            Time::Is(now_ms) => {
                let report = self.sweep_at(now_ms, retention).await?;
                self.note_sweep(next).await?;
                Ok(report)
            }
            Time::Unknown => {
                self.note_sweep(next).await?;
                Ok(SweepReport::default())
            }
            Time::Wrong => {
                tracing::warn!("the clock shows a time before there was Gatepost: nothing is swept");
                Ok(SweepReport::default())
            }
        }
    }

    async fn sweep_at(&self, now_ms: i64, retention: Duration) -> Result<SweepReport, Error> {
        // Who was removed may have come back.
        self.check_whole()?;
        let behind_ms = Some(self.world().now_ms().saturating_sub(now_ms));
        let mut report = SweepReport { behind_ms, ..SweepReport::default() };
        let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let cut = Cut {
            before_ms: now_ms.saturating_sub(retention),
            plausible_ms: self.plausible_ms(),
            reach: Reach::Everywhere,
            thoroughness: Thoroughness::Careful,
        };
        for (login, id) in self.list() {
            report.accounts += 1;
            report.take_in(id, login, self.account(id).sweep(&cut).await)?;
        }
        for removed in self.ever_removed().await?.iter().filter(|removed| removed.since_ms <= cut.before_ms) {
            report.take_in(removed.id, removed.login.clone(), self.sweep_removed(removed).await)?;
        }
        Ok(report)
    }

    /// Lets everything go that a removed account has, unless it has come back.
    pub(super) async fn sweep_removed(&self, removed: &RemovedAccount) -> Result<Swept, Error> {
        let account = self.account(removed.id);
        let _turn = account.turn.lock().await;
        if self.standing(removed.id).is_some() {
            return Ok(Swept::default());
        }
        account.sweep_all().await
    }
}
