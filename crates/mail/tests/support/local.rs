//! The local store on a disk of the testkit's, without a thread of its own.

use std::sync::Arc;
use store::Store;
use store_local::{LocalStore, Options, Pump};
use testkit::disk::FaultyDisk;

pub fn open(disk: &FaultyDisk) -> (Arc<dyn Store>, Pump) {
    let (store, pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &Options::default()).unwrap();
    (Arc::new(store), pump)
}

/// Waits while the store works.
pub async fn pumping<T>(pump: &mut Pump, asked: impl Future<Output = T>) -> T {
    let work = async {
        loop {
            pump.commit_group();
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        answer = asked => answer,
        () = work => unreachable!("it works on and on"),
    }
}
