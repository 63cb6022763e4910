//! LIST as RFC 9051 and RFC 5258 have it: their examples, and their rules word for word on random accounts.

use mailbox::account::{
    Account, Criterion, Limits, ListRow, Listing, Met, Parents, Patterns, Presence, SpecialUse,
};
use std::collections::BTreeSet;
use terms::MailboxName;
use testkit::dice::Dice;

const NOW_S: i64 = 1_800_000_000;
const SUBSCRIBED: &[Criterion] = &[Criterion::Subscribed];

fn name(text: &str) -> MailboxName {
    MailboxName::new(text).unwrap()
}

/// An account with these mailboxes and subscriptions.
fn account(mailboxes: &[&str], subscribed: &[&str]) -> Account {
    let (mut account, limits) = (Account::new(), Limits::default());
    for mailbox in mailboxes {
        let plan = account.create(&name(mailbox), None, NOW_S, &limits).unwrap();
        plan.events.iter().for_each(|event| account.apply(event).unwrap());
    }
    for text in subscribed {
        let plan = account.subscribe(&name(text), &limits).unwrap();
        plan.events.iter().for_each(|event| account.apply(event).unwrap());
    }
    account
}

fn listing(patterns: &[&str], criteria: &[Criterion], parents: Parents) -> Listing {
    let patterns = Patterns::new("", patterns.iter().copied());
    Listing { patterns, criteria: criteria.to_vec(), parents }
}

/// A row as the examples show it: `-` for a name that no mailbox has, `+` for CHILDINFO.
fn show(row: &ListRow) -> String {
    let presence = if row.presence == Presence::NonExistent { "-" } else { "" };
    let subscribed = if row.subscription == mailbox::account::Subscription::Subscribed { "*" } else { "" };
    let child_info = if row.met == Met::Here { "" } else { "+" };
    format!("{}{presence}{subscribed}{child_info}", row.name)
}

#[track_caller]
fn check(account: &Account, listing: &Listing, want: &[&str]) {
    assert_eq!(account.list(listing).iter().map(show).collect::<Vec<_>>(), want);
}

#[test]
fn example_7_tells_children_from_subscribed_children() {
    let foo = ["Foo", "Foo/Bar", "Foo/Baz", "INBOX", "Moo"];
    let a = account(&foo, &["Foo/Baz"]);
    check(&a, &listing(&["*"], SUBSCRIBED, Parents::Unasked), &["Foo/Baz*"]);
    check(&a, &listing(&["%"], SUBSCRIBED, Parents::Unasked), &[]);
    check(&a, &listing(&["%"], SUBSCRIBED, Parents::Asked), &["Foo+"]);
    let a1 = account(&foo, &["Foo", "Foo/Baz"]);
    check(&a1, &listing(&["%"], SUBSCRIBED, Parents::Asked), &["Foo*+"]);
    let a2 = account(&["Foo/Bar", "Foo/Baz", "INBOX", "Moo"], &["Foo/Baz"]);
    check(&a2, &listing(&["%"], SUBSCRIBED, Parents::Asked), &["Foo-+"]);
    let b = account(&foo, &[]);
    check(&b, &listing(&["%"], SUBSCRIBED, Parents::Asked), &[]);
    let c = account(&foo, &["Foo", "Moo"]);
    check(&c, &listing(&["%"], SUBSCRIBED, Parents::Asked), &["Foo*", "Moo*"]);
}

#[test]
fn example_8_leaves_out_a_parent_whose_children_are_listed_themselves() {
    let names =
        "baz2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba foo2 foo2/bar1 foo2/bar2 INBOX qux2/bar2";
    let subscribed = "baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba foo2/bar1 foo2/bar2 qux2/bar2";
    let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
    let account = account(&words(names), &words(subscribed));
    check(
        &account,
        &listing(&["*2"], SUBSCRIBED, Parents::Asked),
        &["baz2/bar2*", "baz2/bar22*", "baz2/bar222*", "eps2*+", "foo2+", "foo2/bar2*", "qux2/bar2*"],
    );
}

#[test]
fn example_9_has_childinfo_without_a_child() {
    let account = account(&["foo"], &["foo/bar"]);
    check(&account, &listing(&["foo"], &[], Parents::Unasked), &["foo"]);
    check(&account, &listing(&["foo/*"], SUBSCRIBED, Parents::Unasked), &["foo/bar-*"]);
    check(&account, &listing(&["foo"], SUBSCRIBED, Parents::Asked), &["foo+"]);
}

