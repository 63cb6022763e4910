//! The sweep: what nobody can bring back any more leaves the store.
//!
//! How long that is, is the *retention*. An account at a time, in turn with whoever brings something back: first records
//! of messages that were expunged before, then bodies that no record names, then events and snapshots, and the streams of
//! mailboxes that were deleted. What is swept is marked so in the store and nothing besides: a sweep that was cut off is
//! run again, and comes to the same.
//!
//! > **Promise.** What a mailbox holds, or held at any moment within the retention, stays, with its record and its octets;
//! > whoever changes the account meanwhile waits for nothing but a lock of a moment. Of an account in which anything cannot
//! > be read nothing goes.

mod bodies;
mod clock;
mod purge;
mod restorable;
mod run;
mod streams;
mod survey;

pub use clock::{LastSweep, Pace};
pub use purge::Purge;
pub use run::{LeftAlone, SweepReport};

use crate::account::Account;
use crate::aside::Aside;
use crate::{Error, Origin};
use restorable::Restorable;
use std::collections::BTreeSet;
use std::ops::AddAssign;
use store::{EmailId, EmailRange, StreamId};
use survey::Survey;

/// Records that are looked at, and let go of, together.
const RECORDS_AT_ONCE: usize = 4_096;

/// No message comes behind this one.
const LAST: EmailId = EmailId { mailbox: u32::MAX, uid: u32::MAX };

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Records of messages.
    pub records: u64,
    /// Bodies.
    pub bodies: u64,
    /// The octets of these bodies.
    pub octets: u64,
    /// Mailboxes whose older events and snapshots went, accounts' own lists of names among them.
    pub trimmed: u64,
    /// Mailboxes that had been deleted.
    pub mailboxes: u64,
    /// Accounts that had been removed.
    pub accounts: u64,
}

impl AddAssign for Swept {
    fn add_assign(&mut self, more: Self) {
        self.records += more.records;
        self.bodies += more.bodies;
        self.octets += more.octets;
        self.trimmed += more.trimmed;
        self.mailboxes += more.mailboxes;
        self.accounts += more.accounts;
    }
}

/// What of an account's past is let go.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// What happened at this moment or before: Unix time in milliseconds.
    pub(crate) before_ms: i64,
    /// What happened later than this did so by a clock that was wrong.
    pub(crate) plausible_ms: i64,
    pub(crate) reach: Reach,
    pub(crate) thoroughness: Thoroughness,
}

/// Where.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    Everywhere,
    /// In these mailboxes, by the numbers of their streams.
    Mailboxes(BTreeSet<u32>),
}

/// How much of a stream's events and snapshots goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thoroughness {
    /// What lies before the last snapshot but one: there are two ways to what was, should a piece rot.
    Careful,
    /// All that there is of the time before.
    Complete,
}

impl Cut {
    pub(crate) fn reaches(&self, stream: u32) -> bool {
        match &self.reach {
            Reach::Everywhere => true,
            Reach::Mailboxes(numbers) => numbers.contains(&stream),
        }
    }
}

/// What became of an account's records.
struct Records {
    swept: Swept,
    /// How many of those messages that are to stay have one.
    known: u64,
}

impl Account {
    /// Sweeps what lies before the cut.
    pub(crate) async fn sweep(&self, cut: &Cut) -> Result<Swept, Error> {
        let _turn = self.turn.lock().await;
        self.sweep_in_turn(cut).await
    }

    async fn sweep_in_turn(&self, cut: &Cut) -> Result<Swept, Error> {
        let Survey { restorable, trims, drops } = self.survey(cut).await?;
        let Records { mut swept, known } = self.sweep_records(&restorable).await?;
        let missing = restorable.known().saturating_sub(known);
        if missing > 0 {
            // What they name nobody knows: it must not be taken for something that nothing names.
            let own = StreamId { account: self.id(), number: 0 };
            return Err(Error::damaged(own, format!("{missing} messages have no record")));
        }
        swept += self.sweep_bodies().await?;
        swept += self.sweep_streams(&trims, &drops).await?;
        Ok(swept)
    }

    /// Sweeps everything that an account has which is in the directory no more. Whoever calls has its turn.
    async fn sweep_all(&self) -> Result<Swept, Error> {
        if !self.has_anything().await? {
            return Ok(Swept::default());
        }
        // From here on it cannot come back, not in part either.
        self.store.drop_stream(StreamId { account: self.id(), number: 0 }).await?;
        let Records { mut swept, .. } = self.sweep_records(&Restorable::nothing()).await?;
        swept += self.sweep_bodies().await?;
        let streams = self.store.list_streams(self.id()).await?;
        let streams: Vec<_> = streams.into_iter().map(|(stream, ..)| stream).collect();
        swept += self.sweep_streams(&[], &streams).await?;
        swept.accounts = 1;
        Ok(swept)
    }

    async fn has_anything(&self) -> Result<bool, Error> {
        let all = EmailRange { first: EmailId { mailbox: 0, uid: 0 }, last: LAST };
        Ok(!self.store.list_streams(self.id()).await?.is_empty()
            || !self.store.list_records(self.id(), all, 1).await?.is_empty()
            || !self.store.list_bodies(self.id(), None, 1).await?.is_empty())
    }

    async fn sweep_records(&self, restorable: &Restorable) -> Result<Records, Error> {
        let (mut swept, mut known) = (Swept::default(), 0);
        let mut next = Some(EmailId { mailbox: 0, uid: 0 });
        while let Some(first) = next {
            let range = EmailRange { first, last: LAST };
            let listed = self.store.list_records(self.id(), range, RECORDS_AT_ONCE).await?;
            next = listed.last().and_then(|(last, _)| behind(*last));
            known += listed.iter().filter(|(email, _)| restorable.knows(*email)).count() as u64;
            let emails = listed.into_iter().map(|(email, _)| email);
            let records: Vec<_> =
                emails.filter(|email| !restorable.holds(*email)).map(|email| (email, None)).collect();
            if !records.is_empty() {
                swept.records += records.len() as u64;
                self.put_aside(&Origin::desk(), Aside { records, ..Aside::default() }).await?;
            }
            // A store that reads at once never waits: others in the same process have their turn all the same.
            tokio::task::yield_now().await;
        }
        Ok(Records { swept, known })
    }
}

/// The message behind this one.
fn behind(email: EmailId) -> Option<EmailId> {
    let EmailId { mailbox, uid } = email;
    match uid.checked_add(1) {
        Some(uid) => Some(EmailId { mailbox, uid }),
        None => Some(EmailId { mailbox: mailbox.checked_add(1)?, uid: 0 }),
    }
}
