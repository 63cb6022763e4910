//! Decisions and LIST, example by example.

use mailbox::account::{
    Account, AccountEvent, Allowance, Allowances, Children, Limits, ListRow, Listing, MailboxId, Pattern,
    Patterns, Plan, Presence, Refusal, SpecialUse, SpecialUses, StreamStep, Subscription,
};
use terms::{BadName, MailboxName, UidValidity};

const NOW_S: i64 = 1_800_000_000;

fn name(text: &str) -> MailboxName {
    MailboxName::new(text).unwrap()
}

/// An account, and what a user types.
struct Desk {
    account: Account,
    limits: Limits,
}

impl Desk {
    fn empty() -> Self {
        Self { account: Account::new(), limits: Limits::default() }
    }

    fn founded() -> Self {
        let mut desk = Self::empty();
        let plan = desk.account.found(NOW_S);
        desk.take(plan).unwrap();
        desk
    }

    /// With INBOX and these, none with a use or subscribed.
    fn with(names: &[&str]) -> Self {
        let mut desk = Self::empty();
        for text in std::iter::once(&"INBOX").chain(names) {
            desk.create(text).unwrap();
        }
        desk
    }

    fn take(&mut self, plan: Result<Plan, Refusal>) -> Result<Plan, Refusal> {
        for event in &plan.as_ref().map_err(Clone::clone)?.events {
            self.account.apply(event).unwrap();
        }
        plan
    }

    fn create(&mut self, text: &str) -> Result<Plan, Refusal> {
        let plan = self.account.create(&name(text), None, NOW_S, &self.limits);
        self.take(plan)
    }

