//! A pause in asking whoever does not answer. Pure: what time it is comes from outside.

use crate::claims::UnixTime;
use directory::{ASKED_AGAIN_AFTER, FAILURES_BEFORE_REST, Trouble};

/// Failures one behind the other, and the pause behind too many of them: as [`directory::Member`] has it for all that a directory
/// is asked, but for introspection alone, so that signed tokens are judged on by keys that are known.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    failures: u32,
    asked: Option<UnixTime>,
    trouble: Option<Trouble>,
}

impl Pause {
    /// Why nobody is asked now. Whoever may ask all the same keeps the others from it by asking.
    pub(crate) fn holds(&mut self, now: UnixTime) -> Option<Trouble> {
        let since = |asked: UnixTime| now >= asked.plus(ASKED_AGAIN_AFTER.as_secs());
        let is_due = self.asked.is_none_or(|asked| now < asked || since(asked));
        if self.failures < FAILURES_BEFORE_REST || is_due {
            self.asked = Some(now);
            return None;
        }
        self.trouble.clone()
    }

    /// What came of asking.
    pub(crate) fn note<T>(&mut self, outcome: &Result<T, Trouble>) {
        match outcome {
            Ok(_) => (self.failures, self.trouble) = (0, None),
            Err(why) => {
                self.failures = self.failures.saturating_add(1);
                self.trouble = Some(why.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_three_failures_one_asks_every_five_seconds_until_there_is_an_answer() {
        let mut pause = Pause::default();
        let failed: Result<(), _> = Err(Trouble::new("down"));
        for _ in 0..FAILURES_BEFORE_REST {
            assert_eq!(pause.holds(UnixTime(100)), None);
            pause.note(&failed);
        }
        for (now, holds) in [(100, true), (104, true), (105, false), (105, true), (109, true), (110, false)] {
            assert_eq!(pause.holds(UnixTime(now)).is_some(), holds, "{now}");
        }
        pause.note(&Ok(()));
        for _ in 0..100 {
            assert_eq!(pause.holds(UnixTime(110)), None);
        }
    }
}
