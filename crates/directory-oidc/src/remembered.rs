//! What a provider said of tokens, for a while. Pure: what time it is comes from outside.

use crate::claims::{Person, UnixTime};
use crate::refusal::Refusal;
use aws_lc_rs::digest;
use std::collections::HashMap;

/// So long a token that was active is taken without asking again, in seconds: so long it is of use after it was revoked.
pub const ACTIVE_FOR: u64 = 60;

/// The same for one that was not, or that does not hold.
pub const INACTIVE_FOR: u64 = 5;

/// Most tokens of which something is remembered.
pub const MAX_REMEMBERED: usize = 4096;

/// Answers of a provider, by the hash of the token that each is about: nobody who reads our memory finds a token in it.
#[derive(Debug, Default)]
pub(crate) struct Remembered(HashMap<[u8; 32], Entry>);

#[derive(Debug)]
struct Entry {
    person: Result<Person, Refusal>,
    since: UnixTime,
    until: UnixTime,
}

impl Remembered {
    /// Whose a token is, or why nobody's; `None` where nothing is remembered of it.
    pub(crate) fn get(&self, token: &str, now: UnixTime) -> Option<Result<Person, Refusal>> {
        let entry = self.0.get(&key(token))?;
        (entry.since..entry.until).contains(&now).then(|| entry.person.clone())
    }

    pub(crate) fn keep(&mut self, token: &str, person: Result<Person, Refusal>, now: UnixTime) {
        if self.0.len() >= MAX_REMEMBERED {
            self.0.retain(|_, entry| now < entry.until);
        }
        // As many within a minute: then each is asked about again, which is right and no more than slow.
        if self.0.len() >= MAX_REMEMBERED {
            self.0.clear();
        }
        let longest = now.plus(if person.is_ok() { ACTIVE_FOR } else { INACTIVE_FOR });
        let end = person.as_ref().ok().and_then(|person| person.until);
        let until = end.map_or(longest, |end| end.min(longest));
        self.0.insert(key(token), Entry { person, since: now, until });
    }
}

fn key(token: &str) -> [u8; 32] {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use directory::{Found, Standing, Stored, Subject};
    use terms::Login;

    fn ann(until: Option<u64>) -> Person {
        let found = Found {
            subject: Subject::new("ann").unwrap(),
            login: Login::new("ann").unwrap(),
            also: [].into(),
            standing: Standing::Enabled,
            stored: Stored::Elsewhere,
            version: None,
        };
        Person { found, until: until.map(UnixTime) }
    }

    #[test]
    fn an_answer_is_remembered_for_its_time_and_not_beyond_the_end_of_its_token() {
        let mut remembered = Remembered::default();
        remembered.keep("long", Ok(ann(Some(5_000))), UnixTime(1_000));
        remembered.keep("endless", Ok(ann(None)), UnixTime(1_000));
        remembered.keep("short", Ok(ann(Some(1_010))), UnixTime(1_000));
        remembered.keep("no", Err(Refusal::Inactive), UnixTime(1_000));
        for (token, now, is_known) in [
            ("long", 1_059, true),
            ("long", 1_060, false),
            ("endless", 1_059, true),
            ("endless", 1_060, false),
            ("short", 1_009, true),
            ("short", 1_010, false),
            ("no", 1_004, true),
            ("no", 1_005, false),
            ("other", 1_000, false),
            // A clock that was set back.
            ("long", 999, false),
        ] {
            assert_eq!(remembered.get(token, UnixTime(now)).is_some(), is_known, "{token} at {now}");
        }
        assert_eq!(remembered.get("no", UnixTime(1_000)), Some(Err(Refusal::Inactive)));
        assert_eq!(remembered.get("long", UnixTime(1_000)), Some(Ok(ann(Some(5_000)))));
    }

    #[test]
    fn however_many_tokens_come_few_are_remembered() {
        let mut remembered = Remembered::default();
        for number in 0..3 * MAX_REMEMBERED {
            remembered.keep(&number.to_string(), Err(Refusal::Inactive), UnixTime(1));
            assert!(remembered.0.len() <= MAX_REMEMBERED);
        }
    }
}
