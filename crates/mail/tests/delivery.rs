//! Delivery: whose an address is, which mailbox it means, and one message for many.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use mail::{Account, Accounts, Addressing, Delivery, Error, Origin};
use mailbox::account::directory::Standing;
use mailbox::account::{Allowance, Allowances};
use mailbox::delivery::{Landed, Parcel};
use std::sync::Arc;
use support::counting::Counting;
use support::local::{self, pumping};
use support::mischief::{Dice, Mischief};
use support::{accounts, delete, record, store};
use terms::{EmailId, MailboxName, Uid};
use testkit::disk::FaultyDisk;

fn addressing() -> Addressing {
    Addressing { separator: Some('+'), host: "mail.example.org".into(), postmaster: None }
}

async fn people(names: &[&str]) -> (Accounts, Vec<Arc<Account>>) {
    let accounts = accounts(&store()).await;
    let mut people = Vec::new();
    for name in names {
        let id = accounts.add(name, &record("secret")).await.unwrap();
        people.push(accounts.account(id));
    }
    (accounts, people)
}

fn name(text: &str) -> MailboxName {
    MailboxName::new(text).unwrap()
}

/// A parcel for recipients who want these mailboxes.
fn parcel(account: &Arc<Account>, wanted: &[&str]) -> Parcel {
    Parcel {
        account: account.id(),
        heading: format!("Delivered-To: {}\r\n", account.id().0).into(),
        wanted: wanted.iter().map(|text| MailboxName::new(text).into_iter().collect()).collect(),
    }
}

/// Delivers a message that comes in pieces of this size.
async fn deliver(
    accounts: &Accounts,
    parcels: Vec<Parcel>,
    message: &[u8],
    piece: usize,
) -> Vec<Vec<Result<Landed, Error>>> {
    let mut delivery = Delivery::new(accounts, Origin::desk(), parcels);
    for piece in message.chunks(piece) {
        delivery.write(Bytes::copy_from_slice(piece)).await;
    }
    delivery.end().await;
    let mut outcomes = Vec::new();
    while let Some(outcome) = delivery.deliver_next().await {
        outcomes.push(outcome);
    }
    outcomes
}

/// The messages of a mailbox, octet by octet.
async fn messages(account: &Account, mailbox: &str) -> Vec<Vec<u8>> {
    let id = account.names().await.unwrap().mailbox(&name(mailbox)).unwrap().id;
    let state = account.open(id).await.unwrap().newest().state().clone();
    let mut found = Vec::new();
    for uid in state.uids(Uid::MIN).iter() {
        let email = EmailId { mailbox: id.get(), uid: uid.get() };
        let records = account.records(&[store::EmailRange { first: email, last: email }]).await.unwrap();
        let view = message::RecordView::new(&records[0].1).unwrap();
        let mut octets = Vec::new();
        while let Some(more) = account.body(view.body(), octets.len() as u64, 1 << 20).await.unwrap() {
            if more.is_empty() {
                break;
            }
            octets.extend(more);
        }
        found.push(octets);
    }
    found
}

fn landed(outcome: &Result<Landed, Error>) -> &str {
    outcome.as_ref().unwrap().mailbox.as_str()
}

