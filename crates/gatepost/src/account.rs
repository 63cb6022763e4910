//! `gatepost account`: through the running server if there is one, else by itself.

mod hashes;

use crate::cli::{
    Account, AccountCommand, AppPasswordCommand, BoundCertificateCommand, NewAccount, NewAppPassword,
    PasswordSource,
};
use crate::config;
use crate::desk::{
    self, AccountLine, AppPasswordLine, AppPasswordWanted, BoundBy, BoundLine, CertificateWanted,
    ExposedLine, LinkLine, QuotaUse, Reply, Request, Standing, UseLine, Used,
};
use crate::office::{Office, Opener};
use crate::say::say;
use crate::when;
use anyhow::{Context, Result, bail};
use certificates::Fingerprints;
use std::fs::File;
use std::io::{BufRead, IsTerminal, Read, stdin};
use std::path::Path;

/// Most octets of a line that are read for a password; a password is shorter.
const LONGEST_LINE: u64 = 8 << 10;
/// Most octets of a file that are read for a certificate.
const LONGEST_CERTIFICATE: u64 = 64 << 10;

/// Runs one account command.
pub(crate) async fn run(account: Account) -> Result<()> {
    let style = match account.command {
        AccountCommand::List { json, .. } | AccountCommand::Quota { json, .. } => Style::of(json),
        AccountCommand::AppPassword { command: AppPasswordCommand::List { json, .. } } => Style::of(json),
        AccountCommand::Certificate { command: BoundCertificateCommand::List { json, .. } } => {
            Style::of(json)
        }
        AccountCommand::AppPassword { command: AppPasswordCommand::Add(NewAppPassword { json, .. }) } => {
            Style::of(json)
        }
        _ => Style::Lines,
    };
    if let AccountCommand::Import { file } = &account.command {
        return hashes::import(&account.config.config, file).await;
    }
    let only_exposed = matches!(account.command, AccountCommand::List { exposed: true, .. });
    let request = request(account.command)?;
    if let Request::AddLinkedAccount { link, .. } | Request::LinkAccount { link, .. } = &request {
        check_directory(&account.config.config, &link.directory)?;
    }
    let reply = ask_or_do(&account.config.config, request).await?;
    match reply {
        Reply::Accounts(mut lines) if only_exposed => {
            lines.retain(|line| line.exposed.is_some());
            print(Reply::Accounts(lines), style)
        }
        reply => print(reply, style),
    }
}

/// An account that is linked to nowhere lets nobody in.
fn check_directory(config: &Path, name: &str) -> Result<()> {
    let settings = config::read(config)?;
    if settings.directory.iter().filter_map(|one| one.name.as_ref()).any(|known| known.as_str() == name) {
        return Ok(());
    }
    bail!("there is no [[directory]] called {name} in the settings")
}

/// Asks the server that runs, or does it where none does.
pub(crate) async fn ask_or_do(config: &Path, request: Request) -> Result<Reply> {
    let settings = config::read(config)?;
    if let Some(reply) = desk::ask(&settings.server.data, &request).await? {
        return Ok(reply);
    }
    let opener = if request.mends() { Opener::Mender } else { Opener::Desk };
    let office = Office::open(&settings, opener).await?;
    let reply = desk::perform(&office, request).await;
    office.close()?;
    Ok(reply)
}

/// How data is printed.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    Lines,
    Json,
}

impl Style {
    pub(crate) const fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Lines }
    }
}

fn request(command: AccountCommand) -> Result<Request> {
    Ok(match command {
        AccountCommand::Add(NewAccount { who, directory: Some(directory), subject: Some(subject) }) => {
            Request::AddLinkedAccount { name: who.name, link: LinkLine { directory, subject } }
        }
        AccountCommand::Add(NewAccount { who, .. }) => {
            Request::AddAccount { password: password(who.source())?, name: who.name }
        }
        AccountCommand::Link { name, directory, subject } => {
            Request::LinkAccount { name, link: LinkLine { directory, subject } }
        }
        AccountCommand::Unlink { name, directory } => Request::UnlinkAccount { name, directory },
        AccountCommand::Rename { name, new } => Request::RenameAccount { name, new },
        AccountCommand::Import { .. } => bail!("an import is more than one request"),
        AccountCommand::List { .. } => Request::ListAccounts,
        AccountCommand::Passwd(who) => {
            Request::SetPassword { password: password(who.source())?, name: who.name }
        }
        AccountCommand::Remove { name } => Request::RemoveAccount { name },
        AccountCommand::Disable { name } => Request::DisableAccount { name },
        AccountCommand::Enable { name } => Request::EnableAccount { name },
        AccountCommand::Quota { name, change, .. } => Request::Quota { name, change: change.into() },
        AccountCommand::AppPassword { command } => app_password(command),
        AccountCommand::Certificate { command } => bound_certificate(command)?,
        AccountCommand::ClearExposure { name } => Request::ClearExposure { account: name },
        AccountCommand::Policy { name, own_password } => {
            Request::SetOwnPassword { account: name, own_password }
        }
    })
}

fn app_password(command: AppPasswordCommand) -> Request {
    match command {
        AppPasswordCommand::Add(new) => Request::AddAppPassword(AppPasswordWanted {
            account: new.account,
            label: new.name,
            services: new.services,
            expires_s: new.expires.map(jiff::Timestamp::as_second),
            networks: new.network,
        }),
        AppPasswordCommand::List { account, .. } => Request::ListAppPasswords { account },
        AppPasswordCommand::Revoke { account, called } => Request::RevokeAppPassword { account, called },
    }
}

