//! An import from its beginning to its report.

use crate::link::{Answer, Ask, Ending, FlagsPolicy, Link};
use crate::names::Choice;
use crate::pour::{Pour, Stream, Watcher, ask_link, unexpected};
use crate::report::{FolderReport, Report, Skipped, short};
use crate::source::{Folder, Folders, Reader, Source};
use crate::trouble::Trouble;
use mailbox::account::SpecialUse;
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use terms::MailboxName;

/// How often a folder is begun again after its connection broke.
const MAX_ATTEMPTS: u32 = 3;

/// What is to be imported, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose mail it becomes; for the report.
    pub account: String,
    /// Which folders, and where to.
    pub choice: Choice,
    /// What becomes of flags that changed at the source.
    pub flags: FlagsPolicy,
    /// How many folders at once.
    pub connections: usize,
}

/// Gives connections to the filing half.
pub trait Ground: Sync {
    /// Another connection.
    fn connect(&self) -> impl Future<Output = Result<Box<dyn Stream>, Trouble>> + Send;
}

/// Brings everything, and tells what became of it.
///
/// # Errors
/// The source cannot be read at all, or there is nobody to file. What goes wrong with one folder, or with the store on
/// the way, stands in the report.
pub async fn run<S: Source, G: Ground>(
    plan: &Plan,
    source: &S,
    ground: &G,
    watcher: &dyn Watcher,
) -> Result<Report, Trouble> {
    // It stays open to the end: whoever files sees by it that the import has not been cut off.
    let mut link = Link::new(ground.connect().await?);
    let uses = match ask_link(&mut link, &Ask::Begin { source: source.identity() }).await? {
        Answer::Uses(uses) => uses,
        other => return Err(unexpected(&other)),
    };
    let report = bring_all(plan, source, ground, watcher, &uses).await;
    // A side of ours that cannot hear this any more has recorded that we are gone.
    let _ = ask_link(&mut link, &Ask::End(ending(report.as_ref().ok()))).await;
    report
}

fn ending(report: Option<&Report>) -> Ending {
    let folders = report.map(|report| report.folders.as_slice()).unwrap_or_default();
    let sum = |count: fn(&FolderReport) -> u64| folders.iter().map(count).sum();
    Ending {
        verdict: report.map(|report| report.verdict),
        folders: folders.len() as u64,
        imported: sum(|folder| folder.imported),
        already_here: sum(|folder| folder.already_here),
        skipped: sum(|folder| folder.skipped),
    }
}

async fn bring_all<S: Source, G: Ground>(
    plan: &Plan,
    source: &S,
    ground: &G,
    watcher: &dyn Watcher,
    uses: &[(String, String)],
) -> Result<Report, Trouble> {
    let mut report = Report { source: source.identity(), account: plan.account.clone(), ..Report::default() };
    let folders = source.folders().await?;
    let chosen = choose(&plan.choice, uses, folders, &mut report);
    if chosen.is_empty() {
        return Err(Trouble::Source(
            "no folder there is to be brought; look at --folder and --exclude".into(),
        ));
    }
    let (identity, left, stopped) = (source.identity(), queue(chosen), Mutex::default());
    let work = Work { plan, source, ground, watcher, identity, left, stopped };
    report.folders = work.do_all().await?;
    report.stopped = work.stopped();
    report.folders.sort_by(|a, b| (&a.mailbox, &a.at_source).cmp(&(&b.mailbox, &b.at_source)));
    report.judge();
    Ok(report)
}

/// The folders that are brought, with the names that they have here.
fn choose(choice: &Choice, uses: &[(String, String)], folders: Folders, report: &mut Report) -> Vec<Folder> {
    let mut chosen = Vec::new();
    for folder in folders.brought {
        if choice.takes(&folder.name, &folder.at_source) {
            chosen.push(folder);
        }
    }
    for left in folders.left_out {
        match left.folder.filter(|folder| choice.names(&folder.name, &folder.at_source)) {
            Some(folder) => chosen.push(folder),
            None => report.left_out.push(Skipped { what: short(&left.what), why: left.why }),
        }
    }
    chosen.into_iter().map(|folder| settled(choice, uses, folder)).collect()
}

/// What was said on the command line counts first, then what the folder is for.
fn settled(choice: &Choice, uses: &[(String, String)], folder: Folder) -> Folder {
    let serving = |one: SpecialUse| uses.iter().find(|(attribute, _)| one.attribute() == attribute);
    let by_use = || {
        let (_, name) = folder.special_uses.iter().find_map(serving)?;
        MailboxName::new(name).ok()
    };
    match choice.mapped(&folder.name, &folder.at_source).or_else(by_use) {
        Some(name) => Folder { name, ..folder },
        None => folder,
    }
}

/// Folders that go into the same mailbox are brought one after another: else each would store what both have.
fn queue(folders: Vec<Folder>) -> Mutex<VecDeque<Vec<Folder>>> {
    let mut groups: BTreeMap<MailboxName, Vec<Folder>> = BTreeMap::new();
    for folder in folders {
        groups.entry(folder.name.clone()).or_default().push(folder);
    }
    Mutex::new(groups.into_values().collect())
}

struct Work<'a, S, G> {
    plan: &'a Plan,
    source: &'a S,
    ground: &'a G,
    watcher: &'a dyn Watcher,
    identity: String,
    left: Mutex<VecDeque<Vec<Folder>>>,
    /// Why nothing more is begun: our own side cannot store now.
    stopped: Mutex<Option<String>>,
}

