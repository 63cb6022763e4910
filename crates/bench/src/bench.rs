//! What all workloads stand on: the server, the users, the mailboxes that are ours, the large one among them.

use crate::client::{Capabilities, Said, Session, Target, quoted, split};
use crate::corpus::{Corpus, Stamped};
use crate::meter::{Measuring, Meter};
use crate::ours::must_be_ours;
use crate::plan::{Bound, Leaving, Plan, Watcher};
use crate::report::Row;
use crate::trouble::Trouble;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;

/// Sessions that are open at the same time where each operation wants one of its own: what servers allow to one account.
const FRESH: u64 = 32;

/// A run at work.
pub(crate) struct Bench {
    pub(crate) plan: Plan,
    pub(crate) target: Target,
    pub(crate) corpus: Corpus,
    pub(crate) meter: Meter,
    pub(crate) watcher: Arc<dyn Watcher>,
    /// Before a login, and behind it.
    greeted: Capabilities,
    pub(crate) can: Capabilities,
    /// What stands before the names of a user's own mailboxes, and between their levels (RFC 2342).
    pub(crate) prefix: String,
    pub(crate) separator: char,
    /// How TLS came about.
    pub(crate) agreed: String,
    /// Mailboxes that we made: whose, and how they are written in a command.
    made: Mutex<Vec<(u32, String)>>,
    /// INBOXes that LMTP delivers to, by user, with the UID from which on all is ours.
    delivered: Mutex<BTreeMap<u32, u32>>,
    /// Shared by deliveries that are under way: whoever holds it alone knows that there is none.
    pub(crate) delivering: tokio::sync::RwLock<()>,
    stopping: AtomicBool,
    /// Serial numbers of stamped messages, so that none comes twice in a run.
    serial: AtomicU64,
    /// Microseconds since 1970 when it began, which no other run has.
    run: u64,
}

impl Bench {
    /// Looks at the server once, before anything is measured.
    pub(crate) async fn open(plan: Plan, watcher: Arc<dyn Watcher>) -> Result<Self, Trouble> {
        plan.check()?;
        let meter = Meter::new(&plan.watched)?;
        let target = Target::find(&plan.way).await?;
        let mut session = target.connect(0).await?;
        let greeted = session.capabilities().await?;
        session.sign_in(&plan.users.name(0), &plan.password, &greeted).await?;
        let can = session.capabilities().await?;
        let (prefix, separator) = namespace(&mut session, &can).await?;
        let agreed = session.handshake.agreed.clone();
        session.log_out().await?;
        Ok(Self {
            corpus: Corpus::new(plan.recipe),
            meter,
            target,
            greeted,
            can,
            prefix,
            separator,
            agreed,
            made: Mutex::default(),
            delivered: Mutex::default(),
            delivering: tokio::sync::RwLock::default(),
            stopping: AtomicBool::new(false),
            serial: AtomicU64::new(1),
            run: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| {
                // Enough until the year 586524.
                u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
            }),
            watcher,
            plan,
        })
    }

    /// A session of a user, signed in. `number` says which of many connections it is.
    pub(crate) async fn session(&self, user: u32, number: u32) -> Result<Session, Trouble> {
        let mut session = self.target.connect(number).await?;
        self.sign_in(&mut session, user).await?;
        Ok(session)
    }

    pub(crate) async fn sign_in(&self, session: &mut Session, user: u32) -> Result<(), Trouble> {
        session.sign_in(&self.plan.users.name(user), &self.plan.password, &self.greeted).await
    }

    /// The same with another password.
    pub(crate) async fn sign_in_with(
        &self,
        session: &mut Session,
        user: u32,
        password: &str,
    ) -> Result<(), Trouble> {
        session.sign_in(&self.plan.users.name(user), password, &self.greeted).await
    }

    /// Sessions in which nothing was asked yet, of user 0, for so many operations that want one each: as many as may be open
    /// at the same time, and one at least.
    pub(crate) async fn fresh(&self, wanted: u64) -> Result<Vec<Session>, Trouble> {
        let mut sessions = Vec::new();
        for _ in 0..wanted.clamp(1, FRESH) {
            sessions.push(self.session(0, 0).await?);
        }
        Ok(sessions)
    }

    /// A mailbox of ours, as it is written in a command.
    pub(crate) fn named(&self, name: &str) -> String {
        format!("\"{}{name}\"", self.prefix)
    }

    /// Makes one that is new and empty; one of that name that is ours goes. What is handed back is written as in a command.
    pub(crate) async fn make(&self, session: &mut Session, user: u32, name: &str) -> Result<String, Trouble> {
        let mailbox = self.named(name);
        self.clear(session, &mailbox).await?;
        // Before it is asked for: who is stopped in between does not hear that it is there.
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push((user, mailbox.clone()));
        session.ask(&format!("CREATE {mailbox}")).await?;
        Ok(mailbox)
    }

    /// Deletes a mailbox with our name, if there is one and what is in it is ours too.
    async fn clear(&self, session: &mut Session, mailbox: &str) -> Result<(), Trouble> {
        if !exists(session, mailbox).await? {
            return Ok(());
        }
        let exists = session.select(mailbox).await?.exists;
        let judged = must_be_ours(session, mailbox, exists).await;
        // CLOSE would expunge; UNSELECT is not everywhere.
        session.ask("EXAMINE INBOX").await?;
        judged?;
        session.ask(&format!("DELETE {mailbox}")).await
    }

    /// Deletes what this run made, unless it is to stay.
    pub(crate) async fn clean(&self) -> Result<(), Trouble> {
        crate::work::take_out_deliveries(self).await?;
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        if self.plan.leaving == Leaving::Keep || made.is_empty() {
            return Ok(());
        }
        let mut by_user: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for (user, mailbox) in made {
            by_user.entry(user % self.plan.users.count()).or_default().push(mailbox);
        }
        for (user, mailboxes) in by_user {
            let mut session = self.session(user, 0).await?;
            // What lies below goes first.
            for mailbox in mailboxes.iter().rev() {
                if exists(&mut session, mailbox).await? {
                    session.ask(&format!("DELETE {mailbox}")).await?;
                }
            }
            session.log_out().await?;
        }
        Ok(())
    }

    /// INBOXes that have mail of ours, or may have it.
    pub(crate) fn delivered(&self) -> MutexGuard<'_, BTreeMap<u32, u32>> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing new is begun.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Connections at once, where nobody said how many.
    pub(crate) fn connections(&self, usually: u32) -> u32 {
        self.plan.connections.unwrap_or(usually).max(1)
    }

    /// So many operations, where nobody said how many.
    pub(crate) const fn count(&self, usually: u64) -> u64 {
        match self.plan.bound {
            Bound::Count(count) => count,
            Bound::Time(_) => usually,
        }
    }

    pub(crate) fn begin(&self) -> Result<Measuring<'_>, Trouble> {
        self.meter.begin()
    }

    pub(crate) fn tell(&self, row: &Row) {
        self.watcher.measured(row);
    }

    /// Messages of one size that this run puts in, and no other.
    pub(crate) fn stamped(&self, size: usize) -> Stamped {
        Stamped::new(&self.corpus, size, self.run)
    }

    /// Numbers for stamped messages that nobody has yet: so many from the one that is handed back.
    pub(crate) fn serials(&self, count: u64) -> u64 {
        self.serial.fetch_add(count, Ordering::Relaxed)
    }
}

