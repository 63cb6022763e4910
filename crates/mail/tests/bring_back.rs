//! What a store of another time holds of an account comes back, as far as it can be read.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use mail::{
    Account, Accounts, Aim, BroughtBack, Bygone, DirectoryError, Onlooker, Origin, Transfer, World, who_had,
};
use mailbox::account::directory::Standing;
use mailbox::account::{Allowance, Allowances};
use mailbox::{Change, Flags, MailboxState};
use sasl::Cost;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{AccountId, Store};
use store_local::disk::Disk;
use store_local::{Archive, LocalStore, Options};
use support::{Still, append, id, record, store};
use terms::{Keyword, MailboxName, Uid};
use testkit::disk::FaultyDisk;

const ANN: &str = "ann@example.org";

/// Looks on, and counts.
#[derive(Default)]
struct Looking(AtomicU64);

impl Onlooker for Looking {
    fn at(&self, messages: u64, of: u64) {
        assert!(messages <= of && messages > self.0.swap(messages, Ordering::Relaxed));
    }
}

struct Nobody;

impl Onlooker for Nobody {
    fn at(&self, _: u64, _: u64) {}
}

/// All that a store has of the account that has this name, in a world that stands still.
async fn bygone(store: &Arc<dyn Store>, name: &str) -> Bygone {
    let holder = who_had(&**store, name, i64::MAX).await.unwrap().unwrap();
    let world: Arc<dyn World> = Arc::new(Still::default());
    Bygone::open(Arc::clone(store), world, holder, i64::MAX).await.unwrap()
}

async fn inbox_of(account: &Account) -> Arc<MailboxState> {
    let inbox = id(account, "INBOX").await;
    Arc::clone(account.open(inbox).await.unwrap().newest().state())
}

fn named(text: &str) -> MailboxName {
    MailboxName::new(text).unwrap()
}

/// Two stores: one with ann and her mail, and one of another server.
struct Scene {
    from: Arc<dyn Store>,
    ann: Arc<Account>,
    there: Accounts,
    to: Accounts,
}

impl Scene {
    async fn over(from: Arc<dyn Store>) -> Self {
        let (there, ann) = support::ann(&from).await;
        let to = support::accounts(&store()).await;
        to.add("other@example.org", &record("other")).await.unwrap();
        Self { from, ann, there, to }
    }

    async fn letters(&self, numbers: std::ops::RangeInclusive<u32>) {
        let inbox = id(&self.ann, "INBOX").await;
        for n in numbers {
            append(&self.ann, inbox, &format!("Subject: {n}\r\n\r\nletter {n}\r\n")).await.unwrap();
        }
    }

    async fn flag_first(&self, keyword: &str) {
        let (account, inbox) = (self.ann.id(), id(&self.ann, "INBOX").await);
        let mut flags = Flags::NONE;
        flags.push(Keyword::new(keyword).unwrap());
        let uids = [Uid::MIN].into_iter().collect();
        let request = mailbox::Store {
            account,
            uids: &uids,
            change: Change::Add,
            flags: &flags,
            unchanged_since: None,
        };
        let store = |proposal: &mut mail::Proposal| {
            let stored = mailbox::store(proposal.mailbox(inbox)?, &request).map_err(mail::Error::from)?;
            stored.events.iter().try_for_each(|event| proposal.push(inbox, event))
        };
        self.ann.change(&Origin::desk(), store).await.unwrap();
    }

    async fn revive(&self, name: &str) -> Result<BroughtBack, DirectoryError> {
        self.to.revive(&bygone(&self.from, ANN).await, name, &Looking::default()).await
    }
}

