//! What the log looks like on disk, octet by octet.
//!
//! The log is a chain of *segments*, `log/<number in 16 hex digits>.seg`. A segment is a header, then *frames*, and
//! when it is sealed a footer frame and a trailer. A frame is one commit, all of it or nothing; the frames that
//! were written and synced together are one *group*. A frame holds *records*, each of which says for itself whose
//! it is. Numbers are little-endian; gaps are zero; everything starts at a multiple of 8. `xxh3` is XXH3 with 64
//! bits, for headers seeded with the segment's salt: a random number that no sender of mail can know, so that no
//! message can contain something that passes for a frame.
//!
//! ```text
//! segment header, 96 octets
//!   0   8  "GPSTLOG\n"
//!   8   2  format version: 1, or 2 of a rewritten segment, whose octets 12 to 15 and 80 to 87 say more
//!  10   2  zero
//!  12   4  which rewriting of the store it comes from, from 1
//!  16  16  the store's id: a segment of another store is not ours
//!  32   8  number of this segment, from 1
//!  40   8  number of the segment before it, 0 when it is the first
//!  48   8  where that one ends: what lies behind this offset in it is void
//!  56   8  number of the first group
//!  64   8  salt
//!  72   8  whole through: up to this offset the segment was synced before it got its name
//!  80   4  where the log left the segment whose number this one has
//!  84   4  deletions up to the end of the segment of this number were taken into account
//!  88   8  xxh3 of octets 0 to 87, unseeded
//!
//! frame header, 72 octets                      record header, 80 octets, payload behind it
//!   0   4  "FRAM"                                0   4  "RECO"
//!   4   1  1: commit, 2: footer                  4   1  kind
//!   5   3  zero                                  5   1  codec of the payload: 0 as it is, 1 zstd
//!   8   8  group                                 6   2  zero
//!  16   8  account                               8   8  account
//!  24  16  commit id, zero when there is none   16  32  key, by kind
//!  40   8  log number of the first record       48   8  log number
//!  48   4  how many records                     56   4  length of the payload as stored
//!  52   4  length of all records with padding   60   4  length of the payload before its codec
//!  56   8  offset of the group's first frame    64   8  xxh3 of the payload as stored, unseeded
//!  64   8  xxh3 of octets 0 to 63, salted       72   8  xxh3 of octets 0 to 71, salted
//!
//! kind               key                                    payload
//!   1 event          stream u32, seq u64                    time i64, origin length u16, origin, event
//!   2 head           stream u32, seq u64                    the head
//!   3 record         mailbox u32, uid u32, names 24 octets  the record
//!   4 record gone    mailbox u32, uid u32                   none
//!   5 body           BLAKE3                                 the body
//!   6 body in a file BLAKE3                                 number of the file u64, length u64
//!   7 body gone      BLAKE3                                 none
//!   8 piece          stream u32, at u64, writing u64, n u32 a piece of a snapshot
//!   9 snapshot       stream u32, at u64, writing u64, n u32 none: its n pieces are complete
//!  10 trimmed        stream u32, seq u64                    none: events up to seq are forgotten
//!  11 dropped        stream u32                             none
//!  12 quarantined    stream u32, seq u64                    in words: what is behind seq is lost
//!  13 footer         none                                   per account: account u64, n u32, n times offset u32
//!  14 anew           stream u32, seq u64                    none: what is missing up to seq is missed no more
//! 128 and above      by kind                                by kind
//!
//! behind the footer of a sealed segment, 120 octets: the segment header once more, and the trailer
//!   0  96  the segment header; segments of before have none here
//!  96   8  "GPSTEND\n"
//! 104   8  offset of the footer frame
//! 112   8  xxh3 of octets 96 to 111, salted
//! ```
//!
//! **Which damage is what.** A segment gets its name (by rename) only after its header, and whatever it was born
//! with, is synced; the segment before it was synced earlier still. So only the last segment of the chain can be
//! torn, only behind `whole through`, and there only in its last group, because group n+1 is written after
//! group n is synced. A bad frame *there* ends the log, good frames behind it or not. A bad frame anywhere else is
//! rot. Whether a later group lies behind a bad frame is told by any good frame behind it whose group starts
//! behind the bad one. Behind the end there may be zeros: room that was reserved. The length of a file with such room is odd, and
//! that of a sealed segment a multiple of 8.
//!
//! **Kinds that a version does not know.** Those from 128 on are passed over: nobody needs them to know what the mail
//! is, and whoever moves records carries them along, octet for octet; they have the codecs that there are. Those below 128 are not, and a frame with one is as
//! good as rotten: the directory's format number keeps versions out that do not know them.
//!
//! **Versions.** Of every version the header begins with "GPSTLOG\n" and the version, and ends at octet 96 with the
//! checksum of octets 0 to 87: so a segment of a newer one is told from a damaged one.
//!
//! **Footers** count only in a segment that the log leaves right behind them: a recovery may void the last frames of a
//! segment that was sealed a moment before.
//!
//! **Names.** A record names the body that it speaks of by the first 24 octets of its BLAKE3; zeros where it names none or
//! was written before that was noted.
//!
//! **Moving.** A record that moves to another segment keeps its log number, its payload and the payload's
//! checksum; the frame header and the record header are sealed anew with the new segment's salt.
//!
//! **Rewriting.** What is still needed of a run of sealed segments is written, in the order in which it lies there, into one
//! file, which takes the place of the last of them; the others are no more. Frames keep their account, commit and group,
//! and each says that its group begins with it; the footer takes over the highest log number and group of the run. The
//! segment behind names for ever the offset at which the log left the old one: octets 80 to 83 say which that was, and
//! *whole through* where the log leaves the new one instead.

