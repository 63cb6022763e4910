//! Writing: what the caller's own thread can do before the commit thread's turn comes. It checks the limits, hashes
//! and compresses the bodies, and makes the records.

use crate::body_file::FinishedBody;
use crate::directory_format::DIRECTORY_TWICE;
use crate::engine::Engine;
use crate::log::format::{Codec, Draft, LogPosition, RECORD_HEADER, Subject};
use crate::packing;
use crate::read::encode_event;
use crate::request::{Expected, Outcome, Request};
use bytes::Bytes;
use std::io;
use store::{
    AccountId, Append, Body, BodyId, Commit, CommitId, Committed, FIRST_FORMAT, MAX_NEWER, Seq, Snapshot,
    StoreError, StreamId,
};

/// Bodies shorter than this are not worth compressing.
const MIN_COMPRESSED: usize = 512;
/// Octets of a snapshot that are written together.
const PIECES_AT_ONCE: usize = 4 << 20;

impl From<&Append> for Expected {
    fn from(append: &Append) -> Self {
        Self { stream: append.stream, at: append.expected, grows: !append.events.is_empty() }
    }
}

impl Engine {
    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        commit.check()?;
        if commit.account == AccountId::DIRECTORY && !commit.appends.is_empty() {
            // What its events are is not ours to know, but whoever could not read them has to be kept out before one is written.
            self.raise_format(DIRECTORY_TWICE)?;
        }
        if commit.needs_format > FIRST_FORMAT {
            self.raise_format(commit.needs_format)?;
        }
        let drafts = drafts_of(&commit);
        let streams = commit.appends.iter().map(Expected::from).collect();
        let request = Request::Commit { streams, after: commit.after, needs: commit.needs().collect() };
        match self.submit(commit.account, request, Some(commit.id), drafts).await? {
            Outcome::Conflict { stream, expected } => {
                let newer = self.events(stream, expected, MAX_NEWER)?;
                Ok(Committed::Conflict { stream, newer })
            }
            Outcome::Diverged { stream, at } => Ok(Committed::Diverged { stream, at }),
            Outcome::BodyGone(body) => Ok(Committed::BodyGone(body)),
            Outcome::Written | Outcome::Freed { .. } | Outcome::Needless | Outcome::Sealed(_) => {
                Ok(Committed::Done)
            }
        }
    }

    pub(crate) async fn drop_stream(&self, stream: StreamId) -> Result<(), StoreError> {
        let subject = Subject::Dropped { stream: stream.number };
        self.mark(stream.account, Request::DropStream(stream), subject).await.map(|_| ())
    }

    pub(crate) async fn trim(&self, stream: StreamId, through: Seq) -> Result<(), StoreError> {
        let subject = Subject::Trimmed { stream: stream.number, through };
        self.mark(stream.account, Request::Trim(stream, through), subject).await.map(|_| ())
    }

    /// Its pieces first, the record that they are complete last.
    pub(crate) async fn put_snapshot(&self, stream: StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let at = snapshot.at;
        let (writing, pieces) = self.put_pieces(stream, snapshot, || Request::Pieces(stream, at)).await?;
        let subject = Subject::Snapshot { stream: stream.number, at, writing, pieces };
        self.mark(stream.account, Request::Snapshot { stream, at, writing, pieces }, subject)
            .await
            .map(|_| ())
    }

    /// Some at a time, so that others get their turn. Says which attempt it was, and how many they are.
    pub(crate) async fn put_pieces(
        &self,
        stream: StreamId,
        snapshot: Snapshot,
        request: impl Fn() -> Request,
    ) -> Result<(u64, u32), StoreError> {
        snapshot.check()?;
        let (at, writing) = (snapshot.at, self.bodies.fresh_number());
        let mut batch = Vec::new();
        let mut octets = 0;
        for (piece, n) in snapshot.pieces.iter().zip(0..) {
            octets += RECORD_HEADER + piece.len();
            let subject = Subject::Piece { stream: stream.number, at, writing, piece: n };
            batch.push(Draft::plain(subject, piece.clone()));
            if octets >= PIECES_AT_ONCE {
                octets = 0;
                let batch = std::mem::take(&mut batch);
                self.submit(stream.account, request(), None, batch).await?;
            }
        }
        self.submit(stream.account, request(), None, batch).await?;
        let pieces = u32::try_from(snapshot.pieces.len());
        Ok((writing, pieces.map_err(|_| StoreError::OverLimit("a snapshot has too many pieces"))?))
    }

    pub(crate) async fn delete_body(&self, account: AccountId, id: BodyId) -> Result<(), StoreError> {
        match self.mark(account, Request::DeleteBody(id), Subject::BodyGone(id)).await? {
            // The file goes only once the log says so. If that fails the body is gone and its file is left over.
            Outcome::Freed { file } => {
                self.remove_body(id, file).await?.map_err(|e| StoreError::Unavailable {
                    reason: format!("the file of a deleted body could not be removed ({e})"),
                    uncertain: true,
                })
            }
            _ => Ok(()),
        }
    }

    /// Ends the segment that is written. Says where the log leaves what was acknowledged before this was asked.
    pub(crate) async fn seal(&self) -> Result<LogPosition, StoreError> {
        match self.submit(AccountId::DIRECTORY, Request::Seal, None, Vec::new()).await? {
            Outcome::Sealed(end) => Ok(end),
            other => Err(StoreError::Unavailable {
                reason: format!("the log was not sealed ({other:?})"),
                uncertain: false,
            }),
        }
    }

    /// Puts a job into the queue, unless nothing can be written just now: then nobody is to wait to hear that.
    pub(crate) async fn submit(
        &self,
        account: AccountId,
        request: Request,
        commit: Option<CommitId>,
        drafts: Vec<Draft>,
    ) -> Result<Outcome, StoreError> {
        self.trouble.check()?;
        self.queue.submit(account, request, commit, drafts).await
    }

    async fn mark(
        &self,
        account: AccountId,
        request: Request,
        subject: Subject,
    ) -> Result<Outcome, StoreError> {
        let draft = Draft::plain(subject, Bytes::new());
        self.submit(account, request, None, vec![draft]).await
    }

    pub(crate) async fn keep_small_body(
        &self,
        account: AccountId,
        bytes: Bytes,
    ) -> Result<(BodyId, u64), StoreError> {
        let body = Body::new(bytes);
        let (id, length, draft) = (body.id(), body.octets().len() as u64, body_draft(&body));
        self.submit(account, Request::Body(id), None, vec![draft]).await?;
        Ok((id, length))
    }

    pub(crate) async fn keep_body_file(
        &self,
        account: AccountId,
        body: FinishedBody,
    ) -> Result<(BodyId, u64), StoreError> {
        let mut named = body.file.to_le_bytes().to_vec();
        named.extend_from_slice(&body.length.to_le_bytes());
        let draft = Draft::plain(Subject::BodyFile(body.id), named.into());
        let outcome = self.submit(account, Request::Body(body.id), None, vec![draft]).await?;
        if outcome == Outcome::Needless {
            // The account has it already. A failure leaves a file that nothing names.
            let _ = self.remove_body(body.id, body.file).await?;
        }
        Ok((body.id, body.length))
    }

    async fn remove_body(&self, id: BodyId, file: u64) -> Result<io::Result<()>, StoreError> {
        let bodies = self.bodies.clone();
        self.desk.ask(move || (bodies.remove(id, file), 0)).await
    }
}

