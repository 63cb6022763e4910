//! A mailbox of whose stream an event is lost, while a server runs: where nothing is lost by it, it is mended and nobody
//! notices; else what is before the hole is shown, nothing is changed, and nothing goes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use mail::{Closed, Error, Mailbox, Origin, Pace, Purge, Swept, Transfer};
use mailbox::{Event, Head, MailboxState, SystemFlags};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{EmailId, EmailRange, Salvage, Seq, Store};
use store_local::disk::Disk;
use store_local::{Extent, LocalStore, Options, Recovered};
use support::local::pumping;
use support::rotten::{HEAD, Home, Index, Minder, PIECE, Rotten, event_key, flagged, go_on, three, uids};
use support::{accounts, append, id};
use terms::{MailboxName, Uid, UidSet};
use testkit::disk::{Failing, FaultyDisk};

/// All that a client can be told of a mailbox.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    head: Head,
    uids: Vec<u32>,
    flagged: Vec<u32>,
    modseqs: Vec<u64>,
}

fn seen(state: &MailboxState) -> Seen {
    let all = state.uids(Uid::MIN);
    let modseqs = state.reader(state.owner()).rows(&all).map(|row| row.modseq.get()).collect();
    Seen { head: state.head(), uids: uids(state), flagged: flagged(state), modseqs }
}

async fn opened(home: &Home) -> Arc<Mailbox> {
    home.ann.open_to_read(home.inbox).await.unwrap()
}

async fn seen_by_a_client(home: &Home) -> Seen {
    seen(opened(home).await.newest().state())
}

/// Clients see what they saw `before`, what was done was told once, and the mailbox can be written from now on, also by an
/// index that is made again from the log in which the rot is still.
async fn nobody_notices(home: Home, minder: &Minder, before: &Seen, told: &str) {
    assert_eq!(&seen_by_a_client(&home).await, before);
    assert_eq!(&seen_by_a_client(&home).await, before);
    let heard = minder.heard();
    assert!(heard.len() == 1 && heard[0].contains(told) && heard[0].starts_with("INBOX: "), "{heard:?}");
    let uid = home.append("after all").await;
    assert_eq!(uid, before.head.uid_next);
    let after = seen_by_a_client(&home).await;
    let (home, minder) = home.again(Index::Lost).await.minded().await;
    assert_eq!(seen_by_a_client(&home).await, after);
    assert_eq!(minder.heard(), [""; 0]);
    assert_eq!(home.found().await, [""; 0]);
}

#[tokio::test]
async fn a_mailbox_goes_on_from_a_whole_snapshot_behind_the_hole_when_it_is_opened() {
    let home = three().await;
    home.put_snapshot().await;
    home.flag(Uid::new(3).unwrap(), SystemFlags::FLAGGED).await;
    go_on(&home).await;
    let before = seen(&*home.state().await);
    home.rot_event(3, Rotten::Header);
    let (home, minder) = home.again(Index::Lost).await.minded().await;
    nobody_notices(home, &minder, &before, "it goes on from a snapshot behind them").await;
}

#[tokio::test]
async fn a_mailbox_is_mended_in_the_midst_of_a_change_too() {
    let home = three().await;
    home.put_snapshot().await;
    go_on(&home).await;
    home.rot_event(3, Rotten::Header);
    let (home, minder) = home.again(Index::Lost).await.minded().await;
    assert_eq!(home.append("four").await.get(), 4);
    assert_eq!(minder.heard().len(), 1);
    assert_eq!(seen_by_a_client(&home).await.uids, [1, 2, 3, 4]);
}

#[tokio::test]
async fn what_an_open_mailbox_had_come_to_is_put_when_a_scrub_finds_a_hole_in_it() {
    for rotten in [Rotten::Header, Rotten::Payload] {
        let (home, minder) = three().await.minded().await;
        go_on(&home).await;
        let open = opened(&home).await;
        let changes = open.changes();
        let before = seen(open.newest().state());
        home.rot_event(3, rotten);
        home.ann.mend_if_hurt(home.inbox).await.unwrap();
        assert!(!changes.has_changed().unwrap(), "nobody who looks at it is woken");
        nobody_notices(home, &minder, &before, "the server knew what they had come to").await;
    }
}

#[tokio::test]
async fn what_the_server_knows_is_enough_where_the_last_events_are_not_shown_yet() {
    let (home, minder) = three().await.minded().await;
    go_on(&home).await;
    let open = opened(&home).await;
    let store: Arc<dyn Store> = Arc::<LocalStore>::clone(&home.store);
    let elsewhere = accounts(&store).await.account(home.ann.id());
    append(&elsewhere, home.inbox, "Subject: not shown here\r\n\r\n").await.unwrap();
    let before = seen(elsewhere.open(home.inbox).await.unwrap().newest().state());
    assert_ne!(seen(open.newest().state()), before, "it is not shown here yet");
    home.rot_event(3, Rotten::Payload);
    home.ann.mend_if_hurt(home.inbox).await.unwrap();
    nobody_notices(home, &minder, &before, "the server knew what they had come to").await;
}

