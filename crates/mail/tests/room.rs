//! What stays in memory although nobody uses it, and what goes: nothing that is in use, and nothing that cannot be read
//! again as it was.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and this one says what it counted"
)]

mod support;

use bytes::Bytes;
use mail::{Account, Accounts, Kept, Origin};
use mailbox::account::MailboxId;
use mailbox::{Change, Flags, MailboxState, SystemFlags};
use std::future::{Future, poll_fn};
use std::sync::{Arc, Weak};
use std::task::Poll;
use store::{AccountId, Store};
use support::hesitant::Hesitant;
use support::{accounts, append, id, record, store};
use terms::{MailboxName, Uid, UidSet};
use testkit::dice::Dice;

const MANY: usize = 10_000;
const VISITS: usize = 20_000;
const A_MESSAGE: &str = "Subject: x\r\n\r\none of some\r\n";

fn name(nth: usize) -> String {
    format!("user{nth}@example.org")
}

/// Accounts of one store, in no memory yet but that of whoever made them.
async fn made(store: &Arc<dyn Store>, many: usize) -> Vec<AccountId> {
    let (accounts, record) = (accounts(store).await.keeping(0), record("secret"));
    let mut ids = Vec::with_capacity(many);
    for nth in 0..many {
        ids.push(accounts.add(&name(nth), &record).await.unwrap());
    }
    ids
}

async fn keeping(store: &Arc<dyn Store>, octets: u64) -> Accounts {
    accounts(store).await.keeping(usize::try_from(octets).unwrap())
}

async fn flag(account: &Account, mailbox: MailboxId, uids: &UidSet) {
    let flags = Flags::system(SystemFlags::FLAGGED);
    let (account_id, unchanged_since) = (account.id(), None);
    let decide = |proposal: &mut mail::Proposal| {
        let request =
            mailbox::Store { account: account_id, uids, change: Change::Add, flags: &flags, unchanged_since };
        let stored = mailbox::store(proposal.mailbox(mailbox)?, &request)?;
        stored.events.iter().try_for_each(|event| proposal.push(mailbox, event))
    };
    account.change(&Origin::desk(), decide).await.unwrap();
}

fn written(state: &MailboxState) -> Vec<Bytes> {
    state.snapshot()
}

/// What one account with its INBOX open takes.
async fn one(store: &Arc<dyn Store>, account: AccountId) -> u64 {
    let accounts = keeping(store, 1 << 30).await;
    let account = accounts.account(account);
    let inbox = id(&account, "INBOX").await;
    account.open(inbox).await.unwrap();
    accounts.kept().octets
}

#[tokio::test]
async fn ten_thousand_accounts_that_come_and_go_take_no_more_than_there_is_room_for() {
    let store = store();
    let ids = made(&store, MANY).await;
    let room = 200 * one(&store, ids[0]).await;
    let accounts = keeping(&store, room).await;
    let (mut dice, mut messages, mut peak) = (Dice::new(1), vec![0_u32; MANY], 0);
    for _ in 0..VISITS {
        let nth = dice.below(MANY);
        let account = accounts.account(ids[nth]);
        let inbox = id(&account, "INBOX").await;
        let mailbox = account.open_to_read(inbox).await.unwrap();
        assert_eq!(mailbox.newest().state().messages(), messages[nth], "account {nth}");
        if dice.one_in(4) {
            append(&account, inbox, A_MESSAGE).await.unwrap();
            messages[nth] += 1;
        }
        peak = peak.max(accounts.kept().octets);
    }
    let Kept { octets, most_octets, accounts: kept, accounts_let_go, .. } = accounts.kept();
    println!("{kept} accounts take {octets} octets, {peak} at most; {accounts_let_go} were let go");
    // Somebody is at work while there is one too much.
    assert!(peak <= most_octets + most_octets / 100, "{peak} of {most_octets}");
    assert!(
        octets >= most_octets / 2 && kept >= 100,
        "room was left unused: {kept} accounts, {octets} octets"
    );
    assert!(accounts_let_go as usize >= VISITS / 2, "{accounts_let_go} were let go");
}

