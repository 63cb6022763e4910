//! The commit path: take what is queued, judge it, write once, sync once, publish, answer.
//!
//! > **Order.** Sync, then the index's tail with its heads, then hints in stream order, then the answers: here and
//! > nowhere else. Nobody, the author included, sees a version before its sync.

use crate::Options;
use crate::engine::Engine;
use crate::index::change::changes;
use crate::index::tail::Generation;
use crate::log::format::{Draft, Subject};
use crate::log::writer::{Group, LogWriter};
use crate::queue::{Answerer, Job, Turn};
use crate::recent::RecentCommits;
use crate::recovery;
use crate::request::{Outcome, Request, Standing, Verdict};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{AccountId, CommitId, Seq, StoreError, StreamId};
use tokio::sync::OwnedSemaphorePermit;

/// Index tail, in octets of memory and log, above which commits wait until it has been moved.
const MAX_TAIL: usize = 256 << 20;

/// The one writer of the log.
#[derive(Debug)]
pub(crate) struct Committer {
    engine: Arc<Engine>,
    log: LogWriter,
    recent: RecentCommits,
    options: Options,
    /// How often recovery was tried since something failed, and when it is tried next.
    tries: u32,
    next_try: Option<Instant>,
}

/// A group in the making.
struct Forming {
    frames: Group,
    changes: Generation,
    accepted: HashSet<(AccountId, CommitId)>,
    grown: Vec<(StreamId, Seq)>,
    answers: Vec<Pending>,
    /// Those who wait for the end of the segment.
    sealing: Vec<Pending>,
}

/// An answer that waits for the sync.
struct Pending {
    answer: Answerer,
    result: Result<Outcome, StoreError>,
    /// What the job holds of the queue's bound goes back with the answer.
    _room: OwnedSemaphorePermit,
}

impl Committer {
    pub(crate) const fn new(
        engine: Arc<Engine>,
        log: LogWriter,
        recent: RecentCommits,
        options: Options,
    ) -> Self {
        Self { engine, log, recent, options, tries: 0, next_try: None }
    }

    /// Commits groups until the queue is closed and empty; while the store cannot write, tries to recover.
    pub(crate) fn run(mut self) {
        let _end = EndOfWriting(Arc::clone(&self.engine));
        loop {
            let wake_at = self.plan_try();
            match self.engine.queue.wait(wake_at) {
                Turn::Jobs => drop(self.commit_group()),
                Turn::Errand(errand) => errand.run(&mut self),
                Turn::Look if wake_at.is_some_and(|at| at <= Instant::now()) => drop(self.try_to_recover()),
                Turn::Look => {}
                Turn::End => break,
            }
        }
        if self.engine.trouble.check().is_ok() {
            self.log.rest();
        }
    }

    /// When recovery is to be tried; `None` when nothing has failed.
    fn plan_try(&mut self) -> Option<Instant> {
        if self.engine.trouble.check().is_ok() {
            return None;
        }
        let pause = pause_before(self.tries, &self.options);
        Some(*self.next_try.get_or_insert_with(|| Instant::now() + pause))
    }

    /// Tries once to make the store write again after a failure. Nothing that failed is tried again: what was
    /// acknowledged is copied into a fresh segment, and only that one is written from then on.
    pub(crate) fn try_to_recover(&mut self) -> Recovered {
        self.next_try = None;
        if self.engine.trouble.check().is_ok() {
            return Recovered::Needless;
        }
        match recovery::mend(&self.engine, self.log.end().position, &self.options) {
            Ok(log) => {
                self.log = log;
                self.tries = 0;
                // The index leads into the segments as they are now.
                self.engine.segments.let_go_of_all();
                self.engine.trouble.end();
                // What somebody met while this was still the old trouble.
                self.engine.check_map();
                Recovered::Yes
            }
            Err(_) => {
                // The admin has been told why nothing is written; that it is still so is no news.
                self.tries = self.tries.saturating_add(1);
                Recovered::NotYet
            }
        }
    }

    /// What the store shares.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Ends the segment, so that everything up to now lies in sealed ones.
    pub(crate) fn end_segment(&mut self) -> Result<(), StoreError> {
        self.ready()?;
        if let Err(e) = self.log.seal_what_there_is() {
            self.engine.fail(&failed(&e));
        }
        self.engine.trouble.check()
    }

    /// Lets the index know how far the log goes, though nothing may be in it since a segment ended.
    pub(crate) fn publish_end(&self) {
        self.engine.index.publish(Generation::starting_at(self.log.end()));
    }

    /// Commits what is queued now, up to a group. `false` when nothing was.
    pub(crate) fn commit_group(&mut self) -> bool {
        let jobs = self.engine.queue.take_group();
        if jobs.is_empty() {
            return false;
        }
        match self.ready() {
            Ok(()) => {
                self.commit(jobs);
                // A job may not have been judged because of it.
                self.engine.check_map();
            }
            Err(refusal) => jobs.into_iter().for_each(|job| job.refuse(refusal.clone())),
        }
        true
    }

    /// Whether anything may be written: nothing has failed, the tail has room, the segment too.
    fn ready(&mut self) -> Result<(), StoreError> {
        self.engine.trouble.check()?;
        self.engine.check_map();
        if self.engine.index.tail_octets() > MAX_TAIL {
            self.engine.move_tail();
        }
        if let Err(e) = self.log.make_room() {
            self.engine.fail(&failed(&e));
        }
        self.engine.trouble.check()
    }