use super::octets::{array_at, checked, push_checksum, u16_at, u32_at, u64_at};
use bytes::Bytes;
use store::{AccountId, BodyId, BodyPrefix, CommitId, EmailId, Seq};
use xxhash_rust::xxh3::xxh3_64;

/// Octets of a segment's header.
pub(crate) const SEGMENT_HEADER: usize = 96;
/// Octets of a frame's header.
pub(crate) const FRAME_HEADER: usize = 72;
/// Octets of a record's header.
pub(crate) const RECORD_HEADER: usize = 80;
/// Octets of a sealed segment's trailer.
pub(crate) const TRAILER: usize = 24;
/// Octets behind the footer of a sealed segment: its header once more, and the trailer.
pub(crate) const SEAL: usize = SEGMENT_HEADER + TRAILER;
/// Most octets of records that one frame may hold: a commit at its limit, with headers to spare.
pub(crate) const MAX_FRAME: usize = 2 * store::MAX_COMMIT;

const SEGMENT_MAGIC: &[u8; 8] = b"GPSTLOG\n";
const FRAME_MAGIC: &[u8; 4] = b"FRAM";
const RECORD_MAGIC: &[u8; 4] = b"RECO";
const TRAILER_MAGIC: &[u8; 8] = b"GPSTEND\n";
/// A segment as it was first written.
pub(crate) const AS_WRITTEN: u16 = 1;
/// A segment that was rewritten.
const REWRITTEN: u16 = 2;
/// The newest version of segments that this code writes and reads.
pub(crate) const VERSION: u16 = REWRITTEN;
/// Kinds of records from here on are passed over by whoever does not know them.
const PASSED_OVER: u8 = 128;

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogPosition {
    /// The segment's number.
    pub(crate) segment: u64,
    /// Octets from its start.
    pub(crate) offset: u64,
}

/// Where the log ends, and the numbers that come next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogEnd {
    /// The first octet that is free.
    pub(crate) position: LogPosition,
    /// The next group.
    pub(crate) next_group: u64,
    /// The next record.
    pub(crate) next_number: u64,
}

/// What a segment's first octets say, if they are whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heading {
    /// What this version writes.
    Known(SegmentHeader),
    /// It is of another version, which this one does not read.
    OfVersion(u16),
}

/// The first octets of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Which store it belongs to.
    pub(crate) store: [u8; 16],
    /// Its number.
    pub(crate) number: u64,
    /// Where the log left the segment before this one.
    pub(crate) follows: Option<LogPosition>,
    /// Number of its first group.
    pub(crate) first_group: u64,
    /// Seed of the checksums of headers.
    pub(crate) salt: u64,
    /// Up to here nothing can be torn.
    pub(crate) whole_through: u64,
    /// Where it was not written by commits, but with what was needed of older segments.
    pub(crate) rewriting: Option<Rewriting>,
}

