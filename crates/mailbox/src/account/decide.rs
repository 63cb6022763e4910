//! Decisions: what CREATE, DELETE, RENAME, SUBSCRIBE and their like would do.

use super::event::{AccountEvent, MailboxId};
use super::quota::{Allowances, OverQuota};
use super::special_use::{SpecialUse, SpecialUses};
use super::state::{Account, Limits, Mailbox, Moves, Unmovable};
use std::fmt;
use terms::{BadName, MailboxName, UidValidity};

/// What one atomic commit does: append the events to the account's stream, and take the steps with the
/// mailboxes' streams. An empty plan means that all is already as asked; nothing is committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// For the account's stream, in order.
    pub events: Vec<AccountEvent>,
    /// For the mailboxes' streams, in the same commit.
    pub streams: Vec<StreamStep>,
}

impl Plan {
    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn event(event: AccountEvent) -> Self {
        Self { events: vec![event], streams: Vec::new() }
    }
}

/// What a plan does to the stream of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStep {
    /// The stream begins with its creation event.
    Begin {
        /// The new mailbox.
        mailbox: MailboxId,
        /// What it was given.
        uid_validity: UidValidity,
    },
    /// The stream ends; sessions that have it selected are told so.
    End {
        /// The deleted mailbox.
        mailbox: MailboxId,
    },
    /// The stream of a deleted mailbox goes on where it ended.
    Resume {
        /// The mailbox.
        mailbox: MailboxId,
    },
    /// RENAME INBOX: every message moves, as MOVE would do it, in the same commit. The target is new, so its UIDs
    /// start anew under its own UIDVALIDITY; INBOX keeps UIDVALIDITY and UIDNEXT and is empty (RFC 9051, 6.3.6).
    MoveAll {
        /// INBOX.
        from: MailboxId,
        /// The mailbox that begins in this plan.
        to: MailboxId,
    },
}

impl Account {
    /// What makes a new account one: INBOX and a mailbox for each special use, all subscribed (clients that do not
    /// find these make their own, each with another name). Empty where INBOX is there already.
    ///
    /// # Errors
    /// [`Refusal::NumbersExhausted`].
    pub fn found(&self, unix_s: i64) -> Result<Plan, Refusal> {
        if self.mailbox(&MailboxName::inbox()).is_some() {
            return Ok(Plan::default());
        }
        let standard = SpecialUse::ALL.into_iter().filter_map(|one| Some((one.standard_name()?, Some(one))));
        let names = std::iter::once((MailboxName::inbox(), None)).chain(standard);
        let mut draft = Draft::of(self);
        for (name, special_use) in names {
            draft.create(&name, special_use.into(), unix_s)?;
            draft.plan.events.push(AccountEvent::Subscribed { name });
        }
        Ok(draft.plan)
    }

    /// CREATE (RFC 9051, 6.3.4), with the USE argument of RFC 6154. `unix_s` is now, in seconds: the new mailbox's
    /// UIDVALIDITY unless the account has already given a higher one.
    ///
    /// "The server SHOULD create any superior hierarchical names that are needed": none are, because a name above
    /// a mailbox is a level by itself. We do not make mailboxes that nobody asked for and nobody would delete.
    ///
    /// # Errors
    /// The name cannot be made, is taken, or is one too many.
    pub fn create(
        &self,
        name: &MailboxName,
        special_uses: impl Into<SpecialUses>,
        unix_s: i64,
        limits: &Limits,
    ) -> Result<Plan, Refusal> {
        let special_uses = special_uses.into();
        self.check_free(name, limits)?;
        self.check_uses(special_uses, name)?;
        let mut draft = Draft::of(self);
        draft.create(name, special_uses, unix_s)?;
        Ok(draft.plan)
    }