fn bound_certificate(command: BoundCertificateCommand) -> Result<Request> {
    Ok(match command {
        BoundCertificateCommand::Bind { account, file, name, public_key } => {
            let known_by = fingerprints(&file).with_context(|| file.display().to_string())?;
            let (by, sha256) = match public_key {
                true => (BoundBy::PublicKey, known_by.public_key),
                false => (BoundBy::Certificate, known_by.certificate),
            };
            Request::BindCertificate(CertificateWanted {
                account,
                label: name,
                by,
                sha256: desk::hex(&sha256),
            })
        }
        BoundCertificateCommand::List { account, .. } => Request::ListBoundCertificates { account },
        BoundCertificateCommand::Unbind { account, called } => Request::UnbindCertificate { account, called },
    })
}

fn fingerprints(file: &Path) -> Result<Fingerprints> {
    let mut text = Vec::new();
    File::open(file)?.take(LONGEST_CERTIFICATE).read_to_end(&mut text)?;
    Ok(Fingerprints::of_pem(&text)?)
}

fn print(reply: Reply, style: Style) -> Result<()> {
    match (reply, style) {
        (Reply::Done(sentence), _) => say!("{sentence}"),
        (Reply::Accounts(lines), Style::Json) => say!("{}", serde_json::to_string(&lines)?),
        (Reply::Accounts(lines), Style::Lines) => table(lines.iter().map(listed)),
        (Reply::AppPassword(made), Style::Json) => say!("{}", serde_json::to_string(&made)?),
        // The password alone on a line of its own, for whoever copies it.
        (Reply::AppPassword(made), Style::Lines) => {
            say!("The app password {} is made. It is not shown again:", made.name);
            say!("{}", made.password.0);
        }
        (Reply::AppPasswords(lines), Style::Json) => say!("{}", serde_json::to_string(&lines)?),
        (Reply::AppPasswords(lines), Style::Lines) => table(lines.iter().map(app_password_line)),
        (Reply::BoundCertificates(lines), Style::Json) => say!("{}", serde_json::to_string(&lines)?),
        (Reply::BoundCertificates(lines), Style::Lines) => table(lines.iter().map(bound_line)),
        (Reply::Quota(told), Style::Json) => say!("{}", serde_json::to_string(&told)?),
        (Reply::Quota(told), Style::Lines) => table(resources(&told)),
        (Reply::Refused(why), _) => bail!(why),
        (reply, _) => bail!("the server answers something else: {reply:?}"),
    }
    Ok(())
}

fn listed(line: &AccountLine) -> Vec<String> {
    let standing = match line.standing {
        Standing::Enabled => "",
        Standing::Disabled => "disabled",
        Standing::Barred => "barred by its directory",
        Standing::InDoubt => "in doubt",
    };
    let who = |link: &LinkLine| format!("{} in {}", link.subject, link.directory);
    let links = line.links.iter().map(who).collect::<Vec<_>>().join(", ");
    let mut row = vec![line.name.clone(), standing.into(), links];
    if let Some(ExposedLine { when_s, address, service }) = &line.exposed {
        let from = address.as_ref().map_or_else(|| "this host".to_owned(), Clone::clone);
        row.push(format!("exposed {} from {from} by {service}", at(*when_s)));
    }
    row
}

fn app_password_line(line: &AppPasswordLine) -> Vec<String> {
    let until = match (line.expires_s, line.is_over) {
        (None, _) => String::new(),
        (Some(expires_s), false) => format!("until {}", at(expires_s)),
        (Some(expires_s), true) => format!("over since {}", at(expires_s)),
    };
    let used = line.last_used.as_ref().map_or_else(|| "never used".to_owned(), last_used);
    vec![line.id.clone(), line.name.clone(), line.services.join(","), until, line.networks.join(","), used]
}

fn bound_line(line: &BoundLine) -> Vec<String> {
    let by = match line.by {
        BoundBy::Certificate => "",
        BoundBy::PublicKey => "by its key",
    };
    vec![line.sha256.clone(), line.name.clone(), by.into()]
}

fn last_used(last: &UseLine) -> String {
    let from = last.address.as_ref().map(|address| format!(" from {address}")).unwrap_or_default();
    let client = if last.client.is_empty() { String::new() } else { format!(" by {}", last.client) };
    format!("used {}{from}{client}", at(last.when_s))
}

fn at(time_s: i64) -> String {
    when::told(time_s.saturating_mul(1_000))
}

fn resources(told: &QuotaUse) -> impl Iterator<Item = Vec<String>> {
    let row = |name: &str, Used { used, limit }: Used| {
        let limit = limit.map_or_else(|| "no limit".into(), |limit| format!("of {limit}"));
        vec![name.into(), used.to_string(), limit]
    };
    [row("octets", told.storage_octets), row("messages", told.messages), row("mailboxes", told.mailboxes)]
        .into_iter()
}

/// Prints rows in columns.
pub(crate) fn table(rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<_> = rows.collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let pad = |(column, cell): (usize, &String)| format!("{cell:0$}", width(column).unwrap_or_default());
    for row in &rows {
        let line = row.iter().enumerate().map(pad).collect::<Vec<_>>().join("  ");
        say!("{}", line.trim_end());
    }
}

fn password(source: PasswordSource) -> Result<desk::Password> {
    match source {
        PasswordSource::StandardInput => first_line(),
        PasswordSource::Terminal => typed_twice(),
    }
}

fn first_line() -> Result<desk::Password> {
    first_line_of(stdin().lock())
}

/// A password from the first line of a file.
pub(crate) fn first_line_of(file: impl BufRead) -> Result<desk::Password> {
    let mut line = String::new();
    file.take(LONGEST_LINE).read_line(&mut line).context("cannot read the password")?;
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
