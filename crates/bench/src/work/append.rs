//! APPEND, durable, in several shapes.

use crate::bench::{Bench, Tickets, all};
use crate::client::{Letter, Said, Selected, Session, code, number, numbers, split};
use crate::corpus::Stamped;
use crate::latency::Latencies;
use crate::report::{Row, Wrongs};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// Connections at once, usually.
const CONNECTIONS: u32 = 16;
const SMALL: usize = 4 << 10;
const MEDIUM: usize = 64 << 10;

/// How messages are put in.
#[derive(Clone, Copy)]
struct Shape {
    connections: u32,
    mailboxes: u32,
    /// Octets of a message.
    size: usize,
    /// Messages of one command.
    together: u64,
    /// Commands that are sent before the first is answered.
    ahead: u64,
}

/// Stamped numbers that were acknowledged, with UIDVALIDITY and UID, where they were told.
type Acknowledged = HashMap<u64, Option<(u32, u32)>>;

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let several = bench.connections(CONNECTIONS);
    let one = Shape { connections: 1, mailboxes: 1, size: SMALL, together: 1, ahead: 1 };
    let to_each = Shape { connections: several, mailboxes: several, ..one };
    let shapes = [
        one,
        Shape { size: MEDIUM, ..one },
        to_each,
        Shape { size: MEDIUM, ..to_each },
        Shape { connections: several, ..one },
        Shape { together: 50, ..one },
        Shape { ahead: 20, ..one },
    ];
    for shape in shapes {
        bench.tell(&measure(bench, shape).await?);
    }
    Ok(())
}

impl Shape {
    fn variant(self) -> String {
        let kib = self.size >> 10;
        let connections = if self.connections == 1 { "connection" } else { "connections" };
        let shape = match self {
            Self { together: 2.., .. } => format!(", MULTIAPPEND of {}", self.together),
            Self { ahead: 2.., .. } => format!(", {} ahead", self.ahead),
            Self { connections: 2.., mailboxes: 1, .. } => ", one mailbox".into(),
            Self { connections: 2.., .. } => ", a mailbox each".into(),
            _ => String::new(),
        };
        format!("{kib} KiB, {} {connections}{shape}", self.connections)
    }

    /// Why it cannot be, with this server.
    fn lacks(self, bench: &Bench) -> Option<&'static str> {
        if self.together > 1 && !bench.can.has("MULTIAPPEND") {
            return Some("MULTIAPPEND");
        }
        // Whoever waits to be asked for each literal is not ahead.
        (self.ahead > 1 && !bench.can.takes_unasked(self.size)).then_some("LITERAL+")
    }
}

async fn measure(bench: &Arc<Bench>, shape: Shape) -> Result<Row, Trouble> {
    let mut row = Row::new(Workload::Append, shape.variant());
    if let Some(lacking) = shape.lacks(bench) {
        row.skipped = Some(Trouble::Lacking(lacking).to_string());
        return Ok(row);
    }
    let stamped = Arc::new(bench.stamped(shape.size));
    let mut mailboxes = Vec::new();
    for user in 0..shape.mailboxes {
        let mut session = bench.session(user, user).await?;
        mailboxes.push(bench.make(&mut session, user, &format!("bench-append-{user}")).await?);
    }
    let mut set = JoinSet::new();
    let mut sessions = Vec::new();
    for connection in 0..shape.connections {
        sessions.push(bench.session(connection % shape.mailboxes, connection).await?);
    }
    let measuring = bench.begin()?;
    let what = format!("append, {}", row.variant);
    let tickets = Arc::new(Tickets::new(bench.plan.bound, &what, &bench.watcher));
    for (number, session) in (0..shape.connections).zip(sessions) {
        let place = number % shape.mailboxes;
        let mailbox = mailboxes.get(place as usize).cloned().unwrap_or_default();
        let (bench, tickets, stamped) = (Arc::clone(bench), Arc::clone(&tickets), Arc::clone(&stamped));
        set.spawn(async move {
            let writer = Writer { bench, session, mailbox, stamped, shape };
            writer.write(&tickets).await.map(|(latencies, done)| (place, latencies, done))
        });
    }
    let parts = all(set).await?;
    let measured = measuring.end()?;
    let (mut latencies, mut all_done) = (Latencies::default(), HashMap::<u32, Acknowledged>::new());
    for (place, part, done) in parts {
        latencies.merge(&part);
        all_done.entry(place).or_default().extend(done);
    }
    let messages = all_done.values().map(|done| done.len() as u64).sum();
    for (user, mailbox) in (0..).zip(&mailboxes) {
        let done = all_done.remove(&user).unwrap_or_default();
        row = row.wrong(look(bench, user, mailbox, done, &stamped).await?);
    }
    Ok(row.measured(measured, messages, messages * shape.size as u64).took(&latencies))
}