#[tokio::test]
async fn an_account_comes_to_another_server_with_its_password_its_limits_and_its_standing() {
    let scene = Scene::over(store()).await;
    scene.letters(1..=3).await;
    let limits = Allowances { messages: Allowance::AtMost(7), ..Allowances::default() };
    scene.ann.allow(&Origin::desk(), |_| limits).await.unwrap();
    scene.there.set_standing(ANN, Standing::Disabled).await.unwrap();
    let brought = scene.revive(ANN).await.unwrap();
    assert_eq!((brought.messages(), brought.lost), (3, 0));

    let again = scene.to.named(ANN).unwrap();
    assert_eq!(scene.to.standing(again.id()), Some(Standing::Disabled));
    assert_eq!(again.names().await.unwrap().allowances(), limits);
    let (then, now) = (inbox_of(&scene.ann).await, inbox_of(&again).await);
    assert_eq!((now.uids(Uid::MIN), now.uid_validity()), (then.uids(Uid::MIN), then.uid_validity()));
    assert_eq!(now.head().octets, then.head().octets);
    let cost = Cost::new(support::CHEAP.0, support::CHEAP.1, support::CHEAP.2).unwrap();
    let found = |accounts: &Accounts| accounts.find(ANN, &cost).record.encode();
    assert_eq!(found(&scene.to), found(&scene.there), "the password is the same");

    // Its number is one that nobody had, and nobody gets its name.
    let taken = scene.revive("other@example.org").await;
    assert!(matches!(taken, Err(DirectoryError::Refused(_))), "{taken:?}");
    scene.revive("second@example.org").await.unwrap();
    let other = scene.to.add("late@example.org", &record("late")).await.unwrap();
    let ids = ["other@example.org", ANN, "second@example.org"].map(|name| scene.to.named(name).unwrap().id());
    assert!(ids.is_sorted() && ids.iter().all(|id| *id < other), "{ids:?} {other:?}");
    scene.to.set_standing(ANN, Standing::Enabled).await.unwrap();
    append(&again, id(&again, "INBOX").await, "Subject: new\r\n\r\nnew\r\n").await.unwrap();
}

#[tokio::test]
async fn an_account_of_the_same_name_on_another_server_gets_the_messages_that_it_lacks_under_identities_of_its_own()
 {
    let scene = Scene::over(store()).await;
    scene.letters(1..=4).await;
    scene.flag_first("red").await;
    // One is there twice under one identity, and one under two.
    let ann = &scene.ann;
    let (from, uids) = (id(ann, "INBOX").await, [Uid::new(4).unwrap()].into_iter().collect());
    ann.transfer(&Origin::desk(), Transfer::Copy, ann.id(), (from, &uids), from).await.unwrap();
    scene.letters(3..=3).await;
    let id_there = scene.to.add(ANN, &record("another")).await.unwrap();
    let there = scene.to.account(id_there);
    let into = id(&there, "INBOX").await;
    for text in ["Subject: theirs\r\n\r\ntheirs\r\n", "Subject: 2\r\n\r\nletter 2\r\n"] {
        append(&there, into, text).await.unwrap();
    }
    let past = bygone(&scene.from, ANN).await;
    let aim = Aim::InPlace("as of then".to_owned());
    let desk = Origin::desk();
    let bring = async || there.bring_back(&desk, &past, None, &aim, &Looking::default()).await;
    let brought = bring().await.unwrap();
    assert_eq!((brought.messages(), brought.lost), (5, 0), "one is there: {brought:?}");
    let state = inbox_of(&there).await;
    let rows: Vec<_> = state.reader(there.id()).rows(&state.uids(Uid::MIN)).collect();
    assert_eq!(rows.len(), 7);
    // Its own messages have had these numbers: another one's identity would be two messages' at once.
    assert!(rows.iter().all(|row| row.email.uid == row.uid.get()), "{rows:?}");
    let names = there.body_names(&state, &state.uids(Uid::MIN)).await.unwrap();
    assert_eq!(names.len(), 7, "each has a record");
    for (_, name) in names {
        assert!(there.body(name, 0, 99).await.unwrap().is_some());
    }
    assert_eq!(bring().await.unwrap().messages(), 0, "nothing comes twice");
    let below = Aim::Below(named("Then"));
    let brought = there.bring_back(&desk, &past, Some(&named("inbox")), &below, &Looking::default()).await;
    assert_eq!(brought.unwrap().mailboxes.first().unwrap().name, named("Then/INBOX"));
}

