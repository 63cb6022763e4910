//! The directory of accounts, of which events are lost.

use super::{EVENT, Home, Index, Rotten, event_key, go_on, open, three, uids};
use crate::support::rotten::Minder;
use crate::support::{self, CHEAP, Still, accounts};
use mail::{
    Accounts, Addressing, AppVerdict, Certainty, DirectoryError, Error, NewAppPassword, Pace, Part, SignIn,
};
use mailbox::account::MailboxId;
use mailbox::account::directory::Standing;
use mailbox::account::directory::keyring::{Label, Scopes, Service};
use sasl::{AppRecord, Cost, Secret};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Salvage, Seq, Store, StreamId};
use store_local::LocalStore;
use store_local::disk::Disk;
use terms::AccountId;

const DIRECTORY: StreamId = StreamId { account: AccountId::DIRECTORY, number: 0 };

/// Lets events of the directory rot.
fn rot(home: &Home, places: &[u64], rotten: Rotten) {
    for place in places {
        home.rot_of(AccountId::DIRECTORY, EVENT, &event_key(0, *place), rotten);
    }
}

#[tokio::test]
async fn an_account_whose_name_is_lost_gets_another_and_its_mail_is_there() {
    let home = three().await;
    home.accounts.add("ben@example.org", &support::record("geheim")).await.unwrap();
    go_on(&home).await;
    // It was said twice, behind the decoys' secret.
    rot(&home, &[3, 4], Rotten::Header);
    let disk = home.stop(Index::Lost);
    for _ in 0..2 {
        let store = open(&disk);
        let plain: Arc<dyn Store> = store.clone();
        let world = Still::default();
        if Accounts::open(plain.clone(), Arc::new(Still::default())).await.is_err() {
            let told = mail::repair_directory(&*store, &world).await.unwrap().join("; ");
            assert!(told.contains("2 events of the directory") && told.contains("recovered-1"), "{told}");
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
    rot(&home, &[3, 4], Rotten::Payload);
    let before = home.accounts.list();
    let told = home.accounts.repair(&*home.store).await.unwrap().join("; ");
    assert!(told.contains("nothing else is lost"), "{told}");
    assert_eq!(home.accounts.repair(&*home.store).await.unwrap(), [""; 0]);
    home.accounts.add("cy@example.org", &support::record("geheim")).await.unwrap();
    let home = home.again(Index::Lost).await;
    assert_eq!(home.accounts.list()[..2], before);
    assert_eq!(home.accounts.list().len(), 3);
}

/// What is to be known of names, whoever has them.
type Known = Vec<(&'static str, Option<(AccountId, Standing, Vec<u8>)>)>;

const NAMES: [&str; 6] = ["ann@example.org", "ben", "cy", "dee", "eve", "nobody"];

fn cost() -> Cost {
    Cost::new(CHEAP.0, CHEAP.1, CHEAP.2).unwrap()
}

fn known(accounts: &Accounts) -> Known {
    let of = |name| {
        let found = accounts.find(name, &cost());
        (name, found.account.map(|id| (id, found.standing, found.record.encode().to_vec())))
    };
    NAMES.map(of).into()
}

/// Five were added, one of them was removed, one disabled, one has another password.
async fn lived() -> (Home, Known) {
    let home = three().await;
    for name in &NAMES[1..5] {
        home.accounts.add(name, &support::record("first")).await.unwrap();
    }
    home.accounts.remove("ben").await.unwrap();
    home.accounts.set_credential("cy", &support::record("second")).await.unwrap();
    home.accounts.set_standing("dee", Standing::Disabled).await.unwrap();
    // The last group of a log may be torn: what lies there is not to be what is hit.
    home.append("behind").await;
    let known = known(&home.accounts);
    assert_eq!(known.iter().filter(|(_, known)| known.is_some()).count(), 4);
    (home, known)
}

/// As a server opens it.
async fn opened(store: &Arc<LocalStore>) -> (Accounts, Arc<Minder>) {
    let minder = Arc::new(Minder::of(Arc::clone(store)));
    let salvage: Arc<dyn Salvage> = store.clone();
    let opened = Accounts::open_what_is_left(salvage, Arc::new(Still::default())).await.unwrap();
    let accounts = opened.mended_by(minder.clone());
    accounts.mend_if_hurt().await.unwrap();
    (accounts, minder)
}

async fn places(home: &Home) -> u64 {
    home.store.heads(&[DIRECTORY]).await.unwrap()[0].as_ref().unwrap().0.0
}

#[tokio::test]
async fn whichever_event_of_the_directory_rots_a_server_starts_and_nobody_notices() {
    let (home, _) = lived().await;
    for place in 1..=places(&home).await {
        for (rotten, index) in [(Rotten::Header, Index::Lost), (Rotten::Payload, Index::Kept)] {
            let (home, before) = lived().await;
            rot(&home, &[place], rotten);
            let disk = home.stop(index);
            let store = open(&disk);
            let (accounts, minder) = opened(&store).await;
            assert!(!accounts.is_in_part());
            assert_eq!(known(&accounts), before, "event {place}");
            assert!(minder.heard()[0].contains("nothing else is lost"), "{place}: {:?}", minder.heard());
            assert_eq!(accounts.removed().await.unwrap().len(), 1);
            accounts.add("fred", &support::record("first")).await.unwrap();
            assert!(minder.heard().len() == 1);
            store.close().unwrap();
            drop((accounts, minder, store));
            disk.unlink(Path::new("index.redb")).unwrap();
            let plain: Arc<dyn Store> = open(&disk);
            assert_eq!(known(&support::accounts(&plain).await), before, "event {place}");
        }
    }
}

#[tokio::test]
async fn where_nobody_minds_the_store_the_directory_is_known_and_a_server_mends_it() {
    let (home, before) = lived().await;
    rot(&home, &[5], Rotten::Header);
    let disk = home.stop(Index::Lost);
    let store = open(&disk);
    let salvage: Arc<dyn Salvage> = store.clone();
    let accounts = Accounts::open_what_is_left(salvage, Arc::new(Still::default())).await.unwrap();
    assert_eq!((known(&accounts), accounts.is_in_part()), (before, false));
    let refused = accounts.add("fred", &support::record("first")).await;
    assert!(matches!(refused, Err(DirectoryError::Mail(Error::Damaged(_)))), "{refused:?}");
}

/// What an event that is lost had done is not known: whoever it may have removed, disabled or given another password is
/// shut out, whatever it was, and so are names that it may have made.
#[tokio::test]
async fn of_whom_something_may_be_lost_is_shut_out_until_it_is_known() {
    let (home, truth) = lived().await;
    let mut certain = 0;
    for place in (1..=places(&home).await).step_by(2) {
        for (rotten, index) in [(Rotten::Header, Index::Lost), (Rotten::Payload, Index::Kept)] {
            let (home, _) = lived().await;
            rot(&home, &[place, place + 1], rotten);
            let disk = home.stop(index);
            let store = open(&disk);
            let (accounts, minder) = opened(&store).await;
            assert!(accounts.is_in_part() && minder.heard().is_empty());
            for (name, truth) in &truth {
                let found = accounts.find(name, &cost());
                match found.certainty {
                    Certainty::Doubtful => assert_eq!(found.account, None, "{name}"),
                    Certainty::OfThisOne => {
                        certain += 1;
                        let found =
                            found.account.map(|id| (id, found.standing, found.record.encode().to_vec()));
                        assert_eq!(&found, truth, "{place}: {name}");
                    }
                    Certainty::Whole => panic!("{place}: {name}"),
                }
            }
            let addressing = Addressing { separator: Some('+'), host: "mail".into(), postmaster: None };
            // `eve@mail` comes before `eve`, and may be somebody's.
            for (name, domain) in [("nobody", None), ("eve", Some("mail")), ("eve+lists", None)] {
                let somebody = accounts.recipient(name, domain, &addressing);
                assert!(matches!(somebody, Err(Error::InPart(Part::Directory))), "{somebody:?}");
            }
            if accounts.find("eve", &cost()).certainty == Certainty::OfThisOne {
                assert!(accounts.recipient("eve", None, &addressing).unwrap().is_some());
            }
            let refused = accounts.add("fred", &support::record("first")).await;
            assert!(matches!(refused, Err(DirectoryError::Mail(Error::InPart(Part::Directory)))));
            assert!(accounts.removed().await.is_err(), "one that was removed may have come back");
            let swept = accounts.sweep(Duration::ZERO, Pace::Trusting).await;
            assert!(matches!(swept, Err(Error::InPart(Part::Directory))), "{swept:?}");

            let told = accounts.repair(&*store).await.unwrap().join("; ");
            assert!(told.contains("events of the directory of accounts are lost for good"), "{told}");
            for (name, truth) in &truth {
                let found = accounts.find(name, &cost());
                assert_eq!(found.certainty, Certainty::Whole);
                if let Some(id) = found.account.filter(|_| found.standing == Standing::Enabled) {
                    assert_eq!(
                        &Some((id, found.standing, found.record.encode().to_vec())),
                        truth,
                        "{place}: {name}"
                    );
                }
            }
            accounts.add("fred", &support::record("first")).await.unwrap();
        }
    }
    assert!(certain > 20, "{certain}");
}

#[tokio::test]
async fn a_directory_of_which_nothing_is_left_is_no_new_one() {
    let (home, _) = lived().await;
    let all: Vec<_> = (1..=places(&home).await).collect();
    rot(&home, &all, Rotten::Header);
    for place in &all {
        let key = event_key(0, *place);
        if home.has_of(AccountId::DIRECTORY, super::HEAD, &key) {
            home.rot_of(AccountId::DIRECTORY, super::HEAD, &key, Rotten::Header);
        }
    }
    let disk = home.stop(Index::Lost);
    let store = open(&disk);
    assert_eq!(store.read(DIRECTORY, Seq::NONE, 9).await.unwrap_or_default(), []);
    let (accounts, _) = opened(&store).await;
    assert!(accounts.is_in_part());
    assert_eq!(accounts.find("ann@example.org", &cost()).certainty, Certainty::Doubtful);
    let told = accounts.repair(&*store).await.unwrap().join("; ");
    assert!(told.contains("recovered-1"), "{told}");
    assert_eq!(accounts.list().len(), 5, "the one that was removed has its mail still");
    let id = accounts.add("fred", &support::record("first")).await.unwrap();
    assert!(id.0 > 5);
}

/// An app password of ann's, as she is shown it.
async fn app_password(accounts: &Accounts, name: &str) -> String {
    let drawn = accounts.draw_app_password();
    let new = NewAppPassword {
        label: Label::new(name).unwrap(),
        scopes: Scopes::MAIL,
        expires_s: None,
        networks: [].into(),
    };
    accounts.add_app_password("ann@example.org", &new, &AppRecord::new(&drawn, None)).await.unwrap();
    drawn.reveal().to_owned()
}

fn lets_in(accounts: &Accounts, shown: &str) -> bool {
    let account = accounts.find("ann@example.org", &cost()).account;
    let sign_in = SignIn { now_s: 0, service: Service::IMAP, address: None };
    let verdict = accounts.check_app_password(account, &Secret::password(shown).unwrap(), &sign_in);
    verdict != AppVerdict::NotOne
}

#[tokio::test]
async fn a_revocation_that_is_lost_lets_nobody_in_neither_before_the_repair_nor_behind_it() {
    for lost in [&[9, 10][..], &[9], &[]] {
        let home = three().await;
        let (phone, tablet) =
            (app_password(&home.accounts, "phone").await, app_password(&home.accounts, "tablet").await);
        home.accounts.revoke_app_password("ann@example.org", "phone").await.unwrap();
        assert!(!lets_in(&home.accounts, &phone) && lets_in(&home.accounts, &tablet));
        assert_eq!(places(&home).await, 10);
        // The last group of a log may be torn.
        home.append("behind").await;
        rot(&home, lost, Rotten::Payload);
        let disk = home.stop(Index::Lost);
        let store = open(&disk);
        let (accounts, _) = opened(&store).await;
        let is_lost = lost.len() == 2;
        assert_eq!((accounts.is_in_part(), lets_in(&accounts, &tablet)), (is_lost, !is_lost), "{lost:?}");
        assert!(!lets_in(&accounts, &phone), "{lost:?}");
        let told = accounts.repair(&*store).await.unwrap().join("; ");
        if is_lost {
            assert!(
                told.contains("2 app passwords and certificates of the accounts that are disabled are gone"),
                "{told}"
            );
            accounts.set_standing("ann@example.org", Standing::Enabled).await.unwrap();
        }
        assert_eq!((lets_in(&accounts, &phone), lets_in(&accounts, &tablet)), (false, !is_lost), "{lost:?}");
        store.close().unwrap();
    }
}
