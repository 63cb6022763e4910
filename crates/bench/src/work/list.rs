//! Many mailboxes, as a mail program looks at them when it starts.

use crate::bench::Bench;
use crate::client::{Letter, Said, Session};
use crate::latency::Latencies;
use crate::meter::Measured;
use crate::report::{Row, Wrongs};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Mailboxes at the top, and below each of them: 1,000 together.
const TOPS: u32 = 50;
const BELOW: u32 = 19;
/// One in so many of those below holds a message.
const FULL: u32 = 10;
const ROOT: &str = "bench-tree";
/// How often it is asked for in a round.
const ASKED: u64 = 3;
const ITEMS: &str = "(MESSAGES UNSEEN UIDNEXT)";

/// Names as they stand in answers, and how many messages each has.
type Tree = BTreeMap<String, u32>;

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let tree = make(bench).await?;
    let (mut latencies, mut wrongs, mut octets) = (Latencies::default(), Wrongs::default(), 0);
    let asked = bench.count(u64::from(bench.plan.rounds) * ASKED);
    let is_extended = bench.can.has("LIST-STATUS");
    let (mut measured, mut left) = (Measured::default(), asked);
    while left > 0 {
        let mut sessions = bench.fresh(left).await?;
        left = left.saturating_sub(sessions.len() as u64);
        let measuring = bench.begin()?;
        let mut answers = Vec::new();
        for session in &mut sessions {
            let (start, received) = (Instant::now(), session.received());
            let mut told = Told::default();
            if is_extended {
                told.ask_at_once(session, bench).await?;
            } else {
                told.ask_one_by_one(session, bench).await?;
            }
            latencies.add(start.elapsed());
            octets += session.received() - received;
            answers.push(told);
        }
        measured.add(measuring.end()?);
        answers.into_iter().for_each(|told| told.check(&tree, &mut wrongs));
        for session in sessions {
            session.log_out().await?;
        }
    }
    let how = if is_extended { "LIST-STATUS" } else { "LIST and STATUS of each" };
    let row = Row::new(Workload::List, format!("{} mailboxes, {how}", tree.len()));
    bench.tell(&row.measured(measured, asked, octets).took(&latencies).wrong(wrongs));
    Ok(())
}

async fn make(bench: &Bench) -> Result<Tree, Trouble> {
    let stamped = bench.stamped(4 << 10);
    let mut session = bench.session(0, 0).await?;
    let (mut tree, mut message) = (Tree::new(), Vec::new());
    stamped.write(bench.serials(1), &mut message);
    let what = "mailboxes";
    bench.watcher.begins(what, u64::from(TOPS));
    for top in 0..TOPS {
        let name = format!("{ROOT}-{top}");
        bench.make(&mut session, 0, &name).await?;
        for below in 0..BELOW {
            let name = format!("{name}{}sub-{below}", bench.separator);
            let mailbox = bench.make(&mut session, 0, &name).await?;
            let is_full = below % FULL == 0;
            if is_full {
                let letter = Letter { before: "", octets: &message };
                session.append(&mailbox, &[letter], &bench.can).await?;
            }
            tree.insert(format!("{}{name}", bench.prefix), u32::from(is_full));
        }
        tree.insert(format!("{}{name}", bench.prefix), 0);
        bench.watcher.moves(what, 1);
    }
    bench.watcher.ends(what);
    session.log_out().await?;
    Ok(tree)
}

/// What was told of the mailboxes.
#[derive(Default)]
struct Told {
    listed: Vec<String>,
    /// MESSAGES, UNSEEN, UIDNEXT.
    statuses: BTreeMap<String, [Option<u32>; 3]>,
}

impl Told {
    async fn ask_at_once(&mut self, session: &mut Session, bench: &Bench) -> Result<(), Trouble> {
        let command = format!("LIST \"\" {} RETURN (STATUS {ITEMS})", bench.named(&format!("{ROOT}*")));
        session.run(&command, |said| self.hear(said)).await
    }

    async fn ask_one_by_one(&mut self, session: &mut Session, bench: &Bench) -> Result<(), Trouble> {
        let command = format!("LIST \"\" {}", bench.named(&format!("{ROOT}*")));
        session.run(&command, |said| self.hear(said)).await?;
        let mut tags = Vec::new();
        for name in &self.listed {
            tags.push(session.send(&format!("STATUS \"{name}\" {ITEMS}")).await?);
        }
        for tag in tags {
            session.finish(tag, "STATUS", |said| self.hear(said)).await?;
        }
        Ok(())
    }

    fn hear(&mut self, said: Said<'_>) -> Result<(), Trouble> {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        match said {
            // Attributes, separator, name.
            Said::List(mut values) => {
                let name = values.nth(2).and_then(crate::client::Value::text).unwrap_or_default();
                self.listed.push(text(name));
            }
            Said::Status(mut values) => {
                let name = values.value().and_then(crate::client::Value::text).unwrap_or_default();
                let list = values.value().and_then(crate::client::Value::list).unwrap_or_default();
                let items = crate::client::Items::inside(list);
                let numbers = ["MESSAGES", "UNSEEN", "UIDNEXT"].map(|item| items.number(item));
                self.statuses.insert(text(name), numbers);
            }
            _ => {}
        }
        Ok(())
    }

    fn check(mut self, tree: &Tree, wrongs: &mut Wrongs) {
        self.listed.sort_unstable();
        wrongs.check(self.listed.iter().eq(tree.keys()), || {
            format!("{} mailboxes are listed, not the {} that there are", self.listed.len(), tree.len())
        });
        for (name, messages) in tree {
            let told = self.statuses.get(name).copied().unwrap_or_default();
            let [count, unseen, next] = told;
            let is_right = count == Some(*messages)
                && unseen == Some(*messages)
                && next.is_some_and(|next| next > *messages);
            wrongs.check(is_right, || format!("{name}: MESSAGES, UNSEEN, UIDNEXT are told as {told:?}"));
        }
    }
}
