//! A store in memory: the honest reference for the others.
//!
//! It keeps every promise of [`Store`] but one: there is no stable storage here, so what it holds ends with it.
//! The tests of the layers above run on it, and it reads as the plain meaning of the trait. It never waits, and
//! needs no runtime.

mod account;
mod stream;

use account::Account;
use bytes::{Bytes, BytesMut};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{
    AccountId, Answer, BodyId, BodyWriter, Commit, Committed, EmailId, EmailRange, Event, Head, Hints,
    Listed, Seq, Snapshot, Store, StoreError, StreamId, Watch, check_soft,
};

/// A store that lives as long as this value.
#[derive(Debug, Default)]
pub struct Memory {
    shelves: Arc<Shelves>,
    hints: Hints,
}

/// What lies in the store. One lock makes one call one moment.
#[derive(Debug, Default)]
struct Shelves(Mutex<HashMap<AccountId, Account>>);

type Accounts = HashMap<AccountId, Account>;

impl Shelves {
    /// Every change checks first and then cannot fail, so a panic elsewhere leaves the shelves whole.
    fn lock(&self) -> MutexGuard<'_, Accounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers with what `ask` finds in an account, or with nothing where nothing was ever kept.
    fn look<'a, T, F>(&'a self, account: AccountId, ask: F) -> Answer<'a, T>
    where
        T: Default + Send + 'a,
        F: FnOnce(&Account) -> T + Send + 'a,
    {
        Box::pin(async move { Ok(self.shelves.lock().get(&account).map(ask).unwrap_or_default()) })
    }

    /// Answers with the outcome of a change to an account.
    fn change<'a, T, F>(&'a self, account: AccountId, change: F) -> Answer<'a, T>
    where
        T: Send + 'a,
        F: FnOnce(&mut Account) -> Result<T, StoreError> + Send + 'a,
    {
        Box::pin(async move { change(self.shelves.lock().entry(account).or_default()) })
    }
}

impl Store for Memory {
    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        Box::pin(async move {
            commit.check()?;
            let mut grown = Vec::new();
            let committed =
                self.shelves.lock().entry(commit.account).or_default().commit(commit, &mut grown)?;
            self.hints.tell(&grown);
            Ok(committed)
        })
    }

    fn read(&self, stream: StreamId, after: Seq, limit: usize) -> Answer<'_, Vec<Event>> {
        self.look(stream.account, move |account| {
            account.stream(stream).map(|found| found.read(after, limit)).unwrap_or_default()
        })
    }

    fn heads(&self, streams: &[StreamId]) -> Answer<'_, Vec<Option<(Seq, Head)>>> {
        let streams = streams.to_vec();
        Box::pin(async move {
            let accounts = self.shelves.lock();
            let head = |stream: &StreamId| accounts.get(&stream.account)?.stream(*stream)?.standing().into();
            Ok(streams.iter().map(head).collect())
        })
    }

    fn list_streams(&self, account: AccountId) -> Answer<'_, Vec<(StreamId, Seq, Head)>> {
        self.look(account, move |found| found.list_streams(account))
    }

    fn drop_stream(&self, stream: StreamId) -> Answer<'_, ()> {
        self.change(stream.account, move |account| {
            account.drop_stream(stream);
            Ok(())
        })
    }

    fn trim(&self, stream: StreamId, through: Seq) -> Answer<'_, ()> {
        self.change(stream.account, move |account| {
            account.stream_mut(stream).map_or(Ok(()), |s| s.trim(through))
        })
    }

    fn snapshot_at(&self, stream: StreamId, at: Seq) -> Answer<'_, Option<Snapshot>> {
        self.look(stream.account, move |account| account.stream(stream)?.snapshot_at(at))
    }

    fn put_snapshot(&self, stream: StreamId, snapshot: Snapshot) -> Answer<'_, ()> {
        self.change(stream.account, move |account| {
            snapshot.check()?;
            account.stream_mut(stream).map_or(Ok(()), |found| found.put_snapshot(snapshot))
        })
    }

    fn records(&self, account: AccountId, ranges: &[EmailRange]) -> Answer<'_, Vec<(EmailId, Bytes)>> {
        let ranges = ranges.to_vec();
        self.look(account, move |found| found.records(&ranges))
    }

    fn list_records(&self, account: AccountId, range: EmailRange, limit: usize) -> Answer<'_, Vec<Listed>> {
        self.look(account, move |found| found.list_records(range, limit))
    }

    fn stage_body(&self, account: AccountId) -> Answer<'_, Box<dyn BodyWriter>> {
        let shelves = Arc::clone(&self.shelves);
        Box::pin(async move {
            Ok(Box::new(Staged { shelves, account, bytes: BytesMut::new() }) as Box<dyn BodyWriter>)
        })
    }

    fn body(
        &self,
        account: AccountId,
        body: BodyId,
        offset: u64,
        length: usize,
    ) -> Answer<'_, Option<Bytes>> {
        self.look(account, move |found| found.body(body).map(|bytes| slice(bytes, offset, length)))
    }

    fn body_len(&self, account: AccountId, body: BodyId) -> Answer<'_, Option<u64>> {
        self.look(account, move |found| found.body(body).map(octets))
    }

    fn list_bodies(
        &self,
        account: AccountId,
        after: Option<BodyId>,
        limit: usize,
    ) -> Answer<'_, Vec<BodyId>> {
        self.look(account, move |found| found.list_bodies(after, limit))
    }

    fn delete_body(&self, account: AccountId, body: BodyId) -> Answer<'_, ()> {
        self.change(account, move |found| {
            found.delete_body(body);
            Ok(())
        })
    }

    fn soft(&self, account: AccountId, key: &[u8]) -> Answer<'_, Option<Bytes>> {
        let key = key.to_vec();
        self.look(account, move |found| found.soft(&key))
    }

    fn put_soft(&self, account: AccountId, key: &[u8], value: Option<Bytes>) -> Answer<'_, ()> {
        let key = key.to_vec();
        self.change(account, move |found| {
            check_soft(&key, value.as_ref())?;
            found.put_soft(key, value);
            Ok(())
        })
    }

    fn watch(&self) -> Box<dyn Watch> {
        self.hints.watch()
    }
}

/// A body on its way in. Nothing of it is on the shelves before [`BodyWriter::finish`].
struct Staged {
    shelves: Arc<Shelves>,
    account: AccountId,
    bytes: BytesMut,
}

impl BodyWriter for Staged {
    fn write(&mut self, bytes: Bytes) -> Answer<'_, ()> {
        Box::pin(async move {
            self.bytes.extend_from_slice(&bytes);
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> Answer<'static, (BodyId, u64)> {
        Box::pin(async move {
            let body = self.bytes.freeze();
            let (id, length) = (BodyId::of(&body), octets(&body));
            self.shelves.lock().entry(self.account).or_default().put_body(id, body);
            Ok((id, length))
        })
    }
}

/// Up to `length` octets from `offset`; what lies behind the end is empty.
fn slice(bytes: &Bytes, offset: u64, length: usize) -> Bytes {
    let start = usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()));
    let end = start.saturating_add(length).min(bytes.len());
    bytes.slice(start..end)
}

/// What lies in memory is no longer than 64 bits can say.
const fn octets(bytes: &Bytes) -> u64 {
    bytes.len() as u64
}
