//! Accounts over a store: durability, order and retries as a session meets them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use mail::{Error, Origin};
use mailbox::account::directory::{DirectoryEvent, Standing};
use mailbox::account::{Limits, MailboxId};
use sasl::{Cost, CredentialRecord, DecoyKey, Salts, ScramVerifier, Secret};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{AccountId, EmailId, EmailRange};
use support::{CHEAP, accounts, ann, append, delete, id, record, store};
use terms::MailboxName;

#[tokio::test]
async fn a_new_account_has_the_mailboxes_that_clients_look_for() {
    let (_, ann) = ann(&store()).await;
    let names = ann.names().await.unwrap();
    let list: Vec<_> = names.mailboxes().map(|(name, _)| name.to_string()).collect();
    assert_eq!(list, ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]);
}

#[tokio::test]
async fn sixty_four_sessions_append_at_once_and_every_uid_is_given_once() {
    let (_, ann) = ann(&store()).await;
    let inbox = id(&ann, "INBOX").await;
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let ann = Arc::clone(&ann);
            tokio::spawn(async move {
                append(&ann, inbox, &format!("Subject: {n}\r\n\r\n{n}\r\n")).await.unwrap()
            })
        })
        .collect();
    let mut uids = Vec::new();
    for task in tasks {
        uids.push(task.await.unwrap().uid.get());
    }
    uids.sort_unstable();
    assert_eq!(uids, (1..=64).collect::<Vec<_>>());
    let mailbox = ann.open(inbox).await.unwrap();
    assert_eq!(mailbox.newest().state().messages(), 64);
}

#[tokio::test]
async fn what_another_process_did_is_folded_in_and_the_change_decided_anew() {
    let store = store();
    let (_, here) = ann(&store).await;
    let inbox = id(&here, "INBOX").await;
    here.open(inbox).await.unwrap();
    let elsewhere = accounts(&store).await;
    let there = elsewhere.account(here.id());
    assert_eq!(append(&there, inbox, "a: b\r\n\r\n").await.unwrap().uid.get(), 1);
    assert_eq!(append(&here, inbox, "c: d\r\n\r\n").await.unwrap().uid.get(), 2);
    assert_eq!(append(&there, inbox, "e: f\r\n\r\n").await.unwrap().uid.get(), 3);
    assert_eq!(here.open(inbox).await.unwrap().newest().state().messages(), 2, "what it has seen");
}

#[tokio::test]
async fn a_change_wakes_whoever_watches_the_mailbox() {
    let (_, ann) = ann(&store()).await;
    let inbox = id(&ann, "INBOX").await;
    let mailbox = ann.open(inbox).await.unwrap();
    let mut changes = mailbox.changes();
    let watcher = tokio::spawn(async move {
        changes.changed().await.unwrap();
        changes.borrow().state().messages()
    });
    append(&ann, inbox, "a: b\r\n\r\n").await.unwrap();
    assert_eq!(watcher.await.unwrap(), 1);
}

#[tokio::test]
async fn what_another_process_does_is_seen_here_without_asking() {
    let store = store();
    let (here, ann_here) = ann(&store).await;
    let inbox = id(&ann_here, "INBOX").await;
    let mailbox = ann_here.open(inbox).await.unwrap();
    let mut changes = mailbox.changes();
    let there = accounts(&store).await.account(ann_here.id());
    let seen = async {
        changes.changed().await.unwrap();
        changes.borrow().state().messages()
    };
    let appended = async {
        // The first look at hints must have begun, or the append is older than the watch.
        tokio::task::yield_now().await;
        append(&there, inbox, "a: b\r\n\r\n").await.unwrap()
    };
    tokio::select! {
        () = here.follow() => unreachable!("the store is open"),
        (seen, _) = async { tokio::join!(seen, appended) } => assert_eq!(seen, 1),
    }
}

#[tokio::test]
async fn a_deleted_mailbox_takes_nothing_and_tells_whoever_watches() {
    let (_, ann) = ann(&store()).await;
    let junk = id(&ann, "Junk").await;
    let mailbox = ann.open(junk).await.unwrap();
    delete(&ann, &MailboxName::new("Junk").unwrap()).await.unwrap();
    assert!(mailbox.newest().is_closed());
    assert!(matches!(append(&ann, junk, "a: b\r\n\r\n").await, Err(Error::NoSuchMailbox)));
    assert!(matches!(ann.open(junk).await, Err(Error::NoSuchMailbox)));
}

