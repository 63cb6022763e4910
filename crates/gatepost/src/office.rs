//! The data directory, opened: store, accounts and the pool that hashes their passwords.

mod owner;

pub(crate) use owner::Opener;

use crate::desk::Keeper;
use crate::guesses;
use crate::meter::Meter;
use crate::scratch;
use crate::watchman::{Found, Watchman};
use crate::world::Machine;
use anyhow::{Context, Result, anyhow};
use door::Limits;
use events::Event;
use mail::{Accounts, Certainty, HashPool, ScramSha1};
use mailbox::account::Quota;
use sasl::{AppPassword, AppRecord, Cost, CredentialRecord, ForeignHash, Salts, Secret};
use settings::{NetworkFilesystem, Settings};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use store_local::disk::RealDisk;
use store_local::disk::filesystem::Remote;
use store_local::{Compacting, LocalStore, Options, Scrubbing, Witness};
use tokio::sync::mpsc::UnboundedReceiver;

/// Where the store is, below the data directory.
pub(crate) const MAIL: &str = "mail";

/// How long an index may take to be made again while a server starts, and how often it is looked.
const INDEX_PATIENCE: Duration = Duration::from_mins(1);
const INDEX_PAUSE: Duration = Duration::from_millis(100);

const DAY: Duration = Duration::from_hours(24);

/// Everything that lies in the data directory. One process has it.
pub(crate) struct Office {
    pub(crate) store: Arc<LocalStore>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) pool: Arc<HashPool>,
    /// What failed logins are held against.
    pub(crate) failed: Arc<Limits>,
    /// Where that is kept over a restart.
    pub(crate) shelf: guesses::Shelf,
    pub(crate) imports: migrate::Ground,
    /// What was mended of the directory of accounts before it could be opened, in words.
    pub(crate) mended: Vec<String>,
    /// The data directory.
    pub(crate) data: PathBuf,
    /// Whether it may lie on a filesystem over a network.
    pub(crate) remote: Remote,
    /// For how long what was deleted is kept.
    pub(crate) retention: Duration,
    /// What is counted while a server runs.
    pub(crate) meter: Option<Meter>,
    /// Who has to do with certificates, while a server runs.
    pub(crate) keeper: OnceLock<Keeper>,
    /// What a scrub finds, until somebody takes it on to tell it.
    found: Option<UnboundedReceiver<Found>>,
}

impl Office {
    /// Opens the data directory, and makes it where it is missing.
    pub(crate) async fn open(settings: &Settings, opener: Opener) -> Result<Self> {
        // First, so that it hears what opening has to say.
        let meter = (opener == Opener::Server).then(Meter::start);
        let data = &settings.server.data;
        make_private(data)?;
        owner::check(data, opener)?;
        if opener == Opener::Server
            && let Err(why) = scratch::tidy(data)
        {
            tracing::warn!(%why, "what a restore left cannot be taken away");
        }
        let room = Room::of(&settings.server)?;
        let (witness, found) = Watchman::new();
        let witness = Arc::new(witness);
        let remote = remote(settings);
        let options = Options {
            witness: Arc::<Watchman>::clone(&witness),
            scrubbing: scrubbing(&settings.store, opener),
            compacting: compacting(&settings.store, opener),
            remote,
            index_cache_octets: room.index,
            ..Options::default()
        };
        let disk = RealDisk::at(data.join(MAIL))?;
        let store = Arc::new(LocalStore::open_on(Arc::new(disk), &options)?);
        store.rot().iter().for_each(|rot| witness.rot(rot));
        let mended = match opener {
            Opener::Mender => repair_directory(&store).await,
            Opener::Server | Opener::Desk => Vec::new(),
        };
        let accounts = open_accounts(&store).await?;
        let accounts = accounts.within(limits(&settings.quota)).keeping(room.mail);
        let accounts = match opener {
            Opener::Server => {
                let accounts = accounts.mended_by(Arc::new(witness.caretaker(Arc::clone(&store))));
                mend(&accounts).await;
                accounts
            }
            // What is done without a server changes nothing but what it is for.
            Opener::Desk | Opener::Mender => accounts,
        };
        let passwords = &settings.passwords;
        let iterations = Cost::RECOMMENDED.scram_iterations();
        let cost = Cost::new(passwords.hash_memory_kib, passwords.hash_passes, iterations)
            .context("passwords.hash_memory_kib or passwords.hash_passes is out of bounds")?;
        let threads = usize::try_from(passwords.hashes_at_once)?;
        let pool = HashPool::start_behind(give_way, threads, cost);
        let pool = pool.context("cannot start the threads that hash passwords")?;
        let pool = pool.with_scram_sha_1(scram_sha_1(passwords));
        let imports = migrate::Ground {
            folder: data.join("imports"),
            most_octets: settings.limits.append_limit_octets,
        };
        forget_imports(&imports, &accounts).await;
        let retention = DAY * settings.store.retention_days;
        let failed = guesses::open(data, net::trusted_networks(settings))?;
        let shelf = guesses::Shelf::new(data);
        let (accounts, pool, data) = (Arc::new(accounts), Arc::new(pool), data.clone());
        let (found, keeper) = (Some(found), OnceLock::new());
        Ok(Self {
            store,
            accounts,
            pool,
            failed,
            shelf,
            imports,
            mended,
            data,
            remote,
            retention,
            meter,
            keeper,
            found,
        })
    }

