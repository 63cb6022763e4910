//! An account made again as it was, where nothing of it is left.

use super::decide::Refusal;
use super::event::AccountEvent;
use super::quota::Allowances;
use super::state::Account;

impl Account {
    /// The events of an account that has the mailboxes, subscriptions and allowances that this one has, under the same
    /// ids and UIDVALIDITYs. It passes over so many numbers behind those that `newest`, which is this account later on,
    /// has given: none is given again.
    ///
    /// # Errors
    /// There are not so many numbers left.
    pub fn rebuild(&self, newest: &Self, numbers: u32, unix_s: i64) -> Result<Vec<AccountEvent>, Refusal> {
        let mut last = None;
        let mailboxes = self.names.iter().filter_map(|(id, name)| Some((*id, name, self.mailbox(name)?)));
        let mut events: Vec<_> = mailboxes
            .map(|(id, name, mailbox)| {
                let (name, uid_validity, special_uses) =
                    (name.clone(), mailbox.uid_validity, mailbox.special_uses);
                if self.is_own(mailbox) && last < Some(uid_validity) {
                    last = Some(uid_validity);
                    AccountEvent::Created { id, name, uid_validity, special_uses }
                } else {
                    AccountEvent::Continued { id, name, uid_validity, special_uses }
                }
            })
            .collect();
        let subscribed = self.subscriptions().cloned();
        events.extend(subscribed.map(|name| AccountEvent::Subscribed { name }));
        let allowances = self.allowances;
        let has_own = allowances != Allowances::default();
        events.extend(has_own.then_some(AccountEvent::AllowancesChanged { allowances }));
        events.extend(newest.skip(numbers, unix_s)?);
        Ok(events)
    }
}
