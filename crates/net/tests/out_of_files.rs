//! A server that has no file descriptor left. Alone in its file, because the limit is the whole process's.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Client, Log, Running, Toy};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;
use tokio::net::TcpStream;

fn leave_room_for(descriptors: u64) {
    let used = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1; // without the folder itself
    let limit = Rlimit { current: Some(used + descriptors), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_server_without_descriptors_says_so_once_and_goes_on_when_it_has_some() {
    let log = Log::default();
    let _listening = log.listen();
    let server = Running::start("out-of-files", Toy, |_| {});
    // Both ends of the first connection, and the client's end of the second.
    leave_room_for(3);
    let first = server.in_clear().await;
    let mut second = Client::new(TcpStream::connect(server.starttls).await.unwrap());
    tokio::time::sleep(Duration::from_secs(1)).await; // of a clock that stands still: four attempts
    let faults = || log.lines().iter().filter(|line| line.contains("server.fault")).count();
    assert_eq!(faults(), 1, "{:#?}", log.lines());
    assert!(log.lines().iter().any(|line| line.contains("raise the limit")), "{:#?}", log.lines());
    drop(first);
    assert!(second.line().await.starts_with("* OK "));
    assert_eq!(faults(), 1);
}
