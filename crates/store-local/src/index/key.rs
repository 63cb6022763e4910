//! The keys of the index. Account first, then what it is, then which one; big-endian, so that order is order.

use super::kv::Key;
use std::ops::RangeInclusive;
use store::{AccountId, BodyId, EmailId, EmailRange, Seq, StreamId};

/// What lies under a key: one letter behind the account.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Class {
    Body = b'B',
    Event = b'E',
    Head = b'H',
    Piece = b'P',
    Quarantine = b'Q',
    Record = b'R',
    Snapshot = b'S',
    Trim = b'T',
}

/// Half-open: from the first key to one behind the last.
pub(crate) type KeyRange = (Key, Key);

pub(crate) fn head(stream: StreamId) -> Key {
    of_stream(stream, Class::Head)
}

pub(crate) fn trim(stream: StreamId) -> Key {
    of_stream(stream, Class::Trim)
}

pub(crate) fn quarantine(stream: StreamId) -> Key {
    of_stream(stream, Class::Quarantine)
}

pub(crate) fn event(stream: StreamId, seq: Seq) -> Key {
    with(of_stream(stream, Class::Event), &seq.0.to_be_bytes())
}

/// The events in `seqs`.
pub(crate) fn events(stream: StreamId, seqs: RangeInclusive<Seq>) -> KeyRange {
    (event(stream, *seqs.start()), behind(event(stream, *seqs.end())))
}

pub(crate) fn snapshot(stream: StreamId, at: Seq) -> Key {
    with(of_stream(stream, Class::Snapshot), &at.0.to_be_bytes())
}

/// The snapshots in `seqs`.
pub(crate) fn snapshots(stream: StreamId, seqs: RangeInclusive<Seq>) -> KeyRange {
    (snapshot(stream, *seqs.start()), behind(snapshot(stream, *seqs.end())))
}

pub(crate) fn piece(stream: StreamId, at: Seq, writing: u64, piece: u32) -> Key {
    with(pieces_key(stream, at, writing), &piece.to_be_bytes())
}

/// The pieces that one attempt wrote.
pub(crate) fn pieces(stream: StreamId, at: Seq, writing: u64) -> KeyRange {
    let from = pieces_key(stream, at, writing);
    (from.clone(), after(from))
}

/// The pieces of all snapshots before `at`.
pub(crate) fn pieces_before(stream: StreamId, at: Seq) -> KeyRange {
    let class = of_stream(stream, Class::Piece);
    (class.clone(), with(class, &at.0.to_be_bytes()))
}

/// The pieces at one place, but for those of the attempt `writing`.
pub(crate) fn other_pieces(stream: StreamId, at: Seq, writing: u64) -> [KeyRange; 2] {
    let place = with(of_stream(stream, Class::Piece), &at.0.to_be_bytes());
    let ours = pieces(stream, at, writing);
    [(place.clone(), ours.0), (ours.1, after(place))]
}

fn pieces_key(stream: StreamId, at: Seq, writing: u64) -> Key {
    with(with(of_stream(stream, Class::Piece), &at.0.to_be_bytes()), &writing.to_be_bytes())
}

/// Everything that a stream has.
pub(crate) fn whole_stream(stream: StreamId) -> impl Iterator<Item = KeyRange> {
    let classes = [Class::Event, Class::Head, Class::Piece, Class::Quarantine, Class::Snapshot, Class::Trim];
    classes.into_iter().map(move |class| {
        let from = of_stream(stream, class);
        (from.clone(), after(from))
    })
}

/// The heads of all streams of an account.
pub(crate) fn heads(account: AccountId) -> KeyRange {
    whole_class(account, Class::Head)
}

/// Which stream a head's key is of.
pub(crate) fn stream_of_head(key: &[u8]) -> Option<u32> {
    key.last_chunk().map(|n| u32::from_be_bytes(*n))
}

/// Which stream an event's or a head's key is of.
pub(crate) fn stream_of(key: &[u8]) -> Option<StreamId> {
    match owner(key)? {
        Owner::Event(stream, _) | Owner::Head(stream) => Some(stream),
        _ => None,
    }
}

/// Which event a key is of.
pub(crate) fn seq_of(key: &[u8]) -> Option<Seq> {
    key.last_chunk().map(|n| Seq(u64::from_be_bytes(*n)))
}