/// What a rewritten segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rewriting {
    /// Which of the store's rewritings it comes from, counted from 1.
    pub(crate) number: u32,
    /// Where the log left the segment that had its number before.
    pub(crate) stands_for: u32,
    /// Nothing is in it that was deleted up to the end of this segment.
    pub(crate) judged_through: u32,
}

impl SegmentHeader {
    /// Where in the file the log leaves the segment, when the one behind it says `offset`. `None` when it cannot say so.
    pub(crate) fn left_at(&self, offset: u64) -> Option<u64> {
        match self.rewriting {
            None => Some(offset),
            Some(rewriting) => (offset == u64::from(rewriting.stands_for)).then_some(self.whole_through),
        }
    }

    /// The place in the log that an offset in the file is, as it is named for ever.
    pub(crate) fn position(&self, offset: u64) -> LogPosition {
        let offset = match self.rewriting {
            Some(rewriting) if offset >= self.whole_through => rewriting.stands_for.into(),
            _ => offset,
        };
        LogPosition { segment: self.number, offset }
    }

    /// The version of its file.
    pub(crate) fn version(&self) -> u16 {
        self.rewriting.map_or(AS_WRITTEN, |_| REWRITTEN)
    }

    /// Which of the store's rewritings it comes from; 0 when it was never rewritten.
    pub(crate) fn rewriting_number(&self) -> u32 {
        self.rewriting.map_or(0, |rewriting| rewriting.number)
    }

    /// The header's octets.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let follows = self.follows.unwrap_or_default();
        let version = self.version();
        let (number, stands_for, judged_through) =
            self.rewriting.map_or((0, 0, 0), |r| (r.number, r.stands_for, r.judged_through));
        let mut out = Vec::with_capacity(SEGMENT_HEADER);
        out.extend_from_slice(SEGMENT_MAGIC);
        out.extend_from_slice(&version.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&self.store);
        for number in
            [self.number, follows.segment, follows.offset, self.first_group, self.salt, self.whole_through]
        {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&stands_for.to_le_bytes());
        out.extend_from_slice(&judged_through.to_le_bytes());
        push_checksum(&mut out, 0, 0);
        out
    }

    /// Reads a header; `None` when it is not one, or not whole.
    pub(crate) fn read(bytes: &[u8]) -> Option<Heading> {
        let bytes = checked(bytes.get(..SEGMENT_HEADER)?, 0)?;
        if !bytes.starts_with(SEGMENT_MAGIC) {
            return None;
        }
        let version = u16_at(bytes, 8)?;
        let rewriting = match version {
            AS_WRITTEN => None,
            REWRITTEN => Some(Rewriting {
                number: u32_at(bytes, 12)?,
                stands_for: u32_at(bytes, 80)?,
                judged_through: u32_at(bytes, 84)?,
            }),
            _ => return Some(Heading::OfVersion(version)),
        };
        let before = LogPosition { segment: u64_at(bytes, 40)?, offset: u64_at(bytes, 48)? };
        Some(Heading::Known(Self {
            store: array_at(bytes, 16)?,
            number: u64_at(bytes, 32)?,
            follows: (before.segment != 0).then_some(before),
            first_group: u64_at(bytes, 56)?,
            salt: u64_at(bytes, 64)?,
            whole_through: u64_at(bytes, 72)?,
            rewriting,
        }))
    }

    /// The same; `None` also where it is of a version that we do not know.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        match Self::read(bytes)? {
            Heading::Known(header) => Some(header),
            Heading::OfVersion(_) => None,
        }
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// Something that happened.
    Commit,
    /// The table of contents of a sealed segment.
    Footer,
}

/// The first octets of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// What it is.
    pub(crate) kind: FrameKind,
    /// Its group.
    pub(crate) group: u64,
    /// Whose.
    pub(crate) account: AccountId,
    /// Which commit, when it is one that a client named.
    pub(crate) commit: Option<CommitId>,
    /// Log number of its first record.
    pub(crate) first_number: u64,
    /// How many records.
    pub(crate) count: u32,
    /// Octets of all of them.
    pub(crate) length: u32,
    /// Where in the segment its group starts.
    pub(crate) group_offset: u64,
}

