//! Random histories over a store that makes mischief: two processes, several sessions in each, clients that hang up at
//! any moment. Whatever happens, what was acknowledged is there, no UID is given twice, every watcher sees states in
//! their order and the last one too, and both processes end with what the store holds.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use mail::{Account, Accounts, Changes, Error, Origin, Proposal, Transfer};
use mailbox::Event;
use mailbox::account::{Limits, MailboxId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use store::{EmailId, Store};
use store_memory::Memory;
use support::mischief::{Dice, Mischief, dawdle, hang_up_after};
use support::{accounts, ann, append, delete, id};
use terms::{Flag, Keyword, MailboxName, Uid, UidSet};
use tokio::task::{JoinHandle, JoinSet};

const HISTORIES: u64 = 400;
const SESSIONS: u64 = 4;
const STEPS: u64 = 12;
const MAILBOXES: [&str; 2] = ["INBOX", "Archive"];
/// Comes and goes.
const FLEETING: &str = "Fleeting";

/// What the clients were told.
#[derive(Default)]
struct Told {
    appended: BTreeSet<EmailId>,
    /// Appends of which nobody knows what became.
    unsure: usize,
    /// Every UID that was given: mailbox and UID.
    given: BTreeSet<(u32, u32)>,
    flagged: BTreeSet<(EmailId, String)>,
    /// Who looks into a mailbox until he is told that it is gone.
    looked: Vec<(MailboxId, JoinHandle<()>)>,
    failures: BTreeMap<String, usize>,
}

struct World {
    dice: Arc<Dice>,
    told: Mutex<Told>,
}

#[test]
fn what_was_acknowledged_is_there_whatever_the_store_does() {
    let only = std::env::var("GATEPOST_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let seeds = only.map_or(0..HISTORIES, |seed| seed..seed + 1);
    for seed in seeds {
        println!("GATEPOST_SEED={seed}");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(history(seed));
    }
}

async fn history(seed: u64) {
    let world = Arc::new(World { dice: Arc::new(Dice::new(seed)), told: Mutex::default() });
    let memory: Arc<dyn Store> = Arc::new(Memory::new());
    let (_, born) = ann(&memory).await;
    let mischief = Arc::new(Mischief::over(Arc::clone(&memory), Arc::clone(&world.dice)));
    let store: Arc<dyn Store> = Arc::clone(&mischief) as _;
    let processes = [Arc::new(accounts(&store).await), Arc::new(accounts(&store).await)];
    let mut followers = JoinSet::new();
    let mut watchers = Vec::new();
    let mut sessions = JoinSet::new();
    for process in &processes {
        let following = Arc::clone(process);
        followers.spawn(async move { following.follow().await });
        for name in MAILBOXES {
            let account = process.account(born.id());
            let mailbox = account.open(id(&account, name).await).await.unwrap();
            watchers.push((mailbox.id(), watch(mailbox.changes())));
        }
        for n in 0..SESSIONS {
            sessions.spawn(session(Arc::clone(&world), process.account(born.id()), n));
        }
    }
    while let Some(done) = sessions.join_next().await {
        done.unwrap();
    }
    mischief.calm_down();
    settle().await;
    compare(&world, &processes, &memory, born.id(), watchers).await;
}

/// Follows a mailbox: states come in order. Gives the last it saw.
fn watch(mut changes: Changes) -> Arc<Mutex<u64>> {
    let seen = Arc::new(Mutex::new(changes.borrow().state().seq()));
    let ours = Arc::clone(&seen);
    tokio::spawn(async move {
        while changes.changed().await.is_ok() {
            let (now, mut last) = (changes.borrow().state().seq(), ours.lock().unwrap());
            // A panic here poisons what the test looks at in the end.
            assert!(now > *last, "a watcher saw {now} after {last}");
            *last = now;
        }
    });
    seen
}

/// Until nothing moves any more: nothing in here waits for a clock.
async fn settle() {
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
}

async fn session(world: Arc<World>, account: Arc<Account>, n: u64) {
    for step in 0..STEPS {
        let patience = if world.dice.one_in(6) { world.dice.below(8) } else { u64::MAX };
        let step = hang_up_after(patience, one_step(&world, &account, n * STEPS + step));
        if let Some(Err(why)) = step.await {
            *world.told.lock().unwrap().failures.entry(why.to_string()).or_default() += 1;
            assert!(!matches!(why, Error::Damaged(_)), "{why}");
        }
        dawdle(&world.dice, 3).await;
    }
}

async fn one_step(world: &World, account: &Account, n: u64) -> Result<(), Error> {
    let dice = &world.dice;
    let name = MAILBOXES[usize::try_from(dice.below(2)).unwrap()];
    match dice.below(10) {
        0..=4 => add(world, account, name, n).await,
        5..=6 => flag(world, account, name, n).await,
        7 => transfer(world, account).await,
        8 => subscribe(account, n).await,
        _ => come_and_go(world, account).await,
    }
}

async fn add(world: &World, account: &Account, name: &str, n: u64) -> Result<(), Error> {
    let mailbox = id(account, name).await;
    world.told.lock().unwrap().unsure += 1;
    let placed = append(account, mailbox, &format!("Subject: {n}\r\n\r\n{n}\r\n")).await?;
    let uid = placed.uid.get();
    {
        let mut told = world.told.lock().unwrap();
        told.unsure -= 1;
        assert!(told.given.insert((mailbox.get(), uid)), "UID {uid} of {name} was given twice");
        told.appended.insert(EmailId { mailbox: mailbox.get(), uid });
    }
    // Whoever was told of it finds it.
    let state = Arc::clone(account.open(mailbox).await?.newest().state());
    assert!(state.uid_next() > placed.uid, "{name} stands before an acknowledged append");
    Ok(())
}

/// Gives a keyword of its own to all messages.
async fn flag(world: &World, account: &Account, name: &str, n: u64) -> Result<(), Error> {
    let mailbox = id(account, name).await;
    let keyword = format!("k{n}");
    let flags = [Flag::Keyword(Keyword::new(&keyword).unwrap())];
    let origin = Origin::desk();
    let emails = account.change(&origin, |proposal| {
        let state = proposal.mailbox(mailbox)?;
        let uids = state.uids(Uid::MIN);
        let request = mailbox::Store {
            account: state.owner(),
            uids: &uids,
            change: mailbox::Change::Add,
            flags: &flags.iter().collect(),
            unchanged_since: None,
        };
        let (events, emails) = (mailbox::store(state, &request)?.events, emails(state));
        events.iter().try_for_each(|event: &Event| proposal.push(mailbox, event))?;
        Ok(emails)
    });
    let emails = emails.await?;
    world.told.lock().unwrap().flagged.extend(emails.into_iter().map(|email| (email, keyword.clone())));
    Ok(())
}

/// Moves some from one mailbox to the other.
async fn transfer(world: &World, account: &Account) -> Result<(), Error> {
    let from = usize::try_from(world.dice.below(2)).unwrap();
    let (from, to) = (id(account, MAILBOXES[from]).await, id(account, MAILBOXES[1 - from]).await);
    let uid = Uid::new(1 + u32::try_from(world.dice.below(12)).unwrap()).unwrap();
    let uids = UidSet::one(uid);
    let moved = account.transfer(&Origin::desk(), Transfer::Move, account.id(), (from, &uids), to).await?;
    let mut told = world.told.lock().unwrap();
    for uid in moved.target.iter() {
        assert!(told.given.insert((to.get(), uid.get())), "UID {} was given twice", uid.get());
    }
    Ok(())
}

async fn subscribe(account: &Account, n: u64) -> Result<(), Error> {
    let name = MailboxName::new(&format!("list{}", n % 3)).unwrap();
    account
        .change(&Origin::desk(), |proposal: &mut Proposal| {
            let plan = match proposal.account().subscribe(&name, &Limits::default()) {
                Ok(plan) if !plan.events.is_empty() => plan,
                _ => proposal.account().unsubscribe(&name),
            };
            proposal.follow(&plan)
        })
        .await
}

/// Makes a mailbox, looks into it, lets it go.
async fn come_and_go(world: &World, account: &Account) -> Result<(), Error> {
    let name = MailboxName::new(FLEETING).unwrap();
    let made = account.ensure_mailbox(&Origin::desk(), &name).await?;
    let Ok(open) = account.open(made).await else { return Ok(()) };
    let mut changes = open.changes();
    let told = tokio::spawn(async move { drop(changes.wait_for(mail::Newest::is_closed).await) });
    world.told.lock().unwrap().looked.push((made, told));
    dawdle(&world.dice, 4).await;
    match delete(account, &name).await {
        Err(Error::Refused(_)) => Ok(()),
        deleted => deleted,
    }
}

fn emails(state: &mailbox::MailboxState) -> Vec<EmailId> {
    let uids = state.uids(Uid::MIN);
    state.reader(state.owner()).rows(&uids).map(|row| row.email).collect()
}

async fn compare(
    world: &World,
    processes: &[Arc<Accounts>],
    memory: &Arc<dyn Store>,
    ann: store::AccountId,
    watchers: Vec<(MailboxId, Arc<Mutex<u64>>)>,
) {
    let truth = accounts(memory).await.account(ann);
    let told = std::mem::take(&mut *world.told.lock().unwrap());
    let mut there = BTreeMap::new();
    let mut flagged = BTreeSet::new();
    for name in MAILBOXES {
        let mailbox = id(&truth, name).await;
        let state = Arc::clone(truth.open(mailbox).await.unwrap().newest().state());
        for email in emails(&state) {
            assert_eq!(there.insert(email, name), None, "{email:?} is in two mailboxes");
        }
        flagged.extend(flags_of(&state));
        for process in processes {
            let here = process.account(ann).open(mailbox).await.unwrap().newest();
            assert_eq!(here.state().seq(), state.seq(), "a process stands elsewhere in {name}");
            assert_eq!(here.state().snapshot(), state.snapshot(), "a process sees another {name}");
        }
        for (_, seen) in watchers.iter().filter(|(id, _)| *id == mailbox) {
            assert_eq!(*seen.lock().unwrap(), state.seq(), "a watcher of {name} missed the end");
        }
    }
    for email in &told.appended {
        assert!(there.contains_key(email), "{email:?} was acknowledged and is not there");
    }
    assert!(there.len() <= told.appended.len() + told.unsure, "there is more than anybody sent");
    for kept in &told.flagged {
        assert!(flagged.contains(kept), "{kept:?} was acknowledged and is not there");
    }
    for process in processes {
        let (here, truth) = (process.account(ann).names().await.unwrap(), truth.names().await.unwrap());
        assert_eq!(format!("{here:?}"), format!("{truth:?}"), "a process has other names");
    }
    for (mailbox, told) in &told.looked {
        let gone = truth.names().await.unwrap().name(*mailbox).is_none();
        assert_eq!(told.is_finished(), gone, "whoever looks into mailbox {} is told", mailbox.get());
    }
    let storms = told.failures.keys().any(|why| why.contains("all the time"));
    assert!(!storms, "somebody was never let through: {:?}", told.failures);
}

fn flags_of(state: &mailbox::MailboxState) -> Vec<(EmailId, String)> {
    let uids = state.uids(Uid::MIN);
    let reader = state.reader(state.owner());
    reader
        .rows(&uids)
        .flat_map(|row| {
            let names = state.keywords().names(&row.flags).map(str::to_owned);
            names.map(|name| (row.email, name)).collect::<Vec<_>>()
        })
        .collect()
}