#[tokio::test]
async fn renaming_inbox_moves_its_messages_and_leaves_it_empty() {
    let (_, ann) = ann(&store()).await;
    let inbox = id(&ann, "INBOX").await;
    for n in 0..3 {
        append(&ann, inbox, &format!("n: {n}\r\n\r\n")).await.unwrap();
    }
    let to = MailboxName::new("Old").unwrap();
    let rename = move |proposal: &mut mail::Proposal| {
        let now = proposal.now_s();
        let plan = proposal.account().rename(&MailboxName::inbox(), &to, now, &Limits::default());
        proposal.follow(&plan.map_err(Error::from)?)
    };
    ann.change(&Origin::desk(), rename).await.unwrap();
    let (inbox, old) = (ann.open(inbox).await.unwrap(), ann.open(id(&ann, "Old").await).await.unwrap());
    assert_eq!(inbox.newest().state().messages(), 0);
    assert_eq!(inbox.newest().state().uid_next().get(), 4, "INBOX gives no UID twice");
    assert_eq!(old.newest().state().messages(), 3);
    let born = |uid| EmailId { mailbox: inbox.id().get(), uid };
    let records = ann.records(&[EmailRange { first: born(1), last: born(3) }]).await.unwrap();
    assert_eq!(records.len(), 3, "a message keeps its identity and its record");
}

#[tokio::test]
async fn a_message_reads_back_as_it_came_small_or_large() {
    let (_, ann) = ann(&store()).await;
    let inbox = id(&ann, "INBOX").await;
    for octets in [10, store::MAX_INLINE_BODY, store::MAX_INLINE_BODY + 1, 1 << 20] {
        let text = format!("Subject: x\r\n\r\n{}", "0123456789".repeat(octets / 10));
        let uid = append(&ann, inbox, &text).await.unwrap().uid;
        let born = EmailId { mailbox: inbox.get(), uid: uid.get() };
        let records = ann.records(&[EmailRange { first: born, last: born }]).await.unwrap();
        let record = message::RecordView::new(&records.first().unwrap().1).unwrap();
        assert_eq!(record.size(), text.len() as u64);
        let body = ann.body(record.body(), 0, text.len()).await.unwrap().unwrap();
        assert_eq!(body, text.as_bytes());
    }
}

#[tokio::test]
async fn the_heads_say_without_opening_what_the_state_says() {
    let store = store();
    let (_, ann) = ann(&store).await;
    let inbox = id(&ann, "INBOX").await;
    append(&ann, inbox, "a: b\r\n\r\n").await.unwrap();
    let fresh = accounts(&store).await.account(ann.id());
    let heads = fresh.heads(&[inbox, MailboxId::new(999).unwrap()]).await.unwrap();
    assert_eq!(
        heads.first().unwrap().as_ref(),
        Some(&ann.open(inbox).await.unwrap().newest().state().head())
    );
    assert_eq!(heads.get(1), Some(&None));
}

#[tokio::test]
async fn a_long_history_is_read_back_from_snapshot_and_tail() {
    let store = store();
    let (_, ann) = ann(&store).await;
    let inbox = id(&ann, "INBOX").await;
    let mailbox = ann.open(inbox).await.unwrap();
    // Keywords make events long, so that a few hundred outweigh what a snapshot waits for.
    for n in 0..400 {
        append(&ann, inbox, &format!("n: {n}\r\n\r\n")).await.unwrap();
        let keyword = terms::Keyword::new(&format!("k{n}-{}", "x".repeat(200))).unwrap();
        let change = move |proposal: &mut mail::Proposal| {
            let state = proposal.mailbox(inbox)?;
            let uids = state.uids(terms::Uid::MIN);
            let request = mailbox::Store {
                account: state.owner(),
                uids: &uids,
                change: mailbox::Change::Add,
                flags: &[terms::Flag::Keyword(keyword.clone())].iter().collect(),
                unchanged_since: None,
            };
            let stored = mailbox::store(state, &request)?;
            stored.events.iter().try_for_each(|event| proposal.push(inbox, event))
        };
        ann.change(&Origin::desk(), change).await.unwrap();
    }
    let stream = store::StreamId { account: ann.id(), number: inbox.get() };
    assert!(store.snapshot_at(stream, store::Seq(u64::MAX)).await.unwrap().is_some());
    let fresh = accounts(&store).await.account(ann.id());
    let read = fresh.open(inbox).await.unwrap().newest();
    let known = mailbox.newest();
    assert_eq!(read.state().snapshot(), known.state().snapshot());
}

