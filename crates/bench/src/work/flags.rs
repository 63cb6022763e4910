//! Flags: of all messages at once, and of one again and again.

use crate::bench::Bench;
use crate::client::{Said, Session};
use crate::corpus::Flags;
use crate::hits::hits;
use crate::large::{Large, Roll, compare};
use crate::latency::Latencies;
use crate::report::{Row, Wrongs};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::sync::Arc;
use std::time::Instant;

/// How often one flag is toggled, usually.
const TOGGLES: u64 = 2_000;
/// The message whose flag it is: it begins without `\Flagged`.
const TOGGLED: u32 = 1;
const KEYWORD: &str = "bench";

/// What is done with a keyword.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let large = Large::open(bench).await?;
    let mut rows = Vec::new();
    for _ in 0..bench.plan.rounds {
        rows.push(fetch_all(bench, &large).await?);
    }
    if let Some(best) = Row::best(rows) {
        bench.tell(&best);
    }
    let mut session = large.session(bench).await?;
    for change in [Change::Add, Change::Remove] {
        bench.tell(&store_all(bench, &large, &mut session, change).await?);
    }
    bench.tell(&toggle(bench, &large, &mut session).await?);
    session.log_out().await
}

async fn fetch_all(bench: &Bench, large: &Large) -> Result<Row, Trouble> {
    let mut session = large.session(bench).await?;
    let (received, mut roll, mut scratch) = (session.received(), Roll::new(large.uids.len()), Vec::new());
    let measuring = bench.begin()?;
    session
        .run("UID FETCH 1:* (FLAGS)", |said| {
            if let Said::Fetch(number, items) = said
                && let Some(index) = roll.call(number)
            {
                let uid = large.uids.get(index as usize).copied();
                let whole = items.number("UID") == uid && items.get("FLAGS").is_some();
                roll.wrongs.check(whole, || format!("message {number}: no FLAGS, or another UID"));
                compare(&bench.corpus, index, items, &mut scratch, &mut roll.wrongs);
            }
            Ok(())
        })
        .await?;
    let measured = measuring.end()?;
    let octets = session.received() - received;
    session.log_out().await?;
    let row = Row::new(Workload::Flags, "fetch all").measured(measured, large.uids.len() as u64, octets);
    Ok(row.wrong(roll.end()))
}

async fn store_all(
    bench: &Bench,
    large: &Large,
    session: &mut Session,
    change: Change,
) -> Result<Row, Trouble> {
    let (sign, variant) = match change {
        Change::Add => ('+', "keyword on all"),
        Change::Remove => ('-', "keyword off all"),
    };
    let measuring = bench.begin()?;
    session.ask(&format!("UID STORE 1:* {sign}FLAGS.SILENT ({KEYWORD})")).await?;
    let measured = measuring.end()?;
    let found = hits(session, &format!("UID SEARCH KEYWORD {KEYWORD}")).await?;
    let mut wrongs = Wrongs::default();
    let wanted: &[u32] = if change == Change::Add { &large.uids } else { &[] };
    wrongs.check(found == wanted, || {
        format!("{} messages have the keyword afterwards, not {}", found.len(), wanted.len())
    });
    let row = Row::new(Workload::Flags, variant).measured(measured, large.uids.len() as u64, 0);
    Ok(row.wrong(wrongs))
}

async fn toggle(bench: &Bench, large: &Large, session: &mut Session) -> Result<Row, Trouble> {
    // An even number: it ends as it began.
    let toggles = bench.count(TOGGLES).next_multiple_of(2);
    let number = TOGGLED.min(bench.plan.messages.saturating_sub(1));
    let uid = large.uids.get(number as usize).copied().unwrap_or_default();
    let without = bench.corpus.facts(number).flags;
    let (mut latencies, mut wrongs) = (Latencies::default(), Wrongs::default());
    let measuring = bench.begin()?;
    for turn in 0..toggles {
        let (sign, wanted) = if turn % 2 == 0 { ('+', without.with(Flags::FLAGGED)) } else { ('-', without) };
        let (start, mut told) = (Instant::now(), None);
        session
            .run(&format!("UID STORE {uid} {sign}FLAGS (\\Flagged)"), |said| {
                if let Said::Fetch(own, items) = said
                    && own == number.saturating_add(1)
                {
                    told = items.get("FLAGS").and_then(crate::client::Value::list).map(Flags::read);
                }
                Ok(())
            })
            .await?;
        latencies.add(start.elapsed());
        wrongs.check(told == Some(wanted), || format!("toggle {turn}: the flags are told as {told:?}"));
    }
    let measured = measuring.end()?;
    let row = Row::new(Workload::Flags, "toggle one").unit("toggle").measured(measured, toggles, 0);
    Ok(row.took(&latencies).wrong(wrongs))
}
