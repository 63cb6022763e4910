//! A sweep that is cut off, and one of an account that cannot be read.

use crate::scene::{RETENTION, Scene};
use crate::support;
use crate::support::interposed::Interposed;
use mail::{Account, Error, Pace, Purge, Transfer};
use mailbox::Change;
use std::sync::Arc;
use store::{BodyId, EmailId, Seq, Store, StreamId};

/// Everything that a store has of an account, as far as one can ask.
#[derive(Debug, PartialEq, Eq)]
pub struct All {
    streams: Vec<(StreamId, Seq)>,
    first_events: Vec<Option<Seq>>,
    snapshots: Vec<Option<Seq>>,
    records: Vec<EmailId>,
    bodies: Vec<BodyId>,
}

pub async fn all_of(store: &dyn Store, account: &Account) -> All {
    let id = account.id();
    let streams: Vec<_> =
        store.list_streams(id).await.unwrap().into_iter().map(|(stream, seq, _)| (stream, seq)).collect();
    let (mut first_events, mut snapshots) = (Vec::new(), Vec::new());
    for (stream, _) in &streams {
        let first = store.read(*stream, Seq::NONE, 1).await.unwrap();
        first_events.push(first.first().map(|event| event.seq));
        let snapshot = store.snapshot_at(*stream, Seq(u64::MAX)).await.unwrap();
        snapshots.push(snapshot.map(|snapshot| snapshot.at));
    }
    let range = store::EmailRange {
        first: EmailId { mailbox: 0, uid: 0 },
        last: EmailId { mailbox: u32::MAX, uid: u32::MAX },
    };
    let records = store.list_records(id, range, usize::MAX).await.unwrap();
    let bodies = store.list_bodies(id, None, usize::MAX).await.unwrap();
    let records = records.into_iter().map(|(email, _)| email).collect();
    All { streams, first_events, snapshots, records, bodies }
}

/// Old and young, here and there, in a mailbox that is gone, and many events.
async fn life() -> (Arc<Interposed>, Scene) {
    let store = Arc::new(Interposed::over(support::store()));
    let scene = Scene::over(Arc::clone(&store) as Arc<dyn Store>).await;
    live(&scene).await;
    scene.day(20);
    (store, scene)
}

/// The same, in whatever store.
pub async fn live(scene: &Scene) {
    let archive = support::id(&scene.ann, "Archive").await;
    let work = scene.make("Work").await;
    scene.append_to(work, "in a mailbox that goes").await;
    scene.append_to(work, "twin").await;
    for text in ["one", "twin", "three"] {
        let uid = scene.append(text).await;
        scene.expunge(uid).await;
    }
    let moved = scene.append("moved").await;
    scene.transfer(Transfer::Move, moved, archive).await;
    scene.delete("Work").await;
    let kept = scene.append("kept").await;
    for _ in 0..20 {
        scene.flag(kept, Change::Add).await;
        scene.flag(kept, Change::Remove).await;
    }
    scene.day(10);
    let young = scene.append("young").await;
    scene.expunge(young).await;
}

#[tokio::test]
async fn a_sweep_that_is_cut_off_anywhere_and_run_again_comes_to_the_same() {
    let (store, scene) = life().await;
    store.count_anew();
    scene.sweep().await;
    let calls = store.calls();
    let expected = all_of(&*scene.store, &scene.ann).await;
    assert!(calls > 40 && expected.records.len() == 3, "{calls} calls, {expected:?}");
    for call in 0..calls {
        let (store, scene) = life().await;
        store.stop_at(call);
        let cut_off = scene.accounts.sweep(RETENTION, Pace::Trusting).await;
        assert!(matches!(cut_off, Err(Error::Unavailable(_))), "at call {call}: {cut_off:?}");
        store.go_on();
        let archive = support::id(&scene.ann, "Archive").await;
        assert_eq!(scene.content(archive).await.len(), 1, "at call {call}");
        scene.sweep().await;
        assert_eq!(all_of(&*scene.store, &scene.ann).await, expected, "at call {call}");
    }
}

