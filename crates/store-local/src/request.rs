//! What may be asked of the log, and whether it may be written as things stand.
//!
//! Judged on the commit thread, one after the other, against everything published and everything accepted into the
//! same group before: so a compare-and-set cannot be overtaken.

use crate::index::kv::{Key, Value};
use crate::index::tail::{Found, Generation};
use crate::index::value::BodyPlace;
use crate::index::{Index, key, value};
use crate::log::format::{Draft, LogPosition, Subject};
use crate::recent::RecentCommits;
use std::collections::HashSet;
use store::{AccountId, BodyId, CommitId, Seq, StoreError, StreamId};

/// What is to be written, apart from its octets.
#[derive(Debug)]
pub(crate) enum Request {
    /// If every stream stands where it is expected, what it builds on was written, and the bodies that it needs are there.
    Commit { streams: Vec<Expected>, after: Option<CommitId>, needs: Vec<BodyId> },
    /// The end of a stream.
    DropStream(StreamId),
    /// Events up to this one may go.
    Trim(StreamId, Seq),
    /// Some pieces of a snapshot.
    Pieces(StreamId, Seq),
    /// Some pieces of a snapshot from which a stream is to begin anew: it may be ahead of that.
    PiecesOfBeginning,
    /// A new beginning of a stream that stands at `expected`.
    Anew { stream: StreamId, expected: Seq, on: Ground },
    /// A snapshot whose pieces were all written.
    Snapshot { stream: StreamId, at: Seq, writing: u64, pieces: u32 },
    /// A body, here or in a file.
    Body(BodyId),
    /// The end of a body.
    DeleteBody(BodyId),
    /// The end of the segment: what was written before lies in segments that do not change any more.
    Seal,
}

/// What a commit expects of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) stream: StreamId,
    /// Where it stands.
    pub(crate) at: Seq,
    /// Whether it grows. One with a hole does not, but where it stands can be compared.
    pub(crate) grows: bool,
}

/// What a stream begins anew on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ground {
    /// A snapshot that is there, sealed.
    Sealed(Seq),
    /// One that is sealed together with the new beginning: its pieces were all written.
    Pieces { at: Seq, writing: u64, pieces: u32 },
    /// The events behind this place.
    Events(Seq),
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is durable.
    Written,
    /// It is durable, and a body's file is needed no more.
    Freed { file: u64 },
    /// There was nothing to do.
    Needless,
    /// The log leaves its segments here; what comes next lies in others.
    Sealed(LogPosition),
    /// The stream has grown since.
    Conflict { stream: StreamId, expected: Seq },
    /// The stream is not where the writer can have seen it.
    Diverged { stream: StreamId, at: Seq },
    /// A body that a record names is not there any more.
    BodyGone(BodyId),
}

/// Whether a request is written.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Yes; this is the answer once it is durable.
    Write(Outcome),
    /// No; this is the answer.
    Answer(Outcome),
}

/// How things stand when a request's turn comes.
pub(crate) struct Standing<'a> {
    pub(crate) index: &'a Index,
    /// What was accepted into the same group.
    pub(crate) group: &'a Generation,
    /// What was written before.
    pub(crate) recent: &'a RecentCommits,
    /// Which commits were accepted into the group.
    pub(crate) accepted: &'a HashSet<(AccountId, CommitId)>,
}

impl Request {
    /// Whether it may be written.
    pub(crate) fn judge(&self, account: AccountId, now: &Standing<'_>) -> Result<Verdict, StoreError> {
        match self {
            Self::Commit { after: Some(after), streams, .. } if !now.has((account, *after)) => {
                judge_unfounded(account, streams, now)
            }
            Self::Commit { streams, needs, .. } => judge_commit(account, streams, needs, now),
            Self::DropStream(stream) => now.if_there(*stream, |_| Ok(Verdict::Write(Outcome::Written))),
            Self::Trim(stream, through) => now.if_there(*stream, |_| judge_trim(*stream, *through, now)),
            Self::Pieces(stream, at) => now.if_there(*stream, |seq| judge_pieces(*at, seq)),
            Self::PiecesOfBeginning => Ok(Verdict::Write(Outcome::Written)),
            Self::Anew { stream, expected, on } => judge_anew(*stream, *expected, *on, now),
            Self::Snapshot { stream, at, writing, pieces } => {
                now.if_there(*stream, |_| judge_snapshot(*stream, *at, *writing, *pieces, now))
            }
            Self::Body(id) => Ok(match now.body(account, *id)? {
                Some(_) => Verdict::Answer(Outcome::Needless),
                None => Verdict::Write(Outcome::Written),
            }),
            Self::DeleteBody(id) => Ok(match now.body(account, *id)? {
                None => Verdict::Answer(Outcome::Needless),
                Some(BodyPlace::Log(..)) => Verdict::Write(Outcome::Written),
                Some(BodyPlace::File { file, .. }) => Verdict::Write(Outcome::Freed { file }),
            }),
            // The group that it waits with comes first.
            Self::Seal => Ok(Verdict::Answer(Outcome::Needless)),
        }
    }
}

