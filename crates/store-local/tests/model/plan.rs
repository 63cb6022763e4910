//! What the writers of the test do.

use super::state::{ACCOUNTS, State};
use bytes::Bytes;
use std::collections::BTreeSet;
use store::{
    AccountId, Answer, Append, Beginning, Body, BodyId, Commit, CommitId, Committed, EmailId, Head, Record,
    Salvage, Seq, Snapshot, StoreError, StreamId,
};
use testkit::dice::Dice;

/// Snapshots in a hundred that are more than the store writes at once.
const LARGE_SNAPSHOTS: u64 = 3;

/// Something that a writer wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Commit(Plan),
    Drop(StreamId),
    Trim(StreamId, Seq),
    /// At this event; the number tells it from all other attempts.
    Snapshot(StreamId, Seq, u64),
    LargeBody(AccountId, Bytes),
    DeleteBody(AccountId, BodyId),
    Anew(Renewal),
}

/// A new beginning of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Renewal {
    pub(crate) stream: StreamId,
    /// Where the stream stands.
    pub(crate) expected: Seq,
    pub(crate) tag: u64,
    pub(crate) on: On,
}

/// What a stream begins anew on, and from which place on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// A snapshot that is there.
    There(Seq),
    State(Seq),
    /// So many events behind the place.
    Events(Seq, usize),
}

impl Renewal {
    fn beginning(self) -> Beginning {
        let head = Head(tagged(self.tag, 30));
        match self.on {
            On::There(at) => Beginning::Snapshot(at),
            On::State(at) => Beginning::State(snapshot_of(self.stream, at, self.tag), head),
            On::Events(behind, count) => Beginning::Events {
                behind,
                time_ms: 1_700_000_000_000,
                origin: Bytes::from_static(b"a repair"),
                events: (0..count).map(|n| tagged(self.tag, 20 * n)).collect(),
                head,
            },
        }
    }
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) account: AccountId,
    /// Tells it from all others; everything that it writes starts with it.
    pub(crate) tag: u64,
    /// The commit that it builds on, by its tag.
    pub(crate) after: Option<u64>,
    pub(crate) appends: Vec<PlannedAppend>,
    pub(crate) forgets: Option<EmailId>,
    pub(crate) body: Option<Bytes>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedAppend {
    pub(crate) stream: StreamId,
    pub(crate) expected: Seq,
    pub(crate) count: usize,
}

impl PlannedAppend {
    pub(crate) fn next(&self) -> Self {
        Self { expected: self.expected.plus(self.count as u64), count: 1, ..*self }
    }
}

/// How it ended for the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landed {
    Done,
    /// Certainly not: somebody else was first.
    Refused,
    /// Certainly not: the store cannot write.
    Unavailable,
    /// Nobody knows.
    InDoubt,
}

impl Plan {
    pub(crate) fn record(&self) -> EmailId {
        EmailId { mailbox: 1, uid: self.tag as u32 }
    }

    fn commit(&self) -> Commit {
        let mut dice = Dice::new(self.tag);
        let mut tagged = |most: u64| {
            let length = dice.below(most) as usize;
            tagged(self.tag, length)
        };
        let appends = self.appends.iter().map(|append| Append {
            stream: append.stream,
            expected: append.expected,
            events: (0..append.count).map(|_| tagged(300)).collect(),
            head: Head(tagged(80)),
        });
        let mut records: Vec<_> = self.forgets.map(|id| (id, None)).into_iter().collect();
        let appends = appends.collect();
        let body = self.body.as_ref().map(|body| BodyId::of(body));
        records.push((self.record(), Some(Record { octets: tagged(2_000), body })));
        Commit {
            account: self.account,
            id: id_of(self.tag),
            after: self.after.map(id_of),
            needs_format: store::FIRST_FORMAT,
            time_ms: 1_700_000_000_000,
            origin: Bytes::from_static(b"a test"),
            appends,
            records,
            bodies: self.body.iter().map(|body| Body::new(body.clone())).collect(),
        }
    }
}