impl FrameHeader {
    /// Writes the header.
    pub(crate) fn encode(&self, salt: u64, out: &mut Vec<u8>) {
        let start = out.len();
        let kind = match self.kind {
            FrameKind::Commit => 1,
            FrameKind::Footer => 2,
        };
        out.extend_from_slice(FRAME_MAGIC);
        out.extend_from_slice(&[kind, 0, 0, 0]);
        out.extend_from_slice(&self.group.to_le_bytes());
        out.extend_from_slice(&self.account.0.to_le_bytes());
        out.extend_from_slice(&self.commit.map_or([0; 16], |id| id.0));
        out.extend_from_slice(&self.first_number.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.group_offset.to_le_bytes());
        push_checksum(out, start, salt);
    }

    /// Reads a header; `None` when it is not one of this segment, whole.
    pub(crate) fn decode(bytes: &[u8], salt: u64) -> Option<Self> {
        let bytes = bytes.get(..FRAME_HEADER).filter(|b| b.starts_with(FRAME_MAGIC))?;
        let bytes = checked(bytes, salt)?;
        let commit: [u8; 16] = array_at(bytes, 24)?;
        let length = u32_at(bytes, 52)?;
        Some(Self {
            kind: match bytes.get(4)? {
                1 => FrameKind::Commit,
                2 => FrameKind::Footer,
                _ => return None,
            },
            group: u64_at(bytes, 8)?,
            account: AccountId(u64_at(bytes, 16)?),
            commit: (commit != [0; 16]).then_some(CommitId(commit)),
            first_number: u64_at(bytes, 40)?,
            count: u32_at(bytes, 48)?,
            length: (length as usize <= MAX_FRAME).then_some(length)?,
            group_offset: u64_at(bytes, 56)?,
        })
    }
}

/// What a record is about: its kind and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An event of a stream.
    Event { stream: u32, seq: Seq },
    /// Where a stream stands, and its summary.
    Head { stream: u32, seq: Seq },
    /// What a message's parsing yielded, and the body that it names.
    Record(EmailId, Option<BodyPrefix>),
    /// A record that is no more.
    RecordGone(EmailId),
    /// A body, here.
    Body(BodyId),
    /// A body in a file of its own.
    BodyFile(BodyId),
    /// A body that is no more.
    BodyGone(BodyId),
    /// A piece of a snapshot. `writing` tells apart attempts to write the same one.
    Piece { stream: u32, at: Seq, writing: u64, piece: u32 },
    /// A snapshot whose pieces are all there.
    Snapshot { stream: u32, at: Seq, writing: u64, pieces: u32 },
    /// Events up to this one are forgotten.
    Trimmed { stream: u32, through: Seq },
    /// A stream that is no more.
    Dropped { stream: u32 },
    /// A stream with a hole behind this event.
    Quarantined { stream: u32, last_good: Seq },
    /// A sealed segment's table of contents.
    Footer,
    /// A stream goes on behind this event, whatever is missing before: it is in quarantine no more.
    Anew { stream: u32, from: Seq },
    /// What a later version may have to say, to whoever knows the kind.
    PassedOver { kind: u8, key: [u8; 32] },
}

impl Subject {
    fn encode(self) -> (u8, [u8; 32]) {
        match self {
            Self::Event { stream, seq } => (1, key(stream, seq, 0, 0)),
            Self::Head { stream, seq } => (2, key(stream, seq, 0, 0)),
            Self::Record(id, names) => (3, email_key(id, names)),
            Self::RecordGone(id) => (4, email_key(id, None)),
            Self::Body(id) => (5, id.0),
            Self::BodyFile(id) => (6, id.0),
            Self::BodyGone(id) => (7, id.0),
            Self::Piece { stream, at, writing, piece } => (8, key(stream, at, writing, piece)),
            Self::Snapshot { stream, at, writing, pieces } => (9, key(stream, at, writing, pieces)),
            Self::Trimmed { stream, through } => (10, key(stream, through, 0, 0)),
            Self::Dropped { stream } => (11, key(stream, Seq::NONE, 0, 0)),
            Self::Quarantined { stream, last_good } => (12, key(stream, last_good, 0, 0)),
            Self::Footer => (13, [0; 32]),
            Self::Anew { stream, from } => (14, key(stream, from, 0, 0)),
            Self::PassedOver { kind, key } => (kind, key),
        }
    }

