//! How long keys of a provider are kept, and when they are fetched again. Pure: what time it is comes from outside.

use crate::claims::UnixTime;
use crate::keys::Keys;
use directory::Trouble;
use fetch::Url;
use std::sync::Arc;

/// So long keys are used without a look whether there are others: a key that leaked is gone within it. In seconds.
pub const FRESH_FOR: u64 = 60 * 60;

/// So long keys are used while the provider cannot be reached, in seconds: a day's outage keeps nobody from their mail.
pub const KEPT_FOR: u64 = 24 * 60 * 60;

/// So long nothing is fetched again, in seconds: whoever makes up names of keys has us ask twice a minute.
pub const FETCHED_AGAIN_AFTER: u64 = 30;

/// The same where there are no keys at all, and so nobody can be let in meanwhile.
pub const FIRST_FETCHED_AGAIN_AFTER: u64 = 5;

/// What a provider tells of itself.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) keys: Keys,
    pub(crate) introspection: Option<Url>,
}

/// What is known of a provider, and since when.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    known: Option<(Arc<Known>, UnixTime)>,
    tried: Option<UnixTime>,
    /// What became of the last try, where it came to nothing.
    trouble: Option<Trouble>,
}

/// What is needed of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// What there is, if it is not too old.
    Any,
    /// Keys that are newer than those that there are.
    Newer,
}

/// What is to be done for it.
#[derive(Debug)]
pub(crate) enum Step {
    /// This is good.
    Use(Arc<Known>),
    /// The provider is to be asked.
    Fetch,
    /// There is nothing newer, and it is too soon to ask again. With why, where the last try came to nothing.
    TooSoon(Option<Trouble>),
}

impl Keyring {
    pub(crate) fn step(&self, need: Need, now: UnixTime) -> Step {
        let kept = self.known.as_ref().filter(|(_, since)| now < since.plus(KEPT_FOR));
        let pause = if kept.is_some() { FETCHED_AGAIN_AFTER } else { FIRST_FETCHED_AGAIN_AFTER };
        // A clock that was set back makes nobody wait for it to come to where it was.
        let may_fetch = self.tried.is_none_or(|tried| now < tried || now >= tried.plus(pause));
        match (kept, need) {
            (Some((known, since)), Need::Any) if now < since.plus(FRESH_FOR) || !may_fetch => {
                Step::Use(Arc::clone(known))
            }
            _ if may_fetch => Step::Fetch,
            _ => Step::TooSoon(self.trouble.clone()),
        }
    }

    /// Somebody fetches now; until they are through others use what there is.
    pub(crate) fn fetching(&mut self, now: UnixTime) {
        self.tried = Some(now);
        self.trouble = Some(Trouble::new("the provider is being asked"));
    }

    pub(crate) fn fetched(&mut self, known: Arc<Known>, now: UnixTime) {
        (self.known, self.trouble) = (Some((known, now)), None);
    }

    pub(crate) fn failed(&mut self, why: Trouble) {
        self.trouble = Some(why);
    }

    /// What there is, as long as it may be used.
    pub(crate) fn kept(&self, now: UnixTime) -> Option<Arc<Known>> {
        let (known, since) = self.known.as_ref()?;
        (now < since.plus(KEPT_FOR)).then(|| Arc::clone(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Arc<Known> {
        Arc::new(Known { keys: Keys::read(br#"{"keys":[]}"#).unwrap(), introspection: None })
    }

    fn step(ring: &Keyring, need: Need, now: u64) -> &'static str {
        match ring.step(need, UnixTime(now)) {
            Step::Use(_) => "use",
            Step::Fetch => "fetch",
            Step::TooSoon(None) => "too soon",
            Step::TooSoon(Some(_)) => "too soon, for it failed",
        }
    }

    #[test]
    fn keys_are_fetched_once_an_hour_and_for_a_new_one_twice_a_minute_at_most() {
        let mut ring = Keyring::default();
        assert_eq!(step(&ring, Need::Any, 1_000), "fetch");
        ring.fetching(UnixTime(1_000));
        ring.fetched(known(), UnixTime(1_000));
        for (need, now, what) in [
            (Need::Any, 1_000, "use"),
            (Need::Newer, 1_000, "too soon"),
            (Need::Newer, 1_029, "too soon"),
            (Need::Newer, 1_030, "fetch"),
            (Need::Any, 4_599, "use"),
            (Need::Any, 4_600, "fetch"),
            // A clock that was set back.
            (Need::Any, 10, "use"),
            (Need::Newer, 10, "fetch"),
        ] {
            assert_eq!(step(&ring, need, now), what, "{need:?} at {now}");
        }
    }

    #[test]
    fn what_is_known_is_used_for_a_day_while_nobody_answers_and_no_longer() {
        let mut ring = Keyring::default();
        ring.fetching(UnixTime(0));
        ring.fetched(known(), UnixTime(0));
        ring.fetching(UnixTime(KEPT_FOR - 10));
        ring.failed(Trouble::new("down"));
        assert_eq!(step(&ring, Need::Any, KEPT_FOR - 1), "use");
        assert_eq!(step(&ring, Need::Newer, KEPT_FOR - 1), "too soon, for it failed");
        assert!(ring.kept(UnixTime(KEPT_FOR - 1)).is_some());
        // Now there is none, and the pause is a shorter one.
        assert_eq!(step(&ring, Need::Any, KEPT_FOR), "fetch");
        assert!(ring.kept(UnixTime(KEPT_FOR)).is_none());
    }

    #[test]
    fn before_there_are_any_keys_the_provider_is_asked_every_few_seconds() {
        let mut ring = Keyring::default();
        ring.fetching(UnixTime(100));
        ring.failed(Trouble::new("down"));
        for need in [Need::Any, Need::Newer] {
            assert_eq!(step(&ring, need, 104), "too soon, for it failed");
            assert_eq!(step(&ring, need, 105), "fetch");
        }
    }
}
