//! An account's names put together from what is left of its events, and said anew from nothing.

use super::event::{AccountEvent, MailboxId};
use super::quota::Allowances;
use super::special_use::SpecialUses;
use super::state::{Account, Mailbox};
use std::collections::{BTreeMap, BTreeSet};
use terms::{MailboxName, UidValidity};

/// Names on their way back.
#[derive(Clone, Debug, Default)]
pub struct Salvage {
    names: Account,
    /// Mailboxes that were deleted, and can be brought back.
    deleted: BTreeMap<MailboxId, (MailboxName, Mailbox)>,
    /// All of which an event says that they went.
    gone: BTreeSet<MailboxId>,
    lost: u64,
}

impl Salvage {
    /// The next event, as far as it fits what is known.
    pub fn take(&mut self, event: &AccountEvent) {
        let before = match event {
            AccountEvent::Deleted { id } | AccountEvent::Withdrawn { id } => {
                self.gone.insert(*id);
                let name = self.names.name(*id).cloned();
                name.and_then(|name| Some((*id, (name.clone(), *self.names.mailbox(&name)?))))
            }
            _ => None,
        };
        match (self.names.apply(event), event) {
            (Err(_), event) => {
                self.lose(1);
                self.pass_over(event);
            }
            (Ok(()), AccountEvent::Deleted { .. }) => self.deleted.extend(before),
            (Ok(()), AccountEvent::Undeleted { id, .. }) => {
                self.deleted.remove(id);
                self.gone.remove(id);
            }
            (Ok(()), _) => {}
        }
    }

    /// A mailbox that cannot come, for its name is taken, has had its numbers all the same.
    fn pass_over(&mut self, event: &AccountEvent) {
        if let AccountEvent::Created { id, uid_validity, .. } = event {
            self.names.last_id = self.names.last_id.max(Some(*id));
            self.names.last_uid_validity = self.names.last_uid_validity.max(Some(*uid_validity));
        }
    }

    /// So many events cannot be read.
    pub const fn lose(&mut self, events: u64) {
        self.lost = self.lost.saturating_add(events);
    }

    /// How many events are lost, those among them that do not fit any more.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// What a snapshot says.
    pub fn begin(&mut self, names: Account) {
        self.names = names;
    }

    /// The names are known after all; so is that those mailboxes were deleted that are not there any more.
    pub fn know(&mut self, names: Account) {
        let were = std::mem::replace(&mut self.names, names);
        for (name, mailbox) in were.mailboxes().filter(|(_, mailbox)| self.names.name(mailbox.id).is_none()) {
            self.gone.insert(mailbox.id);
            self.deleted.insert(mailbox.id, (name.clone(), *mailbox));
        }
        self.deleted.retain(|id, _| self.names.name(*id).is_none());
        self.lost = 0;
    }

    /// What is known by now.
    #[must_use]
    pub const fn names(&self) -> &Account {
        &self.names
    }

    /// Whether no event that is left says anything of a mailbox: neither that it came nor that it went.
    #[must_use]
    pub fn is_unknown(&self, id: MailboxId) -> bool {
        self.names.name(id).is_none() && !self.gone.contains(&id)
    }

    /// Gives a mailbox of which no event is left a name, if one can be had, and says which. An account has an INBOX: it is
    /// the first of those, where none has that name.
    pub fn find(&mut self, id: MailboxId, uid_validity: UidValidity) -> Option<MailboxName> {
        let own = format!("Recovered {id}");
        let names = ["INBOX", own.as_str()].into_iter().filter_map(|name| MailboxName::new(name).ok());
        let name = names.into_iter().find(|name| self.names.mailbox(name).is_none())?;
        // Only by a mistake is it another mailbox's; this one says its own.
        let mut free = (uid_validity.get()..=u32::MAX).filter_map(UidValidity::new);
        let uid_validity = free.find(|free| !self.names.uid_validities.contains_key(free))?;
        let mailbox = Mailbox { id, uid_validity, special_uses: SpecialUses::default() };
        self.names.put(name.clone(), mailbox);
        self.names.last_id = self.names.last_id.max(Some(id));
        Some(name)
    }

    /// Passes over numbers: what was given in events that are lost is not given again. Where there are not so many left,
    /// none is.
    pub fn skip(&mut self, numbers: u32, unix_s: i64) {
        if let Ok(Some(event)) = self.names.skip(numbers, unix_s) {
            self.take(&event);
        }
    }

