//! What an account may hold, as its sessions meet it: the bound is exact, whoever comes at once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use mail::{Account, Accounts, Arrival, Batch, Error, Origin, Transfer};
use mailbox::Flags;
use mailbox::account::{Allowance, Allowances, Limits, MailboxId, OverQuota, Quota, Usage};
use std::sync::Arc;
use store::Store;
use support::{accounts, append, delete, id, record, store};
use terms::{MailboxName, Uid, UidSet};

const MESSAGE: &str = "Subject: ten\r\n\r\n..\r\n";
const OCTETS: u64 = MESSAGE.len() as u64;

/// An account that may hold ten messages of [`OCTETS`], and seven mailboxes.
async fn ann(store: &Arc<dyn Store>) -> (Accounts, Arc<Account>) {
    let accounts = limited(store).await;
    let id = accounts.add("ann@example.org", &record("secret")).await.unwrap();
    let account = accounts.account(id);
    (accounts, account)
}

async fn limited(store: &Arc<dyn Store>) -> Accounts {
    let quota = Quota { octets: Some(10 * OCTETS), messages: None, mailboxes: Some(7) };
    accounts(store).await.within(Limits { quota, ..Limits::default() })
}

fn is_over(outcome: Result<impl Sized, Error>) -> bool {
    matches!(outcome, Err(Error::OverQuota(OverQuota::Storage(_))))
}

async fn holds(account: &Account) -> u64 {
    let usage = account.usage().await.unwrap();
    assert_eq!(usage.octets, usage.messages * OCTETS);
    usage.messages
}

#[tokio::test]
async fn of_sixty_four_that_append_at_once_as_many_come_in_as_there_is_room_for() {
    let (_accounts, ann) = ann(&store()).await;
    let (inbox, sent) = (id(&ann, "INBOX").await, id(&ann, "Sent").await);
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let (ann, mailbox) = (Arc::clone(&ann), if n % 2 == 0 { inbox } else { sent });
            tokio::spawn(async move { append(&ann, mailbox, MESSAGE).await })
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        refused += usize::from(is_over(task.await.unwrap()));
    }
    assert_eq!((refused, holds(&ann).await), (54, 10));
}

#[tokio::test]
async fn a_full_account_takes_no_copies_and_lets_messages_move_and_go() {
    let (_accounts, ann) = ann(&store()).await;
    let (inbox, sent) = (id(&ann, "INBOX").await, id(&ann, "Sent").await);
    for _ in 0..10 {
        append(&ann, inbox, MESSAGE).await.unwrap();
    }
    assert!(is_over(ann.check_room(Usage { octets: 1, messages: 1 }, Usage::default()).await));
    let two = UidSet::from_ranges([(Uid::MIN, Uid::new(2).unwrap())]);
    let transfer = async |how| {
        ann.transfer(&Origin::desk(), how, ann.id(), (inbox, &two), sent).await.map(|copying| copying.target)
    };
    assert!(is_over(transfer(Transfer::Copy).await));
    assert_eq!(transfer(Transfer::Move).await.unwrap().len(), 2);
    assert_eq!(holds(&ann).await, 10);
    delete(&ann, &MailboxName::new("Sent").unwrap()).await.unwrap();
    assert_eq!(holds(&ann).await, 8, "what went with its mailbox counts no more");
    append(&ann, inbox, MESSAGE).await.unwrap();
}

/// A batch of messages of so many octets each.
async fn batch(account: &Account, sizes: &[u64]) -> Batch {
    let mut batch = Batch::default();
    for octets in sizes {
        let text = format!("{:.<1$}", "Subject: x\r\n\r\n", usize::try_from(*octets).unwrap());
        assert_eq!(text.len() as u64, *octets);
        let mut incoming = account.incoming(*octets).await.unwrap();
        incoming.write(text.into()).await.unwrap();
        let received = incoming.finish().await.unwrap();
        let arrival = Arrival { received, flags: Flags::NONE, date: None };
        account.add(&mut batch, &Origin::desk(), arrival).await.unwrap();
    }
    batch
}

async fn usage(account: &Account) -> (u64, u64) {
    let usage = account.usage().await.unwrap();
    (usage.octets, usage.messages)
}

/// What is asked before the message is sent and what is decided when it is here agree.
async fn replace(
    account: &Account,
    from: (MailboxId, u32),
    to: MailboxId,
    octets: u64,
) -> Result<u32, Error> {
    let going = Usage { octets: OCTETS, messages: 1 };
    let room = account.check_room(Usage { octets, messages: 1 }, going).await;
    let batch = batch(account, &[octets]).await;
    let replaced = (from.0, Uid::new(from.1).unwrap());
    let filed = account.replace(&Origin::desk(), replaced, to, batch, account.id()).await;
    assert_eq!(is_over(room), is_over(filed.as_ref().map_err(Error::clone)));
    filed.map(|filed| filed.uids.first().unwrap().get())
}

/// RFC 8508, 3.4 and RFC 9208, 4.3.1: what goes makes room for what comes, in the same mailbox and in another.
#[tokio::test]
async fn in_a_full_account_a_message_gives_way_to_one_that_is_no_larger() {
    let (_accounts, ann) = ann(&store()).await;
    let (inbox, sent) = (id(&ann, "INBOX").await, id(&ann, "Sent").await);
    for _ in 0..10 {
        append(&ann, inbox, MESSAGE).await.unwrap();
    }
    for to in [inbox, sent] {
        assert!(is_over(replace(&ann, (inbox, 1), to, OCTETS + 1).await));
        assert_eq!(usage(&ann).await, (10 * OCTETS, 10), "nothing came, and nothing went");
    }
    assert_eq!(replace(&ann, (inbox, 1), inbox, OCTETS).await.unwrap(), 11);
    assert_eq!(replace(&ann, (inbox, 2), sent, OCTETS).await.unwrap(), 1);
    assert_eq!(usage(&ann).await, (10 * OCTETS, 10));
    assert_eq!(replace(&ann, (inbox, 3), sent, OCTETS - 1).await.unwrap(), 2);
    assert_eq!(usage(&ann).await, (10 * OCTETS - 1, 10));
    // What that left is room for one octet more, and for no other.
    assert!(is_over(replace(&ann, (inbox, 4), inbox, OCTETS + 2).await));
    assert_eq!(replace(&ann, (inbox, 4), inbox, OCTETS + 1).await.unwrap(), 12);
    assert_eq!(usage(&ann).await, (10 * OCTETS, 10));
}