#[tokio::test]
async fn a_purge_that_is_cut_off_anywhere_and_run_again_comes_to_the_same() {
    let purge = Purge::default();
    let (store, scene) = life().await;
    store.count_anew();
    scene.accounts.purge("ann@example.org", &purge).await.unwrap();
    let calls = store.calls();
    let expected = all_of(&*scene.store, &scene.ann).await;
    assert!(calls > 40 && expected.records.len() == 2, "{calls} calls, {expected:?}");
    for call in 0..calls {
        let (store, scene) = life().await;
        store.stop_at(call);
        assert!(scene.accounts.purge("ann@example.org", &purge).await.is_err(), "at call {call}");
        store.go_on();
        let anew = scene.begun_anew().await;
        assert_eq!(anew.content(anew.inbox).await.len(), 1, "at call {call}");
        scene.accounts.purge("ann@example.org", &purge).await.unwrap();
        assert_eq!(all_of(&*scene.store, &scene.ann).await, expected, "at call {call}");
    }
}

#[tokio::test]
async fn of_a_removed_account_that_is_swept_in_part_nothing_comes_back() {
    let calls = {
        let (store, scene) = life().await;
        scene.accounts.remove("ann@example.org").await.unwrap();
        scene.day(60);
        store.count_anew();
        scene.sweep().await;
        store.calls()
    };
    for call in 0..calls {
        let (store, scene) = life().await;
        scene.accounts.remove("ann@example.org").await.unwrap();
        scene.day(60);
        let whole = all_of(&*scene.store, &scene.ann).await;
        store.stop_at(call);
        assert!(scene.accounts.sweep(RETENTION, Pace::Trusting).await.is_err(), "at call {call}");
        store.go_on();
        let left = all_of(&*scene.store, &scene.ann).await;
        let back = scene.accounts.removed().await.unwrap();
        assert_eq!(!back.is_empty(), left == whole, "at call {call}");
        scene.sweep().await;
        let left = all_of(&*scene.store, &scene.ann).await;
        assert!(
            left.streams.is_empty() && left.records.is_empty() && left.bodies.is_empty(),
            "at call {call}"
        );
    }
}

#[tokio::test]
async fn of_an_account_with_a_damaged_stream_nothing_goes() {
    let (_, scene) = life().await;
    // An event that is none, in a mailbox that has nothing to do with what would go.
    let drafts = support::id(&scene.ann, "Drafts").await;
    let stream = StreamId { account: scene.ann.id(), number: drafts.get() };
    let (standing, head) = scene.store.heads(&[stream]).await.unwrap().remove(0).unwrap();
    let events = vec![bytes::Bytes::from_static(b"\xff no event")];
    let commit = store::Commit {
        account: scene.ann.id(),
        id: store::CommitId([9; 16]),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 0,
        origin: bytes::Bytes::new(),
        appends: vec![store::Append { stream, expected: standing, events, head }],
        records: Vec::new(),
        bodies: Vec::new(),
    };
    scene.store.commit(commit).await.unwrap();
    let before = all_of(&*scene.store, &scene.ann).await;
    let report = scene.sweep().await;
    assert_eq!(report.swept, mail::Swept::default());
    assert_eq!(report.left.len(), 1);
    assert_eq!(report.left[0].login.as_str(), "ann@example.org");
    assert!(report.left[0].why.contains(&format!("stream {}", drafts.get())), "{}", report.left[0].why);
    assert_eq!(all_of(&*scene.store, &scene.ann).await, before);
    assert!(scene.accounts.purge("ann@example.org", &Purge::default()).await.is_err());
    let left = all_of(&*scene.store, &scene.ann).await;
    assert_eq!((left.records, left.bodies), (before.records, before.bodies));
}
