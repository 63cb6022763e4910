//! The record of a message, made again from its octets.

use super::{BATCH, Repair};
use crate::aside::Aside;
use crate::{Error, Origin};
use store::{BodyId, EmailId, Record, StreamId};
use terms::Uid;

/// Octets of a name that must be right for it to be the name of a body that is there: so many are not alike by chance.
const ENOUGH: usize = 16;

impl Repair<'_> {
    /// Which octets a record speaks of is told by nothing but itself. What is left of it is believed when a body of the
    /// account has that name, or all but that name: BLAKE3 has made it.
    pub(super) async fn record(&mut self, email: EmailId) -> Result<(), Error> {
        let (stream, uid) =
            (StreamId { account: self.account.id(), number: email.mailbox }, Uid::new(email.uid));
        let left = self.store.untested_record(stream.account, email).await?;
        let named = match left.as_deref().and_then(message::body_of) {
            Some(name) => self.body_named(name).await?,
            None => None,
        };
        let Some(body) = named else {
            return self.leave(stream, uid, "its record does not say any more which octets are its").await;
        };
        let record = match self.account.parse(body).await {
            Err(Error::Damaged(_)) => None,
            parsed => parsed?,
        };
        let Some(record) = record else {
            return self.leave(stream, uid, "its record is damaged, and so are its octets").await;
        };
        let records = vec![(email, Some(Record { octets: record, body: Some(body) }))];
        self.account.put_aside(&Origin::desk(), Aside { records, ..Aside::default() }).await?;
        self.mended(stream, uid, "its record was made again from its octets").await
    }

    async fn body_named(&self, name: [u8; 32]) -> Result<Option<BodyId>, Error> {
        let account = self.account.id();
        if self.store.body_len(account, BodyId(name)).await?.is_some() {
            return Ok(Some(BodyId(name)));
        }
        let alike = |body: &BodyId| body.0.iter().zip(&name).filter(|(a, b)| a == b).count() >= ENOUGH;
        let mut after = None;
        loop {
            let some = self.store.list_bodies(account, after, BATCH).await?;
            let found = some.iter().find(|body| alike(body)).copied();
            after = some.last().copied();
            if found.is_some() || after.is_none() {
                return Ok(found);
            }
        }
    }
}
