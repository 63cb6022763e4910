//! Who uses the mailboxes: a phone, a mail program, somebody at a webmail.

use super::shelf::{SIZE, Shelf};
use crate::bench::Bench;
use crate::client::{PATIENCE, Said, Session, Tag, Value};
use crate::corpus::Flags;
use crate::dice::Dice;
use crate::hits::hits;
use crate::latency::Latencies;
use crate::report::Wrongs;
use crate::trouble::Trouble;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use tokio::time::timeout;

/// Messages of a page.
const PAGE: u32 = 20;

/// Waits for mail, and looks at what comes.
pub(super) struct Phone {
    session: Session,
    shelf: Arc<Shelf>,
    idle: Tag,
    /// Messages that it knows of.
    known: u32,
    /// Of these it has been told and has not looked.
    told: u32,
    notices: Latencies,
}

impl Phone {
    pub(super) async fn begin(bench: &Bench, shelf: &Arc<Shelf>, number: u32) -> Result<Self, Trouble> {
        let mut session = bench.session(shelf.user, number).await?;
        let known = session.select(&shelf.mailbox).await?.exists;
        let idle = session.idle().await?;
        Ok(Self {
            session,
            shelf: Arc::clone(shelf),
            idle,
            known,
            told: known,
            notices: Latencies::default(),
        })
    }

    /// Until it is over, and all that came has been heard of.
    pub(super) async fn wait(
        mut self,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<(Latencies, Wrongs), Trouble> {
        let mut wrongs = Wrongs::default();
        loop {
            let is_over = *stopped.borrow_and_update();
            if is_over && self.known >= self.shelf.acknowledged() {
                break;
            }
            let heard = tokio::select! {
                heard = timeout(if is_over { PATIENCE / 4 } else { PATIENCE * 12 }, self.session.hear()) => heard,
                _ = stopped.changed() => continue,
            };
            match heard {
                Ok(Ok(Said::Exists(count))) => {
                    self.notice(count);
                    self.look(&mut wrongs).await?;
                }
                Ok(Ok(_)) => {}
                Ok(Err(why)) => return Err(why),
                Err(_) => {
                    let there = self.shelf.acknowledged();
                    wrongs.say(format!("a phone knows of {} messages, and there are {there}", self.known));
                    break;
                }
            }
        }
        self.session.done(self.idle, |_| Ok(())).await?;
        self.session.log_out().await?;
        Ok((self.notices, wrongs))
    }

    /// It has been told of so many messages.
    fn notice(&mut self, count: u32) {
        let now = Instant::now();
        for number in self.told.saturating_add(1)..=count {
            // Who hears before the OK has waited for nothing.
            let since = self.shelf.when(number).unwrap_or(now);
            self.notices.add(now.saturating_duration_since(since));
        }
        self.told = self.told.max(count);
    }

    /// Looks at what is new, and waits again.
    async fn look(&mut self, wrongs: &mut Wrongs) -> Result<(), Trouble> {
        let mut more = Vec::new();
        self.session.done(self.idle, |said| keep_exists(said, &mut more)).await?;
        more.drain(..).for_each(|count| self.notice(count));
        while self.known < self.told {
            let (from, to, mut came) = (self.known + 1, self.told, 0);
            let command =
                format!("FETCH {from}:{to} (UID FLAGS BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])");
            self.session
                .run(&command, |said| match said {
                    // Flags of older messages change meanwhile.
                    Said::Fetch(number, items) if (from..=to).contains(&number) => {
                        came += u32::from(items.into_iter().any(|(name, _)| name.starts_with(b"BODY[")));
                        Ok(())
                    }
                    other => keep_exists(other, &mut more),
                })
                .await?;
            wrongs.check(came == to - from + 1, || format!("a phone asked for {from}:{to}, and {came} came"));
            self.known = to;
            more.drain(..).for_each(|count| self.notice(count));
        }
        self.idle = self.session.idle().await?;
        Ok(())
    }
}

fn keep_exists(said: Said<'_>, counts: &mut Vec<u32>) -> Result<(), Trouble> {
    if let Said::Exists(count) = said {
        counts.push(count);
    }
    Ok(())
}

/// A mail program that keeps a session.
pub(super) struct Desktop {
    session: Session,
    shelf: Arc<Shelf>,
    /// The highest UID that it knows, and how many messages.
    highest: u32,
    known: u32,
}

impl Desktop {
    pub(super) async fn begin(bench: &Bench, shelf: &Arc<Shelf>, number: u32) -> Result<Self, Trouble> {
        let mut session = bench.session(shelf.user, number).await?;
        session.select(&shelf.mailbox).await?;
        Ok(Self { session, shelf: Arc::clone(shelf), highest: 0, known: 0 })
    }

