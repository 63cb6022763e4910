//! A server that has no file descriptor left. Alone in its file, because the limit is the whole process's.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Client, Log, Running, Toy};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

/// Leaves so many descriptors free, and holds all others.
///
/// The limit is on a descriptor's number, not on how many are open, and whoever started us may have left us a high one
/// with gaps below: so the gaps are filled too.
fn leave_room_for(descriptors: usize) -> Vec<File> {
    let highest = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().parse::<u64>().unwrap())
        .max()
        .unwrap();
    let limit = Rlimit { current: Some(highest + 1 + descriptors as u64), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut held: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    held.truncate(held.len() - descriptors);
    held
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_without_descriptors_says_so_once_and_goes_on_when_it_has_some() {
    // What blocks happens one after the other, so that it can be waited for.
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).max_blocking_threads(1).build().unwrap();
    runtime.block_on(without_descriptors());
}

async fn without_descriptors() {
    let log = Log::default();
    let _listening = log.listen();
    let server = Running::start("out-of-files", Toy, |_| {});
    // It opens files when it starts, to see whether certificates have changed, and to look at them as a client would: the
    // one may be asked for only when the other is done.
    drop(server.in_clear().await);
    for _ in 0..2 {
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    // Both ends of the first connection, and the client's end of the second.
    let _held = leave_room_for(3);
    let first = server.in_clear().await;
    let mut second = Client::new(TcpStream::connect(server.starttls).await.unwrap());
    tokio::time::sleep(Duration::from_secs(1)).await; // of a clock that stands still: four attempts
    let faults = || log.lines().iter().filter(|line| line.contains("server.fault")).count();
    assert_eq!(faults(), 1, "{:#?}", log.lines());
    assert!(log.lines().iter().any(|line| line.contains("raise the limit")), "{:#?}", log.lines());
    drop(first);
    // The second takes what the first left, so that there is none again: the same trouble, which was told.
    assert!(second.line().await.starts_with("* OK "));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(faults(), 1, "{:#?}", log.lines());
}
