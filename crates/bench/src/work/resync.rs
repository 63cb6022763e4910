//! Coming back to a large mailbox: by SELECT alone, and by QRESYNC (RFC 7162) after a few changes.

use crate::bench::Bench;
use crate::client::{Earlier, Said, Selected, Session, numbers};
use crate::dice::Dice;
use crate::large::{FirstSelect, Large};
use crate::latency::Latencies;
use crate::meter::Measured;
use crate::report::{Row, Wrongs};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// How often it is done, usually.
const TURNS: u64 = 50;
/// Messages whose flags are changed between two visits, and messages that are expunged.
const FLAGGED: usize = 10;
const EXPUNGED: usize = 5;
/// Messages that one COPY takes.
const COPIED: usize = 100_000;
const KEYWORD: &str = "bench-resync";

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let large = Large::open(bench).await?;
    let turns = bench.count(TURNS);
    if let Some(first) = large.first {
        bench.tell(&told_of_first(first, large.uids.len()));
    }
    bench.tell(&plain(bench, &large, turns).await?);
    bench.can.need("QRESYNC")?;
    // The large mailbox stays as it is: a copy changes.
    let mut session = large.session(bench).await?;
    let mailbox = bench.make(&mut session, 0, "bench-resync").await?;
    session.select(&large.mailbox).await?;
    copy_all(&mut session, large.uids.len(), &mailbox).await?;
    let copy = Large::look(&mut session, &mailbox).await?;
    let row = Resync {
        bench,
        changer: session,
        mailbox,
        left: copy.uids,
        dice: Dice::of(bench.plan.recipe.seed, 0),
    };
    bench.tell(&row.measure(turns).await?);
    Ok(())
}

/// Copies the messages of the selected mailbox, by parts: a server may have a limit to what one command does.
async fn copy_all(session: &mut Session, messages: usize, mailbox: &str) -> Result<(), Trouble> {
    for first in (1..=messages).step_by(COPIED) {
        let last = messages.min(first.saturating_add(COPIED - 1));
        session.ask(&format!("COPY {first}:{last} {mailbox}")).await?;
    }
    Ok(())
}

/// The SELECT before all others, with what the server holds since; `measured` is of it alone.
fn told_of_first(FirstSelect { measured, before }: FirstSelect, messages: usize) -> Row {
    let mut latencies = Latencies::default();
    latencies.add(measured.wall);
    let row = Row::new(Workload::Resync, "SELECT, first").measured(measured, 1, 0).took(&latencies);
    let row = row.note("messages", messages);
    match before.zip(measured.memory) {
        Some((before, after)) => row.note("pss_kib_more", after.pss_kib.saturating_sub(before.pss_kib)),
        None => row,
    }
}

async fn plain(bench: &Bench, large: &Large, turns: u64) -> Result<Row, Trouble> {
    let (mut latencies, mut wrongs) = (Latencies::default(), Wrongs::default());
    let (mut measured, mut left) = (Measured::default(), turns);
    while left > 0 {
        let mut sessions = bench.fresh(left).await?;
        left = left.saturating_sub(sessions.len() as u64);
        let measuring = bench.begin()?;
        for session in &mut sessions {
            let start = Instant::now();
            let exists = session.select(&large.mailbox).await?.exists;
            latencies.add(start.elapsed());
            wrongs.check(exists as usize == large.uids.len(), || {
                format!("SELECT says {exists} of {}", large.uids.len())
            });
        }
        measured.add(measuring.end()?);
        for session in sessions {
            session.log_out().await?;
        }
    }
    let row = Row::new(Workload::Resync, "SELECT").measured(measured, turns, 0);
    Ok(row.took(&latencies).wrong(wrongs).note("messages", large.uids.len()))
}

struct Resync<'a> {
    bench: &'a Bench,
    /// Makes the changes, with the mailbox selected.
    changer: Session,
    mailbox: String,
    /// UIDs that are there, in ascending order.
    left: Vec<u32>,
    dice: Dice,
}

