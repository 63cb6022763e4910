//! Events and snapshots that go, and what is left of a mailbox.

use crate::scene::{BEGIN_MS, DAY_MS, Scene, stores};
use crate::support;
use crate::support::interposed::Interposed;
use mail::Moment;
use mailbox::{Change, Flags, MailboxState};
use std::sync::Arc;
use store::{Seq, Snapshot, Store, StreamId};
use terms::{Keyword, UidSet};

impl Scene {
    fn stream(&self) -> StreamId {
        StreamId { account: self.ann.id(), number: self.inbox.get() }
    }

    async fn first_event(&self) -> u64 {
        self.store.read(self.stream(), Seq::NONE, 1).await.unwrap()[0].seq.0
    }

    async fn state_on(&self, day: i64) -> Option<MailboxState> {
        self.ann.state_at(self.inbox, Moment::Time(BEGIN_MS + day * DAY_MS)).await.unwrap()
    }

    /// A snapshot of the mailbox as it is.
    async fn take_snapshot(&self) -> u64 {
        let newest = self.ann.open(self.inbox).await.unwrap().newest();
        let at = Seq(newest.state().seq());
        let pieces = newest.state().snapshot();
        self.store.put_snapshot(self.stream(), Snapshot { at, pieces }).await.unwrap();
        at.0
    }

    /// Many octets of events in a mailbox of its own, for each change names its keywords.
    async fn keywords_by_and_by(&self) -> StreamId {
        let id = self.make("Keywords").await;
        let uid = self.append_to(id, "with keywords").await;
        let uids = UidSet::one(uid);
        for n in 0..200 {
            let mut flags = Flags::NONE;
            (0..10).for_each(|k| flags.push(Keyword::new(&format!("{k}-{}", "k".repeat(50))).unwrap()));
            let change = if n % 2 == 0 { Change::Add } else { Change::Remove };
            let account = self.ann.id();
            let request =
                mailbox::Store { account, uids: &uids, change, flags: &flags, unchanged_since: None };
            let store = |proposal: &mut mail::Proposal| {
                let stored = mailbox::store(proposal.mailbox(id)?, &request).map_err(mail::Error::from)?;
                stored.events.iter().try_for_each(|event| proposal.push(id, event))
            };
            self.ann.change(&mail::Origin::desk(), store).await.unwrap();
        }
        StreamId { account: self.ann.id(), number: id.get() }
    }

    async fn live_through(&self, days: std::ops::Range<i64>) {
        for day in days {
            self.day(day);
            let uid = self.append(&format!("of day {day}")).await;
            self.flag(uid, Change::Add).await;
        }
    }
}

#[tokio::test]
async fn a_stream_is_trimmed_to_the_last_snapshot_but_one_before_the_retention() {
    for store in stores() {
        let scene = Scene::over(store).await;
        let mut snapshots = Vec::new();
        for tens in 0..6 {
            scene.live_through(tens * 10..tens * 10 + 10).await;
            snapshots.push(scene.take_snapshot().await);
        }
        scene.day(60);
        let folded = [50, 55, 60].map(|day| scene.state_on(day));
        let mut before = Vec::new();
        for state in folded {
            before.push(state.await.unwrap());
        }
        assert_eq!(scene.sweep().await.swept.trimmed, 1);
        // The cut is at day 46: the last snapshot before it is of day 39, the last but one of day 29.
        assert_eq!(scene.first_event().await, snapshots[2] + 1);
        let kept = scene.store.snapshot_at(scene.stream(), Seq(snapshots[2])).await.unwrap().unwrap();
        assert_eq!(kept.at.0, snapshots[2]);
        for (day, before) in [50, 55, 60].into_iter().zip(&before) {
            assert!(scene.state_on(day).await.unwrap().says_the_same_as(before), "day {day}");
        }
        assert!(scene.state_on(5).await.is_none(), "what it held then is not kept");
        let anew = scene.begun_anew().await;
        let newest = anew.ann.open(anew.inbox).await.unwrap().newest();
        assert!(newest.state().says_the_same_as(before.last().unwrap()));
        assert_eq!(anew.content(anew.inbox).await.len(), 60);
        assert!(anew.ann.history(anew.inbox, 1_000).await.unwrap().len() < 100);
        assert_eq!(anew.sweep().await.swept, mail::Swept::default());
    }
}

#[tokio::test]
async fn a_snapshot_that_says_otherwise_than_the_events_keeps_everything() {
    let scene = Scene::new().await;
    scene.live_through(0..10).await;
    let first = scene.take_snapshot().await;
    scene.live_through(10..20).await;
    let right = scene.store.snapshot_at(scene.stream(), Seq(first)).await.unwrap().unwrap();
    let second = scene.take_snapshot().await;
    // A snapshot of an earlier day in the place of the first: it reads back, and it is not the fold.
    let wrong = scene.state_on(3).await.unwrap();
    let pieces = wrong.snapshot();
    scene.store.put_snapshot(scene.stream(), Snapshot { at: Seq(first), pieces }).await.unwrap();
    scene.day(60);
    let report = scene.sweep().await;
    assert_eq!((report.left.len(), report.swept.trimmed), (1, 0));
    assert_eq!(scene.first_event().await, 1);
    scene.store.put_snapshot(scene.stream(), right).await.unwrap();
    let report = scene.sweep().await;
    assert_eq!((report.left.len(), report.swept.trimmed), (0, 1));
    assert_eq!(scene.first_event().await, first + 1);
    assert!(second > first);
}

#[tokio::test]
async fn where_much_lies_before_the_retention_without_a_snapshot_one_is_made() {
    let store = Arc::new(Interposed::over(support::store()));
    let scene = Scene::over(Arc::clone(&store) as Arc<dyn Store>).await;
    store.refuse_snapshots();
    let many = scene.keywords_by_and_by().await;
    store.go_on();
    let newest = || scene.store.snapshot_at(many, Seq(u64::MAX));
    assert!(newest().await.unwrap().is_none());
    scene.day(40);
    assert_eq!(scene.sweep().await.swept.trimmed, 0, "there is no second one to lean on");
    let (standing, _) = scene.store.heads(&[many]).await.unwrap().remove(0).unwrap();
    assert_eq!(newest().await.unwrap().unwrap().at, standing);
}
