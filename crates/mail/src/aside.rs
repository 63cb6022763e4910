//! What is put away beside the streams: records and bodies that change nothing of what a mailbox is.

use crate::account::Account;
use crate::{Error, Origin};
use store::{Append, Body, Commit, Committed, EmailId, Record};

/// Records and bodies for one commit, within its limits.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    pub(crate) records: Vec<(EmailId, Option<Record>)>,
    pub(crate) bodies: Vec<Body>,
}

impl Account {
    /// Makes them durable. A commit that names no stream compares nothing, so nobody can have been first.
    pub(crate) async fn put_aside(&self, origin: &Origin, aside: Aside) -> Result<(), Error> {
        let commit = Commit { records: aside.records, bodies: aside.bodies, ..self.empty_commit(origin) };
        match self.keeping.hand_in(&*self.store, commit).await.outcome().await? {
            Committed::Done => Ok(()),
            Committed::BodyGone(_) => Err(Error::swept_away()),
            Committed::Conflict { stream, .. } | Committed::Diverged { stream, .. } => {
                Err(Error::damaged(stream, "a commit that names no stream was compared with it"))
            }
        }
    }

    /// Lets streams grow that nobody here knows of yet.
    pub(crate) async fn put_streams(&self, origin: &Origin, appends: Vec<Append>) -> Result<(), Error> {
        match self.store.commit(Commit { appends, ..self.empty_commit(origin) }).await? {
            Committed::Done => Ok(()),
            _ => Err(Error::Unavailable("somebody else was first; try again".to_owned())),
        }
    }

    fn empty_commit(&self, origin: &Origin) -> Commit {
        Commit {
            account: self.id,
            id: self.world.commit_id(),
            after: None,
            needs_format: store::FIRST_FORMAT,
            time_ms: self.world.now_ms(),
            origin: origin.encode(),
            appends: Vec::new(),
            records: Vec::new(),
            bodies: Vec::new(),
        }
    }
}
