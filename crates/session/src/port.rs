//! What a session needs of the world, as small traits.
//!
//! | trait | stands for | implemented by |
//! |---|---|---|
//! | [`Peer`] | the client at the other end of the wire, and the clock | `net`, over sockets and TLS |
//! | [`Door`] | the check of a name and a password, or of a proof | `net`, over the directory and its limits |
//! | [`Mail`] | the hall: what one signed-in account may reach | `mail`, over a store |
//! | [`Mailbox`] | one mailbox of it, open | `mail` |
//! | [`Draft`] | messages on their way in | `mail` |
//!
//! Rules for all of them:
//! - A future may be dropped at any time, and then nothing is half done: a change is committed whole or not at
//!   all, and may be committed although nobody waits for the answer any more.
//! - What a method answers includes every commit that was answered before the method was called, to whomever.
//! - A method that changes mail returns once the change is durable.
//! - Failures are [`Refusal`]s. Whoever meets a fault of ours writes it down under an id and answers
//!   [`Refusal::OurFault`] with the same id; the peer is shown the id alone.

use crate::outbox::Outbox;
use crate::refusal::Refusal;
use bytes::Bytes;
use mailbox::account::{self, Account, MailboxId, Plan, QuotaReport, Usage};
use mailbox::{Event, Flags, Head, MailboxState};
use sasl::{Offer, Verifiers};
use std::future::Future;
use std::sync::Arc;
use terms::{AccountId, EmailId, InternalDate, Moment, Uid, UidSet, UidValidity};
use wire::imap::CommandName;

/// The other end of the wire.
pub trait Peer: Send + Sync {
    /// What time it is.
    fn now(&self) -> Moment;

    /// Waits for octets and appends them to `into`: at least one, at most what one read gives (64 KiB or so).
    /// Losing the future loses no octets.
    fn receive(
        &mut self,
        into: &mut Vec<u8>,
        until: Moment,
    ) -> impl Future<Output = Result<Received, Gone>> + Send;

    /// Waits for the moment, whatever the peer does meanwhile: for work that others do while a peer waits.
    fn wait(&self, until: Moment) -> impl Future<Output = ()> + Send;

    /// Looks whether the peer is still there, without waiting: for work that is long and has nothing to say. What
    /// it said meanwhile is kept for [`Self::receive`].
    fn look(&mut self) -> Result<(), Gone>;

    /// Writes all that is in `outbox`, in as few writes as it takes. The driver has a time limit for it: a peer
    /// that does not read is gone.
    fn send(&mut self, outbox: &mut Outbox) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Whether the account may not be signed in to any more. For one that says so much at once that nobody waits for it,
    /// and so nobody hears [`Received::SignedOut`].
    fn is_signed_out(&self) -> bool;

    /// From now on all octets are compressed, in both directions (RFC 4978).
    fn compress(&mut self);
}

/// How waiting for a peer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// There is more to read.
    Octets,
    /// The peer has said all that it wanted to say, and nothing of it was cut off: its line proves that, as TLS does by
    /// close_notify (RFC 8446, 6.1). It may still listen. A line that cannot prove it is [`Gone`].
    Finished,
    /// What came cannot be decompressed: nothing behind it can be read either.
    Garbled,
    /// The moment has come.
    TimedOut,
    /// The server is stopping, or this session is to end: say goodbye.
    Stopping,
    /// Others wait outside, and nobody has signed in here: say so, and goodbye.
    Crowded,
    /// The account may not be signed in to any more: say so, and goodbye.
    SignedOut,
}

/// The peer is gone: closed, reset, stuck or sent away. There is nobody left to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// Where a peer becomes somebody.
pub trait Door: Send + Sync {
    /// What opens.
    type Mail: Mail;

    /// Somebody who may come in and has not yet. To drop them is to let them go: nothing is counted against them, and their
    /// place is another's.
    type Guest: Send;

    /// Checks a claim. Takes as long, and says the same, whether the account exists or not; waits by itself
    /// where the policy says that a wrong answer has to wait; writes down how it went. Whoever is not let in hears nothing
    /// before this has answered that would tell them whether the claim holds.
    ///
    /// The refusal is `[AUTHENTICATIONFAILED]` for what is wrong, `[UNAVAILABLE]` for what cannot be checked now,
    /// `[LIMIT]` for one session of the account too many.
    fn sign_in(
        &self,
        claim: sasl::Claim,
        means: Means,
    ) -> impl Future<Output = Result<Self::Guest, Refusal>> + Send;

