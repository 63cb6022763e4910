//! One stream: its events behind the trim, its head, its snapshots.

use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use store::{Committed, Event, Head, MAX_NEWER, MAX_READ, Seq, Snapshot, StoreError, StreamId};

/// A stream; one without an event is no stream yet.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// The last event that was trimmed away.
    trimmed: Seq,
    events: VecDeque<Event>,
    head: Head,
    snapshots: BTreeMap<Seq, Vec<Bytes>>,
}

impl Stream {
    /// The last event.
    pub(crate) fn at(&self) -> Seq {
        self.trimmed.plus(self.events.len() as u64)
    }

    pub(crate) fn standing(&self) -> (Seq, Head) {
        (self.at(), self.head.clone())
    }

    /// Why a writer that has seen `expected` may not write here, if so.
    pub(crate) fn objection(&self, stream: StreamId, expected: Seq) -> Option<Committed> {
        let at = self.at();
        if expected == at {
            return None;
        }
        if expected > at || expected < self.trimmed {
            return Some(Committed::Diverged { stream, at });
        }
        Some(Committed::Conflict { stream, newer: self.read(expected, MAX_NEWER) })
    }

    pub(crate) fn append(&mut self, time_ms: i64, origin: &Bytes, payloads: Vec<Bytes>, head: Head) -> Seq {
        for payload in payloads {
            let seq = self.at().plus(1);
            self.events.push_back(Event { seq, time_ms, origin: origin.clone(), payload });
        }
        self.head = head;
        self.at()
    }

    pub(crate) fn read(&self, after: Seq, limit: usize) -> Vec<Event> {
        let seen = after.0.saturating_sub(self.trimmed.0);
        let seen = usize::try_from(seen).unwrap_or(usize::MAX);
        let in_bounds = |room: &mut usize, event: &Event| {
            *room = room.checked_sub(event.payload.len() + event.origin.len())?;
            Some(event.clone())
        };
        self.events.iter().skip(seen).take(limit).scan(MAX_READ, in_bounds).collect()
    }

    pub(crate) fn trim(&mut self, through: Seq) -> Result<(), StoreError> {
        if self.snapshots.range(through..).next().is_none() {
            return Err(StoreError::Misused("a stream is trimmed without a snapshot behind the trim"));
        }
        self.snapshots.retain(|&at, _| at >= through);
        self.events.retain(|event| event.seq > through);
        self.trimmed = self.trimmed.max(through);
        Ok(())
    }

    pub(crate) fn snapshot_at(&self, at: Seq) -> Option<Snapshot> {
        let (&at, pieces) = self.snapshots.range(..=at).next_back()?;
        Some(Snapshot { at, pieces: pieces.clone() })
    }

    pub(crate) fn put_snapshot(&mut self, snapshot: Snapshot) -> Result<(), StoreError> {
        if snapshot.at > self.at() {
            return Err(StoreError::Misused("a snapshot is ahead of its stream"));
        }
        self.snapshots.insert(snapshot.at, snapshot.pieces);
        Ok(())
    }
}