#[tokio::test]
async fn what_cannot_be_folded_although_every_event_is_there_is_shown_in_part_too() {
    let home = three().await;
    let state = home.state().await;
    let absent = Event::Expunged { uids: UidSet::range(Uid::new(77).unwrap(), Uid::new(77).unwrap()) };
    home.put_event(&absent, state.head()).await;
    let (home, minder) = home.again(Index::Kept).await.minded().await;
    for _ in 0..2 {
        assert_eq!(uids(opened(&home).await.newest().state()), uids(&state));
        assert!(matches!(home.ann.open(home.inbox).await, Err(Error::InPart(_))));
    }
    assert_eq!(minder.heard(), ["mailbox 1 is in part"], "it is told once");
}

#[tokio::test]
async fn a_mailbox_that_can_be_opened_keeps_its_past_whatever_is_missing_of_it() {
    let home = three().await;
    home.put_snapshot().await;
    go_on(&home).await;
    home.rot_event(3, Rotten::Payload);
    let (home, minder) = home.again(Index::Kept).await.minded().await;
    home.ann.mend_if_hurt(home.inbox).await.unwrap();
    assert_eq!(seen_by_a_client(&home).await.uids, [1, 2, 3]);
    home.append("four").await;
    assert_eq!(minder.heard(), [""; 0]);
    let first = home.store.read(home.stream(), Seq::NONE, 1).await.unwrap();
    assert_eq!(first[0].seq, Seq(1));
}

#[tokio::test]
async fn a_summary_that_is_lost_is_counted_anew_when_the_mailbox_is_opened_or_asked_for() {
    for asked in ["SELECT", "STATUS", "APPEND"] {
        let home = three().await;
        go_on(&home).await;
        let before = seen(&*home.state().await);
        for seq in 1..=5 {
            let key = event_key(home.inbox.get(), seq);
            if home.has(HEAD, &key) {
                home.rot(HEAD, &key, Rotten::Header);
            }
        }
        let (home, minder) = home.again(Index::Lost).await.minded().await;
        match asked {
            "STATUS" => assert_eq!(home.ann.heads(&[home.inbox]).await.unwrap(), [Some(before.head)]),
            "APPEND" => {
                home.append("four").await;
                assert_eq!(minder.heard().len(), 1);
                continue;
            }
            _ => {}
        }
        nobody_notices(home, &minder, &before, "its summary was lost").await;
    }
}

#[tokio::test]
async fn a_snapshot_that_has_rotted_is_made_again_when_the_mailbox_is_opened() {
    let home = three().await;
    let at = home.put_snapshot().await;
    go_on(&home).await;
    let before = seen(&*home.state().await);
    let key = [&home.inbox.get().to_le_bytes()[..], &at.0.to_le_bytes()].concat();
    home.rot(PIECE, &key, Rotten::Payload);
    let (home, minder) = home.again(Index::Kept).await.minded().await;
    nobody_notices(home, &minder, &before, "was made again").await;
}

#[tokio::test]
async fn a_write_that_finds_its_mailbox_kept_read_only_goes_through_where_the_server_knows_what_was_lost() {
    let disk = FaultyDisk::new(1);
    let (store, mut pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &Options::default()).unwrap();
    let store = Arc::new(store);
    let plain: Arc<dyn Store> = store.clone();
    pumping(&mut pump, support::ann(&plain)).await;
    let (home, minder) = pumping(&mut pump, async { Home::at(disk, store).await.minded().await }).await;
    for subject in ["one", "two", "three"] {
        pumping(&mut pump, home.append(subject)).await;
    }
    let open = opened(&home).await;
    let changes = open.changes();
    home.rot_event(3, Rotten::Header);
    home.disk.fail(Failing::Sync, "log", 0);
    let text = "Subject: four\r\n\r\n";
    let refused = pumping(&mut pump, append(&home.ann, home.inbox, text)).await;
    assert!(matches!(refused, Err(Error::Unavailable(_) | Error::Uncertain(_))), "{refused:?}");
    assert_eq!(pump.try_to_recover(), Recovered::Yes);
    assert!(home.store.read(home.stream(), Seq(4), 9).await.is_err(), "it is kept read-only");
    let placed = pumping(&mut pump, append(&home.ann, home.inbox, text)).await.unwrap();
    assert_eq!((placed.uid.get(), minder.heard().len()), (4, 1));
    assert!(minder.heard()[0].contains("the server knew what they had come to"));
    assert!(!changes.borrow().is_closed());
    assert_eq!(uids(open.newest().state()), [1, 2, 3, 4]);
}

