//! What Gatepost asks of the place where mail lies.
//!
//! One trait, [`Store`], the same on one machine and on fifty. A store keeps *streams* of opaque events with a
//! small *head* each, *records* (what a message's parsing yielded), *bodies*, *snapshots* of streams, and
//! *soft* values. It knows nothing of mail: what an event means is `mailbox`'s business.
//!
//! > **Promise.** When [`Store::commit`] answers [`Committed::Done`], all of the commit is on stable storage, or
//! > none of this crate's backends may say so. Nobody, its author included, sees a version before that.
//!
//! Every backend passes the tests of `conformance` (a feature of this crate) word for word.

#[cfg(feature = "conformance")]
pub mod conformance;
mod hints;
mod limits;
mod salvage;

use bytes::Bytes;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

pub use hints::{HINT_QUEUE, Hints};
pub use limits::check_soft;
pub use salvage::{Beginning, Salvage};
pub use terms::{AccountId, EmailId};

/// A boxed future: what the methods of a `dyn Store` return.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A stream of events. Stream 0 of an account is the account's own; the others are its mailboxes, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Whose it is: the first part of every key.
    pub account: AccountId,
    /// Which of the account's streams.
    pub number: u32,
}

/// The place of an event in its stream: the first is 1; 0 means "before all".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first event.
    pub const NONE: Self = Self(0);

    /// The place `n` further on.
    #[must_use]
    pub const fn plus(self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }
}

/// Names a commit: 128 random bits, so that "did my commit survive?" has an answer and a retry is harmless.
///
/// It names one commit of one account. Only what was written is remembered: after a conflict the id is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub [u8; 16]);

/// All [`EmailId`]s from `first` to `last`, both included; they may span mailboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmailRange {
    /// The lowest.
    pub first: EmailId,
    /// The highest.
    pub last: EmailId,
}

/// BLAKE3 of a body's bytes: [`BodyId::of`] makes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyId(pub [u8; 32]);

impl BodyId {
    /// The name of a body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(*blake3::hash(body).as_bytes())
    }

    /// How it begins.
    #[must_use]
    pub fn prefix(&self) -> BodyPrefix {
        self.0.first_chunk().map_or(BodyPrefix([0; 24]), |octets| BodyPrefix(*octets))
    }
}

/// A body with its name, which nobody has to make again to believe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    id: BodyId,
    octets: Bytes,
}

impl Body {
    /// Names a body. This is the only way to come by one.
    #[must_use]
    pub fn new(octets: Bytes) -> Self {
        Self { id: BodyId::of(&octets), octets }
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> BodyId {
        self.id
    }

    /// What it is.
    #[must_use]
    pub const fn octets(&self) -> &Bytes {
        &self.octets
    }
}

/// The first octets of a [`BodyId`], which no other body shares: what a list of records tells of the bodies that they
/// name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyPrefix(pub [u8; 24]);

impl fmt::Debug for BodyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// What a message's parsing yielded: opaque octets, and the body that they speak of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// At most [`MAX_RECORD`] of them.
    pub octets: Bytes,
    /// The body that it is about. A commit is only written where that is in the commit or there already, so that no
    /// record is left without its body; `None` is a record that needs none.
    pub body: Option<BodyId>,
}

/// One that needs no body.
impl From<Bytes> for Record {
    fn from(octets: Bytes) -> Self {
        Self { octets, body: None }
    }
}

/// A record in a list.
pub type Listed = (EmailId, Option<BodyPrefix>);

/// The summary of a stream that STATUS and LIST read without its events: opaque, at most [`MAX_HEAD`] octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head(pub Bytes);

/// The first format of what lies in a store.
pub const FIRST_FORMAT: u32 = 1;
/// The newest format that there is: what a backend opens, and what a commit may need.
pub const NEWEST_FORMAT: u32 = 3;

