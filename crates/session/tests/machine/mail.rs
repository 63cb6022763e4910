//! An account in memory, for conversations: the decisions are `mailbox`'s, and nobody else commits.

use bytes::Bytes;
use mailbox::account::{
    self, Account, AccountEvent, Limits, MailboxId, OverQuota, Plan, Quota, QuotaReport, StreamStep, Usage,
};
use mailbox::{Birth, Created, Doomed, Event, Head, LimitReached, MailboxState, NewMessage};
use session::port::{self, BodyName, Change, Circumstances, Letter, Recency, Transfer, Transferred};
use session::refusal::{FaultId, Refusal};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use terms::{AccountId, EmailId, InternalDate, ModSeq, Uid, UidSet};
use transcript::Disk;
use wire::imap::reply::Code;

/// 1994-02-07 21:52:25 -0800: the date of the RFCs' examples.
const NOW: i64 = 760_686_745;
const READER: AccountId = AccountId(1);

/// One account's mail.
#[derive(Clone, Default)]
pub(crate) struct Office(Arc<Mutex<Drawers>>);

#[derive(Default)]
struct Drawers {
    account: Account,
    mailboxes: BTreeMap<u32, (Arc<MailboxState>, Uid)>,
    records: BTreeMap<EmailId, Bytes>,
    bodies: BTreeMap<BodyName, Bytes>,
    largest_piece: usize,
    octets_read: usize,
    records_read: usize,
    fault: Option<FaultId>,
    disk: Disk,
    limits: Limits,
}

impl Drawers {
    fn carry_out(&mut self, plan: &Plan) {
        for event in &plan.events {
            self.account.apply(event).unwrap();
        }
        for step in &plan.streams {
            self.take_step(*step);
        }
        let subscribed = |event: &AccountEvent| matches!(event, AccountEvent::Subscribed { .. });
        assert!(plan.streams.is_empty() || !plan.events.iter().all(subscribed));
    }

    fn take_step(&mut self, step: StreamStep) {
        match step {
            StreamStep::Begin { mailbox, uid_validity } => {
                let created = Created {
                    stream: mailbox.get(),
                    owner: READER,
                    uid_validity,
                    uid_next: Uid::MIN,
                    modseq_base: ModSeq::ZERO,
                };
                let state = Arc::new(MailboxState::create(&created).unwrap());
                self.mailboxes.insert(mailbox.get(), (state, Uid::MIN));
            }
            StreamStep::End { mailbox } => drop(self.mailboxes.remove(&mailbox.get())),
            StreamStep::Resume { .. } => unreachable!("no session brings a mailbox back"),
            StreamStep::MoveAll { from, to } => {
                let uids = self.state(from.get()).unwrap().uids(Uid::MIN);
                // A new mailbox takes what one holds.
                self.transfer(Transfer::Move, from.get(), &uids, to.get()).unwrap();
            }
        }
    }

    fn usage(&self) -> Usage {
        let heads = self.mailboxes.values().map(|(state, _)| Usage::from(state.head()));
        heads.fold(Usage::default(), Usage::plus)
    }

    fn check_room(&self, more: Usage, gone: Usage) -> Result<(), Refusal> {
        let (held, quota) = (self.usage(), self.account.quota(&self.limits));
        quota.check(held, held.plus(more).minus(gone)).map_err(over_quota)
    }

    fn state(&self, mailbox: u32) -> Option<Arc<MailboxState>> {
        self.mailboxes.get(&mailbox).map(|(state, _)| Arc::clone(state))
    }

    fn apply(&mut self, mailbox: u32, events: &[Event]) -> Arc<MailboxState> {
        let (state, _) = self.mailboxes.get_mut(&mailbox).unwrap();
        for event in events {
            *state = Arc::new(state.apply(event).unwrap());
        }
        Arc::clone(state)
    }

    fn file(&mut self, mailbox: u32, draft: Draft) -> Result<port::Appended, Refusal> {
        let state = self.state(mailbox).ok_or_else(deleted)?;
        let messages = draft.letters.iter().map(|(letter, _)| new_message(letter)).collect();
        let appending = mailbox::append(&state, READER, messages)?;
        self.apply(mailbox, &appending.events);
        for (uid, (_, octets)) in appending.uids.iter().zip(draft.letters) {
            let mut name = [0; 32];
            name[..8].copy_from_slice(&(self.bodies.len() as u64).to_le_bytes());
            let record = message::record(&message::parse(&octets), name);
            self.records.insert(EmailId { mailbox, uid: uid.get() }, record.into());
            self.bodies.insert(name, octets.into());
        }
        Ok(port::Appended { uid_validity: state.uid_validity(), uids: appending.uids })
    }

