//! What one change would do: states to decide upon, and the commit that grows from the decision.

use crate::account::usage_of;
use crate::error::Part;
use crate::ledger::Moves;
use crate::load::{self, At};
use crate::{Error, account::Known};
use bytes::Bytes;
use mailbox::account::{Account, AccountEvent, Limits, MailboxId, Plan, StreamStep, Usage};
use mailbox::{Created, Event, MailboxState};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{AccountId, Append, Body, Commit, CommitId, EmailId, Head, Record, Seq, StreamId};
use terms::Uid;

/// Why a decision has not been reached.
#[derive(Debug)]
pub enum Halt {
    /// It wants to look at a mailbox that is not loaded. It will be asked again.
    Needs(MailboxId),
    /// It is no.
    Refused(Error),
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(why: E) -> Self {
        Self::Refused(why.into())
    }
}

/// The newest states of an account's streams, to decide upon. What a decision appends is folded in at once, so that
/// the next decision sees it; it becomes true for others only with the commit.
#[derive(Clone, Debug)]
pub struct Proposal {
    id: AccountId,
    now_s: i64,
    account: At<Arc<Account>>,
    names: Known,
    mailboxes: BTreeMap<MailboxId, At<MailboxState>>,
    /// What all messages of the account take. What a deleted mailbox gives back counts once that is durable.
    held: Usage,
    grown: BTreeMap<u32, Grown>,
    moves: Moves,
    records: Vec<(EmailId, Option<Record>)>,
    bodies: Vec<Body>,
}

/// What a stream gets.
#[derive(Clone, Debug)]
struct Grown {
    expected: Seq,
    events: Vec<Bytes>,
}

/// What is true once a commit is done.
#[derive(Debug)]
pub(crate) struct Consequences {
    /// `None` where the account's own stream does not grow.
    pub(crate) account: Option<Renaming>,
    /// States, and what the events weigh that made them.
    pub(crate) mailboxes: Vec<(MailboxId, At<MailboxState>, usize)>,
}

/// What becomes of the account's names.
#[derive(Debug)]
pub(crate) struct Renaming {
    /// Where its stream stood before.
    pub(crate) before: Seq,
    pub(crate) after: At<Arc<Account>>,
    pub(crate) moves: Moves,
}

/// What a proposal started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// States that are durable.
    Published,
    /// States that will be true when commits that are under way are done: this one, and those before it.
    Ahead(CommitId),
}

impl Base {
    /// The commit that has to be done first.
    const fn commit(self) -> Option<CommitId> {
        match self {
            Self::Published => None,
            Self::Ahead(commit) => Some(commit),
        }
    }
}

impl Proposal {
    pub(crate) fn new(id: AccountId, (account, names): (At<Arc<Account>>, Known), held: Usage) -> Self {
        Self {
            id,
            now_s: 0,
            account,
            names,
            mailboxes: BTreeMap::new(),
            held,
            grown: BTreeMap::new(),
            moves: Moves { came: Vec::new(), gone: Vec::new() },
            records: Vec::new(),
            bodies: Vec::new(),
        }
    }

    pub(crate) fn begin_change(&mut self, now_s: i64) {
        self.now_s = now_s;
    }

    pub(crate) fn know(&mut self, mailbox: MailboxId, at: At<MailboxState>) {
        self.mailboxes.insert(mailbox, at);
    }

    /// How many mailboxes it knows the states of.
    pub(crate) fn states(&self) -> usize {
        self.mailboxes.len()
    }

    /// Forgets the states that everybody can have by now, where `published` says up to where that is. A decision that
    /// asks for one has it loaded again.
    pub(crate) fn let_go(&mut self, published: impl Fn(MailboxId) -> Option<Seq>) {
        self.mailboxes.retain(|id, at| published(*id).is_none_or(|seq| seq < at.seq));
    }

    /// Now, in Unix seconds.
    #[must_use]
    pub const fn now_s(&self) -> i64 {
        self.now_s
    }