/// Longest [`Head`], in octets.
pub const MAX_HEAD: usize = 96;
/// Longest event, in octets. What is larger is split, or staged as a body.
pub const MAX_EVENT: usize = 1 << 20;
/// Longest record, in octets.
pub const MAX_RECORD: usize = 1 << 20;
/// Largest body that may travel inside a commit, in octets; larger ones are staged first.
pub const MAX_INLINE_BODY: usize = 256 << 10;
/// Largest commit, in octets of events, records and bodies together.
pub const MAX_COMMIT: usize = 8 << 20;
/// Longest origin, in octets: it is kept with every event.
pub const MAX_ORIGIN: usize = 1 << 10;
/// Most events, records, bodies and streams in one commit, counted together.
pub const MAX_ENTRIES: usize = 1 << 16;
/// Most events in one [`Committed::Conflict`]; the rest comes with the next try.
pub const MAX_NEWER: usize = 1_000;
/// Most octets of events, their origins counted, in one answer of [`Store::read`] or one [`Committed::Conflict`]:
/// several of the longest.
pub const MAX_READ: usize = 8 << 20;
/// How many of the newest commits, of all accounts together, a store remembers by their ids as long as it is open. Of
/// those before it was opened it may remember fewer, at least [`REMEMBERED_OVER_A_STOP`].
pub const REMEMBERED_COMMITS: usize = 1 << 16;
/// How many of the newest commits a store remembers when it is opened again.
pub const REMEMBERED_OVER_A_STOP: usize = 1 << 10;
/// Largest piece of a snapshot, in octets.
pub const MAX_SNAPSHOT_PIECE: usize = 1 << 20;
/// Longest soft key and soft value, in octets.
pub const MAX_SOFT: usize = 4 << 10;

/// New events of one stream within a [`Commit`].
#[derive(Clone, Debug)]
pub struct Append {
    /// Which stream.
    pub stream: StreamId,
    /// The last event that the writer has seen: it must exist, and nothing may lie behind it.
    pub expected: Seq,
    /// What happens next, in order. Empty: only the compare-and-set counts, the head stays, and a stream that is
    /// not there is not made.
    pub events: Vec<Bytes>,
    /// The stream's summary after them.
    pub head: Head,
}

/// All or nothing, durable or not at all.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Whose. Streams, records and bodies of one commit belong to one account.
    pub account: AccountId,
    /// Random; a second commit with the same id is answered like the first and changes nothing.
    pub id: CommitId,
    /// The commit of this account that it builds on, where that one had not been answered when this one was made.
    /// Unless it is durable, or becomes so together with this one, nothing is written: that the streams stand where
    /// they were expected says nothing when somebody else's events have taken the places.
    pub after: Option<CommitId>,
    /// A version that does not know this format, of [`FIRST_FORMAT`] to [`NEWEST_FORMAT`], could not read what is written
    /// here. A store with stable storage that such a version could open is closed to it, durably, before anything of this
    /// is written; that may last although the commit fails.
    pub needs_format: u32,
    /// When: Unix time in milliseconds.
    pub time_ms: i64,
    /// Who did it, from where, with which device: opaque here, kept with every event.
    pub origin: Bytes,
    /// Compare-and-set on every stream named; each is named once.
    pub appends: Vec<Append>,
    /// Records to put or replace (`Some`) or delete (`None`), in order: of two for one message the last counts.
    pub records: Vec<(EmailId, Option<Record>)>,
    /// Small bodies, which become durable with the commit. Bringing one that is there already is harmless.
    pub bodies: Vec<Body>,
}

/// How a commit ended when nothing failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is durable.
    Done,
    /// Somebody else was first: here is what the writer has not seen. Nothing was written.
    Conflict {
        /// The first stream whose `expected` did not hold.
        stream: StreamId,
        /// What lies behind `expected`, in order, at most [`MAX_NEWER`] events and [`MAX_READ`] octets.
        newer: Vec<Event>,
    },
    /// The writer is *ahead* of the store: it has seen events that the store does not have. (Or it is so far
    /// back that what it has missed was trimmed; or what it built on was never written.) Nothing was written; the
    /// writer must drop what it knows and read anew.
    Diverged {
        /// Which stream. When it is [`Commit::after`] that is not there: the first that the commit names, or else the
        /// account's own.
        stream: StreamId,
        /// Where the store stands.
        at: Seq,
    },
    /// A record names a body that is neither in the commit nor there any more: a sweep has taken it away. Nothing was
    /// written; the writer must bring the body again.
    BodyGone(BodyId),
}

