//! Names of which events are lost.

use super::{HEAD, Home, Index, Rotten, event_key, three, uids};
use crate::support::{self, append, id, rename};
use mail::{Account, Error, Origin, Part, Purge, Repaired};
use mailbox::account::SpecialUses;
use store::{Seq, Store, StreamId};
use terms::MailboxName;

/// Events of the account: five mailboxes and INBOX are founded, one mailbox is deleted, one renamed.
async fn named() -> Home {
    let home = three().await;
    let name = |text: &str| MailboxName::new(text).unwrap();
    support::delete(&home.ann, &name("Drafts")).await.unwrap();
    rename(&home.ann, &name("Archive"), &name("Old/Archive")).await;
    let junk = id(&home.ann, "Junk").await;
    append(&home.ann, junk, "Subject: x\r\n\r\n").await.unwrap();
    home
}

#[tokio::test]
async fn names_of_which_an_event_is_lost_are_those_that_are_left_and_a_mailbox_without_a_name_gets_one() {
    for (rotten, index) in [(Rotten::Header, Index::Lost), (Rotten::Payload, Index::Kept)] {
        let home = named().await;
        let before = home.names().await;
        let (sent, number) = ("Sent", id(&home.ann, "Sent").await);
        home.rot_names_at(sent, rotten).await;
        let home = home.again(index).await;
        assert!(home.ann.names().await.is_err());
        let recovered = format!("Recovered {number}");
        let home = home.mend(&["1 events of the account are lost", "how it was called is lost"]).await;
        let mut expected: Vec<_> = before.into_iter().filter(|name| name != sent).collect();
        expected.push(recovered);
        expected.sort();
        assert_eq!(home.names().await, expected);
        assert_eq!(home.ann.deleted_mailboxes().await.unwrap().len(), 1, "it can be brought back");
    }
}

#[tokio::test]
async fn a_deleted_mailbox_can_be_brought_back_after_a_repair_although_an_older_one_has_its_name() {
    let home = named().await;
    let [plans, old] = ["Plans", "Old/Archive"].map(|text| MailboxName::new(text).unwrap());
    let origin = Origin::desk();
    home.ann.create_mailbox(&origin, &plans, SpecialUses::NONE).await.unwrap();
    let gone = id(&home.ann, "Plans").await;
    append(&home.ann, gone, "Subject: plans\r\n\r\n").await.unwrap();
    support::delete(&home.ann, &plans).await.unwrap();
    rename(&home.ann, &old, &plans).await;
    home.rot_names_at("Sent", Rotten::Header).await;
    let home = home.again(Index::Lost).await;
    home.repair().await;
    let deleted = home.ann.deleted_mailboxes().await.unwrap();
    let deleted = deleted.iter().find(|deleted| deleted.name == plans).unwrap();
    assert_eq!(deleted.mailbox.id, gone);
    assert_ne!(id(&home.ann, "Plans").await, gone);
    home.ann.undelete_mailbox(&origin, deleted, &old).await.unwrap();
    let state = home.ann.open(gone).await.unwrap().newest();
    assert_eq!((id(&home.ann, "Old/Archive").await, uids(state.state())), (gone, vec![1]));
}

#[tokio::test]
async fn names_that_the_running_server_knows_are_not_lost() {
    let home = named().await;
    let before = home.names().await;
    home.rot_names(3, Rotten::Payload);
    let home = home.mend(&["what they had come to is known"]).await;
    assert_eq!(home.names().await, before);
}

#[tokio::test]
async fn names_that_a_purge_has_trimmed_are_known_by_its_snapshot_when_an_event_behind_it_is_lost() {
    let home = named().await;
    home.accounts.purge("ann@example.org", &Purge::default()).await.unwrap();
    let before = home.names().await;
    let sent = MailboxName::new("Sent").unwrap();
    support::delete(&home.ann, &sent).await.unwrap();
    home.append("behind").await;
    let names = StreamId { number: 0, ..home.stream() };
    let lost = home.store.read(names, Seq::NONE, 99).await.unwrap().last().unwrap().seq;
    home.rot_names(lost.0, Rotten::Header);
    let home = home.again(Index::Lost).await;
    home.repair().await;
    assert_eq!(home.names().await, before, "it is not known any more that Sent was deleted");
    assert_eq!(home.repair().await, Repaired::default());
}

async fn create(ann: &Account, name: &str) -> Result<(), Error> {
    ann.create_mailbox(&Origin::desk(), &MailboxName::new(name).unwrap(), SpecialUses::NONE).await
}

#[tokio::test]
async fn names_of_which_an_event_is_lost_are_shown_as_a_repair_would_put_them_and_mail_goes_on() {
    for (rotten, index) in [(Rotten::Header, Index::Lost), (Rotten::Payload, Index::Kept)] {
        for word in ["Sent", "Old/Archive"] {
            let home = named().await;
            home.rot_names_at(word, rotten).await;
            let (home, minder) = home.again(index).await.minded().await;
            let shown = home.names().await;
            assert_eq!(minder.heard(), ["the names are in part"], "{word}");
            for (name, mailbox) in home.ann.names().await.unwrap().mailboxes() {
                let placed = append(&home.ann, mailbox.id, "Subject: on we go\r\n\r\n").await;
                placed.unwrap_or_else(|why| panic!("{name}: {why}"));
                home.ann.open(mailbox.id).await.unwrap();
            }
            let junk = MailboxName::new("Junk").unwrap();
            for refused in [create(&home.ann, "New").await, support::delete(&home.ann, &junk).await] {
                assert!(matches!(refused, Err(Error::InPart(Part::Names))), "{refused:?}");
            }
            assert!(home.ann.usage().await.unwrap().messages > 3);
            home.repair().await;
            assert_eq!(home.names().await, shown, "{word}");
            create(&home.ann, "New").await.unwrap();
            assert_eq!(minder.heard().len(), 1, "it is told once: {:?}", minder.heard());
        }
    }
}

#[tokio::test]
async fn a_server_that_knows_the_names_mends_them_by_itself() {
    let (home, minder) = named().await.minded().await;
    let before = home.names().await;
    home.rot_names(3, Rotten::Payload);
    home.ann.mend_names_if_hurt().await.unwrap();
    home.ann.mend_names_if_hurt().await.unwrap();
    assert!(matches!(&minder.heard()[..], [one] if one.contains("what they had come to is known")));
    create(&home.ann, "New").await.unwrap();
    let after = home.again(Index::Lost).await.names().await;
    assert!(before.iter().all(|name| after.contains(name)) && after.len() == before.len() + 1);
}

#[tokio::test]
async fn names_whose_summary_is_lost_are_all_there_and_can_be_changed() {
    let home = named().await;
    let before = home.names().await;
    for seq in 1..40 {
        let key = event_key(0, seq);
        if home.has(HEAD, &key) {
            home.rot(HEAD, &key, Rotten::Header);
        }
    }
    let (home, minder) = home.again(Index::Lost).await.minded().await;
    assert_eq!(home.names().await, before);
    create(&home.ann, "New").await.unwrap();
    assert_eq!(minder.heard().len(), 1, "{:?}", minder.heard());
    assert_eq!(home.again(Index::Lost).await.names().await.len(), before.len() + 1);
}