    fn decode(kind: u8, key: [u8; 32]) -> Option<Self> {
        let stream = u32_at(&key, 0)?;
        let seq = Seq(u64_at(&key, 4)?);
        let (writing, n) = (u64_at(&key, 12)?, u32_at(&key, 20)?);
        let email = EmailId { mailbox: stream, uid: u32_at(&key, 4)? };
        Some(match kind {
            1 => Self::Event { stream, seq },
            2 => Self::Head { stream, seq },
            3 => Self::Record(email, named(&key)),
            4 => Self::RecordGone(email),
            5 => Self::Body(BodyId(key)),
            6 => Self::BodyFile(BodyId(key)),
            7 => Self::BodyGone(BodyId(key)),
            8 => Self::Piece { stream, at: seq, writing, piece: n },
            9 => Self::Snapshot { stream, at: seq, writing, pieces: n },
            10 => Self::Trimmed { stream, through: seq },
            11 => Self::Dropped { stream },
            12 => Self::Quarantined { stream, last_good: seq },
            13 => Self::Footer,
            14 => Self::Anew { stream, from: seq },
            PASSED_OVER.. => Self::PassedOver { kind, key },
            _ => return None,
        })
    }
}

fn key(stream: u32, seq: Seq, writing: u64, n: u32) -> [u8; 32] {
    let mut key = [0; 32];
    let parts = stream.to_le_bytes().into_iter().chain(seq.0.to_le_bytes());
    let parts = parts.chain(writing.to_le_bytes()).chain(n.to_le_bytes());
    key.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    key
}

/// The message, and behind it the body that is named.
fn email_key(id: EmailId, names: Option<BodyPrefix>) -> [u8; 32] {
    let mut key = key(id.mailbox, Seq(id.uid.into()), 0, 0);
    if let (Some(BodyPrefix(name)), Some(octets)) = (names, key.last_chunk_mut()) {
        *octets = name;
    }
    key
}

fn named(key: &[u8; 32]) -> Option<BodyPrefix> {
    key.last_chunk().filter(|octets| **octets != [0; 24]).map(|octets| BodyPrefix(*octets))
}

/// How a payload is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// As it is.
    Plain,
    /// One zstd frame.
    Zstd,
}

/// A record on its way into the log.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// What it is about.
    pub(crate) subject: Subject,
    /// How the payload is stored.
    pub(crate) codec: Codec,
    /// Octets of the payload before its codec.
    pub(crate) raw_length: u32,
    /// The payload as stored.
    pub(crate) payload: Bytes,
}

impl Draft {
    /// A record whose payload is stored as it is.
    pub(crate) fn plain(subject: Subject, payload: Bytes) -> Self {
        Self { subject, codec: Codec::Plain, raw_length: length_u32(&payload), payload }
    }

    /// Octets that it takes in the log.
    pub(crate) fn stored_length(&self) -> usize {
        RECORD_HEADER + padded(self.payload.len())
    }

    /// The header that goes with it.
    pub(crate) fn header(&self, account: AccountId, log_number: u64) -> RecordHeader {
        RecordHeader {
            subject: self.subject,
            codec: self.codec,
            account,
            log_number,
            stored_length: length_u32(&self.payload),
            raw_length: self.raw_length,
            checksum: xxh3_64(&self.payload),
        }
    }
}

/// The first octets of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    /// What it is about.
    pub(crate) subject: Subject,
    /// How the payload is stored.
    pub(crate) codec: Codec,
    /// Whose.
    pub(crate) account: AccountId,
    /// Its number in the log, for ever.
    pub(crate) log_number: u64,
    /// Octets of the payload as stored.
    pub(crate) stored_length: u32,
    /// Octets of the payload before its codec.
    pub(crate) raw_length: u32,
    /// Checksum of the payload as stored.
    pub(crate) checksum: u64,
}

impl RecordHeader {
    /// Writes the header; the payload and its padding follow.
    pub(crate) fn encode(&self, salt: u64, out: &mut Vec<u8>) {
        let start = out.len();
        let (kind, key) = self.subject.encode();
        let codec = match self.codec {
            Codec::Plain => 0,
            Codec::Zstd => 1,
        };
        out.extend_from_slice(RECORD_MAGIC);
        out.extend_from_slice(&[kind, codec, 0, 0]);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        out.extend_from_slice(&key);
        out.extend_from_slice(&self.log_number.to_le_bytes());
        out.extend_from_slice(&self.stored_length.to_le_bytes());
        out.extend_from_slice(&self.raw_length.to_le_bytes());
        out.extend_from_slice(&self.checksum.to_le_bytes());
        push_checksum(out, start, salt);
    }

