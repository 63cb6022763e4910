//! What waits for the commit thread: bounded in octets, fair between accounts, with a lane for small commits.
//!
//! A group takes what is small first, up to [`SMALL_SHARE`], so that flags and expunges do not wait behind somebody's
//! import; then one job of each account in turn. Jobs of one account never overtake each other, for one commit may
//! build on the one before it.

use crate::committer::Committer;
use crate::log::format::Draft;
use crate::request::{Outcome, Request};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use store::{AccountId, CommitId, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Most octets that wait or are being written, small jobs not counted.
pub(crate) const MAX_WAITING: usize = 64 << 20;
/// Most octets of small jobs.
const MAX_SMALL_WAITING: usize = 8 << 20;
/// A job with no more octets than this is small.
const SMALL: usize = 4 << 10;
/// Octets of a group up to which small jobs go before the others.
const SMALL_SHARE: usize = 1 << 20;
/// Most octets of a group, but for a single job that is larger.
pub(crate) const MAX_GROUP: usize = 8 << 20;

/// Something to be written, and who wants to know.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) account: AccountId,
    pub(crate) request: Request,
    pub(crate) commit: Option<CommitId>,
    pub(crate) drafts: Vec<Draft>,
    answer: Answerer,
    octets: usize,
    /// Its place in the bound; given back when the job is dropped, which is when it was answered.
    room: OwnedSemaphorePermit,
}

impl Job {
    const fn is_small(&self) -> bool {
        self.octets <= SMALL
    }

    /// Answers that nothing was written.
    pub(crate) fn refuse(self, refusal: StoreError) {
        // Nobody may be waiting any more.
        let _ = self.answer.send(Err(refusal));
    }

    /// Who is to be answered, and what the job holds of the bound until then.
    pub(crate) fn into_answer(self) -> (Answerer, OwnedSemaphorePermit) {
        (self.answer, self.room)
    }
}

/// Where a job's outcome goes.
pub(crate) type Answerer = oneshot::Sender<Result<Outcome, StoreError>>;

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    lanes: Mutex<Lanes>,
    changed: Condvar,
    room: Arc<Semaphore>,
    small_room: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Lanes {
    /// What each account has waiting, in the order it came.
    waiting: HashMap<AccountId, VecDeque<Job>>,
    /// The accounts whose next job is small, next one first.
    small: VecDeque<AccountId>,
    /// The others.
    large: VecDeque<AccountId>,
    /// Accounts with jobs that have no room yet: where these wait, and how many.
    at_gates: HashMap<AccountId, (Gate, usize)>,
    call: Option<Call>,
    /// What is to be done between two groups.
    errands: VecDeque<Errand>,
    /// Whether the last turn was a group's: then an errand is next.
    errand_is_next: bool,
    state: State,
}

/// Something that the commit thread does between two groups.
pub(crate) struct Errand(Box<dyn FnOnce(&mut Committer) + Send>);

impl Errand {
    pub(crate) fn new(errand: impl FnOnce(&mut Committer) + Send + 'static) -> Self {
        Self(Box::new(errand))
    }

    /// Does it.
    pub(crate) fn run(self, committer: &mut Committer) {
        (self.0)(committer);
    }
}

impl std::fmt::Debug for Errand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Errand")
    }
}

/// The commit thread is wanted for something that is no job.
#[derive(Debug)]
struct Call;

/// What the commit thread has to do next.
#[derive(Debug)]
pub(crate) enum Turn {
    /// There are jobs.
    Jobs,
    /// This.
    Errand(Errand),
    /// It was called, or it is as late as it wanted to be woken.
    Look,
    /// Nothing, ever again.
    End,
}

/// Where a job waits for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Small,
    Large,
}

/// A job that has no room yet.
struct AtGate<'a> {
    queue: &'a Queue,
    account: AccountId,
    gate: Gate,
}

impl AtGate<'_> {
    fn room(&self) -> (&Arc<Semaphore>, usize) {
        match self.gate {
            Gate::Small => (&self.queue.small_room, MAX_SMALL_WAITING),
            Gate::Large => (&self.queue.room, MAX_WAITING),
        }
    }
}

