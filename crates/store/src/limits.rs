//! The limits of this crate, checked in one place for every backend.

use crate::{
    Body, BodyId, Commit, FIRST_FORMAT, MAX_COMMIT, MAX_ENTRIES, MAX_EVENT, MAX_HEAD, MAX_INLINE_BODY,
    MAX_ORIGIN, MAX_RECORD, MAX_SNAPSHOT_PIECE, MAX_SOFT, NEWEST_FORMAT, Snapshot, StoreError,
};
use bytes::Bytes;
use std::collections::HashSet;

impl Commit {
    /// Checks what can be said of a commit without a store: its limits, that there is such a format, that it stays within
    /// its account, and that it names no stream twice.
    ///
    /// # Errors
    /// [`StoreError::OverLimit`] or [`StoreError::Misused`].
    pub fn check(&self) -> Result<(), StoreError> {
        within(self.origin.len(), MAX_ORIGIN, "an origin is too long")?;
        within(self.entries(), MAX_ENTRIES, "a commit has too many entries")?;
        within(longest(self.appends.iter().map(|append| &append.head.0)), MAX_HEAD, "a head is too long")?;
        within(longest(self.events()), MAX_EVENT, "an event is too long")?;
        within(longest(self.put_records()), MAX_RECORD, "a record is too long")?;
        within(longest(self.inline_bodies()), MAX_INLINE_BODY, "a body is too long to travel in a commit")?;
        within(self.octets(), MAX_COMMIT, "a commit is too large")?;
        if !(FIRST_FORMAT..=NEWEST_FORMAT).contains(&self.needs_format) {
            return Err(StoreError::Misused("a commit needs a format that there is not"));
        }
        self.stays_within_its_account()?;
        self.names_each_stream_once()
    }

    /// The octets of events, records and bodies together: what [`MAX_COMMIT`] bounds.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.events().chain(self.put_records()).chain(self.inline_bodies()).map(Bytes::len).sum()
    }

    /// Streams, events, records and bodies together: what [`MAX_ENTRIES`] bounds.
    fn entries(&self) -> usize {
        self.appends.len() + self.events().count() + self.records.len() + self.bodies.len()
    }

    fn events(&self) -> impl Iterator<Item = &Bytes> {
        self.appends.iter().flat_map(|append| &append.events)
    }

    /// The bodies that must be there already for the commit to be written: those that its records name and that do not
    /// travel in it.
    pub fn needs(&self) -> impl Iterator<Item = BodyId> {
        let brought: HashSet<BodyId> = self.bodies.iter().map(Body::id).collect();
        let named = self.records.iter().filter_map(|(_, record)| record.as_ref()?.body);
        named.filter(move |body| !brought.contains(body))
    }

    fn put_records(&self) -> impl Iterator<Item = &Bytes> {
        self.records.iter().filter_map(|(_, record)| Some(&record.as_ref()?.octets))
    }

    fn inline_bodies(&self) -> impl Iterator<Item = &Bytes> {
        self.bodies.iter().map(Body::octets)
    }

    fn stays_within_its_account(&self) -> Result<(), StoreError> {
        if self.appends.iter().any(|append| append.stream.account != self.account) {
            return Err(StoreError::Misused("a commit names a stream of another account"));
        }
        Ok(())
    }

    fn names_each_stream_once(&self) -> Result<(), StoreError> {
        let mut seen = HashSet::with_capacity(self.appends.len());
        if !self.appends.iter().all(|append| seen.insert(append.stream)) {
            return Err(StoreError::Misused("a commit names a stream twice"));
        }
        Ok(())
    }
}

impl Snapshot {
    /// Checks the limits of a snapshot.
    ///
    /// # Errors
    /// [`StoreError::OverLimit`].
    pub fn check(&self) -> Result<(), StoreError> {
        within(longest(&self.pieces), MAX_SNAPSHOT_PIECE, "a piece of a snapshot is too long")
    }
}

/// Checks the limits of a soft key and its value.
///
/// # Errors
/// [`StoreError::OverLimit`].
pub fn check_soft(key: &[u8], value: Option<&Bytes>) -> Result<(), StoreError> {
    within(key.len(), MAX_SOFT, "a soft key is too long")?;
    within(longest(value), MAX_SOFT, "a soft value is too long")
}

fn longest<'a>(items: impl IntoIterator<Item = &'a Bytes>) -> usize {
    items.into_iter().map(Bytes::len).max().unwrap_or(0)
}

fn within(size: usize, limit: usize, complaint: &'static str) -> Result<(), StoreError> {
    if size <= limit { Ok(()) } else { Err(StoreError::OverLimit(complaint)) }
}
