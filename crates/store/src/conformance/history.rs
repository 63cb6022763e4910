//! Random histories against a naive model.
//!
//! The model keeps plain vectors and looks through all of them. Where it and the store differ, the seed that
//! is printed brings the same history again.

use super::caller::{Caller, text};
use super::seed::Seed;
use crate::{BodyId, Committed, MAX_INLINE_BODY, Seq, Store};
use bytes::Bytes;
use std::sync::Arc;

const STREAMS: u64 = 4;
const UIDS: u64 = 6;

/// One account as it should be.
#[derive(Default)]
struct Model {
    streams: Vec<ModelStream>,
    records: Vec<((u32, u32), String)>,
    bodies: Vec<Bytes>,
    soft: Vec<(u8, String)>,
}

#[derive(Default)]
struct ModelStream {
    number: u32,
    /// Everything that was ever written; a store may have forgotten what lies before `trimmed`.
    events: Vec<String>,
    trimmed: u64,
    snapshots: Vec<(u64, Vec<String>)>,
}

impl ModelStream {
    const fn at(&self) -> u64 {
        self.events.len() as u64
    }

    fn snapshot_at(&self, at: u64) -> Option<(u64, Vec<String>)> {
        self.snapshots.iter().filter(|(place, _)| *place <= at).max_by_key(|(place, _)| *place).cloned()
    }
}

impl Model {
    fn stream(&mut self, number: u32) -> Option<&mut ModelStream> {
        self.streams.iter_mut().find(|stream| stream.number == number)
    }

    fn at(&mut self, number: u32) -> u64 {
        self.stream(number).map_or(0, |stream| stream.at())
    }

    fn append(&mut self, number: u32, events: &[String]) {
        if events.is_empty() {
            return;
        }
        if self.stream(number).is_none() {
            self.streams.push(ModelStream { number, ..ModelStream::default() });
        }
        self.stream(number).unwrap().events.extend_from_slice(events);
    }

    fn record(&mut self, email: (u32, u32), record: Option<String>) {
        self.records.retain(|(kept, _)| *kept != email);
        self.records.extend(record.map(|record| (email, record)));
        self.records.sort_unstable();
    }

    fn keep_body(&mut self, body: Bytes) {
        self.bodies.retain(|kept| *kept != body);
        self.bodies.push(body);
        self.bodies.sort_unstable_by_key(|body| BodyId::of(body));
    }
}

/// A store, its model, and chance.
struct History {
    seed: Seed,
    me: Caller,
    model: Model,
    /// Numbers of dropped streams: not used again.
    dropped: u32,
    /// Makes every text another.
    texts: u64,
}

impl History {
    fn new(seed: u64, me: Caller) -> Self {
        Self { seed: Seed(seed), me, model: Model::default(), dropped: 0, texts: 0 }
    }

    fn step(&mut self) {
        match self.seed.below(20) {
            0 => self.drop_stream(),
            1 => self.stage(),
            2 => self.delete_body(),
            3 | 4 => self.snapshot(),
            5 => self.trim(),
            6 | 7 => self.soft(),
            _ => self.commit(),
        }
    }

    /// Numbers move on when a stream is dropped, so that none comes back.
    fn number(&mut self) -> u32 {
        self.dropped + self.seed.below(STREAMS) as u32
    }

    fn text(&mut self) -> String {
        self.texts += 1;
        format!("{}:{}", self.texts, "-".repeat(self.seed.below(40) as usize))
    }

    fn body(&mut self) -> Bytes {
        let kind = self.seed.below(8);
        let length = if kind == 0 { MAX_INLINE_BODY + 1 } else { 1 + self.seed.below(3_000) as usize };
        Seed(self.seed.below(8)).octets(length)
    }

    /// A place in a stream that is mostly where it stands.
    fn expectation(&mut self, number: u32) -> u64 {
        let at = self.model.at(number);
        match self.seed.below(8) {
            0 => self.seed.below(at + 1),
            1 => at + self.seed.below(3),
            _ => at,
        }
    }

