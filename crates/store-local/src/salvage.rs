//! What a repair asks: what is left of a stream that has rotted, and a new beginning for it.
//!
//! The new beginning is one frame. It says that what is missing before is missed no more, and what the stream goes on
//! from; so the index that is made again from the log, holes and all, comes to the same.

use crate::directory_format::NEW_BEGINNINGS;
use crate::engine::Engine;
use crate::index::kv::{Key, Value};
use crate::index::{key, value};
use crate::log::format::{Draft, Subject};
use crate::read::encode_event;
use crate::request::{Ground, Outcome, Request, damaged_entry};
use crate::{LocalStore, at_once};
use bytes::Bytes;
use store::{
    AccountId, Answer, Beginning, Committed, EmailId, EmailRange, Event, Head, MAX_COMMIT, MAX_ENTRIES,
    Salvage, Seq, StoreError, StreamId,
};

impl Salvage for LocalStore {
    fn remains(&self, stream: StreamId, after: Seq, limit: usize) -> Answer<'_, Vec<(Seq, Option<Event>)>> {
        at_once(self.engine.remains(stream, after, limit))
    }

    fn snapshot_places(&self, stream: StreamId) -> Answer<'_, Vec<Seq>> {
        at_once(self.engine.snapshot_places(stream))
    }

    fn trimmed(&self, stream: StreamId) -> Answer<'_, Seq> {
        at_once(self.engine.entry(key::trim(stream), value::seq).map(Option::unwrap_or_default))
    }

    fn recorded(&self, account: AccountId, range: EmailRange, limit: usize) -> Answer<'_, Vec<EmailId>> {
        let entries = self.engine.scan_one(key::records(account, &range), limit);
        at_once(entries.map(|entries| entries.iter().filter_map(|(key, _)| key::email_of(key)).collect()))
    }

    fn untested_record(&self, account: AccountId, email: EmailId) -> Answer<'_, Option<Bytes>> {
        at_once(self.engine.untested_record(account, email))
    }

    fn begin_anew(&self, stream: StreamId, expected: Seq, beginning: Beginning) -> Answer<'_, Committed> {
        Box::pin(self.engine.begin_anew(stream, expected, beginning))
    }
}

impl Engine {
    fn snapshot_places(&self, stream: StreamId) -> Result<Vec<Seq>, StoreError> {
        let seals = self.scan_one(key::snapshots(stream, Seq::NONE..=Seq(u64::MAX)), usize::MAX)?;
        let place =
            |(key, value): &(Key, Value)| key::seq_of(key).filter(|_| value::pieces(key, value).is_some());
        seals.iter().map(|seal| place(seal).ok_or_else(|| damaged_entry(&seal.0))).collect()
    }

    fn untested_record(&self, account: AccountId, email: EmailId) -> Result<Option<Bytes>, StoreError> {
        let place = self.entry(key::record(account, email), value::place)?;
        Ok(place.and_then(|place| self.segments.untested(place).ok()))
    }

    async fn begin_anew(
        &self,
        stream: StreamId,
        expected: Seq,
        beginning: Beginning,
    ) -> Result<Committed, StoreError> {
        self.raise_format(NEW_BEGINNINGS)?;
        let (on, drafts) = match beginning {
            Beginning::Snapshot(at) => (Ground::Sealed(at), anew(stream, at)),
            Beginning::State(snapshot, head) => {
                let at = snapshot.at;
                let (writing, pieces) =
                    self.put_pieces(stream, snapshot, || Request::PiecesOfBeginning).await?;
                let sealed = Subject::Snapshot { stream: stream.number, at, writing, pieces };
                let mut drafts = anew(stream, at);
                drafts.extend([head_at(stream, at, head), Draft::plain(sealed, Bytes::new())]);
                (Ground::Pieces { at, writing, pieces }, drafts)
            }
            Beginning::Events { behind, time_ms, origin, events, head } => {
                check(&events)?;
                let mut drafts = anew(stream, behind);
                let mut seq = behind;
                for event in &events {
                    seq = seq.plus(1);
                    let subject = Subject::Event { stream: stream.number, seq };
                    drafts.push(Draft::plain(subject, encode_event(time_ms, &origin, event)));
                }
                drafts.push(head_at(stream, seq, head));
                (Ground::Events(behind), drafts)
            }
        };
        let request = Request::Anew { stream, expected, on };
        match self.submit(stream.account, request, None, drafts).await? {
            Outcome::Diverged { stream, at } => Ok(Committed::Diverged { stream, at }),
            _ => Ok(Committed::Done),
        }
    }
}

/// That a stream goes on behind `from`, in the order in which a replay needs to hear it: no hole, nothing before.
fn anew(stream: StreamId, from: Seq) -> Vec<Draft> {
    let stream = stream.number;
    let said = [Subject::Anew { stream, from }, Subject::Trimmed { stream, through: from }];
    said.into_iter().map(|subject| Draft::plain(subject, Bytes::new())).collect()
}

fn head_at(stream: StreamId, seq: Seq, head: Head) -> Draft {
    Draft::plain(Subject::Head { stream: stream.number, seq }, head.0)
}

fn check(events: &[Bytes]) -> Result<(), StoreError> {
    if events.len() > MAX_ENTRIES || events.iter().map(Bytes::len).sum::<usize>() > MAX_COMMIT {
        return Err(StoreError::OverLimit("a stream begins anew with too many events"));
    }
    Ok(())
}
