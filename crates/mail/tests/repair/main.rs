//! What has rotted of an account is mended as far as it can be known what it was, and stays mended over an index that is
//! made again from the log in which the rot still is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod directory;
mod names;

use mail::{Origin, Pace, Repaired, Transfer};
use mailbox::SystemFlags;
use mailbox::account::MailboxId;
use std::time::Duration;
use store::{BodyId, EmailId, Store, StreamId};
use support::id;
use support::rotten::{
    BODY, EVENT, HEAD, Home, Index, PIECE, RECORD, Rotten, event_key, flagged, go_on, open, three, uids,
};
use terms::{Uid, UidSet};

#[tokio::test]
async fn a_message_whose_arrival_is_lost_is_found_again_by_its_record() {
    for (rotten, index) in [(Rotten::Header, Index::Lost), (Rotten::Payload, Index::Kept)] {
        let home = three().await;
        go_on(&home).await;
        let before = home.state().await;
        home.rot_event(3, rotten);
        let home = home.again(index).await;
        assert!(home.ann.open(home.inbox).await.is_err());
        let home = home.mend(&["1 events are lost", "its record was found"]).await;
        let state = home.state().await;
        let next = before.uid_next().get() + mail::SKIPPED_UIDS;
        assert_eq!(uids(&state), [1, 2, 3, next]);
        assert_eq!(flagged(&state), [2], "what is known of its flags is known from what came later");
        assert!(state.uid_validity() > before.uid_validity());
    }
}

#[tokio::test]
async fn a_change_of_flags_that_is_lost_leaves_them_as_they_were_and_clients_are_told_all_anew() {
    let home = three().await;
    go_on(&home).await;
    let before = home.state().await;
    home.rot_event(5, Rotten::Header);
    let home = home.again(Index::Lost).await.mend(&["1 events are lost"]).await;
    let state = home.state().await;
    assert_eq!(flagged(&state), [0; 0]);
    assert_eq!(state.uid_validity(), before.uid_validity());
    assert!(state.uid_next().get() > before.uid_next().get() + mail::SKIPPED_UIDS);
    let passed_over = before.last_modseq().plus(mail::SKIPPED_MODSEQS).unwrap();
    assert!(state.last_modseq() > passed_over);
}

#[tokio::test]
async fn the_beginning_of_a_mailbox_may_be_lost_too() {
    let home = three().await;
    go_on(&home).await;
    let before = home.state().await;
    home.rot_event(1, Rotten::Header);
    home.rot_event(2, Rotten::Header);
    let home = home.again(Index::Lost).await.mend(&["2 events are lost", "its record was found"]).await;
    let state = home.state().await;
    assert_eq!(&uids(&state)[..3], [1, 2, 3]);
    assert_eq!(flagged(&state), [2]);
    assert!(state.uid_validity() > before.uid_validity());
}

#[tokio::test]
async fn a_message_that_was_expunged_later_does_not_come_back() {
    let home = three().await;
    home.expunge(Uid::new(1).unwrap()).await;
    go_on(&home).await;
    home.rot_event(2, Rotten::Header);
    let home = home.again(Index::Lost).await.mend(&["1 events are lost"]).await;
    assert_eq!(&uids(&*home.state().await)[..2], [2, 3]);
}

#[tokio::test]
async fn a_snapshot_behind_what_is_lost_holds_everything_and_no_client_notices() {
    for (rotten, index) in [(Rotten::Header, Index::Lost), (Rotten::Payload, Index::Kept)] {
        let home = three().await;
        home.put_snapshot().await;
        home.flag(Uid::new(3).unwrap(), SystemFlags::FLAGGED).await;
        go_on(&home).await;
        let before = home.state().await;
        home.rot_event(3, rotten);
        let home = home.again(index).await.mend(&["it goes on from a snapshot behind them"]).await;
        let state = home.state().await;
        assert_eq!((uids(&state), flagged(&state)), (vec![1, 2, 3, 4], vec![2, 3]));
        assert_eq!(state.uid_validity(), before.uid_validity());
        assert_eq!(state.last_modseq(), before.last_modseq().plus(1).unwrap());
    }
}

#[tokio::test]
async fn what_the_running_server_knows_is_not_lost() {
    let home = three().await;
    let before = home.state().await;
    home.rot_event(3, Rotten::Payload);
    let home = home.mend(&["the server knew what they had come to"]).await;
    let state = home.state().await;
    assert_eq!((uids(&state), flagged(&state)), (vec![1, 2, 3, 4], vec![2]));
    assert_eq!(state.uid_validity(), before.uid_validity());
}

#[tokio::test]
async fn a_snapshot_that_has_rotted_is_made_again_from_what_is_before_it() {
    let home = three().await;
    let first = home.put_snapshot().await;
    home.flag(Uid::new(3).unwrap(), SystemFlags::FLAGGED).await;
    let second = home.put_snapshot().await;
    go_on(&home).await;
    for at in [first, second] {
        let key = [&home.inbox.get().to_le_bytes()[..], &at.0.to_le_bytes()].concat();
        home.rot(PIECE, &key, Rotten::Payload);
    }
    let made_again = "was made again";
    let home = home.again(Index::Kept).await.mend(&[made_again, made_again]).await;
    assert_eq!(flagged(&*home.state().await), [2, 3]);
}

