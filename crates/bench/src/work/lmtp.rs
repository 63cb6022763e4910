//! Deliveries by LMTP (RFC 2033), each of one message to one user.

use crate::bench::{Bench, Tickets};
use crate::client::{Said, Session};
use crate::corpus::Stamped;
use crate::latency::Latencies;
use crate::lmtp::Deliverer;
use crate::plan::LmtpPlace;
use crate::report::{Row, Wrongs};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Instant;

/// Connections at once, and users who get mail, usually.
const CONNECTIONS: u32 = 16;
const SIZE: usize = 4 << 10;

/// Stamped numbers that a user was given.
type Given = BTreeMap<u32, HashSet<u64>>;

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let Some(place) = bench.plan.lmtp.clone() else {
        return Err(Trouble::Lacking("LMTP: nobody said where it takes it (--lmtp)"));
    };
    // What is taken out afterwards is named: whatever else came in meanwhile is not ours.
    if !bench.can.has("IMAP4rev2") {
        bench.can.need("UIDPLUS")?;
    }
    let several = bench.connections(CONNECTIONS);
    for connections in BTreeSet::from([1, several]) {
        let users = several.min(bench.plan.users.count());
        let mut nexts = Vec::new();
        for user in 0..users {
            let next = must_be_empty(bench, user).await?;
            bench.delivered().insert(user, next);
            nexts.push(next);
        }
        let measured = measure(bench, &place, connections, users).await;
        let mut wrongs = Wrongs::default();
        let mut given = measured.as_ref().map(|(_, given)| given.clone()).unwrap_or_default();
        for (user, next) in (0..).zip(nexts) {
            let given = given.remove(&user).unwrap_or_default();
            wrongs.merge(look_and_clean(bench, user, next, given).await?);
            bench.delivered().remove(&user);
        }
        bench.tell(&measured?.0.wrong(wrongs));
    }
    Ok(())
}

/// Takes what was delivered out again, where a run ended before it was looked at.
pub(crate) async fn take_out(bench: &Bench) -> Result<(), Trouble> {
    let _nothing_under_way = bench.delivering.write().await;
    let delivered = std::mem::take(&mut *bench.delivered());
    for (user, next) in delivered {
        look_and_clean(bench, user, next, HashSet::new()).await?;
    }
    Ok(())
}

/// Refuses to put anything into an INBOX that has mail; the next UID of it.
async fn must_be_empty(bench: &Bench, user: u32) -> Result<u32, Trouble> {
    let mut session = bench.session(user, user).await?;
    let selected = session.examine("INBOX").await?;
    session.log_out().await?;
    if selected.exists > 0 {
        let name = bench.plan.users.name(user);
        let why = "LMTP delivers only to users of whom it is empty";
        return Err(Trouble::NotOurs(format!("the INBOX of {name} has {} messages: {why}", selected.exists)));
    }
    Ok(selected.uid_next)
}

async fn measure(
    bench: &Arc<Bench>,
    place: &LmtpPlace,
    connections: u32,
    users: u32,
) -> Result<(Row, Given), Trouble> {
    let stamped = Arc::new(bench.stamped(SIZE));
    let mut deliverers = Vec::new();
    for _ in 0..connections {
        deliverers.push(Deliverer::connect(place).await?);
    }
    let measuring = bench.begin()?;
    let plural = if connections == 1 { "" } else { "s" };
    let variant = format!("4 KiB, {connections} connection{plural}");
    let tickets = Arc::new(Tickets::new(bench.plan.bound, &format!("lmtp, {variant}"), &bench.watcher));
    let mut working = Vec::new();
    for (connection, deliverer) in (0..connections).zip(deliverers) {
        let (bench, stamped, tickets) = (Arc::clone(bench), Arc::clone(&stamped), Arc::clone(&tickets));
        let postman = Postman { bench, deliverer, stamped, users };
        // Not in a set, which would end them in the middle of a delivery where a run is stopped: the message would come
        // when nobody looks for it any more.
        working.push(tokio::spawn(postman.work(connection, connections, tickets)));
    }
    let mut ended = Vec::new();
    for one in working {
        ended.push(one.await.map_err(|why| Trouble::lost("a part of the run ended", &why)));
    }
    let measured = measuring.end()?;
    let (mut latencies, mut given) = (Latencies::default(), Given::new());
    for part in ended {
        let (part, more) = part??;
        latencies.merge(&part);
        more.into_iter().for_each(|(user, numbers)| given.entry(user).or_default().extend(numbers));
    }
    let row = Row::new(Workload::Lmtp, variant);
    let messages = latencies.count();
    Ok((row.measured(measured, messages, messages * SIZE as u64).took(&latencies), given))
}

/// One connection at work.
struct Postman {
    bench: Arc<Bench>,
    deliverer: Deliverer,
    stamped: Arc<Stamped>,
    users: u32,
}

impl Postman {
    /// Delivers to one user after the other, each time so many further on.
    async fn work(
        mut self,
        first: u32,
        step: u32,
        tickets: Arc<Tickets>,
    ) -> Result<(Latencies, Given), Trouble> {
        let (mut latencies, mut given, mut user) = (Latencies::default(), Given::new(), first);
        let mut message = Vec::new();
        loop {
            let _under_way = self.bench.delivering.read().await;
            if self.bench.is_stopping() || tickets.take(1).is_none() {
                break;
            }
            let number = self.bench.serials(1);
            message.clear();
            self.stamped.write(number, &mut message);
            let to = user % self.users;
            let start = Instant::now();
            self.deliverer.deliver(&self.bench.plan.users.name(to), &message).await?;
            latencies.add(start.elapsed());
            given.entry(to).or_default().insert(number);
            user = user.wrapping_add(step);
        }
        self.deliverer.quit().await?;
        Ok((latencies, given))
    }
}

/// Whether a user has what was acknowledged, to the octet behind what the server put in front; and takes it away again.
async fn look_and_clean(
    bench: &Bench,
    user: u32,
    next: u32,
    mut given: HashSet<u64>,
) -> Result<Wrongs, Trouble> {
    let stamped = bench.stamped(SIZE);
    let (mut wrongs, mut ours) = (Wrongs::default(), Vec::new());
    let mut session = bench.session(user, user).await?;
    let exists = session.select("INBOX").await?.exists;
    let name = bench.plan.users.name(user);
    if exists > 0 {
        session
            .run("FETCH 1:* (UID BODY.PEEK[])", |said| {
                if let Said::Fetch(number, items) = said {
                    let octets = items.get("BODY[]").and_then(crate::client::Value::string);
                    let uid = items.number("UID").unwrap_or(0);
                    let stamp = octets.and_then(|octets| stamped.number_behind(octets));
                    let is_right = stamp.is_some_and(|stamp| given.remove(&stamp)) && uid >= next;
                    wrongs.check(is_right, || {
                        format!("message {number} of {name} is not as it was delivered, or there twice")
                    });
                    ours.extend(stamp.map(|_| uid));
                }
                Ok(())
            })
            .await?;
    }
    wrongs.check(given.is_empty(), || {
        format!("{} messages that were acknowledged are not in the INBOX of {name}", given.len())
    });
    expunge(&mut session, &ours).await?;
    session.log_out().await?;
    Ok(wrongs)
}

/// Messages that one command names, at most.
const TOGETHER: usize = 500;

async fn expunge(session: &mut Session, uids: &[u32]) -> Result<(), Trouble> {
    for uids in uids.chunks(TOGETHER) {
        let set = uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        session.ask(&format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)")).await?;
        session.ask(&format!("UID EXPUNGE {set}")).await?;
    }
    Ok(())
}
