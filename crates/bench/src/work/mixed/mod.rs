//! A population at a given rate: half of them phones that IDLE, a quarter mail programs that synchronise, a quarter people
//! at a webmail, which signs in with each click.
//!
//! Actions begin when their time has come, whether or not those before are done (an open loop), and a latency counts from
//! when an action should have begun: a server that falls behind does not slow down the clock that measures it.

mod people;
mod shelf;

use crate::bench::Bench;
use crate::dice::Dice;
use crate::latency::Latencies;
use crate::meter::Measured;
use crate::plan::Bound;
use crate::report::{Row, Wrongs};
use crate::trouble::Trouble;
use crate::workload::Workload;
use people::{Desktop, Phone};
use shelf::Shelf;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

/// People, usually.
const PEOPLE: u32 = 100;
/// Actions that are under way at the same time, at most; what comes beyond that waits, and its latency grows.
const UNDER_WAY: usize = 500;

/// What people do, besides phones that hear of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    Delivery,
    WebmailList,
    WebmailRead,
    Sync,
    Flag,
    Search,
}

/// How many of a hundred actions are of a kind.
const SHARES: [(Action, u64); 6] = [
    (Action::Delivery, 25),
    (Action::WebmailList, 20),
    (Action::WebmailRead, 15),
    (Action::Sync, 25),
    (Action::Flag, 10),
    (Action::Search, 5),
];

impl Action {
    fn thrown(dice: &mut Dice) -> Self {
        let mut left = dice.below(100);
        for (action, share) in SHARES {
            if left < share {
                return action;
            }
            left -= share;
        }
        Self::Delivery
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::WebmailList => "webmail, a list",
            Self::WebmailRead => "webmail, a message",
            Self::Sync => "synchronise",
            Self::Flag => "flag",
            Self::Search => "search",
        }
    }
}

/// What came of all that was done.
#[derive(Default)]
struct Tally {
    latencies: BTreeMap<Action, Latencies>,
    wrongs: Wrongs,
}

/// Everybody.
struct Population {
    bench: Arc<Bench>,
    shelves: Vec<Arc<Shelf>>,
    desktops: Vec<Mutex<Desktop>>,
}

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    if !bench.can.has("IMAP4rev2") {
        bench.can.need("UIDPLUS")?;
    }
    let people = bench.connections(PEOPLE).max(4);
    let mut shelves = Vec::new();
    for user in 0..people.min(bench.plan.users.count()) {
        shelves.push(Arc::new(Shelf::make(bench, user).await?));
    }
    let (mut desktops, mut phones, (stop, stopped)) = (Vec::new(), JoinSet::new(), watch::channel(false));
    for person in 0..people {
        let Some(shelf) = shelves.get(person as usize % shelves.len()) else { continue };
        // The second person of a mailbox is another than the first, however many mailboxes there are.
        let turn = person + person / u32::try_from(shelves.len()).unwrap_or(u32::MAX);
        match turn % 4 {
            0 | 1 => {
                let phone = Phone::begin(bench, shelf, person).await?;
                phones.spawn(phone.wait(stopped.clone()));
            }
            2 => desktops.push(Mutex::new(Desktop::begin(bench, shelf, person).await?)),
            _ => {}
        }
    }
    let phones_at_work = phones.len();
    let population = Arc::new(Population { bench: Arc::clone(bench), shelves, desktops });
    let measuring = bench.begin()?;
    let mut tally = population.act().await?;
    // What phones have not heard yet they still may.
    let _ = stop.send(true);
    let mut notices = Latencies::default();
    for (heard, wrongs) in crate::bench::all(phones).await? {
        notices.merge(&heard);
        tally.wrongs.merge(wrongs);
    }
    let measured = measuring.end()?;
    for shelf in &population.shelves {
        tally.wrongs.merge(shelf.look(bench).await?);
    }
    tell(bench, people, phones_at_work, measured, tally, &notices);
    Ok(())
}

