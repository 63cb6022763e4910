//! Servers that are honest, and not as one would like them.

use crate::here::{Here, PASSWORD, server};
use crate::peer::{Answers, HANG_UP_ONCE, Peer, Port};
use mail::Origin;
use mailbox::account::{Allowance, Allowances};
use migrate::imap::Security;
use migrate::{Choice, Report};
use std::fs;
use terms::MailboxName;

async fn import(here: &Here, answers: Answers, choice: Choice) -> Report {
    let peer = Peer::start(Port::Tls, "* OK\r\n", answers).await;
    here.import(&server(peer.address, Security::Tls, &peer.authority), choice).await.unwrap()
}

fn fetched(rows: &str, bodies: &str) -> Answers {
    vec![
        ("EXAMINE", "* 3 EXISTS\r\n* OK [UIDVALIDITY 9]\r\n$ OK\r\n".into()),
        ("UID FETCH 1:*", format!("{rows}$ OK\r\n")),
        ("UID FETCH", format!("{bodies}$ OK\r\n")),
    ]
}

#[tokio::test]
async fn flags_sizes_and_order_that_no_standard_knows_are_borne_and_told() {
    let here = Here::new("odd").await;
    let rows = "* 1 FETCH (UID 5 FLAGS (a]b \\Important Work) RFC822.SIZE 900)\r\n\
                * 2 FETCH (RFC822.SIZE 4 UID 7 FLAGS () INTERNALDATE \"nonsense\")\r\n\
                * 3 FETCH (UID 9 FLAGS () RFC822.SIZE 99999999)\r\n";
    let bodies = "* 7 EXISTS\r\n* 1 FETCH (BODY[] {4}\r\na\r\n\n FLAGS (x) UID 5)\r\n\
                  * 2 FETCH (UID 7 BODY[] \"b\")\r\n* X-STRANGE ((\r\n";
    let report = import(&here, fetched(rows, bodies), Choice::default()).await;
    let folder = &report.folders[0];
    assert_eq!((folder.imported, folder.skipped, folder.messages), (2, 1, 3), "{folder:?}");
    assert!(folder.skipped_messages[0].why.contains("more than 1048576 octets"));
    for note in ["\"a]b\" is no keyword", "\"\\\\Important\" is no keyword", "said 900 octets and sent 4"] {
        assert!(folder.notes.iter().any(|own| own.contains(note)), "{note}: {folder:?}");
    }
    assert_eq!(
        here.messages("INBOX").await,
        [("Work".into(), "a\r\n\n".into()), (String::new(), "b".into())]
    );
}

#[tokio::test]
async fn a_message_that_the_server_cannot_give_is_skipped_and_the_others_come() {
    let here = Here::new("broken").await;
    let rows = "* 1 FETCH (UID 5 FLAGS () RFC822.SIZE 4)\r\n* 2 FETCH (UID 7 FLAGS () RFC822.SIZE 4)\r\n\
                * 3 FETCH (UID 8 FLAGS () RFC822.SIZE 4)\r\n";
    let mut answers = fetched(rows, "");
    answers.splice(
        2..2,
        [
            ("UID FETCH 5,7:8", "$ NO [SERVERBUG] one of them is broken\r\n".to_owned()),
            ("UID FETCH 5 ", "* 1 FETCH (UID 5 BODY[] {2}\r\nx\n)\r\n$ OK\r\n".to_owned()),
            ("UID FETCH 7 ", "$ NO [SERVERBUG] rotten\r\n".to_owned()),
            ("UID FETCH 8 ", "* 3 FETCH (UID 8 BODY[] NIL)\r\n$ OK\r\n".to_owned()),
        ],
    );
    let report = import(&here, answers, Choice::default()).await;
    let folder = &report.folders[0];
    assert_eq!((folder.imported, folder.skipped), (1, 2), "{folder:?}");
    let told: Vec<_> = folder.skipped_messages.iter().map(|s| format!("{}: {}", s.what, s.why)).collect();
    assert!(told[0].starts_with("UID 7: ") && told[0].ends_with("rotten"), "{told:?}");
    assert!(told[1].starts_with("UID 8: "), "{told:?}");
    assert_eq!(report.verdict, migrate::Verdict::SomeSkipped);
}

