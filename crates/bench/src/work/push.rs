//! News for those who wait: how long after the OK to an APPEND each idle session hears of it.

use crate::bench::{Bench, all};
use crate::client::{Letter, PATIENCE, Said, Session, Tag};
use crate::latency::Latencies;
use crate::report::{Row, Wrongs, milliseconds};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Sessions that wait, usually.
const WAITING: u32 = 100;
/// Messages that come, usually.
const MESSAGES: u64 = 30;

/// What a session heard: how many messages there are, and when.
type Heard = (u32, Instant);

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let (waiting, messages) = (bench.connections(WAITING), bench.count(MESSAGES));
    let mut writer = bench.session(0, 0).await?;
    let mailbox = bench.make(&mut writer, 0, "bench-push").await?;
    let (sender, mut heard) = unbounded_channel();
    let mut set = JoinSet::new();
    for number in 0..waiting {
        let mut session = bench.session(0, number).await?;
        session.select(&mailbox).await?;
        let tag = session.idle().await?;
        set.spawn(listen(session, tag, messages, sender.clone()));
    }
    drop(sender);

    let stamped = bench.stamped(4 << 10);
    let (mut acknowledged, mut latencies) = (Latencies::default(), Latencies::default());
    let (mut wrongs, mut message) = (Wrongs::default(), Vec::new());
    let measuring = bench.begin()?;
    for count in 1..=u32::try_from(messages).unwrap_or(u32::MAX) {
        message.clear();
        stamped.write(bench.serials(1), &mut message);
        let start = Instant::now();
        writer.append(&mailbox, &[Letter { before: "", octets: &message }], &bench.can).await?;
        let done = Instant::now();
        acknowledged.add(done - start);
        let seen = collect(&mut heard, count, waiting, done, &mut latencies).await;
        wrongs.check(seen == waiting, || {
            format!(
                "message {count}: {seen} of {waiting} sessions heard of it within {} s",
                PATIENCE.as_secs()
            )
        });
        if seen < waiting {
            break;
        }
    }
    let measured = measuring.end()?;
    if wrongs.is_empty() {
        all(set).await?;
    } else {
        set.abort_all();
    }
    writer.log_out().await?;
    let row = Row::new(Workload::Push, format!("{waiting} sessions"));
    let row = row.measured(measured, latencies.count(), 0).took(&latencies).wrong(wrongs);
    let acknowledged = acknowledged.percentile(50).map_or(0.0, milliseconds);
    bench.tell(&row.note("append_ok_p50_ms", acknowledged));
    Ok(())
}

/// Tells what an idle session hears, until all messages are there.
async fn listen(
    mut session: Session,
    tag: Tag,
    messages: u64,
    sender: UnboundedSender<Heard>,
) -> Result<(), Trouble> {
    let mut last = 0;
    while u64::from(last) < messages {
        if let Said::Exists(count) = session.hear().await? {
            last = count;
            // Nobody listens any more where it has gone wrong elsewhere.
            let _ = sender.send((count, Instant::now()));
        }
    }
    session.done(tag, |_| Ok(())).await?;
    session.log_out().await
}

/// Waits until all have heard of message `count`; how many did.
async fn collect(
    heard: &mut UnboundedReceiver<Heard>,
    count: u32,
    waiting: u32,
    done: Instant,
    latencies: &mut Latencies,
) -> u32 {
    let mut seen = 0;
    while seen < waiting {
        match timeout(PATIENCE, heard.recv()).await {
            Ok(Some((told, when))) if told == count => {
                seen += 1;
                // Who hears before the OK has waited for nothing.
                latencies.add(when.saturating_duration_since(done));
            }
            // EXISTS may be told twice; that of a message that is not there yet is wrong.
            Ok(Some((told, _))) if told < count => {}
            _ => break,
        }
    }
    seen
}