#[tokio::test]
async fn an_address_leads_to_an_account_and_what_stands_behind_the_plus_to_a_mailbox() {
    let (accounts, people) = people(&["ann@example.org", "ann+own@example.org", "bob", "jörg@例え.jp"]).await;
    let check = |local: &str, domain: Option<&str>, expected: Option<(usize, Option<&str>)>| {
        let found = accounts.recipient(local, domain, &addressing()).unwrap();
        let found = found.as_ref().map(|found| (found.account, found.detail.as_deref()));
        assert_eq!(found, expected.map(|(n, detail)| (people[n].id(), detail)), "{local} {domain:?}");
    };
    check("ann", Some("example.org"), Some((0, None)));
    check("ANN", Some("Example.Org"), Some((0, None)));
    check("ann+Lists/Rust+x", Some("example.org"), Some((0, Some("Lists/Rust+x"))));
    check("ann+", Some("example.org"), Some((0, None)));
    check("ann+own", Some("example.org"), Some((1, None)));
    check("ann", Some("example.net"), None);
    check("ann", None, None);
    check("ann@example.org", Some("evil.example"), None);
    check("ann@example.org", None, None);
    check("bob", None, Some((2, None)));
    check("bob+x", Some("MAIL.example.org"), Some((2, Some("x"))));
    check("bob", Some("example.org"), None);
    check("jörg+x", Some("例え.jp"), Some((3, Some("x"))));
    check("", Some("example.org"), None);
    check("+", Some("example.org"), None);
    let plain = Addressing { separator: None, ..addressing() };
    assert_eq!(accounts.recipient("ann+x", Some("example.org"), &plain).unwrap(), None);
    accounts.set_standing("ann@example.org", Standing::Disabled).await.unwrap();
    let found = accounts.recipient("ann", Some("example.org"), &addressing()).unwrap().unwrap();
    assert_eq!(found.standing, Standing::Disabled);
}

#[tokio::test]
async fn the_postmasters_mail_goes_to_whom_the_settings_name_unless_an_account_is_called_so() {
    let (accounts, people) = people(&["ann@example.org", "postmaster@example.net"]).await;
    let named = Addressing { postmaster: Some("ann@example.org".into()), ..addressing() };
    let find = |local: &str, domain, addressing: &Addressing| {
        let found = accounts.recipient(local, domain, addressing).unwrap()?;
        Some((found.account, found.detail.map(String::from)))
    };
    let ann = people[0].id();
    for (local, domain) in [
        ("postmaster", None),
        ("PostMaster", Some("example.org")),
        ("postmaster", Some("mail.example.org")),
        ("POSTMASTER", Some("elsewhere.example")),
    ] {
        assert_eq!(find(local, domain, &named), Some((ann, None)), "{local} {domain:?}");
        assert_eq!(find(local, domain, &addressing()), None, "{local} {domain:?}");
    }
    assert_eq!(find("Postmaster+Lists", Some("example.org"), &named), Some((ann, Some("Lists".into()))));
    let own = Some((people[1].id(), None));
    assert_eq!(find("Postmaster", Some("Example.Net"), &named), own);
    assert_eq!(find("Postmaster", Some("Example.Net"), &addressing()), own);
    assert_eq!(find("postmasters", None, &named), None);
    accounts.remove("ann@example.org").await.unwrap();
    assert_eq!(find("postmaster", None, &named), None);
}

#[tokio::test]
async fn a_message_goes_where_its_address_says_and_else_to_inbox() {
    let (accounts, people) = people(&["ann@example.org"]).await;
    let ann = &people[0];
    for mailbox in ["Lists/Rust", "Über", "lists/C"] {
        ann.ensure_mailbox(&Origin::desk(), &name(mailbox)).await.unwrap();
    }
    for (wanted, lands) in [
        ("Lists/Rust", "Lists/Rust"),
        ("lists/rust", "Lists/Rust"),
        ("Lists/c", "lists/C"),
        ("über", "Über"),
        ("inbox", "INBOX"),
        ("Nowhere", "INBOX"),
        ("Lists", "INBOX"),
        ("../etc/passwd", "INBOX"),
    ] {
        let outcome = deliver(&accounts, vec![parcel(ann, &[wanted])], b"a: b\r\n\r\n", 99).await;
        assert_eq!(landed(&outcome[0][0]), lands, "{wanted}");
    }
    assert_eq!(ann.names().await.unwrap().mailboxes().len(), 6 + 3, "no mailbox was made");
}