    fn delete(&mut self, text: &str) -> Result<Plan, Refusal> {
        let plan = self.account.delete(&name(text));
        self.take(plan)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<Plan, Refusal> {
        let plan = self.account.rename(&name(from), &name(to), NOW_S, &self.limits);
        self.take(plan)
    }

    fn subscribe(&mut self, text: &str) -> Result<Plan, Refusal> {
        let plan = self.account.subscribe(&name(text), &self.limits);
        self.take(plan)
    }

    fn unsubscribe(&mut self, text: &str) {
        let plan = self.account.unsubscribe(&name(text));
        self.take(Ok(plan)).unwrap();
    }

    fn id(&self, text: &str) -> Option<MailboxId> {
        self.account.mailbox(&name(text)).map(|mailbox| mailbox.id)
    }

    fn list(&self, reference: &str, pattern: &str) -> Vec<String> {
        let listing = Listing::of(Patterns::new(reference, [pattern]));
        self.account.list(&listing).iter().map(show).collect()
    }

    fn lsub(&self, pattern: &str) -> Vec<String> {
        self.account.lsub(&Pattern::new("", pattern)).iter().map(show).collect()
    }
}

/// A row much as the wire has it: `+` for children, `*` for subscribed.
fn show(row: &ListRow) -> String {
    let presence = match row.presence {
        Presence::Selectable(_) => "",
        Presence::NoSelect => " \\Noselect",
        Presence::NonExistent => " \\NonExistent",
    };
    let children = if row.children == Children::Some { " +" } else { "" };
    let subscribed = if row.subscription == Subscription::Subscribed { " *" } else { "" };
    let special_use: String = row.special_uses.iter().map(|special_use| format!(" {special_use}")).collect();
    format!("{}{presence}{children}{subscribed}{special_use}", row.name)
}

#[test]
fn a_new_account_has_inbox_and_the_standard_set_subscribed_each_with_numbers_of_its_own() {
    let desk = Desk::founded();
    assert_eq!(
        desk.list("", "*"),
        [
            "Archive * \\Archive",
            "Drafts * \\Drafts",
            "INBOX *",
            "Junk * \\Junk",
            "Sent * \\Sent",
            "Trash * \\Trash",
        ]
    );
    assert_eq!(desk.lsub("%"), desk.list("", "%"));
    assert_eq!(desk.id("inbox"), Some(MailboxId::FIRST));
    let mut validities: Vec<_> =
        desk.account.mailboxes().map(|(_, mailbox)| mailbox.uid_validity.get()).collect();
    validities.sort_unstable();
    let first = u32::try_from(NOW_S).unwrap();
    assert_eq!(validities, (first..first + 6).collect::<Vec<_>>());
    assert!(desk.account.found(NOW_S).unwrap().is_empty(), "founding twice changes nothing");
}

#[test]
fn create_begins_a_stream_with_the_numbers_that_the_event_has() {
    let plan = Desk::founded().create("Work").unwrap();
    let [AccountEvent::Created { id, uid_validity, .. }] = plan.events[..] else { panic!("{plan:?}") };
    assert_eq!(plan.streams, [StreamStep::Begin { mailbox: id, uid_validity }]);
}

#[test]
fn create_refuses_inbox_what_exists_and_what_breaks_clients() {
    let mut desk = Desk::with(&["a"]);
    assert_eq!(desk.create("InBox"), Err(Refusal::AlreadyExists(MailboxName::inbox())));
    assert_eq!(desk.create("a/"), Err(Refusal::AlreadyExists(name("a"))));
    assert_eq!(desk.create("INBOX/inbox"), Err(Refusal::Name(BadName::InboxInInbox)));
    assert_eq!(desk.create("a%"), Err(Refusal::Name(BadName::Wildcard)));
    assert_eq!(desk.create(" a"), Err(Refusal::Name(BadName::SpaceAtEnd)));
    assert_eq!(desk.create("A").map(|_| ()), Ok(()), "names but INBOX have case");
}

#[test]
fn create_is_bounded_in_number_and_depth() {
    let mut desk = Desk::with(&["a"]);
    desk.limits = Limits { mailboxes: 3, subscriptions: 1, levels: 2, ..Limits::default() };
    assert_eq!(desk.create("a/b/c"), Err(Refusal::TooDeep(2)));
    desk.create("a/b").unwrap();
    assert_eq!(desk.create("d"), Err(Refusal::TooManyMailboxes(3)));
    assert_eq!(desk.rename("inbox", "d"), Err(Refusal::TooManyMailboxes(3)));
    assert_eq!(desk.rename("a", "d/e"), Err(Refusal::TooDeep(2)), "its child would be too deep");
    desk.subscribe("x").unwrap();
    assert_eq!(desk.subscribe("x").map(|plan| plan.is_empty()), Ok(true));
    assert_eq!(desk.subscribe("y"), Err(Refusal::TooManySubscriptions(1)));
}

#[test]
fn what_lies_above_a_mailbox_is_a_level_without_being_made() {
    // RFC 9051, 6.3.4: CREATE foo/bar/zap.
    let mut desk = Desk::with(&["foo/bar/zap"]);
    assert_eq!(desk.list("", "*"), ["INBOX", "foo/bar/zap"]);
    assert_eq!(desk.list("", "%"), ["INBOX", "foo \\NonExistent +"]);
    assert_eq!(desk.list("foo/", "%"), ["foo/bar \\NonExistent +"]);
    desk.create("foo").unwrap();
    assert_eq!(desk.list("", "%"), ["INBOX", "foo +"]);
}

#[test]
fn delete_of_a_parent_leaves_a_level_that_goes_with_its_last_child() {
    // RFC 9051, 6.3.5, both examples; in the first our level goes by itself.
    let mut desk = Desk::with(&["blurdybloop", "foo", "foo/bar"]);
    let ended = desk.id("foo").unwrap();
    assert_eq!(desk.delete("foo").unwrap().streams, [StreamStep::End { mailbox: ended }]);
    assert_eq!(desk.list("", "*"), ["INBOX", "blurdybloop", "foo/bar"]);
    assert_eq!(desk.list("", "%"), ["INBOX", "blurdybloop", "foo \\NonExistent +"]);
    assert_eq!(desk.delete("foo"), Err(Refusal::HasChildren(name("foo"))));
    desk.delete("foo/bar").unwrap();
    assert_eq!(desk.list("", "%"), ["INBOX", "blurdybloop"]);
    assert_eq!(desk.delete("foo"), Err(Refusal::NonExistent(name("foo"))));
    assert_eq!(desk.delete("inbox"), Err(Refusal::InboxStays));
}

#[test]
fn a_deleted_mailbox_comes_back_with_the_numbers_that_it_had() {
    let mut desk = Desk::founded();
    let deleted = *desk.account.mailbox(&name("Sent")).unwrap();
    desk.delete("Sent").unwrap();
    let plan = desk.account.undelete(&deleted, &name("Old/Sent"), &desk.limits);
    let plan = desk.take(plan).unwrap();
    assert_eq!(plan.streams, [StreamStep::Resume { mailbox: deleted.id }]);
    assert_eq!(AccountEvent::decode(&plan.events[0].encode()).as_ref(), Ok(&plan.events[0]));
    assert_eq!(desk.account.mailbox(&name("Old/Sent")), Some(&deleted));
    let again = desk.account.undelete(&deleted, &name("Sent"), &desk.limits);
    assert_eq!(again, Err(Refusal::AlreadyExists(name("Old/Sent"))), "it is there");
}

#[test]
fn a_mailbox_comes_back_without_the_use_that_another_has_taken_over_and_not_over_a_name_that_is_taken() {
    let mut desk = Desk::founded();
    let deleted = *desk.account.mailbox(&name("Sent")).unwrap();
    desk.delete("Sent").unwrap();
    let plan = desk.account.create(&name("Sent"), SpecialUse::Sent, NOW_S, &desk.limits);
    desk.take(plan).unwrap();
    let taken = desk.account.undelete(&deleted, &name("Sent"), &desk.limits);
    assert_eq!(taken, Err(Refusal::AlreadyExists(name("Sent"))));
    let plan = desk.account.undelete(&deleted, &name("Sent before"), &desk.limits);
    desk.take(plan).unwrap();
    let back = desk.account.mailbox(&name("Sent before")).unwrap();
    assert_eq!((back.id, back.special_uses), (deleted.id, SpecialUses::NONE));
    desk.limits.mailboxes = desk.account.mailboxes().len();
    let desk_is_full = desk.account.undelete(&deleted, &name("more"), &desk.limits);
    assert!(desk_is_full.is_err());
}

#[test]
fn a_name_made_again_is_another_mailbox_with_a_higher_uid_validity() {
    let mut desk = Desk::with(&["a"]);
    let first = *desk.account.mailbox(&name("a")).unwrap();
    desk.delete("a").unwrap();
    // The clock went back, as after a restore.
    let plan = desk.account.create(&name("a"), None, NOW_S - 1_000_000, &desk.limits);
    desk.take(plan).unwrap();
    let second = desk.account.mailbox(&name("a")).unwrap();
    assert!(second.id > first.id && second.uid_validity > first.uid_validity);
}

#[test]
fn rename_takes_what_lies_below_along_and_leaves_subscriptions() {
    // RFC 9051, 6.3.6, first example, and its note on subscriptions.
    let mut desk = Desk::with(&["blurdybloop", "foo/bar", "foo bar"]);
    desk.subscribe("foo/bar").unwrap();
    let id = desk.id("foo/bar");
    assert_eq!(desk.rename("blurdybloop", "sarasoop").unwrap().streams, []);
    desk.rename("foo", "zowie").unwrap();
    assert_eq!(desk.list("", "*"), ["INBOX", "foo bar", "sarasoop", "zowie/bar"]);
    assert_eq!((desk.id("zowie/bar"), desk.id("foo/bar")), (id, None));
    assert_eq!(desk.lsub("*"), ["foo/bar \\NonExistent *"]);
    desk.rename("zowie/bar", "baz/rag/zowie").unwrap();
    assert_eq!(desk.list("", "baz/%"), ["baz/rag \\NonExistent +"]);
}

#[test]
fn rename_refuses_what_would_lose_or_twist_names() {
    let mut desk = Desk::with(&["a", "a/x", "b/x", "c"]);
    assert_eq!(desk.rename("a", "c"), Err(Refusal::AlreadyExists(name("c"))));
    assert_eq!(desk.rename("a", "inbox"), Err(Refusal::AlreadyExists(MailboxName::inbox())));
    assert_eq!(desk.rename("a", "b"), Err(Refusal::AlreadyExists(name("b/x"))));
    assert_eq!(desk.rename("a", "a"), Err(Refusal::AlreadyExists(name("a"))));
    assert_eq!(desk.rename("a", "a/y"), Err(Refusal::IntoItself));
    assert_eq!(desk.rename("none", "d"), Err(Refusal::NonExistent(name("none"))));
    assert_eq!(desk.rename("a", "d*"), Err(Refusal::Name(BadName::Wildcard)));
    let long = format!("d{}", "e".repeat(998));
    assert_eq!(desk.rename("a", &long), Err(Refusal::Name(BadName::TooLong)), "a/x would be too long");
}

#[test]
fn rename_may_end_on_a_level_and_may_move_up() {
    let mut desk = Desk::with(&["a", "a/x", "b/y"]);
    desk.rename("a", "b").unwrap();
    assert_eq!(desk.list("", "*"), ["INBOX", "b +", "b/x", "b/y"]);
    desk.delete("b").unwrap();
    desk.create("b/b").unwrap();
    desk.rename("b/b", "b").unwrap();
    assert_eq!(desk.list("", "*"), ["INBOX", "b +", "b/x", "b/y"]);
}

#[test]
fn rename_of_inbox_moves_its_messages_and_neither_itself_nor_what_lies_below() {
    // RFC 9051, 6.3.6, second example.
    let mut desk = Desk::with(&["INBOX/bar"]);
    let inbox = *desk.account.mailbox(&MailboxName::inbox()).unwrap();
    let plan = desk.rename("inbox", "old-mail").unwrap();
    let new = *desk.account.mailbox(&name("old-mail")).unwrap();
    assert_eq!(
        plan.streams,
        [
            StreamStep::Begin { mailbox: new.id, uid_validity: new.uid_validity },
            StreamStep::MoveAll { from: inbox.id, to: new.id },
        ]
    );
    assert_eq!(desk.account.mailbox(&MailboxName::inbox()), Some(&inbox));
    assert_eq!(desk.list("", "*"), ["INBOX +", "INBOX/bar", "old-mail"]);
    assert_eq!(desk.rename("inbox", "old-mail"), Err(Refusal::AlreadyExists(name("old-mail"))));
}

#[test]
fn a_special_use_has_one_mailbox_and_goes_where_it_goes() {
    let mut desk = Desk::founded();
    let sent = Some(SpecialUse::Sent);
    let taken = Refusal::UseTaken(SpecialUse::Sent, name("Sent"));
    assert_eq!(desk.account.create(&name("Out"), sent, NOW_S, &desk.limits), Err(taken.clone()));
    assert_eq!(desk.account.set_special_use(&name("Junk"), sent), Err(taken));
    assert_eq!(desk.account.set_special_use(&name("INBOX"), sent), Err(Refusal::UseOnInbox));
    assert_eq!(desk.account.set_special_use(&name("none"), sent), Err(Refusal::NonExistent(name("none"))));
    assert_eq!(desk.account.set_special_use(&name("Sent"), sent).map(|plan| plan.is_empty()), Ok(true));
    desk.rename("Sent", "Gesendet").unwrap();
    assert_eq!(desk.list("", "G*"), ["Gesendet \\Sent"]);
    let plan = desk.account.set_special_use(&name("Gesendet"), None);
    desk.take(plan).unwrap();
    let plan = desk.account.create(&name("Out"), sent, NOW_S, &desk.limits);
    desk.take(plan).unwrap();
    assert_eq!(desk.account.serving(SpecialUse::Sent).map(|(name, _)| name.as_str()), Some("Out"));
    assert_eq!(SpecialUse::from_attribute("\\sent"), sent);
}

#[test]
fn a_mailbox_may_serve_several_uses_or_is_not_made_at_all() {
    let mut desk = Desk::with(&[]);
    let uses: SpecialUses = [SpecialUse::Sent, SpecialUse::Drafts].into_iter().collect();
    let plan = desk.account.create(&name("Out"), uses, NOW_S, &desk.limits);
    desk.take(plan).unwrap();
    assert_eq!(desk.list("", "O*"), ["Out \\Sent \\Drafts"]);
    let uses: SpecialUses = [SpecialUse::Trash, SpecialUse::Drafts].into_iter().collect();
    let taken = Err(Refusal::UseTaken(SpecialUse::Drafts, name("Out")));
    assert_eq!(desk.account.create(&name("More"), uses, NOW_S, &desk.limits), taken);
    assert_eq!(Account::decode(&desk.account.encode()).unwrap(), desk.account);
}

#[test]
fn lsub_with_percent_shows_the_parent_of_what_is_subscribed_as_noselect() {
    // RFC 3501, 6.3.9: foo/bar is subscribed but foo is not.
    let mut desk = Desk::with(&["foo", "foo/bar"]);
    desk.subscribe("foo/bar").unwrap();
    desk.subscribe("gone/for/good").unwrap();
    assert_eq!(desk.lsub("%"), ["foo \\Noselect +", "gone \\Noselect"]);
    assert_eq!(desk.lsub("*"), ["foo/bar *", "gone/for/good \\NonExistent *"]);
    assert_eq!(desk.lsub("foo/%"), ["foo/bar *"]);
    desk.unsubscribe("foo/bar");
    desk.unsubscribe("never was");
    assert_eq!(desk.lsub("foo*"), [""; 0]);
}

#[test]
fn list_takes_the_reference_as_a_prefix() {
    let desk = Desk::with(&["archive/2025", "archive/2026", "a"]);
    assert_eq!(desk.list("archive/", "%"), ["archive/2025", "archive/2026"]);
    assert_eq!(desk.list("archive", "/2025"), ["archive/2025"]);
    assert_eq!(desk.list("", "a"), ["a"]);
    assert_eq!(desk.list("x/", "*"), [""; 0]);
}

#[test]
fn an_event_that_does_not_fit_is_refused_and_changes_nothing() {
    let desk = Desk::founded();
    let stray = MailboxId::new(99).unwrap();
    let created = |id: MailboxId, text: &str, validity: u32| AccountEvent::Created {
        id,
        name: name(text),
        uid_validity: UidValidity::new(validity).unwrap(),
        special_uses: SpecialUses::NONE,
    };
    let brought_back = |id: MailboxId, text: &str, validity: u32| AccountEvent::Undeleted {
        id,
        name: name(text),
        uid_validity: UidValidity::new(validity).unwrap(),
        special_uses: SpecialUses::NONE,
    };
    let continued = |id: MailboxId, text: &str, validity: u32| AccountEvent::Continued {
        id,
        name: name(text),
        uid_validity: UidValidity::new(validity).unwrap(),
        special_uses: SpecialUses::NONE,
    };
    for event in [
        created(MailboxId::FIRST, "new", u32::MAX),
        created(stray, "Sent", u32::MAX),
        created(stray, "new", 1),
        AccountEvent::Deleted { id: stray },
        AccountEvent::Withdrawn { id: stray },
        continued(MailboxId::FIRST, "new", 5),
        continued(stray, "Sent", 5),
        continued(stray, "new", desk.account.mailbox(&name("Sent")).unwrap().uid_validity.get()),
        brought_back(MailboxId::FIRST, "new", 1),
        brought_back(stray, "new", 1),
        AccountEvent::SpecialUseChanged { id: stray, special_uses: SpecialUses::NONE },
        AccountEvent::Skipped { last_id: MailboxId::FIRST, last_uid_validity: UidValidity::MAX },
        AccountEvent::Skipped { last_id: stray, last_uid_validity: UidValidity::MIN },
        AccountEvent::Renamed { from: name("none"), to: name("new") },
        AccountEvent::Renamed { from: name("Sent"), to: name("Junk") },
    ] {
        let mut account = desk.account.clone();
        assert!(account.apply(&event).is_err(), "{event:?}");
        assert_eq!(account, desk.account);
    }
}

#[test]
fn an_account_without_numbers_left_says_so() {
    let mut desk = Desk::with(&[]);
    let last = AccountEvent::Created {
        id: MailboxId::new(u32::MAX).unwrap(),
        name: name("last"),
        uid_validity: UidValidity::new(7).unwrap_or(UidValidity::MIN),
        special_uses: SpecialUses::NONE,
    };
    desk.account = Account::new();
    desk.account.apply(&last).unwrap();
    assert_eq!(desk.create("more"), Err(Refusal::NumbersExhausted));
}

#[test]
fn what_is_made_behind_a_skip_has_numbers_that_a_forgotten_mailbox_cannot_have() {
    let mut desk = Desk::founded();
    let forgotten = {
        let mut desk = Desk { account: desk.account.clone(), limits: desk.limits };
        (0..100).for_each(|n| drop(desk.create(&format!("lost{n}")).unwrap()));
        desk.account
    };
    let skip = desk.account.skip(100, NOW_S).unwrap().unwrap();
    assert_eq!(AccountEvent::decode(&skip.encode()).as_ref(), Ok(&skip));
    desk.account.apply(&skip).unwrap();
    desk.create("new").unwrap();
    let new = *desk.account.mailbox(&name("new")).unwrap();
    for (_, lost) in forgotten.mailboxes() {
        assert!(lost.id < new.id && lost.uid_validity < new.uid_validity, "{lost:?} {new:?}");
    }
    assert_eq!(Account::decode(&desk.account.encode()).as_ref(), Ok(&desk.account));
    assert_eq!(Account::new().skip(100, NOW_S), Ok(None));
    assert_eq!(desk.account.skip(u32::MAX, NOW_S), Err(Refusal::NumbersExhausted));
}

#[test]
fn a_mailbox_goes_on_with_the_uids_of_another_server_where_nobody_has_seen_others_under_its_name() {
    let mut desk = Desk::founded();
    let id = |desk: &Desk, text: &str| desk.account.mailbox(&name(text)).unwrap().id;
    let (inbox, sent) = (id(&desk, "INBOX"), id(&desk, "Sent"));
    let go_on = |desk: &Desk, text: &str, validity: u32, used: &[MailboxId]| {
        let is_unused = |id: MailboxId| Ok::<_, Refusal>(!used.contains(&id));
        let (uses, validity) = (SpecialUses::NONE, UidValidity::new(validity).unwrap());
        desk.account.continue_mailbox(&name(text), uses, validity, NOW_S, &desk.limits, is_unused)
    };

    // An old one, and one from a time to come: neither keeps the account from making mailboxes of its own.
    let plan = go_on(&desk, "Sent", 7, &[]);
    desk.take(plan).unwrap();
    let new = *desk.account.mailbox(&name("Sent")).unwrap();
    assert_eq!((new.uid_validity.get(), new.special_uses), (7, SpecialUse::Sent.into()));
    assert!(new.id > sent && desk.account.name(sent).is_none() && desk.account.is_subscribed(&name("Sent")));
    let plan = go_on(&desk, "Far", u32::MAX, &[]);
    desk.take(plan).unwrap();
    desk.create("More").unwrap();

    // Once more is nothing; a mailbox that has held messages stays; and so does one that somebody is about to fill.
    assert_eq!(go_on(&desk, "Sent", 7, &[new.id]), Ok(Plan::default()));
    assert_eq!(go_on(&desk, "INBOX", 8, &[inbox]), Err(Refusal::AlreadyExists(MailboxName::inbox())));
    assert_eq!(go_on(&desk, "Sent", 8, &[]), Err(Refusal::AlreadyExists(name("Sent"))));
    let taken = Err(Refusal::UidValidityTaken(UidValidity::new(7).unwrap()));
    assert_eq!(go_on(&desk, "INBOX", 7, &[]), taken);
    desk.delete("Sent").unwrap();
    assert_eq!(go_on(&desk, "Sent", 7, &[]), taken, "it is gone, and can come back");

    // A mailbox without a history gives its own away.
    let own = desk.account.mailbox(&name("Junk")).unwrap().uid_validity;
    let plan = go_on(&desk, "INBOX", own.get(), &[]);
    desk.take(plan).unwrap();
    assert_eq!(desk.account.mailbox(&MailboxName::inbox()).unwrap().uid_validity, own);
    let junk = desk.account.mailbox(&name("Junk")).unwrap();
    assert!(junk.uid_validity != own && junk.special_uses == SpecialUse::Junk.into());
    assert_eq!(Account::decode(&desk.account.encode()).unwrap(), desk.account);
}

/// What is not remembered any more may have been given: the account takes none then, and makes its own.
#[test]
fn an_account_that_has_had_too_many_mailboxes_takes_no_uidvalidity_from_elsewhere() {
    let mut account = Account::new();
    for number in 1..=70_000 {
        let (id, name) = (MailboxId::new(number).unwrap(), name("x"));
        let uid_validity = UidValidity::new(number).unwrap();
        let special_uses = SpecialUses::NONE;
        account.apply(&AccountEvent::Created { id, name, uid_validity, special_uses }).unwrap();
        account.apply(&AccountEvent::Deleted { id }).unwrap();
    }
    let (name, uses, limits) = (name("y"), SpecialUses::NONE, Limits::default());
    let is_unused = |_| Ok::<_, Refusal>(true);
    for number in [65_537, 70_000, 80_000] {
        let validity = UidValidity::new(number).unwrap();
        let plan = account.continue_mailbox(&name, uses, validity, NOW_S, &limits, is_unused);
        assert_eq!(plan, Err(Refusal::UidValidityTaken(validity)));
    }
    assert!(account.create(&name, uses, NOW_S, &limits).is_ok());
    assert_eq!(Account::decode(&account.encode()).unwrap(), account);
}

/// What it gave after the backup it does not know: a UID under a UIDVALIDITY from elsewhere may have been seen.
#[test]
fn an_account_that_came_back_from_a_backup_takes_no_uidvalidity_from_elsewhere() {
    let mut desk = Desk::founded();
    let skipped = desk.account.skip(1_000, NOW_S).unwrap().unwrap();
    desk.account.apply(&skipped).unwrap();
    let validity = UidValidity::new(7).unwrap();
    let is_unused = |_| Ok::<_, Refusal>(true);
    let go_on = |text: &str| {
        let (uses, limits) = (SpecialUses::NONE, &desk.limits);
        desk.account.continue_mailbox(&name(text), uses, validity, NOW_S, limits, is_unused)
    };
    assert_eq!(go_on("Sent"), Err(Refusal::UidValidityTaken(validity)));
    assert_eq!(go_on("new"), Err(Refusal::UidValidityTaken(validity)));
    assert_eq!(Account::decode(&desk.account.encode()).unwrap(), desk.account);
    desk.create("new").unwrap();
    desk.delete("new").unwrap();
}

#[test]
fn an_account_that_is_made_again_has_what_it_had_and_gives_no_number_twice() {
    let mut desk = Desk::founded();
    let plan = desk.account.continue_mailbox(
        &name("Old"),
        SpecialUses::NONE,
        UidValidity::new(7).unwrap(),
        NOW_S,
        &desk.limits,
        |_| Ok::<_, Refusal>(true),
    );
    desk.take(plan).unwrap();
    desk.create("gone").unwrap();
    desk.create("Work/Plans").unwrap();
    desk.delete("gone").unwrap();
    desk.take(desk.account.rename(&name("Work/Plans"), &name("Plans"), NOW_S, &desk.limits)).unwrap();
    desk.take(desk.account.subscribe(&name("not there"), &desk.limits)).unwrap();
    let allowances = Allowances { messages: Allowance::AtMost(9), ..Allowances::default() };
    desk.take(Ok::<_, Refusal>(desk.account.allow(allowances))).unwrap();
    let then = desk.account.clone();
    desk.create("later").unwrap();

    let mut again = Account::new();
    for event in then.rebuild(&desk.account, 100, NOW_S).unwrap() {
        again.apply(&event).unwrap();
    }
    assert!(again.mailboxes().eq(then.mailboxes()), "{again:?}");
    assert!(again.subscriptions().eq(then.subscriptions()));
    assert_eq!(again.allowances(), then.allowances());
    let mut again = Desk { account: again, limits: desk.limits };
    again.create("new").unwrap();
    let (new, later) =
        (again.account.mailbox(&name("new")).unwrap(), desk.account.mailbox(&name("later")).unwrap());
    assert!(new.id > later.id && new.uid_validity > later.uid_validity, "{new:?} {later:?}");
}

#[test]
fn an_account_keeps_as_much_in_memory_as_it_has_mailboxes() {
    let octets = |mailboxes: u32| {
        let mut desk = Desk::founded();
        (0..mailboxes).for_each(|n| drop(desk.create(&format!("Projects/{n}")).unwrap()));
        desk.account.resident_octets()
    };
    let (none, some, many) = (octets(0), octets(100), octets(1_000));
    let (a_hundred, a_thousand) = (some - none, many - none);
    assert!((20_000..100_000).contains(&a_hundred), "{a_hundred}");
    // The parents come on top.
    assert!(a_thousand.abs_diff(10 * a_hundred) < 10_000, "{a_hundred}, {a_thousand}");
}