#[tokio::test]
async fn an_account_that_was_let_go_is_what_it_was_when_it_is_asked_for_again() {
    let store = store();
    let ids = made(&store, 2).await;
    let accounts = keeping(&store, 0).await;
    let account = accounts.account(ids[0]);
    let inbox = id(&account, "INBOX").await;
    for _ in 0..5 {
        append(&account, inbox, A_MESSAGE).await.unwrap();
    }
    flag(&account, inbox, &[2, 3].into_iter().filter_map(Uid::new).collect()).await;
    let before = written(account.open(inbox).await.unwrap().newest().state());
    let (held, names) = (account.usage().await.unwrap(), account.names().await.unwrap());
    let gone = Arc::downgrade(&account);
    drop(account);
    drop(accounts.account(ids[1]));
    assert!(gone.upgrade().is_none(), "there was no room for it");
    let again = accounts.account(ids[0]);
    assert_eq!(written(again.open(inbox).await.unwrap().newest().state()), before);
    assert_eq!(again.usage().await.unwrap(), held);
    assert_eq!(again.names().await.unwrap(), names);
}

#[tokio::test]
async fn what_was_asked_for_the_longest_ago_goes_first() {
    let store = store();
    let ids = made(&store, 4).await;
    let accounts = keeping(&store, 3 * one(&store, ids[0]).await).await;
    let visit = async |nth: usize| {
        let account = accounts.account(ids[nth]);
        let inbox = id(&account, "INBOX").await;
        account.open(inbox).await.unwrap();
        Arc::downgrade(&account)
    };
    let weak: [Weak<Account>; 3] = [visit(0).await, visit(1).await, visit(2).await];
    assert_eq!(accounts.kept().accounts_let_go, 0);
    drop(visit(0).await);
    drop(visit(3).await);
    let there = weak.map(|account| account.upgrade().is_some());
    assert_eq!(there, [true, false, true]);
    assert_eq!(accounts.kept().accounts_let_go, 1);
}

#[tokio::test]
async fn what_is_in_use_stays_however_little_room_there_is() {
    let store = store();
    let ids = made(&store, 50).await;
    let accounts = keeping(&store, 0).await;
    let held = accounts.account(ids[0]);
    let inbox = id(&held, "INBOX").await;
    let selected = held.open_to_read(inbox).await.unwrap();
    let mut changes = selected.changes();
    for other in &ids[1..] {
        let other = accounts.account(*other);
        let inbox = id(&other, "INBOX").await;
        append(&other, inbox, A_MESSAGE).await.unwrap();
    }
    assert!(Arc::ptr_eq(&held, &accounts.account(ids[0])));
    assert!(Arc::ptr_eq(&selected, &held.open(inbox).await.unwrap()));
    append(&accounts.account(ids[0]), inbox, A_MESSAGE).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(changes.borrow_and_update().state().messages(), 1);
    let kept = accounts.kept();
    assert!(kept.accounts <= 2 && kept.octets > 0, "{kept:?}");
}

#[tokio::test]
async fn who_waits_for_a_message_or_for_the_end_of_a_session_keeps_the_account() {
    let store = store();
    let ids = made(&store, 3).await;
    let accounts = keeping(&store, 0).await;
    let account = accounts.account(ids[0]);
    let incoming = account.incoming(10).await.unwrap();
    let weak = Arc::downgrade(&account);
    drop(account);
    drop(accounts.account(ids[1]));
    assert!(weak.upgrade().is_some(), "a message is on its way in");
    drop(incoming);
    let account = weak.upgrade().unwrap();
    let signed_out = account.signed_out();
    drop(account);
    drop(accounts.account(ids[2]));
    assert!(weak.upgrade().is_some(), "somebody is signed in");
    drop(signed_out);
    // The two that nobody holds are looked at in their order.
    drop(accounts.account(ids[1]));
    drop(accounts.account(ids[2]));
    assert!(weak.upgrade().is_none());
}

#[tokio::test]
async fn of_an_account_in_use_the_mailboxes_go_that_nobody_has_selected() {
    let store = store();
    let ids = made(&store, 2).await;
    let account_octets = {
        let accounts = keeping(&store, 1 << 30).await;
        let account = accounts.account(ids[0]);
        account.names().await.unwrap();
        accounts.kept().octets
    };
    let each = one(&store, ids[0]).await - account_octets;
    let accounts = keeping(&store, account_octets + 3 * each).await;
    let account = accounts.account(ids[0]);
    let mut open = Vec::new();
    for mailbox in ["INBOX", "Archive", "Drafts"] {
        let mailbox = account.open(id(&account, mailbox).await).await.unwrap();
        open.push((mailbox.id(), Arc::downgrade(&mailbox)));
    }
    let selected = account.open(open[0].0).await.unwrap();
    assert_eq!(accounts.kept().mailboxes_let_go, 0);
    account.open(id(&account, "Sent").await).await.unwrap();
    let there: Vec<bool> = open.iter().map(|(_, mailbox)| mailbox.upgrade().is_some()).collect();
    assert_eq!(there, [true, false, true], "the one that is selected stays, and of the others the later one");
    assert_eq!(accounts.kept().mailboxes_let_go, 1);
    assert!(accounts.kept().octets <= accounts.kept().most_octets);
    drop(selected);
}