    /// Opens to somebody who may come in, once their mechanism has nothing more to say.
    ///
    /// # Errors
    /// What they have signed in with is taken no more, since a moment ago.
    fn come_in(&self, guest: Self::Guest) -> Result<Self::Mail, Refusal>;

    /// What may be used to sign in on this connection, which is behind TLS. The same from its beginning to its end: a
    /// client that says that it was offered something else has been lied to.
    fn offer(&self) -> Offer;

    /// Random octets that no other exchange has had.
    fn nonce(&self) -> sasl::Nonce;

    /// What a SCRAM proof of this name is checked with. Takes as long whether the account exists or not; where it
    /// does not, the verifier looks like one of an account, is the same each time, and fits nothing.
    fn verifiers(&self, name: &str) -> impl Future<Output = Result<Verifiers, Refusal>> + Send;

    /// A command was refused: for the log. `None` where it is none that we know.
    fn refused(&self, command: Option<CommandName>, refusal: &Refusal);

    /// What the client says of itself (RFC 2971): for the log, never to be trusted.
    fn introduced(&self, fields: &[(&str, Option<&str>)]);
}

/// How a claim was made: for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The LOGIN command (RFC 3501, 6.2.3).
    LoginCommand,
    /// AUTHENTICATE with this mechanism.
    Sasl(sasl::Mechanism),
}

/// What one signed-in account may reach. Having one is the proof that somebody signed in.
pub trait Mail: Send + Sync {
    /// An open mailbox.
    type Mailbox: Mailbox;
    /// Messages on their way in.
    type Draft: Draft;

    /// Who signed in: whose `\Seen` is meant.
    fn reader(&self) -> AccountId;

    /// What its owner is to be told when they have signed in, once.
    fn notice(&self) -> Option<&str> {
        None
    }

    /// The time of day, in Unix seconds, by the clock that gives messages their dates.
    fn unix_s(&self) -> i64;

    /// The largest message that is taken, in octets.
    fn largest_message(&self) -> u64;

    /// The account's mailboxes by name, its subscriptions and special uses, as they are now.
    fn account(&self) -> impl Future<Output = Result<Arc<Account>, Refusal>> + Send;

    /// Commits what `plan` plans on the account as it is, and gives the plan that was carried out. `plan` is asked
    /// again when another commit came first, so it computes and does nothing else.
    fn change(
        &self,
        plan: impl Fn(&Account, &Circumstances) -> Result<Plan, account::Refusal> + Send + Sync,
    ) -> impl Future<Output = Result<Plan, Refusal>> + Send;

    /// Opens a mailbox: `NO [NONEXISTENT]` when it has just been deleted.
    fn open(&self, mailbox: MailboxId) -> impl Future<Output = Result<Self::Mailbox, Refusal>> + Send;

    /// The summaries of some mailboxes, in the order asked, without opening them; `None` where there is none any
    /// more. One question to the store, however many they are.
    fn heads(
        &self,
        mailboxes: &[MailboxId],
    ) -> impl Future<Output = Result<Vec<Option<Head>>, Refusal>> + Send;

    /// What the account may hold, and what of it is used (RFC 9208).
    fn quota(&self) -> impl Future<Output = Result<QuotaReport, Refusal>> + Send;

    /// Begins an APPEND or a REPLACE, which makes room of `going`; no message has come yet.
    fn draft(&self, going: Usage) -> Self::Draft;

    /// Puts the messages of a draft into a mailbox: all of them in one commit, or none.
    fn append(
        &self,
        mailbox: MailboxId,
        draft: Self::Draft,
    ) -> impl Future<Output = Result<Appended, Refusal>> + Send;

    /// REPLACE: the same, and in the same commit a message of an open mailbox goes, whatever its flags. `NO
    /// [EXPUNGEISSUED]` when it has gone already. Source and target may be one.
    fn replace(
        &self,
        replaced: (&Self::Mailbox, Uid),
        mailbox: MailboxId,
        draft: Self::Draft,
    ) -> impl Future<Output = Result<Appended, Refusal>> + Send;

    /// COPY or MOVE: those of `uids` that are there still, in one commit. Flags, dates and identities are kept. A
    /// mailbox may be copied into itself.
    fn transfer(
        &self,
        transfer: Transfer,
        from: &Self::Mailbox,
        uids: &UidSet,
        to: MailboxId,
    ) -> impl Future<Output = Result<Transferred, Refusal>> + Send;
}