/// An event as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place.
    pub seq: Seq,
    /// The commit's time: Unix time in milliseconds.
    pub time_ms: i64,
    /// The commit's origin.
    pub origin: Bytes,
    /// What the writer wrote.
    pub payload: Bytes,
}

/// A snapshot of a stream's state: opaque pieces of at most [`MAX_SNAPSHOT_PIECE`] octets, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last event that is in it.
    pub at: Seq,
    /// The state.
    pub pieces: Vec<Bytes>,
}

/// A hint that a stream may have grown: late, doubled or lost hints cost latency, never correctness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The stream may be at this event or behind it.
    Grown(StreamId, Seq),
    /// Hints were lost; any stream may have grown.
    Missed,
}

/// A body on its way in, larger than a commit carries. Dropping it unfinished leaves nothing behind.
pub trait BodyWriter: Send {
    /// Takes the next bytes.
    fn write(&mut self, bytes: Bytes) -> Answer<'_, ()>;
    /// Makes the body durable and names it. Until a commit's record names it a sweep may take it away again, and that
    /// commit is then refused ([`Committed::BodyGone`]).
    fn finish(self: Box<Self>) -> Answer<'static, (BodyId, u64)>;
}

/// The store.
///
/// A read sees every commit that was answered before the read began. Of any other it sees all or nothing, and
/// all only once that is durable. What is asked with one call is seen at one moment.
pub trait Store: Send + Sync + 'static {
    /// Compare-and-set on all streams named, all or none, durable on return. Streams are compared in the order
    /// named; the first that does not stand where it was expected is the answer.
    ///
    /// Commits of one account whose answers are first polled one after the other are taken in that order, as long as
    /// there is room for them: so one may build on those before it without waiting for their sync.
    fn commit(&self, commit: Commit) -> Answer<'_, Committed>;

    /// Up to `limit` events of a stream behind `after`, and no more than [`MAX_READ`] octets of them, in order, without
    /// a gap: an answer that is shorter than `limit` is not the end of the stream, an empty one is. Only where events
    /// were trimmed may the first lie further on than `after` + 1; the reader starts anew from a snapshot.
    fn read(&self, stream: StreamId, after: Seq, limit: usize) -> Answer<'_, Vec<Event>>;

    /// Where each stream stands and its summary, in the order asked; `None` where there is no such stream.
    fn heads(&self, streams: &[StreamId]) -> Answer<'_, Vec<Option<(Seq, Head)>>>;

    /// The streams of an account, ascending, with where they stand and their summaries.
    fn list_streams(&self, account: AccountId) -> Answer<'_, Vec<(StreamId, Seq, Head)>>;

    /// Ends a stream, durably: events, head and snapshots go; records and bodies stay, for other mailboxes may
    /// hold copies. Its number may not be used again by the caller. Ending what is not there is harmless.
    fn drop_stream(&self, stream: StreamId) -> Answer<'_, ()>;

    /// Lets the store forget events up to and including `through`, and older snapshots. A snapshot at `through`
    /// or later must exist, else this is [`StoreError::Misused`] and nothing is forgotten.
    fn trim(&self, stream: StreamId, through: Seq) -> Answer<'_, ()>;

    /// The newest snapshot at or before `at`.
    fn snapshot_at(&self, stream: StreamId, at: Seq) -> Answer<'_, Option<Snapshot>>;

    /// Keeps a snapshot; of two at the same place the last counts. Not a commit: a crash may lose it, never tear
    /// it. One of a stream that is gone is let go, one that is ahead of its stream is [`StoreError::Misused`].
    fn put_snapshot(&self, stream: StreamId, snapshot: Snapshot) -> Answer<'_, ()>;

    /// The records that exist in `ranges`, in the order of the ranges, ascending within each. The caller bounds
    /// what it asks for.
    fn records(&self, account: AccountId, ranges: &[EmailRange]) -> Answer<'_, Vec<(EmailId, Bytes)>>;

    /// The first `limit` records that exist in `range`, ascending, each with the body that it names; `None` where it
    /// names none, or where the store does not know that without reading the record. Reads no record.
    fn list_records(&self, account: AccountId, range: EmailRange, limit: usize) -> Answer<'_, Vec<Listed>>;

    /// Begins a body larger than a commit carries.
    fn stage_body(&self, account: AccountId) -> Answer<'_, Box<dyn BodyWriter>>;

    /// Up to `length` octets of a body from `offset`; shorter only at its end, and empty behind it; `None` when
    /// there is no such body.
    /// Bytes that are not what was stored are an error, never an answer.
    fn body(&self, account: AccountId, body: BodyId, offset: u64, length: usize)
    -> Answer<'_, Option<Bytes>>;

    /// The length of a body in octets.
    fn body_len(&self, account: AccountId, body: BodyId) -> Answer<'_, Option<u64>>;

    /// The bodies of an account behind `after`, ascending, at most `limit`: for sweeping.
    fn list_bodies(&self, account: AccountId, after: Option<BodyId>, limit: usize)
    -> Answer<'_, Vec<BodyId>>;

    /// Lets a body go. The caller has made sure that no record names it, and takes care of the commits that it has handed
    /// in before: they are written first. It may be stored again later.
    fn delete_body(&self, account: AccountId, body: BodyId) -> Answer<'_, ()>;

    /// A value that a crash may lose: \Recent marks, last use of a credential, lockout counters.
    fn soft(&self, account: AccountId, key: &[u8]) -> Answer<'_, Option<Bytes>>;

    /// Puts (`Some`) or removes (`None`) a soft value. No sync is paid for it.
    fn put_soft(&self, account: AccountId, key: &[u8], value: Option<Bytes>) -> Answer<'_, ()>;

    /// Hints from now on: one for each stream that a commit made longer.
    fn watch(&self) -> Box<dyn Watch>;
}