#[tokio::test]
async fn whoever_mends_takes_turns_with_whoever_sweeps_and_nobody_waits_for_ever() {
    let home = three().await;
    home.put_snapshot().await;
    go_on(&home).await;
    home.rot_event(3, Rotten::Header);
    let (home, minder) = home.again(Index::Lost).await.minded().await;
    let purge = Purge::default();
    let (opened, _, appended, scrubbed) = tokio::join!(
        home.ann.open_to_read(home.inbox),
        home.accounts.purge("ann@example.org", &purge),
        append(&home.ann, home.inbox, "Subject: four\r\n\r\n"),
        home.ann.mend_if_hurt(home.inbox),
    );
    assert!(opened.is_ok() && scrubbed.is_ok(), "{opened:?} {scrubbed:?}");
    // Whoever changes something waits for nobody's turn, and is told to try again.
    if let Err(why) = appended {
        assert!(matches!(why, Error::Unavailable(_)), "{why:?}");
        home.append("four").await;
    }
    assert_eq!(minder.heard().len(), 1, "{:?}", minder.heard());
    assert_eq!(seen_by_a_client(&home).await.uids, [1, 2, 3, 4]);
}

#[tokio::test]
async fn where_nobody_minds_the_store_nothing_is_mended_and_nothing_is_shown() {
    let home = three().await;
    home.put_snapshot().await;
    go_on(&home).await;
    home.rot_event(3, Rotten::Header);
    let home = home.again(Index::Lost).await;
    assert!(matches!(home.ann.open_to_read(home.inbox).await, Err(Error::Damaged(_))));
    assert!(home.disk.open(Path::new("index.redb")).is_ok());
    assert!(accounts(&(home.store.clone() as Arc<dyn Store>)).await.named("ann@example.org").is_ok());
}

/// Seven events, of which the fourth is lost: created, `one`, `two`, `three`, `two` is flagged, `one` is expunged.
async fn with_a_hole(rotten: Rotten) -> (Home, Arc<Minder>, Seen) {
    let home = three().await;
    home.expunge(Uid::new(1).unwrap()).await;
    go_on(&home).await;
    let before = seen(&*home.state().await);
    home.rot_event(4, rotten);
    let index = match rotten {
        Rotten::Header => Index::Lost,
        Rotten::Payload => Index::Kept,
    };
    let (home, minder) = home.again(index).await.minded().await;
    (home, minder, before)
}

#[tokio::test]
async fn what_is_before_a_hole_is_shown_with_the_numbers_that_the_whole_had() {
    for rotten in [Rotten::Header, Rotten::Payload] {
        let (home, minder, before) = with_a_hole(rotten).await;
        for _ in 0..3 {
            let newest = opened(&home).await.newest();
            let state = newest.state();
            assert_eq!((uids(state), flagged(state)), (vec![1, 2], vec![0; 0]));
            let part = state.part().unwrap();
            let told = (part.uid_next, part.highest_modseq, state.uid_validity());
            let known = (before.head.uid_next, before.head.highest_modseq, before.head.uid_validity);
            assert_eq!(told, known);
            assert_eq!(home.ann.heads(&[home.inbox]).await.unwrap(), [Some(before.head)]);
        }
        assert!(
            matches!(home.ann.open(home.inbox).await, Err(Error::InPart(_))),
            "for whoever needs all of it"
        );
        assert_eq!(minder.heard(), ["mailbox 1 is in part"], "it is told once");
    }
}

