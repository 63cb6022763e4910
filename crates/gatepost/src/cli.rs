//! The command line: what can be asked of the binary, in the words of the manual.

mod account;
mod bench;
mod size;

pub(crate) use account::{
    Account, AccountCommand, AppPasswordCommand, BoundCertificateCommand, NewAccount, NewAppPassword,
    PasswordSource,
};
pub(crate) use bench::{Bench, BenchSizes};

use crate::when;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the configuration lies unless told otherwise.
const DEFAULT_CONFIG: &str = "/etc/gatepost/gatepost.toml";
/// Where mail lies unless told otherwise.
const DEFAULT_DATA: &str = "/var/lib/gatepost";

/// Gatepost, an IMAP server: port 143 with STARTTLS only, port 993 with TLS, and never a password in the clear.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try Gatepost now: a server with a mailbox full of mail, no root and no configuration needed
    Demo(Demo),
    /// Write a configuration, and make the data directory and a private certificate if there is none
    Init(Init),
    /// Run the server until it is told to stop (SIGTERM or Ctrl-C)
    Serve(Config),
    /// Read the configuration, its certificates and addresses, and say what is wrong with them, if anything
    CheckConfig(Config),
    /// Add, list, disable and remove accounts, set their passwords and limits; works while the server runs and without it
    Account(Account),
    /// List and make the mailboxes of an account, and see what is in them; works while the server runs and without it
    Mailbox(Mailbox),
    /// Test the mail store, see what is in it, make its index again, raise its format
    Store(Store),
    /// Tell how the certificates are, have new ones ordered at once, look at the files as a client would
    Cert(Cert),
    /// List what failed logins are held against, and let somebody off; works while the server runs and without it
    Limits(Limits),
    /// Print what is measured of the running server, as Prometheus reads it
    Metrics(Config),
    /// Bring back accounts, mailboxes and messages that were deleted; works while the server runs and without it
    Undelete(Undelete),
    /// Let go, for good and at once, of what was expunged, deleted or removed; works while the server runs and without it
    Purge(Purge),
    /// Back up all mail and accounts into a directory, list what it holds, or prove it; run again, it copies what is new
    Backup(Backup),
    /// Bring back everything of a backup as a new data directory; or, while the server runs and without it, an account or
    /// a mailbox into the one that there is
    Restore(Restore),
    /// Write an account's mail into a Maildir or mbox files that any other server reads; run again, it writes what is new
    Export(Export),
    /// Bring mail from a Maildir, mbox files or any IMAP server into an account; run again, it brings what is new
    Import(Import),
    /// Measure any IMAP server: how fast it is, what it costs, and whether what it answers is right
    Bench(Bench),
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    /// The configuration file
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = DEFAULT_CONFIG,
        env = "GATEPOST_CONFIG",
        global = true
    )]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the demo keeps its mail, certificate and password between runs
    #[arg(long, value_name = "DIR", default_value = "gatepost-demo")]
    pub(crate) data: PathBuf,
    /// Fill the mailbox with your own mail instead: a Maildir or an mbox file (only when the demo is new)
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) mail: Option<PathBuf>,
    /// Where to listen for IMAP with STARTTLS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1143")]
    pub(crate) imap: SocketAddr,
    /// Where to listen for IMAP with TLS from the first byte
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1993")]
    pub(crate) imaps: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where to write the configuration; an existing file is never overwritten
    #[arg(long, short, value_name = "FILE", default_value = DEFAULT_CONFIG, env = "GATEPOST_CONFIG")]
    pub(crate) config: PathBuf,
    /// Where mail will lie
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    pub(crate) data: PathBuf,
    /// The name under which clients reach this server
    #[arg(long, value_name = "NAME")]
    pub(crate) hostname: String,
    /// Where to listen for IMAP with STARTTLS
    #[arg(long, value_name = "ADDRESS", default_value = "[::]:143")]
    pub(crate) imap: SocketAddr,
    /// Where to listen for IMAP with TLS from the first byte
    #[arg(long, value_name = "ADDRESS", default_value = "[::]:993")]
    pub(crate) imaps: SocketAddr,
    /// The certificate chain (PEM); without it a private authority is made in the data directory
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Cert {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(subcommand)]
    pub(crate) command: CertCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CertCommand {
    /// Tell of each certificate of the running server for whom it is, when it ends and when it is renewed
    Status {
        /// Print a JSON array instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Have certificates ordered from the authority now, whatever is planned, and wait for them
    Renew {
        /// A name of the certificate; without it, all of them
        name: Option<String>,
    },
    /// Look at the files as a client would: chain, names, keys, days left; fails where clients will not like something
    Check,
}

#[derive(Debug, Args)]
pub(crate) struct Mailbox {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(subcommand)]
    pub(crate) command: MailboxCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MailboxCommand {
    /// List an account's mailboxes, what they are for and whether they are subscribed
    List {
        /// The account, such as ann@example.org
        account: String,
        /// Print a JSON array instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Tell how much is in a mailbox, or in all of them
    Status {
        /// The account, such as ann@example.org
        account: String,
        /// The mailbox; without it, all
        mailbox: Option<String>,
        /// Print a JSON array instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Tell what happened to a mailbox, newest first: when, by whom, from which device
    History {
        /// The account, such as ann@example.org
        account: String,
        /// The mailbox; one that was deleted is found too
        mailbox: String,
        /// How many events
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// Print a JSON array instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Make a mailbox as it was: beside the one that is, or in its place
    Restore {
        /// The account, such as ann@example.org
        account: String,
        /// The mailbox; one that was deleted is found too
        mailbox: String,
        #[command(flatten)]
        then: Then,
        /// Bring back into the mailbox itself what is gone from it, and the flags of what is there; what has come in
        /// since stays
        #[arg(long, conflicts_with = "into")]
        in_place: bool,
        /// The new mailbox that is made; without it, its name says what was restored
        #[arg(long, value_name = "NAME")]
        into: Option<String>,
    },
    /// Make a mailbox and subscribe to it
    Create {
        /// The account, such as ann@example.org
        account: String,
        /// The mailbox, such as Work/Plans
        mailbox: String,
        /// What it is for: sent, drafts, junk, trash or archive; may be given more than once
        #[arg(long, value_name = "USE")]
        special_use: Vec<String>,
    },
}

/// What a mailbox is to be like again.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Then {
    /// As it was at this time, such as 2026-11-28T14:30, 2026-11-28T14:30:00Z or 2h (two hours ago)
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub(crate) at: Option<jiff::Timestamp>,
    /// As it was behind this MODSEQ; `gatepost mailbox history` tells them
    #[arg(long, value_name = "N")]
    pub(crate) modseq: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Store {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Read and test everything, count everything anew, and list what is damaged and whose it is; works while the server
    /// runs and without it. Exits with 0 where all is well, 1 where something is damaged, 2 where that cannot be found out
    Check {
        /// Only this account, such as ann@example.org
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Mend what can be mended, and list that and what could not be saved. No message goes and no UID changes; take
        /// a backup first all the same
        #[arg(long)]
        repair: bool,
        /// Print JSON instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Let the running server read and test everything now, at its usual pace, and log what it finds
    Scrub,
    /// Free what is needed no more and takes up at least half of a segment of the log, as the server does once a day; works
    /// while the server runs and without it
    Compact {
        /// Free everything that is needed no more, though more has to be written for it than is won
        #[arg(long)]
        everything: bool,
    },
    /// Let everything go that was expunged, deleted or removed longer ago than `store.retention_days`: now, and by the
    /// clock as it is. A server does so once a day; works while it runs and without it
    Sweep,
    /// Tell how much is in the store, and how much of it is used
    Stats {
        /// Only this account, such as ann@example.org
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Print JSON instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Raise the data directory to the newest format that this version writes; the server must not run. Never needed: an
    /// older format is read and written as it is. Versions that do not know the new one refuse the directory from then on
    Upgrade {
        /// Say what there is and what would be done, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Print JSON instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Make the index again from the log; the server must not run. `\Recent` marks and the like, which the log does not
    /// know, are forgotten
    Reindex {
        /// Also where the log is damaged: what only the present index knows is forgotten, and deleted mail may come back
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Undelete {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(subcommand)]
    pub(crate) command: UndeleteCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UndeleteCommand {
    /// List the accounts that were removed, or the mailboxes of an account that were deleted
    List {
        /// The account whose mailboxes are listed, such as ann@example.org; without it, removed accounts
        account: Option<String>,
        /// Print a JSON array instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Bring back an account that was removed, with its mail and its password
    Account {
        /// The name that it had; of several, the one that was removed last
        name: String,
        /// The name that it gets, where the old one is taken
        #[arg(long = "as", value_name = "NAME")]
        under: Option<String>,
    },
    /// Bring back a mailbox that was deleted, with its messages, UIDs and UIDVALIDITY as they were
    Mailbox {
        /// The account, such as ann@example.org
        account: String,
        /// The name that it had; of several, the one that was deleted last
        mailbox: String,
        /// The name that it gets, where the old one is taken
        #[arg(long = "as", value_name = "NAME")]
        under: Option<String>,
    },
    /// Bring back the messages that were expunged from a mailbox and were not moved elsewhere
    Messages {
        /// The account, such as ann@example.org
        account: String,
        /// The mailbox
        mailbox: String,
        /// Only those that were expunged since, such as 2026-11-28T14:30 or 2h (two hours ago)
        #[arg(long, value_name = "TIME", value_parser = when::parse)]
        since: Option<jiff::Timestamp>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Limits {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(subcommand)]
    pub(crate) command: LimitsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LimitsCommand {
    /// List the networks and accounts that failed logins are held against, those with the most first
    ///
    /// What is held against an account from one network and kind of client alone is not listed: a device whose own
    /// failures keep it out is not to be seen here. `clear --account` and `clear --address` let it off all the same.
    List {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Hold nothing against somebody any more: an address and its networks, an account, or everybody
    #[command(group = clap::ArgGroup::new("whom").required(true))]
    Clear {
        /// An address, such as 192.0.2.7
        #[arg(long, value_name = "ADDRESS", group = "whom")]
        address: Option<std::net::IpAddr>,
        /// An account, such as ann@example.org
        #[arg(long, value_name = "NAME", group = "whom")]
        account: Option<String>,
        /// Everybody
        #[arg(long, group = "whom")]
        all: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Purge {
    #[command(flatten)]
    pub(crate) config: Config,
    /// The account, such as ann@example.org. What it holds stays. Of one that was removed everything goes
    pub(crate) account: String,
    /// Only what was expunged from this mailbox, and mailboxes that were deleted under this name
    #[arg(long, value_name = "NAME", conflicts_with = "removed")]
    pub(crate) mailbox: Option<String>,
    /// Only what was expunged, deleted or removed at this time or before, such as 2026-11-28T14:30 or 2h (two hours ago)
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub(crate) expunged_before: Option<jiff::Timestamp>,
    /// Accounts of this name that were removed, although there is another by now
    #[arg(long)]
    pub(crate) removed: bool,
    /// Do not ask whether that is meant
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print what went as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(subcommand)]
    pub(crate) command: Option<BackupCommand>,
    #[command(flatten)]
    pub(crate) take: Option<BackupTake>,
}

#[derive(Debug, Args)]
pub(crate) struct BackupTake {
    /// Where to: a directory that is new or empty, or holds earlier backups of this server
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Of all backups in it keep the newest N, this one among them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: Option<u32>,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// List the backups in a directory, oldest first
    List {
        /// The directory
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Restore a backup into a scratch folder, read all of it and compare; fails where anything is wrong
    Verify {
        /// The directory
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// Which backup, as `gatepost backup list` names it; else the newest
        #[arg(long, value_name = "ID")]
        manifest: Option<String>,
        /// Where there is room for all of it; else the system's folder for temporary files
        #[arg(long, value_name = "FOLDER")]
        scratch: Option<PathBuf>,
        /// Print what was found as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = false, args = ["data", "account"])]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) config: Config,
    /// The directory that `gatepost backup` filled
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Everything: the data directory that is made; it must not be there
    #[arg(long, value_name = "NEW")]
    pub(crate) data: Option<PathBuf>,
    /// Only this account, by the name that it had. One that is not there is made again, with its password; beside one that
    /// is there, its mail comes into new mailboxes
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// Of the account only this mailbox
    #[arg(long, value_name = "NAME", requires = "account", conflicts_with = "data")]
    pub(crate) mailbox: Option<String>,
    /// As it was at this time, such as 2026-11-28T14:30 or 2h (two hours ago). Everything comes from the newest backup of
    /// that time or before it
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub(crate) at: Option<jiff::Timestamp>,
    /// Which backup, as `gatepost backup list` names it; else the newest
    #[arg(long, value_name = "ID")]
    pub(crate) manifest: Option<String>,
    /// The name of the new account, or of the mailbox where there is only one, that gets the mail
    #[arg(long = "as", value_name = "NAME", requires = "account", conflicts_with = "data")]
    pub(crate) under: Option<String>,
    /// Into the mailboxes that it was in: what is gone from them comes back, and the flags of what is there; what has come
    /// in since stays
    #[arg(long, requires = "account", conflicts_with_all = ["under", "data"])]
    pub(crate) in_place: bool,
    /// Pass over no UIDs and MODSEQs: for a copy that no client will ever see
    #[arg(long, requires = "data", conflicts_with = "account")]
    pub(crate) exact: bool,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(subcommand)]
    pub(crate) source: ImportSource,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportSource {
    /// A Maildir with its folders, in the Maildir++ layout or as a tree of directories
    Maildir {
        #[command(flatten)]
        files: ImportFiles,
    },
    /// An mbox file, or a directory of them, such as Thunderbird's Mail folder
    Mbox {
        #[command(flatten)]
        files: ImportFiles,
    },
    /// The mailboxes of a user of another IMAP server, over verified TLS
    Imap(ImportImap),
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) config: Config,
    /// As what
    #[arg(value_enum)]
    pub(crate) form: ExportForm,
    /// The account, such as ann@example.org
    pub(crate) account: String,
    /// Where to: a directory that is new, empty, or an earlier export of this account
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Only this mailbox; `*` and `%` as in LIST. May be given more than once
    #[arg(long, value_name = "PATTERN")]
    pub(crate) folder: Vec<String>,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How mail lies in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportForm {
    /// A Maildir in the Maildir++ layout, with Dovecot's `dovecot-uidlist`, `dovecot-keywords` and `subscriptions`
    Maildir,
    /// An mbox file for each mailbox, with the notes that Dovecot writes: X-UID, Status, X-Keywords
    Mbox,
}

#[derive(Debug, Args)]
pub(crate) struct ImportFiles {
    /// The account that gets the mail, such as ann@example.org
    pub(crate) account: String,
    /// Where the mail lies
    #[arg(value_name = "DIR|FILE")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) choice: ImportChoice,
}

#[derive(Debug, Args)]
pub(crate) struct ImportImap {
    /// The account that gets the mail, such as ann@example.org
    pub(crate) account: String,
    /// The other server, by the name that its certificate is for
    #[arg(long, value_name = "NAME")]
    pub(crate) host: String,
    /// Its port; 993, or with --starttls 143
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Begin in the clear and go on in TLS before anything is said
    #[arg(long)]
    pub(crate) starttls: bool,
    /// Trust these authorities (PEM) instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Connect here, instead of where the name leads
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<SocketAddr>,
    /// Whose mail, by the name with which they sign in there
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// Read the password from standard input (its first line) instead of asking for it
    #[arg(long, conflicts_with = "password_file")]
    pub(crate) password_stdin: bool,
    /// Read the password from a file (its first line)
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// How many mailboxes at once, each over a connection of its own
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) connections: u8,
    #[command(flatten)]
    pub(crate) choice: ImportChoice,
}

#[derive(Debug, Args)]
pub(crate) struct ImportChoice {
    /// Only this folder; `*` and `%` as in LIST. May be given more than once
    #[arg(long, value_name = "PATTERN")]
    pub(crate) folder: Vec<String>,
    /// Not this folder; `*` and `%` as in LIST. May be given more than once
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// Bring a folder, and those below it, under another name. May be given more than once
    #[arg(long, value_name = "THERE=HERE")]
    pub(crate) map: Vec<String>,
    /// Let flags be as they are at the source, also where they were changed here since the last run
    #[arg(long)]
    pub(crate) flags: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_configuration_may_be_named_before_or_behind_the_verb() {
        for words in ["account --config c list --json", "account list --json --config c"] {
            let words = std::iter::once("gatepost").chain(words.split(' '));
            let Command::Account(account) = Cli::try_parse_from(words).unwrap().command else { panic!() };
            assert_eq!(account.config.config, PathBuf::from("c"));
        }
    }

    #[test]
    fn a_backup_is_taken_into_a_directory_or_looked_at_in_one() {
        let parse = |words: &str| {
            let words = std::iter::once("gatepost").chain(words.split(' '));
            let Command::Backup(backup) = Cli::try_parse_from(words)?.command else { panic!() };
            Ok::<_, clap::Error>(backup)
        };
        let taking = parse("backup --config c /b --keep 3").unwrap();
        assert_eq!(taking.config.config, PathBuf::from("c"));
        assert!(taking.command.is_none() && taking.take.unwrap().keep == Some(3));
        let verifying = parse("backup verify /b --json").unwrap();
        assert!(matches!(verifying.command, Some(BackupCommand::Verify { json: true, .. })));
        assert!(parse("backup").is_err());
        assert!(parse("backup /b --keep 0").is_err());
    }

    #[test]
    fn everything_is_restored_or_an_account() {
        let parse = |words: &str| Cli::try_parse_from(format!("gatepost restore /b {words}").split(' '));
        for words in
            ["--data /new --exact", "--account a --mailbox INBOX --as Old", "--account a --in-place --at 2h"]
        {
            assert!(parse(words).is_ok(), "{words}");
        }
        for words in [
            "--json",
            "--data /new --account a",
            "--data /new --mailbox INBOX",
            "--account a --exact",
            "--account a --as b --in-place",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
    }

    #[test]
    fn init_is_scriptable() {
        let words = "gatepost init --data d --config c --hostname h.example --imap 127.0.0.1:143 --imaps 127.0.0.1:993";
        assert!(matches!(Cli::try_parse_from(words.split(' ')).unwrap().command, Command::Init(_)));
    }
}
