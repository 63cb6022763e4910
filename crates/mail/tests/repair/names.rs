//! Names of which events are lost, and the directory of accounts.

use super::{EVENT, Home, Index, Rotten, event_key, go_on, open, three, uids};
use crate::support::{self, accounts, append, id, rename};
use mail::{Accounts, Origin, Purge, Repaired};
use mailbox::account::{MailboxId, SpecialUses};
use std::path::Path;
use std::sync::Arc;
use store::{Seq, Store, StreamId};
use store_local::disk::Disk;
use terms::{AccountId, MailboxName};

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
    let home = home.mend(&["the server knew what they had come to"]).await;
    assert_eq!(home.names().await, before);
}

#[tokio::test]
async fn an_account_whose_name_is_lost_gets_another_and_its_mail_is_there() {
    let home = three().await;
    home.accounts.add("ben@example.org", &support::record("geheim")).await.unwrap();
    go_on(&home).await;
    // The first event is the decoys' secret.
    home.rot_of(AccountId::DIRECTORY, EVENT, &event_key(0, 2), Rotten::Header);
    let disk = home.stop(Index::Lost);
    for _ in 0..2 {
        let store = open(&disk);
        let plain: Arc<dyn Store> = store.clone();
        let world = support::Still::default();
        if Accounts::open(plain.clone(), Arc::new(support::Still::default())).await.is_err() {
            let told = mail::repair_directory(&*store, &world).await.unwrap().join("; ");
            assert!(told.contains("1 events of the directory") && told.contains("recovered-1"), "{told}");
        }
        assert_eq!(mail::repair_directory(&*store, &world).await.unwrap(), [""; 0]);
        let accounts = accounts(&plain).await;
        let names: Vec<_> = accounts.list().iter().map(|(login, _)| login.to_string()).collect();
        assert_eq!(names, ["ben@example.org", "recovered-1"]);
        let found = accounts.named("recovered-1").unwrap();
        let inbox = found.open(MailboxId::FIRST).await.unwrap().newest();
        assert_eq!(uids(inbox.state()), [1, 2, 3]);
        store.close().unwrap();
        disk.unlink(Path::new("index.redb")).unwrap();
    }
}

#[tokio::test]
async fn a_directory_that_the_running_server_knows_is_not_lost() {
    let home = three().await;
    home.accounts.add("ben@example.org", &support::record("geheim")).await.unwrap();
    home.rot_of(AccountId::DIRECTORY, EVENT, &event_key(0, 2), Rotten::Payload);
    let before = home.accounts.list();
    let told = home.accounts.repair(&*home.store).await.unwrap().join("; ");
    assert!(told.contains("nothing else is lost"), "{told}");
    assert_eq!(home.accounts.repair(&*home.store).await.unwrap(), [""; 0]);
    home.accounts.add("cy@example.org", &support::record("geheim")).await.unwrap();
    let home = home.again(Index::Lost).await;
    assert_eq!(home.accounts.list()[..2], before);
    assert_eq!(home.accounts.list().len(), 3);
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
