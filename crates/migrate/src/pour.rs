//! The reading half's side of a folder: what a reader pours messages into.

use crate::letter::Marks;
use crate::link::{
    AT_ONCE, Answer, Ask, Behind, Checked, FlagsPolicy, Kept, Key, Known, Link, Numbering, Opening, Outcome,
    PIECE_OCTETS,
};
use crate::report::FolderReport;
use crate::source::Folder;
use crate::trouble::Trouble;
use bytes::Bytes;
use terms::InternalDate;
use tokio::io::{AsyncRead, AsyncWrite};

/// Anything that octets go through both ways: a socket, or a pipe within the process.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Told how far an import is.
pub trait Watcher: Sync {
    /// A folder is begun, which has so many messages.
    fn begins(&self, folder: &str, messages: u64);
    /// So many more of its messages are done with.
    fn moves(&self, folder: &str, messages: u64);
    /// It is done.
    fn ends(&self, folder: &str);
}

/// Where to the messages of one folder go.
pub struct Pour<'a> {
    pub(crate) link: &'a mut Link<Box<dyn Stream>>,
    pub(crate) watcher: &'a dyn Watcher,
    pub(crate) flags: FlagsPolicy,
    pub(crate) source: &'a str,
    pub(crate) folder: &'a Folder,
    pub(crate) report: &'a mut FolderReport,
    most_octets: u64,
    /// Messages that were put, of which no outcome is known yet: what they are called, and their octets.
    put: Vec<(String, u64)>,
    /// Whether a message has been begun and not ended.
    is_within: bool,
}

/// A message of which octets may be missing.
#[derive(Default)]
pub(crate) struct Pouring {
    hasher: blake3::Hasher,
    octets: u64,
}