/// One connection at work.
struct Writer {
    bench: Arc<Bench>,
    session: Session,
    mailbox: String,
    stamped: Arc<Stamped>,
    shape: Shape,
}

impl Writer {
    async fn write(mut self, tickets: &Tickets) -> Result<(Latencies, Acknowledged), Trouble> {
        let (mut latencies, mut done, mut room) = (Latencies::default(), Acknowledged::new(), Vec::new());
        let Shape { together, ahead, size, .. } = self.shape;
        while let Some(turn) = tickets.take(together * ahead) {
            let messages = turn.end - turn.start;
            let first = self.bench.serials(messages);
            room.clear();
            (first..first + messages).for_each(|number| self.stamped.write(number, &mut room));
            let letters: Vec<_> = room.chunks(size).map(|octets| Letter { before: "", octets }).collect();
            let (start, mut tags, mut next) = (Instant::now(), Vec::new(), first);
            for letters in letters.chunks(usize::try_from(together).unwrap_or(1)) {
                let tag = self.session.send_append(&self.mailbox, letters, &self.bench.can).await?;
                tags.push((tag, letters.len() as u64));
            }
            for (tag, count) in tags {
                let uids = self.uids(tag, count).await?;
                latencies.add(start.elapsed());
                let numbers = next..next + count;
                done.extend(numbers.enumerate().map(|(at, number)| (number, uids.get(at).copied())));
                next += count;
            }
        }
        self.session.log_out().await?;
        Ok((latencies, done))
    }

    /// Waits for an APPEND; UIDVALIDITY and the UIDs that its messages were given, if they are told.
    async fn uids(&mut self, tag: crate::client::Tag, count: u64) -> Result<Vec<(u32, u32)>, Trouble> {
        let mut uids = Vec::new();
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        self.session
            .finish(tag, "APPEND", |said| {
                if let Said::Ok(text) = said
                    && let Some(told) = code(text, "APPENDUID")
                {
                    let (validity, set) = split(told);
                    let validity = number(validity).unwrap_or_default();
                    uids = numbers(set, most)?.into_iter().map(|uid| (validity, uid)).collect();
                }
                Ok(())
            })
            .await?;
        Ok(uids)
    }
}

/// Whether a mailbox has what was acknowledged: each message once, to the octet, under its UID, and nothing else.
async fn look(
    bench: &Bench,
    user: u32,
    mailbox: &str,
    mut wanted: Acknowledged,
    stamped: &Stamped,
) -> Result<Wrongs, Trouble> {
    let mut wrongs = Wrongs::default();
    let mut session = bench.session(user, user).await?;
    let Selected { exists, uid_validity, .. } = session.select(mailbox).await?;
    let messages = wanted.len();
    wrongs.check(exists as usize == messages, || {
        format!("{exists} messages are in {mailbox}, and {messages} were acknowledged")
    });
    if exists > 0 {
        session
            .run("FETCH 1:* (UID BODY.PEEK[])", |said| {
                if let Said::Fetch(number, items) = said {
                    let octets = items.get("BODY[]").and_then(crate::client::Value::string);
                    let stamp = octets.and_then(|octets| stamped.number(octets));
                    let own = items.number("UID").map(|uid| (uid_validity, uid));
                    let is_right = stamp
                        .and_then(|stamp| wanted.remove(&stamp))
                        .is_some_and(|given| given.is_none() || given == own);
                    wrongs.check(is_right, || {
                        format!("message {number} of {mailbox} is not as it was sent, or there twice")
                    });
                }
                Ok(())
            })
            .await?;
    }
    wrongs.check(wanted.is_empty(), || {
        format!("{} messages that were acknowledged are not in {mailbox}", wanted.len())
    });
    session.log_out().await?;
    Ok(wrongs)
}