#[tokio::test]
async fn mailboxes_find_their_places() {
    let here = Here::new("places").await;
    let list = "* LIST () \".\" INBOX\r\n* LIST (\\Sent) \".\" \"INBOX.Sent Items\"\r\n\
                * LIST () \".\" {15}\r\nINBOX.a&AOQ-/b*\r\n* LIST (\\Noselect) \".\" INBOX.x\r\n\
                * LIST (\\All) \".\" INBOX.All\r\n* LIST () \".\" INBOX.Old.1999\r\n* LIST () \".\" user.bob\r\n$ OK\r\n";
    let answers = vec![
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN NAMESPACE\r\n$ OK\r\n".to_owned()),
        ("NAMESPACE", "* NAMESPACE ((\"INBOX.\" \".\")) ((\"user.\" \".\")) NIL\r\n$ OK\r\n".into()),
        ("LIST", list.to_owned()),
        ("LSUB", "* LSUB () \".\" INBOX.Old.1999\r\n$ OK\r\n".to_owned()),
    ];
    let map = vec![("Old".to_owned(), MailboxName::new("Attic").unwrap())];
    let report = import(&here, answers, Choice { map, ..Choice::default() }).await;
    let found: Vec<_> = report.folders.iter().map(|f| (f.mailbox.as_str(), f.at_source.as_str())).collect();
    let expected = [
        ("Attic/1999", "INBOX.Old.1999"),
        ("INBOX", "INBOX"),
        ("Sent", "INBOX.Sent Items"),
        ("aä_b_", "INBOX.aä/b*"),
    ];
    assert_eq!(found, expected);
    assert!(report.folders[3].notes[0].contains("cannot be had here"));
    let left: Vec<_> = report.left_out.iter().map(|left| left.what.as_str()).collect();
    assert_eq!(left, ["INBOX.All", "user.bob"]);
    let names = here.account.names().await.unwrap();
    assert!(names.is_subscribed(&MailboxName::new("Attic/1999").unwrap()));
    assert!(!names.is_subscribed(&MailboxName::new("aä_b_").unwrap()));
}