#[tokio::test]
async fn a_mailbox_gets_a_message_once_however_many_addresses_lead_there() {
    let (accounts, people) = people(&["ann@example.org"]).await;
    let ann = &people[0];
    let outcome = deliver(
        &accounts,
        vec![parcel(ann, &["INBOX", "Archive", "nowhere", "archive"])],
        b"a: b\r\n\r\n",
        3,
    )
    .await;
    let landed: Vec<_> = outcome[0].iter().map(landed).collect();
    assert_eq!(landed, ["INBOX", "Archive", "INBOX", "Archive"]);
    let expected = vec![format!("Delivered-To: {}\r\na: b\r\n\r\n", ann.id().0).into_bytes()];
    assert_eq!(messages(ann, "INBOX").await, expected);
    assert_eq!(messages(ann, "Archive").await, expected);
}

/// Both sides of what travels within a commit, and far beyond it.
#[tokio::test]
async fn each_account_gets_every_octet_behind_lines_of_its_own() {
    for octets in [0, 1, 1_000, (256 << 10) - 20, 256 << 10, (256 << 10) + 1, 3 << 20] {
        let (accounts, people) = people(&["ann@example.org", "bob@example.org", "eve@example.org"]).await;
        let mut message = b"Subject: x\r\n\r\n".to_vec();
        message.extend((0..octets).map(|n: u32| b'a' + u8::try_from(n * 7 % 23).unwrap()));
        let parcels = people.iter().map(|account| parcel(account, &["INBOX"])).collect();
        let outcomes = deliver(&accounts, parcels, &message, 16 << 10).await;
        assert_eq!(outcomes.len(), 3);
        for (account, outcome) in people.iter().zip(&outcomes) {
            let heading = format!("Delivered-To: {}\r\n", account.id().0).into_bytes();
            let expected = [heading, message.clone()].concat();
            assert_eq!(outcome[0].as_ref().unwrap().octets, expected.len() as u64);
            assert!(messages(account, "INBOX").await == [expected], "{octets} octets");
        }
    }
}

#[tokio::test]
async fn one_who_cannot_take_a_message_does_not_hinder_the_others() {
    for octets in [1_000, 1 << 20] {
        let (accounts, people) = people(&["full@example.org", "gone@example.org", "ann@example.org"]).await;
        let few = |allowed: Allowances| Allowances { octets: Allowance::AtMost(500), ..allowed };
        people[0].allow(&Origin::desk(), few).await.unwrap();
        let parcels = people.iter().map(|account| parcel(account, &["INBOX"])).collect();
        let mut delivery = Delivery::new(&accounts, Origin::desk(), parcels);
        delivery.write(vec![b'x'; octets].into()).await;
        accounts.remove("gone@example.org").await.unwrap();
        delivery.end().await;
        let full = delivery.deliver_next().await.unwrap();
        assert!(matches!(full[0], Err(Error::OverQuota(_))), "{full:?}");
        let gone = delivery.deliver_next().await.unwrap();
        assert!(matches!(gone[0], Err(Error::AccountRemoved)), "{gone:?}");
        let ann = delivery.deliver_next().await.unwrap();
        assert_eq!(landed(&ann[0]), "INBOX");
        assert!(delivery.deliver_next().await.is_none());
        assert_eq!(messages(&people[2], "INBOX").await.len(), 1);
        assert!(messages(&people[0], "INBOX").await.is_empty());
    }
}

#[tokio::test]
async fn a_mailbox_that_goes_meanwhile_is_no_reason_to_lose_a_message() {
    let (accounts, people) = people(&["ann@example.org"]).await;
    let ann = &people[0];
    ann.ensure_mailbox(&Origin::desk(), &name("Lists")).await.unwrap();
    let mut delivery = Delivery::new(&accounts, Origin::desk(), vec![parcel(ann, &["Lists"])]);
    delivery.write(Bytes::from_static(b"a: b\r\n\r\n")).await;
    delivery.end().await;
    delete(ann, &name("Lists")).await.unwrap();
    assert_eq!(landed(&delivery.deliver_next().await.unwrap()[0]), "INBOX");
}

#[tokio::test]
async fn who_waits_for_a_mailbox_is_told_of_a_delivery() {
    let (accounts, people) = people(&["ann@example.org"]).await;
    let inbox = support::id(&people[0], "INBOX").await;
    let mut changes = people[0].open(inbox).await.unwrap().changes();
    assert!(!changes.has_changed().unwrap());
    deliver(&accounts, vec![parcel(&people[0], &["INBOX"])], b"a: b\r\n\r\n", 99).await;
    assert!(changes.has_changed().unwrap());
    assert_eq!(changes.borrow_and_update().state().messages(), 1);
}