    /// Makes a mailbox that goes on where one on another server ended, under its UIDVALIDITY. A mailbox of this name makes
    /// room, and leaves its uses to the new one, if its UIDVALIDITY is the account's own and it never held a message,
    /// which is what `is_unused` says; one of another name that has the UIDVALIDITY gets another under the same
    /// conditions. Empty where the name's mailbox has it.
    ///
    /// # Errors
    /// The name's mailbox stays, another one has or had the UIDVALIDITY, or the name cannot be made.
    pub fn continue_mailbox<E: From<Refusal>>(
        &self,
        name: &MailboxName,
        special_uses: SpecialUses,
        uid_validity: UidValidity,
        unix_s: i64,
        limits: &Limits,
        is_unused: impl Fn(MailboxId) -> Result<bool, E>,
    ) -> Result<Plan, E> {
        let mut draft = Draft::of(self);
        let special_uses = match self.mailbox(name) {
            Some(before) if before.uid_validity == uid_validity => return Ok(Plan::default()),
            Some(before) if self.is_own(before) && is_unused(before.id)? => {
                draft.withdraw(before.id);
                before.special_uses
            }
            Some(_) => return Err(Refusal::AlreadyExists(name.clone()).into()),
            None => {
                self.check_free(name, limits)?;
                self.check_uses(special_uses, name)?;
                special_uses
            }
        };
        let holder = self.holder(uid_validity);
        let is_free = match holder {
            Some((_, holder)) => self.remembers_all() && self.is_own(holder) && is_unused(holder.id)?,
            None => self.can_take(uid_validity),
        };
        if !is_free {
            return Err(Refusal::UidValidityTaken(uid_validity).into());
        }
        holder.into_iter().for_each(|(_, holder)| draft.withdraw(holder.id));
        draft.go_on(name, special_uses, uid_validity)?;
        if let Some((name, holder)) = holder {
            draft.create(name, holder.special_uses, unix_s)?;
        }
        Ok(draft.plan)
    }

    /// DELETE (RFC 9051, 6.3.5). Names below stay, and the name then is a level. The subscription stays too: a
    /// server "MUST NOT unilaterally remove" one (RFC 9051, 6.3.7).
    ///
    /// # Errors
    /// INBOX, a level, or no such name.
    pub fn delete(&self, name: &MailboxName) -> Result<Plan, Refusal> {
        if name.is_inbox() {
            return Err(Refusal::InboxStays);
        }
        match self.mailbox(name) {
            Some(mailbox) => Ok(Plan {
                events: vec![AccountEvent::Deleted { id: mailbox.id }],
                streams: vec![StreamStep::End { mailbox: mailbox.id }],
            }),
            None if self.has_children(name.as_str()) => Err(Refusal::HasChildren(name.clone())),
            None => Err(Refusal::NonExistent(name.clone())),
        }
    }

    /// Brings back a mailbox that was deleted, with its messages, UIDs and UIDVALIDITY as they were: a client that still
    /// knows it need not load anything again. It serves those of its uses that no other mailbox has taken over.
    ///
    /// # Errors
    /// The name is taken or cannot be made, the mailbox is there, or the account has as many as it may.
    pub fn undelete(&self, deleted: &Mailbox, name: &MailboxName, limits: &Limits) -> Result<Plan, Refusal> {
        if let Some(name) = self.name(deleted.id) {
            return Err(Refusal::AlreadyExists(name.clone()));
        }
        self.check_free(name, limits)?;
        let free = deleted.special_uses.iter().filter(|one| self.serving(*one).is_none());
        let special_uses = if name.is_inbox() { SpecialUses::NONE } else { free.collect() };
        let Mailbox { id, uid_validity, .. } = *deleted;
        let event = AccountEvent::Undeleted { id, name: name.clone(), uid_validity, special_uses };
        Ok(Plan { events: vec![event], streams: vec![StreamStep::Resume { mailbox: id }] })
    }