#[tokio::test]
async fn a_name_that_nobody_has_costs_what_a_name_costs_and_fits_nothing() {
    let (accounts, ann) = ann(&store()).await;
    let cost = Cost::new(CHEAP.0, CHEAP.1, CHEAP.2).unwrap();
    let known = accounts.find("Ann@Example.org", &cost);
    assert_eq!(known.account, Some(ann.id()));
    let stranger = accounts.find("nobody@example.org", &cost);
    assert_eq!(stranger.account, None);
    assert_eq!(stranger.record.memory_octets(), known.record.memory_octets());
}

/// A record of another day, when records cost something else.
fn record_at(cost: &Cost) -> CredentialRecord {
    CredentialRecord::new(
        &Secret::password("secret").unwrap(),
        Salts([7; 32]),
        cost,
        &mut sasl::Workspace::new(),
    )
}

#[tokio::test]
async fn names_that_nobody_has_cost_what_the_accounts_cost_and_not_what_a_new_one_would() {
    let accounts = accounts(&store()).await;
    let [old, newer, newest] = [4_096, 5_000, 6_000].map(|n| Cost::new(8, n / 1_000, n).unwrap());
    let costs = || -> BTreeSet<Cost> {
        let cost = |n| accounts.find(&format!("nobody{n}"), &newest).record.cost();
        (0..200).map(cost).collect()
    };
    assert_eq!(costs(), [newest].into(), "what the first account will cost");
    accounts.add("ann", &record_at(&old)).await.unwrap();
    assert_eq!(costs(), [old].into());
    accounts.add("bob", &record_at(&old)).await.unwrap();
    accounts.set_credential("bob", &record_at(&newer)).await.unwrap();
    assert_eq!(costs(), [old, newer].into());
    // A disabled account shows what it has, too.
    accounts.set_standing("bob", Standing::Disabled).await.unwrap();
    assert_eq!(costs(), [old, newer].into());
    accounts.remove("ann").await.unwrap();
    assert_eq!(costs(), [newer].into());
    accounts.remove("bob").await.unwrap();
    assert_eq!(costs(), [newest].into());
}

/// What SCRAM shows of a name that nobody has.
fn shown(accounts: &mail::Accounts, name: &str) -> ScramVerifier {
    let cost = Cost::new(CHEAP.0, CHEAP.1, CHEAP.2).unwrap();
    let found = accounts.find(name, &cost);
    assert_eq!(found.account, None);
    found.record.scram().clone()
}

#[tokio::test]
async fn what_names_that_nobody_has_show_is_as_durable_as_what_the_others_show() {
    let store = store();
    let before = shown(&accounts(&store).await, "nobody@example.org");
    // A crash may take all soft values.
    store.put_soft(AccountId::DIRECTORY, b"decoy-key", None).await.unwrap();
    let (again, _) = ann(&store).await;
    assert_eq!(shown(&again, "nobody@example.org"), before);
    assert_eq!(shown(&accounts(&store).await, "nobody@example.org"), before);
}

#[tokio::test]
async fn a_secret_that_was_soft_is_taken_over_and_then_kept_in_one_place() {
    let (store, secret) = (store(), [9; 32]);
    let soft = Some(bytes::Bytes::copy_from_slice(&secret));
    store.put_soft(AccountId::DIRECTORY, b"decoy-key", soft).await.unwrap();
    let cost = Cost::new(CHEAP.0, CHEAP.1, CHEAP.2).unwrap();
    let expected = CredentialRecord::decoy(&DecoyKey::new(secret), "nobody", &cost);
    for _ in 0..2 {
        assert_eq!(shown(&accounts(&store).await, "nobody"), *expected.scram());
        assert_eq!(store.soft(AccountId::DIRECTORY, b"decoy-key").await, Ok(None));
    }
}

#[tokio::test]
async fn two_processes_that_begin_at_once_show_the_same() {
    let store = store();
    let (here, there) = tokio::join!(accounts(&store), accounts(&store));
    assert_eq!(shown(&here, "nobody"), shown(&there, "nobody"));
}

