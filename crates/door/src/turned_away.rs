//! Passwords that did not let in a short while ago.
//!
//! A telephone that has the password of before sends it every minute. Each time it would be hashed, in the lane of those who
//! are known, or handed on to a directory that locks its owner out for it.
//!
//! > **Promises.** What is known again here lets nobody in. A mark is of one record and one password, from one network and
//! > client: the time of an answer tells nobody which wrong passwords others have sent. Names that nobody has are remembered
//! > likewise, and so are right passwords of accounts that are not let in (threat T-38). Nothing of it is written.

use mail::{Accounts, Remembered};
use sasl::{Mark, Verdict};
use std::time::Duration;
use terms::Moment;

/// For how long: while nothing has changed a wrong password stays wrong, so this only bounds what is kept.
const WRONG_FOR: Duration = Duration::from_secs(30 * 60);

/// For how long where a directory has said so, which may have locked somebody out for a while: of that nothing tells, nor of
/// its end. Four guesses an hour lock nobody out.
pub(crate) const WRONG_FOR_ELSEWHERE: Duration = Duration::from_secs(15 * 60);

/// For how long where nothing tells that a password has been changed, perhaps into this one.
pub(crate) const WRONG_FOR_UNTOLD: Duration = Duration::from_secs(5 * 60);

/// How many of each of the two kinds, each of some 150 octets.
const MAX_TURNED_AWAY: usize = 1 << 14;

/// What did not let in, and why.
#[derive(Debug)]
pub(crate) struct TurnedAway {
    wrong: Remembered,
    /// Right, of accounts that are not let in.
    barred: Remembered,
}

impl TurnedAway {
    pub(crate) fn new(accounts: &Accounts) -> Self {
        let remembered = || accounts.remembered(WRONG_FOR, MAX_TURNED_AWAY);
        Self { wrong: remembered(), barred: remembered() }
    }

    /// What was found out, a short while ago. Of an account that is let in, that a password is right is not known here.
    pub(crate) fn recall(&self, mark: &Mark, lets_in: bool, now: Moment) -> Option<Verdict> {
        if self.wrong.holds(mark, now) {
            return Some(Verdict::Wrong);
        }
        (!lets_in && self.barred.holds(mark, now)).then_some(Verdict::Right)
    }

    /// It has just been found out; it is to be known again for no longer than `most`.
    pub(crate) fn keep(&self, mark: Mark, (verdict, lets_in): (Verdict, bool), now: Moment, most: Duration) {
        match verdict {
            Verdict::Wrong => self.wrong.remember_for(mark, now, most),
            Verdict::Right if !lets_in => self.barred.remember_for(mark, now, most),
            Verdict::Right => {}
        }
    }
}
