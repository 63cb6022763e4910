//! `gatepost serve`: connects the parts, runs until told to stop.

use crate::desk::{Desk, Keeper};
use crate::meter::Shown;
use crate::office::{Office, Opener};
use crate::{config, directories, guesses, issuance, log, meter, rot, sweeper};
use anyhow::{Context, Result};
use events::{Event, StopReason};
use net::{Endpoint, Imap, Lmtp, Protocols, Remote, Server};
use settings::{ListenerKind, Settings};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// Longest that a stop goes on for what only makes the next start quicker.
const TIME_FOR_NEXT_START: Duration = Duration::from_secs(2);
/// Octets that have to be free on the disk for that.
const ROOM_FOR_NEXT_START: u64 = 1 << 30;

/// Serves what the settings file says.
pub(crate) fn run(path: &Path) -> Result<()> {
    let settings = config::read(path)?;
    log::start(&settings.log);
    runtime(settings.server.workers)?.block_on(async {
        let office = Office::open(&settings, Opener::Server).await?;
        serve(&settings, office, |_| ()).await
    })
}

/// What runs everything, on so many threads; `None`: on one for each processor.
pub(crate) fn runtime(workers: Option<u16>) -> std::io::Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(workers.into());
    }
    builder.enable_all().build()
}

/// Where a server listens: the ports that the system chose, where the settings say 0.
pub(crate) type Addresses = Vec<(ListenerKind, SocketAddr)>;

/// Serves until told to stop; calls `ready` once every listener is open.
pub(crate) async fn serve(
    settings: &Settings,
    mut office: Office,
    ready: impl FnOnce(&Addresses),
) -> Result<()> {
    let elsewhere = Arc::new(directories::elsewhere(settings)?);
    for directory in elsewhere.missing_of(&office.accounts) {
        tracing::warn!(
            %directory,
            "accounts hang on a directory that the settings do not have: nobody can sign in to them until it is there, or \
             `gatepost account unlink NAME --directory {directory}` says that it has no say any more",
        );
    }
    let (accounts, pool) = (Arc::clone(&office.accounts), Arc::clone(&office.pool));
    let imap = Imap::within(settings, accounts, pool, Arc::clone(&elsewhere), Arc::clone(&office.failed));
    let asking = imap.ask_again();
    let lmtp = Lmtp::new(settings, Arc::clone(&office.accounts)).asking(elsewhere);
    let (steward, awaited) = issuance::open(settings)?;
    let server = Server::open_and_await(settings, awaited, Protocols { imap, lmtp })?;
    let endpoint = settings.metrics.listen.map(Endpoint::open).transpose()?;
    office.meter.iter().for_each(|meter| meter.connect(server.gauge()));
    obey_signals(server.remote())?;
    let keeper = Keeper { gauge: server.gauge(), remote: server.remote(), steward: steward.clone() };
    // Nobody else sets it.
    let _ = office.keeper.set(keeper);
    let found = office.take_found();
    let office = Arc::new(office);
    let data = &settings.server.data;
    let desk = tokio::spawn(Desk::open(data)?.serve(Arc::clone(&office)));
    let accounts = Arc::clone(&office.accounts);
    let told = found.map(|found| tokio::spawn(rot::tell(Arc::clone(&office.accounts), found)));
    let sweeper = tokio::spawn(sweeper::run(Arc::clone(&office)));
    let issued = steward.map(|steward| tokio::spawn(issuance::run(steward, server.remote())));
    let keeping = tokio::spawn(guesses::keep(Arc::clone(&office)));
    let follow = tokio::spawn(async move { accounts.follow().await });
    let asking = tokio::spawn(asking);
    let addresses: Addresses = server.addresses().collect();
    let listeners = addresses.len() + server.paths().count() + usize::from(endpoint.is_some());
    let shown = endpoint.map(|endpoint| {
        let (listener, address) = (events::Listener::new("metrics"), Some(endpoint.address()));
        Event::Listening { listener, address, path: None }.log();
        tokio::spawn(endpoint.serve(Arc::new(Shown(Arc::clone(&office)))))
    });
    Event::ServerStarted { data: data.as_path().into(), listeners: listeners as u64 }.log();
    notify("READY=1");
    ready(&addresses);

    let stopped = server.run().await;
    notify("STOPPING=1");
    desk.abort();
    follow.abort();
    asking.abort();
    sweeper.abort();
    keeping.abort();
    if let Err(why) = guesses::write(&office) {
        tracing::warn!(%why, "failed logins are not remembered over this stop");
    }
    told.into_iter().chain(shown).chain(issued).for_each(|task| task.abort());
    prepare_next_start(&office).await;
    office.close().context("the mail is safe, but its index could not be closed")?;
    Event::ServerStopped { reason: StopReason::Signal, sessions: stopped.told }.log();
    Ok(())
}

/// Does what only makes the next start quicker, as far as there is time and room for it: a full disk would be worse for that
/// start than anything that is left out.
async fn prepare_next_start(office: &Office) {
    if meter::free_octets(&office.data).is_some_and(|free| free > ROOM_FOR_NEXT_START) {
        timeout(TIME_FOR_NEXT_START, office.accounts.take_last_snapshots()).await.ok();
    }
}

/// Tells a service manager how far we are, if one asked to be told (`sd_notify(3)`).
fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let told =
        std::os::unix::net::UnixDatagram::unbound().and_then(|socket| socket.send_to(state.as_bytes(), path));
    if let Err(why) = told {
        tracing::warn!(%why, "the service manager could not be told");
    }
}

/// SIGTERM and SIGINT stop the server; SIGHUP makes it look at its certificates.
fn obey_signals(remote: Remote) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => remote.stop(),
                _ = interrupt.recv() => remote.stop(),
                _ = hang_up.recv() => remote.look_at_certificates(),
            }
        }
    });
    Ok(())
}
