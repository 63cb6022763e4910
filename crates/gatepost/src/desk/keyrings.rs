//! App passwords, exposed passwords and policies, as they are asked for and told at the desk.

use super::Password;
use crate::office::Office;
use anyhow::{Result, bail};
use events::{Account, Event, Label as EventLabel};
use mail::{NewAppPassword, UsedAppPassword};
use mailbox::account::directory::keyring::{self, Exposure, Label, MAX_NETWORKS, Scopes, Service};
use serde::{Deserialize, Serialize};

/// An app password to be made.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AppPasswordWanted {
    pub(crate) account: String,
    pub(crate) label: String,
    /// Protocols by their names; none: all mail protocols that there are.
    pub(crate) services: Vec<String>,
    pub(crate) expires_s: Option<i64>,
    pub(crate) networks: Vec<String>,
}

/// An app password that was made. This is the only time that it is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AppPasswordMade {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) password: Password,
}

/// An app password in a list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AppPasswordLine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) services: Vec<String>,
    pub(crate) created_s: i64,
    pub(crate) expires_s: Option<i64>,
    pub(crate) is_over: bool,
    pub(crate) networks: Vec<String>,
    pub(crate) last_used: Option<UseLine>,
}

/// When an app password was used last, to the minute.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UseLine {
    pub(crate) when_s: i64,
    pub(crate) address: Option<String>,
    pub(crate) client: String,
}

/// A password that was sent in clear.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExposedLine {
    pub(crate) when_s: i64,
    pub(crate) address: Option<String>,
    pub(crate) service: String,
}

/// Whether mail protocols take an account's own password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OwnPassword {
    /// They do
    Allowed,
    /// Of passwords they take app passwords alone
    Refused,
}

impl From<OwnPassword> for keyring::OwnPassword {
    fn from(own_password: OwnPassword) -> Self {
        match own_password {
            OwnPassword::Allowed => Self::Allowed,
            OwnPassword::Refused => Self::Refused,
        }
    }
}

impl From<Exposure> for ExposedLine {
    fn from(exposure: Exposure) -> Self {
        Self {
            when_s: exposure.when_s,
            address: exposure.address.map(|address| address.to_string()),
            service: exposure.service.to_string(),
        }
    }
}

/// Makes an app password.
pub(super) async fn add(office: &Office, wanted: AppPasswordWanted) -> Result<AppPasswordMade> {
    let (accounts, account) = (&office.accounts, &wanted.account);
    let new = NewAppPassword {
        label: Label::new(&wanted.label)?,
        scopes: scopes(&wanted.services)?,
        expires_s: wanted.expires_s,
        networks: wanted.networks.iter().map(|network| network.parse()).collect::<Result<_, _>>()?,
    };
    if new.networks.len() > MAX_NETWORKS {
        bail!("an app password has at most {MAX_NETWORKS} networks");
    }
    if new.expires_s.is_some_and(|expires_s| expires_s <= accounts.unix_s()) {
        bail!("its time would be over already");
    }
    let (drawn, record) = office.draw_app_password(account).await?;
    let id = accounts.add_app_password(account, &new, &record).await?;
    let label = EventLabel::new(new.label.as_str());
    Event::AppPasswordAdded { account: Account::new(account), label }.log();
    Ok(AppPasswordMade {
        id: id.to_string(),
        name: new.label.to_string(),
        password: Password(drawn.reveal().to_owned()),
    })
}

fn scopes(services: &[String]) -> Result<Scopes> {
    let named = |name: &String| {
        Service::named(name).ok_or_else(|| anyhow::anyhow!("there is no protocol {name} to sign in by"))
    };
    let services = services.iter().map(named).collect::<Result<Vec<_>>>()?;
    Ok(Scopes::of(services).unwrap_or(Scopes::MAIL))
}

/// The app passwords of an account.
pub(super) async fn list(office: &Office, account: &str) -> Result<Vec<AppPasswordLine>> {
    let now_s = office.accounts.unix_s();
    let used = office.accounts.app_passwords(account).await?;
    Ok(used.into_iter().map(|used| line(used, now_s)).collect())
}

fn line(used: UsedAppPassword, now_s: i64) -> AppPasswordLine {
    let UsedAppPassword { app_password: app, last_use } = used;
    AppPasswordLine {
        id: app.id.to_string(),
        name: app.label.to_string(),
        services: app.scopes.services().map(|service| service.to_string()).collect(),
        created_s: app.created_s,
        expires_s: app.expires_s,
        is_over: app.expires_s.is_some_and(|expires_s| expires_s <= now_s),
        networks: app.networks.iter().map(ToString::to_string).collect(),
        last_used: last_use.map(|last| UseLine {
            when_s: last.when_s,
            address: last.address.map(|address| address.to_string()),
            client: last.client.into(),
        }),
    }
}

/// Takes an app password back.
pub(super) async fn revoke(office: &Office, account: &str, called: &str) -> Result<String> {
    let revoked = office.accounts.revoke_app_password(account, called).await?;
    let label = EventLabel::new(revoked.label.as_str());
    Event::AppPasswordRevoked { account: Account::new(account), label }.log();
    Ok(format!(
        "The app password {} of {account} is revoked, and who had signed in with it is signed out",
        revoked.label
    ))
}

/// Somebody has looked after an exposed password.
pub(super) async fn clear_exposure(office: &Office, account: &str) -> Result<String> {
    match office.accounts.clear_exposure(account).await? {
        None => Ok(format!("No password of {account} is known to have been sent in clear")),
        Some(_) => {
            Event::ExposureCleared { account: Account::new(account) }.log();
            Ok(format!(
                "{account} is not listed as exposed any more; what was exposed lets in until it is changed or revoked"
            ))
        }
    }
}

/// Lets mail protocols take an account's own password, or refuse it.
pub(super) async fn set_own_password(office: &Office, account: &str, own: OwnPassword) -> Result<String> {
    office.accounts.set_own_password(account, own.into()).await?;
    Event::PasswordPolicyChanged { account: Account::new(account) }.log();
    let has_none = office.accounts.keyring(account)?.1.app_passwords().is_empty();
    Ok(match own {
        OwnPassword::Allowed => format!("The own password of {account} is taken by mail protocols"),
        OwnPassword::Refused if has_none => format!(
            "The own password of {account} is refused by mail protocols. It has no app password yet: nobody can sign in \
             (gatepost account app-password add)"
        ),
        OwnPassword::Refused => {
            format!(
                "The own password of {account} is refused by mail protocols: they take its app passwords alone, \
                 and certificates and tokens as before"
            )
        }
    })
}
