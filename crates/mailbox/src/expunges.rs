//! Which messages went with which MODSEQ: what QRESYNC and views ask (RFC 7162, 5.3).

use std::sync::Arc;
use terms::{ModSeq, UidSet};

/// Most UID ranges remembered: at eight octets each, less than a megabyte.
const MAX_RANGES: usize = 100_000;
/// Most expunges remembered.
const MAX_EXPUNGES: usize = 16_384;
/// Expunges that are forgotten, and copied, together.
const CHUNK: usize = 64;

/// A bounded queue of (UIDs, MODSEQ). What falls out of it leaves its MODSEQ as the *horizon*: who knows the
/// mailbox since before that is told of every UID that is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expunges {
    horizon: ModSeq,
    /// Oldest first; each is full but the last.
    chunks: Vec<Arc<Vec<Expunge>>>,
    ranges: usize,
}

/// One event's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expunge {
    pub(crate) modseq: ModSeq,
    pub(crate) uids: Arc<UidSet>,
}

impl Expunges {
    pub(crate) const fn from_horizon(horizon: ModSeq) -> Self {
        Self { horizon, chunks: Vec::new(), ranges: 0 }
    }

    pub(crate) const fn horizon(&self) -> ModSeq {
        self.horizon
    }

    /// Remembers one more, and forgets the oldest beyond the bounds.
    pub(crate) fn push(&mut self, modseq: ModSeq, uids: UidSet) {
        self.ranges += uids.spans().len();
        let expunge = Expunge { modseq, uids: Arc::new(uids) };
        match self.chunks.last_mut().filter(|chunk| chunk.len() < CHUNK) {
            Some(open) => Arc::make_mut(open).push(expunge),
            None => self.chunks.push(Arc::new(vec![expunge])),
        }
        while self.chunks.len() > 1 && (self.ranges > MAX_RANGES || self.chunks.len() > MAX_EXPUNGES / CHUNK)
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        for expunge in self.chunks.remove(0).iter() {
            self.ranges -= expunge.uids.spans().len();
            self.horizon = self.horizon.max(expunge.modseq);
        }
    }

    /// Forgets all: what was gone before this MODSEQ may be more than is written here.
    pub(crate) fn forget(&mut self, horizon: ModSeq) {
        *self = Self::from_horizon(horizon);
    }

    /// Newest first, those behind `since`; `None` when some of them are forgotten.
    pub(crate) fn behind(&self, since: ModSeq) -> Option<impl Iterator<Item = &Expunge>> {
        let newest_first = self.chunks.iter().rev().flat_map(|chunk| chunk.iter().rev());
        (since >= self.horizon).then(|| newest_first.take_while(move |expunge| expunge.modseq > since))
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Expunge> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    pub(crate) fn heap_octets(&self) -> usize {
        let expunges: usize = self.chunks.iter().map(|chunk| chunk.capacity() * size_of::<Expunge>()).sum();
        let count: usize = self.chunks.iter().map(|chunk| chunk.len()).sum();
        let sets = count * (size_of::<UidSet>() + 2 * size_of::<usize>());
        expunges + sets + self.ranges * 8
    }
}
