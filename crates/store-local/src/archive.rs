//! One account out of a store's files, while nobody writes to them: a backup's, say.
//!
//! What is sealed is found by its table of contents: of such a segment are read its header, that table and the account's
//! frames. A segment without one, or in which one of these frames has rotted, is read as a whole. What is found goes,
//! with its log numbers and in its order, into a log of its own, which opens as a store that holds nothing else.

use crate::disk::{Disk, make_dir};
use crate::log::chain::{Chain, Link};
use crate::log::footer;
use crate::log::format::{
    FRAME_HEADER, FrameHeader, LogEnd, LogPosition, RecordHeader, SEGMENT_HEADER, Subject,
};
use crate::log::frames::{Octets, State, Step};
use crate::log::octets::u64_at;
use crate::log::replay::{Replayed, replay};
use crate::log::segments::{LOG_DIRECTORY, Segment, Segments};
use crate::log::writer::{Beginning, Group, LogWriter};
use crate::{OpenError, Options, Rot, body_file};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{AccountId, BodyId, CommitId};

/// Octets of records that are written, and synced, together.
const GROUP: usize = 4 << 20;

/// The files of a store.
#[derive(Debug)]
pub struct Archive {
    segments: Arc<Segments>,
    links: Vec<Link>,
}

/// What was found of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Its frames: one for each commit.
    pub frames: u64,
    /// Segments that were read as a whole.
    pub walked: u64,
    /// The files of its large bodies, below the store's directory. They are for the caller to bring.
    pub bodies: Vec<PathBuf>,
    /// What of the segments that were read as a whole is not what was written.
    pub rot: Vec<Rot>,
}

impl Archive {
    /// Finds the log among the files. Of each segment no more than its header is read.
    ///
    /// # Errors
    /// A segment is missing or its header is damaged.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let links = Chain::find(&*disk)?.links;
        Ok(Self { segments: Arc::new(Segments::new(disk)), links })
    }

    /// Writes a log of what is `account`'s, synced, into an empty directory.
    ///
    /// # Errors
    /// The files cannot be read, or the directory cannot be written.
    pub fn extract(&self, account: AccountId, into: Arc<dyn Disk>) -> Result<Extracted, OpenError> {
        let store = self.links.first().map(|link| link.header.store).unwrap_or_default();
        let mut extract = Extract::begin(account, store, into)?;
        for link in &self.links {
            match self.listed(link, account)? {
                Some(frames) => frames.into_iter().try_for_each(|frame| extract.take(frame))?,
                None => self.walk(link, &mut extract)?,
            }
        }
        extract.finish()
    }

    /// The account's frames by the segment's table of contents; `None` where that, or one of them, does not read back.
    fn listed(&self, link: &Link, account: AccountId) -> io::Result<Option<Vec<Picked>>> {
        let segment = self.segments.get(link.header.number)?;
        if segment.file.length()? <= SEGMENT_HEADER as u64 {
            return Ok(Some(Vec::new()));
        }
        let Some(mut contents) = footer::read_from(&segment, link.end)? else { return Ok(None) };
        let offsets = contents.remove(&account).unwrap_or_default();
        offsets.into_iter().map(|offset| pick(&segment, offset.into())).collect()
    }

    fn walk(&self, link: &Link, extract: &mut Extract) -> Result<(), OpenError> {
        let (mut rot, mut taken) = (Vec::new(), Ok(()));
        let whole = [(link.clone(), SEGMENT_HEADER as u64)];
        replay(&self.segments, &whole, LogEnd::default(), &mut rot, &mut |frame| {
            if taken.is_ok() {
                taken = extract.take(Picked::of(frame, extract.account));
            }
        })?;
        extract.found.walked += 1;
        extract.found.rot.extend(rot);
        Ok(taken?)
    }
}

/// A frame, or what is left of one.
struct Picked {
    commit: Option<CommitId>,
    records: Vec<(RecordHeader, Bytes)>,
}

