//! What becomes more work where there is more mail, and what must not: counted, not timed, for some and for four times
//! as many.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and this one says what it counted"
)]

mod support;

use bytes::Bytes;
use mail::{Account, Accounts, Arrival, Batch, Error, Origin};
use mailbox::account::{MailboxId, SpecialUses};
use mailbox::{Change, Doomed, Flags, SystemFlags};
use std::sync::Arc;
use store::AccountId;
use support::work::{Scale, Work};
use support::{accounts, ann, append, delete, id, record, rename};
use terms::{MailboxName, Uid, UidSet};
use testkit::disk::FaultyDisk;

const TIMES: u64 = 4;
const MESSAGES: u64 = 2_000;
const A_BATCH: u64 = 500;
const MAILBOXES: u64 = 250;
const CHANGES: u64 = 400;
const ACCOUNTS: u64 = 150;
/// Octets that a count may differ by: numbers that become longer, and pages of the index that are read or not.
const LEEWAY: u64 = 64 << 10;
/// Octets that the log reserves ahead of what is written.
const RESERVED: u64 = 1 << 20;
/// Below so many octets of events no snapshot is taken, and behind one at most half as many as it has.
const MIN_TAIL: u64 = 64 << 10;

/// It is the same work however much there is.
fn assert_constant(what: &str, [few, many]: [Work; 2]) {
    println!("{what}: {few:?}, and {many:?} of {TIMES} times as many");
    assert!(few.calls > 0, "{what}: nothing was counted");
    let Work { snapshots, read, .. } = few;
    let most = Work { read: read + LEEWAY, snapshots, ..few.map(|part| part + part / 8) };
    assert!(many.is_within(most), "{what} has become more work");
}

/// It is so many times as much work at most.
fn assert_linear(what: &str, [few, many]: [Work; 2]) {
    println!("{what}: {few:?}, and {many:?} of {TIMES} times as many");
    let most = few.map(|part| part * TIMES + part / 4);
    let most = Work { calls: most.calls + 8, things: most.things + 8, read: most.read + LEEWAY, ..most };
    assert!(many.is_within(most), "{what} takes more than {TIMES} times the work");
}

/// What each step took with few, and with many.
fn pairs<const N: usize>(few: [Work; N], many: [Work; N]) -> [[Work; 2]; N] {
    let mut many = many.into_iter();
    few.map(|few| [few, many.next().unwrap()])
}

#[tokio::test]
async fn what_is_done_to_one_message_is_the_same_work_in_a_mailbox_of_any_size() {
    let [filled, appended, flagged, expunged, opened, restarted] =
        pairs(with_messages(MESSAGES).await, with_messages(MESSAGES * TIMES).await);
    assert_linear("filling a mailbox", filled);
    assert_constant("an append", appended);
    assert_constant("a flag", flagged);
    assert_constant("an expunge", expunged);
    assert_linear("opening a mailbox", opened);
    // With its debug assertions redb reads its whole file when it is opened. And what the log had reserved is read, if the
    // cut has left it there.
    let [few, many] = restarted;
    assert_linear("a restart", [Work { read: few.read + RESERVED / TIMES, ..few }, many]);
}

async fn with_messages(messages: u64) -> [Work; 6] {
    let mut scale = Scale::on(FaultyDisk::new(1));
    let store = Arc::clone(&scale.store);
    let (account, inbox) = scale.weigh(async { account_and_inbox(ann(&store).await).await }).await.0;
    // Each batch by itself, so that the index takes it in.
    let mut filled = Work::default();
    for batch in 0..messages / A_BATCH {
        let (_, work) = scale.weigh(fill(&account, inbox, batch)).await;
        filled = filled.and(work);
    }
    let (mailbox, _) = scale.weigh(account.open(inbox)).await;
    assert_eq!(u64::from(mailbox.unwrap().newest().state().messages()), messages);
    let (_, appended) =
        scale.weigh(async { append(&account, inbox, "Subject: one\r\n\r\nmore\r\n").await.unwrap() }).await;
    let one = UidSet::one(Uid::new(7).unwrap());
    let (_, flagged) = scale.weigh(async { flag(&account, inbox, &one, Change::Add).await.unwrap() }).await;
    let (_, expunged) = scale.weigh(async { expunge(&account, inbox, &one).await.unwrap() }).await;
    let (_, opened) = scale.weigh(open_anew(&store, account.id(), inbox)).await;
    let (_, restarted) = scale.restart(1);
    [filled, appended, flagged, expunged, opened, restarted]
}

async fn account_and_inbox((accounts, account): (Accounts, Arc<Account>)) -> (Arc<Account>, MailboxId) {
    drop(accounts);
    let inbox = id(&account, "INBOX").await;
    (account, inbox)
}