impl<'a> Pour<'a> {
    pub(crate) const fn new(
        link: &'a mut Link<Box<dyn Stream>>,
        watcher: &'a dyn Watcher,
        (flags, source): (FlagsPolicy, &'a str),
        folder: &'a Folder,
        report: &'a mut FolderReport,
    ) -> Self {
        Self {
            link,
            watcher,
            flags,
            source,
            folder,
            report,
            most_octets: u64::MAX,
            put: Vec::new(),
            is_within: false,
        }
    }

    /// Opens the folder here. `generation` is what keys are good for.
    pub(crate) async fn open(
        &mut self,
        generation: &str,
        numbering: Option<Numbering>,
    ) -> Result<(), Trouble> {
        let opening = Opening {
            source: self.source.into(),
            folder: self.folder.at_source.clone(),
            generation: generation.into(),
            mailbox: self.folder.name.as_str().into(),
            special_uses: self.folder.special_uses.iter().map(|one| one.to_string()).collect(),
            subscribed: self.folder.is_subscribed,
            numbering,
        };
        match self.ask(&Ask::Open(opening)).await? {
            Answer::Opened { most_octets, uids } => {
                self.most_octets = most_octets;
                self.report.uids = uids;
            }
            other => return Err(unexpected(&other)),
        }
        Ok(())
    }

    /// Says what the source has.
    pub(crate) fn has(&mut self, messages: u64, octets: u64) {
        self.report.messages = messages;
        self.report.octets = octets;
        self.watcher.begins(&self.report.mailbox, messages);
    }

    /// The largest message that is taken, in octets.
    pub(crate) const fn most_octets(&self) -> u64 {
        self.most_octets
    }

    /// Places of the messages that are not here. Flags of the others are seen to. `named` says what a report calls the
    /// message in a place.
    pub(crate) async fn unknown(
        &mut self,
        messages: Vec<Known>,
        named: impl Fn(usize) -> String,
    ) -> Result<Vec<usize>, Trouble> {
        let mut unknown = Vec::new();
        for (number, some) in messages.chunks(AT_ONCE).enumerate() {
            let ask = Ask::Compare { messages: some.to_vec(), flags: self.flags };
            let compared = match self.ask(&ask).await? {
                Answer::Compared(compared) => compared,
                other => return Err(unexpected(&other)),
            };
            let known = (some.len() - compared.unknown.len().min(some.len())) as u64;
            self.report.already_here += known;
            self.report.removed_here += compared.removed_here;
            self.report.flags_updated += compared.flags_updated;
            self.report.flags_kept += compared.flags_kept;
            self.report.other_uids += compared.other_uids;
            for (place, why) in compared.flags_refused {
                let why = format!("they stay as they are here: {why}");
                self.report.refuse_flags(&named(number * AT_ONCE + place), &why);
            }
            self.watcher.moves(&self.report.mailbox, known);
            unknown.extend(compared.unknown.into_iter().map(|place| number * AT_ONCE + place));
        }
        Ok(unknown)
    }

    /// Tells of a message that does not come.
    pub(crate) fn skip(&mut self, what: String, why: String) {
        self.report.skip(&what, &why);
        self.watcher.moves(&self.report.mailbox, 1);
    }

    pub(crate) fn note(&mut self, note: String) {
        self.report.note(&note);
    }

    /// Begins a message of about so many octets.
    pub(crate) async fn begin(&mut self, octets: u64) -> Result<Pouring, Trouble> {
        self.link.say(&Ask::Put { octets }).await?;
        self.is_within = true;
        Ok(Pouring::default())
    }

    pub(crate) async fn piece(&mut self, pouring: &mut Pouring, octets: &[u8]) -> Result<(), Trouble> {
        pouring.hasher.update(octets);
        pouring.octets += octets.len() as u64;
        for piece in octets.chunks(PIECE_OCTETS) {
            self.link.say_octets(piece).await?;
        }
        Ok(())
    }

    /// It is all there. `what` names it in the report.
    pub(crate) async fn end(
        &mut self,
        pouring: Pouring,
        (key, marks): (Key, &Marks),
        what: String,
    ) -> Result<(), Trouble> {
        let date = |date: InternalDate| (date.seconds(), date.zone_minutes());
        let name = *pouring.hasher.finalize().as_bytes();
        let kept = Kept { key, flags: marks.words(), date: marks.date.map(date), uid: marks.uid, name };
        self.is_within = false;
        self.link.say_octets(b"").await?;
        self.link.say(&Behind::Keep(kept)).await?;
        self.put.push((what, pouring.octets));
        if self.put.len() >= AT_ONCE { self.flush().await } else { Ok(()) }
    }

    /// It is nothing.
    pub(crate) async fn drop(&mut self) -> Result<(), Trouble> {
        self.is_within = false;
        self.link.say_octets(b"").await?;
        self.link.say(&Behind::Drop).await
    }

    /// A whole message.
    pub(crate) async fn message(
        &mut self,
        octets: &Bytes,
        (key, marks): (Key, &Marks),
        what: String,
    ) -> Result<(), Trouble> {
        let mut pouring = self.begin(octets.len() as u64).await?;
        self.piece(&mut pouring, octets).await?;
        self.end(pouring, (key, marks), what).await
    }

    /// Hears what became of the messages that were put.
    pub(crate) async fn flush(&mut self) -> Result<(), Trouble> {
        if self.put.is_empty() {
            return Ok(());
        }
        let outcomes = match self.ask(&Ask::Flush).await? {
            Answer::Flushed { outcomes, other_uids } => {
                self.report.other_uids += other_uids;
                outcomes
            }
            other => return Err(unexpected(&other)),
        };
        let put = std::mem::take(&mut self.put);
        if put.len() != outcomes.len() {
            return Err(Trouble::Ours("the server does not say of each message what became of it".into()));
        }
        for ((what, octets), outcome) in put.into_iter().zip(outcomes) {
            if let Outcome::Imported | Outcome::WithoutKeywords(_) = outcome {
                self.report.imported += 1;
                self.report.imported_octets += octets;
            }
            match outcome {
                Outcome::Imported => {}
                Outcome::WithoutKeywords(why) => {
                    self.report.refuse_flags(&what, &format!("it has come without its keywords: {why}"));
                }
                Outcome::Found => self.report.already_here += 1,
                Outcome::Refused(why) => self.report.skip(&what, &why),
            }
            self.watcher.moves(&self.report.mailbox, 1);
        }
        Ok(())
    }

    /// Settles what was put before the source failed, perhaps within a message.
    pub(crate) async fn break_off(&mut self) -> Result<(), Trouble> {
        if self.is_within {
            self.drop().await?;
        }
        self.flush().await
    }

    /// Looks at everything again.
    pub(crate) async fn check(&mut self) -> Result<Checked, Trouble> {
        self.flush().await?;
        match self.ask(&Ask::Check).await? {
            Answer::Checked(checked) => Ok(checked),
            other => Err(unexpected(&other)),
        }
    }

    async fn ask(&mut self, ask: &Ask) -> Result<Answer, Trouble> {
        ask_link(self.link, ask).await
    }
}

/// Asks the filing half.
pub(crate) async fn ask_link(link: &mut Link<Box<dyn Stream>>, ask: &Ask) -> Result<Answer, Trouble> {
    link.say(ask).await?;
    match link.hear().await? {
        Some(Answer::Failed(why)) => Err(Trouble::Ours(why)),
        Some(Answer::Refused(why)) => Err(Trouble::Source(why)),
        Some(answer) => Ok(answer),
        None => Err(Trouble::Ours("the server stopped; run the import again when it is back".into())),
    }
}

pub(crate) fn unexpected(answer: &Answer) -> Trouble {
    Trouble::Ours(format!("the server answers something else: {answer:?}"))
}