    /// Events that come to these names from nothing. What UIDVALIDITYs there were is not among them, so that none is
    /// taken from elsewhere afterwards.
    #[must_use]
    pub fn events(&self) -> Vec<AccountEvent> {
        let mut anew = Anew::default();
        anew.say(AccountEvent::BegunAnew);
        let aside = self.aside();
        let living = self.names.mailboxes().map(|(name, mailbox)| (mailbox.id, (name, mailbox)));
        let deleted = self.deleted.iter().map(|(id, (name, mailbox))| (*id, (name, mailbox)));
        for (id, (name, mailbox)) in living.chain(deleted).collect::<BTreeMap<_, _>>() {
            let came = anew.came(aside.get(&id).unwrap_or(name), mailbox, self.names.is_own(mailbox));
            if came && self.names.name(id).is_none() {
                anew.say(AccountEvent::Deleted { id });
            }
        }
        for (id, from) in aside {
            if let Some(to) = self.names.name(id).cloned() {
                anew.say(AccountEvent::Renamed { from, to });
            }
        }
        for name in self.names.subscriptions() {
            anew.say(AccountEvent::Subscribed { name: name.clone() });
        }
        let allowances = self.names.allowances();
        if allowances != Allowances::default() {
            anew.say(AccountEvent::AllowancesChanged { allowances });
        }
        if let Some(last_id) = self.names.last_id {
            let last_uid_validity = self.names.last_uid_validity.unwrap_or(UidValidity::MIN);
            anew.say(AccountEvent::Skipped { last_id, last_uid_validity });
        }
        anew.events
    }

    /// What those are called at first that have the name of a deleted one by now which came behind them: until that has
    /// come and gone.
    fn aside(&self) -> BTreeMap<MailboxId, MailboxName> {
        let deleted: BTreeSet<_> = self.deleted.values().map(|(name, _)| name).collect();
        let is_free = |name: &MailboxName| self.names.mailbox(name).is_none() && !deleted.contains(name);
        let aside = |id: MailboxId| {
            let numbered = (2_u64..).map(|n| format!("Aside {id} {n}"));
            let names = std::iter::once(format!("Aside {id}")).chain(numbered);
            names.filter_map(|name| MailboxName::new(&name).ok()).find(is_free)
        };
        let newer = self.deleted.iter().filter_map(|(id, (name, _))| {
            let older = self.names.mailbox(name).map(|mailbox| mailbox.id)?;
            (older < *id).then_some(older)
        });
        newer.collect::<BTreeSet<_>>().into_iter().filter_map(|id| Some((id, aside(id)?))).collect()
    }
}

/// Events, and what they come to.
#[derive(Default)]
struct Anew {
    names: Account,
    events: Vec<AccountEvent>,
}

impl Anew {
    fn say(&mut self, event: AccountEvent) -> bool {
        let fits = self.names.apply(&event).is_ok();
        self.events.extend(fits.then_some(event));
        fits
    }

    /// Whether a mailbox could come. One that the account made comes as that, if its turn has not passed.
    fn came(&mut self, name: &MailboxName, mailbox: &Mailbox, is_own: bool) -> bool {
        let Mailbox { id, uid_validity, special_uses } = *mailbox;
        let name = name.clone();
        (is_own && self.say(AccountEvent::Created { id, name: name.clone(), uid_validity, special_uses }))
            || self.say(AccountEvent::Continued { id, name, uid_validity, special_uses })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Limits, Plan};

    fn name(text: &str) -> MailboxName {
        MailboxName::new(text).unwrap()
    }

    /// An account as it is founded, with something done to it.
    fn history() -> Vec<AccountEvent> {
        let mut names = Account::new();
        let mut events = Vec::new();
        let mut follow = |plan: &dyn Fn(&Account) -> Plan| {
            for event in plan(&names).events {
                names.apply(&event).unwrap();
                events.push(event);
            }
        };
        let limits = Limits::default();
        for made in ["INBOX", "a", "b", "b/c"] {
            follow(&|names| names.create(&name(made), None, 1_000, &limits).unwrap());
        }
        follow(&|names| names.delete(&name("a")).unwrap());
        follow(&|names| names.rename(&name("b"), &name("d"), 1_000, &limits).unwrap());
        follow(&|names| names.subscribe(&name("d/c"), &limits).unwrap());
        follow(&|names| names.create(&name("a"), None, 2_000, &limits).unwrap());
        events
    }

