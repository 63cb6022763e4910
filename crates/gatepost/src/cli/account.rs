//! `gatepost account`: accounts, and what lets in to them.

use super::Config;
use super::size::{number, size};
use crate::desk::{Allowed, OwnPassword, QuotaChange};
use crate::when;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Account {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(subcommand)]
    pub(crate) command: AccountCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Add an account with its INBOX, Sent, Drafts, Junk, Trash and Archive
    Add(NewAccount),
    /// Add the accounts of a passwd-file: `name:hash` on each line, as Dovecot and /etc/shadow have it. The passwords stay what
    /// they are; each gets a better hash when its owner signs in for the first time
    Import {
        /// The file; `-` for standard input
        file: PathBuf,
    },
    /// List the accounts
    List {
        /// Only those a password of which was sent in clear, with when, from where and by which protocol. Strangers can
        /// cause such a mark
        #[arg(long)]
        exposed: bool,
        /// Print a JSON array instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Give an account a new password
    Passwd(Password),
    /// Remove an account and its mail; `gatepost undelete account` brings both back
    Remove {
        /// The account, such as ann@example.org
        name: String,
    },
    /// Say who the owner of an account is in a directory of the settings: from then on that judges the password
    Link {
        /// The account, such as ann@example.org
        name: String,
        /// The directory, as the settings call it
        #[arg(long, value_name = "NAME")]
        directory: String,
        /// What stays the same there whatever they are called: an entryUUID, the key of a row, an issuer and its `sub`; for a
        /// passwd-file the name
        #[arg(long)]
        subject: String,
    },
    /// Let a directory vouch for an account no more, and sign out who came in by its word; the mail stays
    Unlink {
        /// The account, such as ann@example.org
        name: String,
        /// The directory, as the settings call it
        #[arg(long, value_name = "NAME")]
        directory: String,
    },
    /// Call an account something else; its mail, its app passwords and who is signed in stay
    Rename {
        /// The account, such as ann@example.org
        name: String,
        /// What it is called from then on
        new: String,
    },
    /// Let nobody sign in to an account any more, and sign out who is; its mail stays
    Disable {
        /// The account, such as ann@example.org
        name: String,
    },
    /// Let an account sign in again
    Enable {
        /// The account, such as ann@example.org
        name: String,
    },
    /// Passwords for single devices, which can be taken back one by one
    AppPassword {
        #[command(subcommand)]
        command: AppPasswordCommand,
    },
    /// Client certificates that stand for an account, on listeners with `client_certificates`
    Certificate {
        #[command(subcommand)]
        command: BoundCertificateCommand,
    },
    /// List an account as exposed no more: its password was changed, or what was sent was none
    ClearExposure {
        /// The account, such as ann@example.org
        name: String,
    },
    /// Let mail protocols refuse an account's own password, so that they take no other password than its app passwords
    Policy {
        /// The account, such as ann@example.org
        name: String,
        /// Whether its own password is taken
        #[arg(long, value_enum)]
        own_password: OwnPassword,
    },
    /// Show what an account holds and may hold, and give it limits of its own
    Quota {
        /// The account, such as ann@example.org
        name: String,
        #[command(flatten)]
        change: QuotaLimits,
        /// Print JSON instead of lines
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AppPasswordCommand {
    /// Make one up. It is shown this once
    Add(NewAppPassword),
    /// List those of an account
    List {
        /// The account, such as ann@example.org
        account: String,
        /// Print a JSON array instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Take one back, and sign out who has signed in with it
    Revoke {
        /// The account, such as ann@example.org
        account: String,
        /// Its name, or its id as the list shows it
        #[arg(value_name = "NAME|ID")]
        called: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BoundCertificateCommand {
    /// Let a certificate sign in to an account
    Bind {
        /// The account, such as ann@example.org
        account: String,
        /// The certificate, in PEM; its key stays with the device
        file: PathBuf,
        /// What it is for, such as "Ann's laptop"
        #[arg(long)]
        name: String,
        /// By its public key, so that it need not be bound again when it is renewed for the same key
        #[arg(long)]
        public_key: bool,
    },
    /// List those of an account, by their SHA-256
    List {
        /// The account, such as ann@example.org
        account: String,
        /// Print a JSON array instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Let one sign in no more, and sign out who has signed in with it
    Unbind {
        /// The account, such as ann@example.org
        account: String,
        /// Its name, or its SHA-256 as the list shows it
        #[arg(value_name = "NAME|SHA-256")]
        called: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct NewAppPassword {
    /// The account, such as ann@example.org
    pub(crate) account: String,
    /// What it is for, such as "Ann's phone"
    #[arg(long)]
    pub(crate) name: String,
    /// Only these protocols, such as imap,submission; of imap, pop3, submission and managesieve. Else all of them
    #[arg(long = "for", value_name = "PROTOCOLS", value_delimiter = ',')]
    pub(crate) services: Vec<String>,
    /// Until then, such as 2027-01-31, 2027-01-31T12:00 or 90d (ninety days from now); else until it is revoked
    #[arg(long, value_name = "TIME", value_parser = when::until)]
    pub(crate) expires: Option<jiff::Timestamp>,
    /// Only from this network, such as 192.0.2.0/24 or 2001:db8::/32. May be given more than once
    #[arg(long, value_name = "NETWORK")]
    pub(crate) network: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NewAccount {
    #[command(flatten)]
    pub(crate) who: Password,
    /// Its owner is known in this directory of the settings, by `--subject`: it gets no password of its own
    #[arg(long, value_name = "NAME", requires = "subject", conflicts_with = "password_stdin")]
    pub(crate) directory: Option<String>,
    /// What stays the same there whatever they are called; see `account link`
    #[arg(long, requires = "directory")]
    pub(crate) subject: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Password {
    /// The account, such as ann@example.org
    pub(crate) name: String,
    /// Read the password from standard input (its first line) instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

/// Where a password comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordSource {
    /// The first line of standard input.
    StandardInput,
    /// Somebody who types it twice, unseen.
    Terminal,
}

impl Password {
    pub(crate) const fn source(&self) -> PasswordSource {
        if self.password_stdin { PasswordSource::StandardInput } else { PasswordSource::Terminal }
    }
}

/// Limits of an account.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct QuotaLimits {
    /// All of its messages together, such as 500MB or 2GB; `none` for no limit, `usual` for what the settings say
    #[arg(long, value_name = "SIZE", value_parser = size)]
    storage: Option<Allowed>,
    /// How many messages, `none` or `usual`
    #[arg(long, value_name = "N", value_parser = number)]
    messages: Option<Allowed>,
    /// How many mailboxes, `none` or `usual`
    #[arg(long, value_name = "N", value_parser = number)]
    mailboxes: Option<Allowed>,
}

impl From<QuotaLimits> for QuotaChange {
    fn from(limits: QuotaLimits) -> Self {
        let QuotaLimits { storage: storage_octets, messages, mailboxes } = limits;
        Self { storage_octets, messages, mailboxes }
    }
}