    /// Reads a header; `None` when it is not one of this segment, whole.
    pub(crate) fn decode(bytes: &[u8], salt: u64) -> Option<Self> {
        let bytes = bytes.get(..RECORD_HEADER).filter(|b| b.starts_with(RECORD_MAGIC))?;
        let bytes = checked(bytes, salt)?;
        let stored_length = u32_at(bytes, 56)?;
        Some(Self {
            subject: Subject::decode(*bytes.get(4)?, array_at(bytes, 16)?)?,
            codec: match bytes.get(5)? {
                0 => Codec::Plain,
                1 => Codec::Zstd,
                _ => return None,
            },
            account: AccountId(u64_at(bytes, 8)?),
            log_number: u64_at(bytes, 48)?,
            stored_length: (stored_length as usize <= MAX_FRAME).then_some(stored_length)?,
            raw_length: u32_at(bytes, 60)?,
            checksum: u64_at(bytes, 64)?,
        })
    }

    /// Whether these are the octets that were stored.
    pub(crate) fn fits(&self, payload: &[u8]) -> bool {
        payload.len() == self.stored_length as usize && xxh3_64(payload) == self.checksum
    }

    /// Octets of header, payload and padding.
    pub(crate) fn whole_length(&self) -> usize {
        RECORD_HEADER + padded(self.stored_length as usize)
    }
}

/// The last octets of a sealed segment: where its footer is.
pub(crate) fn trailer(footer: u64, salt: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(TRAILER);
    out.extend_from_slice(TRAILER_MAGIC);
    out.extend_from_slice(&footer.to_le_bytes());
    push_checksum(&mut out, 0, salt);
    out
}

/// Where the footer of a sealed segment is, by its trailer.
pub(crate) fn footer_of(trailer: &[u8], salt: u64) -> Option<u64> {
    let content = checked(trailer, salt).filter(|b| b.starts_with(TRAILER_MAGIC))?;
    u64_at(content, 8)
}

/// Whether a file of this length is sealed right behind `end`: with a second header, or without one as those of before.
pub(crate) const fn is_sealed_behind(end: u64, length: u64) -> bool {
    has_second_header(end, length) || length == end.saturating_add(TRAILER as u64)
}

/// Whether a file of this length has a second header at `end`.
pub(crate) const fn has_second_header(end: u64, length: u64) -> bool {
    length == end.saturating_add(SEAL as u64)
}

/// The next multiple of 8.
pub(crate) const fn padded(length: usize) -> usize {
    length.next_multiple_of(8)
}

