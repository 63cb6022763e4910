//! How many commits the server took together, as its log tells: the frames that were written and synced at once bear
//! the number of one group. `log/format.rs` of `store-local` draws a segment; what is read here is read with eyes of
//! our own, for a server that counts its own commits agrees with itself.
//!
//! A server that starts copies what its index has not seen into a fresh segment, at once: what a segment was born with
//! says nothing of who waited for whom.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How many commits each group has, by the group's number.
pub(crate) type Groups = BTreeMap<u64, usize>;

/// Where a segment's header says up to where it was born.
const WHOLE_THROUGH: usize = 72;
const FRAME_HEADER: usize = 72;
const COMMIT: u8 = 1;

/// The groups in a store's log behind the group `behind`.
pub(crate) fn groups(mail: &Path, behind: u64) -> Groups {
    let mut groups = Groups::new();
    for segment in fs::read_dir(mail.join("log")).unwrap() {
        let path = segment.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            count(&fs::read(path).unwrap(), &mut groups);
        }
    }
    groups.split_off(&(behind + 1))
}

/// Goes from frame to frame until something else is there: the trailer, or what the kill tore.
fn count(segment: &[u8], groups: &mut Groups) {
    let Some(born) = segment.get(WHOLE_THROUGH..).and_then(|rest| rest.first_chunk()) else { return };
    let born = usize::try_from(u64::from_le_bytes(*born)).unwrap();
    let mut rest = segment.get(born..).unwrap_or_default();
    while let Some(header) = rest.get(..FRAME_HEADER).filter(|header| header.starts_with(b"FRAM")) {
        let number = |at: usize| u64::from_le_bytes(*header[at..].first_chunk().unwrap());
        let is_named = header[24..40].iter().any(|octet| *octet != 0);
        if header[4] == COMMIT && is_named {
            *groups.entry(number(8)).or_default() += 1;
        }
        let records = u32::from_le_bytes(*header[52..].first_chunk().unwrap());
        rest = rest.get(FRAME_HEADER + usize::try_from(records).unwrap()..).unwrap_or_default();
    }
}
