//! SORT: an order of messages (RFC 5256).
//!
//! A message's criteria become one [`SortKey`], whose octets compare as the messages do, REVERSE included. A
//! [`Sorter`] takes messages in the order of the mailbox and gives them back in the order of their keys; equal keys
//! stay in mailbox order, "in other words, there is an implicit sort criterion of sequence number".
//!
//! > **Bounds.** A message costs its key and 12 octets; a key has at most [`MAX_KEY_TEXT_OCTETS`] of each text.
//! > Sorting is `n log n` comparisons whatever the keys are, and never much at once: runs of [`RUN`] messages are
//! > sorted as they come, and merged one message at a time.
//!
//! Left to others: which criteria there are, and what a message has for them.

use crate::casemap::casemap;
use std::cmp::Ordering;
use std::ops::Range;
use terms::Uid;

/// How much of a text is compared, in octets of its collated form. Texts that agree so far count as equal.
pub const MAX_KEY_TEXT_OCTETS: usize = 256;

/// How many messages are sorted at once.
pub const RUN: usize = 4_096;

/// Which way a criterion sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// "Sorting is in ascending order."
    Ascending,
    /// REVERSE
    Descending,
}

/// What a message is sorted by: the values of all criteria, in the order of their priority.
#[derive(Clone, Debug, Default)]
pub struct SortKey {
    octets: Vec<u8>,
    collated: Vec<u8>,
}

impl SortKey {
    /// Of no criterion.
    #[must_use]
    pub const fn new() -> Self {
        Self { octets: Vec::new(), collated: Vec::new() }
    }

    /// Forgets the criteria, for the next message.
    pub fn clear(&mut self) {
        self.octets.clear();
    }

    /// Adds a date or a size.
    pub fn number(&mut self, direction: Direction, number: i64) {
        let start = self.octets.len();
        let in_order = number.cast_unsigned() ^ (1 << 63);
        self.octets.extend_from_slice(&in_order.to_be_bytes());
        self.turn(start, direction);
    }

    /// Adds a text, collated by `i;unicode-casemap`. "The empty string always collates before non-empty strings."
    pub fn text(&mut self, direction: Direction, text: &str) {
        let start = self.octets.len();
        self.collated.clear();
        casemap(text, &mut self.collated);
        for octet in self.collated.iter().take(MAX_KEY_TEXT_OCTETS) {
            // The end must come before all that may follow, and be told from it.
            match octet {
                0 => self.octets.extend_from_slice(&[0, 1]),
                octet => self.octets.push(*octet),
            }
        }
        self.octets.extend_from_slice(&[0, 0]);
        self.turn(start, direction);
    }

    fn turn(&mut self, start: usize, direction: Direction) {
        if direction == Direction::Descending {
            for octet in self.octets.iter_mut().skip(start) {
                *octet = !*octet;
            }
        }
    }
}

/// Messages being sorted.
#[derive(Debug, Default)]
pub struct Sorter {
    sorted: Vec<Run>,
    open: Run,
    cost: Cost,
}

/// What a sort took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many keys were compared with another.
    pub comparisons: u64,
    /// How many octets that looked at, at most: all of the shorter key, though a difference may come sooner.
    pub octets: u64,
}

impl Cost {
    fn compare(&mut self, a: &[u8], b: &[u8]) -> Ordering {
        self.comparisons += 1;
        self.octets += a.len().min(b.len()) as u64;
        a.cmp(b)
    }
}

impl Sorter {
    /// Of no messages yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next message of the mailbox.
    pub fn push(&mut self, uid: Uid, key: &SortKey) {
        self.open.push(uid, &key.octets);
        if self.open.entries.len() == RUN {
            self.close();
        }
    }

    /// The messages in order.
    #[must_use]
    pub fn finish(mut self) -> Sorted {
        self.close();
        Sorted::new(self.sorted, self.cost)
    }

    fn close(&mut self) {
        let mut run = std::mem::take(&mut self.open);
        run.sort(&mut self.cost);
        self.sorted.push(run);
    }
}

/// Messages that follow each other in the mailbox.
#[derive(Debug, Default)]
struct Run {
    keys: Vec<u8>,
    entries: Vec<Entry>,
    /// How many are out.
    taken: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    end: u32,
    uid: Uid,
}

impl Run {
    fn push(&mut self, uid: Uid, key: &[u8]) {
        let start = self.octets();
        self.keys.extend_from_slice(key);
        self.entries.push(Entry { start, end: self.octets(), uid });
    }

    /// A run's keys stay far below 4 GiB: a criterion is named once, and there are nine.
    fn octets(&self) -> u32 {
        u32::try_from(self.keys.len()).unwrap_or(u32::MAX)
    }

    fn sort(&mut self, cost: &mut Cost) {
        let keys = &self.keys;
        self.entries.sort_by(|a, b| cost.compare(key(keys, a), key(keys, b)));
    }

    fn first(&self) -> Option<&Entry> {
        self.entries.get(self.taken)
    }

    fn first_key(&self) -> &[u8] {
        self.first().map_or(&[], |entry| key(&self.keys, entry))
    }
}

fn key<'k>(keys: &'k [u8], entry: &Entry) -> &'k [u8] {
    let Entry { start, end, uid: _ } = *entry;
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    range.and_then(|(start, end)| keys.get(Range { start, end })).unwrap_or_default()
}

/// Sorted messages: the runs are merged while they are taken.
#[derive(Debug)]
pub struct Sorted {
    runs: Vec<Run>,
    /// A heap of those runs that are not empty, the one with the least first key on top.
    heap: Vec<usize>,
    cost: Cost,
}

impl Sorted {
    fn new(runs: Vec<Run>, cost: Cost) -> Self {
        let heap = (0..runs.len()).filter(|run| runs.get(*run).is_some_and(|run| run.first().is_some()));
        let mut sorted = Self { heap: heap.collect(), runs, cost };
        for place in (0..sorted.heap.len() / 2).rev() {
            sorted.sink(place);
        }
        sorted
    }

    /// What it took so far.
    #[must_use]
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// Brings a run down to where it belongs in the heap.
    fn sink(&mut self, mut place: usize) {
        loop {
            let least = [2 * place + 1, 2 * place + 2].into_iter().fold(place, |a, b| self.lesser(a, b));
            if least == place {
                return;
            }
            self.heap.swap(place, least);
            place = least;
        }
    }

    /// Of two places in the heap, the first one existing. Of equal messages the earlier run has the earlier ones.
    fn lesser(&mut self, a: usize, b: usize) -> usize {
        let run = |place: usize| self.heap.get(place).and_then(|run| Some((self.runs.get(*run)?, *run)));
        let (Some((first, first_at)), Some((second, second_at))) = (run(a), run(b)) else { return a };
        let order = self.cost.compare(second.first_key(), first.first_key()).then(second_at.cmp(&first_at));
        if order == Ordering::Less { b } else { a }
    }
}

impl Iterator for Sorted {
    type Item = Uid;

    fn next(&mut self) -> Option<Uid> {
        let top = *self.heap.first()?;
        let run = self.runs.get_mut(top)?;
        let uid = run.first()?.uid;
        run.taken += 1;
        if run.first().is_none() {
            // Its memory is free before the last message is out.
            *run = Run::default();
            self.heap.swap_remove(0);
        }
        self.sink(0);
        Some(uid)
    }
}