#[tokio::test]
async fn a_large_message_for_a_hundred_is_on_its_way_to_four_at_a_time() {
    let counting = Counting::over(store());
    let bodies = Arc::clone(&counting.bodies);
    let store: Arc<dyn store::Store> = Arc::new(counting);
    let accounts = accounts(&store).await;
    let record = record("secret");
    let mut parcels = Vec::new();
    for n in 0..100 {
        let id = accounts.add(&format!("person{n}@example.org"), &record).await.unwrap();
        parcels.push(parcel(&accounts.account(id), &["INBOX"]));
    }
    let outcomes = deliver(&accounts, parcels, &vec![b'x'; 300 << 10], 16 << 10).await;
    assert!(outcomes.len() == 100 && outcomes.iter().flatten().all(Result::is_ok));
    assert_eq!(bodies.most(), 4);
}

/// Another process deletes a mailbox, and this one has not heard of it when a message comes for it and for INBOX.
#[tokio::test]
async fn a_mailbox_that_another_process_has_deleted_does_not_give_inbox_the_message_twice() {
    let store = store();
    let (accounts, ann) = support::ann(&store).await;
    ann.ensure_mailbox(&Origin::desk(), &name("Lists")).await.unwrap();
    let there = support::accounts(&store).await.account(ann.id());
    delete(&there, &name("Lists")).await.unwrap();
    let outcome =
        deliver(&accounts, vec![parcel(&ann, &["Lists", "INBOX", "Lists"])], b"a: b\r\n\r\n", 99).await;
    assert_eq!(outcome[0].iter().map(landed).collect::<Vec<_>>(), ["INBOX"; 3]);
    assert_eq!(messages(&ann, "INBOX").await.len(), 1);
}

/// A hundred accounts on a disk of which the syncs are counted.
#[tokio::test]
async fn a_message_for_a_hundred_accounts_costs_a_few_syncs_and_is_answered_in_order() {
    let disk = FaultyDisk::new(1);
    let (store, mut pump) = local::open(&disk);
    let accounts = pumping(&mut pump, accounts(&store)).await;
    let record = record("secret");
    let mut people = Vec::new();
    for n in 0..100 {
        let id = pumping(&mut pump, accounts.add(&format!("person{n}@example.org"), &record)).await.unwrap();
        people.push(accounts.account(id));
    }
    let parcels = || people.iter().map(|account| parcel(account, &["INBOX"])).collect();
    // The first message to an account founds it.
    pumping(&mut pump, deliver(&accounts, parcels(), b"a: b\r\n\r\n", 99)).await;
    let before = disk.syncs("log");
    let outcomes = pumping(&mut pump, deliver(&accounts, parcels(), b"Subject: second\r\n\r\n", 99)).await;
    let syncs = disk.syncs("log") - before;
    assert!((1..=8).contains(&syncs), "{syncs}");
    for (account, outcome) in people.iter().zip(&outcomes) {
        let heading = format!("Delivered-To: {}\r\n", account.id().0);
        assert_eq!(outcome[0].as_ref().unwrap().octets, heading.len() as u64 + 19);
        assert_eq!(pumping(&mut pump, messages(account, "INBOX")).await.len(), 2);
    }
}

