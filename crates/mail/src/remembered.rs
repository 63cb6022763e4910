//! Passwords that were right a short while ago.
//!
//! Webmail signs in with every click, and each time the password is hashed at a price that is meant for guessers. So a
//! password that was right is known again for a while, by an HMAC whose key lives and dies with the process.
//!
//! > **Promises.** Only what is told is remembered, and right passwords never in one memory with wrong ones (the door has
//! > one for each). No mark of one account, of one mechanism or of an older password is met by another ([`MarkKey::mark`],
//! > threat T-31). No password is kept.
//!
//! Whoever asks has looked whether the account may sign in: what is remembered says of a password that it is right, and
//! nothing else.

use sasl::{CredentialRecord, Mark, MarkKey, Secret};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use terms::{AccountId, Moment};

/// What was right, for a while from when its hash was computed, however often it is asked for.
#[derive(Debug)]
pub struct Remembered {
    key: MarkKey,
    time: Duration,
    /// How many, each of some 150 octets.
    most: usize,
    marks: Mutex<Marks>,
}

#[derive(Debug, Default)]
struct Marks {
    until: HashMap<Mark, Moment>,
    /// In the order in which they came, which is that in which they end: one that ends sooner than those before it waits
    /// here for them, and is asked for its end all the same.
    order: VecDeque<Mark>,
}

impl Remembered {
    /// Nothing yet. No time: nothing ever.
    #[must_use]
    pub fn new(key: MarkKey, time: Duration, most: usize) -> Self {
        Self { key, time, most, marks: Mutex::default() }
    }

    /// By what a password would be remembered. Made of every password that is checked, so that nobody's takes longer.
    #[must_use]
    pub fn mark(
        &self,
        account: Option<AccountId>,
        mechanism: &str,
        record: &CredentialRecord,
        password: &Secret,
    ) -> Mark {
        self.key.mark(account.unwrap_or(AccountId::DIRECTORY).0, mechanism, record, password)
    }

    /// The same of a password that a directory elsewhere knows. `version` says whose it is there, and becomes another with
    /// it.
    #[must_use]
    pub fn mark_elsewhere(&self, mechanism: &str, version: &[u8], password: &Secret) -> Mark {
        self.key.mark_elsewhere(AccountId::DIRECTORY.0, mechanism, version, password)
    }

    /// Whether it was right a short while ago.
    ///
    /// That this looks a mark up, and does not compare all of them in constant time, tells nothing: which octets a
    /// password has in here is known to nobody who does not have the key.
    #[must_use]
    pub fn holds(&self, mark: &Mark, now: Moment) -> bool {
        self.marks().until.get(mark).is_some_and(|until| now < *until)
    }

    /// It was right just now.
    pub fn remember(&self, mark: Mark, now: Moment) {
        self.remember_for(mark, now, self.time);
    }

