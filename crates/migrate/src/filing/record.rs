//! The one line that an import leaves in the log of whoever files it.

use super::Who;
use crate::link::Ending;
use crate::report::Verdict;
use events::{Event, ImportOutcome, Source};

/// An import that has begun. It is recorded when it is dropped, however that comes about.
pub(super) struct Record {
    account: events::Account,
    user: u32,
    source: Source,
    ending: Option<Ending>,
}

impl Record {
    pub(super) fn begin(who: &Who<'_>, source: &str) -> Self {
        let account = events::Account::new(who.login);
        Self { account, user: who.user, source: Source::new(source), ending: None }
    }

    pub(super) const fn end(&mut self, ending: Ending) {
        self.ending = Some(ending);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let outcome = match self.ending.map(|ending| ending.verdict) {
            Some(Some(Verdict::Complete)) => ImportOutcome::Complete,
            Some(Some(Verdict::SomeSkipped)) => ImportOutcome::SomeSkipped,
            Some(Some(Verdict::Incomplete)) => ImportOutcome::Incomplete,
            Some(None) => ImportOutcome::Failed,
            None => ImportOutcome::CutOff,
        };
        Event::Imported {
            account: self.account.clone(),
            source: self.source.clone(),
            user: self.user.into(),
            outcome,
            folders: self.ending.map(|ending| ending.folders),
            imported: self.ending.map(|ending| ending.imported),
            already_here: self.ending.map(|ending| ending.already_here),
            skipped: self.ending.map(|ending| ending.skipped),
        }
        .log();
    }
}