#[tokio::test]
async fn nothing_is_changed_in_a_part_and_messages_can_be_copied_out_of_it() {
    for rotten in [Rotten::Header, Rotten::Payload] {
        let (home, _, _) = with_a_hole(rotten).await;
        opened(&home).await;
        let (drafts, one) = (id(&home.ann, "Drafts").await, UidSet::one(Uid::new(1).unwrap()));
        let (ann, origin, inbox) = (&home.ann, &Origin::desk(), home.inbox);
        let transfer = |what, from, to| ann.transfer(origin, what, ann.id(), (from, &one), to);
        let copied = transfer(Transfer::Copy, inbox, drafts).await.unwrap();
        assert_eq!((copied.source.len(), copied.target.len()), (1, 1));
        let email = EmailId { mailbox: inbox.get(), uid: 1 };
        let records = ann.records(&[EmailRange { first: email, last: email }]).await.unwrap();
        let body = message::body_of(&records[0].1).unwrap();
        assert!(ann.body(body, 0, 1 << 20).await.unwrap().is_some(), "it can be read");

        let refused = [
            append(ann, inbox, "Subject: x\r\n\r\n").await.map(drop),
            transfer(Transfer::Copy, drafts, inbox).await.map(drop),
            transfer(Transfer::Move, inbox, drafts).await.map(drop),
            transfer(Transfer::Move, drafts, inbox).await.map(drop),
            home.try_to_flag(Uid::new(2).unwrap(), SystemFlags::SEEN).await,
            ann.undelete_messages(origin, inbox, 0).await.map(drop),
        ];
        for (nth, refused) in refused.into_iter().enumerate() {
            assert!(matches!(refused, Err(Error::InPart(_) | Error::Damaged(_))), "{nth}: {refused:?}");
        }
        let placed = append(ann, drafts, "Subject: others are as ever\r\n\r\n").await.unwrap();
        assert_eq!(placed.uid.get(), 3);
        assert_eq!(opened(&home).await.newest().state().seq(), 3);
    }
}

#[tokio::test]
async fn nothing_of_a_mailbox_with_a_hole_is_thrown_away_and_no_snapshot_is_made_of_a_part() {
    for rotten in [Rotten::Header, Rotten::Payload] {
        let (home, _, _) = with_a_hole(rotten).await;
        opened(&home).await;
        let all = async |home: &Home| {
            let account = home.ann.id();
            let range =
                EmailRange { first: EmailId { mailbox: 0, uid: 0 }, last: EmailId { mailbox: 99, uid: 99 } };
            (
                home.store.remains(home.stream(), Seq::NONE, 99).await.unwrap(),
                home.store.trimmed(home.stream()).await.unwrap(),
                home.store.snapshot_places(home.stream()).await.unwrap(),
                home.store.recorded(account, range, 99).await.unwrap(),
                home.store.list_bodies(account, None, 99).await.unwrap(),
                home.store.heads(&[home.stream()]).await.unwrap(),
            )
        };
        let before = all(&home).await;
        let report = home.accounts.sweep(Duration::ZERO, Pace::Trusting).await.unwrap();
        assert_eq!((report.left.len(), report.swept), (1, Swept::default()));
        for purge in [Purge::default(), Purge { mailbox: MailboxName::new("INBOX").ok(), before_ms: None }] {
            home.accounts.purge("ann@example.org", &purge).await.unwrap_err();
        }
        home.store.compact(Extent::Everything).unwrap();
        assert_eq!(all(&home).await, before);
        // It is all there for a repair, also by an index that is made again.
        let home = home.again(Index::Lost).await;
        home.repair().await;
        assert_eq!(uids(&*home.state().await)[..2], [2, 3][..]);
    }
}

#[tokio::test]
async fn who_looks_at_a_part_is_told_when_it_is_mended_and_finds_all_of_it() {
    for rotten in [Rotten::Header, Rotten::Payload] {
        let (home, _, before) = with_a_hole(rotten).await;
        let part = opened(&home).await;
        let repaired = home.repair().await;
        assert!(repaired.left.is_empty() && !repaired.mended.is_empty(), "{repaired:?}");
        assert_eq!(part.newest().closed(), Some(Closed::Mended));
        let newest = opened(&home).await.newest();
        let state = newest.state();
        assert!(state.part().is_none());
        assert!(state.uid_next() > before.head.uid_next);
        assert!(state.last_modseq() > before.head.highest_modseq);
        assert_eq!(home.append("after all").await, state.uid_next());
    }
}

#[tokio::test]
async fn what_can_be_read_again_is_whole_again_by_itself() {
    let (home, _, before) = with_a_hole(Rotten::Payload).await;
    let part = opened(&home).await;
    // The same bit: a cable that was loose.
    home.rot_event(4, Rotten::Payload);
    assert_eq!(seen_by_a_client(&home).await, before);
    assert_eq!(part.newest().closed(), Some(Closed::Mended));
    assert_eq!(home.append("after all").await, before.head.uid_next);
}

#[tokio::test]
async fn a_mailbox_of_which_nothing_before_the_hole_is_left_is_not_opened() {
    let home = three().await;
    go_on(&home).await;
    home.rot_event(1, Rotten::Header);
    let (home, minder) = home.again(Index::Lost).await.minded().await;
    for _ in 0..2 {
        let why = home.ann.open_to_read(home.inbox).await.unwrap_err().to_string();
        assert!(why.contains("nothing before that can be read"), "{why}");
    }
    assert_eq!(minder.heard().len(), 1);
    append(&home.ann, id(&home.ann, "Drafts").await, "Subject: x\r\n\r\n").await.unwrap();
    home.mend(&["1 events are lost"]).await;
}