impl Op {
    /// Asks the store to do it.
    pub(crate) fn start<'a>(&self, store: &'a dyn Salvage) -> Answer<'a, Landed> {
        let op = self.clone();
        Box::pin(async move {
            Ok(match op.run(store).await {
                Ok(landed) => landed,
                Err(StoreError::Unavailable { uncertain: false, .. }) => Landed::Unavailable,
                Err(StoreError::Unavailable { uncertain: true, .. }) => Landed::InDoubt,
                Err(e) => return Err(e),
            })
        })
    }

    async fn run(self, store: &dyn Salvage) -> Result<Landed, StoreError> {
        match self {
            Self::Commit(plan) => {
                return match store.commit(plan.commit()).await? {
                    Committed::Done => Ok(Landed::Done),
                    Committed::Conflict { newer, .. } if newer.is_empty() => {
                        Err(StoreError::Misused("a conflict with nothing that is newer"))
                    }
                    Committed::Conflict { .. } | Committed::Diverged { .. } => Ok(Landed::Refused),
                    Committed::BodyGone(_) => Err(StoreError::Misused("each record brings its body")),
                };
            }
            Self::Drop(stream) => store.drop_stream(stream).await?,
            Self::Trim(stream, through) => store.trim(stream, through).await?,
            Self::Snapshot(stream, at, tag) => {
                store.put_snapshot(stream, snapshot_of(stream, at, tag)).await?
            }
            Self::DeleteBody(account, id) => store.delete_body(account, id).await?,
            Self::Anew(renewal) => {
                let Renewal { stream, expected, .. } = renewal;
                return match store.begin_anew(stream, expected, renewal.beginning()).await? {
                    Committed::Done => Ok(Landed::Done),
                    _ => Ok(Landed::Refused),
                };
            }
            Self::LargeBody(account, body) => {
                let mut writer = store.stage_body(account).await?;
                for start in (0..body.len()).step_by(100_000) {
                    writer.write(body.slice(start..body.len().min(start + 100_000))).await?;
                }
                writer.finish().await?;
            }
        }
        Ok(Landed::Done)
    }
}

const fn id_of(tag: u64) -> CommitId {
    CommitId(((tag as u128) << 64 | 1).to_le_bytes())
}

/// Octets that say what wrote them, and all of which follow from the first ones.
pub(crate) fn tagged(tag: u64, length: usize) -> Bytes {
    let mut octets = tag.to_le_bytes().to_vec();
    octets.extend(Dice::new(tag ^ (length as u64) << 40).octets(length));
    octets.into()
}

/// What an attempt to put a snapshot of a stream at a place consists of.
pub(crate) fn snapshot_of(stream: StreamId, at: Seq, tag: u64) -> Snapshot {
    let mut dice = Dice::new(tag ^ at.0 << 32 ^ u64::from(stream.number));
    // Now and then one that is written in several groups.
    let (count, least) = if dice.chance(LARGE_SNAPSHOTS) { (6, 900_000) } else { (1 + dice.below(4), 0) };
    let pieces = (0..count).map(|_| tagged(tag, least + dice.below(20_000) as usize));
    Snapshot { at, pieces: pieces.collect() }
}

/// What happens at once: some writers, each with something of its own. Two of them may want the same place in a
/// stream; but one that is dropped or trimmed has no other visitor in the round, and one snapshot is put at a time.
pub(crate) fn round(state: &State, dice: &mut Dice, next_tag: &mut u64) -> Vec<Op> {
    let mut taken = BTreeSet::new();
    let writers = 1 + dice.below(6);
    let ops = (0..writers).filter_map(|_| match dice.below(21) {
        0 => undisturbed(state, dice, &mut taken).map(Op::Drop),
        1 | 2 => {
            let stream = with_writers_only(state, dice, &mut taken)?;
            *next_tag += 1;
            Some(Op::Snapshot(stream, state.seq(stream), *next_tag))
        }
        3 => {
            let stream = undisturbed(state, dice, &mut taken)?;
            let (through, _) = state.streams.get(&stream)?.snapshot?;
            (through.0 > state.streams.get(&stream)?.trimmed).then_some(Op::Trim(stream, through))
        }
        4 => {
            let length = 262_145 + dice.below(200_000) as usize;
            Some(Op::LargeBody(some_account(dice), dice.octets(length).into()))
        }
        5 => {
            let at = dice.below(state.bodies.len().max(1) as u64) as usize;
            state.bodies.iter().nth(at).map(|(account, id)| Op::DeleteBody(*account, *id))
        }
        6 => {
            let stream = undisturbed(state, dice, &mut taken)?;
            *next_tag += 1;
            Some(Op::Anew(renewal(state, dice, stream, *next_tag)))
        }
        _ => Some(Op::Commit(plan(state, dice, next_tag, &mut taken))),
    });
    let mut ops = ops.collect();
    if dice.chance(30) {
        ops = with_followers(ops, next_tag);
    }
    without_twins(ops)
}

fn renewal(state: &State, dice: &mut Dice, stream: StreamId, tag: u64) -> Renewal {
    let expected = state.seq(stream);
    let there = state.streams.get(&stream).and_then(|stream| stream.snapshot).filter(|_| dice.chance(50));
    let further = expected.plus(dice.below(3));
    let on = match there {
        Some((at, _)) => On::There(at),
        None if dice.chance(50) => On::State(further),
        None => On::Events(further, 1 + dice.below(3) as usize),
    };
    Renewal { stream, expected, tag, on }
}