impl Picked {
    fn of(frame: Replayed, account: AccountId) -> Self {
        let sound = |record: &crate::log::replay::ReplayedRecord| {
            record.header.account == account && record.state == State::Sound
        };
        let records = frame.records.into_iter().filter(sound);
        let commit = frame.commit.filter(|(whose, _)| *whose == account).map(|(_, id)| id);
        Self { commit, records: records.map(|record| (record.header, record.stored)).collect() }
    }
}

/// The frame at a place, if it is one, whole.
fn pick(segment: &Segment, offset: u64) -> io::Result<Option<Picked>> {
    let mut bytes = vec![0; FRAME_HEADER];
    segment.file.read_exact_at(&mut bytes, offset)?;
    let Some(header) = FrameHeader::decode(&bytes, segment.header.salt) else { return Ok(None) };
    bytes.resize(FRAME_HEADER + header.length as usize, 0);
    if let Some(records) = bytes.get_mut(FRAME_HEADER..) {
        segment.file.read_exact_at(records, offset + FRAME_HEADER as u64)?;
    }
    let bytes = Bytes::from(bytes);
    let octets = Octets { header: &segment.header, bytes: &bytes };
    let Step::Whole(frame) = octets.step(0, bytes.len()).0 else { return Ok(None) };
    let records = frame.records.into_iter().map(|found| (found.header, bytes.slice(found.payload)));
    Ok(Some(Picked { commit: header.commit, records: records.collect() }))
}

/// A log in the making.
struct Extract {
    account: AccountId,
    log: LogWriter,
    group: Group,
    waiting: usize,
    /// Where large bodies are: by the last record that says so.
    bodies: BTreeMap<BodyId, (u64, Option<u64>)>,
    found: Extracted,
}

impl Extract {
    fn begin(account: AccountId, store: [u8; 16], into: Arc<dyn Disk>) -> io::Result<Self> {
        make_dir(&*into, Path::new(LOG_DIRECTORY))?;
        let first = LogEnd { position: LogPosition::default(), next_group: 1, next_number: 1 };
        let beginning = Beginning { store, number: 1, follows: None, first };
        let segments = Arc::new(Segments::new(into));
        let log = LogWriter::begin(segments, beginning, Options::default().segment_octets, |_, _| {})?;
        let (group, bodies) = (log.new_group(), BTreeMap::new());
        Ok(Self { account, log, group, waiting: 0, bodies, found: Extracted::default() })
    }

    fn take(&mut self, frame: Picked) -> io::Result<()> {
        if frame.records.is_empty() {
            return Ok(());
        }
        for (header, payload) in &frame.records {
            self.note_body(header, payload);
            self.waiting += header.whole_length();
        }
        let records = frame.records.iter().map(|(header, payload)| (header.clone(), payload));
        self.log.add_numbered(&mut self.group, self.account, frame.commit, records);
        self.found.frames += 1;
        if self.waiting < GROUP { Ok(()) } else { self.write() }
    }

    /// A record that was moved may lie behind a later one.
    fn note_body(&mut self, header: &RecordHeader, payload: &[u8]) {
        let (id, file) = match header.subject {
            Subject::BodyFile(id) => (id, u64_at(payload, 0)),
            Subject::Body(id) | Subject::BodyGone(id) => (id, None),
            _ => return,
        };
        let known = self.bodies.entry(id).or_insert((header.log_number, file));
        if known.0 <= header.log_number {
            *known = (header.log_number, file);
        }
    }

    fn write(&mut self) -> io::Result<()> {
        self.log.write(std::mem::take(&mut self.group))?;
        self.log.make_room()?;
        self.group = self.log.new_group();
        self.waiting = 0;
        Ok(())
    }

    /// Ends the segment, so that opening need not copy it.
    fn finish(mut self) -> Result<Extracted, OpenError> {
        self.write()?;
        self.log.seal_what_there_is()?;
        let files = self.bodies.into_iter().filter_map(|(id, (_, file))| Some((id, file?)));
        self.found.bodies = files.map(|(id, file)| body_file::path_of(id, file)).collect();
        Ok(self.found)
    }
}
