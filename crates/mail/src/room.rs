//! Room for accounts and mailboxes that nobody uses just now.
//!
//! What was looked at once stays in memory, so that it need not be read again, as long as all of it together is no more
//! than a limit in octets. Beyond that, what was not asked for the longest goes first. What is in use counts too, and
//! never goes: an account that somebody holds, a mailbox that somebody has selected. So it may be more than the limit, and
//! then nothing else stays but what was used last.
//!
//! > **Promise.** What goes is what can be read again: nobody holds it, and no commit of it is on its way, for whoever
//! > waits for one holds the account.
//!
//! Nothing is searched for: accounts lie in the order in which they were asked for last. One in use that comes to be the
//! first goes to the end, without those of its mailboxes that nobody has selected. Whoever makes room looks at some of
//! those at most ([`BUSY_AT_ONCE`]).
//!
//! Locks are taken in this order: the room's, then an account's own.

use crate::account::Account;
use crate::mailbox::Mailbox;
use crate::scales::Scales;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::AccountId;

/// So many accounts in use are passed over by whoever makes room.
const BUSY_AT_ONCE: usize = 16;

/// What accounts keep in memory, by [`Accounts::kept`](crate::Accounts::kept).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Octets of accounts and mailboxes, in use or not.
    pub octets: u64,
    /// What that should not be above.
    pub most_octets: u64,
    /// How many accounts are in memory.
    pub accounts: u64,
    /// Accounts that were let go to make room, from the start on.
    pub accounts_let_go: u64,
    /// Mailboxes that were let go to make room, those of such accounts not counted, from the start on.
    pub mailboxes_let_go: u64,
}

/// The accounts that are in memory.
#[derive(Debug)]
pub(crate) struct Room {
    scales: Arc<Scales>,
    live: Mutex<Live>,
    accounts_let_go: AtomicU64,
    mailboxes_let_go: AtomicU64,
}

#[derive(Debug, Default)]
struct Live {
    all: HashMap<AccountId, Present>,
    /// Who was asked for when, each once.
    order: BTreeMap<u64, AccountId>,
    /// What comes next in that order.
    next: u64,
}

#[derive(Debug)]
struct Present {
    account: Arc<Account>,
    asked: u64,
}

/// What goes. It is dropped when no lock is held: a large mailbox takes its time.
#[derive(Debug, Default)]
struct Leaving {
    accounts: Vec<Arc<Account>>,
    mailboxes: Vec<Arc<Mailbox>>,
}

impl Room {
    /// With so many octets.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            scales: Arc::new(Scales::new(most)),
            live: Mutex::default(),
            accounts_let_go: AtomicU64::new(0),
            mailboxes_let_go: AtomicU64::new(0),
        }
    }

    /// Where what is kept here is weighed.
    pub(crate) const fn scales(&self) -> &Arc<Scales> {
        &self.scales
    }

    /// An account, made by `fresh` if it is not in memory.
    pub(crate) fn enter(&self, id: AccountId, fresh: impl FnOnce() -> Account) -> Arc<Account> {
        let (account, leaving) = {
            let mut live = self.lock();
            let account = live.asked_for(id).unwrap_or_else(|| live.add(id, Arc::new(fresh())));
            (account, self.clear(&mut live, id))
        };
        drop(leaving);
        account
    }

    /// The account, if it is in memory. This is no use of it.
    pub(crate) fn find(&self, id: AccountId) -> Option<Arc<Account>> {
        self.lock().all.get(&id).map(|present| Arc::clone(&present.account))
    }

    /// All that are in memory.
    pub(crate) fn all(&self) -> Vec<Arc<Account>> {
        self.lock().all.values().map(|present| Arc::clone(&present.account)).collect()
    }

    /// Looks at each, and keeps those that `is_wanted`. Nobody can ask for one meanwhile.
    pub(crate) fn keep_those(&self, is_wanted: impl Fn(&Account) -> bool) {
        let mut live = self.lock();
        let gone: Vec<_> = live.all.extract_if(|_, present| !is_wanted(&present.account)).collect();
        for (_, present) in &gone {
            live.order.remove(&present.asked);
        }
        drop(live);
        drop(gone);
    }

    /// Lets go of what was not used for the longest, as far as there is too much, but not of what `busy` used last.
    pub(crate) fn make_room(&self, busy: AccountId) {
        let leaving = self.clear(&mut self.lock(), busy);
        drop(leaving);
    }

    /// What is kept now, and what was let go.
    pub(crate) fn kept(&self) -> Kept {
        Kept {
            octets: self.scales.octets() as u64,
            most_octets: self.scales.most() as u64,
            accounts: self.lock().all.len() as u64,
            accounts_let_go: self.accounts_let_go.load(Ordering::Relaxed),
            mailboxes_let_go: self.mailboxes_let_go.load(Ordering::Relaxed),
        }
    }

    fn clear(&self, live: &mut Live, busy: AccountId) -> Leaving {
        let mut leaving = Leaving::default();
        // Of nothing that is about to leave: that has given back its share.
        let mut passed = 0;
        while self.scales.excess() > 0 && passed < BUSY_AT_ONCE.min(live.order.len()) {
            let Some(first) = live.first() else { break };
            if first != busy && live.is_idle(first) {
                leaving.accounts.extend(live.remove(first));
            } else if let Some(account) = live.asked_for(first) {
                passed += 1;
                let last = if first == busy { Spared::TheLast } else { Spared::None };
                leaving.mailboxes.extend(account.let_go_of_idle(self.scales.excess(), last));
            }
        }
        self.accounts_let_go.fetch_add(leaving.accounts.len() as u64, Ordering::Relaxed);
        self.mailboxes_let_go.fetch_add(leaving.mailboxes.len() as u64, Ordering::Relaxed);
        leaving
    }

    /// A panic elsewhere leaves this whole enough: one that is in no order stays until it is asked for.
    fn lock(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which of an account's idle mailboxes stays whatever there is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spared {
    /// The one that was used last: whoever is at work would have it read again for each step.
    TheLast,
    /// None.
    None,
}

impl Live {
    fn add(&mut self, id: AccountId, account: Arc<Account>) -> Arc<Account> {
        let asked = self.step();
        self.order.insert(asked, id);
        self.all.insert(id, Present { account: Arc::clone(&account), asked });
        account
    }

    /// The account; it is the last in the order from now on.
    fn asked_for(&mut self, id: AccountId) -> Option<Arc<Account>> {
        let asked = self.step();
        let present = self.all.get_mut(&id)?;
        self.order.remove(&std::mem::replace(&mut present.asked, asked));
        self.order.insert(asked, id);
        Some(Arc::clone(&present.account))
    }

    fn step(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn first(&self) -> Option<AccountId> {
        self.order.first_key_value().map(|(_, id)| *id)
    }

    fn is_idle(&self, id: AccountId) -> bool {
        // Whoever wants to hold it, too, comes here first.
        self.all
            .get(&id)
            .is_none_or(|present| Arc::strong_count(&present.account) == 1 && present.account.is_idle())
    }

    fn remove(&mut self, id: AccountId) -> Option<Arc<Account>> {
        let Present { account, asked } = self.all.remove(&id)?;
        self.order.remove(&asked);
        account.give_back();
        Some(account)
    }
}