fn judge_unfounded(
    account: AccountId,
    streams: &[Expected],
    now: &Standing<'_>,
) -> Result<Verdict, StoreError> {
    let stream = streams.first().map_or(StreamId { account, number: 0 }, |first| first.stream);
    let at = now.seq(stream)?.unwrap_or_default();
    Ok(Verdict::Answer(Outcome::Diverged { stream, at }))
}

fn judge_commit(
    account: AccountId,
    streams: &[Expected],
    needs: &[BodyId],
    now: &Standing<'_>,
) -> Result<Verdict, StoreError> {
    for &Expected { stream, at: expected, grows } in streams {
        if grows {
            now.refuse_quarantined(stream)?;
        }
        let at = now.seq(stream)?.unwrap_or_default();
        if expected == at {
            continue;
        }
        let unknowable = expected > at || expected < now.trimmed(stream)?;
        return Ok(Verdict::Answer(if unknowable {
            Outcome::Diverged { stream, at }
        } else {
            Outcome::Conflict { stream, expected }
        }));
    }
    for &body in needs {
        if now.body(account, body)?.is_none() {
            return Ok(Verdict::Answer(Outcome::BodyGone(body)));
        }
    }
    Ok(Verdict::Write(Outcome::Written))
}

fn judge_trim(stream: StreamId, through: Seq, now: &Standing<'_>) -> Result<Verdict, StoreError> {
    if !now.has_snapshot_from(stream, through)? {
        return Err(StoreError::Misused("a stream is trimmed without a snapshot behind the trim"));
    }
    let news = now.trimmed(stream)? < through;
    Ok(if news { Verdict::Write(Outcome::Written) } else { Verdict::Answer(Outcome::Needless) })
}

fn judge_pieces(at: Seq, seq: Seq) -> Result<Verdict, StoreError> {
    if at > seq {
        Err(StoreError::Misused("a snapshot is ahead of its stream"))
    } else {
        Ok(Verdict::Write(Outcome::Written))
    }
}

/// The pieces may be gone again: another snapshot at the same place was completed meanwhile, or the stream was
/// trimmed. Then that one counts.
fn judge_snapshot(
    stream: StreamId,
    at: Seq,
    writing: u64,
    pieces: u32,
    now: &Standing<'_>,
) -> Result<Verdict, StoreError> {
    let whole = now.has_pieces(stream, at, writing, pieces)?;
    Ok(if whole { Verdict::Write(Outcome::Written) } else { Verdict::Answer(Outcome::Needless) })
}

fn judge_anew(
    stream: StreamId,
    expected: Seq,
    on: Ground,
    now: &Standing<'_>,
) -> Result<Verdict, StoreError> {
    let at = now.seq(stream)?.unwrap_or_default();
    let diverged = Ok(Verdict::Answer(Outcome::Diverged { stream, at }));
    if at != expected {
        return diverged;
    }
    let fits = match on {
        Ground::Sealed(at) => at <= expected,
        Ground::Pieces { at, .. } | Ground::Events(at) => at >= expected,
    };
    if !fits {
        return Err(StoreError::Misused("a stream is to begin anew at a place that is not its to begin at"));
    }
    // It may be gone since it was seen, or put.
    let is_there = match on {
        Ground::Sealed(at) => {
            let hole = now.read(key::quarantine(stream), value::seq)?;
            now.has_snapshot_at(stream, at)? && hole.is_none_or(|last_good| last_good < at)
        }
        Ground::Pieces { at, writing, pieces } => now.has_pieces(stream, at, writing, pieces)?,
        Ground::Events(_) => true,
    };
    if is_there { Ok(Verdict::Write(Outcome::Written)) } else { diverged }
}

