//! Whole messages, as a mail program loads them for reading without a network.

use crate::bench::Bench;
use crate::client::Said;
use crate::large::{Large, Roll};
use crate::report::Row;
use crate::trouble::{Trouble, visible};
use crate::workload::Workload;
use std::sync::Arc;

/// Messages that are fetched, at most.
const MOST: usize = 20_000;

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let large = Large::open(bench).await?;
    let uids = large.uids.get(..MOST).unwrap_or(&large.uids);
    // Made before: to compare must not cost what to fetch costs.
    let mut scratch = Vec::new();
    let hashes: Vec<_> = (0..).zip(uids).map(|(index, _)| bench.corpus.hash(index, &mut scratch)).collect();
    let mut rows = Vec::new();
    for _ in 0..bench.plan.rounds {
        rows.push(measure(bench, &large, uids, &hashes).await?);
    }
    if let Some(best) = Row::best(rows) {
        bench.tell(&best);
    }
    Ok(())
}

async fn measure(bench: &Bench, large: &Large, uids: &[u32], hashes: &[u64]) -> Result<Row, Trouble> {
    let mut session = large.session(bench).await?;
    let (received, mut roll) = (session.received(), Roll::new(uids.len()));
    let measuring = bench.begin()?;
    session
        .run(&format!("FETCH 1:{} (UID BODY.PEEK[])", uids.len()), |said| {
            if let Said::Fetch(number, items) = said
                && let Some(index) = roll.call(number)
            {
                let octets = items.get("BODY[]").and_then(crate::client::Value::string);
                let is_right = items.number("UID") == uids.get(index as usize).copied()
                    && octets.map(xxhash_rust::xxh3::xxh3_64) == hashes.get(index as usize).copied();
                roll.wrongs.check(is_right, || {
                    let begin = visible(octets.and_then(|octets| octets.get(..40)).unwrap_or_default());
                    let length = octets.map_or(0, <[u8]>::len);
                    format!("message {number} is not as it was stored: {length} octets, {begin} ...")
                });
            }
            Ok(())
        })
        .await?;
    let measured = measuring.end()?;
    let octets = session.received() - received;
    session.log_out().await?;
    Ok(Row::new(Workload::Bodies, "").measured(measured, uids.len() as u64, octets).wrong(roll.end()))
}
