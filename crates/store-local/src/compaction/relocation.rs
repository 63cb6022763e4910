//! When a segment was rewritten, the entries of the index that led into the old files are led to where their records lie
//! now. What was cut off there is done again, by the next opening or by the recovery of a store that serves: which
//! rewritten segments an index leads into as they are now, it says itself.

use crate::OpenError;
use crate::check::entries;
use crate::index::change::{Change, changes};
use crate::index::kv::{Key, KvError, Value};
use crate::index::tail::Generation;
use crate::index::value::Place;
use crate::index::{Index, Known, Rewritings, note_rewritings};
use crate::log::chain::Chain;
use crate::log::format::{SEGMENT_HEADER, SegmentHeader, Subject};
use crate::log::frames::{Found, Frame, Octets, State, Step};
use crate::log::replay::read_file;
use crate::log::segments::{LOG_DIRECTORY, Segments, segment_path, unborn_path};
use crate::recovery::index_error;
use std::io;
use std::path::{Path, PathBuf};

/// Entries that are led elsewhere at once.
pub(super) const AT_ONCE: usize = 1_000;

/// A record of a rewritten segment: the entry that leads there, and what that has to say now.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    key: Key,
    value: Value,
    log_number: u64,
}

/// The records of a rewritten segment to which entries may lead.
pub(super) fn moved(segment: u64, frames: &[Frame]) -> Vec<Moved> {
    frames.iter().flat_map(|frame| &frame.records).filter_map(|found| moved_to(found, segment)).collect()
}

/// The same, of one that lies on the disk.
fn moved_on_disk(segments: &Segments, header: &SegmentHeader) -> io::Result<Vec<Moved>> {
    let bytes = read_file(segments, header.number, 0)?;
    let end = usize::try_from(header.whole_through).unwrap_or(usize::MAX).min(bytes.len());
    let octets = Octets { header, bytes: bytes.get(..end).unwrap_or_default() };
    let (mut frames, mut offset) = (Vec::new(), SEGMENT_HEADER);
    while offset < end {
        let (step, next) = octets.step(offset, end);
        match step {
            Step::Whole(frame) | Step::Rotten(frame, _) => frames.push(frame),
            Step::End => break,
        }
        offset = next;
    }
    Ok(moved(header.number, &frames))
}

fn moved_to(found: &Found, segment: u64) -> Option<Moved> {
    let header = &found.header;
    let led_to = matches!(
        header.subject,
        Subject::Event { .. } | Subject::Record(..) | Subject::Body(_) | Subject::Piece { .. }
    );
    if !led_to || found.state == State::Rotten {
        return None;
    }
    let place = Place {
        segment,
        offset: found.offset as u64,
        stored_length: header.stored_length,
        log_number: header.log_number,
    };
    let mut entry = None;
    changes(header, place, &[], &mut |change| {
        if let Change::Set(key, Some(value)) = change {
            entry = Some((key, value));
        }
    });
    entry.map(|(key, value)| Moved { key, value, log_number: header.log_number })
}

/// What changes in the index when the entries that still lead to these records are led to where they lie now.
pub(super) fn lead(index: &Index, moved: &[Moved]) -> Result<Generation, KvError> {
    let keys: Vec<Key> = moved.iter().map(|moved| moved.key.clone()).collect();
    let now = index.get_all(&keys)?;
    let mut led = Generation::default();
    for (moved, now) in moved.iter().zip(now) {
        let leads_there = |now: &Value| {
            entries::place(&moved.key, now).is_some_and(|place| place.log_number == moved.log_number)
        };
        if now.as_ref().is_some_and(|now| *now != moved.value && leads_there(now)) {
            led.apply(Change::Set(moved.key.clone(), Some(moved.value.clone())));
        }
    }
    Ok(led)
}

/// Notes that the entries lead into a rewritten segment as it is now, which is certain to last.
pub(super) fn finish(index: &Index, header: &SegmentHeader) -> Result<(), KvError> {
    let mut known = index.rewritings()?;
    known.insert(header.number, Known { number: header.rewriting_number(), lasts: true });
    let mut noted = Generation::default();
    note_rewritings(&known, &mut noted);
    index.publish(noted);
    Ok(())
}

