//! Where passwords are hashed: few threads, a memory that is known beforehand, and a short queue.
//!
//! A guess costs tens of milliseconds and tens of megabytes by design; whoever could ask for many at once would have
//! all of the machine (threat T-17). When the queue is full the answer is "not now", which is not "wrong".

use sasl::{Cost, CredentialRecord, Salts, Secret, Verdict, Workspace};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Passwords that may wait for each thread.
const WAITING_PER_THREAD: usize = 32;

type Work = Box<dyn FnOnce(&mut Workspace) + Send>;

/// The pool. Dropping it ends its threads once they have done what waits.
#[derive(Debug)]
pub struct HashPool {
    queue: SyncSender<Work>,
    cost: Cost,
    verified_kib: Arc<AtomicU64>,
}

/// The queue is full, or the pool is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl HashPool {
    /// Starts `threads` threads; each holds the memory of one hash.
    ///
    /// # Errors
    /// The system has no thread for us.
    pub fn start(threads: usize, cost: Cost) -> std::io::Result<Self> {
        Self::start_behind(|| (), threads, cost)
    }

    /// The same, where each thread begins with `first`: to give way to others, say.
    ///
    /// # Errors
    /// The system has no thread for us.
    pub fn start_behind(first: fn(), threads: usize, cost: Cost) -> std::io::Result<Self> {
        let (queue, work) = sync_channel::<Work>(threads * WAITING_PER_THREAD);
        let work = Arc::new(Mutex::new(work));
        for n in 0..threads {
            let work = Arc::clone(&work);
            std::thread::Builder::new().name(format!("hash-{n}")).spawn(move || {
                first();
                let mut workspace = Workspace::new();
                loop {
                    let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(next) = next else { return };
                    next(&mut workspace);
                }
            })?;
        }
        Ok(Self { queue, cost, verified_kib: Arc::default() })
    }

    /// What a new record costs.
    #[must_use]
    pub const fn cost(&self) -> &Cost {
        &self.cost
    }

    /// How much work the checking of passwords has been so far, in KiB, each pass counted. It does not depend on the
    /// machine as time does.
    #[must_use]
    pub fn verified_kib(&self) -> u64 {
        self.verified_kib.load(Ordering::Relaxed)
    }

    /// Checks a password against a record.
    ///
    /// # Errors
    /// [`Busy`]: nothing was checked.
    pub async fn verify(&self, record: CredentialRecord, password: Secret) -> Result<Verdict, Busy> {
        let verified_kib = Arc::clone(&self.verified_kib);
        let verify = move |workspace: &mut Workspace| {
            let verdict = record.verify(&password, workspace);
            let cost = record.cost();
            let kib = u64::from(cost.memory_kib()) * u64::from(cost.passes());
            verified_kib.fetch_add(kib, Ordering::Relaxed);
            verdict
        };
        self.run(verify).await
    }

    /// Makes the record of a new password.
    ///
    /// # Errors
    /// [`Busy`]: nothing was made.
    pub async fn new_record(&self, password: Secret, salts: Salts) -> Result<CredentialRecord, Busy> {
        let cost = self.cost;
        self.run(move |workspace| CredentialRecord::new(&password, salts, &cost, workspace)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Workspace) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |workspace| {
            // Who hung up while waiting costs no hash.
            if !answer.is_closed() {
                drop(answer.send(work(workspace)));
            }
        });
        self.queue.try_send(work).map_err(|_| Busy)?;
        answered.await.map_err(|_| Busy)
    }
}
