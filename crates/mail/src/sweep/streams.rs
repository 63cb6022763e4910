//! Events and snapshots that nobody needs any more.

use super::Swept;
use crate::Error;
use crate::account::Account;
use store::{Seq, StreamId};

impl Account {
    pub(super) async fn sweep_streams(
        &self,
        trims: &[(StreamId, Seq)],
        drops: &[StreamId],
    ) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        for stream in drops {
            self.store.drop_stream(*stream).await?;
            self.forget_recent(stream.number).await?;
            swept.mailboxes += 1;
        }
        for (stream, through) in trims {
            self.store.trim(*stream, *through).await?;
            swept.trimmed += 1;
        }
        Ok(swept)
    }
}
