//! What happens while the disk fails: at least one of everything that the store does with it.

use super::model::plan::{On, Op, Plan, PlannedAppend, Renewal};
use super::model::state::State;
use bytes::Bytes;
use store::{AccountId, BodyId, StreamId};
use store_local::Extent;
use testkit::dice::Dice;

/// One thing more.
pub(crate) enum Step {
    /// Something is asked for, as things stand: all of these at once.
    Do(fn(&State, &mut u64) -> Vec<Op>),
    /// The index's tail is moved.
    MoveTail,
    /// What is needless leaves the log.
    Compact(Extent),
    /// What this version alone can read is going to be written.
    RaiseFormat,
    /// Everything is read.
    Read,
    /// The store is closed, and opened again.
    Reopen,
}

const ANN: AccountId = AccountId(1);
const BEN: AccountId = AccountId(2);
const INBOX: StreamId = StreamId { account: ANN, number: 3 };
const SENT: StreamId = StreamId { account: ANN, number: 4 };
const OTHER: StreamId = StreamId { account: BEN, number: 3 };
/// Too large for the log.
const LARGE: usize = 270_000;

/// From the making of a store to its end.
pub(crate) fn script() -> Vec<Step> {
    use Step::{Compact, Do, MoveTail, RaiseFormat, Read, Reopen};
    vec![
        Do(|state, tag| vec![commit(state, tag, &[INBOX, SENT], Some(3_000))]),
        Do(|state, tag| vec![commit(state, tag, &[OTHER], Some(300)), large(ANN, 1)]),
        MoveTail,
        Do(|state, tag| vec![snapshot(state, tag, INBOX)]),
        // The segment is full behind this one.
        Do(|state, tag| vec![commit(state, tag, &[INBOX], Some(60_000))]),
        Do(three_that_build_on_each_other),
        RaiseFormat,
        Read,
        Do(|state, _| vec![trim(state, INBOX), large(BEN, 2)]),
        MoveTail,
        Do(|_, _| vec![Op::DeleteBody(ANN, BodyId::of(&body(1, LARGE)))]),
        Do(|state, tag| vec![Op::Drop(OTHER), commit(state, tag, &[SENT], None)]),
        Read,
        Compact(Extent::Everything),
        Read,
        Reopen,
        Do(|state, tag| vec![commit(state, tag, &[SENT], Some(60_000))]),
        MoveTail,
        Compact(Extent::Worthwhile),
        Do(|state, tag| vec![commit(state, tag, &[INBOX, SENT], None), snapshot(state, tag, INBOX)]),
        // Closed with something that the index does not have.
        Reopen,
        Do(|state, tag| vec![commit(state, tag, &[INBOX], Some(100)), anew(state, tag, SENT)]),
        Do(|state, tag| vec![commit(state, tag, &[SENT], None)]),
        Read,
    ]
}

/// What is in nobody's way.
pub(crate) fn another(state: &State, tag: &mut u64) -> Op {
    commit(state, tag, &[StreamId { account: BEN, number: 4 }], None)
}

fn commit(state: &State, tag: &mut u64, streams: &[StreamId], body_octets: Option<usize>) -> Op {
    *tag += 1;
    let append =
        |stream: &StreamId| PlannedAppend { stream: *stream, expected: state.seq(*stream), count: 2 };
    let body = body_octets.map(|octets| body(*tag, octets));
    let appends = streams.iter().map(append).collect();
    Op::Commit(Plan { account: streams[0].account, tag: *tag, after: None, appends, forgets: None, body })
}

fn three_that_build_on_each_other(state: &State, tag: &mut u64) -> Vec<Op> {
    let mut ops = vec![commit(state, tag, &[SENT], None)];
    for _ in 0..2 {
        let Some(Op::Commit(before)) = ops.last() else { break };
        let appends = before.appends.iter().map(PlannedAppend::next).collect();
        *tag += 1;
        let next = Plan { tag: *tag, after: Some(before.tag), appends, ..before.clone() };
        ops.push(Op::Commit(next));
    }
    ops
}

fn snapshot(state: &State, tag: &mut u64, stream: StreamId) -> Op {
    *tag += 1;
    Op::Snapshot(stream, state.seq(stream), *tag)
}

fn trim(state: &State, stream: StreamId) -> Op {
    let (at, _) = state.streams[&stream].snapshot.unwrap();
    Op::Trim(stream, at)
}

fn anew(state: &State, tag: &mut u64, stream: StreamId) -> Op {
    *tag += 1;
    let expected = state.seq(stream);
    Op::Anew(Renewal { stream, expected, tag: *tag, on: On::State(expected.plus(2)) })
}

fn large(account: AccountId, seed: u64) -> Op {
    Op::LargeBody(account, body(seed, LARGE))
}

/// The same for the same seed; it does not compress.
fn body(seed: u64, octets: usize) -> Bytes {
    Dice::new(seed).octets(octets).into()
}
