//! Which other server, and as whom.

use crate::account::first_line_of;
use crate::cli::ImportImap;
use anyhow::{Context, Result, bail};
use migrate::imap::{Account, Security, Server};
use std::fs::File;
use std::io::{BufReader, IsTerminal, stdin};
use zeroize::Zeroizing;

/// The source that the command line names.
pub(super) fn source(other: &ImportImap) -> Result<Server> {
    let security = if other.starttls { Security::StartTls } else { Security::Tls };
    let port = other.port.unwrap_or(match security {
        Security::Tls => 993,
        Security::StartTls => 143,
    });
    let account = Account {
        host: other.host.clone(),
        port,
        address: other.address,
        security,
        user: other.user.clone(),
        password: password(other)?,
    };
    Ok(Server::new(account, other.ca_file.as_deref())?)
}

fn password(other: &ImportImap) -> Result<Zeroizing<String>> {
    let read = match &other.password_file {
        Some(path) => {
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            first_line_of(BufReader::new(file))?.0
        }
        None if other.password_stdin => first_line_of(stdin().lock())?.0,
        None if stdin().is_terminal() => {
            rpassword::prompt_password(format!("Password of {} at {}: ", other.user, other.host))?
        }
        None => bail!("there is nobody to ask for a password; use --password-stdin or --password-file"),
    };
    Ok(Zeroizing::new(read))
}