impl Drop for AtGate<'_> {
    fn drop(&mut self) {
        self.queue.lock().leave_gate(self.account);
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Closed,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            lanes: Mutex::default(),
            changed: Condvar::new(),
            room: Arc::new(Semaphore::new(MAX_WAITING)),
            small_room: Arc::new(Semaphore::new(MAX_SMALL_WAITING)),
        }
    }

    /// Puts a job in as soon as there is room, and waits for its answer.
    pub(crate) async fn submit(
        &self,
        account: AccountId,
        request: Request,
        commit: Option<CommitId>,
        drafts: Vec<Draft>,
    ) -> Result<Outcome, StoreError> {
        let octets: usize = drafts.iter().map(Draft::stored_length).sum();
        let gate = self.lock().gate_for(account, octets);
        let at_gate = AtGate { queue: self, account, gate };
        let (room, limit) = at_gate.room();
        let permits = u32::try_from(octets.clamp(1, limit)).unwrap_or(u32::MAX);
        let room = Arc::clone(room).acquire_many_owned(permits).await.map_err(|_| closed())?;
        let (answer, answered) = oneshot::channel();
        self.push(Job { account, request, commit, drafts, answer, octets, room })?;
        drop(at_gate);
        // Without an answer the commit thread has died in the middle of it.
        answered.await.unwrap_or_else(|_| Err(unanswered()))
    }

    /// Takes in nothing more. What waits is still written; errands are forgotten.
    pub(crate) fn close(&self) {
        self.room.close();
        self.small_room.close();
        let mut lanes = self.lock();
        lanes.state = State::Closed;
        lanes.errands.clear();
        drop(lanes);
        self.changed.notify_all();
    }

    /// Waits until there is something to do, or it is `wake_at`.
    pub(crate) fn wait(&self, wake_at: Option<Instant>) -> Turn {
        let mut lanes = self.lock();
        loop {
            if let Some(turn) = lanes.turn(wake_at) {
                return turn;
            }
            lanes = match wake_at.map(|at| at.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(lanes).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    self.changed.wait_timeout(lanes, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Calls the commit thread, which may have nothing to do.
    pub(crate) fn call(&self) {
        self.lock().call = Some(Call);
        self.changed.notify_all();
    }

    /// Has the commit thread do something between two groups. When the queue is closed it is not done.
    pub(crate) fn send(&self, errand: Errand) {
        let mut lanes = self.lock();
        if lanes.state == State::Open {
            lanes.errands.push_back(errand);
            self.changed.notify_all();
        }
    }

    /// How many jobs wait.
    pub(crate) fn waiting(&self) -> usize {
        let lanes = self.lock();
        lanes.waiting.values().map(VecDeque::len).sum()
    }

    /// What the next group is made of.
    pub(crate) fn take_group(&self) -> Vec<Job> {
        let mut lanes = self.lock();
        let mut group = Taken::default();
        while let Some(job) = lanes.next_fitting(&group) {
            group.push(job);
        }
        group.jobs
    }

    /// Everything that waits.
    pub(crate) fn drain(&self) -> Vec<Job> {
        let mut lanes = self.lock();
        lanes.small.clear();
        lanes.large.clear();
        lanes.waiting.drain().flat_map(|(_, jobs)| jobs).collect()
    }

    fn push(&self, job: Job) -> Result<(), StoreError> {
        let mut lanes = self.lock();
        if lanes.state == State::Closed {
            return Err(closed());
        }
        lanes.push(job);
        drop(lanes);
        self.changed.notify_one();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Taken {
    jobs: Vec<Job>,
    octets: usize,
    small_octets: usize,
}

impl Taken {
    fn push(&mut self, job: Job) {
        self.octets += job.octets;
        self.small_octets += if job.is_small() { job.octets } else { 0 };
        self.jobs.push(job);
    }

    fn has_room_for(&self, job: &Job) -> bool {
        self.jobs.is_empty() || self.octets + job.octets <= MAX_GROUP
    }
}

impl Lanes {
    /// Jobs first: where the store cannot write they are refused, and nobody is to wait for that. But an errand waits for
    /// one group only.
    fn turn(&mut self, wake_at: Option<Instant>) -> Option<Turn> {
        if self.waiting.is_empty() || self.errand_is_next {
            self.errand_is_next = false;
            if let Some(errand) = self.errands.pop_front() {
                return Some(Turn::Errand(errand));
            }
        }
        if !self.waiting.is_empty() {
            self.errand_is_next = true;
            return Some(Turn::Jobs);
        }
        if self.state == State::Closed {
            return Some(Turn::End);
        }
        let called = self.call.take().is_some();
        (called || wake_at.is_some_and(|at| at <= Instant::now())).then_some(Turn::Look)
    }

    fn push(&mut self, job: Job) {
        let account = job.account;
        let waiting = self.waiting.entry(account).or_default();
        waiting.push_back(job);
        if waiting.len() == 1 {
            self.line_up(account);
        }
    }

    /// Puts an account at the end of the lane that what it has waiting first belongs to.
    fn line_up(&mut self, account: AccountId) {
        match self.waiting.get(&account).and_then(VecDeque::front) {
            Some(first) if first.is_small() => self.small.push_back(account),
            Some(_) => self.large.push_back(account),
            None => drop(self.waiting.remove(&account)),
        }
    }

    /// The next small job, else the next of all, if the group has room for it.
    fn next_fitting(&mut self, group: &Taken) -> Option<Job> {
        let lane = match self.small.front() {
            Some(_) if group.small_octets < SMALL_SHARE => &mut self.small,
            _ => &mut self.large,
        };
        let account = *lane.front()?;
        let waiting = self.waiting.get_mut(&account)?;
        if !group.has_room_for(waiting.front()?) {
            return None;
        }
        let job = waiting.pop_front();
        lane.pop_front();
        self.line_up(account);
        job
    }

    /// Where a job of an account waits for room: with those of the account that wait already, for it may build on
    /// them.
    fn gate_for(&mut self, account: AccountId, octets: usize) -> Gate {
        let by_size = if octets <= SMALL { Gate::Small } else { Gate::Large };
        let (gate, waiting) = self.at_gates.entry(account).or_insert((by_size, 0));
        *waiting += 1;
        *gate
    }

    fn leave_gate(&mut self, account: AccountId) {
        if let Some((_, waiting)) = self.at_gates.get_mut(&account) {
            *waiting -= 1;
            if *waiting == 0 {
                self.at_gates.remove(&account);
            }
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable { reason: "it is shutting down".to_owned(), uncertain: false }
}

fn unanswered() -> StoreError {
    StoreError::Unavailable { reason: "the commit thread has ended".to_owned(), uncertain: true }
}
