//! What the server does itself is shown once: nobody reads it back from the store to show it again, unless whoever did
//! it has gone away.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::Arc;
use store::{Hint, Store};
use support::hesitant::Hesitant;
use support::{ann, append, id, store};

/// So often others have a turn before one goes on.
const TURNS: usize = 8;

async fn others_turns() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_about_to_be_shown_is_not_read_back() {
    let hesitant = Arc::new(Hesitant::over(store()));
    let (accounts, ann) = ann(&(Arc::clone(&hesitant) as Arc<dyn Store>)).await;
    let inbox = id(&ann, "INBOX").await;
    let mailbox = ann.open(inbox).await.unwrap();
    let changes = async {
        others_turns().await;
        let before = hesitant.reads();
        for n in 1..=20 {
            append(&ann, inbox, "a: b\r\n\r\n").await.unwrap();
            assert_eq!(mailbox.newest().state().messages(), n);
        }
        others_turns().await;
        assert_eq!(hesitant.reads(), before);
    };
    tokio::select! {
        () = accounts.follow() => unreachable!("the store is open"),
        () = changes => {}
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_shown_nevertheless() {
    let hesitant = Arc::new(Hesitant::over(store()));
    let (accounts, ann) = ann(&(Arc::clone(&hesitant) as Arc<dyn Store>)).await;
    let inbox = id(&ann, "INBOX").await;
    let mailbox = ann.open(inbox).await.unwrap();
    let mut changes = mailbox.changes();
    let gone = async {
        others_turns().await;
        let mut hints = hesitant.watch();
        hesitant.hesitate_for_ever();
        tokio::select! {
            _ = append(&ann, inbox, "a: b\r\n\r\n") => unreachable!("the store does not answer"),
            hint = hints.next() => assert!(matches!(hint, Some(Hint::Grown(..)))),
        }
        // Its author is gone; whoever watches is told.
        changes.wait_for(|newest| newest.state().messages() == 1).await.map(drop).unwrap();
    };
    tokio::select! {
        () = accounts.follow() => unreachable!("the store is open"),
        () = gone => {}
    }
}
