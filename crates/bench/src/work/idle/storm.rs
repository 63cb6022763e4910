//! A server that is started anew, and all who come back to it at the same time.

use super::Idler;
use super::crowd::{Crowd, Turned};
use crate::bench::Bench;
use crate::client::PATIENCE;
use crate::report::{Row, milliseconds};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Between two tries to reach a server that starts.
const AGAIN: Duration = Duration::from_millis(5);
/// How long a session may seem to be there when its server has gone.
const GONE: Duration = Duration::from_secs(3);

/// Has the server started anew; and all sessions again.
pub(super) async fn measure(
    bench: &Bench,
    crowd: &Arc<Crowd>,
    held: Vec<Idler>,
    command: &str,
) -> Result<(Row, Vec<Idler>), Trouble> {
    let start = Instant::now();
    restart(command.to_owned()).await?;
    let restarted = until_it_greets(bench, start).await?;
    bury(held).await?;
    let at_once = bench.plan.idling.at_once.unwrap_or(crowd.sessions);
    let measuring = bench.begin()?;
    let (held, latencies) = crowd.open(0..crowd.sessions, at_once, Turned::ComesAgain).await?;
    let measured = measuring.end()?;
    let row = Row::new(Workload::Idle, format!("{} sessions come back", crowd.sessions));
    let row = row.measured(measured, latencies.count(), 0).took(&latencies);
    let row = row.note("restart_ms", milliseconds(restarted)).note("at_once", at_once.min(crowd.sessions));
    Ok((row.note("turned_away", crowd.turned.load(Ordering::Relaxed)), held))
}

/// Runs the command that ends the server and begins it anew.
async fn restart(command: String) -> Result<(), Trouble> {
    let run = move || {
        let mut shell = Command::new("sh");
        let status = shell.args(["-c", &command]).stdin(Stdio::null()).stdout(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Trouble::Asked(format!("{command}: {status}"))),
            Err(why) => Err(Trouble::Asked(format!("{command}: {why}"))),
        }
    };
    tokio::task::spawn_blocking(run).await.map_err(|why| Trouble::lost("a part of the run ended", &why))?
}

/// Waits until a client is greeted again; how long that took.
async fn until_it_greets(bench: &Bench, start: Instant) -> Result<Duration, Trouble> {
    loop {
        match bench.target.connect(0).await {
            Ok(session) => {
                let took = start.elapsed();
                session.log_out().await?;
                return Ok(took);
            }
            Err(Trouble::Lost(_)) if start.elapsed() < PATIENCE => sleep(AGAIN).await,
            Err(why) => return Err(why),
        }
    }
}

/// Sees to it that each session from before has ended: else nobody has to come back.
async fn bury(held: Vec<Idler>) -> Result<(), Trouble> {
    for Idler { number, mut session, .. } in held {
        let end = async { while session.hear().await.is_ok() {} };
        if timeout(GONE, end).await.is_err() {
            return Err(Trouble::Asked(format!(
                "session {number} outlives the restart: the command has to end the server, and begin it anew"
            )));
        }
    }
    Ok(())
}
