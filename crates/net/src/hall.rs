//! The hall: what a session may reach of the mail of whoever signed in.
//!
//! Where `session::port` meets `mail`. Nothing is decided here: questions go down, answers come up, and an error of
//! the store becomes a refusal that a peer can be told.

use crate::chronicle::{Chronicle, Done};
use crate::connection::new_fault;
use crate::hush::Hush;
use bytes::Bytes;
use door::Place;
use events::{ConnectionId, Problem};
use mail::{Account, Arrival, Batch, Changes, Error, Filed, Halt, Incoming, Origin, Part};
use mailbox::account::{self, MailboxId, Plan, QuotaReport, Usage};
use mailbox::{Event, Head, MailboxState};
use session::port::Transferred;
use session::port::{self, Appended, BodyName, Change, Circumstances, Letter, Recency, Transfer};
use session::refusal::{FaultId, Refusal};
use std::sync::{Arc, Mutex, PoisonError};
use store::{EmailId, EmailRange};
use terms::{AccountId, Uid, UidSet};
use tokio::time::Instant;
use wire::imap::reply::Code;

/// Octets of records that are read at once.
const RECORDS_OCTETS: usize = 256 << 10;
/// Records that are read at once: mostly about 1 KiB each, never above [`store::MAX_RECORD`].
const RECORDS: usize = 64;

/// Somebody's mail, as long as the session lasts.
pub(crate) struct Hall {
    account: Arc<Account>,
    origin: Arc<Origin>,
    connection: ConnectionId,
    chronicle: Arc<Chronicle>,
    limits: HallLimits,
    notice: Option<Box<str>>,
    _place: Place,
}

/// What the configuration allows an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HallLimits {
    /// The largest message, in octets.
    pub(crate) message_octets: u64,
    /// Mailboxes, subscriptions, levels.
    pub(crate) account: account::Limits,
}

impl Hall {
    pub(crate) fn new(
        account: Arc<Account>,
        origin: Origin,
        chronicle: Chronicle,
        limits: HallLimits,
        place: Place,
    ) -> Self {
        let connection = chronicle.connection();
        let (origin, chronicle) = (Arc::new(origin), Arc::new(chronicle));
        Self { account, origin, connection, chronicle, limits, notice: None, _place: place }
    }

    /// The same, where its owner is told this when they have signed in.
    pub(crate) fn with_notice(self, notice: Option<Box<str>>) -> Self {
        Self { notice, ..self }
    }

    fn refusal(&self, why: Error) -> Refusal {
        refusal(why, self.connection)
    }

    /// The same where a mailbox that is missing is the target. RFC 3501, 6.3.11: a server "MUST send the response
    /// code `[TRYCREATE]`", also when the mailbox went while the message came in.
    fn target_refusal(&self, why: Error) -> Refusal {
        match why {
            Error::NoSuchMailbox => Refusal::denied(Code::TryCreate, "This mailbox has been deleted"),
            why => self.refusal(why),
        }
    }

    /// The same where `from` may be missing as well.
    fn transfer_refusal(&self, from: &OpenMailbox, why: Error) -> Refusal {
        let source_is_gone = from.changes.borrow().is_closed();
        if source_is_gone { self.refusal(why) } else { self.target_refusal(why) }
    }
}

impl port::Mail for Hall {
    type Mailbox = OpenMailbox;
    type Draft = Draft;

    fn reader(&self) -> AccountId {
        self.account.id()
    }

    fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    fn unix_s(&self) -> i64 {
        self.account.unix_s()
    }

    fn largest_message(&self) -> u64 {
        self.limits.message_octets
    }

    async fn account(&self) -> Result<Arc<account::Account>, Refusal> {
        self.account.names().await.map_err(|why| self.refusal(why))
    }

    async fn change(
        &self,
        plan: impl Fn(&account::Account, &Circumstances) -> Result<Plan, account::Refusal> + Send + Sync,
    ) -> Result<Plan, Refusal> {
        let limits = self.limits.account;
        let changed = self.account.change(&self.origin, |proposal| {
            let circumstances = Circumstances { unix_s: proposal.now_s(), limits };
            let plan = plan(proposal.account(), &circumstances)?;
            let going = Chronicle::going(proposal.account(), &plan);
            proposal.follow(&plan)?;
            Ok((plan, going))
        });
        let (plan, gone) = changed.await.map_err(|why| self.refusal(why))?;
        self.chronicle.account_changed(&plan, gone).await;
        Ok(plan)
    }

