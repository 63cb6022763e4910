//! A message that is too large to wait in memory, on its way into the store.

use super::Errand;
use super::whole::Staged;
use crate::Error;
use crate::account::Account;
use crate::incoming::Incoming;
use bytes::Bytes;
use mailbox::account::Usage;
use std::collections::VecDeque;
use std::sync::Arc;
use store::BodyId;

/// A message that is staged as it comes, for the account with the most room: where it has none any more nobody has.
pub(super) struct Coming {
    incoming: Box<Incoming>,
    account: Arc<Account>,
    heading: u64,
    /// Octets that have come, with the lines in front.
    octets: u64,
    /// Up to so many it need not be asked whether there is room.
    room: u64,
    /// What the body will be called.
    name: Box<blake3::Hasher>,
}

impl Coming {
    /// Begins with what has come. Nothing is staged where nobody has room even for that.
    pub(super) async fn begin(errands: &VecDeque<Errand>, few: Bytes) -> Result<Self, Error> {
        let (errand, room) = roomiest(errands).await?;
        let account = Arc::clone(&errand.account);
        let heading = errand.parcel.heading.clone();
        let octets = heading.len() as u64 + few.len() as u64;
        check_room(&account, octets, room).await?;
        let incoming = Box::new(account.incoming(u64::MAX).await?);
        let mut coming =
            Self { incoming, account, heading: heading.len() as u64, octets: 0, room, name: Box::default() };
        coming.write(heading).await?;
        coming.write(few).await?;
        Ok(coming)
    }

    pub(super) async fn write(&mut self, octets: Bytes) -> Result<(), Error> {
        self.octets = self.octets.saturating_add(octets.len() as u64);
        check_room(&self.account, self.octets, self.room).await?;
        self.name.update(&octets);
        self.incoming.write(octets).await
    }

    pub(super) async fn end(self) -> Result<Staged, Error> {
        let Self { incoming, account, heading, name, .. } = self;
        let body = BodyId(*name.finalize().as_bytes());
        // Whoever else has it from here on is seen by whoever clears it away.
        let hold = account.keeping.hold(body);
        let fresh = account.store.body_len(account.id, body).await?.is_none();
        let received = incoming.finish().await?;
        drop(hold);
        Ok(Staged::new(account, received, heading, fresh))
    }
}

/// The first of the accounts that have the most room, and how much that is.
async fn roomiest(errands: &VecDeque<Errand>) -> Result<(&Errand, u64), Error> {
    let mut best: Result<(&Errand, u64), Error> = Err(Error::Withdrawn);
    for errand in errands {
        best = match (best, errand.account.room().await) {
            (Ok(best), Ok(room)) if room <= best.1 => Ok(best),
            (_, Ok(room)) => Ok((errand, room)),
            (Ok(best), Err(_)) => Ok(best),
            (Err(_), Err(why)) => Err(why),
        };
    }
    best
}

async fn check_room(account: &Account, octets: u64, room: u64) -> Result<(), Error> {
    if octets <= room {
        return Ok(());
    }
    // Each account is told of its own room later. To one that has some by then this is no reason to send mail back.
    let asked = account.check_room(Usage { octets, messages: 1 }, Usage::default()).await;
    asked.map_err(|_| Error::Unavailable("nobody had room for the message while it came".into()))
}