#[tokio::test]
async fn a_removed_account_frees_its_name_and_its_id_is_not_given_again() {
    let (accounts, ann) = ann(&store()).await;
    accounts.remove("ann@example.org").await.unwrap();
    assert!(accounts.list().is_empty());
    let again = accounts.add("ann@example.org", &record("other")).await.unwrap();
    assert_ne!(again, ann.id());
}

#[tokio::test]
async fn a_removed_account_gives_nothing_more_to_those_who_are_signed_in() {
    let (accounts, ann) = ann(&store()).await;
    let inbox = id(&ann, "INBOX").await;
    let mailbox = ann.open(inbox).await.unwrap();
    accounts.remove("ann@example.org").await.unwrap();
    assert!(mailbox.newest().is_closed(), "whoever waits in IDLE is told");
    assert!(matches!(append(&ann, inbox, "a: b\r\n\r\n").await, Err(Error::AccountRemoved)));
    assert!(matches!(ann.open(inbox).await, Err(Error::AccountRemoved)));
    assert!(matches!(ann.records(&[]).await, Err(Error::AccountRemoved)));
    // The password was right, but the account was removed while it was hashed.
    assert!(matches!(accounts.account(ann.id()).names().await, Err(Error::AccountRemoved)));
}

#[tokio::test]
async fn an_account_that_another_process_removes_gives_nothing_more_here() {
    let store = store();
    let (here, ann) = ann(&store).await;
    let inbox = id(&ann, "INBOX").await;
    let mut changes = ann.open(inbox).await.unwrap().changes();
    let removed = async {
        // The first look at hints must have begun.
        tokio::task::yield_now().await;
        accounts(&store).await.remove("ann@example.org").await.unwrap();
        changes.wait_for(mail::Newest::is_closed).await.map(drop).unwrap();
    };
    tokio::select! {
        () = here.follow() => unreachable!("the store is open"),
        () = removed => {}
    }
    assert!(here.list().is_empty());
}

#[tokio::test]
async fn what_one_commit_cannot_carry_is_refused_before_anything_is_sent() {
    let store = store();
    let (_, ann) = ann(&store).await;
    let inbox = id(&ann, "INBOX").await;
    let origin = Origin::desk();
    let refused = ann.change(&origin, |proposal: &mut mail::Proposal| {
        let message = |n: i64| mailbox::NewMessage {
            birth: mailbox::Birth::Elsewhere(EmailId { mailbox: 9, uid: 7_919 * (n as u32 % 500_000) + 1 }),
            flags: mailbox::Flags::NONE,
            internal_date: terms::InternalDate::new(n * 7_919_777 % 1_700_000_000, 0).unwrap(),
            size: (n as u64 * 7_919) % 50_000_000,
            save_date: n * 104_729 % 1_700_000_000,
        };
        for _ in 0..8 {
            let state = proposal.mailbox(inbox)?;
            let appending = mailbox::append(state, state.owner(), (0..100_000).map(message).collect())?;
            appending.events.iter().try_for_each(|event| proposal.push(inbox, event))?;
        }
        Ok(())
    });
    assert!(matches!(refused.await, Err(Error::TooMuch)));
    assert_eq!(append(&ann, inbox, "a: b\r\n\r\n").await.unwrap().uid.get(), 1, "the account goes on");
}

#[tokio::test]
async fn a_damaged_password_record_fits_nothing_until_there_is_a_new_one() {
    let store = store();
    let (accounts, ann) = ann(&store).await;
    let event = DirectoryEvent::CredentialChanged { id: ann.id(), credential: (*b"not one").into() };
    let directory = AccountId::DIRECTORY;
    let stream = store::StreamId { account: directory, number: 0 };
    let append = store::Append {
        stream,
        expected: store.heads(&[stream]).await.unwrap()[0].clone().unwrap().0,
        events: vec![event.encode().into()],
        head: store::Head::default(),
    };
    let commit = store::Commit {
        account: directory,
        id: store::CommitId([1; 16]),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 0,
        origin: bytes::Bytes::new(),
        appends: vec![append],
        records: Vec::new(),
        bodies: Vec::new(),
    };
    assert_eq!(store.commit(commit).await, Ok(store::Committed::Done));
    let again = support::accounts(&store).await;
    let cost = Cost::new(CHEAP.0, CHEAP.1, CHEAP.2).unwrap();
    assert_eq!(again.find("ann@example.org", &cost).account, None);
    accounts.set_credential("ann@example.org", &record("new")).await.unwrap();
    assert_eq!(accounts.find("ann@example.org", &cost).account, Some(ann.id()));
}
