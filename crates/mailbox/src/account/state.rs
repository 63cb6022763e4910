//! The state, and how events make it.

use super::event::{AccountEvent, MailboxId};
use super::quota::{Allowances, Quota};
use super::shared_map::SharedMap;
use super::special_use::{SpecialUse, SpecialUses};
use std::collections::BTreeMap;
use std::fmt;
use terms::{BadName, MailboxName, SEPARATOR, UidValidity};

/// Who made a UIDVALIDITY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    /// The account.
    Account,
    /// Another server.
    Elsewhere,
}

/// UIDVALIDITYs that an account remembers. One that has had more mailboxes takes none from elsewhere any more: it cannot
/// say which it had.
pub(super) const MAX_REMEMBERED: usize = 65_536;

/// What a name is taken to allocate, in octets. Most are shorter; a path may be longer.
const NAME_OCTETS: usize = 32;

/// How much an account may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Mailboxes, INBOX included, whatever its quota.
    pub mailboxes: usize,
    /// Subscribed names; more than mailboxes, because a name may outlive its mailbox.
    pub subscriptions: usize,
    /// Levels of a name.
    pub levels: usize,
    /// What an account may hold that has no allowances of its own.
    pub quota: Quota,
}

impl Default for Limits {
    fn default() -> Self {
        Self { mailboxes: 10_000, subscriptions: 20_000, levels: 32, quota: Quota::NONE }
    }
}

/// A mailbox as its account knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Its stream, for ever.
    pub id: MailboxId,
    /// The one that it began with, for ever.
    pub uid_validity: UidValidity,
    /// What it is for.
    pub special_uses: SpecialUses,
}

/// An account's state: the fold of its events. Cheap to clone, however many mailboxes there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub(super) mailboxes: SharedMap<MailboxName, Mailbox>,
    pub(super) names: SharedMap<MailboxId, MailboxName>,
    /// Which mailbox has a UIDVALIDITY.
    pub(super) holders: SharedMap<UidValidity, MailboxId>,
    pub(super) subscriptions: SharedMap<MailboxName, ()>,
    pub(super) last_id: Option<MailboxId>,
    /// The last one of its own making.
    pub(super) last_uid_validity: Option<UidValidity>,
    /// All that its mailboxes have or had, as long as they are no more than [`MAX_REMEMBERED`].
    pub(super) uid_validities: SharedMap<UidValidity, Maker>,
    /// Whether it came back from a backup, and may have had mailboxes since that it knows nothing of.
    pub(super) may_have_forgotten: bool,
    pub(super) allowances: Allowances,
}

impl Account {
    /// Before its first event. [`Account::found`] says what makes it an account.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// About what it keeps in memory, in octets: what it shares with other states is counted in each, and a name as a
    /// usual one. As quickly said of ten thousand mailboxes as of one.
    #[must_use]
    pub fn resident_octets(&self) -> usize {
        let names = self.mailboxes.len() + self.names.len() + self.subscriptions.len();
        size_of::<Self>()
            + names * NAME_OCTETS
            + self.mailboxes.heap_octets()
            + self.names.heap_octets()
            + self.holders.heap_octets()
            + self.subscriptions.heap_octets()
            + self.uid_validities.heap_octets()
    }

    /// The mailbox of that name.
    #[must_use]
    pub fn mailbox(&self, name: &MailboxName) -> Option<&Mailbox> {
        self.mailboxes.get(name)
    }

    /// The name that a mailbox has now; `None` once it is deleted.
    #[must_use]
    pub fn name(&self, id: MailboxId) -> Option<&MailboxName> {
        self.names.get(&id)
    }

    /// The last mailbox that was made, whatever became of it; `None` where none ever was.
    #[must_use]
    pub const fn last_id(&self) -> Option<MailboxId> {
        self.last_id
    }

    /// All mailboxes in the order of their names.
    pub fn mailboxes(&self) -> impl ExactSizeIterator<Item = (&MailboxName, &Mailbox)> {
        self.mailboxes.iter()
    }

    /// The mailbox that serves this purpose.
    #[must_use]
    pub fn serving(&self, special_use: SpecialUse) -> Option<(&MailboxName, &Mailbox)> {
        self.mailboxes().find(|(_, mailbox)| mailbox.special_uses.contains(special_use))
    }

    /// The subscribed names, in order.
    pub fn subscriptions(&self) -> impl ExactSizeIterator<Item = &MailboxName> {
        self.subscriptions.keys()
    }

    /// Whether that name is subscribed.
    #[must_use]
    pub fn is_subscribed(&self, name: &MailboxName) -> bool {
        self.subscriptions.contains_key(name)
    }

    /// Whether a mailbox lies below `name`, at any depth.
    #[must_use]
    pub fn has_children(&self, name: &str) -> bool {
        self.below(name).next().is_some()
    }

