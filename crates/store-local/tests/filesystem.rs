//! A filesystem whose locks do not lock, or that cannot sync, is refused before anything is stored there, in a sentence.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::Path;
use std::sync::Arc;
use store_local::disk::filesystem::{Finding, Remote, Unfit};
use store_local::disk::{Disk, RealDisk, filesystem_of};
use store_local::{LocalStore, OpenError, Options};
use support::Folder;
use testkit::disk::{Errno, FaultyDisk, Lasts, Operation, Strike};

const NFS: u64 = 0x6969;

fn open(disk: &FaultyDisk, remote: Remote) -> Result<LocalStore, OpenError> {
    LocalStore::open_on(Arc::new(disk.clone()), &Options { remote, ..Options::default() })
}

/// What is wrong with a disk, if a store is not opened on it.
fn unfit(disk: &FaultyDisk, remote: Remote) -> Option<Unfit> {
    match open(disk, remote) {
        Ok(_) => None,
        Err(OpenError::Unfit { why, .. }) => Some(why),
        Err(other) => panic!("{other}"),
    }
}

/// A disk that does not know the operation of a start that comes first, or `later` of that kind behind it.
fn without(operation: Operation, later: usize) -> FaultyDisk {
    let disk = FaultyDisk::new(1);
    disk.record();
    drop(open(&disk, Remote::Refused).unwrap());
    let recorded = disk.recorded();
    let of_that_kind = recorded.iter().enumerate().filter(|(_, recorded)| **recorded == operation);
    let at = of_that_kind.map(|(n, _)| n as u64).nth(later).unwrap();
    let disk = FaultyDisk::new(1);
    disk.strike(Strike { at, errno: Errno::Invalid, lasts: Lasts::Once });
    disk
}

#[test]
fn locks_that_two_can_have_are_refused() {
    let disk = FaultyDisk::new(1);
    disk.pretend_to_lock();
    assert_eq!(unfit(&disk, Remote::Allowed), Some(Unfit::Lock(Finding::Pretends)));
    assert_eq!(disk.list(Path::new("")).unwrap(), Vec::<String>::new(), "nothing was stored there");
}

#[test]
fn a_filesystem_that_knows_no_locks_no_syncs_or_no_renames_is_refused() {
    for (operation, later, why) in [
        (Operation::Lock, 0, Unfit::Lock(Finding::Unknown)),
        (Operation::Lock, 1, Unfit::Lock(Finding::Unknown)),
        (Operation::Sync, 0, Unfit::Sync),
        (Operation::Sync, 1, Unfit::Sync),
        (Operation::SyncDir, 0, Unfit::SyncDir),
        (Operation::Rename, 0, Unfit::Rename),
    ] {
        assert_eq!(unfit(&without(operation, later), Remote::Allowed), Some(why), "{operation:?} {later}");
    }
}

#[test]
fn a_network_filesystem_is_refused_by_its_name_unless_somebody_says_that_it_will_do() {
    let disk = FaultyDisk::new(1);
    disk.call_it(NFS);
    disk.record();
    assert_eq!(unfit(&disk, Remote::Refused), Some(Unfit::Remote("NFS")));
    assert_eq!(disk.recorded(), [], "nothing was tried there");
    let told = open(&disk, Remote::Refused).unwrap_err().to_string();
    assert!(told.starts_with("a disk in memory is no place for mail: its filesystem is NFS,"), "{told}");
    assert!(told.ends_with("set `server.network_filesystem = \"allow\"`"), "{told}");
    assert_eq!(unfit(&disk, Remote::Allowed), None);
}

#[test]
fn a_start_leaves_nothing_of_the_try_on_the_disk() {
    let folder = Folder::new();
    drop(LocalStore::open(folder.path()).unwrap());
    let mut names = RealDisk::at(folder.path()).unwrap().list(Path::new("")).unwrap();
    names.sort();
    assert_eq!(names, ["bodies", "index.redb", "lock", "log"]);
    assert_eq!(filesystem_of(folder.path()).unwrap().remote(), None, "tests run on a disk");
}

#[test]
fn what_is_reserved_is_zeros_behind_what_there_was() {
    let folder = Folder::new();
    let file = RealDisk::at(folder.path()).unwrap().create(Path::new("log")).unwrap();
    file.write_at(b"mail", 0).unwrap();
    file.reserve(10_000).unwrap();
    file.reserve(5).unwrap();
    let mut octets = vec![1; usize::try_from(file.length().unwrap()).unwrap()];
    file.read_exact_at(&mut octets, 0).unwrap();
    assert_eq!(octets.iter().position(|octet| *octet == 0), Some(4));
    assert!(octets.starts_with(b"mail") && octets.iter().skip(4).all(|octet| *octet == 0));
}