    /// RENAME (RFC 9051, 6.3.6): of a mailbox or a level, with everything below. A level may also be the target as
    /// long as no two mailboxes meet in one name. Ids, UIDVALIDITY, special uses and subscriptions stay as they
    /// are, so nothing is to be done in the mailboxes' own streams, but for INBOX.
    ///
    /// # Errors
    /// No such name, or a new name that is taken, cannot be made, or lies below the old one.
    pub fn rename(
        &self,
        from: &MailboxName,
        to: &MailboxName,
        unix_s: i64,
        limits: &Limits,
    ) -> Result<Plan, Refusal> {
        if from.is_inbox() {
            return self.rename_inbox(to, unix_s, limits);
        }
        to.check_new().map_err(Refusal::Name)?;
        if to.is_below(from) {
            return Err(Refusal::IntoItself);
        }
        if to == from || self.mailbox(to).is_some() {
            return Err(Refusal::AlreadyExists(to.clone()));
        }
        let moves = self.moves(from, to)?;
        check_depths(&moves, limits)?;
        Ok(Plan::event(AccountEvent::Renamed { from: from.clone(), to: to.clone() }))
    }

    /// INBOX itself stays, and so does what lies below it: its messages go (RFC 9051, 6.3.6).
    fn rename_inbox(&self, to: &MailboxName, unix_s: i64, limits: &Limits) -> Result<Plan, Refusal> {
        let inbox = self.mailbox(&MailboxName::inbox());
        let inbox = inbox.ok_or_else(|| Refusal::NonExistent(MailboxName::inbox()))?.id;
        self.check_free(to, limits)?;
        let mut draft = Draft::of(self);
        let new = draft.create(to, SpecialUses::NONE, unix_s)?;
        draft.plan.streams.push(StreamStep::MoveAll { from: inbox, to: new });
        Ok(draft.plan)
    }

    /// SUBSCRIBE (RFC 9051, 6.3.7): any name, whether it exists or not.
    ///
    /// # Errors
    /// [`Refusal::TooManySubscriptions`].
    pub fn subscribe(&self, name: &MailboxName, limits: &Limits) -> Result<Plan, Refusal> {
        if self.is_subscribed(name) {
            return Ok(Plan::default());
        }
        if self.subscriptions.len() >= limits.subscriptions {
            return Err(Refusal::TooManySubscriptions(limits.subscriptions));
        }
        Ok(Plan::event(AccountEvent::Subscribed { name: name.clone() }))
    }

    /// UNSUBSCRIBE (RFC 9051, 6.3.8). A name that is not subscribed is as asked already.
    #[must_use]
    pub fn unsubscribe(&self, name: &MailboxName) -> Plan {
        if !self.is_subscribed(name) {
            return Plan::default();
        }
        Plan::event(AccountEvent::Unsubscribed { name: name.clone() })
    }

    /// Gives a mailbox these special uses and no other.
    ///
    /// # Errors
    /// No such mailbox, INBOX, or a use that another mailbox serves.
    pub fn set_special_use(
        &self,
        name: &MailboxName,
        special_uses: impl Into<SpecialUses>,
    ) -> Result<Plan, Refusal> {
        let special_uses = special_uses.into();
        let mailbox = self.mailbox(name).ok_or_else(|| Refusal::NonExistent(name.clone()))?;
        if mailbox.special_uses == special_uses {
            return Ok(Plan::default());
        }
        self.check_uses(special_uses, name)?;
        Ok(Plan::event(AccountEvent::SpecialUseChanged { id: mailbox.id, special_uses }))
    }

    /// Gives the account these allowances and no other.
    #[must_use]
    pub fn allow(&self, allowances: Allowances) -> Plan {
        if self.allowances == allowances {
            return Plan::default();
        }
        Plan::event(AccountEvent::AllowancesChanged { allowances })
    }

