//! The half of an import or an export that has the store: the running server, or this process.

use crate::desk::{self, Transport};
use crate::office::{Office, Opener};
use anyhow::{Result, anyhow};
use migrate::{Stream, Trouble, Who};
use settings::Settings;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// Octets that wait between the two halves within this process.
const PIPE_OCTETS: usize = 256 << 10;

/// Whoever has the data directory open.
pub(crate) struct Counterpart {
    transport: Transport,
    account: String,
    place: Place,
}

enum Place {
    Server(PathBuf),
    Here(Box<Here>),
}

struct Here {
    office: Arc<Office>,
    at_work: Mutex<JoinSet<()>>,
}

impl Counterpart {
    /// Asks the server that runs, or opens the data directory where none does.
    pub(crate) async fn open(settings: &Settings, transport: Transport, account: String) -> Result<Self> {
        let data = &settings.server.data;
        let place = match desk::ask_for_stream(data, transport, account.clone()).await? {
            Some(_) => Place::Server(data.clone()),
            None => {
                let office = Arc::new(Office::open(settings, Opener::Desk).await?);
                office.accounts.named(&account)?;
                Place::Here(Box::new(Here { office, at_work: Mutex::default() }))
            }
        };
        Ok(Self { transport, account, place })
    }

    /// Ends it: what was stored here is written down.
    pub(crate) async fn close(self) -> Result<()> {
        let Place::Here(here) = self.place else { return Ok(()) };
        let mut at_work = here.at_work.into_inner().unwrap_or_else(PoisonError::into_inner);
        while at_work.join_next().await.is_some() {}
        here.office.close()
    }
}

impl Here {
    fn connect(&self, transport: Transport, name: &str) -> Box<dyn Stream> {
        let (near, far) = tokio::io::duplex(PIPE_OCTETS);
        let (office, name) = (Arc::clone(&self.office), name.to_owned());
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
            // The other half hears that it is gone, and says so.
            let who = Who { login: &name, user: rustix::process::geteuid().as_raw() };
            let _ = transport.serve(&office, who, far).await;
        });
        Box::new(near)
    }
}

impl migrate::Filers for Counterpart {
    async fn connect(&self) -> Result<Box<dyn Stream>, Trouble> {
        let data = match &self.place {
            Place::Here(here) => return Ok(here.connect(self.transport, &self.account)),
            Place::Server(data) => data,
        };
        let stream = desk::ask_for_stream(data, self.transport, self.account.clone()).await;
        let stream = stream.and_then(|stream| stream.ok_or_else(|| anyhow!("the server has stopped")));
        Ok(Box::new(stream.map_err(|why| Trouble::Ours(crate::say::complaint(&why)))?))
    }
}
