//! COPY, MOVE and EXPUNGE of many messages, each with one command.

use crate::bench::Bench;
use crate::client::{Earlier, Said, Session, code, numbers, split};
use crate::large::{Large, Roll, compare};
use crate::report::{Row, Wrongs};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::sync::Arc;

/// Messages that are copied, at most.
const MOST: usize = 10_000;

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let large = Large::open(bench).await?;
    let uids = large.uids.get(..MOST).unwrap_or(&large.uids);
    let mut session = large.session(bench).await?;
    let one = bench.make(&mut session, 0, "bench-copies").await?;
    let two = bench.make(&mut session, 0, "bench-moved").await?;
    session.select(&large.mailbox).await?;

    let (first, last) = (uids.first().copied().unwrap_or(1), uids.last().copied().unwrap_or(1));
    let measuring = bench.begin()?;
    let told = transfer(&mut session, &format!("UID COPY {first}:{last} {one}")).await?;
    let measured = measuring.end()?;
    let mut wrongs = whole(bench, &mut session, &one, uids.len()).await?;
    told.check(uids, &one, &mut session, &mut wrongs).await?;
    bench.tell(&Row::new(Workload::Copymove, "COPY").measured(measured, uids.len() as u64, 0).wrong(wrongs));

    if bench.can.has("MOVE") || bench.can.has("IMAP4rev2") {
        let copies = Large::look(&mut session, &one).await?.uids;
        let measuring = bench.begin()?;
        let told = transfer(&mut session, &format!("UID MOVE 1:* {two}")).await?;
        let measured = measuring.end()?;
        let left = session.select(&one).await?.exists;
        let mut wrongs = whole(bench, &mut session, &two, uids.len()).await?;
        wrongs.check(left == 0, || format!("{left} messages are left where all were moved away"));
        wrongs.check(told.gone == copies.len(), || {
            format!("{} messages are said to be gone, and {} were moved", told.gone, copies.len())
        });
        told.check(&copies, &two, &mut session, &mut wrongs).await?;
        bench.tell(
            &Row::new(Workload::Copymove, "MOVE").measured(measured, uids.len() as u64, 0).wrong(wrongs),
        );
    } else {
        let mut row = Row::new(Workload::Copymove, "MOVE");
        row.skipped = Some(Trouble::Lacking("MOVE").to_string());
        bench.tell(&row);
        session.ask(&format!("UID COPY {first}:{last} {two}")).await?;
    }
    bench.tell(&expunge(bench, &mut session, &two, uids.len()).await?);
    session.log_out().await
}

async fn expunge(
    bench: &Bench,
    session: &mut Session,
    mailbox: &str,
    messages: usize,
) -> Result<Row, Trouble> {
    session.select(mailbox).await?;
    session.ask("UID STORE 1:* +FLAGS.SILENT (\\Deleted)").await?;
    let mut gone = 0;
    let measuring = bench.begin()?;
    session.run("EXPUNGE", |said| count_gone(said, &mut gone)).await?;
    let measured = measuring.end()?;
    let left = session.select(mailbox).await?.exists;
    let mut wrongs = Wrongs::default();
    wrongs.check(gone == messages && left == 0, || {
        format!("of {messages} messages {gone} are said to be gone, and {left} are left")
    });
    Ok(Row::new(Workload::Copymove, "EXPUNGE").measured(measured, messages as u64, 0).wrong(wrongs))
}

/// What a COPY or MOVE said.
#[derive(Default)]
struct Transfer {
    /// UIDs of the originals and of the copies, where the server says (RFC 4315).
    uids: Option<(Vec<u32>, Vec<u32>)>,
    gone: usize,
}

async fn transfer(session: &mut Session, command: &str) -> Result<Transfer, Trouble> {
    let mut told = Transfer::default();
    session
        .run(command, |said| {
            // MOVE says it in an untagged OK, before the messages go (RFC 6851, 4.3).
            if let Said::Ok(text) = said
                && let Some(inside) = code(text, "COPYUID")
            {
                let (from, to) = split(split(inside).1);
                told.uids = Some((numbers(from, MOST)?, numbers(to, MOST)?));
            }
            count_gone(said, &mut told.gone)
        })
        .await?;
    Ok(told)
}

fn count_gone(said: Said<'_>, gone: &mut usize) -> Result<(), Trouble> {
    match said {
        Said::Expunge(_) => *gone += 1,
        Said::Vanished(Earlier::No, set) => *gone += numbers(set, MOST)?.len(),
        _ => {}
    }
    Ok(())
}

impl Transfer {
    /// Whether the UIDs that were told are those that there are.
    async fn check(
        &self,
        originals: &[u32],
        mailbox: &str,
        session: &mut Session,
        wrongs: &mut Wrongs,
    ) -> Result<(), Trouble> {
        let Some((from, to)) = &self.uids else { return Ok(()) };
        let there = Large::look(session, mailbox).await?.uids;
        wrongs.check(from == originals && *to == there, || {
            format!(
                "COPYUID tells {} originals and {} copies, not those that there are",
                from.len(),
                to.len()
            )
        });
        Ok(())
    }
}

/// Whether a mailbox has the first messages of the large one, as they are there.
async fn whole(
    bench: &Bench,
    session: &mut Session,
    mailbox: &str,
    messages: usize,
) -> Result<Wrongs, Trouble> {
    let exists = session.select(mailbox).await?.exists;
    let (mut roll, mut scratch) = (Roll::new(messages), Vec::new());
    if exists > 0 {
        session
            .run("UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)", |said| {
                if let Said::Fetch(number, items) = said
                    && let Some(index) = roll.call(number)
                {
                    compare(&bench.corpus, index, items, &mut scratch, &mut roll.wrongs);
                }
                Ok(())
            })
            .await?;
    }
    Ok(roll.end())
}