    fn commit(&mut self) {
        let (first, second) = (self.number(), self.number());
        let numbers = if first == second { vec![first] } else { vec![first, second] };
        let appends: Vec<_> = numbers
            .into_iter()
            .map(|number| {
                let events: Vec<_> = (0..self.seed.below(4)).map(|_| self.text()).collect();
                (number, self.expectation(number), events)
            })
            .collect();
        let records: Vec<_> = (0..self.seed.below(4))
            .map(|_| {
                let email = (self.number(), self.seed.below(UIDS) as u32);
                (email, if self.seed.one_in(3) { None } else { Some(self.text()) })
            })
            .collect();
        let body = self.seed.one_in(3).then(|| self.body()).filter(|body| body.len() <= MAX_INLINE_BODY);
        self.commit_and_compare(&appends, records, body);
    }

    fn commit_and_compare(
        &mut self,
        appends: &[(u32, u64, Vec<String>)],
        records: Vec<((u32, u32), Option<String>)>,
        body: Option<Bytes>,
    ) {
        let mut draft = self.me.draft();
        for (number, expected, events) in appends {
            draft = draft.append(*number, *expected, &events.iter().map(String::as_str).collect::<Vec<_>>());
        }
        for ((mailbox, uid), record) in &records {
            draft = draft.record(*mailbox, *uid, record.as_deref());
        }
        if let Some(body) = &body {
            draft = draft.body(body);
        }
        let (commit, again) = (draft.commit.clone(), self.seed.one_in(10));
        let committed = draft.commit();
        let objection = appends.iter().find(|(number, expected, _)| self.model.at(*number) != *expected);
        if let Some((number, expected, _)) = objection {
            return self.compare_objection(*number, *expected, committed);
        }
        assert_eq!(committed, Committed::Done);
        appends.iter().for_each(|(number, _, events)| self.model.append(*number, events));
        records.into_iter().for_each(|(email, record)| self.model.record(email, record));
        body.into_iter().for_each(|body| self.model.keep_body(body));
        if again {
            assert_eq!(self.me.commit(commit), Committed::Done, "a commit sent again");
        }
    }

    fn compare_objection(&mut self, number: u32, expected: u64, committed: Committed) {
        let stream = self.me.stream(number);
        let at = self.model.at(number);
        let trimmed = self.model.stream(number).map_or(0, |stream| stream.trimmed);
        let diverged = Committed::Diverged { stream, at: Seq(at) };
        if expected > at {
            return assert_eq!(committed, diverged);
        }
        if expected < trimmed && committed == diverged {
            return;
        }
        let Committed::Conflict { stream: named, newer } = committed else {
            panic!("expected a conflict, not {committed:?}")
        };
        assert_eq!(named, stream);
        let newer: Vec<_> = newer.iter().map(|event| text(&event.payload)).collect();
        assert_eq!(newer, self.model.stream(number).unwrap().events[expected as usize..]);
    }

    fn drop_stream(&mut self) {
        let number = self.dropped;
        self.me.drop_stream(number);
        self.model.streams.retain(|stream| stream.number != number);
        self.dropped += 1;
    }

    fn stage(&mut self) {
        let body = self.body();
        let pieces: Vec<_> = body.chunks(50_000).map(Bytes::copy_from_slice).collect();
        assert_eq!(self.me.stage(&pieces).0, BodyId::of(&body));
        self.model.keep_body(body);
    }

    fn delete_body(&mut self) {
        let body = self.body();
        self.me.delete_body(BodyId::of(&body));
        self.model.bodies.retain(|kept| *kept != body);
    }

    fn snapshot(&mut self) {
        let (number, state) = (self.number(), self.text());
        let at = self.seed.below(self.model.at(number) + 1);
        if at == 0 {
            return;
        }
        self.me.put_snapshot(number, at, &[&state, "end"]).unwrap();
        let snapshots = &mut self.model.stream(number).unwrap().snapshots;
        snapshots.retain(|(place, _)| *place != at);
        snapshots.push((at, vec![state, "end".to_owned()]));
    }

    fn trim(&mut self) {
        let number = self.number();
        let through = self.seed.below(self.model.at(number) + 1);
        let Some(stream) = self.model.stream(number) else { return };
        let allowed = stream.snapshots.iter().any(|(at, _)| *at >= through);
        assert_eq!(self.me.trim(number, through).is_ok(), allowed);
        if allowed {
            stream.trimmed = stream.trimmed.max(through);
        }
    }