#[tokio::test]
async fn a_second_run_brings_nothing_whatever_was_forgotten_and_old_flags_only_where_nobody_changed_them() {
    let here = Here::new("again").await;
    let run = async |flags: &str, validity: u32| {
        let row = format!("* 1 FETCH (UID 5 FLAGS ({flags}) RFC822.SIZE 5)\r\n");
        let mut answers = fetched(&row, "* 1 FETCH (UID 5 BODY[] {5}\r\na\r\n\r\n)\r\n");
        answers[0].1 = format!("* 1 EXISTS\r\n* OK [UIDVALIDITY {validity}]\r\n$ OK\r\n");
        let peer = Peer::start(Port::Tls, "* OK\r\n", answers).await;
        // One port of many servers: the name of the source stays.
        let source = Stays(server(peer.address, Security::Tls, &peer.authority));
        let report = here.import(&source, Choice::default()).await.unwrap();
        let folder = &report.folders[0];
        assert_eq!(report.verdict, migrate::Verdict::Complete, "{folder:?}");
        let fetches = peer.heard().iter().filter(|line| line.contains("BODY.PEEK")).count();
        (folder.imported, folder.already_here, folder.flags_updated, folder.flags_kept, fetches)
    };
    assert_eq!(run("\\Seen", 9).await, (1, 0, 0, 0, 1));
    assert_eq!(run("\\Seen", 9).await, (0, 1, 0, 0, 0));
    assert_eq!(run("\\Seen Work", 9).await, (0, 1, 1, 0, 0));
    assert_eq!(here.messages("INBOX").await[0].0, "\\Seen Work");
    // UIDs that mean something else now, and a memory that is gone: it is found by its octets.
    assert_eq!(run("\\Seen Work", 10).await, (0, 1, 0, 0, 1));
    fs::remove_dir_all(here.memories()).unwrap();
    assert_eq!(run("\\Seen Work", 10).await, (0, 1, 0, 0, 1));
    assert_eq!(here.messages("INBOX").await.len(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again_and_goes_on() {
    let here = Here::new("breaks").await;
    let peer = Peer::start(Port::Tls, "* OK\r\n", vec![("UID FETCH 5", HANG_UP_ONCE.into())]).await;
    let source = server(peer.address, Security::Tls, &peer.authority);
    let report = here.import(&source, Choice::default()).await.unwrap();
    assert_eq!((report.folders[0].imported, report.verdict), (1, migrate::Verdict::Complete), "{report:?}");
    let signed_in = peer.heard().iter().filter(|line| line.contains("AUTHENTICATE")).count();
    assert_eq!(signed_in, 3, "for the list, for the mailbox, and for it again");
}

#[tokio::test]
async fn a_server_without_plain_is_told_a_quoted_password_and_one_without_login_none() {
    let here = Here::new("login").await;
    let capability = |words: &str| vec![("CAPABILITY", format!("* CAPABILITY IMAP4rev1{words}\r\n$ OK\r\n"))];
    let peer = Peer::start(Port::Tls, "* OK\r\n", capability("")).await;
    here.import(&server(peer.address, Security::Tls, &peer.authority), Choice::default()).await.unwrap();
    assert!(peer.heard().contains(&format!("g2 LOGIN \"robin\" \"{PASSWORD}\"")), "{:?}", peer.heard());
    let peer = Peer::start(Port::Tls, "* OK\r\n", capability(" LOGINDISABLED")).await;
    let source = server(peer.address, Security::Tls, &peer.authority);
    let said = here.import(&source, Choice::default()).await.unwrap_err().to_string();
    assert_eq!(said, "the server lets nobody sign in with a password");
}

#[tokio::test]
async fn what_is_above_the_quota_is_skipped_and_told() {
    let here = Here::new("quota").await;
    let change = |before| Allowances { messages: Allowance::AtMost(2), ..before };
    here.account.allow(&Origin::desk(), change).await.unwrap();
    let row = |n: u32, uid: u32| format!("* {n} FETCH (UID {uid} FLAGS () RFC822.SIZE 3)\r\n");
    let body = |n: u32, uid: u32| format!("* {n} FETCH (UID {uid} BODY[] {{3}}\r\n{uid}\r\n)\r\n");
    let all = |one: &dyn Fn(u32, u32) -> String| (1..=3).map(|n| one(n, n + 4)).collect::<String>();
    let report = import(&here, fetched(&all(&row), &all(&body)), Choice::default()).await;
    let folder = &report.folders[0];
    assert_eq!((folder.imported, folder.skipped), (2, 1), "{folder:?}");
    assert_eq!(folder.skipped_messages[0].what, "UID 7");
    assert_eq!(report.verdict, migrate::Verdict::SomeSkipped);
    // A mailbox that cannot be made is no reason to leave the others out.
    let change =
        |before| Allowances { mailboxes: Allowance::AtMost(6), messages: Allowance::Usual, ..before };
    here.account.allow(&Origin::desk(), change).await.unwrap();
    let list = "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Archive\r\n* LIST () \"/\" B\r\n$ OK\r\n";
    let report = import(&here, vec![("LIST", list.into())], Choice::default()).await;
    let failed: Vec<_> = report.folders.iter().map(|folder| folder.failed.is_some()).collect();
    assert_eq!(failed, [false, true, false], "{report:?}");
    assert_eq!(report.verdict, migrate::Verdict::Incomplete);
}

/// A source whose name does not tell its port.
pub(crate) struct Stays(pub(crate) migrate::imap::Server);

impl migrate::Source for Stays {
    type Reader = <migrate::imap::Server as migrate::Source>::Reader;

    fn identity(&self) -> String {
        "imap robin@localhost".into()
    }

    async fn folders(&self) -> Result<migrate::Folders, migrate::Trouble> {
        self.0.folders().await
    }

    async fn reader(&self) -> Result<Self::Reader, migrate::Trouble> {
        self.0.reader().await
    }
}
