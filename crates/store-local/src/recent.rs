//! The ids of the newest commits, so that asking again is harmless.

use std::collections::{HashSet, VecDeque};
use store::{AccountId, CommitId};

/// How many are remembered. Across a restart: those of the log's replayed tail and the last
/// [`KEPT_IDS`](crate::index::KEPT_IDS) before it.
const REMEMBERED: usize = store::REMEMBERED_COMMITS;

/// The newest commits.
#[derive(Debug, Default)]
pub(crate) struct RecentCommits {
    order: VecDeque<(AccountId, CommitId)>,
    ids: HashSet<(AccountId, CommitId)>,
}

impl RecentCommits {
    pub(crate) fn contains(&self, id: (AccountId, CommitId)) -> bool {
        self.ids.contains(&id)
    }

    pub(crate) fn remember(&mut self, id: (AccountId, CommitId)) {
        if self.order.len() >= REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
    }
}