    /// What a scrub finds, for whoever tells it: once.
    pub(crate) const fn take_found(&mut self) -> Option<UnboundedReceiver<Found>> {
        self.found.take()
    }

    /// The credential record of a new password.
    pub(crate) async fn record(&self, password: &str) -> Result<CredentialRecord> {
        let (secret, salts) = new_password(password)?;
        self.pool.new_record(secret, salts).await.map_err(|mail::Busy| anyhow!(TOO_MANY))
    }

    /// The credential record of the next password of an account: SCRAM goes on to prove its app passwords.
    pub(crate) async fn next_record(&self, name: &str, password: &str) -> Result<CredentialRecord> {
        let has_others = !self.accounts.keyring(name)?.1.app_passwords().is_empty();
        let Some(before) = self.accounts.own_record(name)?.filter(|_| has_others) else {
            return self.record(password).await;
        };
        let (secret, salts) = new_password(password)?;
        self.pool.next_record(before, secret, salts).await.map_err(|mail::Busy| anyhow!(TOO_MANY))
    }

    /// An app password for an account, and what is kept of it.
    pub(crate) async fn draw_app_password(&self, name: &str) -> Result<(AppPassword, AppRecord)> {
        let beside = self.accounts.own_record(name)?.map(|own| own.scram().clone());
        let drawn = self.accounts.draw_app_password();
        self.pool.app_record(drawn, beside).await.map_err(|mail::Busy| anyhow!(TOO_MANY))
    }

    /// The credential record of somebody whose password is known by a hash that was made elsewhere; `None` where it is none.
    pub(crate) fn foreign_record(&self, hash: &str) -> Option<CredentialRecord> {
        let hash = ForeignHash::new(hash)?;
        Some(CredentialRecord::foreign(hash, self.accounts.salts(), self.pool.cost()))
    }

    /// Writes down what is still on its way, so that the next start has nothing to recover.
    pub(crate) fn close(&self) -> Result<()> {
        Ok(self.store.close()?)
    }
}

const TOO_MANY: &str = "too many passwords are being hashed just now; try again";

fn new_password(password: &str) -> Result<(Secret, Salts)> {
    let secret = Secret::password(password).map_err(|why| anyhow!("this password cannot be used: {why}"))?;
    let mut salts = [0; 32];
    getrandom::fill(&mut salts)?;
    Ok((secret, Salts(salts)))
}

/// Reads the directory of accounts, whatever is left of it. An index that turns out to be rotten is made again meanwhile.
async fn open_accounts(store: &Arc<LocalStore>) -> Result<Accounts> {
    let begun = Instant::now();
    loop {
        match Accounts::open_what_is_left(Arc::<LocalStore>::clone(store), Arc::new(Machine)).await {
            Err(mail::Error::Unavailable(_) | mail::Error::Damaged(_))
                if begun.elapsed() < INDEX_PATIENCE =>
            {
                tokio::time::sleep(INDEX_PAUSE).await;
            }
            opened => return Ok(opened?),
        }
    }
}

/// What is not mended here a second look tells.
async fn repair_directory(store: &LocalStore) -> Vec<String> {
    mail::repair_directory(store, &Machine).await.unwrap_or_else(|why| {
        tracing::warn!(%why, "the directory of accounts could not be mended");
        Vec::new()
    })
}

