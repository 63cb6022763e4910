//! The half of an import, an export or a backup that has the store: the running server, or this process.

use crate::desk::{self, Transport};
use crate::office::{Office, Opener};
use anyhow::{Result, anyhow};
use migrate::{Stream, Trouble};
use settings::Settings;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// Octets that wait between the two halves within this process.
const PIPE_OCTETS: usize = 256 << 10;

/// Whoever has the data directory open.
pub(crate) struct Counterpart {
    transport: Transport,
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
    pub(crate) async fn open(settings: &Settings, transport: Transport) -> Result<Self> {
        let data = &settings.server.data;
        let place = match desk::ask_for_stream(data, &transport).await? {
            Some(_) => Place::Server(data.clone()),
            None => {
                let office = Arc::new(Office::open(settings, Opener::Desk).await?);
                transport.check(&office)?;
                Place::Here(Box::new(Here { office, at_work: Mutex::default() }))
            }
        };
        Ok(Self { transport, place })
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
    fn connect(&self, transport: &Transport) -> Box<dyn Stream> {
        let (near, far) = tokio::io::duplex(PIPE_OCTETS);
        let (office, transport) = (Arc::clone(&self.office), transport.clone());
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
            // The other half hears that it is gone, and says so.
            let user = rustix::process::geteuid().as_raw();
            let _ = transport.serve(&office, user, far).await;
        });
        Box::new(near)
    }
}

impl Counterpart {
    /// A connection to it.
    pub(crate) async fn stream(&self) -> Result<Box<dyn Stream>> {
        let data = match &self.place {
            Place::Here(here) => return Ok(here.connect(&self.transport)),
            Place::Server(data) => data,
        };
        let stream = desk::ask_for_stream(data, &self.transport).await?;
        Ok(Box::new(stream.ok_or_else(|| anyhow!("the server has stopped"))?))
    }
}

impl migrate::Filers for Counterpart {
    async fn connect(&self) -> Result<Box<dyn Stream>, Trouble> {
        self.stream().await.map_err(|why| Trouble::Ours(crate::say::complaint(&why)))
    }
}
