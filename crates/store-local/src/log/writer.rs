//! The end of the log that grows.
//!
//! > **Invariant.** Group n+1 is written only after the sync of group n succeeded. After a sync or a write that
//! > failed, nothing is written here any more: the kernel may have dropped what it still shows.

use super::footer::{self, Contents};
use super::format::{
    Draft, FRAME_HEADER, FrameHeader, FrameKind, LogEnd, LogPosition, RecordHeader, SEGMENT_HEADER,
    SegmentHeader, Subject, padded, trailer,
};
use super::segments::{LOG_DIRECTORY, Segment, Segments, segment_path, unborn_path};
use crate::index::value::Place;
use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::Arc;
use store::{AccountId, CommitId};

/// Octets of a segment that are reserved ahead of what is written, at most as many as fill it. A write there mostly changes
/// nothing of the file but its octets, so that its sync waits for them alone, and not for the filesystem's journal too.
const AHEAD: u64 = 1 << 20;
/// Larger groups take their room as they come: for them that is the cheaper way, and they wait for more than the journal.
const MOST_AHEAD_OF: usize = 16 << 10;

/// Appends groups of frames, and begins a new segment when one is full.
#[derive(Debug)]
pub(crate) struct LogWriter {
    segments: Arc<Segments>,
    segment: Segment,
    /// Where the next group starts.
    offset: u64,
    /// Up to here the file has its place on the disk, as far as we have asked for it.
    reserved: u64,
    group: u64,
    next_number: u64,
    /// Which frames of the segment are whose: becomes the footer.
    contents: Contents,
    /// A segment of at least this many octets is sealed.
    full_at: u64,
}

/// Frames that will be written and synced together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    octets: Vec<u8>,
    contents: Vec<(AccountId, u32)>,
    /// The next log number behind them.
    next_number: u64,
}

impl Group {
    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }
}

/// What a new segment continues.
#[derive(Debug)]
pub(crate) struct Beginning {
    /// Which store.
    pub(crate) store: [u8; 16],
    /// Its own number.
    pub(crate) number: u64,
    /// Where the log left the one before.
    pub(crate) follows: Option<LogPosition>,
    /// The numbers to go on with.
    pub(crate) first: LogEnd,
}

/// A frame that was placed in the log: each record with where it lies.
pub(crate) type Placed = Vec<(RecordHeader, Place)>;

impl LogWriter {
    /// Begins a segment with what `born_with` puts into its first group. It gets its name, and with it a place in
    /// the log, only once all of that is synced.
    pub(crate) fn begin(
        segments: Arc<Segments>,
        beginning: Beginning,
        full_at: u64,
        born_with: impl FnOnce(&Self, &mut Group),
    ) -> io::Result<Self> {
        let path = unborn_path(beginning.number);
        let disk = Arc::clone(&segments.disk);
        let header = SegmentHeader {
            store: beginning.store,
            number: beginning.number,
            follows: beginning.follows,
            first_group: beginning.first.next_group,
            salt: random_salt()?,
            whole_through: SEGMENT_HEADER as u64,
            rewriting: None,
        };
        let mut writer = Self {
            segments,
            segment: Segment { header, file: disk.create(&path)? },
            offset: SEGMENT_HEADER as u64,
            reserved: 0,
            group: beginning.first.next_group,
            next_number: beginning.first.next_number,
            contents: Contents::new(),
            full_at,
        };
        let mut first = writer.new_group();
        born_with(&writer, &mut first);
        writer.be_born(first)?;
        disk.rename(&path, &segment_path(beginning.number))?;
        disk.sync_dir(Path::new(LOG_DIRECTORY))?;
        writer.segments.keep(writer.segment.clone());
        Ok(writer)
    }

    /// Where the log ends: everything before it is synced.
    pub(crate) const fn end(&self) -> LogEnd {
        let position = LogPosition { segment: self.segment.header.number, offset: self.offset };
        LogEnd { position, next_group: self.group, next_number: self.next_number }
    }

    /// A group to be filled by [`LogWriter::add`] and written by [`LogWriter::write`].
    pub(crate) fn new_group(&self) -> Group {
        Group { next_number: self.next_number, ..Group::default() }
    }

    /// Puts one frame into a group. Its records get the next log numbers.
    pub(crate) fn add(
        &self,
        group: &mut Group,
        account: AccountId,
        commit: Option<CommitId>,
        drafts: &[Draft],
    ) -> Placed {
        let first_number = group.next_number;
        let numbered =
            drafts.iter().zip(first_number..).map(|(draft, n)| (draft.header(account, n), &draft.payload));
        self.add_numbered(group, account, commit, numbered)
    }

    /// Puts one frame into a group whose records have their log numbers already.
    pub(crate) fn add_numbered<'a>(
        &self,
        group: &mut Group,
        account: AccountId,
        commit: Option<CommitId>,
        records: impl Iterator<Item = (RecordHeader, &'a Bytes)>,
    ) -> Placed {
        let records: Vec<_> = records.collect();
        let first_number = records.first().map_or(group.next_number, |(header, _)| header.log_number);
        let length: usize = records.iter().map(|(header, _)| header.whole_length()).sum();
        self.push_frame_header(
            group,
            FrameKind::Commit,
            account,
            commit,
            first_number,
            records.len(),
            length,
        );
        let placed = records.into_iter().map(|(header, payload)| {
            let place = self.push_record(group, &header, payload);
            group.next_number = group.next_number.max(header.log_number + 1);
            (header, place)
        });
        placed.collect()
    }