async fn forget_imports(imports: &migrate::Ground, accounts: &Accounts) {
    // Of whom it is not known whether they are there, what was imported is not forgotten.
    if accounts.is_in_part() {
        return;
    }
    let living = accounts.list().into_iter().map(|(_, id)| id).collect();
    if let Err(why) = imports.forget_all_but(living).await {
        tracing::warn!(%why, "what was imported into removed accounts is still remembered");
    }
}

/// Mends the directory of accounts where nothing is lost by it. A server starts in any case: who is known can sign in.
async fn mend(accounts: &Accounts) {
    if let Err(why) = accounts.mend_if_hurt().await {
        tracing::warn!(%why, "the directory of accounts could not be mended now");
    }
    if accounts.is_in_part() {
        let is_doubtful = |id| accounts.certainty(id) == Certainty::Doubtful;
        let doubtful = accounts.list().into_iter().filter(|(_, id)| is_doubtful(*id)).count();
        Event::DirectoryInPart { accounts: doubtful as u64 }.log();
    }
}

/// Lets only its owner work in a data directory.
pub(crate) fn check_owner(data: &Path) -> Result<()> {
    owner::check(data, Opener::Desk)
}

/// Whether the store may lie on a filesystem over a network.
pub(crate) const fn remote(settings: &Settings) -> Remote {
    match settings.server.network_filesystem {
        NetworkFilesystem::Refuse => Remote::Refused,
        NetworkFilesystem::Allow => Remote::Allowed,
    }
}

const fn scram_sha_1(passwords: &settings::Passwords) -> ScramSha1 {
    match passwords.scram_sha_1 {
        settings::ScramSha1::Never => ScramSha1::Never,
        settings::ScramSha1::OldClients => ScramSha1::OldClients,
    }
}

fn scrubbing(store: &settings::Store, opener: Opener) -> Scrubbing {
    Scrubbing {
        every: by_itself(store.scrub_days, opener),
        octets_per_second: u64::from(store.scrub_mib_per_second) << 20,
    }
}

fn compacting(store: &settings::Store, opener: Opener) -> Compacting {
    Compacting {
        every: by_itself(store.compact_days, opener),
        octets_per_second: u64::from(store.compact_mib_per_second) << 20,
    }
}

/// How often something is done by itself. A command at the desk is over before it could begin.
fn by_itself(days: u32, opener: Opener) -> Option<Duration> {
    (opener == Opener::Server && days > 0).then(|| DAY * days)
}

/// How much nicer than the server the threads are that hash passwords: they get a quarter of a processor that others want.
#[cfg(target_os = "linux")]
const NICER: i32 = 5;

/// Lets whoever is signed in go before those who sign in, or try to: a storm of wrong passwords takes what processors are
/// left over.
#[cfg(target_os = "linux")]
fn give_way() {
    // This thread's alone (setpriority(2)).
    if let Err(why) = rustix::process::nice(NICER) {
        tracing::debug!(%why, "passwords are hashed at the priority of everything else");
    }
}

/// Elsewhere there is but one priority for all threads.
#[cfg(not(target_os = "linux"))]
const fn give_way() {}

/// How memory is divided, in octets.
struct Room {
    /// Octets of the store's index, which finds whatever is asked for.
    index: usize,
    /// Accounts and mailboxes.
    mail: usize,
}

impl Room {
    fn of(server: &settings::Server) -> Result<Self> {
        let all = usize::try_from(u64::from(server.memory_limit_mib) << 20)?;
        Ok(Self { index: all / 4, mail: all - all / 4 })
    }
}

/// What an account may hold.
fn limits(quota: &settings::Quota) -> mailbox::account::Limits {
    let some = |most: u64| (most > 0).then_some(most);
    let quota = Quota {
        octets: some(quota.storage_mib.saturating_mul(1 << 20)),
        messages: some(quota.messages.into()),
        mailboxes: Some(quota.mailboxes.into()),
    };
    mailbox::account::Limits { quota, ..mailbox::account::Limits::default() }
}

/// Makes a directory that only its owner can look into.
pub(crate) fn make_private(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).with_context(|| format!("cannot make {}", path.display()))
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}
