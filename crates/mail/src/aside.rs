//! What is put away beside the streams: records and bodies that change nothing of what a mailbox is.

use crate::account::Account;
use crate::{Error, Origin};
use bytes::Bytes;
use store::{BodyId, Commit, Committed, EmailId};

/// Records and bodies for one commit, within its limits.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    pub(crate) records: Vec<(EmailId, Option<Bytes>)>,
    pub(crate) bodies: Vec<(BodyId, Bytes)>,
}

impl Account {
    /// Makes them durable. A commit that names no stream compares nothing, so nobody can have been first.
    pub(crate) async fn put_aside(&self, origin: &Origin, aside: Aside) -> Result<(), Error> {
        let commit = Commit {
            account: self.id,
            id: self.world.commit_id(),
            after: None,
            time_ms: self.world.now_ms(),
            origin: origin.encode(),
            appends: Vec::new(),
            records: aside.records,
            bodies: aside.bodies,
        };
        match self.store.commit(commit).await? {
            Committed::Done => Ok(()),
            Committed::Conflict { stream, .. } | Committed::Diverged { stream, .. } => {
                Err(Error::damaged(stream, "a commit that names no stream was compared with it"))
            }
        }
    }
}