    /// Passes over so many mailbox ids, and as many UIDVALIDITYs from now on: what was given and forgotten is not given
    /// again. In an account that has given none there is nothing to pass over.
    ///
    /// # Errors
    /// There are not so many left.
    pub fn skip(&self, numbers: u32, unix_s: i64) -> Result<Option<AccountEvent>, Refusal> {
        let Some(last_id) = self.last_id else { return Ok(None) };
        let id = last_id.get().checked_add(numbers).and_then(MailboxId::new);
        // Many that were made within a second are ahead of the clock.
        let uid_validity = next_uid_validity(self.last_uid_validity, unix_s)
            .and_then(|next| next.get().checked_add(numbers))
            .and_then(UidValidity::new);
        match (id, uid_validity) {
            (Some(last_id), Some(last_uid_validity)) => {
                Ok(Some(AccountEvent::Skipped { last_id, last_uid_validity }))
            }
            _ => Err(Refusal::NumbersExhausted),
        }
    }

    /// Whether one more mailbox, of this name, may be made.
    fn check_free(&self, name: &MailboxName, limits: &Limits) -> Result<(), Refusal> {
        name.check_new().map_err(Refusal::Name)?;
        if self.mailbox(name).is_some() {
            return Err(Refusal::AlreadyExists(name.clone()));
        }
        if self.mailboxes.len() >= limits.mailboxes {
            return Err(Refusal::TooManyMailboxes(limits.mailboxes));
        }
        if let Some(most) = self.quota(limits).mailboxes.filter(|most| self.mailboxes.len() as u64 >= *most) {
            return Err(Refusal::OverQuota(OverQuota::Mailboxes(most)));
        }
        check_depth(name, limits)
    }

    /// One mailbox a use: RFC 6154, 3 lets a server refuse a second with `USEATTR`, and clients that find two
    /// differ in which they take. A mailbox may have several.
    fn check_uses(&self, wanted: SpecialUses, name: &MailboxName) -> Result<(), Refusal> {
        if name.is_inbox() && !wanted.is_empty() {
            return Err(Refusal::UseOnInbox);
        }
        wanted.iter().try_for_each(|one| match self.serving(one) {
            Some((other, _)) if other != name => Err(Refusal::UseTaken(one, other.clone())),
            _ => Ok(()),
        })
    }
}

/// A plan in the making, with the numbers that it has given so far.
struct Draft<'a> {
    account: &'a Account,
    plan: Plan,
    last_id: Option<MailboxId>,
    last_uid_validity: Option<UidValidity>,
    /// Of another server's making.
    brought: Option<UidValidity>,
}

impl<'a> Draft<'a> {
    fn of(account: &'a Account) -> Self {
        let Account { last_id, last_uid_validity, .. } = *account;
        Self { account, plan: Plan::default(), last_id, last_uid_validity, brought: None }
    }

    fn create(
        &mut self,
        name: &MailboxName,
        special_uses: SpecialUses,
        unix_s: i64,
    ) -> Result<MailboxId, Refusal> {
        let uid_validity = self.own_uid_validity(unix_s).ok_or(Refusal::NumbersExhausted)?;
        let id = self.begin(uid_validity)?;
        self.last_uid_validity = Some(uid_validity);
        self.plan.events.push(AccountEvent::Created { id, name: name.clone(), uid_validity, special_uses });
        Ok(id)
    }

    fn go_on(
        &mut self,
        name: &MailboxName,
        special_uses: SpecialUses,
        uid_validity: UidValidity,
    ) -> Result<(), Refusal> {
        let id = self.begin(uid_validity)?;
        self.brought = Some(uid_validity);
        self.plan.events.push(AccountEvent::Continued { id, name: name.clone(), uid_validity, special_uses });
        Ok(())
    }

    fn withdraw(&mut self, id: MailboxId) {
        self.plan.streams.push(StreamStep::End { mailbox: id });
        self.plan.events.push(AccountEvent::Withdrawn { id });
    }