    fn commit(&mut self, jobs: Vec<Job>) {
        let mut group = Forming {
            frames: self.log.new_group(),
            changes: Generation::default(),
            accepted: HashSet::new(),
            grown: Vec::new(),
            answers: Vec::with_capacity(jobs.len()),
            sealing: Vec::new(),
        };
        for job in jobs {
            self.take_in(job, &mut group);
        }
        let Forming { frames, mut changes, grown, answers, sealing, .. } = group;
        if let Err(e) = self.write(frames) {
            self.engine.fail(&failed(&e));
            return answers.into_iter().chain(sealing).for_each(|pending| pending.fail(&e));
        }
        // Only now: of a group that failed nothing is known.
        changes.commits.iter().for_each(|id| self.recent.remember(*id));
        changes.through = self.log.end();
        self.engine.index.publish(changes);
        self.engine.tell(&grown);
        answers.into_iter().for_each(Pending::send);
        self.engine.mover.news(self.engine.index.tail_octets());
        self.seal_for(sealing);
    }

    /// Writes and syncs a group, and takes the time of that where there is something to write.
    fn write(&mut self, frames: Group) -> io::Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        let from = Instant::now();
        self.log.write(frames)?;
        self.engine.syncs.took(from.elapsed());
        Ok(())
    }

    /// Ends the segment where somebody waits for that.
    fn seal_for(&mut self, sealing: Vec<Pending>) {
        if sealing.is_empty() {
            return;
        }
        match self.log.seal_what_there_is() {
            Ok(end) => sealing
                .into_iter()
                .for_each(|pending| Pending { result: Ok(Outcome::Sealed(end)), ..pending }.send()),
            Err(e) => {
                self.engine.fail(&failed(&e));
                sealing.into_iter().for_each(|pending| pending.fail(&e));
            }
        }
    }

    /// Judges a job and, if it may be written, puts it into the group.
    fn take_in(&mut self, mut job: Job, group: &mut Forming) {
        let result = self.accept(&mut job, group);
        let seals = matches!(job.request, Request::Seal) && result.is_ok();
        let (answer, room) = job.into_answer();
        let answers = if seals { &mut group.sealing } else { &mut group.answers };
        answers.push(Pending { answer, result, _room: room });
    }

    fn accept(&mut self, job: &mut Job, group: &mut Forming) -> Result<Outcome, StoreError> {
        let id = job.commit.map(|id| (job.account, id));
        let now = Standing {
            index: &self.engine.index,
            group: &group.changes,
            recent: &self.recent,
            accepted: &group.accepted,
        };
        if id.is_some_and(|id| now.has(id)) {
            return Ok(Outcome::Written);
        }
        let outcome = match job.request.judge(job.account, &now)? {
            Verdict::Answer(outcome) => return Ok(outcome),
            Verdict::Write(outcome) => outcome,
        };
        let drafts = now.without_known_bodies(job.account, std::mem::take(&mut job.drafts))?;
        self.write_frame(job, &drafts, group);
        if let Some(id) = id {
            group.accepted.insert(id);
            group.changes.commits.push(id);
        }
        Ok(outcome)
    }

    fn write_frame(&self, job: &Job, drafts: &[Draft], group: &mut Forming) {
        if drafts.is_empty() {
            return;
        }
        let placed = self.log.add(&mut group.frames, job.account, job.commit, drafts);
        for ((header, place), draft) in placed.iter().zip(drafts) {
            changes(header, *place, &draft.payload, &mut |change| group.changes.apply(change));
            group.changes.weigh(header.whole_length());
            if let Subject::Head { stream, seq } = header.subject {
                group.grown.push((StreamId { account: job.account, number: stream }, seq));
            }
        }
    }
}

/// However the commit thread ends, nobody waits for it in vain.
struct EndOfWriting(Arc<Engine>);

impl Drop for EndOfWriting {
    fn drop(&mut self) {
        self.0.queue.close();
        if !std::thread::panicking() {
            return;
        }
        self.0.fail("the commit thread has ended");
        // Those that are dropped with the panic's group are told that nobody knows; these were never begun.
        let refusal =
            StoreError::Unavailable { reason: "the commit thread has ended".to_owned(), uncertain: false };
        self.0.queue.drain().into_iter().for_each(|job| job.refuse(refusal.clone()));
    }
}

impl Pending {
    fn send(self) {
        // Nobody may be waiting any more; the commit stands all the same.
        let _ = self.answer.send(self.result);
    }

    /// The sync failed: what was to be written may or may not be on the disk.
    fn fail(mut self, e: &io::Error) {
        if self.result.is_ok() {
            self.result = Err(StoreError::Unavailable { reason: failed(e), uncertain: true });
        }
        self.send();
    }
}

fn failed(e: &io::Error) -> String {
    format!("writing the log failed ({e}); it goes on by itself once the disk is in order")
}

/// How recovery went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// Nothing had failed.
    Needless,
    /// The store writes again.
    Yes,
    /// The disk is not in order yet.
    NotYet,
}

/// How long to wait before recovery is tried once more: twice as long each time, up to a bound.
fn pause_before(tries: u32, options: &Options) -> Duration {
    let doubled = options.first_pause.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX));
    doubled.min(options.longest_pause)
}
