//! Many sessions that are opened alike.
//!
//! A server that cannot let in all who come at the same time may say so (`[UNAVAILABLE]`, RFC 5530) or hang up; a mail
//! program tries again a little later, and so do those who come back here.

use super::Idler;
use crate::bench::{Bench, all};
use crate::client::Session;
use crate::dice::Dice;
use crate::latency::Latencies;
use crate::trouble::Trouble;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How long somebody who was turned away waits, at least and at most, in milliseconds.
const AGAIN_MS: Range<u64> = 500..1_500;
/// How long somebody tries.
const PERSISTENCE: Duration = Duration::from_secs(300);

/// What becomes of a session that a server turns away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// The run has failed.
    Fails,
    /// It comes again.
    ComesAgain,
}

/// Those who idle, whether they are there already or not.
pub(super) struct Crowd {
    bench: Arc<Bench>,
    pub(super) sessions: u32,
    /// How many, from the first on, look at a mailbox of ours; the others at INBOX, to which nothing is written.
    pub(super) waking: u32,
    /// The mailboxes of ours, as they are written in a command: that of user 0, of user 1 and so on.
    pub(super) mailboxes: Vec<String>,
    /// How often somebody was turned away, and came again.
    pub(super) turned: AtomicU64,
}

impl Crowd {
    pub(super) async fn new(bench: &Arc<Bench>, sessions: u32, waking: u32) -> Result<Self, Trouble> {
        let mut mailboxes = Vec::new();
        for user in 0..waking.min(bench.plan.users.count()) {
            let mut session = bench.session(user, user).await?;
            mailboxes.push(bench.make(&mut session, user, "bench-idle").await?);
            session.log_out().await?;
        }
        Ok(Self { bench: Arc::clone(bench), sessions, waking, mailboxes, turned: AtomicU64::new(0) })
    }

    /// Whose the mailbox of ours is that a session looks at, if it does.
    pub(super) fn user(&self, number: u32) -> Option<u32> {
        let users = u32::try_from(self.mailboxes.len()).ok()?;
        (number < self.waking).then(|| number.checked_rem(users))?
    }

    /// Opens those of a range, so many at the same time; and how long each took from its connection to its IDLE.
    pub(super) async fn open(
        self: &Arc<Self>,
        range: Range<u32>,
        at_once: u32,
        turned: Turned,
    ) -> Result<(Vec<Idler>, Latencies), Trouble> {
        let what = "sessions";
        let count = range.end.saturating_sub(range.start);
        self.bench.watcher.begins(what, u64::from(count));
        let (next, mut set) = (Arc::new(AtomicU32::new(range.start)), JoinSet::new());
        for _ in 0..at_once.clamp(1, count.max(1)) {
            let (crowd, next) = (Arc::clone(self), Arc::clone(&next));
            set.spawn(async move {
                let mut opened = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= range.end {
                        return Ok(opened);
                    }
                    let start = Instant::now();
                    let idler = crowd.begin(number, turned).await?;
                    opened.push((idler, start.elapsed()));
                    crowd.bench.watcher.moves(what, 1);
                }
            });
        }
        let parts = all(set).await;
        self.bench.watcher.ends(what);
        let (mut idlers, mut latencies) = (Vec::new(), Latencies::default());
        for (idler, took) in parts?.into_iter().flatten() {
            latencies.add(took);
            idlers.push(idler);
        }
        Ok((idlers, latencies))
    }

    async fn begin(&self, number: u32, turned: Turned) -> Result<Idler, Trouble> {
        let (start, mut dice) = (Instant::now(), Dice::of(self.bench.plan.recipe.seed, u64::from(number)));
        let may_wait = || turned == Turned::ComesAgain && start.elapsed() < PERSISTENCE;
        loop {
            // From the second source address on: the first is left to those who measure.
            let connected = self.bench.target.connect(number.saturating_add(1)).await;
            let done = match connected {
                Ok(session) => self.go_idle(session, number, may_wait, &mut dice).await,
                Err(why) => Err(why),
            };
            match done {
                Err(why) if may_wait() && is_passing(&why) => self.wait(&mut dice).await,
                done => return done,
            }
        }
    }

    /// Signs in, over one connection as often as needed, and goes into IDLE.
    async fn go_idle(
        &self,
        mut session: Session,
        number: u32,
        may_wait: impl Fn() -> bool,
        dice: &mut Dice,
    ) -> Result<Idler, Trouble> {
        loop {
            match self.bench.sign_in(&mut session, number).await {
                Err(why @ Trouble::Refused { .. }) if may_wait() && is_passing(&why) => self.wait(dice).await,
                done => break done?,
            }
        }
        match self.user(number).and_then(|user| self.mailboxes.get(user as usize)) {
            Some(mailbox) => session.select(mailbox).await?,
            None => session.examine("INBOX").await?,
        };
        let tag = session.idle().await?;
        Ok(Idler { number, session, tag })
    }

    async fn wait(&self, dice: &mut Dice) {
        self.turned.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(AGAIN_MS.start + dice.below(AGAIN_MS.end - AGAIN_MS.start))).await;
    }
}

/// Whether a server that turns somebody away means for now: it hangs up, or says so.
fn is_passing(why: &Trouble) -> bool {
    match why {
        Trouble::Lost(_) => true,
        Trouble::Refused { answer, .. } => answer.contains("[UNAVAILABLE]"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_to_come_again_does_and_whose_password_is_wrong_does_not() {
        let refused = |answer: &[u8]| is_passing(&Trouble::refused("signing in", answer));
        assert!(refused(b"NO [UNAVAILABLE] Too many are signing in just now"));
        assert!(!refused(b"NO [AUTHENTICATIONFAILED] No such user, or a wrong password"));
        assert!(is_passing(&Trouble::Lost("the server closed the connection".into())));
        assert!(!is_passing(&Trouble::Garbled(String::new())));
    }
}