#[tokio::test]
async fn a_record_that_has_rotted_is_made_again_from_its_octets() {
    let home = three().await;
    go_on(&home).await;
    let two = Uid::new(2).unwrap();
    let email = EmailId { mailbox: home.inbox.get(), uid: 2 };
    let range = store::EmailRange { first: email, last: email };
    let before = home.ann.records(&[range]).await.unwrap();
    home.rot_record(two);
    assert!(home.ann.records(&[range]).await.is_err());
    let home = home.mend(&["its record was made again from its octets"]).await;
    assert_eq!(home.ann.records(&[range]).await.unwrap(), before);
}

#[tokio::test]
async fn octets_that_have_rotted_stay_as_damaged_as_they_are_and_the_message_stays_named() {
    let home = three().await;
    go_on(&home).await;
    let text = format!("Subject: two\r\n\r\ntwo {}\r\n", "all the best ".repeat(9));
    let body = BodyId::of(text.as_bytes());
    home.rot(BODY, &body.0, Rotten::Payload);
    for _ in 0..2 {
        assert_eq!(home.repair().await, Repaired::default());
        assert_eq!(home.found().await, ["Some(2): its octets cannot be read"]);
        assert_eq!(uids(&*home.state().await), [1, 2, 3]);
        assert!(home.ann.body(body.0, 0, 99).await.is_err());
    }
}

#[tokio::test]
async fn a_summary_that_is_wrong_is_counted_anew_and_no_number_that_it_told_is_given() {
    let home = three().await;
    let state = home.state().await;
    let told = mailbox::Head { messages: 77, uid_next: Uid::new(500).unwrap(), ..state.head() };
    let event = mailbox::skip_to(&state, Uid::new(5).unwrap()).unwrap();
    home.put_event(&event, told).await;
    let home = home.again(Index::Kept).await;
    assert!(home.found().await.join("; ").contains("its summary says 77 messages, and 3 are counted"));
    let home = home.mend(&["its summary was counted anew"]).await;
    assert_eq!(uids(&*home.state().await), [1, 2, 3, 500]);
}

#[tokio::test]
async fn a_message_that_was_moved_by_an_event_that_is_lost_can_be_undeleted_where_it_came_from() {
    let home = three().await;
    let (archive, one) = (id(&home.ann, "Archive").await, Uid::new(1).unwrap());
    let (origin, from) = (Origin::desk(), (home.inbox, &UidSet::one(one)));
    home.ann.transfer(&origin, Transfer::Move, home.ann.id(), from, archive).await.unwrap();
    go_on(&home).await;
    home.rot(EVENT, &event_key(archive.get(), 2), Rotten::Header);
    let home = home.again(Index::Lost).await.mend(&["1 events are lost"]).await;
    let archive = home.ann.open(archive).await.unwrap().newest();
    assert_eq!(uids(archive.state()), [0; 0]);
    let undone = home.ann.undelete_messages(&origin, home.inbox, 0).await.unwrap();
    assert_eq!(undone.messages, 1);
    assert_eq!(home.state().await.messages(), 4);
}

#[tokio::test]
async fn nothing_is_swept_of_an_account_where_a_summary_is_lost() {
    for lost in [MailboxId::FIRST.get(), 0] {
        let home = three().await;
        go_on(&home).await;
        let stream = StreamId { number: lost, ..home.stream() };
        let (last, _) = home.store.heads(&[stream]).await.unwrap().remove(0).unwrap();
        // Each change has a summary of its own, some of which hold for several events.
        for seq in 1..=last.0 {
            let key = event_key(lost, seq);
            if home.has(HEAD, &key) {
                home.rot(HEAD, &key, Rotten::Header);
            }
        }
        let home = home.again(Index::Lost).await;
        assert!(home.store.heads(&[stream]).await.unwrap()[0].is_none(), "stream {lost}");
        let report = home.accounts.sweep(Duration::ZERO, Pace::Trusting).await.unwrap();
        assert_eq!(
            (report.left.len(), report.swept.records, report.swept.bodies),
            (1, 0, 0),
            "stream {lost}"
        );
        home.repair().await;
        assert_eq!(home.state().await.messages(), 3);
        let report = home.accounts.sweep(Duration::ZERO, Pace::Trusting).await.unwrap();
        assert_eq!((report.left.len(), report.swept.records), (0, 0), "stream {lost}");
    }
}

#[tokio::test]
async fn the_octets_of_a_message_whose_record_is_lost_are_not_swept() {
    let home = three().await;
    go_on(&home).await;
    let two = Uid::new(2).unwrap();
    let key = [home.inbox.get().to_le_bytes(), two.get().to_le_bytes()].concat();
    home.rot(RECORD, &key, Rotten::Header);
    let home = home.again(Index::Lost).await;
    let bodies = home.store.list_bodies(home.ann.id(), None, 99).await.unwrap();
    let report = home.accounts.sweep(Duration::ZERO, Pace::Trusting).await.unwrap();
    assert!(report.left[0].why.contains("1 messages have no record"), "{report:?}");
    assert_eq!(home.store.list_bodies(home.ann.id(), None, 99).await.unwrap(), bodies);
}
