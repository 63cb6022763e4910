//! Our side: an account in memory, and somebody who files.

use crate::failing::Failing;
use mail::{Account, Accounts, World};
use migrate::imap::{Account as There, Security, Server};
use migrate::{Choice, Filers, FlagsPolicy, Ground, Plan, Report, Source, Stream, Trouble, Watcher, Who};
use sasl::{Cost, CredentialRecord, Salts, Secret, Workspace};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use terms::{MailboxName, Uid};
use zeroize::Zeroizing;

pub(crate) const ANN: &str = "ann@example.org";
pub(crate) const PASSWORD: &str = "kettle-of-sea-water";

/// A clock that stands still and chance that is none.
#[derive(Default)]
struct Still(AtomicU64);

impl World for Still {
    fn now_ms(&self) -> i64 {
        1_790_000_000_000
    }

    fn random(&self, into: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        into.iter_mut().zip(next.into_iter().cycle()).for_each(|(octet, random)| *octet = random);
    }
}

/// An account, with a folder for what is remembered, gone when dropped.
pub(crate) struct Here {
    pub(crate) account: Arc<Account>,
    pub(crate) store: Arc<Failing>,
    ground: Ground,
}

impl Here {
    pub(crate) async fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let store = Arc::new(Failing::new());
        let accounts =
            Accounts::open(Arc::<Failing>::clone(&store), Arc::new(Still::default())).await.unwrap();
        let cost = Cost::new(8, 1, 4_096).unwrap();
        let secret = Secret::password("secret").unwrap();
        let record = CredentialRecord::new(&secret, Salts([7; 32]), &cost, &mut Workspace::new());
        let id = accounts.add(ANN, &record).await.unwrap();
        Self { account: accounts.account(id), store, ground: Ground { folder, most_octets: 1 << 20 } }
    }

    pub(crate) fn memories(&self) -> &PathBuf {
        &self.ground.folder
    }

    pub(crate) async fn import(&self, source: &impl Source, choice: Choice) -> Result<Report, Trouble> {
        self.import_over(2, source, choice, &Nobody).await
    }

    /// Over so many connections, before somebody's eyes.
    pub(crate) async fn import_over(
        &self,
        connections: usize,
        source: &impl Source,
        choice: Choice,
        watcher: &dyn Watcher,
    ) -> Result<Report, Trouble> {
        let plan = Plan { account: ANN.into(), choice, flags: FlagsPolicy::KeepChanges, connections };
        migrate::run(&plan, source, self, watcher).await
    }

    /// The messages of a mailbox, as text, each behind its flags.
    pub(crate) async fn messages(&self, mailbox: &str) -> Vec<(String, String)> {
        let id = self.account.names().await.unwrap().mailbox(&MailboxName::new(mailbox).unwrap()).unwrap().id;
        let state = Arc::clone(self.account.open(id).await.unwrap().newest().state());
        let mut messages = Vec::new();
        for (uid, name) in self.account.body_names(&state, &state.uids(Uid::MIN)).await.unwrap() {
            let row = state.reader(self.account.id()).row(uid).unwrap();
            let flags: Vec<_> = state.keywords().names(&row.flags).collect();
            let octets = self.account.body(name, 0, 1 << 20).await.unwrap().unwrap();
            messages.push((flags.join(" "), String::from_utf8(octets.to_vec()).unwrap()));
        }
        messages
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.ground.folder);
    }
}

impl Filers for Here {
    async fn connect(&self) -> Result<Box<dyn Stream>, Trouble> {
        let (near, far) = tokio::io::duplex(64 << 10);
        let (account, ground) = (Arc::clone(&self.account), self.ground.clone());
        tokio::spawn(async move { migrate::serve(account, Who { login: ANN, user: 0 }, &ground, far).await });
        Ok(Box::new(near))
    }
}

struct Nobody;

impl Watcher for Nobody {
    fn begins(&self, _: &str, _: u64) {}
    fn moves(&self, _: &str, _: u64) {}
    fn ends(&self, _: &str) {}
}

/// The account of a user at a server that listens there.
pub(crate) fn server(address: SocketAddr, security: Security, authority: &Path) -> Server {
    let there = There {
        host: "localhost".into(),
        port: address.port(),
        address: Some(address),
        security,
        user: "robin".into(),
        password: Zeroizing::new(PASSWORD.into()),
    };
    Server::new(there, Some(authority)).unwrap()
}
