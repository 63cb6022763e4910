//! The mailbox that several people share, and what has to be in it.

use crate::bench::Bench;
use crate::client::{Letter, Said, Session, Value, number};
use crate::corpus::{Flags, Stamped};
use crate::dice::Dice;
use crate::report::Wrongs;
use crate::trouble::Trouble;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Messages that are there when it begins.
const FIRST: u32 = 30;
/// Octets of each.
pub(super) const SIZE: usize = 4 << 10;

/// A mailbox, with what is known of it.
pub(super) struct Shelf {
    pub(super) user: u32,
    pub(super) mailbox: String,
    pub(super) stamped: Stamped,
    /// By the stamped number.
    mail: Mutex<BTreeMap<u64, Mail>>,
    /// Messages whose delivery has begun.
    begun: AtomicU32,
    /// Who delivers, one message after the other.
    deliverer: tokio::sync::Mutex<Session>,
    /// Held while a flag changes: of two changes of one flag nobody knows which was last.
    pub(super) flags: tokio::sync::Mutex<()>,
}

/// A message that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) uid: u32,
    pub(super) flags: Flags,
    /// When the OK came.
    acknowledged: Instant,
}

impl Shelf {
    pub(super) async fn make(bench: &Bench, user: u32) -> Result<Self, Trouble> {
        let mut session = bench.session(user, user).await?;
        let mailbox = bench.make(&mut session, user, "bench-mixed").await?;
        let shelf = Self {
            user,
            mailbox,
            stamped: bench.stamped(SIZE),
            mail: Mutex::default(),
            begun: AtomicU32::new(0),
            deliverer: tokio::sync::Mutex::new(session),
            flags: tokio::sync::Mutex::default(),
        };
        for _ in 0..FIRST {
            shelf.deliver(bench).await?;
        }
        Ok(shelf)
    }

    pub(super) fn mail(&self) -> MutexGuard<'_, BTreeMap<u64, Mail>> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages there are at least.
    pub(super) fn acknowledged(&self) -> u32 {
        u32::try_from(self.mail().len()).unwrap_or(u32::MAX)
    }

    /// How many there may be.
    pub(super) fn begun(&self) -> u32 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Some message that is there.
    pub(super) fn any(&self, dice: &mut Dice) -> Option<(u64, Mail)> {
        let mail = self.mail();
        mail.iter().nth(dice.place(mail.len())).map(|(stamp, mail)| (*stamp, *mail))
    }

    /// When the OK came to the message that made them so many; `None` where it has not come yet.
    pub(super) fn when(&self, count: u32) -> Option<Instant> {
        self.mail().values().nth((count as usize).checked_sub(1)?).map(|mail| mail.acknowledged)
    }

    /// Sets or clears a flag in what is known.
    pub(super) fn know(&self, stamp: u64, flags: Flags) {
        if let Some(mail) = self.mail().get_mut(&stamp) {
            mail.flags = flags;
        }
    }

    /// A message comes in.
    pub(super) async fn deliver(&self, bench: &Bench) -> Result<Wrongs, Trouble> {
        let mut session = self.deliverer.lock().await;
        // Behind the lock: numbers ascend as messages come.
        let (stamp, mut octets, mut wrongs) = (bench.serials(1), Vec::new(), Wrongs::default());
        self.stamped.write(stamp, &mut octets);
        self.begun.fetch_add(1, Ordering::SeqCst);
        let told =
            session.append(&self.mailbox, &[Letter { before: "", octets: &octets }], &bench.can).await?;
        let acknowledged = Instant::now();
        let uid = told.as_deref().and_then(|told| number(told.as_bytes()));
        let last = self.mail().values().last().map_or(0, |mail| mail.uid);
        wrongs.check(uid.is_some_and(|uid| uid > last), || format!("APPENDUID is {told:?} behind {last}"));
        let mail = Mail { uid: uid.unwrap_or_default(), flags: Flags::default(), acknowledged };
        self.mail().insert(stamp, mail);
        Ok(wrongs)
    }

    /// Whether all that was acknowledged is there at the end, octets and flags, and nothing else.
    pub(super) async fn look(&self, bench: &Bench) -> Result<Wrongs, Trouble> {
        let (mut wrongs, mut wanted) = (Wrongs::default(), self.mail().clone());
        let mut session = bench.session(self.user, self.user).await?;
        session.select(&self.mailbox).await?;
        session
            .run("FETCH 1:* (UID FLAGS BODY.PEEK[])", |said| {
                if let Said::Fetch(number, items) = said {
                    let octets = items.get("BODY[]").and_then(Value::string);
                    let stamp = octets.and_then(|octets| self.stamped.number(octets));
                    let flags = items.get("FLAGS").and_then(Value::list).map(Flags::read);
                    let is_right = stamp.and_then(|stamp| wanted.remove(&stamp)).is_some_and(|mail| {
                        items.number("UID") == Some(mail.uid) && flags == Some(mail.flags)
                    });
                    wrongs.check(is_right, || {
                        format!("message {number} of {} is not what it has to be: {flags:?}", self.mailbox)
                    });
                }
                Ok(())
            })
            .await?;
        wrongs.check(wanted.is_empty(), || {
            format!("{} messages that were acknowledged are not in {}", wanted.len(), self.mailbox)
        });
        session.log_out().await?;
        Ok(wrongs)
    }
}