/// A length that our limits keep below 32 bits: nothing larger than [`MAX_FRAME`] gets here.
fn length_u32(payload: &[u8]) -> u32 {
    u32::try_from(payload.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            store: [7; 16],
            number: 3,
            follows: Some(LogPosition { segment: 2, offset: 4096 }),
            first_group: 9,
            salt: 0x5a17,
            whole_through: 96,
            rewriting: None,
        }
    }

    fn record() -> RecordHeader {
        let subject = Subject::Piece { stream: 5, at: Seq(77), writing: 1 << 40, piece: 2 };
        Draft::plain(subject, Bytes::from_static(b"payload")).header(AccountId(12), 345)
    }

    #[test]
    fn the_manual_draws_the_files_as_the_code_does() {
        let manual = include_str!("../../../../docs/storage.md");
        for source in [include_str!("format.rs"), include_str!("../body_file.rs")] {
            let drawn = source.lines().skip_while(|line| *line != "//! ```text").skip(1);
            let drawn = drawn.take_while(|line| *line != "//! ```");
            let drawn: Vec<&str> = drawn.map(|line| line.get(4..).unwrap_or_default()).collect();
            assert!(drawn.len() > 8);
            assert!(manual.contains(&drawn.join("\n")), "docs/storage.md draws something else");
        }
    }

    #[test]
    fn a_segment_header_reads_back_as_it_was_written() {
        let bytes = header().encode();
        assert_eq!(bytes.len(), SEGMENT_HEADER);
        assert_eq!(SegmentHeader::decode(&bytes), Some(header()));
        let rewriting = Some(Rewriting { number: 7, stands_for: 70_000, judged_through: 5 });
        let rewritten = SegmentHeader { whole_through: 4_096, rewriting, ..header() };
        assert_eq!(SegmentHeader::decode(&rewritten.encode()), Some(rewritten.clone()));
        assert_eq!(rewritten.left_at(70_000), Some(4_096));
        assert_eq!(rewritten.left_at(4_096), None);
        assert_eq!(rewritten.position(4_096).offset, 70_000);
    }

    #[test]
    fn a_segment_of_another_version_is_told_from_a_damaged_one() {
        let mut bytes = header().encode();
        bytes[8] = 3;
        assert_eq!(SegmentHeader::read(&bytes), None);
        bytes.truncate(SEGMENT_HEADER - 8);
        push_checksum(&mut bytes, 0, 0);
        assert_eq!(SegmentHeader::read(&bytes), Some(Heading::OfVersion(3)));
        assert_eq!(SegmentHeader::decode(&bytes), None);
    }

    #[test]
    fn a_kind_below_128_that_is_not_known_is_no_record() {
        let known: Vec<u8> = (0..=255).filter(|kind| Subject::decode(*kind, [0; 32]).is_some()).collect();
        assert_eq!(known, (1..=14).chain(128..=255).collect::<Vec<_>>());
    }

    #[test]
    fn a_frame_header_reads_back_with_its_salt_only() {
        let frame = FrameHeader {
            kind: FrameKind::Commit,
            group: 4,
            account: AccountId(12),
            commit: Some(CommitId([9; 16])),
            first_number: 300,
            count: 2,
            length: 176,
            group_offset: 96,
        };
        let mut bytes = Vec::new();
        frame.encode(1, &mut bytes);
        assert_eq!(bytes.len(), FRAME_HEADER);
        assert_eq!(FrameHeader::decode(&bytes, 1), Some(frame));
        assert_eq!(FrameHeader::decode(&bytes, 2), None);
    }

    #[test]
    fn every_kind_of_record_reads_back_as_it_was_written() {
        let email = EmailId { mailbox: 8, uid: 9 };
        let (stream, seq) = (0xaabb_ccdd, Seq(0x1122_3344_5566_7788));
        let subjects = [
            Subject::Event { stream, seq },
            Subject::Head { stream, seq },
            Subject::Record(email, None),
            Subject::Record(email, Some(BodyId([4; 32]).prefix())),
            Subject::RecordGone(email),
            Subject::Body(BodyId([1; 32])),
            Subject::BodyFile(BodyId([2; 32])),
            Subject::BodyGone(BodyId([3; 32])),
            Subject::Piece { stream, at: seq, writing: 6, piece: 7 },
            Subject::Snapshot { stream, at: seq, writing: 6, pieces: 7 },
            Subject::Trimmed { stream, through: seq },
            Subject::Dropped { stream },
            Subject::Quarantined { stream, last_good: seq },
            Subject::Footer,
            Subject::Anew { stream, from: seq },
            Subject::PassedOver { kind: 128, key: [9; 32] },
            Subject::PassedOver { kind: 255, key: [10; 32] },
        ];
        for subject in subjects {
            let header = RecordHeader { subject, ..record() };
            let mut bytes = Vec::new();
            header.encode(1, &mut bytes);
            assert_eq!(bytes.len(), RECORD_HEADER);
            assert_eq!(RecordHeader::decode(&bytes, 1), Some(header));
        }
    }

    #[test]
    fn no_flipped_bit_of_a_header_goes_unnoticed() {
        let mut bytes = Vec::new();
        record().encode(1, &mut bytes);
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(RecordHeader::decode(&bad, 1), None, "bit {bit}");
        }
    }

    #[test]
    fn a_short_header_is_none() {
        let mut bytes = Vec::new();
        record().encode(1, &mut bytes);
        assert_eq!(RecordHeader::decode(&bytes[..RECORD_HEADER - 1], 1), None);
        assert_eq!(SegmentHeader::decode(&header().encode()[..50]), None);
    }

    #[test]
    fn the_trailer_leads_to_the_footer() {
        assert_eq!(footer_of(&trailer(640, 1), 1), Some(640));
        assert_eq!(footer_of(&trailer(640, 1), 2), None);
    }
}