/// The records of a commit: what happened first, then what it left.
fn drafts_of(commit: &Commit) -> Vec<Draft> {
    let mut drafts =
        Vec::with_capacity(commit.appends.len() * 2 + commit.records.len() + commit.bodies.len());
    drafts.extend(commit.bodies.iter().map(body_draft));
    drafts.extend(commit.records.iter().map(|(id, record)| match record {
        Some(record) => {
            let names = record.body.as_ref().map(BodyId::prefix);
            Draft::plain(Subject::Record(*id, names), record.octets.clone())
        }
        None => Draft::plain(Subject::RecordGone(*id), Bytes::new()),
    }));
    commit.appends.iter().for_each(|append| push_events(append, commit, &mut drafts));
    drafts
}

fn push_events(append: &Append, commit: &Commit, drafts: &mut Vec<Draft>) {
    let stream = append.stream.number;
    let mut seq = append.expected;
    for event in &append.events {
        seq = seq.plus(1);
        let payload = encode_event(commit.time_ms, &commit.origin, event);
        drafts.push(Draft::plain(Subject::Event { stream, seq }, payload));
    }
    if !append.events.is_empty() {
        drafts.push(Draft::plain(Subject::Head { stream, seq }, append.head.0.clone()));
    }
}

/// A body, compressed when that saves an eighth or more.
fn body_draft(body: &Body) -> Draft {
    let plain = Draft::plain(Subject::Body(body.id()), body.octets().clone());
    let body = body.octets();
    if body.len() < MIN_COMPRESSED {
        return plain;
    }
    match packing::pack(body) {
        Ok(packed) if packed.len() <= body.len() - body.len() / 8 => {
            Draft { codec: Codec::Zstd, payload: packed.into(), ..plain }
        }
        _ => plain,
    }
}