impl<S: Source, G: Ground> Work<'_, S, G> {
    async fn do_all(&self) -> Result<Vec<FolderReport>, Trouble> {
        // The first connection has to come about; the others may be more than the server grants.
        let first = self.source.reader().await?;
        let mut workers: Vec<Worker<'_>> = vec![Box::pin(self.work(Some(first)))];
        let groups = self.left.lock().unwrap_or_else(PoisonError::into_inner).len();
        for _ in 1..self.plan.connections.min(groups) {
            workers.push(Box::pin(async {
                match self.source.reader().await {
                    Ok(reader) => self.work(Some(reader)).await,
                    Err(_) => Vec::new(),
                }
            }));
        }
        let mut reports: Vec<_> = all(workers).await.into_iter().flatten().collect();
        let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        reports.extend(left.iter().flatten().map(|folder| self.not_begun(folder)));
        Ok(reports)
    }

    async fn work(&self, mut reader: Option<S::Reader>) -> Vec<FolderReport> {
        let mut reports = Vec::new();
        match self.ground.connect().await {
            Ok(stream) => self.work_through(&mut reader, &mut Link::new(stream), &mut reports).await,
            Err(why) => self.stop(&why),
        }
        if let Some(reader) = reader {
            reader.end().await;
        }
        reports
    }

    async fn work_through(
        &self,
        reader: &mut Option<S::Reader>,
        link: &mut Link<Box<dyn Stream>>,
        reports: &mut Vec<FolderReport>,
    ) {
        while let Some(group) = self.next() {
            for folder in &group {
                let report = match self.stopped() {
                    Some(_) => self.not_begun(folder),
                    None => self.bring(reader, link, folder).await,
                };
                reports.push(report);
            }
        }
    }

    fn stop(&self, why: &Trouble) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.get_or_insert_with(|| short(&why.to_string()));
    }

    fn stopped(&self) -> Option<String> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn not_begun(&self, folder: &Folder) -> FolderReport {
        let why = self.stopped().unwrap_or_default();
        FolderReport { failed: Some(short(&format!("it was not begun: {why}"))), ..FolderReport::of(folder) }
    }

    fn next(&self) -> Option<Vec<Folder>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Brings a folder; where the connection breaks, goes on with another one.
    async fn bring(
        &self,
        reader: &mut Option<S::Reader>,
        link: &mut Link<Box<dyn Stream>>,
        folder: &Folder,
    ) -> FolderReport {
        let mut before = FolderReport::default();
        let mut attempt = 1;
        loop {
            let (report, trouble) = self.attempt(reader, link, folder).await;
            let report = report.behind(&before);
            let Some(trouble) = trouble else { return report };
            *reader = None;
            if let Trouble::Ours(_) = &trouble {
                self.stop(&trouble);
            }
            if attempt == MAX_ATTEMPTS || !trouble.is_of_the_connection() {
                return FolderReport { failed: Some(short(&trouble.to_string())), ..report };
            }
            (before, attempt) = (report, attempt + 1);
        }
    }

    /// What was done, and what stopped it.
    async fn attempt(
        &self,
        reader: &mut Option<S::Reader>,
        link: &mut Link<Box<dyn Stream>>,
        folder: &Folder,
    ) -> (FolderReport, Option<Trouble>) {
        let mut report = FolderReport::of(folder);
        let mut pour = Pour::new(link, self.watcher, (self.plan.flags, &self.identity), folder, &mut report);
        let done = match self.read(reader, folder, &mut pour).await {
            Ok(()) => pour.check().await.map(Some),
            // Nobody is there who could settle what was put.
            Err(Trouble::Ours(why)) => Err(Trouble::Ours(why)),
            Err(why) => pour.break_off().await.and(Err(why)),
        };
        let trouble = match done {
            Ok(checked) => {
                report.check = checked;
                None
            }
            Err(why) => Some(why),
        };
        self.watcher.ends(&report.mailbox);
        (report, trouble)
    }

    async fn read(
        &self,
        reader: &mut Option<S::Reader>,
        folder: &Folder,
        pour: &mut Pour<'_>,
    ) -> Result<(), Trouble> {
        let reader = match reader {
            Some(reader) => reader,
            none => none.insert(self.source.reader().await?),
        };
        reader.read(folder, pour).await
    }
}

impl FolderReport {
    fn of(folder: &Folder) -> Self {
        Self {
            at_source: folder.at_source.clone(),
            mailbox: folder.name.as_str().into(),
            notes: folder.note.iter().cloned().collect(),
            ..Self::default()
        }
    }

    /// What an attempt brought is "already here" to the next one, and yet of the same run.
    fn behind(mut self, before: &Self) -> Self {
        let ours = before.imported.min(self.already_here);
        self.already_here -= ours;
        self.imported += before.imported;
        self.imported_octets += before.imported_octets;
        self.flags_updated += before.flags_updated;
        self
    }
}

type Worker<'a> = Pin<Box<dyn Future<Output = Vec<FolderReport>> + Send + 'a>>;

/// Waits for all of them. They are few, so each is looked at whenever one has something to do.
async fn all(workers: Vec<Worker<'_>>) -> Vec<Vec<FolderReport>> {
    let mut workers: Vec<_> = workers.into_iter().map(Some).collect();
    let mut done = Vec::new();
    poll_fn(move |context| {
        for slot in &mut workers {
            if let Some(worker) = slot
                && let Poll::Ready(ready) = worker.as_mut().poll(context)
            {
                done.push(ready);
                *slot = None;
            }
        }
        if workers.iter().all(Option::is_none) {
            Poll::Ready(std::mem::take(&mut done))
        } else {
            Poll::Pending
        }
    })
    .await
}
