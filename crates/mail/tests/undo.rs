//! What was done is told, and undone: messages, flags, mailboxes, accounts.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use mail::{Account, Accounts, Error, Moment, Origin, Protocol, Undone, World};
use mailbox::account::directory::DirectoryRefusal;
use mailbox::account::{Allowance, Allowances, MailboxId, SpecialUses};
use mailbox::{Change, Doomed, Event, Flags, SystemFlags};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use store::Store;
use support::{append, delete, id, record, store};
use terms::{Keyword, MailboxName, Uid, UidSet};

/// A clock that a test moves.
#[derive(Clone, Default)]
struct Clock {
    now_ms: Arc<AtomicI64>,
    chance: Arc<AtomicU64>,
}

impl World for Clock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn random(&self, into: &mut [u8]) {
        let next = self.chance.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        into.iter_mut().zip(next.into_iter().cycle()).for_each(|(octet, random)| *octet = random);
    }
}

/// An account whose clock a test moves.
struct Scene {
    clock: Clock,
    accounts: Accounts,
    ann: Arc<Account>,
    inbox: MailboxId,
}

impl Scene {
    async fn new() -> Self {
        let clock = Clock::default();
        let store: Arc<dyn Store> = store();
        let accounts = Accounts::open(store, Arc::new(clock.clone())).await.unwrap();
        let ann = accounts.account(accounts.add("ann@example.org", &record("secret")).await.unwrap());
        let inbox = id(&ann, "INBOX").await;
        let scene = Self { clock, accounts, ann, inbox };
        scene.at(1_000);
        scene
    }

    /// It is so many seconds later than nothing.
    fn at(&self, seconds: i64) {
        self.clock.now_ms.store(seconds * 1_000, Ordering::Relaxed);
    }

    async fn append(&self, subject: &str) -> Uid {
        append(&self.ann, self.inbox, &format!("Subject: {subject}\r\n\r\n{subject}\r\n")).await.unwrap().uid
    }

    async fn flag(&self, uid: Uid, change: Change, flags: Flags) {
        let (account, uids) = (self.ann.id(), one(uid));
        let request = mailbox::Store { account, uids: &uids, change, flags: &flags, unchanged_since: None };
        let store = |proposal: &mut mail::Proposal| {
            let stored = mailbox::store(proposal.mailbox(self.inbox)?, &request).map_err(Error::from)?;
            stored.events.iter().try_for_each(|event| proposal.push(self.inbox, event))
        };
        self.ann.change(&phone(&self.ann), store).await.unwrap();
    }

    async fn expunge(&self, uid: Uid) {
        self.flag(uid, Change::Add, Flags::system(SystemFlags::DELETED)).await;
        let expunge = |proposal: &mut mail::Proposal| {
            let expunging = mailbox::expunge(proposal.mailbox(self.inbox)?, Doomed::Deleted)?;
            expunging.events.iter().try_for_each(|event| proposal.push(self.inbox, event))
        };
        self.ann.change(&phone(&self.ann), expunge).await.unwrap();
    }

    /// Subject and flags of each message of a mailbox, in order.
    async fn content(&self, mailbox: MailboxId) -> Vec<(u32, String, Flags)> {
        let newest = self.ann.open(mailbox).await.unwrap().newest();
        let state = newest.state();
        let uids = state.uids(Uid::MIN);
        let (_, copies) = mailbox::copies(state, self.ann.id(), &uids, 0);
        let names = self.ann.body_names(state, &uids).await.unwrap();
        let mut content = Vec::new();
        for ((uid, body), copy) in names.into_iter().zip(copies) {
            let octets = self.ann.body(body, 0, 1_000).await.unwrap().unwrap();
            let text = String::from_utf8(octets.to_vec()).unwrap();
            let subject = text.lines().next().unwrap().trim_start_matches("Subject: ").to_owned();
            content.push((uid.get(), subject, copy.flags));
        }
        content
    }

    async fn past(&self, moment: Moment) -> mailbox::MailboxState {
        self.ann.state_at(self.inbox, moment).await.unwrap().unwrap()
    }
}

