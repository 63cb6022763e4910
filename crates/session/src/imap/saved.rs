//! `$`: what the last SEARCH with SAVE has found (RFC 5182).

use crate::refusal::Refusal;
use terms::UidSet;
use wire::imap::reply::Code;

/// How many ranges of UIDs a session keeps for its client: one MiB of them.
pub(super) const MAX_SAVED_RANGES: usize = 128 << 10;

/// The search result variable of an open mailbox; a mailbox that is opened begins with an empty one (RFC 5182, 2.1).
///
/// It holds UIDs, which go on to mean the same messages. Those that the client has been told are expunged are taken
/// out where it is used.
#[derive(Debug, Default)]
pub(super) struct Saved(UidSet);

impl Saved {
    /// Keeps what was found; nothing, where that would be too much (RFC 5182, 2.5).
    pub(super) fn keep(&mut self, found: UidSet) -> Result<(), Refusal> {
        self.forget();
        if found.spans().len() > MAX_SAVED_RANGES {
            return Err(Refusal::denied(Code::NotSaved, "That is too much to remember; ask for part of it"));
        }
        self.0 = found;
        Ok(())
    }

    /// RFC 5182, 2.1: a SEARCH with SAVE that is answered with a NO leaves nothing.
    pub(super) fn forget(&mut self) {
        self.0 = UidSet::new();
    }

    /// Those of them that are among the messages that the client has been told of.
    pub(super) fn among(&self, told: &UidSet) -> UidSet {
        self.0.intersection(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::Uid;

    fn every_other(count: usize) -> UidSet {
        (0..count).filter_map(|n| Uid::new(2 * u32::try_from(n).unwrap() + 1)).collect()
    }

    #[test]
    fn what_is_saved_is_bounded_and_what_is_beyond_empties_it() {
        let (told, mut saved) = (UidSet::range(Uid::MIN, Uid::MAX), Saved::default());
        saved.keep(every_other(MAX_SAVED_RANGES)).unwrap();
        assert_eq!(saved.among(&told).len(), MAX_SAVED_RANGES as u64);
        assert!(saved.keep(every_other(MAX_SAVED_RANGES + 1)).is_err());
        assert!(saved.among(&told).is_empty());
    }
}
