//! `gatepost account`: through the running server if there is one, else by itself.

use crate::cli::{Account, AccountCommand, PasswordSource};
use crate::config;
use crate::desk::{self, Reply, Request};
use crate::office::Office;
use crate::say::say;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, IsTerminal, Read, stdin};

/// Most octets of a line that are read for a password; a password is shorter.
const LONGEST_LINE: u64 = 8 << 10;

/// Runs one account command.
pub(crate) async fn run(account: Account) -> Result<()> {
    let settings = config::read(&account.config.config)?;
    let style = match account.command {
        AccountCommand::List { json: true } => Style::Json,
        _ => Style::Lines,
    };
    let request = request(account.command)?;
    let reply = match desk::ask(&settings.server.data, &request).await? {
        Some(reply) => reply,
        None => {
            let office = Office::open(&settings).await?;
            let reply = desk::perform(&office, request).await;
            office.close()?;
            reply
        }
    };
    print(reply, style)
}

#[derive(Clone, Copy)]
enum Style {
    Lines,
    Json,
}

fn request(command: AccountCommand) -> Result<Request> {
    Ok(match command {
        AccountCommand::Add(who) => Request::AddAccount { password: password(who.source())?, name: who.name },
        AccountCommand::List { .. } => Request::ListAccounts,
        AccountCommand::Passwd(who) => {
            Request::SetPassword { password: password(who.source())?, name: who.name }
        }
        AccountCommand::Remove { name } => Request::RemoveAccount { name },
    })
}

fn print(reply: Reply, style: Style) -> Result<()> {
    match (reply, style) {
        (Reply::Done(sentence), _) => say!("{sentence}"),
        (Reply::Accounts(names), Style::Json) => say!("{}", serde_json::to_string(&names)?),
        (Reply::Accounts(names), Style::Lines) => names.iter().for_each(|name| say!("{name}")),
        (Reply::Refused(why), _) => bail!(why),
    }
    Ok(())
}

fn password(source: PasswordSource) -> Result<desk::Password> {
    match source {
        PasswordSource::StandardInput => first_line(),
        PasswordSource::Terminal => typed_twice(),
    }
}

fn first_line() -> Result<desk::Password> {
    let mut line = String::new();
    stdin().lock().take(LONGEST_LINE).read_line(&mut line).context("cannot read the password")?;
    Ok(desk::Password(line.trim_end_matches(['\r', '\n']).into()))
}

fn typed_twice() -> Result<desk::Password> {
    if !stdin().is_terminal() {
        bail!("there is nobody to ask for a password; give it on standard input with --password-stdin");
    }
    let typed = rpassword::prompt_password("Password: ")?;
    if typed != rpassword::prompt_password("Again: ")? {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(desk::Password(typed))
}
