//! How a long command treats others, and what its client hears meanwhile (RFC 9585).

use super::talk::Talk;
use crate::breath::breath;
use crate::port::{Gone, Peer};
use crate::race::{First, race};
use std::future::Future;
use std::pin::pin;
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
            tell(self.tag, self.done, self.goal, self.talk.text());
        }
    }
}

/// Waits for a change that others make, on a disk that may be slow or full. It is one commit, so until it is done none of
/// its `goal` messages are; a goal of 0 is one that nobody knows. A peer that has gone is not waited with: the change
/// comes to its end, or to nothing, without it.
pub(super) async fn patiently<T, P: Peer>(
    change: impl Future<Output = T> + Send,
    goal: u64,
    tag: &Tag<'_>,
    talk: &mut Talk<P>,
) -> Result<T, Gone> {
    let mut change = pin!(change);
    loop {
        let tell_at = talk.now().plus(PROGRESS_TIME);
        let first = {
            let moment = pin!(talk.wait(tell_at));
            race(change.as_mut(), moment).await
        };
        match first {
            First::One(changed) => return Ok(changed),
            First::Other(()) => {
                tell(tag, 0, goal, talk.text());
                talk.flush().await?;
                talk.look()?;
            }
        }
    }
}

fn tell(tag: &Tag<'_>, done: u64, goal: u64, out: &mut Vec<u8>) {
    let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let progress = Progress { tag, done: number(done), goal: number(goal) };
    untagged(out, Condition::Ok, Some(&Code::InProgress(progress)), "Still at it");
}
