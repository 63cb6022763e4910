//! `gatepost metrics`: what is measured of the running server.

use crate::config;
use crate::desk::{self, Reply, Request};
use anyhow::{Result, bail};
use std::io::Write;
use std::path::Path;

/// Asks the server and prints what it says.
pub(crate) async fn run(path: &Path) -> Result<()> {
    let settings = config::read(path)?;
    match desk::ask(&settings.server.data, &Request::Metrics).await? {
        None => bail!("no server runs on {}, and nothing else is measured", settings.server.data.display()),
        Some(Reply::Metrics(page)) => {
            // A reader that has gone away is no error.
            let _reader_gone = std::io::stdout().write_all(page.as_bytes());
            Ok(())
        }
        Some(Reply::Refused(why)) => bail!(why),
        Some(reply) => bail!("the server answers something else: {reply:?}"),
    }
}
