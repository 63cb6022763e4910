//! Writing beside the accounts that anybody is signed in to: what is restored.

use crate::world::World;
use crate::{Error, Origin};
use store::{AccountId, Append, Body, Commit, Committed, EmailId, Record, Store};

/// A store, and what a commit needs besides.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) world: &'a dyn World,
}

/// What one commit writes.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) appends: Vec<Append>,
    pub(crate) records: Vec<(EmailId, Option<Record>)>,
    pub(crate) bodies: Vec<Body>,
}

impl Raw<'_> {
    /// Writes it, where nobody else writes.
    pub(crate) async fn commit(self, account: AccountId, written: Written) -> Result<(), Error> {
        let Written { appends, records, bodies } = written;
        if appends.is_empty() && records.is_empty() && bodies.is_empty() {
            return Ok(());
        }
        let commit = Commit {
            account,
            id: self.world.commit_id(),
            after: None,
            needs_format: store::FIRST_FORMAT,
            time_ms: self.world.now_ms(),
            origin: Origin::desk().encode(),
            appends,
            records,
            bodies,
        };
        match self.store.commit(commit).await? {
            Committed::Done => Ok(()),
            Committed::BodyGone(_) => Err(Error::swept_away()),
            Committed::Conflict { .. } | Committed::Diverged { .. } => {
                Err(Error::Unavailable("somebody else writes to the store".to_owned()))
            }
        }
    }
}