/// Puts a batch of small messages into a mailbox, as an import does.
async fn fill(account: &Account, mailbox: MailboxId, batch: u64) {
    let mut messages = Batch::default();
    for n in batch * A_BATCH..(batch + 1) * A_BATCH {
        let text = format!("Subject: {n:06}\r\n\r\nNumber {n:06} of many\r\n");
        let mut incoming = account.incoming(text.len() as u64).await.unwrap();
        incoming.write(Bytes::from(text)).await.unwrap();
        let arrival = Arrival { received: incoming.finish().await.unwrap(), flags: Flags::NONE, date: None };
        account.add(&mut messages, &Origin::desk(), arrival).await.unwrap();
    }
    account.file(&Origin::desk(), mailbox, messages, account.id()).await.unwrap();
}

async fn flag(account: &Account, id: MailboxId, uids: &UidSet, change: Change) -> Result<(), Error> {
    let flags = Flags::system(SystemFlags::FLAGGED);
    let (account_id, unchanged_since) = (account.id(), None);
    account
        .change(&Origin::desk(), |proposal| {
            let request =
                mailbox::Store { account: account_id, uids, change, flags: &flags, unchanged_since };
            let stored = mailbox::store(proposal.mailbox(id)?, &request)?;
            stored.events.iter().try_for_each(|event| proposal.push(id, event))
        })
        .await
}

async fn expunge(account: &Account, id: MailboxId, uids: &UidSet) -> Result<(), Error> {
    account
        .change(&Origin::desk(), |proposal| {
            let expunging = mailbox::expunge(proposal.mailbox(id)?, Doomed::These(uids))?;
            expunging.events.iter().try_for_each(|event| proposal.push(id, event))
        })
        .await
}

/// Opens a mailbox as a process does that knows nothing of it.
async fn open_anew(store: &Arc<dyn store::Store>, account: AccountId, mailbox: MailboxId) {
    let account = accounts(store).await.account(account);
    account.open(mailbox).await.unwrap();
}

#[tokio::test]
async fn snapshots_cost_as_much_as_the_changes_in_all_and_keep_what_is_read_at_opening_short() {
    let [few, many] = [with_changes(CHANGES).await, with_changes(CHANGES * TIMES).await];
    for (written, opened) in [few, many] {
        assert!(written.snapshots > 0, "none was taken");
        assert!(written.snapshots <= written.octets, "snapshots outweigh what they are of: {written:?}");
        let most = MIN_TAIL.max(opened.snapshots / 2) + (32 << 10);
        assert!(opened.octets <= most, "{} octets of events behind the snapshot", opened.octets);
    }
    println!("{few:?}, {many:?}");
}

/// A mailbox of few messages and many changes: what they took, and what it takes to open it then.
async fn with_changes(changes: u64) -> (Work, Work) {
    let mut scale = Scale::on(FaultyDisk::new(2));
    let store = Arc::clone(&scale.store);
    let (account, inbox) = scale.weigh(async { account_and_inbox(ann(&store).await).await }).await.0;
    scale.weigh(fill(&account, inbox, 0)).await;
    // Every second message, so that an event has some size.
    let uids: UidSet = (1..=A_BATCH as u32).step_by(2).filter_map(Uid::new).collect();
    let mut written = Work::default();
    for n in 0..changes {
        let change = if n % 2 == 0 { Change::Add } else { Change::Remove };
        let (_, work) = scale.weigh(async { flag(&account, inbox, &uids, change).await.unwrap() }).await;
        written = written.and(work);
    }
    let (_, opened) = scale.weigh(open_anew(&store, account.id(), inbox)).await;
    (written, opened)
}

/// Flags that are set one by one: the events are small, and each is a record to be found and tested.
#[tokio::test]
async fn behind_a_snapshot_are_never_many_events_however_small_they_are() {
    let mut scale = Scale::on(FaultyDisk::new(4));
    let store = Arc::clone(&scale.store);
    let (account, inbox) = scale.weigh(async { account_and_inbox(ann(&store).await).await }).await.0;
    scale.weigh(fill(&account, inbox, 0)).await;
    scale.weigh(toggle(&account, inbox, 1_200)).await;
    let (_, opened) = scale.weigh(open_anew(&store, account.id(), inbox)).await;
    assert!(opened.snapshots > 0, "none was taken");
    assert!(opened.things <= 512 + 32, "{} things behind the snapshot", opened.things);
}

