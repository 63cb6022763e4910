//! Random histories of an account, against a list of strings.

use mailbox::account::{
    Account, AccountEvent, Limits, Listing, MailboxId, Pattern, Patterns, Plan, Presence, Quota, Refusal,
    SpecialUse, SpecialUses, StreamStep,
};
use std::collections::{BTreeMap, BTreeSet};
use terms::{MailboxName, UidValidity};
use testkit::dice::Dice;

const LIMITS: Limits = Limits { mailboxes: 12, subscriptions: 8, levels: 4, quota: Quota::NONE };

/// What an account is, said as simply as can be: names with ids, and a set of names.
#[derive(Clone, Default)]
struct Model {
    mailboxes: BTreeMap<String, u32>,
    uses: BTreeMap<u32, SpecialUse>,
    subscriptions: BTreeSet<String>,
}

impl Model {
    fn below(&self, name: &str) -> Vec<String> {
        let prefix = format!("{name}/");
        self.mailboxes.keys().filter(|other| other.starts_with(&prefix)).cloned().collect()
    }

    /// The names after a rename, or `None` if it may not be.
    fn renamed(&self, from: &str, to: &str) -> Option<BTreeMap<String, u32>> {
        let mut touched = self.below(from);
        touched.extend(self.mailboxes.contains_key(from).then(|| from.to_owned()));
        let mut names = self.mailboxes.clone();
        let moved: Vec<_> = touched.iter().filter_map(|old| names.remove_entry(old)).collect();
        for (old, id) in &moved {
            let new = format!("{to}{}", &old[from.len()..]);
            if names.insert(new.clone(), *id).is_some() || new.split('/').count() > LIMITS.levels {
                return None;
            }
        }
        let clash = from == to || self.mailboxes.contains_key(to) || to.starts_with(&format!("{from}/"));
        (!moved.is_empty() && !clash).then_some(names)
    }

    /// A mailbox takes the place of another.
    fn inherit(&mut self, from: Option<u32>, to: u32) {
        let special_use = from.and_then(|from| self.uses.remove(&from));
        self.uses.extend(special_use.map(|special_use| (to, special_use)));
    }

    fn creatable(&self, name: &str) -> bool {
        !self.mailboxes.contains_key(name)
            && self.mailboxes.len() < LIMITS.mailboxes
            && name.split('/').count() <= LIMITS.levels
    }

    fn levels<'a>(names: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
        names.flat_map(|name| name.match_indices('/').map(|(at, _)| name[..at].to_owned())).collect()
    }
}