fn one(uid: Uid) -> UidSet {
    [uid].into_iter().collect()
}

fn named(text: &str) -> MailboxName {
    MailboxName::new(text).unwrap()
}

fn phone(account: &Account) -> Origin {
    Origin {
        account: Some(account.id()),
        protocol: Protocol::Imap,
        address: "192.0.2.9".parse().ok(),
        session: 7,
        device: "phone".into(),
    }
}

fn red() -> Flags {
    let mut red = Flags::system(SystemFlags::FLAGGED);
    red.push(Keyword::new("red").unwrap());
    red
}

#[tokio::test]
async fn history_tells_who_did_what_from_which_device_and_when_newest_first() {
    let scene = Scene::new().await;
    let uid = scene.append("one").await;
    scene.at(2_000);
    scene.expunge(uid).await;
    let told = scene.ann.history(scene.inbox, 10).await.unwrap();
    let kinds: Vec<_> = told.iter().map(|one| (one.time_ms / 1_000, one.modseq.get(), &one.event)).collect();
    assert!(matches!(
        kinds[..],
        [
            (2_000, 4, Event::Expunged { .. }),
            (2_000, 3, Event::FlagsChanged(_)),
            (1_000, 2, Event::Appended(_)),
            (0, 1, Event::Created(_))
        ]
    ));
    assert_eq!(told[0].origin.as_ref(), Some(&phone(&scene.ann)));
    let newest = scene.ann.history(scene.inbox, 1).await.unwrap();
    assert!(matches!(newest[..], [mail::Happened { time_ms: 2_000_000, event: Event::Expunged { .. }, .. }]));
}

#[tokio::test]
async fn a_mailbox_is_told_as_it_was_at_a_time_or_a_modseq_however_often_it_was_snapshotted() {
    let scene = Scene::new().await;
    let mut modseqs = Vec::new();
    for n in 0..3_000_u32 {
        scene.at(1_000 + i64::from(n));
        scene.append("x").await;
        modseqs.push(scene.ann.open(scene.inbox).await.unwrap().newest().state().last_modseq());
    }
    for n in [0, 1, 1_023, 1_024, 2_047, 2_999_u32] {
        let by_time = scene.past(Moment::Time((1_000 + i64::from(n)) * 1_000 + 999)).await;
        let by_modseq = scene.past(Moment::ModSeq(modseqs[n as usize])).await;
        assert_eq!((by_time.messages(), by_modseq.messages()), (n + 1, n + 1));
    }
    let before_all = scene.ann.state_at(scene.inbox, Moment::Time(-1)).await.unwrap();
    assert!(before_all.is_none());
}

#[tokio::test]
async fn a_mailbox_is_made_as_it_was_and_what_came_in_since_stays() {
    let scene = Scene::new().await;
    let (gone, there) = (scene.append("gone").await, scene.append("there").await);
    scene.flag(there, Change::Replace, red()).await;
    scene.at(2_000);
    scene.flag(there, Change::Replace, Flags::system(SystemFlags::SEEN)).await;
    scene.expunge(gone).await;
    scene.append("new").await;
    let past = scene.past(Moment::Time(1_500_000)).await;
    let origin = Origin::desk();
    let undone = scene.ann.restore_in_place(&origin, scene.inbox, &past).await.unwrap();
    assert_eq!(undone, Undone { messages: 1, flags: 1, gone: 0 });
    let expected =
        [(2, "there".into(), red()), (3, "new".into(), Flags::NONE), (4, "gone".into(), Flags::NONE)];
    assert_eq!(scene.content(scene.inbox).await, expected);
    let again = scene.ann.restore_in_place(&origin, scene.inbox, &past).await.unwrap();
    assert_eq!(again, Undone::default(), "there is nothing left to be done");
}