pub(crate) fn record(account: AccountId, id: EmailId) -> Key {
    let key = of_account(account, Class::Record);
    with(with(key, &id.mailbox.to_be_bytes()), &id.uid.to_be_bytes())
}

/// The records in `range`; nothing when it ends before it starts.
pub(crate) fn records(account: AccountId, range: &EmailRange) -> KeyRange {
    (record(account, range.first), behind(record(account, range.last)))
}

/// Which message a record's key is of.
pub(crate) fn email_of(key: &[u8]) -> Option<EmailId> {
    let (rest, uid) = key.split_last_chunk()?;
    let mailbox = u32::from_be_bytes(*rest.last_chunk()?);
    Some(EmailId { mailbox, uid: u32::from_be_bytes(*uid) })
}

pub(crate) fn body(account: AccountId, id: BodyId) -> Key {
    with(of_account(account, Class::Body), &id.0)
}

/// The bodies behind `after`.
pub(crate) fn bodies(account: AccountId, after: Option<BodyId>) -> KeyRange {
    let (first, end) = whole_class(account, Class::Body);
    (after.map_or(first, |id| behind(body(account, id))), end)
}

/// Which body a key is of.
pub(crate) fn body_of(key: &[u8]) -> Option<BodyId> {
    key.last_chunk().map(|id| BodyId(*id))
}

/// A soft value's key, in its own table.
pub(crate) fn soft(account: AccountId, name: &[u8]) -> Key {
    with(account.0.to_be_bytes().to_vec(), name)
}

fn of_account(account: AccountId, class: Class) -> Key {
    with(account.0.to_be_bytes().to_vec(), &[class as u8])
}

fn of_stream(stream: StreamId, class: Class) -> Key {
    with(of_account(stream.account, class), &stream.number.to_be_bytes())
}

fn whole_class(account: AccountId, class: Class) -> KeyRange {
    let from = of_account(account, class);
    (from.clone(), after(from))
}

fn with(mut key: Key, more: &[u8]) -> Key {
    key.extend_from_slice(more);
    key
}

/// The first key behind this one.
fn behind(key: Key) -> Key {
    with(key, &[0])
}

/// The first key behind all that start with `prefix`.
fn after(mut prefix: Key) -> Key {
    while let Some(last) = prefix.pop() {
        if let Some(next) = last.checked_add(1) {
            prefix.push(next);
            break;
        }
    }
    prefix
}

/// Everything that an account has.
pub(crate) fn whole_account(account: AccountId) -> KeyRange {
    let from = account.0.to_be_bytes().to_vec();
    (from.clone(), after(from))
}

/// What a key of the index stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Event(StreamId, Seq),
    Head(StreamId),
    Record(AccountId, EmailId),
    Body(AccountId, BodyId),
    /// A piece of a snapshot: where, which writing, which piece.
    Piece(StreamId, Seq, u64, u32),
    Snapshot(StreamId, Seq),
    /// A trim or a quarantine.
    Other,
}

/// What a key stands for; `None` when it is no key.
pub(crate) fn owner(key: &[u8]) -> Option<Owner> {
    let (account, rest) = key.split_first_chunk()?;
    let account = AccountId(u64::from_be_bytes(*account));
    let (class, rest) = rest.split_first()?;
    if *class == Class::Body as u8 {
        return Some(Owner::Body(account, BodyId(rest.try_into().ok()?)));
    }
    let (number, rest) = rest.split_first_chunk()?;
    let number = u32::from_be_bytes(*number);
    let stream = StreamId { account, number };
    let seq = || rest.first_chunk().map(|seq| Seq(u64::from_be_bytes(*seq)));
    Some(match *class {
        class if class == Class::Event as u8 => Owner::Event(stream, seq()?),
        class if class == Class::Head as u8 => Owner::Head(stream),
        class if class == Class::Record as u8 => {
            let uid = u32::from_be_bytes(*rest.first_chunk()?);
            Owner::Record(account, EmailId { mailbox: number, uid })
        }
        class if class == Class::Piece as u8 => {
            let writing = u64::from_be_bytes(*rest.get(8..)?.first_chunk()?);
            Owner::Piece(stream, seq()?, writing, u32::from_be_bytes(*rest.get(16..)?.first_chunk()?))
        }
        class if class == Class::Snapshot as u8 => Owner::Snapshot(stream, seq()?),
        class if class == Class::Trim as u8 || class == Class::Quarantine as u8 => Owner::Other,
        _ => return None,
    })
}
