//! Signing in: connect, shake hands in full, AUTHENTICATE or LOGIN, LOGOUT.

use crate::bench::{Bench, Tickets, all};
use crate::latency::Latencies;
use crate::report::{Row, Wrongs, milliseconds};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// Connections at once, usually.
const CONNECTIONS: u32 = 16;

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let several = bench.connections(CONNECTIONS);
    for user in 0..several.min(bench.plan.users.count()) {
        // Some servers make an account when it is first used.
        bench.session(user, user).await?.log_out().await?;
    }
    let shapes = BTreeSet::from([1, several]);
    for connections in shapes {
        let mut row = measure(bench, connections).await?;
        if connections == several {
            row = row.wrong(refuses_a_wrong_password(bench).await?);
        }
        bench.tell(&row);
    }
    Ok(())
}

#[derive(Default)]
struct Counted {
    logins: Latencies,
    handshakes: Latencies,
}

async fn measure(bench: &Arc<Bench>, connections: u32) -> Result<Row, Trouble> {
    let mut set = JoinSet::new();
    let measuring = bench.begin()?;
    let what = format!("login, {connections} at once");
    let tickets = Arc::new(Tickets::new(bench.plan.bound, &what, &bench.watcher));
    for connection in 0..connections {
        set.spawn(keep_signing_in(Arc::clone(bench), connection, connections, Arc::clone(&tickets)));
    }
    let parts = all(set).await?;
    let measured = measuring.end()?;
    let mut sum = Counted::default();
    for part in &parts {
        sum.logins.merge(&part.logins);
        sum.handshakes.merge(&part.handshakes);
    }
    let row =
        Row::new(Workload::Login, format!("{connections} at once")).measured(measured, sum.logins.count(), 0);
    let handshake = sum.handshakes.percentile(50).map_or(0.0, milliseconds);
    Ok(row.took(&sum.logins).note("handshake_p50_ms", handshake).note("tls", bench.agreed.clone()))
}

async fn keep_signing_in(
    bench: Arc<Bench>,
    connection: u32,
    step: u32,
    tickets: Arc<Tickets>,
) -> Result<Counted, Trouble> {
    let (mut counted, mut user) = (Counted::default(), connection);
    while tickets.take(1).is_some() {
        let start = Instant::now();
        let mut session = bench.target.connect(connection).await?;
        counted.handshakes.add(session.handshake.took);
        bench.sign_in(&mut session, user).await?;
        session.log_out().await?;
        counted.logins.add(start.elapsed());
        user = user.wrapping_add(step);
    }
    Ok(counted)
}

/// A server that lets everybody in is fast.
async fn refuses_a_wrong_password(bench: &Bench) -> Result<Wrongs, Trouble> {
    let mut wrongs = Wrongs::default();
    let mut session = bench.target.connect(0).await?;
    match bench.sign_in_with(&mut session, 0, "a wrong password").await {
        Err(Trouble::Refused { .. } | Trouble::Lost(_)) => {}
        Err(why) => return Err(why),
        Ok(()) => wrongs.say("a wrong password is let in".into()),
    }
    Ok(wrongs)
}
