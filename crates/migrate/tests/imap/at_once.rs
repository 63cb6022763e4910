//! Several mailboxes at once, and how far they are.

use crate::here::{Here, server};
use crate::peer::{Answers, Peer};
use migrate::imap::Security;
use migrate::{Choice, Verdict, Watcher};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::timeout;

/// A test that has come so far in no time, and no further in this one, has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was said of each folder: its messages, how many were done with, and whether it has ended.
#[derive(Default)]
struct Eyes(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    folders: BTreeMap<String, (u64, u64)>,
    open: usize,
    most_open: usize,
}

impl Watcher for Eyes {
    fn begins(&self, folder: &str, messages: u64) {
        let mut seen = self.0.lock().unwrap();
        seen.folders.insert(folder.into(), (messages, 0));
        seen.open += 1;
        seen.most_open = seen.most_open.max(seen.open);
    }

    fn moves(&self, folder: &str, messages: u64) {
        self.0.lock().unwrap().folders.get_mut(folder).unwrap().1 += messages;
    }

    fn ends(&self, _: &str) {
        self.0.lock().unwrap().open -= 1;
    }
}

fn mailboxes(count: usize) -> Answers {
    let rows = (0..count).map(|number| format!("* LIST () \"/\" m{number}\r\n")).collect::<String>();
    vec![("LIST", format!("{rows}$ OK\r\n"))]
}

/// So many mailboxes over so many connections: of them `expected` are in use together, and never more.
async fn check(name: &str, count: usize, connections: usize, expected: usize) {
    let here = Here::new(name).await;
    // It answers nobody before `expected` connections have asked for a mailbox: fewer would wait for ever.
    let peer = Peer::meeting(expected, mailboxes(count)).await;
    let source = server(peer.address, Security::Tls, &peer.authority);
    let eyes = Eyes::default();
    let import = here.import_over(connections, &source, Choice::default(), &eyes);
    let report = timeout(PATIENCE, import).await.expect("so many mailboxes are asked for at once").unwrap();
    assert_eq!(report.verdict, Verdict::Complete, "{report:?}");
    assert_eq!(report.folders.len(), count);
    assert_eq!(peer.most_at_once(), expected);
    let seen = eyes.0.into_inner().unwrap();
    assert_eq!(seen.folders.len(), count);
    assert!(seen.folders.values().all(|done| *done == (1, 1)), "{:?}", seen.folders);
    assert_eq!(seen.open, 0, "each that begins ends");
    assert!(seen.most_open <= expected, "{} at once", seen.most_open);
}

#[tokio::test]
async fn so_many_mailboxes_are_brought_at_once_as_were_asked_for_and_no_more() {
    check("at-once-3", 7, 3, 3).await;
    check("at-once-1", 4, 1, 1).await;
    check("at-once-2", 2, 5, 2).await;
}