#[test]
fn example_10_shows_levels_that_are_asked_for() {
    let account = account(&["music/rock"], &[]);
    check(&account, &listing(&["%"], &[], Parents::Unasked), &["music-"]);
    check(&account, &listing(&["%", "music/rock"], &[], Parents::Unasked), &["music-", "music/rock"]);
}

#[test]
fn special_use_selects_the_mailboxes_that_have_one_and_no_levels() {
    let (mut account, limits) = (account(&["a", "b/c"], &["b/c", "gone"]), Limits::default());
    let plan = account.create(&name("b/d"), Some(SpecialUse::Sent), NOW_S, &limits).unwrap();
    plan.events.iter().for_each(|event| account.apply(event).unwrap());
    let special = [Criterion::SpecialUse];
    check(&account, &listing(&["*", "%"], &special, Parents::Unasked), &["b/d"]);
    let both = [Criterion::SpecialUse, Criterion::Subscribed];
    check(&account, &listing(&["*"], &both, Parents::Unasked), &[]);
}

/// The rules of RFC 9051, 6.3.9.3 and table 3, one name after the other: quadratic, and obviously right.
fn expected(account: &Account, listing: &Listing) -> Vec<String> {
    let mailboxes: BTreeSet<&str> = account.mailboxes().map(|(name, _)| name.as_str()).collect();
    let subscribed: BTreeSet<&str> = account.subscriptions().map(MailboxName::as_str).collect();
    let meets = |name: &str| match listing.criteria.is_empty() {
        true => mailboxes.contains(name),
        false => subscribed.contains(name),
    };
    let is_below =
        |name: &str, level: &str| name.strip_prefix(level).is_some_and(|rest| rest.starts_with('/'));
    let all: BTreeSet<&str> = mailboxes.union(&subscribed).copied().collect();
    let levels = all.iter().flat_map(|name| name.match_indices('/').map(|(at, _)| &name[..at]));
    let mut shown = Vec::new();
    for candidate in levels.chain(all.iter().copied()).collect::<BTreeSet<_>>() {
        let below: Vec<&str> =
            all.iter().copied().filter(|name| is_below(name, candidate) && meets(name)).collect();
        let unlisted = below.iter().any(|name| !listing.patterns.matches(name));
        let asked = listing.parents == Parents::Asked;
        let level = listing.criteria.is_empty()
            && LEVELS.iter().any(|percent| Patterns::new("", [*percent]).matches(candidate))
            && below.iter().any(|name| mailboxes.contains(name));
        let matches = listing.patterns.matches(candidate);
        if matches && (meets(candidate) || asked && unlisted || level) {
            let presence = if mailboxes.contains(candidate) { "" } else { "-" };
            let mark = if subscribed.contains(candidate) { "*" } else { "" };
            let child_info = if asked && !below.is_empty() { "+" } else { "" };
            shown.push(format!("{candidate}{presence}{mark}{child_info}"));
        }
    }
    shown
}

/// The patterns below that end in `%`.
const LEVELS: &[&str] = &["%", "a/%"];

#[test]
fn on_random_accounts_the_rules_hold_for_every_name() {
    let words: Vec<String> = {
        let letters = ["a", "b", "c"];
        let two = letters.iter().flat_map(|x| letters.iter().map(move |y| format!("{x}/{y}")));
        let three = two.clone().flat_map(|xy| letters.iter().map(move |z| format!("{xy}/{z}")));
        letters.iter().map(ToString::to_string).chain(two.clone()).chain(three).collect()
    };
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let mut some =
            |of: u64| words.iter().filter(|_| dice.one_in(of)).map(String::as_str).collect::<Vec<_>>();
        let account = account(&some(4), &some(4));
        for (patterns, criteria) in [
            (&["%", "a/%"][..], &[][..]),
            (&["*"], SUBSCRIBED),
            (&["%", "a/%"], SUBSCRIBED),
            (&["a", "b/c"], SUBSCRIBED),
            (&["%b", "a*"], SUBSCRIBED),
        ] {
            for parents in [Parents::Unasked, Parents::Asked] {
                if criteria.is_empty() && parents == Parents::Asked {
                    continue; // BAD on the wire
                }
                let listing = listing(patterns, criteria, parents);
                let listed: Vec<_> = account.list(&listing).iter().map(show).collect();
                assert_eq!(listed, expected(&account, &listing), "seed {seed}: {patterns:?} {criteria:?}");
            }
        }
    }
}