/// A mail server need not listen to its answers, and a change of an account must not wait until it does.
#[tokio::test]
async fn nobody_waits_for_a_delivery_that_nobody_asks_on() {
    for seed in 0..64 {
        println!("seed {seed}");
        let mischief = Arc::new(Mischief::over(store(), Arc::new(Dice::new(seed))));
        mischief.calm_down();
        let store: Arc<dyn store::Store> = mischief;
        let accounts = accounts(&store).await;
        let mut parcels = Vec::new();
        for name in ["ann", "bob", "eve"] {
            let id = accounts.add(name, &record("secret")).await.unwrap();
            parcels.push(parcel(&accounts.account(id), &["INBOX"]));
        }
        let eve = accounts.account(parcels[2].account);
        let mut delivery = Delivery::new(&accounts, Origin::desk(), parcels);
        delivery.write(Bytes::from_static(b"a: b\r\n\r\n")).await;
        delivery.end().await;
        assert!(delivery.deliver_next().await.unwrap()[0].is_ok());
        let patience = async {
            for _ in 0..10_000 {
                tokio::task::yield_now().await;
            }
        };
        let (origin, lists) = (Origin::desk(), name("Lists"));
        tokio::select! {
            biased;
            made = eve.ensure_mailbox(&origin, &lists) => drop(made.unwrap()),
            () = patience => panic!("it waits for a delivery that nobody asks on"),
        }
    }
}