    /// The mailboxes below `name`, at any depth, in order.
    pub(super) fn below<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a MailboxName, &'a Mailbox)> {
        // All names that begin with "name/" stand together, though not always right behind "name" itself.
        let prefix = format!("{name}{SEPARATOR}");
        self.mailboxes
            .range_from(prefix.as_str())
            .take_while(move |(name, _)| name.as_str().starts_with(&prefix))
    }

    /// Folds one event in.
    ///
    /// # Errors
    /// The event does not fit what came before it: the stream is damaged or was written by a bug. The state is
    /// as it was.
    pub fn apply(&mut self, event: &AccountEvent) -> Result<(), Inconsistent> {
        match event {
            AccountEvent::Created { id, name, uid_validity, special_uses } => {
                let mailbox = Mailbox { id: *id, uid_validity: *uid_validity, special_uses: *special_uses };
                self.created(name, mailbox)
            }
            AccountEvent::Continued { id, name, uid_validity, special_uses } => {
                let mailbox = Mailbox { id: *id, uid_validity: *uid_validity, special_uses: *special_uses };
                self.continued(name, mailbox)
            }
            AccountEvent::BegunAnew if self.last_id.is_some() => {
                Err(Inconsistent("an account begins anew that has begun"))
            }
            AccountEvent::BegunAnew => Ok(()),
            AccountEvent::Withdrawn { id } => self.withdrawn(*id),
            AccountEvent::Deleted { id } => self.deleted(*id).map(drop),
            AccountEvent::Undeleted { id, name, uid_validity, special_uses } => {
                let mailbox = Mailbox { id: *id, uid_validity: *uid_validity, special_uses: *special_uses };
                self.undeleted(name, mailbox)
            }
            AccountEvent::Renamed { from, to } => self.renamed(from, to),
            AccountEvent::Subscribed { name } => {
                self.subscriptions.insert(name.clone(), ());
                Ok(())
            }
            AccountEvent::Unsubscribed { name } => {
                self.subscriptions.remove(name);
                Ok(())
            }
            AccountEvent::SpecialUseChanged { id, special_uses } => self.uses_changed(*id, *special_uses),
            AccountEvent::AllowancesChanged { allowances } => {
                self.allowances = *allowances;
                Ok(())
            }
            AccountEvent::Skipped { last_id, last_uid_validity } => {
                self.skipped(*last_id, *last_uid_validity)
            }
        }
    }

    fn created(&mut self, name: &MailboxName, mailbox: Mailbox) -> Result<(), Inconsistent> {
        let is_above = self.last_uid_validity < Some(mailbox.uid_validity);
        if !is_above || self.uid_validities.contains_key(&mailbox.uid_validity) {
            return Err(Inconsistent("a UIDVALIDITY was given twice"));
        }
        self.begun(name, mailbox, Maker::Account)?;
        self.last_uid_validity = Some(mailbox.uid_validity);
        Ok(())
    }

    fn continued(&mut self, name: &MailboxName, mailbox: Mailbox) -> Result<(), Inconsistent> {
        if !self.can_take(mailbox.uid_validity) {
            return Err(Inconsistent("a UIDVALIDITY was given twice"));
        }
        self.begun(name, mailbox, Maker::Elsewhere)
    }

    /// Whether no mailbox has or had this UIDVALIDITY.
    pub(super) fn can_take(&self, uid_validity: UidValidity) -> bool {
        self.remembers_all() && !self.uid_validities.contains_key(&uid_validity)
    }

    /// Whether the account itself made a mailbox's UIDVALIDITY. One from elsewhere stays with its mailbox: somebody may
    /// be about to fill it.
    pub(super) fn is_own(&self, mailbox: &Mailbox) -> bool {
        self.uid_validities.get(&mailbox.uid_validity) == Some(&Maker::Account)
    }

    /// Whether the set of UIDVALIDITYs is complete.
    pub(super) fn remembers_all(&self) -> bool {
        !self.may_have_forgotten && self.has_room_to_remember()
    }

    pub(super) fn has_room_to_remember(&self) -> bool {
        self.uid_validities.len() < MAX_REMEMBERED
    }

    fn begun(&mut self, name: &MailboxName, mailbox: Mailbox, maker: Maker) -> Result<(), Inconsistent> {
        if self.last_id >= Some(mailbox.id) {
            return Err(Inconsistent("a mailbox id was given twice"));
        }
        self.named(name, mailbox)?;
        self.last_id = Some(mailbox.id);
        if self.has_room_to_remember() {
            self.uid_validities.insert(mailbox.uid_validity, maker);
        }
        Ok(())
    }

    fn withdrawn(&mut self, id: MailboxId) -> Result<(), Inconsistent> {
        let mailbox = self.deleted(id)?;
        // Where the set is full it stays so: what it does not hold is not known.
        if self.has_room_to_remember() {
            self.uid_validities.remove(&mailbox.uid_validity);
        }
        Ok(())
    }

    fn undeleted(&mut self, name: &MailboxName, mailbox: Mailbox) -> Result<(), Inconsistent> {
        if self.last_id < Some(mailbox.id) || !self.had(mailbox.uid_validity) {
            return Err(Inconsistent("a mailbox was brought back that there never was"));
        }
        if self.names.contains_key(&mailbox.id) {
            return Err(Inconsistent("a mailbox was brought back that is there"));
        }
        self.named(name, mailbox)
    }

    /// Whether a mailbox can have had this UIDVALIDITY.
    pub(super) fn had(&self, uid_validity: UidValidity) -> bool {
        self.uid_validities.contains_key(&uid_validity)
            || !self.remembers_all() && self.last_uid_validity >= Some(uid_validity)
    }

    fn named(&mut self, name: &MailboxName, mailbox: Mailbox) -> Result<(), Inconsistent> {
        if self.mailboxes.contains_key(name) {
            return Err(Inconsistent("a mailbox got a name that is taken"));
        }
        self.put(name.clone(), mailbox);
        Ok(())
    }

    /// One more, whose name and id are free.
    pub(super) fn put(&mut self, name: MailboxName, mailbox: Mailbox) {
        self.names.insert(mailbox.id, name.clone());
        self.holders.insert(mailbox.uid_validity, mailbox.id);
        self.mailboxes.insert(name, mailbox);
    }

    /// The mailbox that has this UIDVALIDITY.
    pub(super) fn holder(&self, uid_validity: UidValidity) -> Option<(&MailboxName, &Mailbox)> {
        let name = self.names.get(self.holders.get(&uid_validity)?)?;
        self.mailboxes.get_key_value(name)
    }

    fn deleted(&mut self, id: MailboxId) -> Result<Mailbox, Inconsistent> {
        let name = self.names.remove(&id).ok_or(NO_SUCH_ID)?;
        let mailbox = self.mailboxes.remove(&name).ok_or(NO_SUCH_ID)?;
        if self.holders.get(&mailbox.uid_validity) == Some(&id) {
            self.holders.remove(&mailbox.uid_validity);
        }
        Ok(mailbox)
    }

    fn renamed(&mut self, from: &MailboxName, to: &MailboxName) -> Result<(), Inconsistent> {
        let moves = self.moves(from, to)?;
        for old in moves.keys() {
            self.mailboxes.remove(old);
        }
        for (_, (new, mailbox)) in moves {
            self.names.insert(mailbox.id, new.clone());
            self.mailboxes.insert(new, mailbox);
        }
        Ok(())
    }

    /// The mailboxes that a rename touches, by their old name, with their new one. None of the new names is
    /// taken, but perhaps by a mailbox that moves away itself.
    pub(super) fn moves(&self, from: &MailboxName, to: &MailboxName) -> Result<Moves, Unmovable> {
        let itself = self.mailboxes.get_key_value(from);
        let touched = itself.into_iter().chain(self.below(from.as_str()));
        let mut moves = Moves::new();
        for (old, mailbox) in touched {
            let new = old.moved(from, to).unwrap_or_else(|| Ok(old.clone())).map_err(Unmovable::Name)?;
            moves.insert(old.clone(), (new, *mailbox));
        }
        if moves.is_empty() {
            return Err(Unmovable::Missing(from.clone()));
        }
        let taken = |new: &&MailboxName| self.mailboxes.contains_key(*new) && !moves.contains_key(*new);
        match moves.values().map(|(new, _)| new).find(taken) {
            Some(name) => Err(Unmovable::Taken(name.clone())),
            None => Ok(moves),
        }
    }

    fn skipped(&mut self, id: MailboxId, uid_validity: UidValidity) -> Result<(), Inconsistent> {
        if self.last_id > Some(id) || self.last_uid_validity > Some(uid_validity) {
            return Err(Inconsistent("numbers were skipped backwards"));
        }
        self.last_id = Some(id);
        self.last_uid_validity = Some(uid_validity);
        self.may_have_forgotten = true;
        Ok(())
    }

    fn uses_changed(&mut self, id: MailboxId, special_uses: SpecialUses) -> Result<(), Inconsistent> {
        let named = self.names.get(&id).and_then(|name| self.mailboxes.get_key_value(name));
        let (name, mailbox) = named.map(|(name, mailbox)| (name.clone(), *mailbox)).ok_or(NO_SUCH_ID)?;
        self.mailboxes.insert(name, Mailbox { special_uses, ..mailbox });
        Ok(())
    }
}

pub(super) type Moves = BTreeMap<MailboxName, (MailboxName, Mailbox)>;

/// Why a rename cannot be.
pub(super) enum Unmovable {
    Missing(MailboxName),
    Taken(MailboxName),
    Name(BadName),
}

impl From<Unmovable> for Inconsistent {
    fn from(why: Unmovable) -> Self {
        Self(match why {
            Unmovable::Missing(_) => "a mailbox was renamed that does not exist",
            Unmovable::Taken(_) => "a mailbox was renamed to a name that is taken",
            Unmovable::Name(_) => "a mailbox was renamed to a name that cannot be",
        })
    }
}

/// An event that does not fit the events before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inconsistent(pub(super) &'static str);

impl fmt::Display for Inconsistent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Inconsistent {}

const NO_SUCH_ID: Inconsistent = Inconsistent("an event names a mailbox that does not exist");
