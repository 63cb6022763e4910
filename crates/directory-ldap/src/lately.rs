//! Where those are who were found a moment ago.

use directory::Subject;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Of how many the name is kept between [`find`](directory::Directory::find) and
/// [`check`](directory::Directory::check). Whoever is forgotten is looked for once more.
const MAX_REMEMBERED: usize = 4096;
/// Longest name that is kept, in octets.
const MAX_NAME_OCTETS: usize = 1024;

/// Distinguished names by subject, the most lately found.
#[derive(Debug, Default)]
pub(crate) struct Lately(Mutex<Generations>);

/// When the young are half of all that may be kept, the old go.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Subject, Box<str>>,
    old: HashMap<Subject, Box<str>>,
}

impl Lately {
    pub(crate) fn note(&self, subject: &Subject, name: &str) {
        if name.len() > MAX_NAME_OCTETS {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.young.len() >= MAX_REMEMBERED / 2 {
            kept.old = std::mem::take(&mut kept.young);
        }
        kept.young.insert(subject.clone(), name.into());
    }

    pub(crate) fn name(&self, subject: &Subject) -> Option<Box<str>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.young.get(subject).or_else(|| kept.old.get(subject)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_and_no_more_than_the_bound() {
        let lately = Lately::default();
        let subject = |i: usize| Subject::new(&i.to_string()).unwrap();
        for i in 0..MAX_REMEMBERED * 3 {
            lately.note(&subject(i), "before");
            lately.note(&subject(i), "uid=ann");
        }
        assert_eq!(lately.name(&subject(MAX_REMEMBERED * 3 - 1)).as_deref(), Some("uid=ann"));
        assert_eq!(lately.name(&subject(0)), None);
        lately.note(&subject(0), &"a".repeat(MAX_NAME_OCTETS + 1));
        assert_eq!(lately.name(&subject(0)), None);
        let kept = lately.0.lock().unwrap();
        assert!(kept.young.len() + kept.old.len() <= MAX_REMEMBERED);
    }
}
