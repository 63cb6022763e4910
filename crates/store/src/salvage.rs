//! What a repair asks of a store, beyond what everybody asks.

use crate::{Answer, Committed, EmailRange, Event, Head, Seq, Snapshot, Store, StreamId};
use bytes::Bytes;
use terms::{AccountId, EmailId};

/// A store whose media may rot: what is left of a stream can be had from it, and it takes a new beginning for one.
pub trait Salvage: Store {
    /// Up to `limit` events behind `after`, in order, each with `None` where it cannot be read. One of which nothing is
    /// left at all is not among them. Empty at the end. No more octets than [`crate::MAX_READ`].
    fn remains(&self, stream: StreamId, after: Seq, limit: usize) -> Answer<'_, Vec<(Seq, Option<Event>)>>;

    /// The last event of a stream that was forgotten on purpose.
    fn trimmed(&self, stream: StreamId) -> Answer<'_, Seq>;

    /// Where the snapshots of a stream are, ascending; those that cannot be read are among them.
    fn snapshot_places(&self, stream: StreamId) -> Answer<'_, Vec<Seq>>;

    /// Up to `limit` of the messages in `range` that have a record, ascending, whether it can be read or not.
    fn recorded(&self, account: AccountId, range: EmailRange, limit: usize) -> Answer<'_, Vec<EmailId>>;

    /// The octets that lie where a record should, whatever has become of them; `None` where not even their place is
    /// known. Nothing of them is to be believed that is not proved otherwise.
    fn untested_record(&self, account: AccountId, email: EmailId) -> Answer<'_, Option<Bytes>>;

    /// Lets a stream go on from `beginning`, durably, all of it or nothing: what was before is forgotten, what is
    /// missing of it is missed no more, and a stream that was kept read-only for it is written again.
    /// [`Committed::Diverged`] where the stream does not stand at `expected`, or somebody else changed its snapshots
    /// meanwhile: nothing was done.
    fn begin_anew(&self, stream: StreamId, expected: Seq, beginning: Beginning) -> Answer<'_, Committed>;
}

/// What a stream goes on from.
#[derive(Clone, Debug)]
pub enum Beginning {
    /// A snapshot that is there. The events behind it stay.
    Snapshot(Seq),
    /// A snapshot that is put, where the stream stands or further on, and the stream's summary then.
    State(Snapshot, Head),
    /// Events that come next, behind all that the stream had, of a stream that has no snapshots.
    Events {
        /// The place before the first: where the stream stands or further on.
        behind: Seq,
        /// When: Unix time in milliseconds.
        time_ms: i64,
        /// Who did it.
        origin: Bytes,
        /// What is true now, from nothing.
        events: Vec<Bytes>,
        /// The stream's summary after them.
        head: Head,
    },
}
