//! The directory, and what its records cost taken together.

use mailbox::account::Inconsistent;
use mailbox::account::directory::{Directory, DirectoryEvent};
use sasl::{CostMix, CredentialRecord};
use terms::AccountId;

/// The fold of the directory's events, with the costs of its records counted as they come and go: nobody who asks for
/// a name waits for all records to be read. A disabled account's count too, for strangers see them as they see others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roll {
    directory: Directory,
    costs: CostMix,
}

impl Roll {
    pub(crate) const fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) const fn costs(&self) -> &CostMix {
        &self.costs
    }

    /// Folds one event in.
    pub(crate) fn apply(&mut self, event: &DirectoryEvent) -> Result<(), Inconsistent> {
        let Some(id) = changes_credential(event) else { return self.directory.apply(event) };
        let before = self.record(id);
        self.directory.apply(event)?;
        before.inspect(|record| self.costs.remove(record.cost()));
        self.record(id).inspect(|record| self.costs.add(record.cost()));
        Ok(())
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
        | DirectoryEvent::CredentialChanged { id, .. } => Some(*id),
        DirectoryEvent::StandingChanged { .. }
        | DirectoryEvent::DecoySecretMade(_)
        | DirectoryEvent::IdsSkipped { .. } => None,
    }
}
