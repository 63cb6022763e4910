//! The directory, and what its records cost taken together.

use crate::directory::{KEYRINGS, format_of};
use mailbox::account::Inconsistent;
use mailbox::account::directory::{Directory, DirectoryEvent, Salvage};
use sasl::{AppRecord, CostMix, CredentialRecord, ScramVerifier};
use std::collections::BTreeSet;
use std::sync::Arc;
use terms::AccountId;

/// The fold of the directory's events, with the costs of its records counted as they come and go: nobody who asks for
/// a name waits for all records to be read. A disabled account's count too, for strangers see them as they see others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roll {
    directory: Directory,
    costs: CostMix,
    /// How many records hold a hash that was made elsewhere.
    foreign: usize,
    /// Whether it has something to say that needs [`KEYRINGS`].
    has_keyrings: bool,
    /// How many records, of own passwords and of app passwords, no proof of SCRAM-SHA-1 can be held against.
    without_sha1: usize,
    /// How many app passwords no proof of SCRAM can be held against, of whichever hash.
    unprovable: usize,
    /// Of whom everything is known, where events are lost: it is of no other.
    certain: Option<Arc<BTreeSet<AccountId>>>,
}

/// Whether what is known of an account, or of a name, is all that there is to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It is: nothing of the directory is lost.
    Whole,
    /// It is, although something of the directory is lost.
    OfThisOne,
    /// It may have been removed, disabled, or given another password by an event that is lost; and a name that nobody seems
    /// to have may be somebody's.
    Doubtful,
}

impl Roll {
    pub(crate) const fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) const fn costs(&self) -> &CostMix {
        &self.costs
    }

    /// What is left of a directory of which events are lost.
    pub(crate) fn left(salvage: &Salvage) -> Self {
        let directory = salvage.directory().clone();
        let ids: Vec<_> = directory.accounts().map(|(_, id)| id).collect();
        let certain = ids.iter().copied().filter(|id| salvage.is_certain(*id)).collect();
        let certain = (salvage.lost() > 0).then(|| Arc::new(certain));
        let mut roll = Self { directory, certain, ..Self::default() };
        for id in ids {
            roll.count(id);
        }
        roll
    }

    /// Whether events of it are lost: then nothing can be changed.
    pub(crate) const fn is_in_part(&self) -> bool {
        self.certain.is_some()
    }

    /// Whether all is known of an account; `None` stands for one that nobody has the name of.
    pub(crate) fn certainty(&self, id: Option<AccountId>) -> Certainty {
        match (&self.certain, id) {
            (None, _) => Certainty::Whole,
            (Some(certain), Some(id)) if certain.contains(&id) => Certainty::OfThisOne,
            (Some(_), _) => Certainty::Doubtful,
        }
    }

    /// Whether older versions refuse the store for what the directory has said already.
    pub(crate) const fn has_keyrings(&self) -> bool {
        self.has_keyrings
    }

    /// Folds one event in.
    pub(crate) fn apply(&mut self, event: &DirectoryEvent) -> Result<(), Inconsistent> {
        self.has_keyrings |= format_of(event) >= KEYRINGS;
        let Some(id) = changes_credential(event) else { return self.directory.apply(event) };
        let (before, without_sha1) = (self.record(id), self.without_sha1_of(id));
        let unprovable = self.unprovable_of(id);
        self.directory.apply(event)?;
        if let Some(record) = before {
            self.costs.remove(record.cost());
            self.foreign -= usize::from(record.foreign_hash().is_some());
        }
        self.without_sha1 -= without_sha1;
        self.unprovable -= unprovable;
        self.count(id);
        Ok(())
    }

    fn count(&mut self, id: AccountId) {
        if let Some(record) = self.record(id) {
            self.costs.add(record.cost());
            self.foreign += usize::from(record.foreign_hash().is_some());
        }
        self.without_sha1 += self.without_sha1_of(id);
        self.unprovable += self.unprovable_of(id);
    }

    /// What is damaged lets nobody in by any mechanism, and does not count.
    fn without_sha1_of(&self, id: AccountId) -> usize {
        let has_none = |scram: Option<&ScramVerifier>| !scram.is_some_and(ScramVerifier::has_sha1);
        let own = self.record(id).filter(|record| has_none(Some(record.scram())));
        usize::from(own.is_some()) + self.app_records(id).filter(|record| has_none(record.scram())).count()
    }

    /// An exchange shows the salt and the count of the account's own record. An app password that was made where there was none
    /// has nothing that a proof could be held against, and one that shows another has nothing for this exchange.
    fn unprovable_of(&self, id: AccountId) -> usize {
        let mut apps = self.app_records(id).peekable();
        if apps.peek().is_none() {
            return 0;
        }
        let own = self.record(id);
        let is_provable = |app: &AppRecord| {
            own.as_ref().zip(app.scram()).is_some_and(|(own, scram)| own.scram().is_shown_like(scram))
        };
        apps.filter(|app| !is_provable(app)).count()
    }

    fn app_records(&self, id: AccountId) -> impl Iterator<Item = AppRecord> {
        let apps = self.directory.get(id).map(|entry| entry.keyring().app_passwords()).unwrap_or_default();
        apps.iter().filter_map(|app| AppRecord::decode(&app.secret).ok())
    }

    /// Whether there is an app password that SCRAM cannot prove, by whichever hash.
    pub(crate) const fn has_unprovable(&self) -> bool {
        self.unprovable > 0
    }

    /// Whether there is something to sign in with that SCRAM-SHA-1 cannot prove.
    pub(crate) const fn lacks_sha1(&self) -> bool {
        self.without_sha1 > 0
    }

    /// Whether somebody's password is still known by a hash that was made elsewhere.
    pub(crate) const fn has_foreign_hashes(&self) -> bool {
        self.foreign > 0
    }

    /// `None` for a damaged one as well: a stranger is shown a decoy for it.
    fn record(&self, id: AccountId) -> Option<CredentialRecord> {
        CredentialRecord::decode(&self.directory.get(id)?.credential).ok()
    }
}

const fn changes_credential(event: &DirectoryEvent) -> Option<AccountId> {
    match event {
        DirectoryEvent::AccountAdded { id, .. }
        | DirectoryEvent::AccountRestored { id, .. }
        | DirectoryEvent::AccountRemoved { id }
        | DirectoryEvent::CredentialChanged { id, .. }
        | DirectoryEvent::AppPasswordAdded { id, .. }
        | DirectoryEvent::AppPasswordRevoked { id, .. } => Some(*id),
        _ => None,
    }
}