fn flip(disk: &FaultyDisk, what: &[u8]) {
    for name in disk.list(Path::new("log")).unwrap() {
        let path = format!("log/{name}");
        let file = disk.open(Path::new(&path)).unwrap();
        let mut octets = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
        file.read_exact_at(&mut octets, 0).unwrap();
        if let Some(place) = octets.windows(what.len()).position(|window| window == what) {
            disk.flip_bit(&path, place, 1);
            return;
        }
    }
    panic!("nothing is to be flipped");
}

/// As a backup has it: what is written later is not in it.
async fn as_it_is_now(disk: &FaultyDisk, store: &LocalStore, account: AccountId) -> Arc<dyn Store> {
    store.moment().await.unwrap();
    let backup = FaultyDisk::new(2);
    let archive = Archive::open(Arc::new(disk.clone())).unwrap();
    archive.extract(account, Arc::new(backup.clone())).unwrap();
    Arc::new(LocalStore::open_on(Arc::new(backup), &Options::default()).unwrap())
}

#[tokio::test]
async fn numbers_that_this_server_has_given_since_are_not_given_again_however_many_they_are() {
    let disk = FaultyDisk::new(1);
    let local = Arc::new(LocalStore::open_on(Arc::new(disk.clone()), &Options::default()).unwrap());
    let (accounts, ann) = support::ann(&(Arc::clone(&local) as Arc<dyn Store>)).await;
    let inbox = id(&ann, "INBOX").await;
    append(&ann, inbox, "Subject: 1\r\n\r\n1\r\n").await.unwrap();
    let holder = who_had(&*local, ANN, i64::MAX).await.unwrap().unwrap();
    let backup = as_it_is_now(&disk, &local, ann.id()).await;
    ann.skip_to(&Origin::desk(), inbox, Uid::new(200_000).unwrap()).await.unwrap();
    let last = append(&ann, inbox, "Subject: 2\r\n\r\n2\r\n").await.unwrap();
    accounts.remove(ANN).await.unwrap();
    let past = Bygone::open(backup, Arc::new(Still::default()), holder, i64::MAX).await.unwrap();
    accounts.revive(&past, ANN, &Looking::default()).await.unwrap();
    let again = accounts.named(ANN).unwrap();
    let state = inbox_of(&again).await;
    assert!(again.id() != ann.id() && state.uid_next() > last.uid && state.messages() == 1, "{state:?}");
    assert_eq!(state.uid_validity(), last.uid_validity);
}

#[tokio::test]
async fn what_has_rotted_is_left_and_told_and_a_mailbox_comes_as_far_as_it_can_be_read() {
    let disk = FaultyDisk::new(1);
    let local = LocalStore::open_on(Arc::new(disk.clone()), &Options::default()).unwrap();
    let scene = Scene::over(Arc::new(local)).await;
    scene.letters(1..=3).await;
    scene.flag_first("soon-lost").await;
    scene.letters(4..=5).await;
    flip(&disk, b"letter 2");
    let brought = scene.revive("first@example.org").await.unwrap();
    assert_eq!((brought.messages(), brought.lost), (4, 1));
    let left = brought.left.first().unwrap();
    assert_eq!((left.mailbox.as_str(), left.uid), ("INBOX", Uid::new(2)));
    assert!(left.why.contains("damaged body"), "{left:?}");

    flip(&disk, b"soon-lost");
    let brought = scene.revive("second@example.org").await.unwrap();
    assert_eq!((brought.messages(), brought.lost), (2, 2), "{brought:?}");
    assert!(brought.left.iter().any(|left| left.uid.is_none() && left.why.contains("event")), "{brought:?}");
    let again = scene.to.named("second@example.org").unwrap();
    let state = inbox_of(&again).await;
    assert_eq!(state.uids(Uid::MIN).to_string(), "1,3");
    // UIDs that were given behind the hole are known from the summary, and are not given again.
    assert_eq!(state.uid_next().get(), 6 + mail::SKIPPED_UIDS);
}

