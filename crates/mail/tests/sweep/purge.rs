//! What a purge takes, and what it leaves.

use crate::scene::{BEGIN_MS, DAY_MS, Scene, named, stores};
use crate::support;
use mail::{DirectoryError, Error, Moment, Origin, Purge, Transfer, World};
use store::{Seq, StreamId};
use terms::Uid;

const ANN: &str = "ann@example.org";

fn of_mailbox(name: &str) -> Purge {
    Purge { mailbox: Some(named(name)), before_ms: None }
}

#[tokio::test]
async fn a_purge_takes_what_was_deleted_a_moment_ago_and_leaves_what_is_there() {
    for store in stores() {
        let scene = Scene::over(store).await;
        let work = scene.make("Work").await;
        scene.append_to(work, "in Work").await;
        scene.delete("Work").await;
        let gone = scene.append("gone").await;
        scene.append("kept").await;
        scene.expunge(gone).await;
        let swept = scene.accounts.purge(ANN, &Purge::default()).await.unwrap();
        assert_eq!((swept.records, swept.bodies, swept.mailboxes), (2, 2, 1));
        assert_eq!(scene.content(scene.inbox).await, [(2, "kept".to_owned())]);
        for stream in [0, scene.inbox.get()] {
            let stream = StreamId { account: scene.ann.id(), number: stream };
            assert!(scene.store.read(stream, Seq::NONE, 10).await.unwrap().is_empty(), "{stream:?}");
        }
        // When it came to what it holds is not known, but that it holds it now.
        for (at_ms, messages) in [(scene.clock.now_ms(), Some(1)), (scene.clock.now_ms() - 1, None)] {
            let state = scene.ann.state_at(scene.inbox, Moment::Time(at_ms)).await.unwrap();
            assert_eq!(state.map(|state| state.messages()), messages);
        }
        assert!(scene.ann.deleted_mailboxes().await.unwrap().is_empty());
        let undone = scene.ann.undelete_messages(&Origin::desk(), scene.inbox, i64::MIN).await.unwrap();
        assert_eq!(undone, mail::Undone::default(), "nobody knows that there was something");
        let anew = scene.begun_anew().await;
        assert_eq!(anew.content(anew.inbox).await, [(2, "kept".to_owned())]);
        // And it goes on: numbers, names and the past from here on.
        assert_eq!(anew.append("next").await, Uid::new(3).unwrap());
        assert_ne!(anew.make("Work").await, work);
        let new = anew.append("expunged later").await;
        anew.expunge(new).await;
        anew.clock.set(BEGIN_MS + DAY_MS);
        let past = anew.ann.state_at(anew.inbox, Moment::Time(i64::MAX)).await.unwrap().unwrap();
        assert_eq!(past.messages(), 2);
        let undone = anew.ann.undelete_messages(&Origin::desk(), anew.inbox, i64::MIN).await.unwrap();
        assert_eq!(undone.messages, 1);
        let deleted = anew.make("Later").await;
        anew.delete("Later").await;
        assert_eq!(anew.ann.deleted_mailboxes().await.unwrap()[0].mailbox.id, deleted);
        assert_eq!(anew.begun_anew().await.content(anew.inbox).await.len(), 3);
    }
}

#[tokio::test]
async fn a_purge_of_one_mailbox_leaves_the_others_past_alone() {
    for store in stores() {
        let scene = Scene::over(store).await;
        let work = scene.make("Work").await;
        let here = scene.append("here").await;
        let both = scene.append("both").await;
        scene.transfer(Transfer::Copy, both, work).await;
        let there = scene.append_to(work, "there").await;
        scene.expunge(here).await;
        scene.expunge(both).await;
        scene.expunge_from(work, there).await;
        scene.expunge_from(work, Uid::MIN).await;
        let swept = scene.accounts.purge(ANN, &of_mailbox("Work")).await.unwrap();
        assert_eq!((swept.records, swept.bodies), (1, 1), "what is in another's past stays");
        let undone = scene.ann.undelete_messages(&Origin::desk(), scene.inbox, i64::MIN).await.unwrap();
        assert_eq!((undone.messages, undone.gone), (2, 0));
        let missing = scene.accounts.purge(ANN, &of_mailbox("Nowhere")).await;
        assert!(matches!(missing, Err(DirectoryError::Mail(Error::NoSuchMailbox))));
    }
}

#[tokio::test]
async fn a_purge_reaches_mailboxes_that_were_deleted_under_the_name() {
    let scene = Scene::new().await;
    for round in 0..2 {
        let work = scene.make("Work").await;
        scene.append_to(work, &format!("round {round}")).await;
        scene.delete("Work").await;
    }
    let swept = scene.accounts.purge(ANN, &of_mailbox("Work")).await.unwrap();
    assert_eq!((swept.mailboxes, swept.records), (2, 2));
    assert!(scene.ann.deleted_mailboxes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_purge_up_to_a_time_leaves_what_was_deleted_since() {
    let scene = Scene::new().await;
    let (old, young) = (scene.append("old").await, scene.append("young").await);
    scene.expunge(old).await;
    scene.day(2);
    scene.expunge(young).await;
    let purge = Purge { mailbox: None, before_ms: Some(BEGIN_MS + DAY_MS) };
    assert_eq!(scene.accounts.purge(ANN, &purge).await.unwrap().records, 1);
    let undone = scene.ann.undelete_messages(&Origin::desk(), scene.inbox, i64::MIN).await.unwrap();
    assert_eq!((undone.messages, undone.gone), (1, 0));
    assert_eq!(scene.content(scene.inbox).await, [(3, "young".to_owned())]);
}

#[tokio::test]
async fn a_purge_of_a_removed_account_leaves_nothing_of_it() {
    for store in stores() {
        let scene = Scene::over(store).await;
        scene.append("kept").await;
        let id = scene.ann.id();
        scene.accounts.remove(ANN).await.unwrap();
        let swept = scene.accounts.purge(ANN, &Purge::default()).await.unwrap();
        assert_eq!((swept.accounts, swept.records, swept.bodies), (1, 1, 1));
        assert!(scene.store.list_streams(id).await.unwrap().is_empty());
        assert!(scene.records().await.is_empty());
        assert!(scene.accounts.removed().await.unwrap().is_empty());
        let nobody = scene.accounts.purge("nobody@example.org", &Purge::default()).await;
        assert!(matches!(nobody, Err(DirectoryError::Refused(_))));
    }
}

#[tokio::test]
async fn who_has_the_mailbox_open_elsewhere_goes_on_behind_a_purge() {
    let scene = Scene::new().await;
    scene.append("first").await;
    let elsewhere = scene.begun_anew().await;
    assert_eq!(elsewhere.content(elsewhere.inbox).await.len(), 1);
    let second = scene.append("second").await;
    scene.expunge(second).await;
    scene.make("Made meanwhile").await;
    scene.accounts.purge(ANN, &Purge::default()).await.unwrap();
    assert_eq!(elsewhere.append("third").await, Uid::new(3).unwrap());
    let content = [(1, "first".to_owned()), (3, "third".to_owned())];
    assert_eq!(elsewhere.content(elsewhere.inbox).await, content);
    assert!(elsewhere.ann.names().await.unwrap().mailbox(&named("Made meanwhile")).is_some());
    assert_eq!(support::id(&elsewhere.ann, "INBOX").await, scene.inbox);
}