/// Does what is left to be done of it, while nobody else writes. Segments that the index has not taken in are not its
/// business.
pub(crate) fn catch_up(index: &Index, segments: &Segments, chain: &Chain) -> Result<(), OpenError> {
    let Some(checkpoint) = index.checkpoint() else { return Ok(()) };
    let mut known = index.rewritings().map_err(index_error)?;
    let number =
        |known: &Rewritings, header: &SegmentHeader| known.get(&header.number).map_or(0, |k| k.number);
    let news: Vec<&SegmentHeader> = chain
        .links
        .iter()
        .map(|link| &link.header)
        .filter(|header| header.number <= checkpoint.position.segment)
        .filter(|header| header.rewriting_number() > number(&known, header))
        .collect();
    if news.is_empty() {
        return Ok(());
    }
    for header in news {
        // Where nothing lies that would go, a power cut brings back the file of before, and the index is made again.
        let lasts = has_replaced(chain, header) && make_last(segments, header.number)?;
        let moved = moved_on_disk(segments, header)?;
        for some in moved.chunks(AT_ONCE) {
            index.publish(lead(index, some).map_err(index_error)?);
        }
        known.insert(header.number, Known { number: header.rewriting_number(), lasts });
    }
    let in_log = |number: &u64| chain.links.iter().any(|link| link.header.number == *number);
    known.retain(|number, _| in_log(number));
    let mut noted = Generation::default();
    note_rewritings(&known, &mut noted);
    index.publish(noted);
    Ok(())
}

/// What an index that has just taken in a segment knows of it. Where files lie that it took the place of, it is made to last
/// before they go.
pub(crate) fn taken_in(
    segments: &Segments,
    chain: &Chain,
    header: &SegmentHeader,
    known: &mut Rewritings,
) -> io::Result<()> {
    let number = header.rewriting_number();
    let lasted = known.get(&header.number).is_some_and(|known| known.number == number && known.lasts);
    let lasts = lasted || (has_replaced(chain, header) && make_last(segments, header.number)?);
    known.insert(header.number, Known { number, lasts });
    Ok(())
}

/// Whether files are still there in whose place a segment lies.
fn has_replaced(chain: &Chain, header: &SegmentHeader) -> bool {
    !chain.leftovers_before(header).is_empty()
}

/// Whether files that no chain leads to must stay: one in whose place they lay may still be lost to a power cut.
pub(crate) fn must_stay(index: &Index, chain: &Chain) -> Result<Vec<PathBuf>, KvError> {
    let known = index.rewritings()?;
    let lasts = |header: &SegmentHeader| known.get(&header.number).is_some_and(|known| known.lasts);
    let headers = chain.links.iter().map(|link| &link.header);
    let in_doubt = headers.filter(|header| header.rewriting.is_some() && !lasts(header));
    Ok(in_doubt.flat_map(|header| chain.leftovers_before(header)).collect())
}

/// A segment that has its name may have got it by a rename that was never made durable: the sync of the directory failed, or
/// we did not live to see it. A sync is not tried again. So a copy gets the name once more. `false` where there is no room
/// for one: then what lay there before has to stay.
fn make_last(segments: &Segments, number: u64) -> io::Result<bool> {
    let disk = &segments.disk;
    let unborn = unborn_path(number);
    let written = write_again(segments, number, &unborn);
    if let Err(e) = written {
        // What is left of it goes with the next opening.
        let _ = disk.unlink(&unborn);
        return if e.kind() == io::ErrorKind::StorageFull { Ok(false) } else { Err(e) };
    }
    segments.let_go(&[number]);
    Ok(true)
}

fn write_again(segments: &Segments, number: u64, unborn: &Path) -> io::Result<()> {
    let disk = &segments.disk;
    let bytes = read_file(segments, number, 0)?;
    let copy = disk.create(unborn)?;
    copy.write_at(&bytes, 0)?;
    copy.sync_all()?;
    disk.rename(unborn, &segment_path(number))?;
    disk.sync_dir(Path::new(LOG_DIRECTORY))
}

/// Whether an index leads into a segment as it was after a rewriting of which the log knows nothing: then the disk has
/// lost what it said was safe, and the entries lead nowhere.
pub(crate) fn is_ahead(index: &Index, chain: &Chain) -> Result<bool, KvError> {
    let known = index.rewritings()?;
    Ok(chain.links.iter().any(|link| {
        known.get(&link.header.number).is_some_and(|known| known.number > link.header.rewriting_number())
    }))
}