#[tokio::test]
async fn a_mailbox_as_it_was_is_put_beside_the_one_that_is() {
    let scene = Scene::new().await;
    let gone = scene.append("gone").await;
    scene.flag(gone, Change::Replace, red()).await;
    scene.at(2_000);
    scene.expunge(gone).await;
    let past = scene.past(Moment::Time(1_500_000)).await;
    let name = named("INBOX as it was");
    let undone = scene.ann.restore_as(&Origin::desk(), &past, &name).await.unwrap();
    assert_eq!(undone, Undone { messages: 1, flags: 0, gone: 0 });
    assert_eq!(scene.content(id(&scene.ann, name.as_str()).await).await, [(1, "gone".into(), red())]);
    assert_eq!(scene.content(scene.inbox).await, []);
    let taken = scene.ann.restore_as(&Origin::desk(), &past, &name).await;
    assert!(matches!(taken, Err(Error::Refused(_))), "{taken:?}");
}

#[tokio::test]
async fn expunged_messages_come_back_undeleted_but_not_those_that_were_moved() {
    let scene = Scene::new().await;
    let early = scene.append("early").await;
    let late = scene.append("late").await;
    let moved = scene.append("moved").await;
    scene.expunge(early).await;
    scene.at(2_000);
    scene.flag(late, Change::Replace, red()).await;
    scene.expunge(late).await;
    let archive = id(&scene.ann, "Archive").await;
    let (origin, reader) = (Origin::desk(), scene.ann.id());
    let from = (scene.inbox, &one(moved));
    scene.ann.transfer(&origin, mail::Transfer::Move, reader, from, archive).await.unwrap();
    let since = scene.ann.undelete_messages(&origin, scene.inbox, 2_000_000).await.unwrap();
    assert_eq!(since, Undone { messages: 1, flags: 0, gone: 0 });
    assert_eq!(scene.content(scene.inbox).await, [(4, "late".into(), red())]);
    let all = scene.ann.undelete_messages(&origin, scene.inbox, 0).await.unwrap();
    assert_eq!(all, Undone { messages: 1, flags: 0, gone: 0 }, "those that are there are not brought twice");
    assert_eq!(scene.content(scene.inbox).await[1], (5, "early".into(), Flags::NONE));
}