    fn transfer(
        &mut self,
        how: Transfer,
        from: u32,
        uids: &UidSet,
        to: u32,
    ) -> Result<Transferred, LimitReached> {
        let (source, target) = (self.state(from).unwrap(), self.state(to).unwrap());
        let moving = mailbox::move_messages(&source, READER, uids, &target, NOW)?;
        self.apply(to, &moving.copy.events);
        if how == Transfer::Move {
            self.apply(from, &moving.expunged);
        }
        let mailbox::Copying { uid_validity, source, target, .. } = moving.copy;
        Ok(Transferred { uid_validity, from: source, to: target })
    }
}

#[allow(dead_code, reason = "not every test that shares this file asks")]
impl Office {
    /// An office with what a new account gets.
    pub(crate) fn new() -> Self {
        let office = Self::default();
        let plan = Account::new().found(NOW).unwrap();
        office.drawers().carry_out(&plan);
        office.drawers().limits = limits();
        office
    }

    pub(crate) fn fail(&self, fault: Option<FaultId>) {
        self.drawers().fault = fault;
    }

    pub(crate) fn turn(&self, disk: Disk) {
        self.drawers().disk = disk;
    }

    /// What changes mail waits here, as for a disk.
    async fn synced(&self) {
        poll_fn(|_| if self.drawers().disk == Disk::Stalls { Poll::Pending } else { Poll::Ready(()) }).await;
    }

    pub(crate) fn lift_quota(&self) {
        self.drawers().limits = Limits::default();
    }

    pub(crate) fn lose_bodies(&self) {
        self.drawers().bodies.clear();
    }

    fn check(&self) -> Result<MutexGuard<'_, Drawers>, Refusal> {
        let drawers = self.drawers();
        drawers.fault.map_or(Ok(drawers), |fault| Err(Refusal::OurFault(fault)))
    }

    pub(crate) fn largest_piece(&self) -> usize {
        self.drawers().largest_piece
    }

    pub(crate) fn records_read(&self) -> usize {
        self.drawers().records_read
    }

    pub(crate) fn octets_read(&self) -> usize {
        self.drawers().octets_read
    }

    fn drawers(&self) -> MutexGuard<'_, Drawers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_message(letter: &Letter) -> NewMessage {
    let internal_date = letter.date.unwrap_or_else(|| InternalDate::new(NOW, -480).unwrap());
    let (flags, size) = (letter.flags.clone(), letter.octets);
    NewMessage { birth: Birth::Here, flags, internal_date, size, save_date: NOW }
}

/// What an account of the transcripts may hold.
fn limits() -> Limits {
    let octets = Some(transcript::MOST_OCTETS);
    let (messages, mailboxes) = (Some(transcript::MOST_MESSAGES), Some(transcript::MOST_MAILBOXES));
    Limits { quota: Quota { octets, messages, mailboxes }, ..Limits::default() }
}

fn over_quota(why: OverQuota) -> Refusal {
    Refusal::denied(Code::OverQuota, why.to_string())
}

fn deleted() -> Refusal {
    Refusal::denied(Code::NonExistent, "This mailbox has been deleted")
}

/// An open mailbox.
pub(crate) struct Folder {
    office: Office,
    id: u32,
}

/// Messages on their way in, the last of them perhaps not all here.
pub(crate) struct Draft {
    office: Office,
    going: Usage,
    letters: Vec<(Letter, Vec<u8>)>,
}

impl port::Draft for Draft {
    async fn begin(&mut self, letter: Letter) -> Result<(), Refusal> {
        let is_too_large = letter.octets > port::Mail::largest_message(&self.office);
        self.letters.push((letter, Vec::new()));
        if is_too_large {
            return Ok(()); // and refused as such
        }
        let coming = self.letters.iter().map(|(letter, _)| Usage { octets: letter.octets, messages: 1 });
        self.office.drawers().check_room(coming.fold(Usage::default(), Usage::plus), self.going)
    }

    async fn write(&mut self, octets: Bytes) -> Result<(), Refusal> {
        self.letters.last_mut().unwrap().1.extend_from_slice(&octets);
        let mut drawers = self.office.drawers();
        drawers.largest_piece = drawers.largest_piece.max(octets.len());
        Ok(())
    }

    async fn end(&mut self) -> Result<(), Refusal> {
        let (letter, octets) = self.letters.last().unwrap();
        assert_eq!(letter.octets, octets.len() as u64);
        Ok(())
    }
}

impl port::Mail for Office {
    type Mailbox = Folder;
    type Draft = Draft;

    fn reader(&self) -> AccountId {
        READER
    }

    fn unix_s(&self) -> i64 {
        NOW
    }

    fn largest_message(&self) -> u64 {
        64 << 20
    }

    async fn account(&self) -> Result<Arc<Account>, Refusal> {
        Ok(Arc::new(self.drawers().account.clone()))
    }

    async fn change(
        &self,
        plan: impl Fn(&Account, &Circumstances) -> Result<Plan, account::Refusal> + Send + Sync,
    ) -> Result<Plan, Refusal> {
        self.synced().await;
        let mut drawers = self.check()?;
        let now = Circumstances { unix_s: NOW, limits: drawers.limits };
        let plan = plan(&drawers.account, &now)?;
        drawers.carry_out(&plan);
        Ok(plan)
    }

