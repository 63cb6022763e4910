//! The power fails during a sweep, at each write in turn.

use crate::interrupted::{all_of, live};
use crate::scene::{BEGIN_MS, DAY_MS, RETENTION, Scene, named};
use mail::{Account, Pace};
use std::sync::Arc;
use store::Store;
use store_local::{LocalStore, Options};
use testkit::disk::FaultyDisk;

fn open(disk: &FaultyDisk) -> Arc<LocalStore> {
    Arc::new(LocalStore::open_on(Arc::new(disk.clone()), &Options::default()).unwrap())
}

/// What the mailboxes hold, each message read whole.
async fn contents(account: &Account) -> Vec<Vec<(u32, String)>> {
    let mut contents = Vec::new();
    for name in ["INBOX", "Archive"] {
        let id = account.names().await.unwrap().mailbox(&named(name)).unwrap().id;
        contents.push(crate::scene::content(account, id).await);
    }
    contents
}

#[tokio::test]
async fn a_power_cut_during_a_sweep_costs_nothing_and_the_next_one_comes_to_the_same() {
    // The life is lived once; what is on the disk then is where each sweep begins.
    let disk = FaultyDisk::new(1);
    let store = open(&disk);
    let scene = Scene::over(Arc::clone(&store) as Arc<dyn Store>).await;
    live(&scene).await;
    let held = contents(&scene.ann).await;
    store.close().unwrap();
    let lived = disk.cut(1);
    let now_ms = BEGIN_MS + 20 * DAY_MS;

    let whole = Scene::again(open(&lived.cut(1)), now_ms).await;
    whole.sweep().await;
    let expected = all_of(&*whole.store, &whole.ann).await;
    let mut cut_off = 0;
    for changes in 0.. {
        let disk = lived.cut(changes);
        let store: Arc<dyn Store> = open(&disk);
        let scene = Scene::again(Arc::clone(&store), now_ms).await;
        disk.cut_power_after(changes);
        let swept = scene.accounts.sweep(RETENTION, Pace::Trusting).await;
        let went_off = disk.is_off();
        assert!(swept.is_ok() || went_off, "{swept:?}");
        drop((scene, store));
        let scene = Scene::again(open(&disk.cut(changes)), now_ms).await;
        assert_eq!(contents(&scene.ann).await, held, "cut after {changes} changes");
        scene.sweep().await;
        assert_eq!(all_of(&*scene.store, &scene.ann).await, expected, "cut after {changes} changes");
        assert_eq!(contents(&scene.ann).await, held, "cut after {changes} changes");
        if !went_off {
            break;
        }
        cut_off += 1;
    }
    assert!(cut_off > 5, "{cut_off} cuts are too few to prove anything");
}