    fn begin(&mut self, uid_validity: UidValidity) -> Result<MailboxId, Refusal> {
        let id = self.last_id.map_or(Some(MailboxId::FIRST), MailboxId::next);
        let id = id.ok_or(Refusal::NumbersExhausted)?;
        self.last_id = Some(id);
        self.plan.streams.push(StreamStep::Begin { mailbox: id, uid_validity });
        Ok(id)
    }

    /// The next one that is not one from elsewhere.
    fn own_uid_validity(&self, unix_s: i64) -> Option<UidValidity> {
        let mut next = next_uid_validity(self.last_uid_validity, unix_s)?;
        while self.account.uid_validities.contains_key(&next) || self.brought == Some(next) {
            next = next.next()?;
        }
        Some(next)
    }
}

/// The higher of last + 1 and the time: an account that comes back from an old backup, and has forgotten what it
/// gave since, still gives none a second time. `None` when the numbers have run out.
fn next_uid_validity(last: Option<UidValidity>, unix_s: i64) -> Option<UidValidity> {
    let lowest = last.map_or(Some(UidValidity::MIN), UidValidity::next)?;
    let now = u32::try_from(unix_s.clamp(0, i64::from(u32::MAX))).ok().and_then(UidValidity::new);
    Some(now.map_or(lowest, |now| now.max(lowest)))
}

fn check_depth(name: &MailboxName, limits: &Limits) -> Result<(), Refusal> {
    match name.levels().count() > limits.levels {
        true => Err(Refusal::TooDeep(limits.levels)),
        false => Ok(()),
    }
}

fn check_depths(moves: &Moves, limits: &Limits) -> Result<(), Refusal> {
    moves.values().map(|(new, _): &(MailboxName, Mailbox)| new).try_for_each(|new| check_depth(new, limits))
}

/// Why a decision is no. Each reads as a sentence for the person at the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The name cannot be made: `CANNOT`.
    Name(BadName),
    /// A mailbox has this name: `ALREADYEXISTS`.
    AlreadyExists(MailboxName),
    /// No mailbox has this name: `NONEXISTENT`.
    NonExistent(MailboxName),
    /// DELETE of a level: `HASCHILDREN`.
    HasChildren(MailboxName),
    /// DELETE INBOX: `CANNOT`.
    InboxStays,
    /// RENAME to a name below the old one: `CANNOT`.
    IntoItself,
    /// The account is full: `LIMIT`.
    TooManyMailboxes(usize),
    /// The set of subscriptions is full: `LIMIT`.
    TooManySubscriptions(usize),
    /// Too many levels: `LIMIT`.
    TooDeep(usize),
    /// The account holds as much as it may: `OVERQUOTA`.
    OverQuota(OverQuota),
    /// Another mailbox serves this use: `USEATTR`.
    UseTaken(SpecialUse, MailboxName),
    /// Another mailbox has or had this UIDVALIDITY: `CANNOT`, where a client could ask for one.
    UidValidityTaken(UidValidity),
    /// INBOX has no special use: `USEATTR`.
    UseOnInbox,
    /// No id or UIDVALIDITY is left: `LIMIT`.
    NumbersExhausted,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(why) => fmt::Display::fmt(why, f),
            Self::AlreadyExists(name) => write!(f, "There is a mailbox {} already", told(name)),
            Self::NonExistent(name) => write!(f, "There is no mailbox {}", told(name)),
            Self::HasChildren(name) => {
                write!(
                    f,
                    "There is no mailbox {}, only others below that name; it goes when they do",
                    told(name)
                )
            }
            Self::InboxStays => f.write_str("INBOX cannot be deleted"),
            Self::IntoItself => f.write_str("A mailbox cannot be moved below itself"),
            Self::TooManyMailboxes(limit) => write!(f, "An account has at most {limit} mailboxes"),
            Self::OverQuota(why) => fmt::Display::fmt(why, f),
            Self::TooManySubscriptions(limit) => write!(f, "An account has at most {limit} subscriptions"),
            Self::TooDeep(limit) => write!(f, "A mailbox name has at most {limit} levels"),
            Self::UseTaken(special_use, name) => {
                write!(
                    f,
                    "The mailbox {} serves as {special_use} already, and there is one for each use",
                    told(name)
                )
            }
            Self::UidValidityTaken(uid_validity) => {
                write!(f, "Another mailbox of this account has or had the UIDVALIDITY {uid_validity}")
            }
            Self::UseOnInbox => f.write_str("INBOX cannot have a special use"),
            Self::NumbersExhausted => f.write_str("This account has no number left for another mailbox"),
        }
    }
}

