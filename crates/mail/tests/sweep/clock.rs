//! Clocks that are wrong.

use crate::scene::{DAY_MS, RETENTION, Scene};
use mail::{Pace, Swept};
use mailbox::account::directory::Standing;

const YEAR: i64 = 365;

async fn cautious(scene: &Scene) -> mail::SweepReport {
    scene.accounts.sweep(RETENTION, Pace::Cautious).await.unwrap()
}

#[tokio::test]
async fn the_first_time_nothing_goes_and_then_a_day_at_a_time() {
    let scene = Scene::new().await;
    let gone = scene.append("gone").await;
    scene.expunge(gone).await;
    scene.day(1);
    let first = cautious(&scene).await;
    assert_eq!((first.behind_ms, first.swept), (None, Swept::default()));
    for day in 2..=13 {
        scene.day(day);
        assert_eq!(cautious(&scene).await.swept, Swept::default(), "day {day}");
    }
    scene.day(14);
    let report = cautious(&scene).await;
    assert_eq!((report.behind_ms, report.swept.records), (Some(0), 1));
}

#[tokio::test]
async fn a_clock_that_is_set_years_ahead_sweeps_no_more_than_a_day() {
    let scene = Scene::new().await;
    cautious(&scene).await;
    let gone = scene.append("gone").await;
    scene.expunge(gone).await;
    scene.day(14 * YEAR);
    for _ in 0..13 {
        let report = cautious(&scene).await;
        assert_eq!(report.swept, Swept::default());
        assert!(report.behind_ms.unwrap() > 13 * YEAR * DAY_MS);
    }
    scene.day(1);
    assert_eq!(cautious(&scene).await.swept, Swept::default(), "it is right again, and nothing was lost");
    assert_eq!(scene.records().await.len(), 1);
}

#[tokio::test]
async fn a_clock_that_was_never_set_sweeps_nothing_and_holds_nothing_up() {
    let scene = Scene::new().await;
    cautious(&scene).await;
    let gone = scene.append("gone").await;
    scene.expunge(gone).await;
    scene.clock.set(0);
    assert_eq!(cautious(&scene).await.behind_ms, None);
    scene.day(1);
    assert_eq!(cautious(&scene).await.behind_ms, Some(0));
}

#[tokio::test]
async fn what_was_expunged_by_a_clock_that_was_behind_is_not_taken_for_old() {
    let scene = Scene::new().await;
    scene.day(100);
    let first = scene.append("first").await;
    scene.day(0);
    scene.expunge(first).await;
    scene.day(101);
    assert_eq!(scene.sweep().await.swept, Swept::default());
    scene.day(115);
    assert_eq!(scene.sweep().await.swept.records, 1);
}

#[tokio::test]
async fn what_was_expunged_by_a_clock_that_was_ahead_goes_once_what_came_behind_it_is_old() {
    let scene = Scene::new().await;
    let first = scene.append("first").await;
    scene.day(20 * YEAR);
    scene.expunge(first).await;
    scene.day(1);
    assert_eq!(scene.sweep().await.swept, Swept::default());
    scene.day(30);
    assert_eq!(scene.sweep().await.swept, Swept::default(), "nobody knows when that was");
    scene.append("second").await;
    scene.day(45);
    assert_eq!(scene.sweep().await.swept.records, 1);
    assert_eq!(scene.content(scene.inbox).await, [(2, "second".to_owned())]);
}

#[tokio::test]
async fn an_account_that_was_removed_by_a_clock_that_was_behind_is_not_taken_for_old() {
    let scene = Scene::new().await;
    scene.day(100);
    scene.accounts.set_standing("ann@example.org", Standing::Disabled).await.unwrap();
    scene.day(0);
    scene.accounts.remove("ann@example.org").await.unwrap();
    scene.day(101);
    assert_eq!(scene.sweep().await.swept, Swept::default());
    assert_eq!(scene.accounts.removed().await.unwrap().len(), 1);
    scene.day(115);
    assert_eq!(scene.sweep().await.swept.accounts, 1);
}
