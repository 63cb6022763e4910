//! What a mail program asks of a mailbox that it sees for the first time.

use crate::bench::Bench;
use crate::client::Said;
use crate::large::{Large, Roll, compare};
use crate::report::{Row, milliseconds};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::sync::Arc;
use std::time::Instant;

const ITEMS: [&str; 6] = ["UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE"];

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let large = Large::open(bench).await?;
    bench.tell(&measure(bench, &large, "first").await?);
    let mut again = Vec::new();
    for _ in 1..bench.plan.rounds {
        again.push(measure(bench, &large, "again").await?);
    }
    if let Some(best) = Row::best(again) {
        bench.tell(&best);
    }
    Ok(())
}

async fn measure(bench: &Bench, large: &Large, variant: &str) -> Result<Row, Trouble> {
    let mut session = bench.session(0, 0).await?;
    let (received, mut roll, mut scratch) = (session.received(), Roll::new(large.uids.len()), Vec::new());
    let measuring = bench.begin()?;
    let start = Instant::now();
    let exists = session.select(&large.mailbox).await?.exists;
    let select = start.elapsed();
    session
        .run(&format!("UID FETCH 1:* ({})", ITEMS.join(" ")), |said| {
            if let Said::Fetch(number, items) = said
                && let Some(index) = roll.call(number)
            {
                let whole = ITEMS.iter().all(|name| items.get(name).is_some());
                roll.wrongs.check(whole, || format!("message {number}: an item is missing"));
                let uid = large.uids.get(index as usize).copied();
                roll.wrongs.check(items.number("UID") == uid, || format!("message {number}: another UID"));
                compare(&bench.corpus, index, items, &mut scratch, &mut roll.wrongs);
            }
            Ok(())
        })
        .await?;
    let measured = measuring.end()?;
    let (messages, octets) = (large.uids.len() as u64, session.received() - received);
    roll.wrongs.check(u64::from(exists) == messages, || format!("SELECT says {exists} of {messages}"));
    session.log_out().await?;
    let row = Row::new(Workload::Sync, variant).measured(measured, messages, octets).wrong(roll.end());
    Ok(row.note("select_ms", milliseconds(select)))
}
