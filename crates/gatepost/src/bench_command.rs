//! `gatepost bench`: what is measured, where, as whom; and how it is told.

use crate::account::{Style, first_line_of, table};
use crate::cli::{Bench, BenchSizes};
use crate::import::progress::Progress;
use crate::say::say;
use anyhow::{Context, Result, bail};
use bench::{
    Bound, Idling, KeyExchange, Leaving, LmtpPlace, Plan, Recipe, Row, Security, Sizes, Users, Verdict,
    Verification, Watched, Watcher, Way,
};
use migrate::Watcher as _;
use std::fs::File;
use std::io::{BufReader, IsTerminal, stdin};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

/// What a shell says of a program that ended by Ctrl-C.
const INTERRUPTED: i32 = 130;
/// Where the password is looked for when nobody says where it is.
const PASSWORD: &str = "GATEPOST_BENCH_PASSWORD";

/// Measures; fails where an answer was wrong.
pub(crate) async fn run(bench: Bench) -> Result<ExitCode> {
    let style = Style::of(bench.json);
    let progress = if bench.quiet { Progress::none() } else { Progress::new(style) };
    let teller = Arc::new(Teller { progress, style, rows: Mutex::default() });
    let told = bench::run(plan(&bench)?, Arc::<Teller>::clone(&teller), interrupted()).await;
    teller.progress.clear();
    teller.flush();
    Ok(match told? {
        Verdict::Right => ExitCode::SUCCESS,
        Verdict::Wrong => ExitCode::FAILURE,
    })
}

/// Done when somebody presses Ctrl-C. Who presses it once more does not wait until all is tidied up.
async fn interrupted() {
    let Ok(mut presses) = signal(SignalKind::interrupt()) else {
        // Without the signal nobody stops it so.
        return std::future::pending().await;
    };
    presses.recv().await;
    eprintln!(
        "gatepost: stopping, and taking away what the run made; Ctrl-C once more ends at once, and leaves it there"
    );
    tokio::spawn(async move {
        presses.recv().await;
        std::process::exit(INTERRUPTED);
    });
}

fn plan(bench: &Bench) -> Result<Plan> {
    let Bench { server, who, size, .. } = bench;
    let (security, port) = if server.starttls { (Security::StartTls, 143) } else { (Security::Tls, 993) };
    let verification = match &server.ca_file {
        Some(file) => Verification::Authorities(file.clone()),
        None if server.insecure => Verification::Nothing,
        None => Verification::System,
    };
    let way = Way {
        host: server.host.clone(),
        port: server.port.unwrap_or(port),
        security,
        verification,
        exchange: if server.x25519 { KeyExchange::X25519 } else { KeyExchange::Usual },
    };
    let sizes = match size.sizes {
        BenchSizes::People => Sizes::People,
        BenchSizes::Small => Sizes::Small,
    };
    let watched = match &bench.cgroup {
        Some(directory) => Watched::Cgroup(directory.clone()),
        None if bench.pid.is_empty() => Watched::Nothing,
        None => Watched::Processes(bench.pid.clone()),
    };
    Ok(Plan {
        way,
        lmtp: server.lmtp.as_deref().map(lmtp).transpose()?,
        users: Users::read(&who.user)?,
        password: password(&who.user, who.password_file.as_deref(), who.password_stdin)?,
        workloads: bench.workloads.clone(),
        recipe: Recipe { seed: size.seed, sizes, largest: size.largest },
        mailbox: size.mailbox.clone(),
        messages: size.messages,
        connections: size.connections,
        bound: size.count.map_or(Bound::Time(Duration::from_secs(size.seconds)), Bound::Count),
        rounds: size.rounds,
        idling: Idling {
            wake: bench.idle.wake,
            restart: bench.idle.restart.clone(),
            at_once: bench.idle.at_once,
        },
        rate: size.rate,
        watched,
        leaving: if bench.keep { Leaving::Keep } else { Leaving::Clean },
    })
}

fn lmtp(place: &str) -> Result<LmtpPlace> {
    if place.contains('/') {
        return Ok(LmtpPlace::Unix(place.into()));
    }
    let port = place.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let Some((host, port)) = port else {
        bail!("--lmtp {place}: it is HOST:PORT, or a socket with its path");
    };
    Ok(LmtpPlace::Tcp(host.trim_matches(['[', ']']).to_owned(), port))
}

fn password(user: &str, file: Option<&std::path::Path>, is_on_stdin: bool) -> Result<Zeroizing<String>> {
    let read = match file {
        Some(path) => {
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            first_line_of(BufReader::new(file))?.0
        }
        None if is_on_stdin => first_line_of(stdin().lock())?.0,
        None => match std::env::var(PASSWORD) {
            Ok(password) => password,
            Err(_) if stdin().is_terminal() => rpassword::prompt_password(format!("Password of {user}: "))?,
            Err(_) => bail!(
                "there is nobody to ask for a password; use --password-stdin, --password-file or {PASSWORD}"
            ),
        },
    };
    Ok(Zeroizing::new(read))
}

/// Tells rows: as JSON when they come, for people workload by workload.
struct Teller {
    progress: Progress,
    style: Style,
    /// Of the workload that is at work.
    rows: Mutex<Vec<Row>>,
}

impl Teller {
    fn flush(&self) {
        let rows = std::mem::take(&mut *self.rows.lock().unwrap_or_else(PoisonError::into_inner));
        if rows.is_empty() {
            return;
        }
        self.progress.aside(|| {
            let head = Row::HEAD.map(String::from).to_vec();
            table(std::iter::once(head).chain(rows.iter().map(Row::cells)));
            rows.iter().flat_map(Row::remarks).for_each(|remark| say!("{remark}"));
            say!();
        });
    }
}

impl Watcher for Teller {
    fn begins(&self, what: &str, total: u64) {
        self.progress.begins(what, total);
    }

    fn moves(&self, what: &str, steps: u64) {
        self.progress.moves(what, steps);
    }

    fn ends(&self, what: &str) {
        self.progress.ends(what);
    }

    fn measured(&self, row: &Row) {
        if matches!(self.style, Style::Json) {
            match serde_json::to_string(row) {
                Ok(json) => say!("{json}"),
                Err(why) => eprintln!("gatepost: {why}"),
            }
            return;
        }
        let is_another = |rows: &Vec<Row>| rows.first().is_some_and(|first| first.workload != row.workload);
        if is_another(&self.rows.lock().unwrap_or_else(PoisonError::into_inner)) {
            self.flush();
        }
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).push(row.clone());
    }
}