    async fn open(&self, mailbox: MailboxId) -> Result<OpenMailbox, Refusal> {
        let open = self.account.open_to_read(mailbox).await.map_err(|why| self.refusal(why))?;
        Ok(OpenMailbox {
            changes: open.changes(),
            mailbox: open,
            account: Arc::clone(&self.account),
            origin: Arc::clone(&self.origin),
            connection: self.connection,
            chronicle: Arc::clone(&self.chronicle),
        })
    }

    async fn heads(&self, mailboxes: &[MailboxId]) -> Result<Vec<Option<Head>>, Refusal> {
        self.account.heads(mailboxes).await.map_err(|why| self.refusal(why))
    }

    async fn quota(&self) -> Result<QuotaReport, Refusal> {
        self.account.quota().await.map_err(|why| self.refusal(why))
    }

    fn draft(&self, going: Usage) -> Draft {
        Draft {
            account: Arc::clone(&self.account),
            origin: Arc::clone(&self.origin),
            connection: self.connection,
            largest: self.limits.message_octets,
            coming: Usage::default(),
            going,
            batch: Batch::default(),
            arriving: None,
        }
    }

    async fn append(&self, mailbox: MailboxId, draft: Draft) -> Result<Appended, Refusal> {
        let octets = draft.coming.octets;
        let filed = self.account.file(&self.origin, mailbox, draft.batch, self.account.id()).await;
        let appended = filed.map(appended).map_err(|why| self.target_refusal(why))?;
        self.chronicle.mailbox_changed(mailbox, Done::appended(&appended.uids, octets)).await;
        Ok(appended)
    }

    async fn replace(
        &self,
        (source, replaced): (&OpenMailbox, Uid),
        mailbox: MailboxId,
        draft: Draft,
    ) -> Result<Appended, Refusal> {
        let from = (source.mailbox.id(), replaced);
        let octets = draft.coming.octets;
        let filed = self.account.replace(&self.origin, from, mailbox, draft.batch, self.account.id()).await;
        let appended = filed.map(appended).map_err(|why| self.transfer_refusal(source, why))?;
        self.chronicle.mailbox_changed(mailbox, Done::appended(&appended.uids, octets)).await;
        self.chronicle.mailbox_changed(source.mailbox.id(), Done::expunged(&UidSet::one(replaced))).await;
        Ok(appended)
    }

    async fn transfer(
        &self,
        transfer: Transfer,
        source: &OpenMailbox,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<Transferred, Refusal> {
        let how = match transfer {
            Transfer::Copy => mail::Transfer::Copy,
            Transfer::Move => mail::Transfer::Move,
        };
        let from = (source.mailbox.id(), uids);
        let copied = self.account.transfer(&self.origin, how, self.account.id(), from, to).await;
        let copied = copied.map_err(|why| self.transfer_refusal(source, why))?;
        self.chronicle.transferred(transfer, source.mailbox.id(), to, copied.source.len()).await;
        Ok(Transferred { uid_validity: copied.uid_validity, from: copied.source, to: copied.target })
    }
}

fn appended(filed: Filed) -> Appended {
    Appended { uid_validity: filed.uid_validity, uids: filed.uids }
}

/// Messages on their way in: those that are here, and the one that is arriving.
pub(crate) struct Draft {
    account: Arc<Account>,
    origin: Arc<Origin>,
    connection: ConnectionId,
    largest: u64,
    /// The messages that have been begun.
    coming: Usage,
    /// What goes when they are here.
    going: Usage,
    batch: Batch,
    arriving: Option<(Letter, Incoming)>,
}

impl port::Draft for Draft {
    async fn begin(&mut self, letter: Letter) -> Result<(), Refusal> {
        // One that is too large is refused as that (RFC 7889, 4), by the literal's own limit.
        if letter.octets <= self.largest {
            self.coming = self.coming.plus(Usage { octets: letter.octets, messages: 1 });
            let room = self.account.check_room(self.coming, self.going).await;
            room.map_err(|why| refusal(why, self.connection))?;
        }
        let incoming = self.account.incoming(letter.octets).await;
        self.arriving = Some((letter, incoming.map_err(|why| refusal(why, self.connection))?));
        Ok(())
    }

