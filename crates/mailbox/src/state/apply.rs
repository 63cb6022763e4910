//! Folding events into the state.

use super::MailboxState;
use crate::flags::changing;
use crate::private::{Private, Seen};
use crate::row::Row;
use crate::{
    Appended, Birth, Event, FlagSet, Flags, FlagsChanged, Keywords, MAX_KEYWORDS, MAX_READERS, NewMessage,
    Scope, SystemFlags,
};
use std::fmt;
use std::sync::Arc;
use terms::{AccountId, EmailId, ModSeq, Uid, UidSet};

/// An event that cannot follow on this state: the stream is damaged, or this is not its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// A stream begins with `Created`, and only once.
    Created,
    /// Messages that do not begin at UIDNEXT, or beyond the last UID.
    Append,
    /// A message that is not there.
    Absent,
    /// A private change of another flag than `\Seen`, or a shared change of `\Seen`.
    Scope,
    /// A skip backwards.
    Skip,
    /// Beyond the number of keywords or readers that decisions keep to.
    Limit,
    /// No MODSEQ is left.
    ModSeq,
    /// The events before it cannot be read.
    Part,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "the stream does not begin with Created, or has a second one",
            Self::Append => "messages are appended at another place than UIDNEXT",
            Self::Absent => "an event names a message that is not there",
            Self::Scope => "an event changes flags outside its scope",
            Self::Skip => "an event skips backwards",
            Self::Limit => "an event goes beyond the mailbox's limits",
            Self::ModSeq => "no MODSEQ is left for an event",
            Self::Part => "the events before it cannot be read",
        })
    }
}

impl std::error::Error for Misfit {}

