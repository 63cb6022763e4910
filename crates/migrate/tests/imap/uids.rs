//! UIDVALIDITY and UIDs come along where they can, and the report says where they cannot.

use crate::here::{Here, server};
use crate::peer::{Answers, Peer, Port};
use mail::Origin;
use mailbox::account::Subscription;
use migrate::imap::Security;
use migrate::{Choice, Report, Uids, Verdict};
use terms::MailboxName;

async fn import(here: &Here, answers: Answers) -> Report {
    let peer = Peer::start(Port::Tls, "* OK\r\n", answers).await;
    here.import(&server(peer.address, Security::Tls, &peer.authority), Choice::default()).await.unwrap()
}

/// A mailbox with these UIDs, whose bodies come in the opposite order; `end` is said behind them.
fn numbered(numbers: &str, uids: &[u32], end: &str) -> Answers {
    let row = |uid: &u32| format!("* 1 FETCH (UID {uid} FLAGS () RFC822.SIZE 4)\r\n");
    let body = |uid: &u32| format!("* 1 FETCH (UID {uid} BODY[] {{4}}\r\n{uid:4})\r\n");
    let rows: String = uids.iter().map(row).collect();
    let bodies: String = uids.iter().rev().map(body).collect();
    vec![
        ("EXAMINE", format!("* {} EXISTS\r\n{numbers}$ OK\r\n", uids.len())),
        ("UID FETCH 1:*", format!("{rows}$ OK\r\n")),
        ("UID FETCH", format!("{bodies}{end}")),
    ]
}

const NINE: &str = "* OK [UIDVALIDITY 9]\r\n* OK [UIDNEXT 20] x\r\n";

/// UIDVALIDITY, UIDNEXT and UIDs of a mailbox.
async fn numbers(here: &Here, mailbox: &str) -> (u32, u32, Vec<u32>) {
    let id = here.account.names().await.unwrap().mailbox(&MailboxName::new(mailbox).unwrap()).unwrap().id;
    let state = here.account.open(id).await.unwrap().newest().state().clone();
    let uids = state.uids(terms::Uid::MIN).iter().map(terms::Uid::get).collect();
    (state.uid_validity().get(), state.uid_next().get(), uids)
}

#[tokio::test]
async fn an_import_that_was_cut_off_goes_on_with_the_same_uids_and_so_does_what_is_new() {
    let here = Here::new("uids").await;
    // 5 and 9 come; before 12 the server goes, as often as it is asked.
    let mut answers = numbered(NINE, &[5, 9, 12], "");
    answers.insert(2, ("UID FETCH 12 ", "* BYE\r\n".into()));
    answers[3].1 = numbered(NINE, &[5, 9], "* BYE\r\n")[2].1.clone();
    let report = import(&here, answers).await;
    assert_eq!(report.verdict, Verdict::Incomplete, "{report:?}");
    assert_eq!(numbers(&here, "INBOX").await, (9, 10, vec![5, 9]));

    let report = import(&here, numbered(NINE, &[5, 9, 12], "$ OK\r\n")).await;
    let folder = &report.folders[0];
    assert_eq!((folder.imported, folder.already_here, folder.other_uids), (1, 2, 0), "{report:?}");
    assert_eq!(folder.uids, Uids::Kept);
    assert_eq!(numbers(&here, "INBOX").await, (9, 20, vec![5, 9, 12]), "UIDs below 20 were given there");

    let later = "* OK [UIDVALIDITY 9]\r\n* OK [UIDNEXT 31] x\r\n";
    import(&here, numbered(later, &[5, 9, 12, 23, 30], "$ OK\r\n")).await;
    assert_eq!(numbers(&here, "INBOX").await, (9, 31, vec![5, 9, 12, 23, 30]));

    // One comes too late for its UID, and the report says so, also the next time.
    for imported in [1, 0] {
        let report = import(&here, numbered(later, &[5, 9, 12, 14, 23, 30], "$ OK\r\n")).await;
        let folder = &report.folders[0];
        assert_eq!((folder.imported, folder.other_uids, &folder.uids), (imported, 1, &Uids::Kept));
    }
    assert_eq!(numbers(&here, "INBOX").await, (9, 32, vec![5, 9, 12, 23, 30, 31]));
}

#[tokio::test]
async fn a_uidvalidity_is_one_mailboxes_and_a_mailbox_with_a_history_keeps_its_own() {
    let here = Here::new("uids-shared").await;
    let (origin, uses) = (Origin::desk(), [].into_iter().collect());
    let name = MailboxName::new("used").unwrap();
    here.account.settle_mailbox(&origin, &name, uses, Subscription::Not, None).await.unwrap();
    let id = here.account.names().await.unwrap().mailbox(&name).unwrap().id;
    here.account.skip_to(&origin, id, terms::Uid::new(2).unwrap()).await.unwrap();
    let own = numbers(&here, "used").await.0;

    let mut answers = numbered(NINE, &[5], "$ OK\r\n");
    let row = |name: &str| format!("* LIST () \"/\" {name}\r\n");
    answers.push(("LIST", ["a", "b", "used"].map(row).concat() + "$ OK\r\n"));
    let report = import(&here, answers).await;
    assert_eq!(report.verdict, Verdict::Complete, "{report:?}");
    let kept = report.folders.iter().filter(|folder| folder.uids == Uids::Kept).count();
    assert_eq!(kept, 1, "{report:?}");
    let told = |mailbox: &str| report.folders.iter().find(|folder| folder.mailbox == mailbox).unwrap();
    assert!(
        matches!(&told("used").uids, Uids::New(why) if why.contains("messages under another UIDVALIDITY"))
    );
    assert_eq!(numbers(&here, "used").await, (own, 3, vec![2]));
    let other = ["a", "b"].into_iter().find(|name| told(name).uids != Uids::Kept).unwrap();
    assert!(matches!(&told(other).uids, Uids::New(why) if why.contains("another one has, or may have had")));
    assert_eq!(numbers(&here, other).await.2, [1]);
}

/// Nothing that a server says uses our numbers up.
#[tokio::test]
async fn the_highest_numbers_of_all_leave_room_for_others() {
    let here = Here::new("uids-high").await;
    let highest = "* OK [UIDVALIDITY 4294967295]\r\n* OK [UIDNEXT 7] x\r\n";
    import(&here, numbered(highest, &[5, u32::MAX - 1], "$ OK\r\n")).await;
    assert_eq!(numbers(&here, "INBOX").await, (u32::MAX, 7, vec![5, 6]));
    let name = MailboxName::new("more").unwrap();
    here.account.create_mailbox(&Origin::desk(), &name, [].into_iter().collect()).await.unwrap();
    assert!(numbers(&here, "more").await.0 < u32::MAX);

    let here = Here::new("uids-spent").await;
    let spent = "* OK [UIDVALIDITY 9]\r\n* OK [UIDNEXT 4294967295] x\r\n";
    let report = import(&here, numbered(spent, &[5], "$ OK\r\n")).await;
    assert!(matches!(&report.folders[0].uids, Uids::New(why) if why.contains("too little room")));
    assert_eq!(numbers(&here, "INBOX").await.2, [1]);
}