fn plan(state: &State, dice: &mut Dice, next_tag: &mut u64, taken: &mut BTreeSet<(StreamId, Visit)>) -> Plan {
    *next_tag += 1;
    let account = some_account(dice);
    let first = dice.below(3) as u32;
    let numbers = if dice.chance(30) { vec![first, (first + 1) % 3] } else { vec![first] };
    let fresh = *next_tag as u32 * 3;
    let streams = numbers.into_iter().map(|kind| current_stream(state, account, kind, fresh + kind));
    let free: Vec<StreamId> = streams.filter(|stream| !taken.contains(&(*stream, Visit::Alone))).collect();
    taken.extend(free.iter().map(|stream| (*stream, Visit::Shared)));
    let appends = free.into_iter().map(|stream| PlannedAppend {
        stream,
        expected: state.seq(stream),
        count: 1 + dice.below(3) as usize,
    });
    let appends = appends.collect();
    let forgettable = state.records.keys().filter(|(of, _)| *of == account).map(|(_, id)| *id).next();
    let body = dice.chance(50).then(|| {
        let most = if dice.chance(10) { 250_000 } else { 6_000 };
        let length = 8 + dice.below(most) as usize;
        Bytes::from(dice.octets(length))
    });
    let forgets = forgettable.filter(|_| dice.chance(20));
    Plan { account, tag: *next_tag, after: None, appends, forgets, body }
}

/// Behind each commit one that was decided upon it before it was answered.
fn with_followers(ops: Vec<Op>, next_tag: &mut u64) -> Vec<Op> {
    let follower = |before: &Plan, tag| Plan {
        tag,
        after: Some(before.tag),
        appends: before.appends.iter().map(PlannedAppend::next).collect(),
        forgets: None,
        body: None,
        ..before.clone()
    };
    let with_follower = |op: Op| {
        *next_tag += 1;
        let follower = if let Op::Commit(plan) = &op { Some(follower(plan, *next_tag)) } else { None };
        [Some(op), follower.map(Op::Commit)]
    };
    ops.into_iter().flat_map(with_follower).flatten().collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Visit {
    Alone,
    Shared,
    /// A snapshot is put, while others may write.
    Snapshot,
}

/// A stream that nobody else of the round goes to.
fn undisturbed(state: &State, dice: &mut Dice, taken: &mut BTreeSet<(StreamId, Visit)>) -> Option<StreamId> {
    let stream = some_stream(state, dice)?;
    let busy = [Visit::Shared, Visit::Snapshot].iter().any(|visit| taken.contains(&(stream, *visit)));
    (!busy && taken.insert((stream, Visit::Alone))).then_some(stream)
}

/// A stream that others of the round write to at most.
fn with_writers_only(
    state: &State,
    dice: &mut Dice,
    taken: &mut BTreeSet<(StreamId, Visit)>,
) -> Option<StreamId> {
    let stream = some_stream(state, dice)?;
    let free = !taken.contains(&(stream, Visit::Alone)) && taken.insert((stream, Visit::Snapshot));
    free.then_some(stream)
}

fn some_stream(state: &State, dice: &mut Dice) -> Option<StreamId> {
    let at = dice.below(state.streams.len().max(1) as u64) as usize;
    state.streams.keys().nth(at).copied()
}

/// Numbers are not used again once a stream was dropped: the next one of the same kind is a fresh one.
fn current_stream(state: &State, account: AccountId, kind: u32, fresh: u32) -> StreamId {
    let of_kind = |stream: &&StreamId| stream.account == account && stream.number % 3 == kind;
    let there = state.streams.keys().filter(of_kind).map(|stream| stream.number).max();
    StreamId { account, number: there.unwrap_or(fresh) }
}

fn some_account(dice: &mut Dice) -> AccountId {
    ACCOUNTS[dice.below(ACCOUNTS.len() as u64) as usize]
}

/// Of two that delete the same body, or the same record, only the first: else both would be seen to have done it.
fn without_twins(ops: Vec<Op>) -> Vec<Op> {
    let mut seen = BTreeSet::new();
    let deletes = |op: &Op| match op {
        Op::DeleteBody(account, id) => Some(format!("{account:?} {id:?}")),
        Op::Commit(Plan { account, forgets: Some(id), .. }) => Some(format!("{account:?} {id:?}")),
        _ => None,
    };
    ops.into_iter().filter(|op| deletes(op).is_none_or(|what| seen.insert(what))).collect()
}
