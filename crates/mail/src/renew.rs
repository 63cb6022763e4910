//! Records of another version, made anew from the octets that they speak of.
//!
//! A release that changes what a record holds converts nothing at its start: each message is parsed again when it is
//! first asked for, and its new record takes the place of the old one.

use crate::account::Account;
use crate::aside::Aside;
use crate::{Error, Origin};
use bytes::Bytes;
use message::{RecordView, Scanner};
use store::{BodyId, EmailId, Record};

/// How much of a message is read at once, in octets.
const PIECE: usize = 64 << 10;
/// How much of new records is put back in one commit, in octets; the largest record is no larger.
const COMMIT: usize = store::MAX_RECORD;

impl Account {
    /// Makes those anew that are of another version. One whose message cannot be found stays as it was, which is to
    /// say that it is no record.
    pub(crate) async fn renew(&self, records: &mut [(EmailId, Bytes)]) -> Result<(), Error> {
        let (mut renewed, mut octets) = (Aside::default(), 0);
        for (email, record) in records.iter_mut().filter(|(_, record)| RecordView::new(record).is_none()) {
            let Some((anew, body)) = self.parse_again(record).await? else { continue };
            if octets + anew.len() > COMMIT {
                self.keep(std::mem::take(&mut renewed)).await;
                octets = 0;
            }
            octets += anew.len();
            renewed.records.push((*email, Some(Record { octets: anew.clone(), body: Some(body) })));
            *record = anew;
        }
        if !renewed.records.is_empty() {
            self.keep(renewed).await;
        }
        Ok(())
    }

    /// The new record, and the body that it speaks of.
    async fn parse_again(&self, record: &[u8]) -> Result<Option<(Bytes, BodyId)>, Error> {
        let Some(body) = message::body_of(record).map(BodyId) else { return Ok(None) };
        Ok(self.parse(body).await?.map(|record| (record, body)))
    }

    /// The record of these octets; `None` where they are not there.
    pub(crate) async fn parse(&self, body: BodyId) -> Result<Option<Bytes>, Error> {
        let (mut scanner, mut offset) = (Scanner::new(), 0);
        loop {
            match self.store.body(self.id, body, offset, PIECE).await? {
                None => return Ok(None),
                Some(piece) if piece.is_empty() => break,
                Some(piece) => {
                    scanner.push(&piece);
                    offset += piece.len() as u64;
                    // A store that reads at once never waits: others in the same process have their turn all the same.
                    tokio::task::yield_now().await;
                }
            }
        }
        Ok(Some(message::record(&scanner.finish(), body.0).into()))
    }

    /// A disk that takes nothing now is no reason not to read: they are made once more the next time.
    async fn keep(&self, renewed: Aside) {
        let records = renewed.records.len();
        if let Err(why) = self.put_aside(&Origin::desk(), renewed).await {
            tracing::debug!(account = self.id.0, records, %why, "renewed records could not be kept");
        }
    }
}
