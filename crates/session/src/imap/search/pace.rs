//! How a long search treats others.

use crate::breath::breath;
use crate::imap::talk::Talk;
use crate::port::{Gone, Peer};
use std::time::Duration;
use terms::Moment;
use wire::imap::reply::{Condition, untagged};

/// So much is done at a stretch, in octets of text: a few milliseconds.
pub(super) const STRETCH: usize = 256 << 10;
/// How often a client is told that its search goes on.
pub(super) const REASSURANCE_TIME: Duration = Duration::from_secs(10);

/// Breaks the work of a search into stretches. Between two of them others get the thread, and the peer is sent
/// what waits for it: a search that turns out to be long does not hold up the replies to the commands before it.
/// For a peer that has gone nobody searches on.
pub(super) struct Pace<'t, P> {
    talk: &'t mut Talk<P>,
    worked: usize,
    reassure_at: Moment,
}

impl<'t, P: Peer> Pace<'t, P> {
    pub(super) fn new(talk: &'t mut Talk<P>) -> Self {
        let reassure_at = talk.now().plus(REASSURANCE_TIME);
        Self { talk, worked: 0, reassure_at }
    }

    /// Takes note of work done, in octets of text, and pauses when it is time to.
    pub(super) async fn worked(&mut self, octets: usize) -> Result<(), Gone> {
        self.worked = self.worked.saturating_add(octets);
        if self.worked < STRETCH {
            return Ok(());
        }
        self.worked = 0;
        self.reassure();
        self.talk.flush().await?;
        self.talk.look()?;
        breath().await;
        Ok(())
    }

    fn reassure(&mut self) {
        let now = self.talk.now();
        if self.reassure_at <= now {
            self.reassure_at = now.plus(REASSURANCE_TIME);
            untagged(self.talk.text(), Condition::Ok, None, "Still searching");
        }
    }
}
