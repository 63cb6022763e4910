//! One file: what it shows, what it would keep, and what lies between.

use crate::dice::Dice;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A file's content.
#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    /// What reading shows.
    shown: Vec<u8>,
    /// What a power cut leaves for certain.
    durable: Vec<u8>,
    /// What was done since the last sync.
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Inode {
    pub(super) fn read(&self, into: &mut [u8], offset: u64) -> usize {
        let there = self.shown.get(offset as usize..).unwrap_or_default();
        let count = there.len().min(into.len());
        into[..count].copy_from_slice(&there[..count]);
        count
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        let offset = offset as usize;
        write(&mut self.shown, offset, bytes);
        self.pending.push(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn set_length(&mut self, length: u64) {
        self.shown.resize(length as usize, 0);
        self.pending.push(Change::Length(length as usize));
    }

    pub(super) const fn length(&self) -> u64 {
        self.shown.len() as u64
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.make(&mut self.durable);
        }
    }

    /// Some of it reached the disk. None of it will be tried again, and all of it still reads back.
    pub(super) fn fail_sync(&mut self, dice: &mut Dice) {
        self.durable = self.survivors(dice);
        self.pending.clear();
    }

    /// The file when the power comes back.
    pub(super) fn after_cut(&self, dice: &mut Dice) -> Self {
        let left = self.survivors(dice);
        Self { shown: left.clone(), durable: left, pending: Vec::new() }
    }

    pub(super) fn flip_bit(&mut self, offset: usize, bit: u8) {
        self.shown[offset] ^= 1 << bit;
        if let Some(octet) = self.durable.get_mut(offset) {
            *octet ^= 1 << bit;
        }
    }

    fn survivors(&self, dice: &mut Dice) -> Vec<u8> {
        let mut left = self.durable.clone();
        for change in in_some_order(&self.pending, dice) {
            change.survive(&mut left, dice);
        }
        // The length may be written down before what it is the length of.
        if left.len() < self.shown.len() && dice.chance(25) {
            left.resize(self.shown.len(), 0);
        }
        left
    }
}

impl Change {
    fn make(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => write(to, *offset, bytes),
            Self::Length(length) => to.resize(*length, 0),
        }
    }

    /// All of it, nothing of it, or some of its sectors.
    fn survive(&self, to: &mut Vec<u8>, dice: &mut Dice) {
        match (dice.below(3), self) {
            (0, _) => {}
            (1, _) | (_, Self::Length(_)) => self.make(to),
            (_, Self::Write { offset, bytes }) => tear(*offset, bytes, to, dice),
        }
    }
}

/// Hardly anything of it, half of it, or nearly all: what is torn in one place only is the hardest to notice.
fn tear(offset: usize, bytes: &[u8], to: &mut Vec<u8>, dice: &mut Dice) {
    let kept = dice.pick(&[5, 50, 95]);
    let mut start = 0;
    while start < bytes.len() {
        let end = bytes.len().min(start + SECTOR - (offset + start) % SECTOR);
        if dice.chance(kept) {
            write(to, offset + start, &bytes[start..end]);
        }
        start = end;
    }
}

fn in_some_order<'a>(changes: &'a [Change], dice: &mut Dice) -> Vec<&'a Change> {
    let mut order: Vec<&Change> = changes.iter().collect();
    for i in (1..order.len()).rev() {
        order.swap(i, dice.below(i as u64 + 1) as usize);
    }
    order
}

fn write(to: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    to[offset..end].copy_from_slice(bytes);
}