/// What is stored of a message that nobody has room for: nothing, and nothing on the way.
#[tokio::test]
async fn a_large_message_that_nobody_has_room_for_is_not_staged() {
    let counting = Counting::over(store());
    let bodies = Arc::clone(&counting.bodies);
    let store: Arc<dyn store::Store> = Arc::new(counting);
    let accounts = accounts(&store).await;
    let mut people = Vec::new();
    for (name, octets) in [("full@example.org", 500), ("small@example.org", 1 << 20)] {
        let id = accounts.add(name, &record("secret")).await.unwrap();
        let few = |allowed: Allowances| Allowances { octets: Allowance::AtMost(octets), ..allowed };
        accounts.account(id).allow(&Origin::desk(), few).await.unwrap();
        people.push(accounts.account(id));
    }
    let is_full = |outcome: &Vec<_>| matches!(outcome[..], [Err(Error::OverQuota(_))]);
    // The first has room for nothing, so nothing is written.
    let outcomes =
        deliver(&accounts, vec![parcel(&people[0], &["INBOX"])], &vec![b'x'; 3 << 20], 16 << 10).await;
    assert!(outcomes.iter().all(is_full), "{outcomes:?}");
    assert_eq!((bodies.begun(), bodies.octets()), (0, 0));
    // The second has room for some of it, and so much is written.
    let parcels = people.iter().map(|account| parcel(account, &["INBOX"])).collect();
    let outcomes = deliver(&accounts, parcels, &vec![b'x'; 3 << 20], 16 << 10).await;
    assert!(outcomes.len() == 2 && outcomes.iter().all(is_full), "{outcomes:?}");
    assert_eq!(bodies.begun(), 1);
    assert!(bodies.octets() <= 1 << 20, "{}", bodies.octets());
    for account in &people {
        assert_eq!(store.list_bodies(account.id(), None, 9).await.unwrap(), []);
    }
    // And the first does not hinder the second.
    let parcels = people.iter().map(|account| parcel(account, &["INBOX"])).collect();
    let outcomes = deliver(&accounts, parcels, &vec![b'x'; 700 << 10], 16 << 10).await;
    assert!(is_full(&outcomes[0]) && outcomes[1][0].is_ok(), "{outcomes:?}");
    assert_eq!(store.list_bodies(people[0].id(), None, 9).await.unwrap(), []);
    assert_eq!(store.list_bodies(people[1].id(), None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_account_leaves_no_file_for_each_try() {
    let disk = FaultyDisk::new(1);
    let (store, mut pump) = local::open(&disk);
    let work = async {
        let (accounts, ann) = support::ann(&store).await;
        let few = |allowed: Allowances| Allowances { octets: Allowance::AtMost(500), ..allowed };
        ann.allow(&Origin::desk(), few).await.unwrap();
        for _ in 0..3 {
            let outcomes =
                deliver(&accounts, vec![parcel(&ann, &["INBOX"])], &vec![b'x'; 1 << 20], 16 << 10).await;
            assert!(matches!(outcomes[0][..], [Err(Error::OverQuota(_))]), "{outcomes:?}");
        }
    };
    pumping(&mut pump, work).await;
    let files = |folder: &str| store_local::disk::Disk::list(&disk, folder.as_ref()).unwrap_or_default();
    let bodies: Vec<_> = files("bodies").into_iter().filter(|name| name != "staging").collect();
    assert_eq!((bodies, files("bodies/staging")), (vec![], vec![]));
}

#[tokio::test]
async fn a_mailbox_that_there_is_no_room_for_does_not_hinder_the_one_before_it() {
    let (accounts, people) = people(&["ann@example.org"]).await;
    let ann = &people[0];
    let few = |allowed: Allowances| Allowances { octets: Allowance::AtMost(150), ..allowed };
    ann.allow(&Origin::desk(), few).await.unwrap();
    let wanted = ["INBOX", "Archive", "INBOX"];
    let outcome = deliver(&accounts, vec![parcel(ann, &wanted)], &[b'x'; 80], 99).await;
    assert!(matches!(outcome[0][..], [Ok(_), Err(Error::OverQuota(_)), Ok(_)]), "{outcome:?}");
    assert_eq!((messages(ann, "INBOX").await.len(), messages(ann, "Archive").await.len()), (1, 0));
}

/// Somebody else fills the account between the last octet and the commit.
#[tokio::test]
async fn what_was_staged_for_an_account_that_fills_up_meanwhile_goes_again() {
    let store = store();
    let (accounts, ann) = support::ann(&store).await;
    let few = |allowed: Allowances| Allowances { octets: Allowance::AtMost(1 << 20), ..allowed };
    ann.allow(&Origin::desk(), few).await.unwrap();
    let large = vec![b'x'; 700 << 10];
    let mut late = Delivery::new(&accounts, Origin::desk(), vec![parcel(&ann, &["INBOX"])]);
    late.write(large.clone().into()).await;
    late.end().await;
    let early = Delivery::new(&accounts, Origin::desk(), vec![parcel(&ann, &["INBOX"])]);
    let early = deliver_whole(early, &large[..600 << 10]).await;
    assert_eq!(landed(&early[0]), "INBOX");
    assert!(matches!(late.deliver_next().await.unwrap()[..], [Err(Error::OverQuota(_))]));
    assert_eq!(store.list_bodies(ann.id(), None, 9).await.unwrap().len(), 1);
    // The same octets as those of a message that is there are not taken away with it.
    let again = Delivery::new(&accounts, Origin::desk(), vec![parcel(&ann, &["INBOX"])]);
    let again = deliver_whole(again, &large[..600 << 10]).await;
    assert!(matches!(again[..], [Err(Error::OverQuota(_))]), "{again:?}");
    assert_eq!(messages(&ann, "INBOX").await.len(), 1);
}

/// Both were staged before either was filed, and there is room for one.
#[tokio::test]
async fn what_was_staged_twice_and_filed_once_is_not_cleared_away() {
    let store = store();
    let (accounts, ann) = support::ann(&store).await;
    let few = |allowed: Allowances| Allowances { octets: Allowance::AtMost(1 << 20), ..allowed };
    ann.allow(&Origin::desk(), few).await.unwrap();
    let large = vec![b'x'; 700 << 10];
    let mut late = Delivery::new(&accounts, Origin::desk(), vec![parcel(&ann, &["INBOX"])]);
    late.write(large.clone().into()).await;
    late.end().await;
    let early = Delivery::new(&accounts, Origin::desk(), vec![parcel(&ann, &["INBOX"])]);
    assert_eq!(landed(&deliver_whole(early, &large).await[0]), "INBOX");
    assert!(matches!(late.deliver_next().await.unwrap()[..], [Err(Error::OverQuota(_))]));
    assert_eq!(store.list_bodies(ann.id(), None, 9).await.unwrap().len(), 1);
    assert_eq!(messages(&ann, "INBOX").await.len(), 1);
}

async fn deliver_whole(mut delivery: Delivery, message: &[u8]) -> Vec<Result<Landed, Error>> {
    delivery.write(Bytes::copy_from_slice(message)).await;
    delivery.end().await;
    delivery.deliver_next().await.unwrap()
}
