//! What an account may hold, as its sessions meet it: the bound is exact, whoever comes at once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use mail::{Account, Accounts, Error, Origin, Transfer};
use mailbox::account::{Allowance, Allowances, Limits, OverQuota, Quota, Usage};
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