    /// The same, for no longer than `most`: of what may change without our hearing of it.
    pub fn remember_for(&self, mark: Mark, now: Moment, most: Duration) {
        let mut marks = self.marks();
        marks.forget(now, self.most);
        let is_held = marks.until.get(&mark).is_some_and(|until| now < *until);
        if self.most > 0 && !self.time.is_zero() && !is_held {
            marks.until.insert(mark, now.plus(self.time.min(most)));
            marks.order.push_back(mark);
        }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    /// What has ended, and the oldest where there is no room for another.
    fn forget(&mut self, now: Moment, most: usize) {
        while let Some(oldest) = self.order.front() {
            let is_over = self.until.get(oldest).is_none_or(|until| *until <= now);
            if !is_over && self.until.len() < most {
                return;
            }
            self.until.remove(oldest);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sasl::{Cost, Salts, Workspace};

    const TIME: Duration = Duration::from_secs(300);

    fn remembered(most: usize) -> Remembered {
        Remembered::new(MarkKey::new([1; 32]), TIME, most)
    }

    fn password(text: &str) -> Secret {
        Secret::password(text).unwrap()
    }

    fn record(text: &str, salt: u8) -> CredentialRecord {
        let cost = Cost::new(8, 1, 4_096).unwrap();
        CredentialRecord::new(&password(text), Salts([salt; 32]), &cost, &mut Workspace::new())
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_mark_is_met_by_the_same_account_mechanism_record_and_password_alone() {
        let remembered = remembered(100);
        // The same password, and for two of them the same salts: as near to each other as accounts can be.
        let records = [("one", 1), ("one", 2), ("other", 1)].map(|(text, salt)| record(text, salt));
        let passwords = ["one", "other", "on", "one1"].map(password);
        let mut marks = Vec::new();
        for account in [None, Some(AccountId(1)), Some(AccountId(2))] {
            for record in &records {
                for password in &passwords {
                    // The second is as near to the first as a longer name can be: it ends as a password begins.
                    for mechanism in ["plain", "plaino", "login"] {
                        marks.push(remembered.mark(account, mechanism, record, password));
                    }
                }
            }
        }
        for mark in &marks {
            remembered.remember(*mark, at(0));
            assert_eq!(marks.iter().filter(|other| *other == mark).count(), 1);
            assert!(remembered.holds(mark, at(0)));
        }
        let stranger = Remembered::new(MarkKey::new([2; 32]), TIME, 100);
        let theirs = stranger.mark(Some(AccountId(1)), "plain", &records[0], &passwords[0]);
        assert!(!marks.contains(&theirs), "another process has another key");
    }

    #[test]
    fn what_was_right_is_right_for_its_time_and_using_it_makes_that_no_longer() {
        let remembered = remembered(100);
        let mark = remembered.mark(Some(AccountId(1)), "plain", &record("one", 1), &password("one"));
        assert!(!remembered.holds(&mark, at(0)));
        remembered.remember(mark, at(0));
        remembered.remember(mark, at(200));
        assert!(remembered.holds(&mark, at(299)));
        assert!(!remembered.holds(&mark, at(300)));
        remembered.remember(mark, at(300));
        assert!(remembered.holds(&mark, at(599)));
    }

    #[test]
    fn there_are_never_more_than_so_many_and_the_oldest_goes_first() {
        let remembered = remembered(3);
        let (record, password) = (record("one", 1), password("one"));
        let marks: Vec<Mark> =
            (1..=5).map(|id| remembered.mark(Some(AccountId(id)), "plain", &record, &password)).collect();
        for (second, mark) in (0..).zip(&marks) {
            remembered.remember(*mark, at(second));
            let Marks { until, order } = &*remembered.marks();
            assert!(until.len() <= 3 && until.len() == order.len());
        }
        let held: Vec<bool> = marks.iter().map(|mark| remembered.holds(mark, at(5))).collect();
        assert_eq!(held, [false, false, true, true, true]);
        // What has ended goes when something comes.
        remembered.remember(marks[0], at(1_000));
        assert_eq!(remembered.marks().order.len(), 1);
    }

    #[test]
    fn without_time_or_room_nothing_is_remembered() {
        for (time, most) in [(Duration::ZERO, 100), (TIME, 0)] {
            let remembered = Remembered::new(MarkKey::new([1; 32]), time, most);
            let mark = remembered.mark(Some(AccountId(1)), "plain", &record("one", 1), &password("one"));
            remembered.remember(mark, at(0));
            assert!(!remembered.holds(&mark, at(0)));
            assert!(remembered.marks().order.is_empty());
        }
    }

    #[test]
    fn nothing_of_it_can_be_printed() {
        let remembered = remembered(3);
        let mark = remembered.mark(Some(AccountId(1)), "plain", &record("one", 1), &password("one"));
        assert_eq!(format!("{mark:?} {:?}", MarkKey::new([7; 32])), "Mark(…) MarkKey(…)");
    }
}
