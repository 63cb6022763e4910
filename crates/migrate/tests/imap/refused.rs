//! Our own side says no: to one message, or to all.

use crate::failing::Health;
use crate::here::{Here, server};
use crate::peer::{Answers, Peer, Port};
use crate::strange::Stays;
use mail::Origin;
use mailbox::account::{Allowance, Allowances};
use migrate::imap::Security;
use migrate::{Choice, Report, Verdict};

/// Two mailboxes of so many messages, whose flags are what `flags` says of a UID.
fn two_mailboxes(messages: u32, flags: impl Fn(u32) -> String, body: &str) -> Answers {
    let all = |one: &dyn Fn(u32) -> String| (1..=messages).map(one).collect::<String>();
    let size = body.len();
    let row = |uid: u32| format!("* {uid} FETCH (UID {uid} FLAGS ({}) RFC822.SIZE {size})\r\n", flags(uid));
    let fetched = |uid: u32| {
        let body = format!("{uid:04}{}", body.get(4..).unwrap());
        format!("* {uid} FETCH (UID {uid} BODY[] {{{size}}}\r\n{body})\r\n")
    };
    vec![
        ("LIST", "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Work\r\n$ OK\r\n".into()),
        ("EXAMINE", format!("* {messages} EXISTS\r\n* OK [UIDVALIDITY 9]\r\n$ OK\r\n")),
        ("UID FETCH 1:*", format!("{}$ OK\r\n", all(&row))),
        ("UID FETCH", format!("{}$ OK\r\n", all(&fetched))),
    ]
}

async fn import(here: &Here, peer: &Peer) -> Report {
    let source = server(peer.address, Security::Tls, &peer.authority);
    here.import(&source, Choice::default()).await.unwrap()
}

async fn peer(answers: Answers) -> Peer {
    Peer::start(Port::Tls, "* OK\r\n", answers).await
}

/// Nothing was skipped, the report has every folder, and the next run brings it all.
async fn stops_and_is_run_again(name: &str, health: Health, body: &str) {
    let here = Here::new(name).await;
    let peer = peer(two_mailboxes(3, |_| String::new(), body)).await;
    here.store.be(health);
    let report = import(&here, &peer).await;
    assert_eq!(report.verdict, Verdict::Incomplete, "{report:?}");
    assert!(report.stopped.as_deref().unwrap_or_default().contains("the disk is full"), "{report:?}");
    assert_eq!(report.folders.len(), 2);
    for folder in &report.folders {
        assert_eq!(folder.skipped, 0, "{folder:?}");
        assert!(folder.failed.as_deref().unwrap_or_default().contains("the disk is full"), "{folder:?}");
    }
    here.store.be(Health::Well);
    let report = import(&here, &peer).await;
    assert_eq!((report.verdict, report.stopped), (Verdict::Complete, None));
    for folder in &report.folders {
        assert_eq!(here.messages(&folder.mailbox).await.len(), 3, "{folder:?}");
    }
}

#[tokio::test]
async fn what_does_not_read_back_as_it_was_read_is_told_and_the_import_is_not_complete() {
    let here = Here::new("forgetful").await;
    let peer = peer(two_mailboxes(3, |_| String::new(), "0000: small letters\r\n\r\n")).await;
    here.store.be(Health::Forgetful);
    let report = import(&here, &peer).await;
    assert_eq!(report.verdict, Verdict::Incomplete, "{report:?}");
    for folder in &report.folders {
        let check = folder.check.unwrap();
        assert_eq!((check.wrong, check.read_back, check.in_mailbox), (3, 0, 3), "{folder:?}");
    }
}

#[tokio::test]
async fn a_store_that_takes_nothing_stops_the_import_which_is_run_again() {
    let large = "x".repeat(900_000);
    stops_and_is_run_again("unavailable", Health::Unavailable, "Subject: x\r\n\r\n").await;
    stops_and_is_run_again("uncertain", Health::Uncertain, "Subject: x\r\n\r\n").await;
    stops_and_is_run_again("unavailable-large", Health::Unavailable, &large).await;
}

#[tokio::test]
async fn a_store_that_fails_between_messages_that_are_refused_stops_the_import_too() {
    let here = Here::new("between").await;
    let change = |before| Allowances { messages: Allowance::AtMost(2), ..before };
    here.account.allow(&Origin::desk(), change).await.unwrap();
    let peer = peer(two_mailboxes(3, |_| String::new(), "Subject: x\r\n\r\n")).await;
    here.store.be(Health::Unavailable);
    let report = import(&here, &peer).await;
    assert_eq!(report.verdict, Verdict::Incomplete, "{report:?}");
    assert_eq!(report.folders.iter().map(|folder| folder.skipped).sum::<u64>(), 0, "{report:?}");
}

fn stays(peer: &Peer) -> Stays {
    Stays(server(peer.address, Security::Tls, &peer.authority))
}

/// A mailbox has 1,024 keywords; what cannot have one more is told, and everything else goes on.
#[tokio::test]
async fn one_keyword_too_many_is_told_and_the_other_flags_come() {
    let here = Here::new("keywords").await;
    let words = |from: u32| (from..from + 256).map(|n| format!("keyword{n}")).collect::<Vec<_>>().join(" ");
    let few = |uid: u32| if uid == 1 { words(0) } else { String::new() };
    let body = "Subject: x\r\n\r\n";
    let first = peer(two_mailboxes(6, few, body)).await;
    let report = here.import(&stays(&first), Choice::default()).await.unwrap();
    assert_eq!(report.verdict, Verdict::Complete, "{report:?}");
    // By the second run there is one keyword more at the source than a mailbox has here.
    let many = |uid: u32| match uid {
        1..=4 => words((uid - 1) * 256),
        5 => "one-too-many".into(),
        _ => "\\Seen".into(),
    };
    let again = peer(two_mailboxes(6, many, body)).await;
    let report = here.import(&stays(&again), Choice::default()).await.unwrap();
    let folder = &report.folders[0];
    assert_eq!((folder.already_here, folder.skipped, folder.flags_refused), (6, 0, 1), "{folder:?}");
    let told = &folder.flags_refused_messages[0];
    assert!(told.what == "UID 5" && told.why.contains("at most 1024 different keywords"), "{told:?}");
    assert_eq!(report.verdict, Verdict::SomeSkipped);
    let flags: Vec<_> = here.messages("INBOX").await.into_iter().map(|(flags, _)| flags).collect();
    assert_eq!((flags[4].as_str(), flags[5].as_str()), ("", "\\Seen"));

    // One that is new comes all the same, without what there is no room for.
    let more = |uid: u32| if uid == 7 { "\\Flagged also-too-many".into() } else { many(uid) };
    let mut answers = two_mailboxes(7, more, body);
    let only = "* 7 FETCH (UID 7 BODY[] {14}\r\n0007ect: x\r\n\r\n)\r\n$ OK\r\n";
    answers.insert(3, ("UID FETCH 7 ", only.into()));
    let third = peer(answers).await;
    let report = here.import(&stays(&third), Choice::default()).await.unwrap();
    let folder = &report.folders[0];
    assert_eq!((folder.imported, folder.skipped, folder.flags_refused), (1, 0, 2), "{folder:?}");
    let told = folder.flags_refused_messages.iter().find(|told| told.what == "UID 7").unwrap();
    assert!(told.why.contains("without its keywords: This mailbox can have at most 1024"), "{told:?}");
    assert_eq!(here.messages("INBOX").await[6].0, "\\Flagged");
    assert_eq!(report.verdict, Verdict::SomeSkipped);
}