    /// The account's names.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account.state
    }

    pub(crate) const fn held(&self) -> Usage {
        self.held
    }

    /// Whether the account may hold what it comes to hold, where it held `before`.
    pub(crate) fn check_growth(&self, before: Usage, limits: &Limits) -> Result<(), Halt> {
        Ok(self.account().quota(limits).check(before, self.held)?)
    }

    /// A mailbox that exists.
    ///
    /// # Errors
    /// It has been deleted, or it has to be loaded first.
    pub fn mailbox(&self, id: MailboxId) -> Result<&MailboxState, Halt> {
        if self.account.state.name(id).is_none() {
            return Err(Error::NoSuchMailbox.into());
        }
        self.mailboxes.get(&id).map(|at| &at.state).ok_or(Halt::Needs(id))
    }

    /// Lets something happen to a mailbox.
    ///
    /// # Errors
    /// The mailbox is not there, or the event does not fit it: a bug of the decision.
    pub fn push(&mut self, id: MailboxId, event: &Event) -> Result<(), Halt> {
        self.mailbox(id)?;
        let stream = self.stream(id.get());
        let at = self.mailboxes.get_mut(&id).ok_or(Halt::Needs(id))?;
        if at.state.part().is_some() {
            return Err(Error::InPart(Part::Mailbox).into());
        }
        let state = at.state.apply(event).map_err(|why| Error::damaged(stream, why))?;
        let expected = at.seq;
        self.held = self.held.plus(usage_of(&state)).minus(usage_of(&at.state));
        *at = At { seq: expected.plus(1), state };
        grow(&mut self.grown, id.get(), expected, event.encode());
        Ok(())
    }

    /// The account holds so much again: what a mailbox holds that is brought back without being looked at.
    pub fn hold(&mut self, again: Usage) {
        self.held = self.held.plus(again);
    }

    /// Lets the account's plan happen, all of it.
    ///
    /// # Errors
    /// The plan does not fit the account: a bug of the decision. Or a mailbox that it moves is to be loaded first.
    pub fn follow(&mut self, plan: &Plan) -> Result<(), Halt> {
        for event in &plan.events {
            self.push_account(event)?;
        }
        plan.streams.iter().try_for_each(|step| self.step(step))
    }

    fn push_account(&mut self, event: &AccountEvent) -> Result<(), Halt> {
        if self.names == Known::InPart {
            return Err(Error::InPart(Part::Names).into());
        }
        let expected = self.account.seq;
        let stream = self.stream(0);
        Arc::make_mut(&mut self.account.state).apply(event).map_err(|why| Error::damaged(stream, why))?;
        self.account.seq = expected.plus(1);
        grow(&mut self.grown, 0, expected, event.encode().into());
        Ok(())
    }

    fn step(&mut self, step: &StreamStep) -> Result<(), Halt> {
        match *step {
            StreamStep::Begin { mailbox, uid_validity } => self.begin(
                mailbox,
                &Event::Created(Created {
                    stream: mailbox.get(),
                    owner: self.id,
                    uid_validity,
                    uid_next: Uid::MIN,
                    modseq_base: terms::ModSeq::ZERO,
                }),
            ),
            // The stream stays as it is: what it held can be brought back.
            StreamStep::End { mailbox } => {
                self.moves.gone.push(mailbox);
                Ok(())
            }
            StreamStep::Resume { mailbox } => {
                self.moves.came.push(mailbox);
                Ok(())
            }
            StreamStep::MoveAll { from, to } => self.move_all(from, to),
        }
    }

    fn begin(&mut self, id: MailboxId, created: &Event) -> Result<(), Halt> {
        let stream = self.stream(id.get());
        let state = MailboxState::fold([created]).map_err(|why| Error::damaged(stream, why))?;
        self.mailboxes.insert(id, At { seq: Seq(1), state });
        self.moves.came.push(id);
        grow(&mut self.grown, id.get(), Seq::NONE, created.encode());
        Ok(())
    }

    /// RENAME INBOX. Everything goes, as MOVE would do it; a message's identity goes with it.
    fn move_all(&mut self, from: MailboxId, to: MailboxId) -> Result<(), Halt> {
        let source = self.mailbox(from)?;
        let all = source.uids(Uid::MIN);
        let moving = mailbox::move_messages(source, self.id, &all, self.mailbox(to)?, self.now_s)?;
        moving.copy.events.iter().try_for_each(|event| self.push(to, event))?;
        moving.expunged.iter().try_for_each(|event| self.push(from, event))
    }

    /// A new message's record.
    pub fn put_record(&mut self, email: EmailId, record: Record) {
        self.records.push((email, Some(record)));
    }

    /// A new message's octets, if they are few enough to travel with the commit.
    pub fn put_body(&mut self, body: Body) {
        self.bodies.push(body);
    }

    /// Takes out what has grown since the last call, as a commit. `None`: there is nothing to wait for. Where nothing
    /// has grown, but the decision saw what is not durable yet, the commit only compares: "it is so already" is not
    /// said before it is true.
    pub(crate) fn take(
        &mut self,
        base: Base,
        id: CommitId,
        time_ms: i64,
        origin: Bytes,
    ) -> Option<(Commit, Consequences)> {
        if self.grown.is_empty() {
            match base {
                Base::Published => return None,
                Base::Ahead(_) => self.grown = self.compare_all(),
            }
        }
        // A mailbox is there as long as the account names it: what is put into one that somebody else deletes
        // meanwhile would be lost. To compare is not to touch: the account's stream does not grow.
        self.grown.entry(0).or_insert(Grown { expected: self.account.seq, events: Vec::new() });
        let grown = std::mem::take(&mut self.grown);
        let consequences = self.consequences(&grown);
        // It may be whole again for the next one.
        self.mailboxes.retain(|_, at| at.state.part().is_none());
        let commit = Commit {
            account: self.id,
            id,
            after: base.commit(),
            needs_format: store::FIRST_FORMAT,
            time_ms,
            origin,
            appends: grown.into_iter().map(|(number, grown)| self.append(number, grown)).collect(),
            records: std::mem::take(&mut self.records),
            bodies: std::mem::take(&mut self.bodies),
        };
        Some((commit, consequences))
    }

    fn compare_all(&self) -> BTreeMap<u32, Grown> {
        let nothing = |expected| Grown { expected, events: Vec::new() };
        let own = (0, nothing(self.account.seq));
        // Nobody changes one of which a part is lost.
        let whole = self.mailboxes.iter().filter(|(_, at)| at.state.part().is_none());
        let mailboxes = whole.map(|(id, at)| (id.get(), nothing(at.seq)));
        std::iter::once(own).chain(mailboxes).collect()
    }

    fn consequences(&mut self, grown: &BTreeMap<u32, Grown>) -> Consequences {
        let weight = |grown: &Grown| load::weight(grown.events.iter());
        let state = |(number, grown): (&u32, &Grown)| {
            let id = MailboxId::new(*number)?;
            Some((id, self.mailboxes.get(&id)?.clone(), weight(grown)))
        };
        let moves = std::mem::take(&mut self.moves);
        let renaming =
            |grown: &Grown| Renaming { before: grown.expected, after: self.account.clone(), moves };
        Consequences {
            account: grown.get(&0).filter(|grown| !grown.events.is_empty()).map(renaming),
            mailboxes: grown.iter().filter_map(state).collect(),
        }
    }

    fn append(&self, number: u32, grown: Grown) -> Append {
        let head = MailboxId::new(number).and_then(|id| self.mailboxes.get(&id));
        Append {
            stream: self.stream(number),
            expected: grown.expected,
            events: grown.events,
            head: head.map_or_else(Head::default, |at| Head(at.state.head().encode())),
        }
    }

    const fn stream(&self, number: u32) -> StreamId {
        StreamId { account: self.id, number }
    }
}

