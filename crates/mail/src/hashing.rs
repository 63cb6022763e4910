//! Where passwords are hashed: few threads, a memory that is known beforehand, and a short queue.
//!
//! A guess costs tens of milliseconds and tens of megabytes by design; whoever could ask for many at once would have
//! all of the machine (threat T-17). When the queue is full the answer is "not now", which is not "wrong".
//!
//! Whoever has signed in from there before waits in a lane of its own: see [`Lane`].

mod lanes;

pub use lanes::Lane;

use lanes::{Lanes, Work};
use sasl::{
    AppPassword, AppRecord, Cost, CredentialRecord, Salts, ScramVerifier, Secret, Verdict, Workspace,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Passwords that may wait for each thread in each lane.
const WAITING_PER_THREAD: usize = 32;

/// The pool. Dropping it ends its threads once they have done what waits.
#[derive(Debug)]
pub struct HashPool {
    lanes: Arc<Lanes>,
    cost: Cost,
    scram_sha_1: ScramSha1,
    verified_kib: Arc<AtomicU64>,
    /// In microseconds.
    usual_us: Arc<AtomicU64>,
}

/// Whether what is kept of a password from now on has keys for SCRAM-SHA-1 too, for clients that know nothing better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScramSha1 {
    /// It has none, whatever the record before had.
    Never,
    /// It has.
    OldClients,
}

impl ScramSha1 {
    fn applied(self, record: CredentialRecord, password: &Secret) -> CredentialRecord {
        match self {
            Self::Never => record.without_sha1(),
            Self::OldClients => record.with_sha1(password),
        }
    }

    fn applied_to_app(self, record: AppRecord, drawn: &AppPassword) -> AppRecord {
        match self {
            Self::Never => record.without_sha1(),
            Self::OldClients => record.with_sha1(drawn),
        }
    }
}

impl Drop for HashPool {
    fn drop(&mut self) {
        self.lanes.close();
    }
}