    async fn write(&mut self, octets: Bytes) -> Result<(), Refusal> {
        let Some((_, incoming)) = &mut self.arriving else { return Ok(()) };
        incoming.write(octets).await.map_err(|why| refusal(why, self.connection))
    }

    async fn end(&mut self) -> Result<(), Refusal> {
        let Some((Letter { flags, date, .. }, incoming)) = self.arriving.take() else { return Ok(()) };
        let added = async {
            let received = incoming.finish().await?;
            self.account.add(&mut self.batch, &self.origin, Arrival { received, flags, date }).await
        };
        added.await.map_err(|why| refusal(why, self.connection))
    }
}

/// A mailbox that a session has selected or looks into.
pub(crate) struct OpenMailbox {
    account: Arc<Account>,
    mailbox: Arc<mail::Mailbox>,
    changes: Changes,
    origin: Arc<Origin>,
    connection: ConnectionId,
    chronicle: Arc<Chronicle>,
}

impl OpenMailbox {
    fn refusal(&self, why: Error) -> Refusal {
        refusal(why, self.connection)
    }
}

impl port::Mailbox for OpenMailbox {
    async fn current(&self) -> Result<Option<Arc<MailboxState>>, Refusal> {
        let newest = self.changes.borrow();
        Ok((!newest.is_closed()).then(|| Arc::clone(newest.state())))
    }

    fn closed(&self) -> port::Closed {
        match self.changes.borrow().closed() {
            Some(mail::Closed::Mended) => port::Closed::Mended,
            Some(mail::Closed::Deleted) | None => port::Closed::Deleted,
        }
    }

    async fn changed(&self, seen: u64) {
        let mut changes = self.changes.clone();
        // An error says that the mailbox has gone from memory: whoever asks next will see that it is closed.
        let _gone = changes.wait_for(|newest| newest.is_closed() || newest.state().seq() > seen).await;
    }

    async fn change<T: Send>(
        &self,
        plan: impl Fn(&MailboxState) -> Result<(Vec<Event>, T), Refusal> + Send + Sync,
    ) -> Result<Change<T>, Refusal> {
        let mut declined = None;
        let id = self.mailbox.id();
        let changed = self.account.change(&self.origin, |proposal| {
            let before = proposal.mailbox(id)?.clone();
            let (events, outcome) = plan(&before).map_err(|why| {
                declined = Some(why);
                Halt::Refused(Error::Withdrawn)
            })?;
            events.iter().try_for_each(|event| proposal.push(id, event))?;
            let after = Arc::new(proposal.mailbox(id)?.clone());
            Ok((Change { before: Arc::new(before), after, outcome }, Done::by(&events)))
        });
        let changed = changed.await;
        let (change, done) = changed.map_err(|why| declined.unwrap_or_else(|| self.refusal(why)))?;
        self.chronicle.mailbox_changed(id, done).await;
        Ok(change)
    }

    async fn recent(&self, recency: Recency, until: Uid) -> Result<Uid, Refusal> {
        match recency {
            Recency::Look => Ok(self.mailbox.first_recent().min(until)),
            Recency::Claim => {
                let claimed = self.mailbox.claim_recent(until);
                if claimed < until
                    && let Err(why) = self.account.remember_recent(&self.mailbox).await
                {
                    // A claim may be forgotten; a store that cannot write is no reason not to read.
                    note_for_now(self.connection, &why);
                }
                Ok(claimed)
            }
        }
    }

    async fn records(&self, emails: &[EmailId]) -> Result<Vec<Option<Bytes>>, Refusal> {
        let asked = emails.get(..RECORDS).unwrap_or(emails);
        let found = self.account.records(&ranges(asked)).await.map_err(|why| self.refusal(why))?;
        Ok(in_order(asked, found))
    }

