//! What can be mended of a mailbox so that nobody notices: what is lost follows from what is left, or is known to the
//! server that runs.

use super::left::{Kept, Left, readable};
use super::{Repair, is_kept_read_only, stands};
use crate::Error;
use crate::load::At;
use mailbox::MailboxState;
use store::{Beginning, Seq, Snapshot, StreamId};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There was nothing to be mended.
    Sound,
    /// It is right again, and no client notices.
    Mended,
    /// What is lost follows from nothing that is left.
    Lost,
}

impl Repair<'_> {
    /// Mends a mailbox that cannot be opened or written, unless something would be lost by it. One that can be is left
    /// as it is, whatever is missing of its past: what its admin could still bring back of that is not ours to let go.
    pub(crate) async fn by_itself(&mut self, stream: StreamId) -> Result<Outcome, Error> {
        let Some(standing) = stands(self.store, stream).await? else { return Ok(Outcome::Sound) };
        if !self.is_hurt(stream, standing.0).await? {
            return Ok(Outcome::Sound);
        }
        let last = standing.0;
        let mut left = Left::look(self.store, stream, standing).await?;
        match self.without_loss(stream, &mut left).await? {
            // Something is wrong with it that is no loss of an event or a snapshot.
            Outcome::Sound if self.is_hurt(stream, last).await? => Ok(Outcome::Lost),
            outcome => Ok(outcome),
        }
    }

    pub(super) async fn without_loss(&mut self, stream: StreamId, left: &mut Left) -> Result<Outcome, Error> {
        let was_mended = self.mend_snapshots(stream, left).await?;
        if left.end > left.last
            && let Some(state) = left.exact(self.store, stream, left.end).await?
        {
            let what = "its summary was lost, and was counted anew";
            return self.go_on_as(stream, left.last, At { seq: left.end, state }, what).await;
        }
        let is_read_only = is_kept_read_only(self.store, stream, left.last).await?;
        let loss = left.last_loss();
        if loss.is_none() && !is_read_only {
            return Ok(was_mended);
        }
        if let Some(at) = self.snapshot_behind(stream, left, loss).await? {
            self.begin(stream, left.last, Beginning::Snapshot(at)).await?;
            self.account.see_again(stream, left.end).await?;
            let what =
                "events of its past are lost; it goes on from a snapshot behind them, and holds what it held";
            self.mended(stream, None, what).await?;
            return Ok(Outcome::Mended);
        }
        if let Some(at) = self.known(stream, left.end).await? {
            let what = "events of its past are lost; the server knew what they had come to, and it holds what it held";
            return self.go_on_as(stream, left.last, at, what).await;
        }
        Ok(Outcome::Lost)
    }

    /// The first whole snapshot behind what is lost. What is kept read-only although nothing is missing has forgotten what
    /// was: behind the place where it is kept so.
    async fn snapshot_behind(
        &self,
        stream: StreamId,
        left: &Left,
        loss: Option<Seq>,
    ) -> Result<Option<Seq>, Error> {
        let whole = left.snapshots.range(loss.unwrap_or(left.trimmed)..);
        for (at, _) in whole.filter(|(_, kept)| **kept == Kept::Whole) {
            let before = Seq(at.0.saturating_sub(1));
            if loss.is_some() || is_kept_read_only(self.store, stream, before).await? {
                return Ok(Some(*at));
            }
        }
        Ok(None)
    }

    /// Puts a snapshot of what it is where its last event is.
    async fn go_on_as(
        &mut self,
        stream: StreamId,
        last: Seq,
        now: At<MailboxState>,
        what: &str,
    ) -> Result<Outcome, Error> {
        let head = store::Head(now.state.head().encode());
        let snapshot = Snapshot { at: now.seq, pieces: now.state.snapshot() };
        self.begin(stream, last, Beginning::State(snapshot, head)).await?;
        self.account.see_again(stream, now.seq).await?;
        self.mended(stream, None, what).await?;
        Ok(Outcome::Mended)
    }

    /// Makes those again that follow from what is before them.
    async fn mend_snapshots(&mut self, stream: StreamId, left: &mut Left) -> Result<Outcome, Error> {
        let mut outcome = Outcome::Sound;
        let rotten = left.snapshots.iter().filter(|(_, kept)| **kept == Kept::Rotten).map(|(at, _)| *at);
        for at in rotten.collect::<Vec<_>>() {
            let before = left.newest_whole(at);
            if before.is_none() && left.trimmed > Seq::NONE {
                continue;
            }
            let Some(state) = left.exact(self.store, stream, at).await? else { continue };
            self.store.put_snapshot(stream, Snapshot { at, pieces: state.snapshot() }).await?;
            left.snapshots.insert(at, Kept::Whole);
            self.mended(stream, None, format!("its snapshot at event {} was made again", at.0)).await?;
            outcome = Outcome::Mended;
        }
        Ok(outcome)
    }

    /// What the running server knows of a mailbox that is open, and what can be read behind that up to its `end`: whoever
    /// wrote the last events may not have shown them yet. Should it know more than the store has kept, that was told to
    /// clients. What it shows of a mailbox as a part of it is nothing that it knows.
    async fn known(&self, stream: StreamId, end: Seq) -> Result<Option<At<MailboxState>>, Error> {
        let open = self.account.known(stream.number).filter(|open| !open.is_in_part());
        let Some(known) = open.map(|open| open.newest_at()) else { return Ok(None) };
        if known.seq >= end {
            return Ok(Some(known));
        }
        let at = readable(self.store, stream, Some(known), end).await?;
        Ok(at.filter(|at| at.seq == end))
    }
}