/// A name as far as it can be told. Replies are ASCII (RFC 3501, 9: TEXT-CHAR), and question marks tell nobody anything.
fn told(name: &MailboxName) -> &str {
    if name.as_str().is_ascii() { name.as_str() } else { "of this name" }
}

impl std::error::Error for Refusal {}

impl From<Unmovable> for Refusal {
    fn from(why: Unmovable) -> Self {
        match why {
            Unmovable::Missing(name) => Self::NonExistent(name),
            Unmovable::Taken(name) => Self::AlreadyExists(name),
            Unmovable::Name(why) => Self::Name(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shared_map::tests::GONE_THROUGH;
    use super::*;

    /// How many entries of an account of so many mailboxes are gone through when another is to go on under this UIDVALIDITY.
    fn gone_through(mailboxes: u32, uid_validity: u32, is_unused: bool) -> usize {
        let limits = Limits::default();
        let name = |n: u32| MailboxName::new(&format!("mailbox {n:05}")).unwrap();
        let validity = |n: u32| UidValidity::new(n).unwrap();
        let mut account = Account::new();
        let own = account.create(&name(0), None, 9, &limits).unwrap();
        own.events.iter().for_each(|event| account.apply(event).unwrap());
        let go_on = |account: &Account, n: u32, uid_validity: u32| {
            let is_unused = |_| Ok::<_, Refusal>(is_unused);
            let validity = validity(uid_validity);
            account.continue_mailbox(&name(n), SpecialUses::NONE, validity, 10, &limits, is_unused)
        };
        for n in 1..=mailboxes {
            let plan = go_on(&account, n, 1_000 + n).unwrap();
            plan.events.iter().for_each(|event| account.apply(event).unwrap());
        }
        GONE_THROUGH.set(0);
        let plan = go_on(&account, mailboxes + 1, uid_validity);
        assert_eq!(plan.is_ok(), uid_validity == 5 || is_unused && uid_validity == 9, "{plan:?}");
        GONE_THROUGH.get()
    }

    #[test]
    fn who_has_a_uid_validity_is_known_without_looking_through_all_mailboxes() {
        // One that nobody has, the account's own, another's from elsewhere.
        for uid_validity in [5, 9, 1_001] {
            for is_unused in [true, false] {
                assert_eq!(gone_through(500, uid_validity, is_unused), 0, "{uid_validity}");
            }
        }
    }

    #[test]
    fn a_uid_validity_is_the_time_or_one_more_than_the_last_and_never_zero() {
        let number = |n| UidValidity::new(n);
        assert_eq!(next_uid_validity(None, 1_700_000_000), number(1_700_000_000));
        assert_eq!(next_uid_validity(number(1_700_000_000), 1_700_000_000), number(1_700_000_001));
        assert_eq!(next_uid_validity(number(9), 12), number(12));
        for broken_clock in [i64::MIN, -1, 0] {
            assert_eq!(next_uid_validity(None, broken_clock), number(1));
            assert_eq!(next_uid_validity(number(5), broken_clock), number(6));
        }
        assert_eq!(next_uid_validity(None, i64::MAX), Some(UidValidity::MAX));
        assert_eq!(next_uid_validity(Some(UidValidity::MAX), 5), None);
    }
}