    async fn octets(&self, body: BodyName, offset: u64, most: usize) -> Result<Option<Bytes>, Refusal> {
        self.account.body(body, offset, most).await.map_err(|why| self.refusal(why))
    }
}

/// Neighbours in one question: mostly a mailbox's messages were born one after the other.
fn ranges(emails: &[EmailId]) -> Vec<EmailRange> {
    let mut ranges: Vec<EmailRange> = Vec::new();
    for &email in emails {
        match ranges.last_mut() {
            Some(open) if open.last.mailbox == email.mailbox && open.last.uid + 1 == email.uid => {
                open.last = email;
            }
            _ => ranges.push(EmailRange { first: email, last: email }),
        }
    }
    ranges
}

/// What was found, in the order asked, as far as [`RECORDS_OCTETS`] go.
fn in_order(asked: &[EmailId], found: Vec<(EmailId, Bytes)>) -> Vec<Option<Bytes>> {
    let mut found = found.into_iter().peekable();
    let mut room = RECORDS_OCTETS;
    let mut records = Vec::with_capacity(asked.len());
    for &email in asked {
        let record = found.next_if(|(id, _)| *id == email).map(|(_, record)| record);
        let octets = record.as_ref().map_or(0, Bytes::len);
        if octets > room && !records.is_empty() {
            break;
        }
        room = room.saturating_sub(octets);
        records.push(record);
    }
    records
}

const NAMES_IN_PART: &str = "Part of the list of your mailboxes cannot be read, and it is not changed until your administrator has mended it";

/// What a peer is told of an error. What only we can mend is written down, and told as a number.
pub(crate) fn refusal(why: Error, connection: ConnectionId) -> Refusal {
    match why {
        Error::NoSuchMailbox => Refusal::denied(Code::NonExistent, "This mailbox has been deleted"),
        Error::NoSuchMessage => {
            let why = "The message to be replaced has been expunged; nothing was stored";
            Refusal::denied(Code::ExpungeIssued, why)
        }
        Error::Refused(why) => why.into(),
        Error::OverQuota(why) => Refusal::denied(Code::OverQuota, why.to_string()),
        Error::Limit(why) => why.into(),
        Error::AccountRemoved => Refusal::denied(Code::ContactAdmin, "This account has been removed"),
        Error::TooMuch => Refusal::denied(
            Code::Limit,
            "These are too many messages to be changed in one step; take a part of them at a time",
        ),
        // RFC 5530, 3, CORRUPTION: "some relevant data (e.g., the mailbox) are corrupt". The log has said so already.
        Error::InPart(Part::Mailbox) => Refusal::denied(Code::Corruption, session::imap::IN_PART),
        Error::InPart(Part::Names | Part::Directory) => Refusal::denied(Code::Corruption, NAMES_IN_PART),
        Error::Unavailable(_) => {
            note_for_now(connection, &why);
            Refusal::denied(
                Code::Unavailable,
                "Mail cannot be stored or read just now; try again in a moment",
            )
        }
        Error::Uncertain(_) => {
            note_for_now(connection, &why);
            Refusal::denied(
                Code::Unavailable,
                "It is not known whether this was stored; look whether it is there before you try again",
            )
        }
        Error::Withdrawn | Error::NotKept(_) | Error::Damaged(_) => Refusal::OurFault(note(connection, &why)),
    }
}

/// Writes down what cannot be done just now, for the first whom it meets: on a full disk it meets everybody, with every
/// command, and there is one log to be filled by it.
pub(crate) fn note_for_now(connection: ConnectionId, why: &(dyn std::error::Error + 'static)) {
    static MET: Mutex<Hush> = Mutex::new(Hush::new());
    if MET.lock().unwrap_or_else(PoisonError::into_inner).is_news(Instant::now()) {
        note(connection, why);
    }
}

/// Writes a fault down under a number, which is all that the peer is told.
pub(crate) fn note(connection: ConnectionId, why: &(dyn std::error::Error + 'static)) -> FaultId {
    let fault = new_fault();
    events::Event::ServerFault { connection: Some(connection), fault, problem: Problem::from(why) }.log();
    FaultId(fault.0)
}