/// The lane is full, or the pool is stopping.
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
        let lanes = Arc::new(Lanes::new(threads * WAITING_PER_THREAD));
        // Made first, so that threads that did start end where another does not.
        let pool = Self {
            lanes: Arc::clone(&lanes),
            cost,
            scram_sha_1: ScramSha1::Never,
            verified_kib: Arc::default(),
            usual_us: Arc::default(),
        };
        for n in 0..threads {
            let lanes = Arc::clone(&lanes);
            std::thread::Builder::new().name(format!("hash-{n}")).spawn(move || {
                first();
                let mut workspace = Workspace::new();
                while let Some(work) = lanes.next() {
                    work(&mut workspace);
                }
            })?;
        }
        Ok(pool)
    }

    /// One whose records have keys for SCRAM-SHA-1, or have none as they have none else.
    #[must_use]
    pub const fn with_scram_sha_1(mut self, scram_sha_1: ScramSha1) -> Self {
        self.scram_sha_1 = scram_sha_1;
        self
    }

    /// Whether new records have keys for SCRAM-SHA-1.
    #[must_use]
    pub const fn scram_sha_1(&self) -> ScramSha1 {
        self.scram_sha_1
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
    pub async fn verify(
        &self,
        lane: Lane,
        record: CredentialRecord,
        password: Secret,
    ) -> Result<Verdict, Busy> {
        self.run(lane, self.verifying(record, password)).await
    }

    /// The same, where somebody else may find out meanwhile what it is. `known` is asked when its turn has come: where it
    /// says so, nothing is hashed. `told` hears before the next one's turn what was found out.
    ///
    /// # Errors
    /// [`Busy`]: nothing was checked.
    pub async fn verify_unless_known(
        &self,
        lane: Lane,
        record: CredentialRecord,
        password: Secret,
        known: impl FnOnce() -> Option<Verdict> + Send + 'static,
        told: impl FnOnce(Verdict) + Send + 'static,
    ) -> Result<Verdict, Busy> {
        let (verify, asked) = (self.verifying(record, password), Instant::now());
        let usual_us = Arc::clone(&self.usual_us);
        self.run(lane, move |workspace| {
            if let Some(verdict) = known() {
                return verdict;
            }
            let verdict = verify(workspace);
            note_time(&usual_us, asked.elapsed());
            told(verdict);
            verdict
        })
        .await
    }

    /// How long somebody who asks waits for a hash of late, their turn included: what it takes to look as if one had been
    /// made.
    #[must_use]
    pub fn usual_time(&self) -> Duration {
        Duration::from_micros(self.usual_us.load(Ordering::Relaxed))
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
    pub async fn check(
        &self,
        lane: Lane,
        check: impl FnOnce() -> Verdict + Send + 'static,
    ) -> Result<Verdict, Busy> {
        self.run(lane, move |_| check()).await
    }

    /// Makes the record of a new password, for somebody who is let in or who runs the server.
    ///
    /// # Errors
    /// [`Busy`]: nothing was made.
    pub async fn new_record(&self, password: Secret, salts: Salts) -> Result<CredentialRecord, Busy> {
        let (cost, scram_sha_1) = (self.cost, self.scram_sha_1);
        let make = move |workspace: &mut Workspace| {
            let record = CredentialRecord::new(&password, salts, &cost, workspace);
            scram_sha_1.applied(record, &password)
        };
        self.run(Lane::Known, make).await
    }

    /// The next record of an account that has other passwords beside, which SCRAM can go on to prove
    /// ([`CredentialRecord::anew`]).
    ///
    /// # Errors
    /// [`Busy`]: there is none.
    pub async fn next_record(
        &self,
        before: CredentialRecord,
        password: Secret,
        salts: Salts,
    ) -> Result<CredentialRecord, Busy> {
        let (cost, scram_sha_1) = (self.cost, self.scram_sha_1);
        let make = move |workspace: &mut Workspace| {
            scram_sha_1.applied(before.anew(&password, salts, &cost, workspace), &password)
        };
        self.run(Lane::Known, make).await
    }

    /// What is kept of an app password of an account whose own password has the verifier `beside`.
    ///
    /// # Errors
    /// [`Busy`]: there is none.
    pub async fn app_record(
        &self,
        drawn: AppPassword,
        beside: Option<ScramVerifier>,
    ) -> Result<(AppPassword, AppRecord), Busy> {
        let scram_sha_1 = self.scram_sha_1;
        self.run(Lane::Known, move |_| {
            let record = scram_sha_1.applied_to_app(AppRecord::new(&drawn, beside.as_ref()), &drawn);
            (drawn, record)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut Workspace) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |workspace| {
            // Who hung up while waiting costs no hash.
            if !answer.is_closed() {
                drop(answer.send(work(workspace)));
            }
        });
        self.lanes.put(lane, work)?;
        answered.await.map_err(|_| Busy)
    }
}

/// A mean in which the last ones weigh most.
fn note_time(usual_us: &AtomicU64, took: Duration) {
    let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    // That two threads may lose one of two times is no matter.
    let before = usual_us.load(Ordering::Relaxed);
    let mean = if before == 0 { took } else { before - before / 4 + took / 4 };
    usual_us.store(mean, Ordering::Relaxed);
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
            let is_known = move || known.load(Ordering::Acquire).then_some(Verdict::Right);
            pool.verify_unless_known(Lane::Strangers, record.clone(), password(), is_known, move |verdict| {
                told.store(verdict == Verdict::Right, Ordering::Release);
            })
        };
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        assert_eq!([one, two, three], [Ok(Verdict::Right); 3]);
        assert_eq!(pool.verified_kib(), 8);
        // So it is with a wrong one.
        let wrong = || Secret::password("wrong").unwrap();
        let told = |verdict| assert_eq!(verdict, Verdict::Wrong);
        let asked = pool.verify_unless_known(Lane::Strangers, record.clone(), wrong(), || None, told);
        assert_eq!(asked.await, Ok(Verdict::Wrong));
        let known = || Some(Verdict::Wrong);
        let asked = pool.verify_unless_known(Lane::Strangers, record.clone(), wrong(), known, |_| panic!());
        assert_eq!(asked.await, Ok(Verdict::Wrong));
        assert_eq!(pool.verified_kib(), 16);
        assert!(pool.usual_time() > Duration::ZERO);
    }

    #[tokio::test]
    async fn keys_of_sha_1_come_with_the_setting_and_go_with_the_next_password() {
        let cost = Cost::new(8, 1, 4_096).unwrap();
        let pool = |scram_sha_1| HashPool::start(1, cost).unwrap().with_scram_sha_1(scram_sha_1);
        let (off, on) = (pool(ScramSha1::Never), pool(ScramSha1::OldClients));
        let password = || Secret::password("pencil").unwrap();
        let (old, salts) = (off.new_record(password(), Salts([1; 32])).await.unwrap(), || Salts([2; 32]));
        let with = on.next_record(old.clone(), password(), salts()).await.unwrap();
        let without = off.next_record(with.clone(), password(), salts()).await.unwrap();
        assert_eq!([&old, &with, &without].map(CredentialRecord::version), [1, 2, 1]);
        assert!(old.scram() == without.scram(), "what SCRAM-SHA-256 proves is as it was");
        for (pool, has_sha1) in [(&off, false), (&on, true)] {
            for beside in [&old, &with] {
                let drawn = AppPassword::draw(|octets| octets.fill(7));
                let (_, app) = pool.app_record(drawn, Some(beside.scram().clone())).await.unwrap();
                assert_eq!(app.scram().map(ScramVerifier::has_sha1), Some(has_sha1));
            }
        }
    }

    /// A pool of one thread that is busy until the sender is dropped.
    async fn busy_pool() -> (HashPool, std::sync::mpsc::Sender<()>) {
        let pool = HashPool::start(1, Cost::new(8, 1, 4_096).unwrap()).unwrap();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let (begun, is_busy) = oneshot::channel::<()>();
        let busy = Box::new(move |_: &mut Workspace| {
            drop(begun);
            let _ = held.recv();
        });
        pool.lanes.put(Lane::Known, busy).unwrap();
        assert!(is_busy.await.is_err());
        (pool, hold)
    }

    #[tokio::test]
    async fn t_17_a_flood_of_strangers_is_told_not_now_and_the_known_have_three_turns_of_four() {
        let (pool, hold) = busy_pool().await;
        let (done, order) = std::sync::mpsc::channel();
        let put = |lane| {
            let done = done.clone();
            pool.lanes.put(lane, Box::new(move |_| done.send(lane).unwrap()))
        };
        for _ in 0..WAITING_PER_THREAD {
            assert_eq!(put(Lane::Strangers), Ok(()));
        }
        // Nobody's password is called wrong for it.
        let record = CredentialRecord::new(
            &Secret::password("secret").unwrap(),
            Salts([1; 32]),
            pool.cost(),
            &mut Workspace::new(),
        );
        let asked = pool.verify(Lane::Strangers, record, Secret::password("secret").unwrap());
        assert_eq!((asked.await, put(Lane::Strangers)), (Err(Busy), Err(Busy)));
        for _ in 0..6 {
            assert_eq!(put(Lane::Known), Ok(()));
        }
        drop((hold, done));
        let order: Vec<_> = order.iter().take(10).collect();
        let (known, stranger) = (Lane::Known, Lane::Strangers);
        let shared = [known, known, known, stranger, known, known, known, stranger, stranger, stranger];
        assert_eq!(order, shared);
    }

    #[tokio::test]
    async fn who_hangs_up_while_waiting_costs_no_hash_and_a_pool_that_is_dropped_does_what_waits() {
        let (pool, hold) = busy_pool().await;
        let secret = || Secret::password("secret").unwrap();
        let record = CredentialRecord::new(&secret(), Salts([1; 32]), pool.cost(), &mut Workspace::new());
        let mut asked = Box::pin(pool.verify(Lane::Strangers, record, secret()));
        assert!(has_to_wait(asked.as_mut()).await);
        drop(asked);
        let (done, last) = oneshot::channel();
        pool.lanes.put(Lane::Strangers, Box::new(move |_| done.send(()).unwrap())).unwrap();
        let verified_kib = Arc::clone(&pool.verified_kib);
        drop(pool);
        drop(hold);
        assert_eq!(last.await, Ok(()));
        assert_eq!(verified_kib.load(Ordering::Relaxed), 0);
    }

    /// Begins something; whether it has to wait.
    async fn has_to_wait(mut future: std::pin::Pin<&mut impl Future>) -> bool {
        std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending()))
            .await
    }
}