#[tokio::test]
async fn who_opens_a_mailbox_after_a_stop_has_nothing_to_fold_in() {
    let mut scale = Scale::on(FaultyDisk::new(5));
    let store = Arc::clone(&scale.store);
    let (mut accounts, account) = scale.weigh(async { ann(&store).await }).await.0;
    let inbox = id(&account, "INBOX").await;
    scale.weigh(fill(&account, inbox, 0)).await;
    scale.weigh(toggle(&account, inbox, 100)).await;
    let (_, before) = scale.weigh(open_anew(&store, account.id(), inbox)).await;
    assert!(before.things > 100 && before.snapshots == 0, "{before:?}");
    let (_, stopping) = scale.weigh(accounts.take_last_snapshots()).await;
    assert!(stopping.snapshots > 0);
    let (_, after) = scale.weigh(open_anew(&store, account.id(), inbox)).await;
    assert!(after.things + 100 <= before.things, "{after:?} and {before:?}");
    assert_eq!(after.snapshots, stopping.snapshots);
    // Behind that one there is nothing, and no second is taken.
    accounts = scale.weigh(support::accounts(&store)).await.0;
    let account = accounts.account(account.id());
    scale.weigh(async { account.open(inbox).await.map(drop) }).await.0.unwrap();
    let (_, again) = scale.weigh(accounts.take_last_snapshots()).await;
    assert_eq!(again, Work::default());
}

/// Sets a flag on one message and takes it away, so many times in all.
async fn toggle(account: &Account, inbox: MailboxId, times: u64) {
    let one = UidSet::one(Uid::MIN);
    for n in 0..times {
        let change = if n % 2 == 0 { Change::Add } else { Change::Remove };
        flag(account, inbox, &one, change).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_done_to_one_mailbox_is_the_same_work_in_an_account_of_any_size() {
    let [made, created, appended, renamed, deleted, listed, restarted, signed_in] =
        pairs(with_mailboxes(MAILBOXES).await, with_mailboxes(MAILBOXES * TIMES).await);
    assert_linear("making mailboxes", made);
    assert_constant("CREATE", created);
    assert_constant("an append", appended);
    assert_constant("RENAME", renamed);
    assert_constant("DELETE", deleted);
    assert_eq!(listed.map(|work| work.calls), [1, 1], "LIST with STATUS asks once");
    assert_linear("LIST with STATUS", listed);
    assert_linear("a restart", restarted);
    assert_linear("the first look at an account", signed_in);
}

async fn with_mailboxes(mailboxes: u64) -> [Work; 8] {
    let mut scale = Scale::on(FaultyDisk::new(3));
    let store = Arc::clone(&scale.store);
    let (account, _) = scale.weigh(async { account_and_inbox(ann(&store).await).await }).await.0;
    let mut made = Work::default();
    for n in 0..mailboxes {
        made = made.and(scale.weigh(create(&account, n)).await.1);
    }
    let (_, created) = scale.weigh(create(&account, mailboxes)).await;
    let last = id(&account, name(mailboxes).as_str()).await;
    let (_, appended) =
        scale.weigh(async { append(&account, last, "Subject: one\r\n\r\nmore\r\n").await.unwrap() }).await;
    let (_, renamed) = scale.weigh(rename(&account, &name(mailboxes), &name(mailboxes + 1))).await;
    let (_, deleted) = scale.weigh(async { delete(&account, &name(mailboxes + 1)).await.unwrap() }).await;
    let ids: Vec<_> = account.names().await.unwrap().mailboxes().map(|(_, mailbox)| mailbox.id).collect();
    let (_, listed) = scale.weigh(async { account.heads(&ids).await.unwrap() }).await;
    let (mut scale, restarted) = scale.restart(3);
    let store = Arc::clone(&scale.store);
    let (_, signed_in) = scale.weigh(open_anew(&store, account.id(), MailboxId::FIRST)).await;
    [made, created, appended, renamed, deleted, listed, restarted, signed_in]
}

#[tokio::test]
async fn what_is_done_to_one_account_is_the_same_work_on_a_server_of_any_size() {
    let [added, renewed, removed] =
        pairs(with_accounts(ACCOUNTS).await, with_accounts(ACCOUNTS * TIMES).await);
    assert_constant("adding an account", added);
    assert_constant("a new password", renewed);
    assert_constant("removing an account", removed);
}

async fn with_accounts(number: u64) -> [Work; 3] {
    let mut scale = Scale::on(FaultyDisk::new(4));
    let store = Arc::clone(&scale.store);
    let accounts = scale.weigh(accounts(&store)).await.0;
    let (secret, other) = (record("secret"), record("another"));
    for n in 0..number {
        let name = format!("person{n:05}@example.org");
        scale.weigh(async { accounts.add(&name, &secret).await.unwrap() }).await;
    }
    let last = "person99999@example.org";
    let (_, added) = scale.weigh(async { accounts.add(last, &secret).await.unwrap() }).await;
    let (_, renewed) = scale.weigh(async { accounts.set_credential(last, &other).await.unwrap() }).await;
    let (_, removed) = scale.weigh(async { accounts.remove(last).await.unwrap() }).await;
    [added, renewed, removed]
}

fn name(number: u64) -> MailboxName {
    MailboxName::new(&format!("level{:03}/mailbox{number:05}", number / 10)).unwrap()
}

async fn create(account: &Account, number: u64) {
    account.create_mailbox(&Origin::desk(), &name(number), SpecialUses::NONE).await.unwrap();
}
