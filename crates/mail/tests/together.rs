//! What is stored together or not at all: APPEND of several messages, and REPLACE.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use mail::{Account, Arrival, Batch, Error, Filed, Origin};
use mailbox::account::MailboxId;
use mailbox::{Flags, SystemFlags};
use support::{ann, append, delete, id, store};
use terms::{MailboxName, Uid};

async fn arrival(account: &Account, text: &[u8]) -> Arrival {
    let mut incoming = account.incoming(text.len() as u64).await.unwrap();
    incoming.write(Bytes::copy_from_slice(text)).await.unwrap();
    Arrival { received: incoming.finish().await.unwrap(), flags: Flags::NONE, date: None }
}

async fn batch(account: &Account, texts: &[Vec<u8>]) -> Batch {
    let mut batch = Batch::default();
    for text in texts {
        let arrival = arrival(account, text).await;
        account.add(&mut batch, &Origin::desk(), arrival).await.unwrap();
    }
    batch
}

async fn file(account: &Account, mailbox: MailboxId, batch: Batch) -> Result<Filed, Error> {
    account.file(&Origin::desk(), mailbox, batch, account.id()).await
}

/// A message of so many octets that is like no other.
fn text(number: u8, octets: usize) -> Vec<u8> {
    let mut text = format!("Subject: {number}\r\n\r\n").into_bytes();
    text.resize(octets, b'a' + number);
    text
}

async fn uids(account: &Account, mailbox: MailboxId) -> Vec<u32> {
    let state = account.open(mailbox).await.unwrap().newest().state().clone();
    state.uids(Uid::MIN).iter().map(Uid::get).collect()
}

#[tokio::test]
async fn messages_that_come_together_are_one_event() {
    let (_, ann) = ann(&store()).await;
    let inbox = id(&ann, "INBOX").await;
    let before = ann.open(inbox).await.unwrap().newest().state().seq();
    let batch = batch(&ann, &[text(1, 100), text(2, 200), text(3, 300)]).await;
    let filed = file(&ann, inbox, batch).await.unwrap();
    assert_eq!(filed.uids.to_string(), "1:3");
    let after = ann.open(inbox).await.unwrap().newest().state().clone();
    assert_eq!(after.seq(), before + 1);
    let sizes: Vec<_> = after.reader(ann.id()).rows(&filed.uids).map(|row| row.size).collect();
    assert_eq!(sizes, [100, 200, 300]);
}

#[tokio::test]
async fn many_messages_do_not_wait_in_memory_and_are_not_seen_before_all_have_come() {
    let (_, ann) = ann(&store()).await;
    let inbox = id(&ann, "INBOX").await;
    let texts: Vec<_> = (0..20).map(|number| text(number, 250 << 10)).collect();
    drop(batch(&ann, &texts).await);
    assert_eq!(uids(&ann, inbox).await, [0; 0], "what is dropped was never there");
    let mut batch = batch(&ann, &texts).await;
    let large = arrival(&ann, &text(21, 600 << 10)).await;
    ann.add(&mut batch, &Origin::desk(), large).await.unwrap();
    assert_eq!(uids(&ann, inbox).await, [0; 0]);
    file(&ann, inbox, batch).await.unwrap();
    assert_eq!(uids(&ann, inbox).await, (1..=21).collect::<Vec<_>>());
    let name = *blake3::hash(&texts[7]).as_bytes();
    assert_eq!(ann.body(name, 0, 1 << 20).await.unwrap().unwrap(), texts[7]);
}

#[tokio::test]
async fn more_than_a_commit_carries_is_refused_before_it_is_committed() {
    let (_, ann) = ann(&store()).await;
    let inbox = id(&ann, "INBOX").await;
    let subject = format!("Subject: {}\r\n\r\n", "x".repeat(20_000)).into_bytes();
    let arrival = arrival(&ann, &subject).await;
    let mut batch = Batch::default();
    let mut taken = 0;
    let refused = loop {
        match ann.add(&mut batch, &Origin::desk(), arrival.clone()).await {
            Ok(()) => taken += 1,
            Err(why) => break why,
        }
    };
    assert!(matches!(refused, Error::TooMuch), "{refused}");
    assert!((100..1_000).contains(&taken), "{taken}");
    assert_eq!(uids(&ann, inbox).await, [0; 0]);
}

#[tokio::test]
async fn messages_for_a_mailbox_that_is_gone_are_stored_nowhere() {
    let (_, ann) = ann(&store()).await;
    let archive = id(&ann, "Archive").await;
    let batch = batch(&ann, &[text(1, 100), text(2, 100)]).await;
    delete(&ann, &MailboxName::new("Archive").unwrap()).await.unwrap();
    assert!(matches!(file(&ann, archive, batch).await, Err(Error::NoSuchMailbox)));
}

#[tokio::test]
async fn a_message_is_replaced_in_its_mailbox_or_into_another_whatever_its_flags() {
    let (_, ann) = ann(&store()).await;
    let (drafts, sent) = (id(&ann, "Drafts").await, id(&ann, "Sent").await);
    let first = append(&ann, drafts, "Subject: 1\r\n\r\n").await.unwrap().uid;
    let second = text(2, 50);
    let replace = |uid, to, batch| {
        let (ann, origin) = (&ann, Origin::desk());
        async move { ann.replace(&origin, (drafts, uid), to, batch, ann.id()).await }
    };
    let filed = replace(first, drafts, batch(&ann, &[second]).await).await.unwrap();
    assert_eq!((uids(&ann, drafts).await, filed.uids.to_string().as_str()), (vec![2], "2"));
    let mut flagged = arrival(&ann, &text(3, 60)).await;
    flagged.flags = Flags::system(SystemFlags::SEEN);
    let second = filed.uids.first().unwrap();
    assert_eq!(replace(second, sent, flagged.clone().into()).await.unwrap().uids.to_string(), "1");
    assert_eq!((uids(&ann, drafts).await, uids(&ann, sent).await), (vec![], vec![1]));
    // It has gone already: nothing comes either.
    assert!(matches!(replace(second, sent, flagged.into()).await, Err(Error::NoSuchMessage)));
    assert_eq!(uids(&ann, sent).await, [1]);
}