/// The next day.
#[derive(Default)]
struct Later(Still);

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

impl World for Later {
    fn now_ms(&self) -> i64 {
        self.0.now_ms() + DAY_MS
    }

    fn random(&self, into: &mut [u8]) {
        self.0.random(into);
        into.iter_mut().for_each(|octet| *octet = !*octet);
    }
}

/// Ann's store, with letters in INBOX that came in on her second day, one of them flagged, and something that is rotten.
async fn rotten(what: &[u8]) -> (Arc<LocalStore>, Scene) {
    let disk = FaultyDisk::new(1);
    let local = Arc::new(LocalStore::open_on(Arc::new(disk.clone()), &Options::default()).unwrap());
    let mut scene = Scene::over(Arc::clone(&local) as Arc<dyn Store>).await;
    scene.there = Accounts::open(Arc::clone(&scene.from), Arc::new(Later::default())).await.unwrap();
    scene.ann = scene.there.account(scene.ann.id());
    scene.letters(1..=3).await;
    scene.flag_first("soon-lost").await;
    flip(&disk, what);
    (local, scene)
}

#[tokio::test]
async fn a_mailbox_that_was_repaired_since_is_refused_where_it_held_something_else_then() {
    let (local, scene) = rotten(b"soon-lost").await;
    scene.ann.repair(&*local, &mail::Unreadable::default()).await.unwrap();
    let inbox = id(&scene.ann, "INBOX").await;
    let stream = store::StreamId { account: scene.ann.id(), number: inbox.get() };
    assert!(scene.from.read(stream, store::Seq::NONE, 1).await.unwrap().is_empty(), "its past is forgotten");
    let there = scene.to.account(scene.to.add(ANN, &record("another")).await.unwrap());
    let bring = async |until_ms: i64| {
        let holder = who_had(&*scene.from, ANN, i64::MAX).await.unwrap().unwrap();
        let world: Arc<dyn World> = Arc::new(Still::default());
        let past = Bygone::open(Arc::clone(&scene.from), world, holder, until_ms).await.unwrap();
        let (desk, only, aim) = (Origin::desk(), named("INBOX"), Aim::Below(named(&until_ms.to_string())));
        let brought = there.bring_back(&desk, &past, Some(&only), &aim, &Nobody).await.unwrap();
        let left: Vec<_> = brought.left.iter().map(|left| left.why.clone()).collect();
        (brought.messages(), left.join("; "))
    };
    let now_ms = Later::default().now_ms();
    assert_eq!(bring(i64::MAX).await, (3, String::new()));
    let (messages, why) = bring(now_ms).await;
    assert!(messages == 3 && why.contains("cannot be told"), "{messages} {why}");
    let refused = (0, "what it held then is not kept".to_owned());
    assert_eq!(bring(now_ms - 1).await, refused, "the letters came later");
    scene.letters(4..=4).await;
    assert_eq!(bring(now_ms - 1).await, refused);
    assert_eq!(bring(now_ms).await, (1, String::new()), "three are there by now");
}

#[tokio::test]
async fn an_account_whose_names_were_repaired_since_is_refused() {
    let (local, scene) = rotten(b"Sent").await;
    let told = scene.ann.repair(&*local, &mail::Unreadable::default()).await.unwrap();
    assert!(told.mended.iter().any(|mended| mended.what.contains("events of the account")), "{told:?}");
    let open = async |until_ms: i64| {
        let holder = who_had(&*scene.from, ANN, i64::MAX).await.unwrap().unwrap();
        let world: Arc<dyn World> = Arc::new(Still::default());
        Bygone::open(Arc::clone(&scene.from), world, holder, until_ms).await
    };
    let now_ms = Later::default().now_ms();
    assert!(open(now_ms).await.is_ok());
    let why = open(now_ms - 1).await.unwrap_err().to_string();
    assert!(why.contains("what its mailboxes were called then is not kept"), "{why}");
}
