//! What failed logins are held against, shared by all who ask for it.

use policy::{
    Asked, Attempt, Attempts, Begun, Charge, Damaged, Failure, Fingerprint, Keys, Listed, Network, Verdict,
};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use terms::Moment;

/// Failed logins of a whole server, and who is known: asked and told by its doors, listed and cleared by whoever runs it,
/// kept over a restart by whoever has a file for it.
pub struct Limits {
    attempts: Mutex<Attempts>,
    clock: Box<dyn Fn() -> Moment + Send + Sync>,
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limits")
    }
}

impl Limits {
    /// Nothing has failed yet. Keys and `trusted` are those of [`Attempts::new`].
    #[must_use]
    pub fn new(
        keys: Keys,
        trusted: Vec<Network>,
        clock: impl Fn() -> Moment + Send + Sync + 'static,
    ) -> Self {
        Self { attempts: Mutex::new(Attempts::new(keys, trusted)), clock: Box::new(clock) }
    }

    /// Begins with a [state](Self::write_state), as it is by `second`: see [`Attempts::from_state`].
    ///
    /// # Errors
    /// The state is damaged: it is left as it was.
    pub fn take_up(
        &self,
        state: &[u8],
        passwords: [u8; 32],
        trusted: Vec<Network>,
        second: u64,
    ) -> Result<(), Damaged> {
        let attempts = Attempts::from_state(state, passwords, trusted, self.now(), second)?;
        *self.attempts() = attempts;
        Ok(())
    }

    /// Writes what is to be remembered over a restart, piece by piece: who wants to sign in meanwhile waits for one at most.
    /// `second` is that of the calendar, since 1970.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn write_state<E>(&self, second: u64, write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        Attempts::write_state(|| self.attempts(), self.now(), second, write)
    }

    /// Grows with each change.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.attempts().changes()
    }

    /// What is held against whom, and how long each is still refused, if it is: see [`Attempts::list`].
    #[must_use]
    pub fn list<'a>(&self, names: impl Iterator<Item = &'a str>) -> (Moment, Vec<Listed>) {
        let now = self.now();
        (now, self.attempts().list(names, now))
    }

    /// Takes back what is held against an address and its networks; how many entries that was.
    #[must_use]
    pub fn clear_address(&self, address: IpAddr) -> usize {
        self.attempts().clear_address(address)
    }

    /// Takes back what is held against an account; how many entries that was.
    #[must_use]
    pub fn clear_account(&self, name: &str) -> usize {
        self.attempts().clear_account(name)
    }

    /// Takes back everything; how many entries that was.
    #[must_use]
    pub fn clear(&self) -> usize {
        self.attempts().clear()
    }

    /// What becomes of an attempt, and, where it is to be looked at, what says that it is; `None` if too many are just now.
    pub(crate) fn begin(
        self: &Arc<Self>,
        attempt: &Attempt<'_>,
        typed: Option<Fingerprint>,
    ) -> Option<(Moment, Verdict, Option<LookingAt>)> {
        let now = self.now();
        match self.attempts().begin(attempt, typed, now) {
            Asked::Begun(verdict, begun) => {
                Some((now, verdict, Some(LookingAt { limits: Arc::clone(self), begun })))
            }
            Asked::Refused(verdict) => Some((now, verdict, None)),
            Asked::Crowded => None,
        }
    }

    pub(crate) fn knows(&self, attempt: &Attempt<'_>) -> bool {
        let now = self.now();
        self.attempts().knows(attempt, now)
    }

    pub(crate) fn fingerprint(&self, attempt: &Attempt<'_>, typed: &[u8]) -> Fingerprint {
        self.attempts().fingerprint(attempt, typed)
    }

    pub(crate) fn failed(&self, attempt: &Attempt<'_>, typed: Option<Fingerprint>) -> Failure {
        let now = self.now();
        self.attempts().failed(attempt, typed, now)
    }

    pub(crate) fn succeeded(&self, attempt: &Attempt<'_>, earlier: Vec<Charge>) {
        let now = self.now();
        self.attempts().succeeded(attempt, earlier, now);
    }

    /// The same of an attempt that had no name.
    pub(crate) fn succeeded_without_name(&self, attempt: &Attempt<'_>, earlier: Vec<Charge>) {
        let now = self.now();
        self.attempts().succeeded_without_name(attempt, earlier, now);
    }

    fn now(&self) -> Moment {
        (self.clock)()
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that an attempt is being looked at, until it is dropped.
#[derive(Debug)]
pub(crate) struct LookingAt {
    limits: Arc<Limits>,
    begun: Box<Begun>,
}

impl Drop for LookingAt {
    fn drop(&mut self) {
        self.limits.attempts().ended(&self.begun);
    }
}

/// What has failed on a connection so far, to be taken back if it comes to sign in to the same account after all.
#[derive(Clone, Debug, Default)]
pub struct Failures(Arc<Mutex<Vec<Charge>>>);

/// How many of them are taken back at most: clients try a mechanism after the other, and not twenty.
const MAX_TAKEN_BACK: usize = 16;

impl Failures {
    pub(crate) fn add(&self, charge: Charge) {
        let mut charges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if charges.len() < MAX_TAKEN_BACK {
            charges.push(charge);
        }
    }

    pub(crate) fn take(&self) -> Vec<Charge> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
