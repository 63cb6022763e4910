//! How a long command treats others, and what its client hears meanwhile (RFC 9585).

use super::talk::Talk;
use crate::breath::breath;
use crate::port::{Gone, Peer};
use std::time::Duration;
use terms::Moment;
use wire::imap::Tag;
use wire::imap::reply::{Code, Condition, Progress, untagged};

/// So much is done at a stretch, in octets of text: a few milliseconds.
pub(super) const STRETCH: usize = 256 << 10;
/// How often a client is told how far its command is: RFC 9585, 4 recommends every 10 to 15 seconds.
pub(super) const PROGRESS_TIME: Duration = Duration::from_secs(10);

/// Breaks the work of a command into stretches. Between two of them others get the thread, and the peer is sent
/// what waits for it: a search that turns out to be long does not hold up the replies to the commands before it.
/// For a peer that has gone nobody works on.
pub(super) struct Pace<'t, P> {
    talk: &'t mut Talk<P>,
    tag: &'t Tag<'t>,
    worked: usize,
    tell_at: Moment,
    done: u64,
    goal: u64,
}

impl<'t, P: Peer> Pace<'t, P> {
    /// For the command with this tag, which is about to go through `goal` messages.
    pub(super) fn new(talk: &'t mut Talk<P>, tag: &'t Tag<'t>, goal: u64) -> Self {
        let tell_at = talk.now().plus(PROGRESS_TIME);
        Self { talk, tag, worked: 0, tell_at, done: 0, goal }
    }

    /// Takes note of messages that are done.
    pub(super) const fn done(&mut self, messages: u64) {
        self.done = self.done.saturating_add(messages);
    }

    /// Takes note of work done, in octets of text, and pauses when it is time to.
    pub(super) async fn worked(&mut self, octets: usize) -> Result<(), Gone> {
        self.worked = self.worked.saturating_add(octets);
        if self.worked < STRETCH {
            return Ok(());
        }
        self.worked = 0;
        self.tell();
        self.talk.flush().await?;
        self.talk.look()?;
        breath().await;
        Ok(())
    }

    fn tell(&mut self) {
        let now = self.talk.now();
        if self.tell_at <= now {
            self.tell_at = now.plus(PROGRESS_TIME);
            let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
            let progress = Progress { tag: self.tag, done: number(self.done), goal: number(self.goal) };
            untagged(self.talk.text(), Condition::Ok, Some(&Code::InProgress(progress)), "Still at it");
        }
    }
}
