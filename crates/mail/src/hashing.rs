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
        self.run(self.verifying(record, password)).await
    }

    /// The same, where somebody else may find out meanwhile that it is right. `is_known` is asked when its turn has come:
    /// then nothing is hashed. `right` hears before the next one's turn that it was.
    ///
    /// # Errors
    /// [`Busy`]: nothing was checked.
    pub async fn verify_unless_known(
        &self,
        record: CredentialRecord,
        password: Secret,
        is_known: impl FnOnce() -> bool + Send + 'static,
        right: impl FnOnce() + Send + 'static,
    ) -> Result<Verdict, Busy> {
        let verify = self.verifying(record, password);
        self.run(move |workspace| {
            if is_known() {
                return Verdict::Right;
            }
            let verdict = verify(workspace);
            if verdict == Verdict::Right {
                right();
            }
            verdict
        })
        .await
    }

    fn verifying(
        &self,
        record: CredentialRecord,
        password: Secret,
    ) -> impl FnOnce(&mut Workspace) -> Verdict + Send + 'static {
        let verified_kib = Arc::clone(&self.verified_kib);
        move |workspace| {
            let verdict = record.verify(&password, workspace);
            let cost = record.cost();
            let kib = u64::from(cost.memory_kib()) * u64::from(cost.passes());
            verified_kib.fetch_add(kib, Ordering::Relaxed);
            verdict
        }
    }

    /// Checks a password against a hash that somebody else has made: `check` does, in its turn. What it takes is the hash's
    /// own business, within bounds.
    ///
    /// # Errors
    /// [`Busy`]: nothing was checked.
    pub async fn check(&self, check: impl FnOnce() -> Verdict + Send + 'static) -> Result<Verdict, Busy> {
        self.run(move |_| check()).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[tokio::test]
    async fn of_many_who_ask_for_one_password_at_once_one_is_hashed() {
        let cost = Cost::new(8, 1, 4_096).unwrap();
        let pool = HashPool::start(1, cost).unwrap();
        let password = || Secret::password("secret").unwrap();
        let record = pool.new_record(password(), Salts([1; 32])).await.unwrap();
        let known = Arc::new(AtomicBool::new(false));
        let ask = || {
            let (known, told) = (Arc::clone(&known), Arc::clone(&known));
            let is_known = move || known.load(Ordering::Acquire);
            pool.verify_unless_known(record.clone(), password(), is_known, move || {
                told.store(true, Ordering::Release);
            })
        };
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        assert_eq!([one, two, three], [Ok(Verdict::Right); 3]);
        assert_eq!(pool.verified_kib(), 8);
        // A wrong one is nobody's news, and is hashed each time.
        known.store(false, Ordering::Release);
        for _ in 0..2 {
            let wrong = Secret::password("wrong").unwrap();
            let asked = pool.verify_unless_known(record.clone(), wrong, || false, || panic!("it is wrong"));
            assert_eq!(asked.await, Ok(Verdict::Wrong));
        }
        assert_eq!(pool.verified_kib(), 24);
    }
}