/// One account under test, everything it was told, and what it ought to be.
struct History {
    account: Account,
    model: Model,
    dice: Dice,
    now_s: i64,
    ids: BTreeSet<u32>,
    /// UIDVALIDITYs, and the mailbox that has or had each.
    validities: BTreeMap<u32, u32>,
    /// Mailboxes that have held messages.
    used: BTreeSet<u32>,
    /// Mailboxes that go on with the UIDs of another server.
    brought: BTreeSet<u32>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut history = Self {
            account: Account::new(),
            model: Model::default(),
            dice: Dice::new(seed),
            now_s: 1_000,
            ids: BTreeSet::new(),
            validities: BTreeMap::new(),
            used: BTreeSet::new(),
            brought: BTreeSet::new(),
        };
        let plan = history.account.found(history.now_s).unwrap();
        for (text, at) in ["INBOX", "Sent", "Drafts", "Junk", "Trash", "Archive"].iter().zip(1..) {
            history.model.mailboxes.insert((*text).to_owned(), at);
            history.model.subscriptions.insert((*text).to_owned());
        }
        history.model.uses = (2..).zip(SpecialUse::ALL).collect();
        history.commit(&plan);
        history
    }

    /// Folds a plan in, by way of its bytes, and checks that no number comes twice, but for a UIDVALIDITY under which
    /// there never was a message.
    fn commit(&mut self, plan: &Plan) {
        for event in &plan.events {
            let read = AccountEvent::decode(&event.encode()).unwrap();
            assert_eq!(&read, event);
            self.account.apply(&read).unwrap();
            if let AccountEvent::Withdrawn { id } = event {
                assert!(!self.used.contains(&id.get()), "a mailbox with a history was withdrawn");
                self.validities.retain(|_, holder| *holder != id.get());
            }
        }
        for step in &plan.streams {
            if let StreamStep::Begin { mailbox, uid_validity } = step {
                assert!(self.ids.insert(mailbox.get()), "an id came twice");
                let before = self.validities.insert(uid_validity.get(), mailbox.get());
                assert_eq!(before, None, "a UIDVALIDITY came twice");
            }
        }
    }

    fn any_name(&mut self) -> MailboxName {
        let depth = 1 + self.dice.below(3);
        let levels: Vec<_> =
            (0..depth).map(|_| self.dice.pick(&["a", "b", "a b", "INBOX", "Sent"])).collect();
        let name = MailboxName::new(&levels.join("/")).unwrap();
        if name.check_new().is_ok() { name } else { MailboxName::inbox() }
    }

    fn step(&mut self) {
        // The clock stands still, runs, and goes back.
        self.now_s = (self.now_s + self.dice.below(7) as i64 - 2).max(0);
        let name = self.any_name();
        match self.dice.below(9) {
            0 | 1 => self.create(&name),
            2 => self.delete(&name),
            3 => {
                let to = self.any_name();
                self.rename(&name, &to);
            }
            4 => self.subscribe(&name),
            5 => {
                let plan = self.account.unsubscribe(&name);
                assert_eq!(!plan.is_empty(), self.model.subscriptions.remove(name.as_str()));
                self.commit(&plan);
            }
            6 => self.continue_at(&name),
            7 => self.used.extend(self.account.mailbox(&name).map(|mailbox| mailbox.id.get())),
            _ => self.account = Account::decode(&self.account.encode()).unwrap(),
        }
    }

    /// A mailbox of another server comes, with a UIDVALIDITY from about the time of ours.
    fn continue_at(&mut self, name: &MailboxName) {
        let number = 990 + self.dice.below(60) as u32;
        let uid_validity = UidValidity::new(number).unwrap();
        let is_unused = |id: MailboxId| Ok::<_, Refusal>(!self.used.contains(&id.get()));
        let (account, none) = (&self.account, SpecialUses::NONE);
        let plan = account.continue_mailbox(name, none, uid_validity, self.now_s, &LIMITS, is_unused);

        let there = self.model.mailboxes.get(name.as_str()).copied();
        let holder = self.validities.get(&number).copied();
        let names: BTreeMap<u32, String> =
            self.model.mailboxes.iter().map(|(name, id)| (*id, name.clone())).collect();
        let is_own = |id: &u32| !self.brought.contains(id);
        let unused = |id: u32| names.contains_key(&id) && is_own(&id) && !self.used.contains(&id);
        let is_there = there.is_some() && there == holder;
        let has_room = there.map_or(self.model.creatable(name.as_str()), unused);
        assert_eq!(
            plan.is_ok(),
            is_there || has_room && holder.is_none_or(unused),
            "{name} {number}: {plan:?}"
        );
        let Ok(plan) = plan else { return };
        assert_eq!(plan.is_empty(), is_there);
        self.commit(&plan);
        if !is_there {
            let begun: Vec<u32> = plan.streams.iter().filter_map(begun).collect();
            self.model.mailboxes.insert(name.to_string(), begun[0]);
            self.brought.insert(begun[0]);
            self.model.inherit(there, begun[0]);
            if let Some(holder) = holder {
                self.model.mailboxes.insert(names[&holder].clone(), begun[1]);
                self.model.inherit(Some(holder), begun[1]);
            }
            assert_eq!(self.account.mailbox(name).unwrap().uid_validity, uid_validity);
        }
    }

    fn create(&mut self, name: &MailboxName) {
        let plan = self.account.create(name, None, self.now_s, &LIMITS);
        assert_eq!(plan.is_ok(), self.model.creatable(name.as_str()), "CREATE {name}: {plan:?}");
        if let Ok(plan) = plan {
            self.commit(&plan);
            let id = self.ids.last().copied().unwrap();
            self.model.mailboxes.insert(name.to_string(), id);
        }
    }

    fn delete(&mut self, name: &MailboxName) {
        let plan = self.account.delete(name);
        let removed = if name.is_inbox() { None } else { self.model.mailboxes.remove(name.as_str()) };
        assert_eq!(plan.is_ok(), removed.is_some(), "DELETE {name}: {plan:?}");
        if let (Ok(plan), Some(id)) = (plan, removed) {
            self.model.uses.remove(&id);
            self.commit(&plan);
        }
    }

    fn rename(&mut self, from: &MailboxName, to: &MailboxName) {
        let plan = self.account.rename(from, to, self.now_s, &LIMITS);
        let names = match from.is_inbox() {
            true => self.model.creatable(to.as_str()).then(|| {
                let mut names = self.model.mailboxes.clone();
                names.insert(to.to_string(), self.ids.last().unwrap() + 1);
                names
            }),
            false => self.model.renamed(from.as_str(), to.as_str()),
        };
        assert_eq!(plan.is_ok(), names.is_some(), "RENAME {from} {to}: {plan:?}");
        if let (Ok(plan), Some(names)) = (plan, names) {
            self.model.mailboxes = names;
            self.commit(&plan);
        }
    }

    fn subscribe(&mut self, name: &MailboxName) {
        let plan = self.account.subscribe(name, &LIMITS);
        let there = self.model.subscriptions.contains(name.as_str());
        let room = self.model.subscriptions.len() < LIMITS.subscriptions;
        assert_eq!(plan.is_ok(), there || room, "SUBSCRIBE {name}: {plan:?}");
        if let Ok(plan) = plan {
            self.model.subscriptions.insert(name.to_string());
            self.commit(&plan);
        }
    }

    fn check(&self) {
        let account = &self.account;
        let names: BTreeMap<String, u32> =
            account.mailboxes().map(|(name, mailbox)| (name.to_string(), mailbox.id.get())).collect();
        assert_eq!(names, self.model.mailboxes);
        for (name, mailbox) in account.mailboxes() {
            assert_eq!(account.name(mailbox.id), Some(name));
            assert_eq!(mailbox.special_uses, self.model.uses.get(&mailbox.id.get()).copied().into());
        }
        let subscribed: BTreeSet<String> = account.subscriptions().map(ToString::to_string).collect();
        assert_eq!(subscribed, self.model.subscriptions);
        self.check_lists();
    }

    /// `*` shows all there is; `%` the first levels of it, made or not.
    fn check_lists(&self) {
        let (star, percent) = (Pattern::new("", "*"), Pattern::new("", "%"));
        let all_of = |pattern| Listing::of(Patterns::new("", [pattern]));
        let shown = |rows: Vec<mailbox::account::ListRow>| -> BTreeMap<String, bool> {
            rows.into_iter()
                .map(|row| (row.name.to_string(), matches!(row.presence, Presence::Selectable(_))))
                .collect()
        };
        let all: BTreeMap<_, _> = self.model.mailboxes.keys().map(|name| (name.clone(), true)).collect();
        assert_eq!(shown(self.account.list(&all_of("*"))), all);
        let tops = |names: BTreeMap<String, bool>| -> BTreeMap<String, bool> {
            names.into_iter().filter(|(name, _)| !name.contains('/')).collect()
        };
        let mut levels: BTreeMap<_, _> =
            Model::levels(all.keys()).into_iter().map(|level| (level, false)).collect();
        levels.extend(all.clone());
        assert_eq!(shown(self.account.list(&all_of("%"))), tops(levels));

        let subscribed = self.model.subscriptions.iter();
        let subscribed: BTreeMap<_, _> =
            subscribed.map(|name| (name.clone(), all.contains_key(name))).collect();
        assert_eq!(shown(self.account.lsub(&star)), subscribed);
        let mut levels: BTreeMap<_, _> =
            Model::levels(subscribed.keys()).into_iter().map(|level| (level, false)).collect();
        levels.extend(subscribed);
        assert_eq!(shown(self.account.lsub(&percent)), tops(levels));
    }
}

