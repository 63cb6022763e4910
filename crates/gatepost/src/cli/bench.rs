//! The words of `gatepost bench`.

use super::size::size;
use crate::desk::Allowed;
use bench::{MOST_OPERATIONS, RATES, SMALLEST, Workload};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

/// Most that the largest message may have, in octets.
const MOST: u64 = 128 << 20;

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure, in this order. Mailboxes that are written into are our own (`bench-...`) and deleted at the end;
    /// `lmtp` delivers into empty INBOXes and empties them again
    #[arg(value_name = "WORKLOAD", required = true, value_parser = workload())]
    pub(crate) workloads: Vec<Workload>,
    #[command(flatten)]
    pub(crate) server: BenchServer,
    #[command(flatten)]
    pub(crate) who: BenchUsers,
    #[command(flatten)]
    pub(crate) size: BenchSize,
    #[command(flatten)]
    pub(crate) idle: BenchIdle,
    /// The server's process on this machine, with all that it began: its CPU and memory are told. May be given more than
    /// once
    #[arg(long, value_name = "PID", conflicts_with = "cgroup")]
    pub(crate) pid: Vec<u32>,
    /// The directory of the server's control group, of version 1 (cpuacct) or 2: as --pid, and more exact
    #[arg(long, value_name = "DIR")]
    pub(crate) cgroup: Option<PathBuf>,
    /// Leave the mailboxes there: the next run finds the large one, and need not fill it
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print a JSON object for each measurement, on a line of its own, as soon as it is done
    #[arg(long)]
    pub(crate) json: bool,
    /// Show no progress
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Which server.
#[derive(Debug, Args)]
pub(crate) struct BenchServer {
    /// The server, by the name that its certificate is for
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    pub(crate) host: String,
    /// Its port; 993, or with --starttls 143
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Begin with TLS, as is usual
    #[arg(long, conflicts_with = "starttls")]
    tls: bool,
    /// Begin in the clear and go on in TLS before anything is said
    #[arg(long)]
    pub(crate) starttls: bool,
    /// Trust these authorities (PEM) instead of the system's
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Trust any certificate: whoever answers gets the password
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Agree upon keys by X25519 alone, to compare handshakes with those of a server that knows nothing newer
    #[arg(long)]
    pub(crate) x25519: bool,
    /// Where the server takes LMTP: HOST:PORT, or a socket
    #[arg(long, value_name = "PLACE")]
    pub(crate) lmtp: Option<String>,
}

/// As whom.
#[derive(Debug, Args)]
pub(crate) struct BenchUsers {
    /// Who signs in: a name, or several such as 'user{0..99}@example.org', who have one password
    #[arg(long, alias = "users", value_name = "PATTERN")]
    pub(crate) user: String,
    /// Read the password from standard input (its first line). Without it and --password-file it is taken from the
    /// environment (GATEPOST_BENCH_PASSWORD), or asked for
    #[arg(long, conflicts_with = "password_file")]
    pub(crate) password_stdin: bool,
    /// Read the password from a file (its first line)
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// How much.
#[derive(Debug, Args)]
pub(crate) struct BenchSize {
    /// Connections at once, where there are several: usually 16 for login, append and lmtp, 100 for push and mixed, 1,000
    /// for idle
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) connections: Option<u32>,
    /// How long each measurement of login, append, lmtp and mixed goes on, and how long idle sessions are watched; the
    /// others do as much as they always do
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// Do so many operations instead
    #[arg(long, value_name = "N", conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..=MOST_OPERATIONS))]
    pub(crate) count: Option<u64>,
    /// The name of the large mailbox, which begins with bench-
    #[arg(long, value_name = "NAME", default_value = "bench-large")]
    pub(crate) mailbox: String,
    /// Messages in it
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10..=10_000_000))]
    pub(crate) messages: u32,
    /// Sizes of messages: a personal mailbox with its attachments, or mail without pictures, of 6.5 KB in the mean
    #[arg(long, value_enum, default_value = "people")]
    pub(crate) sizes: BenchSizes,
    /// No message is larger: what would be is cut
    #[arg(long, value_name = "SIZE", default_value = "1MB", value_parser = largest)]
    pub(crate) largest: u32,
    /// What the mail is made from: the same number, the same mail
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How often what only reads is measured; the best is told
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rounds: u32,
    /// Actions in a second of all the people of mixed together
    #[arg(long, value_name = "N", default_value_t = 20.0, value_parser = rate)]
    pub(crate) rate: f64,
}

/// What idle does besides.
#[derive(Debug, Args)]
pub(crate) struct BenchIdle {
    /// Bring mail to so many of the sessions of idle, and see how soon each hears of it
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) wake: u32,
    /// A command that ends the server at once and starts it anew, and need not wait until it is there: all sessions of idle
    /// come back then. CPU is told with --cgroup
    #[arg(long, value_name = "COMMAND", conflicts_with = "pid")]
    pub(crate) restart: Option<String>,
    /// Sessions of idle that sign in at the same time: usually 16, and all who come back
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) at_once: Option<u32>,
}

/// How large messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum BenchSizes {
    /// As in a personal mailbox: half above 15 KB, one in twenty above 310 KB
    People,
    /// Half above 4 KB, none above 31 KB
    Small,
}

fn workload() -> impl TypedValueParser<Value = Workload> {
    let known = |about: &bench::About| PossibleValue::new(about.name).help(about.measures);
    PossibleValuesParser::new(Workload::ALL.iter().map(known))
        .try_map(|name| Workload::named(&name).ok_or("there is no such workload"))
}

fn largest(text: &str) -> Result<u32, String> {
    match size(text) {
        Ok(Allowed::AtMost(octets)) if (u64::from(SMALLEST)..=MOST).contains(&octets) => {
            u32::try_from(octets).map_err(|why| why.to_string())
        }
        _ => Err(format!("a size such as 64KB or 1MB, from {SMALLEST} octets to 128MB")),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if RATES.contains(&rate) => Ok(rate),
        _ => Err(format!("it is a number such as 20 or 0.5, from {} to {}", RATES.start(), RATES.end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn parse(words: &str) -> Result<Bench, clap::Error> {
        let words = format!("gatepost bench --user ann {words}");
        let Command::Bench(bench) = Cli::try_parse_from(words.split(' '))?.command else { panic!() };
        Ok(bench)
    }

    #[test]
    fn workloads_are_named_and_what_is_not_said_is_usual() {
        let bench = parse("sync login --starttls --largest 64KB").unwrap();
        assert_eq!(bench.workloads, [Workload::Sync, Workload::Login]);
        assert_eq!((bench.size.largest, bench.size.seconds, bench.size.count), (64 << 10, 5, None));
        assert!(bench.server.starttls && bench.server.port.is_none());
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for words in [
            "",
            "brew",
            "sync --tls --starttls",
            "sync --count 3 --seconds 3",
            "sync --pid 1 --cgroup /x",
            "sync --insecure --ca-file x",
            "sync --password-stdin --password-file x",
            "sync --largest 1B",
            "sync --rate 0",
            "sync --rate NaN",
            "sync --rate 1e-300",
            "sync --count 0",
            "sync --count 18446744073709551615",
            "sync --messages 9",
            "idle --restart true --pid 1",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