fn grow(grown: &mut BTreeMap<u32, Grown>, number: u32, expected: Seq, event: Bytes) {
    grown.entry(number).or_insert_with(|| Grown { expected, events: Vec::new() }).events.push(event);
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::UidValidity;

    #[test]
    fn only_states_that_are_not_published_are_carried_along() {
        let account = At { seq: Seq::NONE, state: Arc::new(Account::new()) };
        let mut proposal = Proposal::new(AccountId(1), (account, Known::Whole), Usage::default());
        let ids: Vec<_> = (1..=3).filter_map(MailboxId::new).collect();
        for (id, seq) in ids.iter().zip(5..) {
            let created = Created {
                stream: id.get(),
                owner: AccountId(1),
                uid_validity: UidValidity::MIN,
                uid_next: Uid::MIN,
                modseq_base: terms::ModSeq::ZERO,
            };
            proposal.know(*id, At { seq: Seq(seq), state: MailboxState::create(&created).unwrap() });
        }
        // The first stands where it is published, the second is ahead, of the third nobody has heard.
        proposal.let_go(|id| {
            [(ids[0], Seq(5)), (ids[1], Seq(5))].into_iter().find(|known| known.0 == id).map(|known| known.1)
        });
        assert_eq!(proposal.mailboxes.keys().copied().collect::<Vec<_>>(), &ids[1..]);
    }
}