impl MailboxState {
    /// The state after all of these events, the first of which is `Created`.
    ///
    /// # Errors
    /// The first event that does not fit.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Self, Misfit> {
        let mut events = events.into_iter();
        let Some(Event::Created(created)) = events.next() else { return Err(Misfit::Created) };
        events.try_fold(Self::create(created)?, |state, event| state.apply(event))
    }

    /// The state after one more event. This one is not changed.
    ///
    /// # Errors
    /// Why the event cannot follow.
    pub fn apply(&self, event: &Event) -> Result<Self, Misfit> {
        if self.part.is_some() {
            return Err(Misfit::Part);
        }
        let modseq = self.modseq_in(1).ok_or(Misfit::ModSeq)?;
        let mut next = self.clone();
        next.seq += 1;
        match event {
            Event::Created(_) => return Err(Misfit::Created),
            Event::Appended(appended) => next.append(appended, modseq)?,
            Event::FlagsChanged(changed) => next.change_flags(changed, modseq)?,
            Event::Expunged { uids } => next.expunge(uids, modseq)?,
            Event::Skipped { uid_next, modseq_base } => next.skip(*uid_next, *modseq_base)?,
        }
        Ok(next)
    }

    fn append(&mut self, appended: &Appended, modseq: ModSeq) -> Result<(), Misfit> {
        let (uids, behind) = self.place(appended)?;
        self.meet(appended.messages.iter().map(|message| &message.flags))?;
        let new = || uids.iter().zip(&appended.messages);
        let mut numbers = Numbers::of(&self.keywords);
        let row = |(uid, message)| self.new_row(uid, message, modseq, &mut numbers);
        let messages = self.messages.append(&uids, new().map(row));
        self.messages = messages;
        self.uid_next = behind;
        self.highest_shared = modseq;
        let is_seen = |message: &NewMessage| message.flags.system.contains(SystemFlags::SEEN);
        let seen: UidSet = new().filter(|(_, message)| is_seen(message)).map(|(uid, _)| uid).collect();
        if seen.is_empty() { Ok(()) } else { self.mark(appended.reader, &seen, Seen::Yes, modseq) }
    }

    /// The UIDs that the messages take, and the one behind them.
    fn place(&self, appended: &Appended) -> Result<(UidSet, Uid), Misfit> {
        let count = u32::try_from(appended.messages.len()).map_err(|_| Misfit::Append)?;
        let behind = appended.first.get().checked_add(count).and_then(Uid::new).ok_or(Misfit::Append)?;
        match Uid::new(behind.get() - 1) {
            Some(last) if count > 0 && appended.first == self.uid_next => {
                Ok((UidSet::range(appended.first, last), behind))
            }
            _ => Err(Misfit::Append),
        }
    }

    fn new_row<'e>(
        &self,
        uid: Uid,
        message: &'e NewMessage,
        modseq: ModSeq,
        numbers: &mut Numbers<'_, 'e>,
    ) -> Row {
        let email = match message.birth {
            Birth::Here => EmailId { mailbox: self.stream, uid: uid.get() },
            Birth::Elsewhere(email) => email,
        };
        let flags = numbers.number(&message.flags);
        let (internal_date, size, save_date) = (message.internal_date, message.size, message.save_date);
        Row { uid, email, flags, modseq, internal_date, size, save_date }
    }

    fn change_flags(&mut self, changed: &FlagsChanged, modseq: ModSeq) -> Result<(), Misfit> {
        self.must_hold(&changed.uids)?;
        match changed.scope {
            Scope::Shared => self.change_shared(changed, modseq),
            Scope::Private(account) => {
                self.mark(account, &changed.uids, private_change(&changed.add, &changed.remove)?, modseq)
            }
        }
    }

    fn change_shared(&mut self, changed: &FlagsChanged, modseq: ModSeq) -> Result<(), Misfit> {
        let (add, remove) = self.shared_change(changed)?;
        let change = |flags: &FlagSet| flags.without(&remove).with(&add);
        self.messages =
            self.messages.change(&changed.uids, |leaf, picked| leaf.changed(picked, modseq, change));
        self.highest_shared = modseq;
        Ok(())
    }

    /// Which flags are added and which removed, their keywords taken in.
    pub(super) fn shared_change(&mut self, changed: &FlagsChanged) -> Result<(FlagSet, FlagSet), Misfit> {
        if changed.add.system.with(changed.remove.system).contains(SystemFlags::SEEN) {
            return Err(Misfit::Scope);
        }
        self.meet([&changed.add, &changed.remove])?;
        Ok((self.keywords.known(&changed.add), self.keywords.known(&changed.remove)))
    }

    fn expunge(&mut self, uids: &UidSet, modseq: ModSeq) -> Result<(), Misfit> {
        self.must_hold(uids)?;
        let (messages, gone) = self.messages.take(uids);
        self.messages = messages;
        self.graves = self.graves.with(gone);
        self.privates = Arc::new(self.privates.iter().map(|(id, p)| (*id, p.without(uids))).collect());
        self.expunges.push(modseq, uids.clone());
        self.highest_shared = modseq;
        Ok(())
    }

    /// The event's own MODSEQ is counted from the new base already: it is above all that was skipped. Under the old
    /// base nothing was, and what clients know stays good.
    fn skip(&mut self, uid_next: Uid, modseq_base: ModSeq) -> Result<(), Misfit> {
        if uid_next < self.uid_next || modseq_base < self.modseq_base {
            return Err(Misfit::Skip);
        }
        let is_loss = modseq_base > self.modseq_base;
        self.uid_next = uid_next;
        self.modseq_base = modseq_base;
        self.highest_shared = self.modseq_in(0).ok_or(Misfit::ModSeq)?;
        if is_loss {
            self.expunges.forget(self.highest_shared);
            self.skipped = self.highest_shared;
        }
        Ok(())
    }

    fn mark(&mut self, account: AccountId, uids: &UidSet, seen: Seen, modseq: ModSeq) -> Result<(), Misfit> {
        let private = self.reader_of(account)?;
        *private = private.marked(uids, seen, modseq);
        Ok(())
    }

    /// What one account alone sees, from now on if it has marked nothing yet.
    pub(super) fn reader_of(&mut self, account: AccountId) -> Result<&mut Private, Misfit> {
        let privates = Arc::make_mut(&mut self.privates);
        if privates.len() >= MAX_READERS && !privates.contains_key(&account) {
            return Err(Misfit::Limit);
        }
        Ok(privates.entry(account).or_default())
    }

    /// Takes in the keywords that are new, if they are not too many.
    fn meet<'a>(&mut self, flags: impl IntoIterator<Item = &'a Flags>) -> Result<(), Misfit> {
        for keyword in changing(flags).flat_map(Flags::keywords) {
            if self.keywords.find(keyword).is_none() {
                Arc::make_mut(&mut self.keywords).meet(keyword);
            }
        }
        if self.keywords.len() > MAX_KEYWORDS { Err(Misfit::Limit) } else { Ok(()) }
    }

    pub(super) fn must_hold(&self, uids: &UidSet) -> Result<(), Misfit> {
        if self.messages.count_among(uids) == uids.len() { Ok(()) } else { Err(Misfit::Absent) }
    }
}

/// Numbers the shared flags of new messages.
struct Numbers<'s, 'e> {
    keywords: &'s Keywords,
    /// The last that had keywords.
    before: Option<(&'e Flags, FlagSet)>,
}

impl<'s, 'e> Numbers<'s, 'e> {
    const fn of(keywords: &'s Keywords) -> Self {
        Self { keywords, before: None }
    }

    fn number(&mut self, flags: &'e Flags) -> FlagSet {
        let system = flags.system.without(SystemFlags::SEEN);
        if flags.keywords().is_empty() {
            return FlagSet::system(system);
        }
        if let Some((before, known)) = &self.before
            && before.shares_keywords_with(flags)
        {
            return known.with_system(system);
        }
        let known = self.keywords.known(&flags.without(SystemFlags::SEEN));
        self.before = Some((flags, known.clone()));
        known
    }
}

/// A private change sets `\Seen` or takes it away, and does nothing else.
pub(super) fn private_change(add: &Flags, remove: &Flags) -> Result<Seen, Misfit> {
    let seen = Flags::system(SystemFlags::SEEN);
    if *add == seen && remove.is_empty() {
        Ok(Seen::Yes)
    } else if *remove == seen && add.is_empty() {
        Ok(Seen::No)
    } else {
        Err(Misfit::Scope)
    }
}
