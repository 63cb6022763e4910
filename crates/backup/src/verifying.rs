//! Proving a backup: it is restored, and what was restored is read, all of it.

use crate::manifest::ManifestId;
use crate::restoring::{copy, open};
use crate::shelf::{Choice, Shelf, private_folder};
use crate::trouble::Trouble;
use mail::{Account, Accounts, World};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use store::{AccountId, BodyId, Store};
use store_local::LocalStore;
use terms::Uid;

/// Bodies whose names are in memory at once.
const BODIES: usize = 1_000;
/// Octets of a body that are read at once.
const PIECE: usize = 1 << 20;

/// What was found.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Which backup.
    pub id: ManifestId,
    /// When it was made.
    pub made: jiff::Timestamp,
    /// Files, each of which is what its hash says.
    pub files: u64,
    /// Octets in them.
    pub octets: u64,
    /// Accounts, those that were removed and can be brought back among them.
    pub accounts: u64,
    /// Mailboxes that their accounts name.
    pub mailboxes: u64,
    /// Messages in these, each of which has a record and a body.
    pub messages: u64,
    /// Bodies, all of which were read and are what their names say.
    pub bodies: u64,
    /// What is wrong, in sentences.
    pub problems: Vec<String>,
}

/// Restores a backup into `scratch`, which is made and taken away again, and compares it: every file with its hash, the
/// index with the log that it is made from, every mailbox with its count, every message with its record and its octets.
///
/// # Errors
/// It cannot be restored at all.
pub async fn verify(
    shelf: &Shelf,
    choice: Choice<'_>,
    scratch: &Path,
    world: Arc<dyn World>,
) -> Result<Verified, Trouble> {
    let (id, manifest) = shelf.choose(choice)?;
    if scratch.symlink_metadata().is_ok() {
        return Err(Trouble::Refused(format!("{} is in the way; move it away first", scratch.display())));
    }
    private_folder(scratch)?;
    let _tidy = Tidy(scratch);
    copy(shelf, &manifest, &scratch.join("mail"))?;
    let store = Arc::new(open(&scratch.join("mail"), &manifest)?);
    let mut found = Verified {
        id,
        made: manifest.made,
        files: manifest.files.len() as u64,
        octets: manifest.octets(),
        accounts: 0,
        mailboxes: 0,
        messages: 0,
        bodies: 0,
        problems: Vec::new(),
    };
    let report = store.compare_index()?;
    let rot = store.rot().iter().chain(&report.rot);
    found.problems.extend(
        rot.map(|rot| format!("the log does not read from {} to {} in {}", rot.from, rot.to, rot.segment)),
    );
    found.problems.extend(
        report
            .wrong_footers
            .iter()
            .map(|segment| format!("the table of contents of {segment} does not say what is in it")),
    );
    if !report.differences.is_empty() {
        let differences = report.differences.len();
        found
            .problems
            .push(format!("the index made from the log differs from the log in {differences} entries"));
    }
    found.problems.dedup();
    read_accounts(&store, world, &mut found).await?;
    store.close()?;
    Ok(found)
}

async fn read_accounts(
    store: &Arc<LocalStore>,
    world: Arc<dyn World>,
    found: &mut Verified,
) -> Result<(), Trouble> {
    let accounts = Accounts::open(Arc::<LocalStore>::clone(store), world).await?;
    let living: Vec<AccountId> = accounts.list().into_iter().map(|(_, id)| id).collect();
    for id in &living {
        if let Err(why) = read_mailboxes(store, &accounts.account(*id), found).await {
            found.problems.push(format!("account {}: {why}", id.0));
        }
    }
    let removed = accounts.removed().await?.into_iter().map(|account| account.id);
    for id in living.into_iter().chain(removed) {
        found.accounts += 1;
        read_bodies(store, id, found).await?;
    }
    Ok(())
}

async fn read_mailboxes(
    store: &LocalStore,
    account: &Account,
    found: &mut Verified,
) -> Result<(), mail::Error> {
    let names = account.names().await?;
    for (name, mailbox) in names.mailboxes() {
        found.mailboxes += 1;
        let newest = account.open(mailbox.id).await?.newest();
        let state = newest.state();
        let uids = state.uids(Uid::MIN);
        let head = account.heads(&[mailbox.id]).await?.into_iter().flatten().next();
        if head != Some(state.head()) || state.messages() as u64 != uids.len() as u64 {
            found.problems.push(format!(
                "{name} of account {}: what STATUS tells is not what the mailbox holds",
                account.id().0
            ));
        }
        let bodies: HashMap<Uid, [u8; 32]> = account.body_names(state, &uids).await?.into_iter().collect();
        for row in state.reader(account.id()).rows(&uids) {
            found.messages += 1;
            let octets = match bodies.get(&row.uid) {
                Some(body) => store.body_len(account.id(), BodyId(*body)).await?,
                None => None,
            };
            if octets != Some(row.size) {
                found.problems.push(format!(
                    "UID {} in {name} of account {}: its record or its octets are missing",
                    row.uid.get(),
                    account.id().0
                ));
            }
        }
    }
    Ok(())
}

async fn read_bodies(store: &LocalStore, id: AccountId, found: &mut Verified) -> Result<(), Trouble> {
    let mut after = None;
    loop {
        let bodies = store.list_bodies(id, after, BODIES).await?;
        for body in &bodies {
            match is_whole(store, id, *body).await {
                Ok(true) => found.bodies += 1,
                Ok(false) => {
                    found.problems.push(format!("body {body:?} of account {} has other octets", id.0))
                }
                Err(why) => found.problems.push(format!("account {}: {why}", id.0)),
            }
        }
        after = bodies.last().copied();
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn is_whole(store: &LocalStore, id: AccountId, body: BodyId) -> Result<bool, store::StoreError> {
    let (mut hasher, mut offset) = (blake3::Hasher::new(), 0);
    loop {
        let piece = store.body(id, body, offset, PIECE).await?.unwrap_or_default();
        if piece.is_empty() {
            return Ok(*hasher.finalize().as_bytes() == body.0);
        }
        hasher.update(&piece);
        offset += piece.len() as u64;
    }
}

/// Takes the scratch folder away, however it ends.
struct Tidy<'a>(&'a Path);

impl Drop for Tidy<'_> {
    fn drop(&mut self) {
        // What cannot be taken away lies where the admin has said that there may be scratch.
        let _ = fs::remove_dir_all(self.0);
    }
}