#[tokio::test]
async fn what_whoever_is_at_work_used_last_is_not_read_again_for_each_step() {
    let memory = store();
    let ids = made(&memory, 2).await;
    let counted = Arc::new(Hesitant::over(Arc::clone(&memory)));
    let store: Arc<dyn Store> = Arc::clone(&counted) as _;
    let accounts = keeping(&store, 0).await;
    let account = accounts.account(ids[0]);
    let inbox = id(&account, "INBOX").await;
    append(&account, inbox, A_MESSAGE).await.unwrap();
    let before = counted.reads();
    for _ in 0..10 {
        append(&account, inbox, A_MESSAGE).await.unwrap();
    }
    assert_eq!(
        counted.reads(),
        before,
        "there is no room for the mailbox, and yet it stays open while it is filled"
    );
}

#[tokio::test]
async fn a_mailbox_that_grows_makes_others_go() {
    let store = store();
    let ids = made(&store, 2).await;
    let both = 2 * one(&store, ids[0]).await;
    let accounts = keeping(&store, both + 50).await;
    let other = {
        let other = accounts.account(ids[1]);
        other.open(id(&other, "INBOX").await).await.unwrap();
        Arc::downgrade(&other)
    };
    let account = accounts.account(ids[0]);
    let inbox = id(&account, "INBOX").await;
    let selected = account.open(inbox).await.unwrap();
    assert!(other.upgrade().is_some());
    for _ in 0..100 {
        append(&account, inbox, A_MESSAGE).await.unwrap();
    }
    assert!(other.upgrade().is_none());
    assert_eq!(selected.newest().state().messages(), 100);
}

#[tokio::test]
async fn a_commit_that_is_on_its_way_is_not_lost_whoever_waits_for_it() {
    let memory = store();
    let ids = made(&memory, 3).await;
    let hesitant = Arc::new(Hesitant::over(Arc::clone(&memory)));
    let store: Arc<dyn Store> = Arc::clone(&hesitant) as _;
    let accounts = keeping(&store, 0).await;
    let account = accounts.account(ids[0]);
    let inbox = id(&account, "INBOX").await;
    let crowd = async || {
        for other in &ids[1..] {
            accounts.account(*other).names().await.unwrap();
        }
    };
    {
        let mut appending = Box::pin(append(&account, inbox, A_MESSAGE));
        // It is with the store, which takes its time.
        poll_fn(|context| match appending.as_mut().poll(context) {
            Poll::Pending => Poll::Ready(()),
            Poll::Ready(_) => panic!("the store has answered"),
        })
        .await;
        crowd().await;
        appending.await.unwrap();
    }
    // Of this one nobody hears: who waited has gone, and so has the account.
    hesitant.hesitate_for_ever();
    {
        let mut appending = Box::pin(append(&account, inbox, A_MESSAGE));
        for _ in 0..100 {
            let polled = poll_fn(|context| Poll::Ready(appending.as_mut().poll(context))).await;
            assert!(polled.is_pending());
            tokio::task::yield_now().await;
        }
    }
    let gone = Arc::downgrade(&account);
    drop(account);
    crowd().await;
    assert!(gone.upgrade().is_none());
    let again = accounts.account(ids[0]);
    assert_eq!(again.open(inbox).await.unwrap().newest().state().messages(), 2);
    assert_eq!(again.usage().await.unwrap().messages, 2);
}

#[tokio::test]
async fn a_mailbox_that_was_deleted_gives_back_what_it_took() {
    let store = store();
    let ids = made(&store, 1).await;
    let accounts = keeping(&store, 1 << 30).await;
    let account = accounts.account(ids[0]);
    let name = MailboxName::new("Lists").unwrap();
    let founded = {
        account.names().await.unwrap();
        accounts.kept().octets
    };
    let lists = account.ensure_mailbox(&Origin::desk(), &name).await.unwrap();
    for _ in 0..20 {
        append(&account, lists, A_MESSAGE).await.unwrap();
    }
    assert!(accounts.kept().octets > founded + 500);
    support::delete(&account, &name).await.unwrap();
    // It stays subscribed.
    assert!(accounts.kept().octets < founded + 500, "{} of {founded}", accounts.kept().octets);
}
