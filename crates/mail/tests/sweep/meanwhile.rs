//! What happens while a sweep or a purge runs: at each of its calls of the store in turn.

use crate::scene::{self, Scene, large, stores};
use crate::support;
use crate::support::interposed::Interposed;
use mail::{Arrival, Origin, Pace, Purge, Transfer};
use mailbox::Flags;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use terms::Uid;

/// An account over a store in which things can happen, with a body that nothing names any more.
async fn begin(inner: Arc<dyn Store>) -> (Arc<Interposed>, Scene) {
    let store = Arc::new(Interposed::over(inner));
    let scene = Scene::over(Arc::clone(&store) as Arc<dyn Store>).await;
    let gone = scene.append("gone").await;
    scene.append("kept").await;
    scene.expunge(gone).await;
    scene.day(20);
    (store, scene)
}

#[tokio::test]
async fn a_message_that_comes_in_with_the_octets_of_a_swept_one_has_them() {
    for kind in 0..2 {
        let mut call = 0;
        loop {
            let (store, scene) = begin(stores()[kind].clone()).await;
            let (ann, inbox) = (Arc::clone(&scene.ann), scene.inbox);
            let text = scene::message("gone");
            store.before(call, async move {
                support::append(&ann, inbox, &text).await.unwrap();
            });
            scene.sweep().await;
            if !store.has_happened() {
                break;
            }
            let expected = [(2, "kept".to_owned()), (3, "gone".to_owned())];
            assert_eq!(scene.content(scene.inbox).await, expected, "at call {call}");
            scene.day(21);
            scene.sweep().await;
            assert_eq!(scene.content(scene.inbox).await, expected, "at call {call}, swept again");
            call += 1;
        }
        assert!(call > 20, "{call} calls are too few to prove anything");
    }
}

#[tokio::test]
async fn a_message_that_is_staged_before_a_sweep_and_filed_behind_it_has_its_octets() {
    for store in stores() {
        let scene = Scene::over(store).await;
        let mut incoming = scene.ann.incoming(1 << 30).await.unwrap();
        incoming.write(large("slow")).await.unwrap();
        let received = incoming.finish().await.unwrap();
        assert_eq!(scene.sweep().await.swept.bodies, 0);
        let arrival = Arrival { received, flags: Flags::NONE, date: None };
        let ann = &scene.ann;
        ann.file(&Origin::desk(), scene.inbox, arrival.into(), ann.id()).await.unwrap();
        assert_eq!(scene.sweep().await.swept.bodies, 0);
        assert_eq!(scene.content(scene.inbox).await, [(1, "slow".to_owned())]);
    }
}

#[tokio::test]
async fn a_message_whose_octets_are_gone_is_not_filed() {
    for store in stores() {
        let scene = Scene::over(store).await;
        let octets = large("lost");
        let mut incoming = scene.ann.incoming(1 << 30).await.unwrap();
        incoming.write(octets.clone()).await.unwrap();
        let received = incoming.finish().await.unwrap();
        // As if another process had swept.
        scene.store.delete_body(scene.ann.id(), store::BodyId::of(&octets)).await.unwrap();
        let arrival = Arrival { received, flags: Flags::NONE, date: None };
        let filed = scene.ann.file(&Origin::desk(), scene.inbox, arrival.into(), scene.ann.id()).await;
        assert!(matches!(filed, Err(mail::Error::Unavailable(_))), "{filed:?}");
        assert!(scene.content(scene.inbox).await.is_empty() && scene.records().await.is_empty());
        scene.append("goes on").await;
    }
}

#[tokio::test]
async fn a_message_that_is_moved_during_a_purge_is_not_lost_between_the_mailboxes() {
    for back in [false, true] {
        let mut call = 0;
        loop {
            let (store, scene) = begin(support::store()).await;
            let archive = support::id(&scene.ann, "Archive").await;
            // The one that is looked at first is INBOX.
            let (from, to) = if back { (archive, scene.inbox) } else { (scene.inbox, archive) };
            let uid = scene.append_to(from, "moved").await;
            let ann = Arc::clone(&scene.ann);
            store.before(call, async move { scene::transfer(&ann, Transfer::Move, (from, uid), to).await });
            scene.accounts.purge("ann@example.org", &Purge::default()).await.unwrap();
            if !store.has_happened() {
                break;
            }
            let content = scene.content(to).await;
            assert_eq!(content.last().unwrap().1, "moved", "at call {call}");
            let anew = scene.begun_anew().await;
            assert_eq!(anew.content(to).await, content, "at call {call}");
            assert_eq!(anew.content(from).await, scene.content(from).await, "at call {call}");
            call += 1;
        }
        assert!(call > 20, "{call} calls are too few to prove anything");
    }
}

#[tokio::test]
async fn a_message_that_is_expunged_during_a_sweep_can_be_had_back() {
    let mut call = 0;
    loop {
        let (store, scene) = begin(support::store()).await;
        let (ann, inbox) = (Arc::clone(&scene.ann), scene.inbox);
        store.before(call, async move { scene::expunge(&ann, inbox, Uid::new(2).unwrap()).await });
        scene.sweep().await;
        if !store.has_happened() {
            break;
        }
        let undone = scene.ann.undelete_messages(&Origin::desk(), scene.inbox, i64::MIN).await.unwrap();
        assert_eq!(undone.messages, 1, "at call {call}");
        assert_eq!(scene.content(scene.inbox).await, [(3, "kept".to_owned())], "at call {call}");
        call += 1;
    }
    assert!(call > 20, "{call} calls are too few to prove anything");
}

#[tokio::test]
async fn undo_waits_for_the_sweep_and_finds_all_of_a_message_or_nothing() {
    let mut call = 0;
    loop {
        let (store, scene) = begin(support::store()).await;
        let (ann, inbox) = (Arc::clone(&scene.ann), scene.inbox);
        let undone = Arc::new(std::sync::Mutex::new(None));
        let told = Arc::clone(&undone);
        let task = async move {
            let outcome = ann.undelete_messages(&Origin::desk(), inbox, i64::MIN).await;
            *told.lock().unwrap() = Some(outcome);
        };
        // It goes beside the sweep: whoever waits for the other's turn must not be waited for.
        let running = Arc::new(std::sync::Mutex::new(None));
        let started = Arc::clone(&running);
        store.before(call, async move { *started.lock().unwrap() = Some(tokio::spawn(task)) });
        scene.accounts.sweep(Duration::from_hours(24), Pace::Trusting).await.unwrap();
        if !store.has_happened() {
            break;
        }
        let task = running.lock().unwrap().take().unwrap();
        task.await.unwrap();
        let outcome = undone.lock().unwrap().take().unwrap();
        let content = scene.content(scene.inbox).await;
        match outcome {
            Ok(undone) => assert_eq!((undone.messages, content.len()), (1, 2), "at call {call}"),
            Err(why) => {
                assert!(matches!(why, mail::Error::NotKept(1)), "at call {call}: {why:?}");
                assert_eq!(content.len(), 1);
            }
        }
        call += 1;
    }
    assert!(call > 20, "{call} calls are too few to prove anything");
}
