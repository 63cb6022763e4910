//! The large mailbox is made.

use crate::bench::Bench;
use crate::client::{Said, Session};
use crate::large::{Roll, compare, put};
use crate::report::{Row, Wrongs};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::sync::Arc;

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let mut session = bench.session(0, 0).await?;
    let mailbox = bench.make(&mut session, 0, &bench.plan.mailbox).await?;
    let measuring = bench.begin()?;
    let octets = put(bench, &mut session, &mailbox).await?;
    let measured = measuring.end()?;
    let wrongs = look(bench, &mut session, &mailbox).await?;
    let how = if bench.can.has("MULTIAPPEND") { "MULTIAPPEND" } else { "APPEND" };
    let messages = u64::from(bench.plan.messages);
    let row = Row::new(Workload::Fill, how).measured(measured, messages, octets);
    bench.tell(&row.wrong(wrongs));
    session.log_out().await
}

/// Whether all is there as it was sent; that the octets are is looked at by `bodies`.
async fn look(bench: &Bench, session: &mut Session, mailbox: &str) -> Result<Wrongs, Trouble> {
    let exists = session.select(mailbox).await?.exists;
    let mut roll = Roll::new(bench.plan.messages as usize);
    let wanted = bench.plan.messages;
    roll.wrongs.check(exists == wanted, || format!("{exists} messages are there of {wanted}"));
    if exists == 0 {
        return Ok(roll.end());
    }
    let mut scratch = Vec::new();
    session
        .run("UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE)", |said| {
            if let Said::Fetch(number, items) = said
                && let Some(index) = roll.call(number)
            {
                let whole =
                    ["FLAGS", "INTERNALDATE", "RFC822.SIZE"].iter().all(|name| items.get(name).is_some());
                roll.wrongs.check(whole, || format!("message {number}: an item is missing"));
                compare(&bench.corpus, index, items, &mut scratch, &mut roll.wrongs);
            }
            Ok(())
        })
        .await?;
    Ok(roll.end())
}
