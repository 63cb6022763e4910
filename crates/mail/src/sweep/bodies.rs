//! Bodies that no record names.

use super::{LAST, RECORDS_AT_ONCE, Swept, behind};
use crate::Error;
use crate::account::Account;
use crate::keeping::Watching;
use message::body_of;
use store::{BodyId, BodyPrefix, Commit, Committed, EmailId, EmailRange, StreamId};

/// Bodies that are looked for at a time among those that are named: a few MiB of memory.
const BODIES_AT_ONCE: usize = 1 << 16;
/// Bodies that go together, and share the store's syncs.
const GO_AT_ONCE: usize = 256;
/// Records that are read at a time where the store does not know what they name.
const READ_AT_ONCE: usize = 64;

impl Account {
    pub(super) async fn sweep_bodies(&self) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        let mut last = None;
        loop {
            let bodies = self.store.list_bodies(self.id(), last, BODIES_AT_ONCE).await?;
            last = bodies.last().copied();
            if last.is_none() {
                return Ok(swept);
            }
            let watching = self.keeping.watch(bodies);
            self.wait_for_commits().await?;
            self.find_named(&watching).await?;
            for some in watching.unnamed().chunks(GO_AT_ONCE) {
                swept += self.let_bodies_go(&watching, some).await?;
            }
        }
    }

    /// Waits for what was handed in before, which nobody has watched: an empty commit comes behind it.
    async fn wait_for_commits(&self) -> Result<(), Error> {
        let commit = Commit {
            account: self.id(),
            id: self.world.commit_id(),
            after: None,
            needs_format: store::FIRST_FORMAT,
            time_ms: self.world.now_ms(),
            origin: bytes::Bytes::new(),
            appends: Vec::new(),
            records: Vec::new(),
            bodies: Vec::new(),
        };
        match self.keeping.hand_in(&*self.store, commit).await.outcome().await? {
            Committed::Done => Ok(()),
            _ => Err(Error::Unavailable("the store refused a commit of nothing".to_owned())),
        }
    }

    async fn find_named(&self, watching: &Watching<'_>) -> Result<(), Error> {
        let mut next = Some(EmailId { mailbox: 0, uid: 0 });
        while let Some(first) = next {
            let range = EmailRange { first, last: LAST };
            let listed = self.store.list_records(self.id(), range, RECORDS_AT_ONCE).await?;
            next = listed.last().and_then(|(last, _)| behind(*last));
            let named: Vec<BodyPrefix> = listed.iter().filter_map(|(_, body)| *body).collect();
            watching.are_named(&named);
            let unknown: Vec<EmailId> =
                listed.into_iter().filter(|(_, body)| body.is_none()).map(|(email, _)| email).collect();
            for some in unknown.chunks(READ_AT_ONCE) {
                watching.are_named(&self.read_names(some).await?);
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// The bodies that these records name, by their octets: an earlier version has written them.
    async fn read_names(&self, emails: &[EmailId]) -> Result<Vec<BodyPrefix>, Error> {
        let ranges: Vec<_> = emails.iter().map(|&email| EmailRange { first: email, last: email }).collect();
        let records = self.store.records(self.id(), &ranges).await?;
        let stream = StreamId { account: self.id(), number: 0 };
        let name = |(email, record): &(EmailId, bytes::Bytes)| {
            let body = body_of(record).map(|body| BodyId(body).prefix());
            let EmailId { mailbox, uid } = email;
            body.ok_or_else(|| Error::damaged(stream, format!("record {mailbox}.{uid} names no body")))
        };
        records.iter().map(name).collect()
    }

    async fn let_bodies_go(&self, watching: &Watching<'_>, bodies: &[BodyId]) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        let mut octets = Vec::with_capacity(bodies.len());
        for &body in bodies {
            octets.push((body, self.store.body_len(self.id(), body).await?.unwrap_or(0)));
        }
        let gone = watching.let_go(&*self.store, self.id(), bodies).await?;
        swept.bodies = gone.len() as u64;
        let went = octets.iter().filter(|(body, _)| gone.binary_search(body).is_ok());
        swept.octets = went.map(|(_, octets)| octets).sum();
        Ok(swept)
    }
}