    /// Writes a group behind the last one and syncs it. An error is final.
    pub(crate) fn write(&mut self, group: Group) -> io::Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        if group.octets.len() <= MOST_AHEAD_OF {
            self.reserve(self.offset + group.octets.len() as u64);
        }
        self.segment.file.write_at(&group.octets, self.offset)?;
        self.segment.file.sync_data()?;
        self.advance(group);
        Ok(())
    }

    /// Has room up to `end`, and some ahead. Whether there is any at all the write itself has to say.
    fn reserve(&mut self, end: u64) {
        if end > self.reserved {
            // An odd length: that of a sealed segment, and every place in one, is a multiple of 8. So no file that is written is
            // taken for a sealed one, whatever its length is behind the place where the log ends.
            self.reserved = (end + AHEAD.min(self.full_at)) | 1;
            // No more is lost by a failure than time. What a full disk has given all the same is needed for other things.
            if self.segment.file.reserve(self.reserved).is_err() {
                let _ = self.segment.file.truncate(self.offset);
            }
        }
    }

    /// Gives back what was reserved and not needed: for now nothing more is written. Should that fail, zeros are left.
    pub(crate) fn rest(&mut self) {
        if self.reserved > self.offset {
            self.reserved = self.offset;
            let _ = self.segment.file.truncate(self.offset);
        }
    }

    /// Goes on in a new segment when this one is full. An error is final.
    pub(crate) fn make_room(&mut self) -> io::Result<()> {
        if self.offset < self.full_at { Ok(()) } else { self.go_on().map(|_| ()) }
    }

    /// Ends the segment, unless nothing lies in it, and says where the log leaves what was written. An error is final.
    pub(crate) fn seal_what_there_is(&mut self) -> io::Result<LogPosition> {
        match self.segment.header.follows {
            Some(before) if self.contents.is_empty() => Ok(before),
            _ => self.go_on(),
        }
    }

    fn go_on(&mut self) -> io::Result<LogPosition> {
        let end = self.seal()?;
        let next = Beginning {
            store: self.segment.header.store,
            number: self.segment.header.number + 1,
            follows: Some(end),
            first: LogEnd { position: end, ..self.end() },
        };
        *self = Self::begin(Arc::clone(&self.segments), next, self.full_at, |_, _| {})?;
        Ok(end)
    }

    /// Header and first group in one go; until the rename nobody can see either.
    fn be_born(&mut self, first: Group) -> io::Result<()> {
        self.segment.header.whole_through += first.octets.len() as u64;
        self.segment.file.write_at(&self.segment.header.encode(), 0)?;
        self.segment.file.write_at(&first.octets, self.offset)?;
        self.segment.file.sync_all()?;
        if !first.is_empty() {
            self.advance(first);
        }
        Ok(())
    }

    fn advance(&mut self, group: Group) {
        self.offset += group.octets.len() as u64;
        self.next_number = group.next_number;
        self.group += 1;
        for (account, offset) in group.contents {
            self.contents.entry(account).or_default().push(offset);
        }
    }

    /// Writes the footer, the header once more and the trailer, and says where the log leaves the segment.
    fn seal(&mut self) -> io::Result<LogPosition> {
        let contents = Bytes::from(footer::encode(&std::mem::take(&mut self.contents)));
        let footer = Draft::plain(Subject::Footer, contents);
        let mut group = self.new_group();
        let header = footer.header(AccountId::DIRECTORY, group.next_number);
        let length = header.whole_length();
        self.push_frame_header(
            &mut group,
            FrameKind::Footer,
            header.account,
            None,
            header.log_number,
            1,
            length,
        );
        self.push_record(&mut group, &header, &footer.payload);
        group.next_number += 1;
        let end = LogPosition { offset: self.offset + group.octets.len() as u64, ..self.end().position };
        group.octets.extend(self.segment.header.encode());
        group.octets.extend(trailer(self.offset, self.segment.header.salt));
        self.segment.file.write_at(&group.octets, self.offset)?;
        // Of a sealed segment the end of the file tells that it is one.
        self.segment.file.truncate(self.offset + group.octets.len() as u64)?;
        self.segment.file.sync_all()?;
        self.next_number = group.next_number;
        self.group += 1;
        Ok(end)
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one header, named at the only two calls")]
    fn push_frame_header(
        &self,
        group: &mut Group,
        kind: FrameKind,
        account: AccountId,
        commit: Option<CommitId>,
        first_number: u64,
        count: usize,
        length: usize,
    ) {
        let header = FrameHeader {
            kind,
            group: self.group,
            account,
            commit,
            first_number,
            count: u32::try_from(count).unwrap_or(u32::MAX),
            length: u32::try_from(length).unwrap_or(u32::MAX),
            group_offset: self.offset,
        };
        let offset = self.offset + group.octets.len() as u64;
        group.contents.push((account, u32::try_from(offset).unwrap_or(u32::MAX)));
        group.octets.reserve(FRAME_HEADER + length);
        header.encode(self.segment.header.salt, &mut group.octets);
    }

    fn push_record(&self, group: &mut Group, header: &RecordHeader, payload: &[u8]) -> Place {
        let place = Place {
            segment: self.segment.header.number,
            offset: self.offset + group.octets.len() as u64,
            stored_length: header.stored_length,
            log_number: header.log_number,
        };
        header.encode(self.segment.header.salt, &mut group.octets);
        group.octets.extend_from_slice(payload);
        group.octets.resize(padded(group.octets.len()), 0);
        place
    }
}

fn random_salt() -> io::Result<u64> {
    getrandom::u64().map_err(io::Error::other)
}
