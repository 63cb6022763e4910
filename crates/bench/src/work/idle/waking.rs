//! News for some of many: how soon they hear of it, where all the others do not.

use super::Idler;
use super::crowd::Crowd;
use crate::bench::{Bench, all};
use crate::client::{Letter, PATIENCE, Said};
use crate::latency::Latencies;
use crate::meter::Measured;
use crate::report::{Row, Wrongs, milliseconds};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Messages that come into each mailbox, one after the other.
const MESSAGES: u32 = 3;

/// Of whose mailbox a session heard how many messages there are, and when.
type Heard = (u32, u32, Instant);

/// Puts messages into the mailboxes of ours; and all sessions again, as they were.
pub(super) async fn measure(
    bench: &Bench,
    crowd: &Crowd,
    held: Vec<Idler>,
) -> Result<(Row, Vec<Idler>), Trouble> {
    let (sender, mut heard) = unbounded_channel();
    let (mut idlers, mut set) = (Vec::new(), JoinSet::new());
    for idler in held {
        match crowd.user(idler.number) {
            Some(user) => drop(set.spawn(listen(idler, user, sender.clone()))),
            None => idlers.push(idler),
        }
    }
    drop(sender);
    let mut news = News::default();
    let users = u32::try_from(crowd.mailboxes.len()).unwrap_or(u32::MAX);
    for (user, mailbox) in (0..).zip(&crowd.mailboxes) {
        // Those of `crowd.waking` whose remainder is `user`.
        let waiting = (crowd.waking - user).div_ceil(users);
        news.bring(bench, user, mailbox, waiting, &mut heard).await?;
        if !news.wrongs.is_empty() {
            break;
        }
    }
    if news.wrongs.is_empty() {
        idlers.extend(all(set).await?);
    } else {
        set.abort_all();
    }
    let News { measured, acknowledged, latencies, wrongs } = news;
    let variant = format!("{} of {} sessions hear of mail", crowd.waking, crowd.sessions);
    let row = Row::new(Workload::Idle, variant).unit("notice");
    let row = row.measured(measured, latencies.count(), 0).took(&latencies).wrong(wrongs);
    let acknowledged = acknowledged.percentile(50).map_or(0.0, milliseconds);
    Ok((row.note("append_ok_p50_ms", acknowledged), idlers))
}

/// What came of it.
#[derive(Default)]
struct News {
    measured: Measured,
    /// How long APPEND took.
    acknowledged: Latencies,
    /// How long it took from its OK until a session heard.
    latencies: Latencies,
    wrongs: Wrongs,
}

impl News {
    /// Puts messages into one mailbox, at which so many look.
    async fn bring(
        &mut self,
        bench: &Bench,
        user: u32,
        mailbox: &str,
        waiting: u32,
        heard: &mut UnboundedReceiver<Heard>,
    ) -> Result<(), Trouble> {
        let (stamped, mut message) = (bench.stamped(4 << 10), Vec::new());
        // The login is not what is measured.
        let mut writer = bench.session(user, 0).await?;
        let measuring = bench.begin()?;
        for count in 1..=MESSAGES {
            message.clear();
            stamped.write(bench.serials(1), &mut message);
            let start = Instant::now();
            writer.append(mailbox, &[Letter { before: "", octets: &message }], &bench.can).await?;
            let done = Instant::now();
            self.acknowledged.add(done - start);
            let seen = self.collect(heard, (user, count), waiting, done).await;
            self.wrongs.check(seen == waiting, || {
                let patience = PATIENCE.as_secs();
                format!(
                    "{seen} of {waiting} sessions of user {user} heard of message {count} within {patience} s"
                )
            });
        }
        self.measured.add(measuring.end()?);
        writer.log_out().await
    }

    /// Waits until all have heard; how many did.
    async fn collect(
        &mut self,
        heard: &mut UnboundedReceiver<Heard>,
        wanted: (u32, u32),
        waiting: u32,
        done: Instant,
    ) -> u32 {
        let mut seen = 0;
        while seen < waiting {
            match timeout(PATIENCE, heard.recv()).await {
                Ok(Some((user, count, when))) if (user, count) == wanted => {
                    seen += 1;
                    // Who hears before the OK has waited for nothing.
                    self.latencies.add(when.saturating_duration_since(done));
                }
                // EXISTS may be told twice; that of a message that is not there yet is wrong.
                Ok(Some((user, count, _))) if user <= wanted.0 && count < wanted.1 => {}
                _ => break,
            }
        }
        seen
    }
}

/// Tells what an idle session hears, until all messages are there, and gives it back.
async fn listen(mut idler: Idler, user: u32, sender: UnboundedSender<Heard>) -> Result<Idler, Trouble> {
    let mut last = 0;
    while last < MESSAGES {
        if let Said::Exists(count) = idler.session.hear().await? {
            // A server may tell it twice: one notice is one.
            if count > last {
                // Nobody listens any more where it has gone wrong elsewhere.
                let _ = sender.send((user, count, Instant::now()));
            }
            last = count;
        }
    }
    Ok(idler)
}
