//! Accounts of people whom a directory elsewhere knows.

use super::{Accounts, DirectoryError};
use mailbox::account::directory::keyring::Link;
use mailbox::account::directory::{DirectoryRefusal, Login, Newcomers};
use terms::AccountId;

impl Accounts {
    /// Who `name` is elsewhere; nobody for a name that nobody has, and for accounts of our own.
    #[must_use]
    pub fn links(&self, name: &str) -> Vec<Link> {
        let roll = self.roll();
        let login = Login::new(name).ok();
        let entry = login.and_then(|login| Some(roll.directory().find(&login)?.1.keyring().links().to_vec()));
        entry.unwrap_or_default()
    }

    /// The account of somebody who is `link` elsewhere and called `login` there: made, renamed or linked where it has to be
    /// (`Directory::take_in`), durably before this answers. Mostly nothing is to be done, and nothing is written.
    ///
    /// # Errors
    /// The name is somebody else's, or no account is made; or the store cannot write now.
    pub async fn take_in(
        &self,
        link: &Link,
        login: &Login,
        newcomers: Newcomers<'_>,
    ) -> Result<AccountId, DirectoryError> {
        if !self.roll().directory().take_in(link, login, newcomers)?.is_empty() {
            self.change_all(|directory| directory.take_in(link, login, newcomers)).await?;
        }
        let linked = self.roll().directory().find_linked(link).map(|(id, _)| id);
        Ok(linked.ok_or_else(|| DirectoryRefusal::NonExistent(login.clone()))?)
    }
}