impl Standing<'_> {
    /// Whether a commit is durable, or will be together with the group.
    pub(crate) fn has(&self, commit: (AccountId, CommitId)) -> bool {
        self.recent.contains(commit) || self.accepted.contains(&commit)
    }

    /// Takes out of a commit what is there already: bodies.
    pub(crate) fn without_known_bodies(
        &self,
        account: AccountId,
        mut drafts: Vec<Draft>,
    ) -> Result<Vec<Draft>, StoreError> {
        let mut known = Vec::new();
        for draft in &drafts {
            if let Subject::Body(id) = draft.subject
                && self.body(account, id)?.is_some()
            {
                known.push(draft.subject);
            }
        }
        drafts.retain(|draft| !known.contains(&draft.subject));
        Ok(drafts)
    }

    fn if_there(
        &self,
        stream: StreamId,
        judge: impl FnOnce(Seq) -> Result<Verdict, StoreError>,
    ) -> Result<Verdict, StoreError> {
        self.seq(stream)?.map_or(Ok(Verdict::Answer(Outcome::Needless)), judge)
    }

    fn seq(&self, stream: StreamId) -> Result<Option<Seq>, StoreError> {
        let head = self.read(key::head(stream), value::head)?;
        Ok(head.map(|(seq, _)| seq))
    }

    fn trimmed(&self, stream: StreamId) -> Result<Seq, StoreError> {
        Ok(self.read(key::trim(stream), value::seq)?.unwrap_or_default())
    }

    fn body(&self, account: AccountId, id: BodyId) -> Result<Option<BodyPlace>, StoreError> {
        self.read(key::body(account, id), value::body)
    }

    fn refuse_quarantined(&self, stream: StreamId) -> Result<(), StoreError> {
        match self.read(key::quarantine(stream), value::seq)? {
            Some(last_good) => Err(quarantined(stream, last_good)),
            None => Ok(()),
        }
    }

    fn has_snapshot_from(&self, stream: StreamId, from: Seq) -> Result<bool, StoreError> {
        let range = key::snapshots(stream, from..=Seq(u64::MAX));
        if self.group.entries_in(&range).any(|(_, value)| value.is_some()) {
            return Ok(true);
        }
        let published = self.index.scan(&[range], 1).map_err(unavailable)?;
        Ok(published.iter().flatten().any(|(key, _)| self.group.get(key) != Found::Gone))
    }

    fn has_snapshot_at(&self, stream: StreamId, at: Seq) -> Result<bool, StoreError> {
        Ok(self.read(key::snapshot(stream, at), value::pieces)?.is_some())
    }

    fn has_pieces(&self, stream: StreamId, at: Seq, writing: u64, count: u32) -> Result<bool, StoreError> {
        let range = key::pieces(stream, at, writing);
        let there = self.index.scan(&[range], count as usize).map_err(unavailable)?;
        let kept = there.iter().flatten().filter(|(key, _)| self.group.get(key) != Found::Gone).count();
        Ok(kept == count as usize)
    }

    fn read<T>(&self, key: Key, decode: impl Fn(&[u8], &[u8]) -> Option<T>) -> Result<Option<T>, StoreError> {
        let value: Option<Value> = match self.group.get(&key) {
            Found::Value(value) => Some(value.clone()),
            Found::Gone => None,
            Found::Unknown => self.index.get(&key).map_err(unavailable)?,
        };
        value.map(|value| decode(&key, &value).ok_or_else(|| damaged_entry(&key))).transpose()
    }
}

/// The index could not answer.
pub(crate) fn unavailable(e: crate::index::kv::KvError) -> StoreError {
    StoreError::Unavailable { reason: e.to_string(), uncertain: false }
}

/// A value of the index that does not fit its checksum.
pub(crate) fn damaged_entry(key: &[u8]) -> StoreError {
    let name = key.iter().fold(String::new(), |name, octet| name + &format!("{octet:02x}"));
    StoreError::Damaged {
        what: "index".to_owned(),
        detail: format!("the entry {name} does not fit its checksum"),
    }
}

/// A stream with a hole.
pub(crate) fn quarantined(stream: StreamId, last_good: Seq) -> StoreError {
    StoreError::Damaged {
        what: format!("stream {} of account {}", stream.number, stream.account.0),
        detail: format!("what comes after event {} was lost; it is kept read-only up to there", last_good.0),
    }
}
