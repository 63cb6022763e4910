//! The desk: what an admin asks for, whether the server runs or not.
//!
//! A request is performed by whoever has the data directory open: the running server, asked through a Unix socket in
//! that directory (a JSON line each way), or else the command line itself.

mod socket;

pub(crate) use socket::{Desk, ask, is_open};

use crate::office::Office;
use crate::say::complaint;
use anyhow::Result;
use events::{Account, Event};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that an admin wants.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    AddAccount { name: String, password: Password },
    ListAccounts,
    SetPassword { name: String, password: Password },
    RemoveAccount { name: String },
}

/// A password on its way to the hash. It prints as `…`.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Password(pub(crate) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// It is done; a sentence about it.
    Done(String),
    /// The accounts, in the order of their names.
    Accounts(Vec<String>),
    /// It is not done, and why.
    Refused(String),
}

/// Does what is asked.
pub(crate) async fn perform(office: &Office, request: Request) -> Reply {
    try_perform(office, request).await.unwrap_or_else(|why| Reply::Refused(complaint(&why)))
}

async fn try_perform(office: &Office, request: Request) -> Result<Reply> {
    let accounts = &office.accounts;
    Ok(match request {
        Request::AddAccount { name, password } => {
            accounts.add(&name, &office.record(&password.0).await?).await?;
            Event::AccountAdded { account: Account::new(&name) }.log();
            Reply::Done(format!("{name} is added"))
        }
        Request::ListAccounts => {
            Reply::Accounts(accounts.list().into_iter().map(|(login, _)| login.to_string()).collect())
        }
        Request::SetPassword { name, password } => {
            accounts.set_credential(&name, &office.record(&password.0).await?).await?;
            Event::PasswordChanged { account: Account::new(&name) }.log();
            Reply::Done(format!("{name} has a new password"))
        }
        Request::RemoveAccount { name } => {
            accounts.remove(&name).await?;
            Event::AccountRemoved { account: Account::new(&name) }.log();
            Reply::Done(format!("{name} is removed"))
        }
    })
}