/// What a visit was told.
#[derive(Default)]
struct Told {
    selected: Selected,
    fetched: BTreeSet<u32>,
    vanished: BTreeSet<u32>,
}

impl Resync<'_> {
    async fn measure(mut self, turns: u64) -> Result<Row, Trouble> {
        let most = (self.left.len() / (FLAGGED + EXPUNGED)) as u64;
        let turns = turns.min(most);
        let (mut latencies, mut wrongs) = (Latencies::default(), Wrongs::default());
        let mut seen = self.visit().await?.selected;
        // The changes and the logins are not what is measured.
        let mut measured = Measured::default();
        for turn in 0..turns {
            let (flagged, gone) = self.change().await?;
            let mut session = self.bench.session(0, 0).await?;
            session.ask("ENABLE QRESYNC").await?;
            let measuring = self.bench.begin()?;
            let start = Instant::now();
            let told = select(&mut session, &self.mailbox, Some(seen)).await?;
            latencies.add(start.elapsed());
            measured.add(measuring.end()?);
            session.log_out().await?;
            let is_right = told.fetched == flagged
                && told.vanished == gone
                && told.selected.exists as usize == self.left.len();
            wrongs.check(is_right, || {
                let (fetched, vanished, exists) =
                    (told.fetched.len(), told.vanished.len(), told.selected.exists);
                format!(
                    "visit {turn}: {fetched} changed, {vanished} vanished, {exists} exist, and it is {}, {} and {}",
                    flagged.len(),
                    gone.len(),
                    self.left.len()
                )
            });
            seen = told.selected;
        }
        self.changer.log_out().await?;
        let row = Row::new(Workload::Resync, "SELECT with QRESYNC").measured(measured, turns, 0);
        Ok(row.took(&latencies).wrong(wrongs).note("messages", self.left.len()))
    }

    /// The first visit, which learns how things are.
    async fn visit(&self) -> Result<Told, Trouble> {
        let mut session = self.bench.session(0, 0).await?;
        session.ask("ENABLE QRESYNC").await?;
        let told = select(&mut session, &self.mailbox, None).await?;
        session.log_out().await?;
        Ok(told)
    }

    /// Changes flags of some messages and expunges others; which.
    async fn change(&mut self) -> Result<(BTreeSet<u32>, BTreeSet<u32>), Trouble> {
        let gone: BTreeSet<_> = (0..EXPUNGED).filter_map(|_| self.take()).collect();
        let mut flagged = BTreeSet::new();
        while flagged.len() < FLAGGED.min(self.left.len()) {
            flagged.extend(self.left.get(self.dice.place(self.left.len())));
        }
        self.changer.select(&self.mailbox).await?;
        // The keyword changes in each, also in one that had it from before.
        for uid in &flagged {
            self.changer.ask(&format!("UID STORE {uid} -FLAGS.SILENT ({KEYWORD})")).await?;
            self.changer.ask(&format!("UID STORE {uid} +FLAGS.SILENT ({KEYWORD})")).await?;
        }
        let set = gone.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        self.changer.ask(&format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)")).await?;
        self.changer.ask(&format!("UID EXPUNGE {set}")).await?;
        Ok((flagged, gone))
    }

    fn take(&mut self) -> Option<u32> {
        let place = self.dice.place(self.left.len());
        (place < self.left.len()).then(|| self.left.remove(place))
    }
}

async fn select(session: &mut Session, mailbox: &str, since: Option<Selected>) -> Result<Told, Trouble> {
    let parameters = since.map_or_else(String::new, |Selected { uid_validity, highest_modseq, .. }| {
        format!(" (QRESYNC ({uid_validity} {highest_modseq}))")
    });
    let mut told = Told::default();
    told.selected = session
        .select_and(&format!("{mailbox}{parameters}"), |said| {
            match said {
                Said::Fetch(_, items) => told.fetched.extend(items.number::<u32>("UID")),
                Said::Vanished(Earlier::Yes, set) => told.vanished.extend(numbers(set, 1_000_000)?),
                _ => {}
            }
            Ok(())
        })
        .await?;
    Ok(told)
}
