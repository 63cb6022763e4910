//! What the store has to say to the admin, as events.

use events::{Event, File, Problem, Sentence};
use mail::{Mender, Mending};
use mailbox::account::MailboxId;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use store::{AccountId, Salvage};
use store_local::{Compacted, Damage, LocalStore, Rot, Tally, Witness};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Writes down when mail could not be stored, and for how long.
#[derive(Debug)]
pub(crate) struct Watchman {
    failed_at: Mutex<Option<Instant>>,
    found: UnboundedSender<Found>,
}

/// What a scrub has to say, and whoever mends. Whose mail it is can only be told by asking the store, which a witness must not: so somebody
/// else tells it. A scrub tells of no more than [`store_local::MAX_DAMAGES`].
#[derive(Debug)]
pub(crate) enum Found {
    Damage(Damage),
    Through(Tally),
    Mended(AccountId, Mending),
    InPart(AccountId, MailboxId),
    NamesInPart(AccountId),
}

impl Watchman {
    /// One, and what it hands on.
    pub(crate) fn new() -> (Self, UnboundedReceiver<Found>) {
        let (found, handed_on) = unbounded_channel();
        (Self { failed_at: Mutex::default(), found }, handed_on)
    }

    /// Whoever has mailboxes mended, and hands on what came of it.
    pub(crate) fn caretaker(&self, store: Arc<LocalStore>) -> Caretaker {
        Caretaker { store, found: self.found.clone() }
    }

    /// Begins to count, or with `None` ends; what was counted from before.
    fn count_from(&self, now: Option<Instant>) -> Option<Instant> {
        let mut failed_at = self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *failed_at, now)
    }
}

/// Lets mailboxes with a hole be mended while the server runs.
pub(crate) struct Caretaker {
    store: Arc<LocalStore>,
    found: UnboundedSender<Found>,
}

impl Mender for Caretaker {
    fn store(&self) -> &dyn Salvage {
        &*self.store
    }

    fn mended(&self, account: AccountId, mending: &Mending) {
        let _ = self.found.send(Found::Mended(account, mending.clone()));
    }

    fn is_in_part(&self, account: AccountId, mailbox: MailboxId) {
        let _ = self.found.send(Found::InPart(account, mailbox));
    }

    fn has_names_in_part(&self, account: AccountId) {
        let _ = self.found.send(Found::NamesInPart(account));
    }
}

impl Witness for Watchman {
    fn failed(&self, why: &store::StoreError) {
        self.count_from(Some(Instant::now()));
        Event::StoreFailed { problem: Problem::from(why as &(dyn Error + 'static)) }.log();
    }

    fn recovered(&self) {
        let lasted = self.count_from(None).map(|from| from.elapsed()).unwrap_or_default();
        let duration_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
        Event::StoreRecovered { duration_ms }.log();
    }

    fn rot(&self, rot: &Rot) {
        let file = File::from(Path::new(&rot.segment));
        let (from, to) = (rot.from, rot.to);
        Event::StoreRotten { file, from, to, account: None, mailbox: None, uid: None, lost: None }.log();
    }

    fn damaged(&self, damage: &Damage) {
        // Nobody listens where no server runs.
        let _ = self.found.send(Found::Damage(damage.clone()));
    }

    fn scrubbed(&self, tally: &Tally) {
        let _ = self.found.send(Found::Through(*tally));
    }

    fn compacted(&self, done: &Compacted) {
        let Compacted { segments, octets_before, octets_after, damaged, put_off } = *done;
        if segments > 0 {
            Event::StoreCompacted { segments, octets_before, octets_after, damaged }.log();
        }
        if let Some(why) = put_off {
            Event::StoreCompactionPutOff { reason: Sentence::new(why) }.log();
        }
    }
}