    fn soft(&mut self) {
        let key = self.seed.below(4) as u8;
        let value = if self.seed.one_in(3) { None } else { Some(self.text()) };
        self.me.put_soft(&[key], value.as_deref());
        self.model.soft.retain(|(kept, _)| *kept != key);
        self.model.soft.extend(value.map(|value| (key, value)));
    }

    /// Everything that can be asked is as the model has it.
    fn compare(&mut self) {
        let mut numbers: Vec<_> = self.model.streams.iter().map(|stream| stream.number).collect();
        numbers.sort_unstable();
        assert_eq!(self.me.stream_numbers(), numbers);
        (0..self.dropped + STREAMS as u32).for_each(|number| self.compare_stream(number));
        let records: Vec<_> =
            self.model.records.iter().map(|((m, uid), text)| (*m, *uid, text.clone())).collect();
        assert_eq!(self.me.all_records(), records);
        self.compare_bodies();
    }

    fn compare_stream(&mut self, number: u32) {
        let head = self.me.head(number);
        let Some(stream) = self.model.stream(number) else {
            assert_eq!((head, self.me.texts(number).len()), (None, 0));
            return assert_eq!(self.me.snapshot_at(number, u64::MAX), None);
        };
        assert_eq!(head, Some((stream.at(), stream.events.last().unwrap().clone())));
        let trimmed = stream.trimmed;
        let events = self.me.read(number, trimmed, usize::MAX);
        let events: Vec<_> = events.iter().map(|event| (event.seq.0, text(&event.payload))).collect();
        let expected: Vec<_> =
            (trimmed + 1..).zip(stream.events[trimmed as usize..].iter().cloned()).collect();
        assert_eq!(events, expected);
        for at in trimmed..=stream.at() {
            let expected = stream.snapshot_at(at).filter(|(place, _)| *place >= trimmed);
            let found = self.me.snapshot_at(number, at);
            assert!(found == expected || expected.is_none(), "snapshot at {at}: {found:?}, not {expected:?}");
        }
    }

    fn compare_bodies(&self) {
        let ids: Vec<_> = self.model.bodies.iter().map(|body| BodyId::of(body)).collect();
        assert_eq!(self.me.all_bodies(), ids);
        for (id, body) in ids.into_iter().zip(&self.model.bodies) {
            assert!(self.me.whole_body(id).as_ref() == Some(body), "body {id:?}");
        }
    }

    /// Apart, because a store that was closed in between may have lost them.
    fn compare_soft(&self) {
        for key in 0..4 {
            let expected =
                self.model.soft.iter().find(|(kept, _)| *kept == key).map(|(_, value)| value.as_str());
            assert_eq!(self.me.soft(&[key]).as_deref(), expected);
        }
    }
}

/// Prints the seed when a history fails.
struct Failing(u64);

impl Drop for Failing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the history with seed {} fails", self.0);
        }
    }
}

/// Twelve histories of eighty steps, each in an account of its own, compared again and again.
pub fn a_random_history_equals_the_model(store: Arc<dyn Store>) {
    let anyone = Caller::new(store);
    for seed in 1..=12 {
        let _failing = Failing(seed);
        let mut history = History::new(seed, anyone.other(seed));
        for step in 1..=80 {
            history.step();
            if step % 8 == 0 {
                history.compare();
                history.compare_soft();
            }
        }
    }
}

/// The same with the store closed and opened again on the way; soft values may be lost then.
pub(super) fn with_reopening(mut open: impl FnMut() -> Arc<dyn Store>) {
    for seed in 101..=103 {
        let _failing = Failing(seed);
        let anyone = Caller::new(open());
        let mut history = History::new(seed, anyone.other(seed));
        drop(anyone);
        for step in 1..=120 {
            history.step();
            if step % 20 == 0 {
                history = reopened(history, &mut open);
                history.compare();
            }
        }
    }
}

fn reopened(history: History, open: &mut impl FnMut() -> Arc<dyn Store>) -> History {
    let History { seed, me, model, dropped, texts } = history;
    let account = me.account;
    drop(me);
    History { seed, me: Caller { store: open(), account }, model, dropped, texts }
}
