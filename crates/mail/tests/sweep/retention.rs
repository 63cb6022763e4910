//! What stays, and what goes.

use crate::scene::{RETENTION, Scene, named, stores};
use crate::support;
use mail::{DirectoryError, Error, Moment, Origin, Pace, Transfer};
use std::sync::Arc;
use terms::Uid;

fn uid(n: u32) -> Uid {
    Uid::new(n).unwrap()
}

#[tokio::test]
async fn what_was_expunged_stays_for_the_retention_and_then_goes() {
    for store in stores() {
        let scene = Scene::over(store).await;
        let doomed = scene.append("doomed").await;
        scene.append("kept").await;
        scene.expunge(doomed).await;
        scene.day(13);
        assert_eq!(scene.sweep().await.swept, mail::Swept::default());
        assert_eq!(scene.records().await.len(), 2);
        scene.day(15);
        let swept = scene.sweep().await.swept;
        assert_eq!((swept.records, swept.bodies, swept.octets), (1, 1, 27));
        assert!(!scene.has_body("doomed").await && scene.has_body("kept").await);
        assert_eq!(scene.content(scene.inbox).await, [(2, "kept".to_owned())]);
        assert_eq!(scene.sweep().await.swept, mail::Swept::default(), "there is nothing more");
        assert_eq!(scene.begun_anew().await.content(scene.inbox).await, [(2, "kept".to_owned())]);
    }
}

#[tokio::test]
async fn a_body_stays_as_long_as_one_message_has_it() {
    for store in stores() {
        let scene = Scene::over(store).await;
        let twins = [scene.append("twin").await, scene.append("twin").await];
        scene.expunge(twins[0]).await;
        scene.day(15);
        let swept = scene.sweep().await.swept;
        assert_eq!((swept.records, swept.bodies), (1, 0));
        assert_eq!(scene.content(scene.inbox).await, [(2, "twin".to_owned())]);
        scene.expunge(twins[1]).await;
        scene.day(30);
        assert_eq!(scene.sweep().await.swept.bodies, 1);
        assert!(!scene.has_body("twin").await);
    }
}

#[tokio::test]
async fn a_message_that_lives_on_elsewhere_keeps_its_record() {
    for store in stores() {
        let scene = Scene::over(store).await;
        let archive = support::id(&scene.ann, "Archive").await;
        let moved = scene.append("moved").await;
        let copied = scene.append("copied").await;
        scene.transfer(Transfer::Move, moved, archive).await;
        scene.transfer(Transfer::Copy, copied, archive).await;
        scene.expunge(copied).await;
        scene.day(40);
        assert_eq!(scene.sweep().await.swept, mail::Swept::default());
        let content = scene.content(archive).await;
        assert_eq!(content, [(1, "moved".to_owned()), (2, "copied".to_owned())]);
    }
}

#[tokio::test]
async fn a_deleted_mailbox_can_be_had_back_until_it_is_swept() {
    for store in stores() {
        let scene = Scene::over(store).await;
        let work = scene.make("Work").await;
        scene.append_to(work, "plan").await;
        scene.delete("Work").await;
        scene.day(13);
        scene.sweep().await;
        let deleted = scene.ann.deleted_mailboxes().await.unwrap().remove(0);
        scene.ann.undelete_mailbox(&Origin::desk(), &deleted, &named("Work")).await.unwrap();
        assert_eq!(scene.content(work).await, [(1, "plan".to_owned())]);
        scene.delete("Work").await;
        scene.day(26);
        let deleted = scene.ann.deleted_mailboxes().await.unwrap().remove(0);
        assert_eq!(scene.sweep().await.swept, mail::Swept::default(), "it was deleted again 13 days ago");
        scene.day(28);
        let swept = scene.sweep().await.swept;
        assert_eq!((swept.mailboxes, swept.records, swept.bodies), (1, 1, 1));
        assert!(scene.ann.deleted_mailboxes().await.unwrap().is_empty());
        let back = scene.ann.undelete_mailbox(&Origin::desk(), &deleted, &named("Work")).await;
        assert!(matches!(back, Err(Error::NotKept(_))), "{back:?}");
        let again = scene.make("Work").await;
        assert_ne!(again, work, "a number is never given again");
    }
}

#[tokio::test]
async fn a_removed_account_can_be_had_back_until_it_is_swept() {
    for store in stores() {
        let scene = Scene::over(store).await;
        scene.append("kept").await;
        scene.accounts.remove("ann@example.org").await.unwrap();
        scene.day(13);
        assert_eq!(scene.sweep().await.swept, mail::Swept::default());
        let removed = scene.accounts.removed().await.unwrap().remove(0);
        scene.accounts.restore(&removed, "ann@example.org").await.unwrap();
        let ann = scene.accounts.account(removed.id);
        assert_eq!(crate::scene::content(&ann, scene.inbox).await, [(1, "kept".to_owned())]);
        scene.accounts.remove("ann@example.org").await.unwrap();
        scene.day(28);
        let swept = scene.sweep().await.swept;
        assert_eq!((swept.accounts, swept.records, swept.bodies), (1, 1, 1));
        assert!(scene.accounts.removed().await.unwrap().is_empty());
        assert!(scene.store.list_streams(removed.id).await.unwrap().is_empty());
        let back = scene.accounts.restore(&removed, "ann@example.org").await;
        assert!(matches!(back, Err(DirectoryError::Mail(Error::NotKept(0)))), "{back:?}");
        assert_eq!(scene.sweep().await.swept, mail::Swept::default());
    }
}