#[tokio::test]
async fn an_account_beyond_its_quota_replaces_what_does_not_grow_by_it() {
    let (_accounts, ann) = ann(&store()).await;
    let (inbox, sent) = (id(&ann, "INBOX").await, id(&ann, "Sent").await);
    for _ in 0..10 {
        append(&ann, inbox, MESSAGE).await.unwrap();
    }
    let (octets, messages) = (Allowance::AtMost(3 * OCTETS), Allowance::AtMost(3));
    ann.allow(&Origin::desk(), |before| Allowances { octets, messages, ..before }).await.unwrap();
    assert!(is_over(replace(&ann, (inbox, 1), sent, OCTETS + 1).await));
    assert_eq!(replace(&ann, (inbox, 1), sent, OCTETS).await.unwrap(), 1);
    assert_eq!(replace(&ann, (inbox, 2), inbox, OCTETS - 1).await.unwrap(), 11);
    assert!(is_over(append(&ann, inbox, MESSAGE).await));
    assert_eq!(usage(&ann).await, (10 * OCTETS - 1, 10));
}

#[tokio::test]
async fn of_sixty_four_that_replace_the_same_message_at_once_one_does_and_the_account_stays_full() {
    let (_accounts, ann) = ann(&store()).await;
    let (inbox, sent) = (id(&ann, "INBOX").await, id(&ann, "Sent").await);
    for _ in 0..10 {
        append(&ann, inbox, MESSAGE).await.unwrap();
    }
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let (ann, to) = (Arc::clone(&ann), if n % 2 == 0 { inbox } else { sent });
            tokio::spawn(async move {
                let batch = batch(&ann, &[OCTETS]).await;
                ann.replace(&Origin::desk(), (inbox, Uid::MIN), to, batch, ann.id()).await
            })
        })
        .collect();
    let mut replaced = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => replaced += 1,
            Err(why) => assert!(matches!(why, Error::NoSuchMessage), "{why}"),
        }
    }
    assert_eq!((replaced, usage(&ann).await), (1, (10 * OCTETS, 10)));
}

/// RFC 3502, 6.3.11: all or none, also where some would fit.
#[tokio::test]
async fn several_messages_come_in_together_up_to_the_last_octet_or_not_at_all() {
    let (_accounts, ann) = ann(&store()).await;
    let inbox = id(&ann, "INBOX").await;
    let file = async |sizes: &[u64]| {
        let more = Usage { octets: sizes.iter().sum(), messages: sizes.len() as u64 };
        let room = ann.check_room(more, Usage::default()).await;
        let filed = ann.file(&Origin::desk(), inbox, batch(&ann, sizes).await, ann.id()).await;
        assert_eq!(is_over(room), is_over(filed.as_ref().map_err(Error::clone)));
        filed.map(|filed| filed.uids.len())
    };
    assert!(is_over(file(&[5 * OCTETS, 4 * OCTETS, OCTETS + 1]).await));
    assert_eq!(usage(&ann).await, (0, 0));
    assert_eq!(file(&[5 * OCTETS, 4 * OCTETS, OCTETS]).await.unwrap(), 3);
    assert_eq!(usage(&ann).await, (10 * OCTETS, 3));
    assert!(is_over(file(&[OCTETS]).await));
}

#[tokio::test]
async fn what_is_used_is_found_again_after_a_restart_and_so_are_limits_of_ones_own() {
    let store = store();
    let (_accounts, ann) = ann(&store).await;
    let inbox = id(&ann, "INBOX").await;
    append(&ann, inbox, MESSAGE).await.unwrap();
    let allow = |octets| move |before| Allowances { octets, ..before };
    ann.allow(&Origin::desk(), allow(Allowance::AtMost(2 * OCTETS))).await.unwrap();

    let restarted = limited(&store).await.named("ann@example.org").unwrap();
    assert_eq!(holds(&restarted).await, 1);
    append(&restarted, inbox, MESSAGE).await.unwrap();
    assert!(is_over(append(&restarted, inbox, MESSAGE).await));
    assert_eq!(restarted.quota().await.unwrap().octets.most, Some(2 * OCTETS));
    restarted.allow(&Origin::desk(), allow(Allowance::Unlimited)).await.unwrap();
    for _ in 0..20 {
        append(&restarted, inbox, MESSAGE).await.unwrap();
    }
    restarted.allow(&Origin::desk(), allow(Allowance::Usual)).await.unwrap();
    assert!(is_over(append(&restarted, inbox, MESSAGE).await));
}

#[tokio::test]
async fn a_mailbox_too_many_is_not_made() {
    let (_accounts, ann) = ann(&store()).await;
    let make = async |name: &str| ann.ensure_mailbox(&Origin::desk(), &MailboxName::new(name).unwrap()).await;
    make("seventh").await.unwrap();
    make("seventh").await.unwrap();
    let why = make("eighth").await.unwrap_err().to_string();
    assert_eq!(why, "This account may hold 7 mailboxes, and this would be more; delete something first");
}
