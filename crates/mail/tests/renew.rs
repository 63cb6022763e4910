//! Records of another version.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use mail::Account;
use message::{RECORD_VERSION, RecordView};
use std::future::poll_fn;
use std::sync::Arc;
use store::{AccountId, Commit, CommitId, EmailId, EmailRange, Store};
use support::{ann, append, id, store};

const MESSAGE: &str = "Subject: an old friend\r\nFrom: ann@example.org\r\n\r\nHello again.\r\n";

/// Writes a record as a release before or behind ours might have: nothing stands where it does but the version and
/// the name of the body.
async fn put_foreign(store: &Arc<dyn Store>, account: AccountId, email: EmailId, body: [u8; 32]) -> Bytes {
    let foreign = Bytes::from([&[RECORD_VERSION - 1, 0, 0, 0][..], &body, b"what it held then"].concat());
    let commit = Commit {
        account,
        id: CommitId([email.uid.to_le_bytes()[0]; 16]),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 0,
        origin: Bytes::new(),
        appends: Vec::new(),
        records: vec![(email, Some(foreign.clone().into()))],
        bodies: Vec::new(),
    };
    store.commit(commit).await.unwrap();
    foreign
}

fn only(email: EmailId) -> [EmailRange; 1] {
    [EmailRange { first: email, last: email }]
}

async fn stored(store: &Arc<dyn Store>, account: &Account, email: EmailId) -> Bytes {
    store.records(account.id(), &only(email)).await.unwrap().remove(0).1
}

#[tokio::test]
async fn a_record_of_another_version_is_made_anew_when_it_is_asked_for_and_kept() {
    let store = store();
    let (_, ann) = ann(&store).await;
    let inbox = id(&ann, "INBOX").await;
    for text in [MESSAGE.to_owned(), format!("{MESSAGE}{}", "0123456789\r\n".repeat(50_000))] {
        let uid = append(&ann, inbox, &text).await.unwrap().uid.get();
        let email = EmailId { mailbox: inbox.get(), uid };
        let ours = stored(&store, &ann, email).await;
        put_foreign(&store, ann.id(), email, RecordView::new(&ours).unwrap().body()).await;
        assert!(RecordView::new(&stored(&store, &ann, email).await).is_none());

        let records = ann.records(&only(email)).await.unwrap();
        assert_eq!(records, [(email, ours.clone())], "as if it had come in today");
        assert_eq!(stored(&store, &ann, email).await, ours, "and it is made anew once");
    }
}

#[tokio::test]
async fn others_have_their_turn_while_a_large_message_is_parsed_again() {
    let store = store();
    let (_, ann) = ann(&store).await;
    let inbox = id(&ann, "INBOX").await;
    let text = format!("{MESSAGE}{}", "0123456789\r\n".repeat(100_000));
    let uid = append(&ann, inbox, &text).await.unwrap().uid.get();
    let email = EmailId { mailbox: inbox.get(), uid };
    let ours = stored(&store, &ann, email).await;
    put_foreign(&store, ann.id(), email, RecordView::new(&ours).unwrap().body()).await;
    let mut turns = 0;
    let range = only(email);
    let mut asked = std::pin::pin!(ann.records(&range));
    let records = poll_fn(|context| {
        turns += 1;
        asked.as_mut().poll(context)
    })
    .await;
    assert_eq!(records.unwrap(), [(email, ours)]);
    // Once for each 64 KiB.
    assert!(turns > text.len() / (64 << 10), "{turns} turns");
}

#[tokio::test]
async fn a_record_whose_message_is_not_there_stays_as_it_was() {
    let store = store();
    let (_, ann) = ann(&store).await;
    let inbox = id(&ann, "INBOX").await;
    let uid = append(&ann, inbox, MESSAGE).await.unwrap().uid.get();
    let email = EmailId { mailbox: inbox.get(), uid };
    let foreign = put_foreign(&store, ann.id(), email, [7; 32]).await;
    assert_eq!(ann.records(&only(email)).await.unwrap(), [(email, foreign)]);
}

#[test]
fn the_manual_has_the_version_of_records() {
    let row = format!("| a message's record | {RECORD_VERSION} |");
    assert!(include_str!("../../../docs/storage.md").contains(&row), "{row}");
}