/// Receives hints.
pub trait Watch: Send {
    /// The next hint; `None` when the store has closed.
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<Hint>> + Send + '_>>;

    /// From now on hints that are no `news` need not be told: whoever watches is not woken for what it knows. A store may
    /// tell them all the same. It asks wherever a commit ends, so the answer waits for nobody, and asks nothing of the store.
    fn expect_only(&mut self, news: News) {
        drop(news);
    }
}

/// Whether it is news that a stream has grown so far.
pub type News = Box<dyn Fn(StreamId, Seq) -> bool + Send + Sync>;

/// Why a store could not do as asked. Never a conflict: that is an answer.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum StoreError {
    /// The store cannot write now (disk full, failed sync, shutting down); what was asked for did not happen, or
    /// (only where `uncertain`) may or may not have: ask again with the same commit id.
    #[error("the mail store is unavailable: {reason}")]
    Unavailable {
        /// In words, for the admin.
        reason: String,
        /// Whether it may yet turn out to be durable.
        uncertain: bool,
    },
    /// What was stored does not read back as it was written.
    #[error("damaged {what}: {detail}")]
    Damaged {
        /// Which thing: stream, record or body, by id.
        what: String,
        /// File, offset and checksum, for the admin.
        detail: String,
    },
    /// The caller asked for more than a limit of this crate allows: a bug of ours. Nothing happened.
    #[error("over the store's limit: {0}")]
    OverLimit(&'static str),
    /// The caller broke a rule of [`Store`] or [`Commit`]: a bug of ours. Nothing happened.
    #[error("the store was misused: {0}")]
    Misused(&'static str),
}