/// Permission for one operation after the other, until time or count is up: shared by all who work. Who watches is told
/// how far it is.
pub(crate) struct Tickets {
    taken: AtomicU64,
    bound: Bound,
    start: Instant,
    watcher: Arc<dyn Watcher>,
    what: String,
    /// Seconds that were told.
    shown: AtomicU64,
}

impl Tickets {
    /// From now on.
    pub(crate) fn new(bound: Bound, what: &str, watcher: &Arc<dyn Watcher>) -> Self {
        let total = match bound {
            Bound::Time(time) => time.as_secs(),
            Bound::Count(count) => count,
        };
        watcher.begins(what, total);
        Self {
            taken: AtomicU64::new(0),
            bound,
            start: Instant::now(),
            watcher: Arc::clone(watcher),
            what: what.to_owned(),
            shown: AtomicU64::new(0),
        }
    }

    /// The number of the next `count` operations; `None` when it is over. The last may be fewer than asked for.
    pub(crate) fn take(&self, count: u64) -> Option<Range<u64>> {
        let first = self.taken.fetch_add(count, Ordering::Relaxed);
        match self.bound {
            Bound::Count(most) => {
                let turn = (first < most).then(|| first..first.saturating_add(count).min(most))?;
                self.watcher.moves(&self.what, turn.end - turn.start);
                Some(turn)
            }
            Bound::Time(time) => {
                let passed = self.start.elapsed();
                let shown = self.shown.fetch_max(passed.as_secs(), Ordering::Relaxed);
                if passed.as_secs() > shown {
                    self.watcher.moves(&self.what, passed.as_secs() - shown);
                }
                (passed < time).then(|| first..first.saturating_add(count))
            }
        }
    }
}

impl Drop for Tickets {
    fn drop(&mut self) {
        self.watcher.ends(&self.what);
    }
}

