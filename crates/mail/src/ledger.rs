//! What an account's messages take, all mailboxes together.
//!
//! It is the sum of the mailboxes' heads and nothing besides, so it cannot drift from what is there. It is asked of the
//! store once, with one question; from then on each commit brings it up to date.

use mailbox::account::{Account, MailboxId, Usage};
use std::collections::BTreeMap;
use store::Seq;

/// What each mailbox takes, as far as it was heard of, and the sum.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<MailboxId, (Seq, Usage)>,
    total: Usage,
    /// Up to where the account's names were looked at, when the entries were those of all mailboxes and of no other.
    complete_at: Option<Seq>,
}

/// Which mailboxes a commit made or brought back, and which it deleted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moves {
    pub(crate) came: Vec<MailboxId>,
    pub(crate) gone: Vec<MailboxId>,
}

impl Ledger {
    /// A mailbox took so much behind its event `seq`. What is older than what is known is passed over.
    pub(crate) fn note(&mut self, id: MailboxId, seq: Seq, usage: Usage) {
        let known = self.entries.get(&id).copied();
        if known.is_none_or(|(known, _)| known < seq) {
            self.forget(id);
            self.entries.insert(id, (seq, usage));
            self.total = self.total.plus(usage);
        }
    }

    /// Up to where a mailbox was heard of: what is published of it is as far.
    pub(crate) fn seq(&self, id: MailboxId) -> Option<Seq> {
        self.entries.get(&id).map(|(seq, _)| *seq)
    }

    /// A mailbox may be at `seq` by now, and nobody here has looked at it.
    pub(crate) fn doubt(&mut self, id: MailboxId, seq: Seq) {
        if self.entries.get(&id).is_some_and(|(known, _)| *known < seq) {
            self.forget(id);
            self.complete_at = None;
        }
    }

    /// The account's names went from `before` to `after` in one commit, which made or brought back some mailboxes and
    /// deleted others. Where all was known it is so still, and nobody has to go through all names to see that.
    pub(crate) fn follow(&mut self, (before, after): (Seq, Seq), moves: &Moves) {
        if self.complete_at != Some(before) {
            return;
        }
        moves.gone.iter().for_each(|id| self.forget(*id));
        let all_known = moves.came.iter().all(|id| self.entries.contains_key(id));
        self.complete_at = all_known.then_some(after);
    }

    /// The sum; or the mailboxes that have to be asked for first.
    pub(crate) fn total(&mut self, account: &Account, names_at: Seq) -> Result<Usage, Vec<MailboxId>> {
        if self.complete_at == Some(names_at) {
            return Ok(self.total);
        }
        let gone: Vec<_> = self.entries.keys().copied().filter(|id| account.name(*id).is_none()).collect();
        gone.into_iter().for_each(|id| self.forget(id));
        let ids = account.mailboxes().map(|(_, mailbox)| mailbox.id);
        let unknown: Vec<_> = ids.filter(|id| !self.entries.contains_key(id)).collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        self.complete_at = Some(names_at);
        Ok(self.total)
    }

    fn forget(&mut self, id: MailboxId) {
        if let Some((_, usage)) = self.entries.remove(&id) {
            self.total = self.total.minus(usage);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailbox::account::Limits;
    use terms::MailboxName;

    fn usage(octets: u64) -> Usage {
        Usage { octets, messages: 1 }
    }

    /// An account of two mailboxes, and their ids.
    fn account() -> (Account, MailboxId, MailboxId) {
        let mut account = Account::new();
        for name in ["a", "b"] {
            let name = MailboxName::new(name).unwrap();
            let plan = account.create(&name, None, 1, &Limits::default()).unwrap();
            plan.events.iter().for_each(|event| account.apply(event).unwrap());
        }
        (account, MailboxId::FIRST, MailboxId::FIRST.next().unwrap())
    }

    #[test]
    fn what_is_not_known_is_asked_for_once() {
        let (account, a, b) = account();
        let mut ledger = Ledger::default();
        assert_eq!(ledger.total(&account, Seq(2)), Err(vec![a, b]));
        ledger.note(a, Seq(3), usage(10));
        assert_eq!(ledger.total(&account, Seq(2)), Err(vec![b]));
        ledger.note(b, Seq(1), usage(5));
        assert_eq!(ledger.total(&account, Seq(2)), Ok(Usage { octets: 15, messages: 2 }));
    }

    #[test]
    fn an_older_answer_does_not_undo_a_newer_commit() {
        let (account, a, b) = account();
        let mut ledger = Ledger::default();
        ledger.note(a, Seq(3), usage(10));
        ledger.note(a, Seq(2), usage(99));
        ledger.note(b, Seq(1), usage(0));
        assert_eq!(ledger.total(&account, Seq(2)).map(|total| total.octets), Ok(10));
        ledger.note(a, Seq(4), usage(7));
        assert_eq!(ledger.total(&account, Seq(2)).map(|total| total.octets), Ok(7));
    }

    #[test]
    fn whoever_makes_or_deletes_a_mailbox_says_so_and_nothing_is_asked_for() {
        let (mut account, a, b) = account();
        let mut ledger = Ledger::default();
        ledger.note(a, Seq(3), usage(10));
        ledger.note(b, Seq(1), usage(5));
        assert!(ledger.total(&account, Seq(2)).is_ok());
        let c = b.next().unwrap();
        let plan = account.create(&MailboxName::new("c").unwrap(), None, 1, &Limits::default()).unwrap();
        plan.events.iter().for_each(|event| account.apply(event).unwrap());
        ledger.note(c, Seq(1), usage(0));
        ledger.follow((Seq(2), Seq(3)), &Moves { came: vec![c], gone: vec![a] });
        assert_eq!(ledger.complete_at, Some(Seq(3)));
        assert_eq!(ledger.total(&account, Seq(3)).map(|total| total.octets), Ok(5));
        ledger.follow((Seq(3), Seq(4)), &Moves { came: vec![a], gone: vec![] });
        assert_eq!(
            ledger.total(&account, Seq(4)),
            Err(vec![a]),
            "it was brought back, and nobody looked at it"
        );
    }

    #[test]
    fn a_mailbox_that_others_changed_is_asked_for_again_and_one_that_is_gone_counts_no_more() {
        let (mut account, a, b) = account();
        let mut ledger = Ledger::default();
        ledger.note(a, Seq(3), usage(10));
        ledger.note(b, Seq(1), usage(5));
        assert!(ledger.total(&account, Seq(2)).is_ok());
        ledger.doubt(a, Seq(3));
        assert!(ledger.total(&account, Seq(2)).is_ok(), "nothing new");
        ledger.doubt(a, Seq(4));
        assert_eq!(ledger.total(&account, Seq(2)), Err(vec![a]));
        let plan = account.delete(&MailboxName::new("a").unwrap()).unwrap();
        plan.events.iter().for_each(|event| account.apply(event).unwrap());
        assert_eq!(ledger.total(&account, Seq(3)).map(|total| total.octets), Ok(5));
    }
}
