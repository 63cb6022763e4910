//! Where a set of UIDs meets a tree.

use terms::Uid;

/// The part of a UID set that falls into one node.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(super) spans: &'a [(Uid, Uid)],
    pub(super) first: Uid,
    pub(super) last: Uid,
}

impl<'a> Part<'a> {
    pub(super) fn between(self, first: Uid, last: Uid) -> Self {
        let from = self.spans.partition_point(|span| span.1 < first);
        let to = self.spans.partition_point(|span| span.0 <= last);
        let spans = self.spans.get(from..to).unwrap_or_default();
        Self { spans, first: first.max(self.first), last: last.min(self.last) }
    }

    pub(super) fn is_empty(self) -> bool {
        self.spans.is_empty()
    }

    /// Whether a UID is in it.
    pub(crate) fn contains(self, uid: Uid) -> bool {
        let at = self.spans.partition_point(|span| span.1 < uid);
        (self.first..=self.last).contains(&uid) && self.spans.get(at).is_some_and(|span| span.0 <= uid)
    }

    /// Its UIDs, ascending.
    pub(crate) fn iter(self) -> impl Iterator<Item = Uid> + 'a {
        let clip = move |&(a, b): &(Uid, Uid)| (a.max(self.first).get(), b.min(self.last).get());
        self.spans.iter().map(clip).flat_map(|(a, b)| (a..=b).filter_map(Uid::new))
    }
}