    async fn open(&self, mailbox: MailboxId) -> Result<Folder, Refusal> {
        Ok(Folder { office: self.clone(), id: mailbox.get() })
    }

    async fn heads(&self, mailboxes: &[MailboxId]) -> Result<Vec<Option<Head>>, Refusal> {
        let drawers = self.drawers();
        Ok(mailboxes.iter().map(|id| drawers.state(id.get()).map(|state| state.head())).collect())
    }

    async fn quota(&self) -> Result<QuotaReport, Refusal> {
        let drawers = self.drawers();
        Ok(drawers.account.quota_report(drawers.usage(), &drawers.limits))
    }

    fn draft(&self, going: Usage) -> Draft {
        Draft { office: self.clone(), going, letters: Vec::new() }
    }

    async fn append(&self, mailbox: MailboxId, draft: Draft) -> Result<port::Appended, Refusal> {
        self.synced().await;
        self.check()?.file(mailbox.get(), draft)
    }

    async fn replace(
        &self,
        (from, replaced): (&Folder, Uid),
        mailbox: MailboxId,
        draft: Draft,
    ) -> Result<port::Appended, Refusal> {
        self.synced().await;
        let mut drawers = self.check()?;
        let source = drawers.state(from.id).ok_or_else(deleted)?;
        let expunging = mailbox::expunge(&source, Doomed::These(&UidSet::one(replaced)))?;
        if expunging.uids.is_empty() {
            return Err(Refusal::denied(Code::ExpungeIssued, "It is gone"));
        }
        let appended = drawers.file(mailbox.get(), draft)?;
        drawers.apply(from.id, &expunging.events);
        Ok(appended)
    }

    async fn transfer(
        &self,
        transfer: Transfer,
        from: &Folder,
        uids: &UidSet,
        to: MailboxId,
    ) -> Result<Transferred, Refusal> {
        self.synced().await;
        let mut drawers = self.check()?;
        let state = drawers.state(from.id).ok_or_else(deleted)?;
        if transfer == Transfer::Copy {
            let reader = state.reader(READER);
            let rows = uids.iter().filter_map(|uid| reader.row(uid));
            let more = rows.map(|row| Usage { octets: row.size, messages: 1 });
            drawers.check_room(more.fold(Usage::default(), Usage::plus), Usage::default())?;
        }
        Ok(drawers.transfer(transfer, from.id, uids, to.get())?)
    }
}

impl port::Mailbox for Folder {
    async fn current(&self) -> Result<Option<Arc<MailboxState>>, Refusal> {
        Ok(self.office.drawers().state(self.id))
    }

    async fn changed(&self, seen: u64) {
        let is_past = || self.office.drawers().state(self.id).is_none_or(|state| state.seq() > seen);
        poll_fn(|_| if is_past() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    async fn change<T: Send>(
        &self,
        plan: impl Fn(&MailboxState) -> Result<(Vec<Event>, T), Refusal> + Send + Sync,
    ) -> Result<Change<T>, Refusal> {
        self.office.synced().await;
        let mut drawers = self.office.check()?;
        let before = drawers.state(self.id).ok_or_else(deleted)?;
        let (events, outcome) = plan(&before)?;
        let after = drawers.apply(self.id, &events);
        Ok(Change { before, after, outcome })
    }

    async fn recent(&self, recency: Recency, until: Uid) -> Result<Uid, Refusal> {
        let mut drawers = self.office.drawers();
        let Some((_, claimed)) = drawers.mailboxes.get_mut(&self.id) else { return Ok(until) };
        let from = *claimed;
        if recency == Recency::Claim {
            *claimed = until.max(from);
        }
        Ok(from)
    }

    async fn records(&self, emails: &[EmailId]) -> Result<Vec<Option<Bytes>>, Refusal> {
        let mut drawers = self.office.drawers();
        drawers.records_read += emails.len().min(2);
        // Two at a time, so that every conversation goes on behind the first ones.
        Ok(emails.iter().take(2).map(|email| drawers.records.get(email).cloned()).collect())
    }

    async fn octets(&self, body: BodyName, offset: u64, most: usize) -> Result<Option<Bytes>, Refusal> {
        let mut drawers = self.office.drawers();
        drawers.largest_piece = drawers.largest_piece.max(most);
        drawers.octets_read += most;
        // A few of a small body at a time, so that bodies are read in pieces wherever they are.
        let bodies = &drawers.bodies;
        let most =
            if bodies.get(&body).is_some_and(|octets| octets.len() < 4_096) { most.min(37) } else { most };
        let place = |octets: &Bytes| usize::try_from(offset).map_or(octets.len(), |at| at.min(octets.len()));
        Ok(bodies
            .get(&body)
            .map(|octets| octets.slice(place(octets)..(place(octets) + most).min(octets.len()))))
    }
}