fn tell(bench: &Bench, people: u32, phones: usize, measured: Measured, tally: Tally, notices: &Latencies) {
    let mut all = Latencies::default();
    tally.latencies.values().for_each(|part| all.merge(part));
    let row = Row::new(Workload::Mixed, format!("{people} people, {} actions/s", bench.plan.rate));
    let row = row.measured(measured, all.count(), 0).took(&all).note("phones", phones);
    bench.tell(&row.wrong(tally.wrongs));
    let apart = Measured { server_cpu: None, memory: None, ..measured };
    for (action, latencies) in &tally.latencies {
        let row = Row::new(Workload::Mixed, action.name()).measured(apart, latencies.count(), 0);
        bench.tell(&row.took(latencies));
    }
    let row = Row::new(Workload::Mixed, "notice on a phone").unit("notice");
    bench.tell(&row.measured(apart, notices.count(), 0).took(notices));
}

impl Population {
    /// Begins one action after the other when its time has come, until it is over.
    async fn act(self: &Arc<Self>) -> Result<Tally, Trouble> {
        let (most, time) = match self.bench.plan.bound {
            Bound::Time(time) => (u64::MAX, time),
            Bound::Count(count) => (count, Duration::MAX),
        };
        let what = "mixed";
        let total = if most == u64::MAX { time.as_secs() } else { most };
        self.bench.watcher.begins(what, total);
        let mut dice = Dice::of(self.bench.plan.recipe.seed, 5);
        let room = Arc::new(Semaphore::new(UNDER_WAY));
        let (start, mut due, mut set, mut shown) = (Instant::now(), Duration::ZERO, JoinSet::new(), 0);
        for count in 0..most {
            due = due.saturating_add(apart(&mut dice, self.bench.plan.rate));
            if due >= time {
                break;
            }
            sleep_until((start + due).into()).await;
            let permit = Arc::clone(&room).acquire_owned().await;
            let permit = permit.map_err(|why| Trouble::Lost(format!("the run ended: {why}")))?;
            let (population, action, dice) =
                (Arc::clone(self), Action::thrown(&mut dice), Dice::of(dice.any(), 0));
            set.spawn(async move {
                let wrongs = population.perform(action, dice).await?;
                drop(permit);
                Ok((action, start.elapsed().saturating_sub(due), wrongs))
            });
            let done = if most == u64::MAX { due.as_secs() } else { count + 1 };
            self.bench.watcher.moves(what, done - shown);
            shown = done;
        }
        let done = crate::bench::all(set).await;
        self.bench.watcher.ends(what);
        let mut tally = Tally::default();
        for (action, took, wrongs) in done? {
            tally.latencies.entry(action).or_default().add(took);
            tally.wrongs.merge(wrongs);
        }
        Ok(tally)
    }

    async fn perform(&self, action: Action, mut dice: Dice) -> Result<Wrongs, Trouble> {
        let bench = &self.bench;
        let shelf = self.shelves.get(dice.place(self.shelves.len()));
        let desktop = self.desktops.get(dice.place(self.desktops.len()));
        let (Some(shelf), Some(desktop)) = (shelf, desktop) else { return Ok(Wrongs::default()) };
        match action {
            Action::Delivery => shelf.deliver(bench).await,
            Action::WebmailList => people::list(bench, shelf).await,
            Action::WebmailRead => people::read(bench, shelf, &mut dice).await,
            Action::Sync => desktop.lock().await.synchronise().await,
            Action::Flag => desktop.lock().await.flag(&mut dice).await,
            Action::Search => desktop.lock().await.search(&mut dice).await,
        }
    }
}

/// How long until the next action, where so many come in a second and none knows of the other.
fn apart(dice: &mut Dice, rate: f64) -> Duration {
    let waited = -(1.0 - dice.fraction()).ln() / rate;
    Duration::try_from_secs_f64(waited).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_a_hundred_and_are_met() {
        assert_eq!(SHARES.iter().map(|(_, share)| share).sum::<u64>(), 100);
        let (mut dice, mut counts) = (Dice::of(1, 1), BTreeMap::new());
        (0..100_000).for_each(|_| *counts.entry(Action::thrown(&mut dice)).or_insert(0_u64) += 1);
        for (action, share) in SHARES {
            assert!(counts[&action].abs_diff(share * 1_000) < 700, "{action:?}");
        }
    }

    #[test]
    fn so_many_come_in_a_second_as_the_rate_says() {
        let mut dice = Dice::of(2, 2);
        let time: Duration = (0..50_000).map(|_| apart(&mut dice, 25.0)).sum();
        assert!((1_950.0..2_050.0).contains(&time.as_secs_f64()), "{time:?}");
    }
}