fn begun(step: &StreamStep) -> Option<u32> {
    match step {
        StreamStep::Begin { mailbox, .. } => Some(mailbox.get()),
        _ => None,
    }
}

/// Prints the seed when a test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {}", self.0);
        }
    }
}

#[test]
fn after_every_step_of_random_histories_the_account_is_what_the_model_is() {
    for seed in 0..500 {
        let seed = Seed(seed);
        let mut history = History::new(seed.0);
        history.check();
        for _ in 0..60 {
            history.step();
            history.check();
        }
    }
}

#[test]
fn bytes_that_were_spoilt_are_damaged_or_say_something_else_and_never_panic() {
    for seed in 0..100 {
        let seed = Seed(seed);
        let mut history = History::new(seed.0);
        (0..20).for_each(|_| history.step());
        let bytes = history.account.encode();
        assert_eq!(Account::decode(&bytes).as_ref(), Ok(&history.account));
        for length in 0..bytes.len() {
            assert!(Account::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
        for _ in 0..200 {
            let mut spoilt = bytes.clone();
            let at = history.dice.below(bytes.len() as u64) as usize;
            spoilt[at] ^= 1 << history.dice.below(8);
            // What is taken is what its own bytes say: there is one spelling for each state.
            if let Ok(account) = Account::decode(&spoilt) {
                assert_eq!(account.encode(), spoilt);
            }
            if let Ok(event) = AccountEvent::decode(&spoilt) {
                assert_eq!(event.encode(), spoilt);
            }
        }
    }
}