#[tokio::test]
async fn within_the_retention_everything_is_undone_though_sweeps_went_by() {
    for store in stores() {
        let scene = Scene::over(store).await;
        let old = scene.append("old").await;
        scene.expunge(old).await;
        scene.day(20);
        let young = scene.append("young").await;
        scene.day(21);
        scene.expunge(young).await;
        scene.day(22);
        scene.append("new").await;
        scene.sweep().await;
        let at = |day: i64| Moment::Time(crate::scene::BEGIN_MS + day * crate::scene::DAY_MS);
        let past = scene.ann.state_at(scene.inbox, at(20)).await.unwrap().unwrap();
        let undone = scene.ann.restore_as(&Origin::desk(), &past, &named("As it was")).await.unwrap();
        assert_eq!((undone.messages, undone.gone), (1, 0));
        let restored = support::id(&scene.ann, "As it was").await;
        assert_eq!(scene.content(restored).await, [(1, "young".to_owned())]);
        scene.expunge_from(restored, uid(1)).await;
        let undone = scene.ann.undelete_messages(&Origin::desk(), scene.inbox, i64::MIN).await.unwrap();
        assert_eq!((undone.messages, undone.gone), (1, 1), "what is gone for good is told");
        let content = scene.content(scene.inbox).await;
        assert_eq!(content, [(3, "new".to_owned()), (4, "young".to_owned())]);
    }
}

#[tokio::test]
async fn what_lies_before_the_retention_is_refused_and_nothing_changes() {
    let scene = Scene::new().await;
    let gone = scene.append("gone").await;
    let past = scene.ann.state_at(scene.inbox, Moment::Time(i64::MAX)).await.unwrap().unwrap();
    scene.expunge(gone).await;
    scene.day(15);
    scene.append("there").await;
    scene.sweep().await;
    let refused = [
        scene.ann.restore_as(&Origin::desk(), &past, &named("As it was")).await,
        scene.ann.restore_in_place(&Origin::desk(), scene.inbox, &past).await,
        scene.ann.undelete_messages(&Origin::desk(), scene.inbox, i64::MIN).await,
    ];
    for refused in refused {
        let why = refused.unwrap_err();
        assert!(matches!(why, Error::NotKept(1)), "{why:?}");
        assert!(why.to_string().contains("store.retention_days"), "{why}");
    }
    assert_eq!(scene.content(scene.inbox).await, [(2, "there".to_owned())]);
    assert!(scene.ann.names().await.unwrap().mailbox(&named("As it was")).is_none());
}

#[tokio::test]
async fn without_a_retention_everything_goes_at_once() {
    let scene = Scene::new().await;
    let gone = scene.append("gone").await;
    scene.expunge(gone).await;
    let none = std::time::Duration::ZERO;
    let swept = scene.accounts.sweep(none, Pace::Trusting).await.unwrap().swept;
    assert_eq!((swept.records, swept.bodies), (1, 1));
}

#[tokio::test]
async fn what_was_staged_for_a_message_that_never_came_goes_with_the_next_sweep() {
    for store in stores() {
        let scene = Scene::over(Arc::clone(&store)).await;
        let octets = crate::scene::large("litter");
        let mut writer = store.stage_body(scene.ann.id()).await.unwrap();
        writer.write(octets.clone()).await.unwrap();
        writer.finish().await.unwrap();
        let swept = scene.accounts.sweep(RETENTION, Pace::Trusting).await.unwrap().swept;
        assert_eq!((swept.bodies, swept.octets), (1, octets.len() as u64));
    }
}

#[tokio::test]
async fn records_of_an_earlier_version_keep_the_bodies_that_they_name() {
    let scene = Scene::new().await;
    scene.append("kept").await;
    let email = scene.records().await[0];
    let range = store::EmailRange { first: email, last: email };
    let (_, octets) = scene.store.records(scene.ann.id(), &[range]).await.unwrap().remove(0);
    let commit = store::Commit {
        account: scene.ann.id(),
        id: store::CommitId([7; 16]),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 0,
        origin: bytes::Bytes::new(),
        appends: Vec::new(),
        records: vec![(email, Some(octets.into()))],
        bodies: Vec::new(),
    };
    scene.store.commit(commit).await.unwrap();
    scene.day(20);
    assert_eq!(scene.sweep().await.swept, mail::Swept::default());
    assert_eq!(scene.content(scene.inbox).await, [(1, "kept".to_owned())]);
}