    fn fold<'a>(events: impl IntoIterator<Item = &'a AccountEvent>) -> Account {
        let mut names = Account::new();
        events.into_iter().for_each(|event| names.apply(event).unwrap());
        names
    }

    fn all(names: &Account) -> Vec<(String, Mailbox)> {
        names.mailboxes().map(|(name, mailbox)| (name.to_string(), *mailbox)).collect()
    }

    fn without(lost: usize) -> Salvage {
        let mut salvage = Salvage::default();
        for (at, event) in history().iter().enumerate() {
            if at == lost { salvage.lose(1) } else { salvage.take(event) }
        }
        salvage
    }

    #[test]
    fn what_is_known_is_said_anew_with_what_was_deleted() {
        let before = fold(&history());
        let salvage = without(usize::MAX);
        assert_eq!(salvage.lost(), 0);
        let events = salvage.events();
        let after = fold(&events);
        assert_eq!(all(&after), all(&before));
        assert_eq!(after.subscriptions().collect::<Vec<_>>(), before.subscriptions().collect::<Vec<_>>());
        assert_eq!((after.last_id, after.last_uid_validity), (before.last_id, before.last_uid_validity));
        let deleted = MailboxId::new(2).unwrap();
        assert!(events.contains(&AccountEvent::Deleted { id: deleted }));
        assert!(after.had(UidValidity::new(1_001).unwrap()));
    }

    /// What was deleted, with the names that it had then, as whoever lives through these events sees it.
    fn deleted(events: &[AccountEvent]) -> Vec<(MailboxId, String, UidValidity)> {
        let mut names = Account::new();
        let mut deleted = Vec::new();
        for event in events {
            if let AccountEvent::Deleted { id } = event {
                let name = names.name(*id).unwrap().clone();
                deleted.push((*id, name.to_string(), names.mailbox(&name).unwrap().uid_validity));
            }
            names.apply(event).unwrap();
        }
        deleted.sort_unstable();
        deleted
    }

    #[test]
    fn a_deleted_mailbox_is_said_under_its_name_although_an_older_one_has_that_by_now() {
        let mut events = history();
        let mut names = fold(&events);
        let limits = Limits::default();
        let mut follow = |plan: &dyn Fn(&Account) -> Plan| {
            for event in plan(&names).events {
                names.apply(&event).unwrap();
                events.push(event);
            }
        };
        // The living one is older than both that are gone, has a child, and what it could be called meanwhile is taken.
        follow(&|names| names.rename(&name("d"), &name("e"), 3_000, &limits).unwrap());
        for _ in 0..2 {
            follow(&|names| names.create(&name("d"), None, 3_000, &limits).unwrap());
            follow(&|names| names.delete(&name("d")).unwrap());
        }
        follow(&|names| names.create(&name("Aside 3"), None, 3_000, &limits).unwrap());
        follow(&|names| names.create(&name("Aside 3 2"), None, 3_000, &limits).unwrap());
        follow(&|names| names.delete(&name("Aside 3 2")).unwrap());
        follow(&|names| names.rename(&name("e"), &name("d"), 3_000, &limits).unwrap());
        let mut salvage = Salvage::default();
        events.iter().for_each(|event| salvage.take(event));
        let anew = salvage.events();
        assert_eq!(deleted(&anew), deleted(&events));
        assert_eq!(all(&fold(&anew)), all(&names));
    }

    #[test]
    fn whatever_event_is_lost_the_rest_is_known_and_no_number_is_given_twice() {
        let before = fold(&history());
        for lost in 0..history().len() {
            let mut salvage = without(lost);
            assert!(salvage.lost() > 0);
            let named: Vec<MailboxId> = salvage.names().names.keys().copied().collect();
            // Of what is lost entirely the clock alone tells which UIDVALIDITYs were given.
            salvage.skip(100, 3_000);
            let mut after = fold(&salvage.events());
            assert_eq!(after.names.keys().copied().collect::<Vec<_>>(), named, "event {lost}");
            assert!(after.last_id > before.last_id, "event {lost}");
            assert!(after.last_uid_validity > before.last_uid_validity, "event {lost}");
            let plan = after.create(&name("new"), None, 0, &Limits::default()).unwrap();
            plan.events.iter().for_each(|event| after.apply(event).unwrap());
        }
    }

    #[test]
    fn where_the_names_are_known_so_is_what_was_deleted_by_what_is_lost() {
        let events = history();
        let lost = events.iter().position(|event| matches!(event, AccountEvent::Deleted { .. })).unwrap();
        let mut salvage = without(lost);
        salvage.know(fold(&events));
        assert_eq!(deleted(&salvage.events()), deleted(&events));
    }

    #[test]
    fn a_mailbox_whose_name_is_lost_gets_one() {
        let (inbox, b) = (MailboxId::FIRST, MailboxId::new(3).unwrap());
        let mut salvage = without(0);
        assert!(salvage.is_unknown(inbox) && !salvage.is_unknown(b));
        assert!(!salvage.is_unknown(MailboxId::new(2).unwrap()), "it was deleted");
        let uid_validity = UidValidity::new(1_000).unwrap();
        assert_eq!(salvage.find(inbox, uid_validity), Some(name("INBOX")));
        // INBOX is another mailbox where the first one was deleted for it.
        let mut salvage = without(0);
        assert_eq!(salvage.find(MailboxId::new(9).unwrap(), uid_validity), Some(name("INBOX")));
        let mut salvage = without(2);
        assert!(salvage.is_unknown(b));
        assert_eq!(salvage.find(b, uid_validity), Some(name("Recovered 3")));
        let after = fold(&salvage.events());
        assert_eq!(after.mailbox(&name("Recovered 3")).map(|mailbox| mailbox.id), Some(b));
    }
}