    /// Learns what is new.
    pub(super) async fn synchronise(&mut self) -> Result<Wrongs, Trouble> {
        let (mut wrongs, at_least) = (Wrongs::default(), self.shelf.acknowledged());
        self.session.ask("NOOP").await?;
        let (mut new, known) = (Vec::new(), self.highest);
        let command = format!("UID FETCH {}:* (UID FLAGS RFC822.SIZE ENVELOPE)", known.saturating_add(1));
        self.session
            .run(&command, |said| {
                // Behind the last message `*` is the last message.
                if let Said::Fetch(_, items) = said
                    && let Some(uid) = items.number::<u32>("UID").filter(|uid| *uid > known)
                    && items.get("ENVELOPE").is_some()
                {
                    let size = items.number::<usize>("RFC822.SIZE");
                    wrongs.check(size == Some(SIZE), || format!("UID {uid}: the size is told as {size:?}"));
                    new.push(uid);
                }
                Ok(())
            })
            .await?;
        new.sort_unstable();
        new.dedup();
        self.known += u32::try_from(new.len()).unwrap_or(u32::MAX);
        self.highest = new.last().copied().unwrap_or(known);
        let at_most = self.shelf.begun();
        wrongs.check((at_least..=at_most).contains(&self.known), || {
            format!("a mail program knows of {} messages; there are {at_least} to {at_most}", self.known)
        });
        Ok(wrongs)
    }

    /// Flags a message, or takes the flag away.
    pub(super) async fn flag(&mut self, dice: &mut Dice) -> Result<Wrongs, Trouble> {
        let mut wrongs = Wrongs::default();
        let shelf = Arc::clone(&self.shelf);
        let _changing = shelf.flags.lock().await;
        let Some((stamp, mail)) = shelf.any(dice) else { return Ok(wrongs) };
        let (sign, flags) = if mail.flags.has(Flags::FLAGGED) {
            ('-', mail.flags.without(Flags::FLAGGED))
        } else {
            ('+', mail.flags.with(Flags::FLAGGED))
        };
        let mut told = None;
        self.session
            .run(&format!("UID STORE {} {sign}FLAGS (\\Flagged)", mail.uid), |said| {
                if let Said::Fetch(_, items) = said
                    && items.number("UID") == Some(mail.uid)
                {
                    told = items.get("FLAGS").and_then(Value::list).map(Flags::read);
                }
                Ok(())
            })
            .await?;
        wrongs.check(told == Some(flags), || format!("UID {}: the flags are told as {told:?}", mail.uid));
        shelf.know(stamp, flags);
        Ok(wrongs)
    }

    /// Looks for a message.
    pub(super) async fn search(&mut self, dice: &mut Dice) -> Result<Wrongs, Trouble> {
        let mut wrongs = Wrongs::default();
        let Some((stamp, mail)) = self.shelf.any(dice) else { return Ok(wrongs) };
        let found = hits(&mut self.session, &format!("UID SEARCH HEADER Message-ID \"{stamp:012}\"")).await?;
        wrongs
            .check(found == [mail.uid], || format!("UID {} is looked for, and found is {found:?}", mail.uid));
        Ok(wrongs)
    }
}

/// A click: the last messages.
pub(super) async fn list(bench: &Bench, shelf: &Shelf) -> Result<Wrongs, Trouble> {
    let (mut wrongs, at_least) = (Wrongs::default(), shelf.acknowledged());
    let mut session = bench.session(shelf.user, shelf.user).await?;
    let exists = session.select(&shelf.mailbox).await?.exists;
    let at_most = shelf.begun();
    wrongs.check((at_least..=at_most).contains(&exists), || {
        format!("a webmail sees {exists} messages; there are {at_least} to {at_most}")
    });
    let (from, mut came) = (exists.saturating_sub(PAGE - 1).max(1), 0);
    session
        .run(&format!("FETCH {from}:{exists} (UID FLAGS ENVELOPE)"), |said| {
            if let Said::Fetch(_, items) = said {
                came += u32::from(items.get("ENVELOPE").and_then(Value::list).is_some());
            }
            Ok(())
        })
        .await?;
    wrongs.check(came == exists.saturating_sub(from).saturating_add(1), || {
        format!("a webmail asked for {from}:{exists}, and {came} came")
    });
    session.log_out().await?;
    Ok(wrongs)
}

/// A click: a message, which is then read.
pub(super) async fn read(bench: &Bench, shelf: &Shelf, dice: &mut Dice) -> Result<Wrongs, Trouble> {
    let mut wrongs = Wrongs::default();
    let Some((stamp, mail)) = shelf.any(dice) else { return Ok(wrongs) };
    let mut session = bench.session(shelf.user, shelf.user).await?;
    session.select(&shelf.mailbox).await?;
    let mut is_right = false;
    session
        .run(&format!("UID FETCH {} (BODY.PEEK[])", mail.uid), |said| {
            if let Said::Fetch(_, items) = said
                && items.number("UID") == Some(mail.uid)
                && let Some(octets) = items.get("BODY[]").and_then(Value::string)
            {
                is_right = shelf.stamped.number(octets) == Some(stamp);
            }
            Ok(())
        })
        .await?;
    wrongs.check(is_right, || format!("UID {} is not as it was delivered", mail.uid));
    {
        let _changing = shelf.flags.lock().await;
        session.ask(&format!("UID STORE {} +FLAGS.SILENT (\\Seen)", mail.uid)).await?;
        let flags = shelf.mail().get(&stamp).map(|mail| mail.flags.with(Flags::SEEN));
        shelf.know(stamp, flags.unwrap_or_default());
    }
    session.log_out().await?;
    Ok(wrongs)
}