#[tokio::test]
async fn a_deleted_mailbox_comes_back_with_the_uids_and_the_uidvalidity_that_it_had() {
    let scene = Scene::new().await;
    let (origin, name) = (Origin::desk(), named("Work"));
    scene.ann.create_mailbox(&origin, &name, SpecialUses::NONE).await.unwrap();
    let work = id(&scene.ann, "Work").await;
    append(&scene.ann, work, "Subject: plan\r\n\r\n").await.unwrap();
    let before = scene.ann.open(work).await.unwrap().newest().state().head();
    scene.at(2_000);
    delete(&scene.ann, &name).await.unwrap();
    let deleted = scene.ann.deleted_mailboxes().await.unwrap();
    let [deleted] = &deleted[..] else { panic!("{deleted:?}") };
    assert_eq!((deleted.name.as_str(), deleted.time_ms), ("Work", 2_000_000));
    assert_eq!(deleted.head.map(|head| head.messages), Some(1));

    let full = Allowances { octets: Allowance::AtMost(1), ..Allowances::default() };
    scene.ann.allow(&origin, |_| full).await.unwrap();
    let refused = scene.ann.undelete_mailbox(&origin, deleted, &name).await;
    assert!(matches!(refused, Err(Error::OverQuota(_))), "{refused:?}");
    scene.ann.allow(&origin, |_| Allowances::default()).await.unwrap();

    scene.ann.undelete_mailbox(&origin, deleted, &name).await.unwrap();
    assert_eq!(id(&scene.ann, "Work").await, work);
    assert_eq!(scene.ann.open(work).await.unwrap().newest().state().head(), before);
    assert_eq!(append(&scene.ann, work, "Subject: more\r\n\r\n").await.unwrap().uid.get(), 2);
    assert_eq!(scene.content(work).await.len(), 2);
    assert_eq!(scene.ann.usage().await.unwrap().messages, 2);
    assert!(scene.ann.deleted_mailboxes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_removed_account_comes_back_with_its_mail_and_its_password() {
    let scene = Scene::new().await;
    scene.append("kept").await;
    scene.at(2_000);
    scene.accounts.remove("ann@example.org").await.unwrap();
    let removed = scene.accounts.removed().await.unwrap();
    let [ann] = &removed[..] else { panic!("{removed:?}") };
    assert_eq!((ann.login.as_str(), ann.time_ms), ("ann@example.org", 2_000_000));
    assert!(matches!(scene.ann.names().await, Err(Error::AccountRemoved)));

    scene.accounts.add("ann@example.org", &record("other")).await.unwrap();
    let taken = scene.accounts.restore(ann, "ann@example.org").await;
    let taken = matches!(taken, Err(mail::DirectoryError::Refused(DirectoryRefusal::AlreadyExists(_))));
    assert!(taken);
    scene.accounts.restore(ann, "ann.before@example.org").await.unwrap();
    let back = scene.accounts.named("ann.before@example.org").unwrap();
    assert_eq!(back.id(), scene.ann.id());
    assert_eq!(back.open(scene.inbox).await.unwrap().newest().state().messages(), 1);
    let found = scene.accounts.find("ann.before@example.org", &record("secret").cost());
    assert_eq!(found.record.encode(), record("secret").encode());
    assert!(scene.accounts.removed().await.unwrap().is_empty());
    assert!(matches!(scene.ann.names().await, Err(Error::AccountRemoved)), "who was signed in stays out");
}

#[tokio::test]
async fn what_comes_behind_a_skip_has_numbers_that_what_was_forgotten_cannot_have() {
    let clock = Clock::default();
    let store: Arc<dyn Store> = store();
    let open = || Accounts::open(Arc::clone(&store), Arc::new(clock.clone()));
    let accounts = open().await.unwrap();
    let ann = accounts.account(accounts.add("ann@example.org", &record("secret")).await.unwrap());
    let inbox = id(&ann, "INBOX").await;
    append(&ann, inbox, "Subject: kept\r\n\r\nkept\r\n").await.unwrap();
    let name = |text: &str| MailboxName::new(text).unwrap();
    ann.create_mailbox(&phone(&ann), &name("deleted"), SpecialUses::NONE).await.unwrap();
    delete(&ann, &name("deleted")).await.unwrap();
    let before = ann.open(inbox).await.unwrap().newest();
    let gone = accounts.add("gone@example.org", &record("secret")).await.unwrap();
    accounts.remove("gone@example.org").await.unwrap();

    let skipped = mail::skip_numbers(&*store, &clock).await.unwrap();
    assert_eq!((skipped.accounts, skipped.left), (2, vec![]));
    let accounts = open().await.unwrap();
    let ann = accounts.account(ann.id());
    let after = ann.open(inbox).await.unwrap().newest();
    let (before, after) = (before.state(), after.state());
    assert_eq!(after.uid_next().get(), before.uid_next().get() + mail::SKIPPED_UIDS);
    assert!(after.last_modseq().get() >= before.last_modseq().get() + mail::SKIPPED_MODSEQS);
    assert_eq!((after.messages(), after.uid_validity()), (before.messages(), before.uid_validity()));
    let heads = ann.heads(&[inbox]).await.unwrap();
    assert_eq!(heads[0].unwrap(), after.head(), "STATUS says what SELECT says");
    let uid = append(&ann, inbox, "Subject: new\r\n\r\nnew\r\n").await.unwrap().uid;
    assert_eq!(uid, after.uid_next());
    ann.create_mailbox(&phone(&ann), &name("new"), SpecialUses::NONE).await.unwrap();
    assert!(id(&ann, "new").await.get() > mail::SKIPPED_MAILBOXES);
    // One that was deleted comes back with numbers passed over as well.
    let deleted = ann.deleted_mailboxes().await.unwrap().remove(0);
    ann.undelete_mailbox(&phone(&ann), &deleted, &name("deleted")).await.unwrap();
    let back = ann.open(deleted.mailbox.id).await.unwrap().newest();
    assert_eq!(back.state().uid_next().get(), 1 + mail::SKIPPED_UIDS);
    let added = accounts.add("new@example.org", &record("secret")).await.unwrap();
    assert_eq!(added.0, gone.0 + mail::SKIPPED_ACCOUNTS + 1);
}