/// What a plan for an account depends on, besides the account.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Now, in Unix seconds: becomes a new mailbox's UIDVALIDITY.
    pub unix_s: i64,
    /// How much an account may hold.
    pub limits: account::Limits,
}

/// What becomes of the messages that were copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// They stay.
    Copy,
    /// They go, in the same commit.
    Move,
}

/// What is known of a message before it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// How many octets it has.
    pub octets: u64,
    /// The flags that it gets.
    pub flags: Flags,
    /// Its INTERNALDATE; `None` is the date of now.
    pub date: Option<InternalDate>,
}

/// Where appended messages are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The mailbox's.
    pub uid_validity: UidValidity,
    /// The messages', in the order in which they came.
    pub uids: UidSet,
}

/// Where copied messages are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// The target's.
    pub uid_validity: UidValidity,
    /// Those of the messages that were there still.
    pub from: UidSet,
    /// What they got in the target: equally many, in the same order.
    pub to: UidSet,
}

/// Messages on their way in, one behind the other. Dropping it leaves nothing behind.
pub trait Draft: Send {
    /// Begins a message: `NO [OVERQUOTA]` before any of it has come, where it and those before it do not fit. One that
    /// is larger than [`Mail::largest_message`] is refused by the literal's own limit.
    fn begin(&mut self, letter: Letter) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Takes the message's next octets. They are parsed as they pass; memory holds few of them.
    fn write(&mut self, octets: Bytes) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// The message is all here: `NO [LIMIT]` where there are more of them than one commit can carry.
    fn end(&mut self) -> impl Future<Output = Result<(), Refusal>> + Send;
}

/// One open mailbox.
pub trait Mailbox: Send + Sync {
    /// The mailbox as it is now; `None` once it is closed.
    fn current(&self) -> impl Future<Output = Result<Option<Arc<MailboxState>>, Refusal>> + Send;

    /// Why it is closed, once it is.
    fn closed(&self) -> Closed {
        Closed::Deleted
    }

    /// Waits until the mailbox is past event number `seen` ([`MailboxState::seq`]), or closed. No polling: a
    /// commit wakes all who wait at once. It may return early, never late.
    fn changed(&self, seen: u64) -> impl Future<Output = ()> + Send;

    /// Commits the events that `plan` plans on the mailbox as it is, with what `plan` says of them. `plan` is
    /// asked again when another commit came first, so it computes and does nothing else. No events: nothing is
    /// committed.
    fn change<T: Send>(
        &self,
        plan: impl Fn(&MailboxState) -> Result<(Vec<Event>, T), Refusal> + Send + Sync,
    ) -> impl Future<Output = Result<Change<T>, Refusal>> + Send;

    /// From which UID on messages are `\Recent` to a session that asks now (RFC 3501, 2.3.2). To claim is to take
    /// those below `until` from all who ask later; `until` itself is the answer where nothing is left.
    fn recent(&self, recency: Recency, until: Uid) -> impl Future<Output = Result<Uid, Refusal>> + Send;

    /// The records of messages for [`message::RecordView`], in the order asked: of the first of `emails`, at least
    /// one, as many as fit into some 256 KiB. `None`: the message is gone for good.
    fn records(&self, emails: &[EmailId])
    -> impl Future<Output = Result<Vec<Option<Bytes>>, Refusal>> + Send;

    /// Up to `most` octets of a body from `offset`; fewer at its end, or where a piece ends. `None`: the body is
    /// gone for good.
    fn octets(
        &self,
        body: BodyName,
        offset: u64,
        most: usize,
    ) -> impl Future<Output = Result<Option<Bytes>, Refusal>> + Send;
}

/// Why a mailbox that was open is not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It has been deleted.
    Deleted,
    /// It had a hole, has been mended, and is another now.
    Mended,
}

/// How a record names its body.
pub type BodyName = [u8; 32];

/// A change that was committed.
#[derive(Clone, Debug)]
pub struct Change<T> {
    /// The state that the plan was made from.
    pub before: Arc<MailboxState>,
    /// The state right behind the change; later ones may be known already.
    pub after: Arc<MailboxState>,
    /// What the plan said.
    pub outcome: T,
}

/// Whether a session takes what is `\Recent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recency {
    /// SELECT: no other session will be told of them.
    Claim,
    /// EXAMINE: they stay recent for others.
    Look,
}
