//! The mailboxes that an account has open, and which of them stay so although nobody uses them.

use crate::mailbox::{Closed, Mailbox};
use crate::room::Spared;
use mailbox::account::MailboxId;
use std::collections::HashMap;
use std::sync::Arc;

/// Mailboxes that an account keeps open although nobody uses them, however small they are.
const KEPT_OPEN: usize = 64;

/// Each once: all who look at a mailbox share it.
#[derive(Debug, Default)]
pub(crate) struct Open {
    all: HashMap<MailboxId, Arc<Mailbox>>,
    /// Counts how often one was entered.
    now: u64,
}

impl Open {
    pub(crate) fn get(&self, id: MailboxId) -> Option<Arc<Mailbox>> {
        self.all.get(&id).cloned()
    }

    /// The same for somebody who is going to use it.
    pub(crate) fn enter(&mut self, id: MailboxId) -> Option<Arc<Mailbox>> {
        let mailbox = self.get(id)?;
        self.now += 1;
        mailbox.enter(self.now);
        Some(mailbox)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.all.values()
    }

    /// Adds one that was read, unless somebody else was first; gives what is there, for somebody who is going to use it.
    /// One that is whole takes the place of a part, and who looks at that is told so.
    pub(crate) fn share(&mut self, fresh: Arc<Mailbox>) -> Arc<Mailbox> {
        let id = fresh.id();
        let is_whole = !fresh.is_in_part();
        if let Some(part) = self.all.remove(&id) {
            if is_whole && part.is_in_part() {
                part.close(Closed::Mended);
            } else {
                self.all.insert(id, part);
            }
        }
        let shared = Arc::clone(self.all.entry(id).or_insert(fresh));
        self.now += 1;
        shared.enter(self.now);
        shared
    }

    /// Lets go of what was not entered for the longest, where too many are open that nobody uses.
    pub(crate) fn let_go_of_many(&mut self) -> Vec<Arc<Mailbox>> {
        if self.all.len() <= KEPT_OPEN {
            return Vec::new();
        }
        let idle = self.idle();
        let many = idle.len().saturating_sub(KEPT_OPEN);
        self.let_go_of(idle.into_iter().take(many))
    }

    /// Lets go of what nobody uses, first of what was not entered for the longest, until so many octets are free.
    pub(crate) fn let_go_of_idle(&mut self, octets: usize, spared: Spared) -> Vec<Arc<Mailbox>> {
        let mut idle = self.idle();
        if spared == Spared::TheLast {
            idle.pop_if(|(entered, _)| *entered == self.now);
        }
        let mut free = 0;
        let needed = idle.into_iter().take_while(|(_, id)| {
            let is_needed = free < octets;
            free += self.all.get(id).map_or(0, |mailbox| mailbox.octets());
            is_needed
        });
        let needed: Vec<_> = needed.collect();
        self.let_go_of(needed.into_iter())
    }

    /// Those that nobody uses, the one that was entered last behind the others.
    fn idle(&self) -> Vec<(u64, MailboxId)> {
        let idle = self.all.values().filter(|mailbox| mailbox.is_idle());
        let mut idle: Vec<_> = idle.map(|mailbox| (mailbox.entered(), mailbox.id())).collect();
        idle.sort_unstable();
        idle
    }

    fn let_go_of(&mut self, idle: impl Iterator<Item = (u64, MailboxId)>) -> Vec<Arc<Mailbox>> {
        let gone: Vec<_> = idle.filter_map(|(_, id)| self.all.remove(&id)).collect();
        gone.iter().for_each(|mailbox| mailbox.give_back());
        gone
    }

    /// Closes one, for whoever looks at it.
    pub(crate) fn close(&mut self, id: MailboxId, why: Closed) {
        self.all.remove(&id).into_iter().for_each(|mailbox| mailbox.close(why));
    }

    /// Closes those that `are_gone`.
    pub(crate) fn close_those(&mut self, are_gone: impl Fn(MailboxId) -> bool, why: Closed) {
        self.all.extract_if(|id, _| are_gone(*id)).for_each(|(_, mailbox)| mailbox.close(why));
    }
}