/// Waits for all; the first that failed fails it.
pub(crate) async fn all<T: 'static>(mut set: JoinSet<Result<T, Trouble>>) -> Result<Vec<T>, Trouble> {
    let mut done = Vec::new();
    while let Some(one) = set.join_next().await {
        done.push(one.map_err(|why| Trouble::Lost(format!("a part of the run ended: {why}")))??);
    }
    Ok(done)
}

/// Whether there is a mailbox of a name.
pub(crate) async fn exists(session: &mut Session, mailbox: &str) -> Result<bool, Trouble> {
    let mut found = false;
    session
        .run(&format!("LIST \"\" {mailbox}"), |said| {
            found |= matches!(said, Said::List(_));
            Ok(())
        })
        .await?;
    Ok(found)
}

/// The Message-ID of a message of the selected mailbox; empty where it has none.
pub(crate) async fn message_id(session: &mut Session, number: u32) -> Result<String, Trouble> {
    let mut id = String::new();
    let command = format!("FETCH {number} BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]");
    session
        .run(&command, |said| {
            if let Said::Fetch(own, items) = said
                && own == number
            {
                let is_header = |name: &[u8]| name.to_ascii_uppercase().starts_with(b"BODY[HEADER.FIELDS");
                let header = items.into_iter().find(|(name, _)| is_header(name));
                let field = header.and_then(|(_, value)| value.text()).unwrap_or_default();
                let field = String::from_utf8_lossy(field);
                id = field.split_once(':').map(|(_, id)| id.trim().to_owned()).unwrap_or_default();
            }
            Ok(())
        })
        .await?;
    Ok(id)
}

async fn namespace(session: &mut Session, can: &Capabilities) -> Result<(String, char), Trouble> {
    let mut found = (String::new(), '/');
    if !can.has("NAMESPACE") && !can.has("IMAP4rev2") {
        return Ok(found);
    }
    session
        .run("NAMESPACE", |said| {
            if let Said::Other(text) = said
                && let (b"NAMESPACE", rest) = split(text)
                && let Some(own) = own_namespace(rest)
            {
                found = own;
            }
            Ok(())
        })
        .await?;
    quoted(&found.0)?;
    Ok(found)
}

/// Prefix and separator of the first personal namespace.
fn own_namespace(text: &[u8]) -> Option<(String, char)> {
    use crate::client::Scan;
    let personal = Scan::new(text).value()?.list()?;
    let mut first = Scan::new(Scan::new(personal).value()?.list()?);
    let prefix = String::from_utf8_lossy(first.value()?.string()?).into_owned();
    let separator = first.value()?.string().and_then(|one| one.first().copied()).map_or('/', char::from);
    Some((prefix, separator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_own_namespace_is_the_first_personal_one() {
        let own = |text: &str| own_namespace(text.as_bytes());
        assert_eq!(own("((\"INBOX.\" \".\")(\"#x\" \"/\")) NIL NIL"), Some(("INBOX.".into(), '.')));
        assert_eq!(own("((\"\" \"/\")) ((\"~\" \"/\")) NIL"), Some((String::new(), '/')));
        assert_eq!(own("NIL NIL NIL"), None);
    }

    #[test]
    fn tickets_end_with_the_count() {
        let tickets = Tickets::new(Bound::Count(5), "x", &counter());
        assert_eq!(tickets.take(3), Some(0..3));
        assert_eq!(tickets.take(3), Some(3..5));
        assert_eq!(tickets.take(3), None);
        assert_eq!(Tickets::new(Bound::Time(Duration::ZERO), "x", &counter()).take(1), None);
    }

    #[test]
    fn who_watches_is_told_of_each_ticket_and_of_the_end() {
        let counter = Arc::new(Counter::default());
        let tickets = Tickets::new(Bound::Count(5), "x", &(Arc::clone(&counter) as Arc<dyn Watcher>));
        while tickets.take(2).is_some() {}
        drop(tickets);
        assert_eq!(counter.0.load(Ordering::Relaxed), 5_001_005);
    }

    /// Counts totals by millions, ends by thousands, and steps by one.
    #[derive(Default)]
    struct Counter(AtomicU64);

    fn counter() -> Arc<dyn Watcher> {
        Arc::new(Counter::default())
    }

    impl Watcher for Counter {
        fn begins(&self, _: &str, total: u64) {
            self.0.fetch_add(total * 1_000_000, Ordering::Relaxed);
        }

        fn moves(&self, _: &str, steps: u64) {
            self.0.fetch_add(steps, Ordering::Relaxed);
        }

        fn ends(&self, _: &str) {
            self.0.fetch_add(1_000, Ordering::Relaxed);
        }

        fn measured(&self, _: &Row) {}
    }
}
