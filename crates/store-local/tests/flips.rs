//! Rot: a bit is flipped, a block zeroed or a file cut short, anywhere in a store whose content is known. Whatever it is,
//! no reader gets other octets than were stored (but see `may_lead_astray`); what cannot be read is exactly what a check names; everything else can;
//! and the store opens again.
//!
//! `GATEPOST_SEEDS=5000 cargo test -p store-local --test flips -- --nocapture` tries more, and prints what came of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test may panic")]

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use store::conformance::block_on;
use store::{
    AccountId, Append, Body, BodyId, Commit, CommitId, Committed, EmailId, EmailRange, Head, Seq, Snapshot,
    Store, StoreError, StreamId,
};
use store_local::disk::Disk;
use store_local::{Damage, Extent, LocalStore, Lost, OpenError, Options, Progress, Pump, Recovered, Tally};
use testkit::dice::Dice;
use testkit::disk::FaultyDisk;
use testkit::seeds;

const INDEX: &str = "index.redb";
const SEGMENT_HEADER: usize = 96;
/// What a sealed segment ends with.
const SEAL: usize = 120;

/// What was stored.
#[derive(Default)]
struct Content {
    events: BTreeMap<(StreamId, Seq), Bytes>,
    heads: BTreeMap<StreamId, (Seq, Head)>,
    records: BTreeMap<(AccountId, EmailId), Bytes>,
    bodies: BTreeMap<(AccountId, BodyId), Bytes>,
    snapshots: BTreeMap<(StreamId, Seq), Vec<Bytes>>,
}

/// The files of a store, and what is in them.
struct Stored {
    files: BTreeMap<String, Vec<u8>>,
    content: Content,
    /// The index as it was before some was forgotten.
    earlier_index: Vec<u8>,
}

fn options() -> Options {
    // Small segments, and an index of which nothing is remembered.
    Options { segment_octets: 24_000, index_cache_octets: 0, ..Options::default() }
}

impl Stored {
    fn new() -> Self {
        let disk = FaultyDisk::new(1);
        let store = LocalStore::open_on(Arc::new(disk.clone()), &options()).unwrap();
        let mut content = Content::default();
        let mut dice = Dice::new(7);
        for round in 1..=60 {
            for account in 1..=3 {
                write(&store, &mut content, AccountId(account), round, &mut dice);
            }
            if round == 30 {
                // So that there are segments that were rewritten, and such as were not.
                assert!(store.compact(Extent::Everything).unwrap().segments > 2);
            }
        }
        for account in 1..=2 {
            let body = Bytes::from(dice.octets(300_000 + 70_000 * account as usize));
            let mut writer = block_on(store.stage_body(AccountId(account))).unwrap();
            block_on(writer.write(body.clone())).unwrap();
            let (id, _) = block_on(writer.finish()).unwrap();
            content.bodies.insert((AccountId(account), id), body);
        }
        store.close().unwrap();
        let earlier_index = files_of(&disk).remove(INDEX).unwrap();
        let store = LocalStore::open_on(Arc::new(disk.clone()), &options()).unwrap();
        forget_some(&store, &mut content);
        store.close().unwrap();
        Self { files: files_of(&disk), content, earlier_index }
    }

    fn disk(&self) -> FaultyDisk {
        let disk = FaultyDisk::new(2);
        ["log", "bodies", "bodies/staging"].iter().for_each(|dir| disk.create_dir(Path::new(dir)).unwrap());
        for (name, octets) in &self.files {
            disk.create(Path::new(name)).unwrap().write_at(octets, 0).unwrap();
        }
        disk
    }
}

fn write(store: &LocalStore, content: &mut Content, account: AccountId, round: u64, dice: &mut Dice) {
    let stream = StreamId { account, number: 1 + (round % 2) as u32 };
    let last = content.heads.get(&stream).map_or(Seq::NONE, |(seq, _)| *seq);
    let event = Bytes::from(dice.octets(40 + dice.clone().below(60_usize)));
    let head = Head(Bytes::from(format!("head {round} of {account:?}")));
    let email = EmailId { mailbox: stream.number, uid: (1 + round % 50) as u32 };
    let record = Bytes::from(dice.octets(200));
    let body = match round % 3 {
        0 => Bytes::from(format!("compressible {round} ").repeat(300)),
        _ => Bytes::from(dice.octets(900)),
    };
    let commit = Commit {
        account,
        id: CommitId((u128::from(round) << 64 | u128::from(account.0)).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::from_static(b"a test"),
        appends: vec![Append { stream, expected: last, events: vec![event.clone()], head: head.clone() }],
        records: vec![(email, Some(record.clone().into()))],
        bodies: vec![Body::new(body.clone())],
    };
    assert_eq!(block_on(store.commit(commit)).unwrap(), Committed::Done);
    content.events.insert((stream, last.plus(1)), event);
    content.heads.insert(stream, (last.plus(1), head));
    content.records.insert((account, email), record);
    content.bodies.insert((account, BodyId::of(&body)), body);
    if round.is_multiple_of(20) {
        let at = last.plus(1);
        let pieces = vec![Bytes::from(dice.octets(500)), Bytes::from(dice.octets(300))];
        block_on(store.put_snapshot(stream, Snapshot { at, pieces: pieces.clone() })).unwrap();
        content.snapshots.insert((stream, at), pieces);
    }
}

/// Some events are trimmed, a stream is dropped, a body is deleted: damage to what they were costs nothing.
fn forget_some(store: &LocalStore, content: &mut Content) {
    let (stream, through) = (StreamId { account: AccountId(1), number: 1 }, Seq(10));
    block_on(store.trim(stream, through)).unwrap();
    content.events.retain(|(of, seq), _| *of != stream || *seq > through);
    content.snapshots.retain(|(of, at), _| *of != stream || *at >= through);
    let dropped = StreamId { account: AccountId(3), number: 2 };
    block_on(store.drop_stream(dropped)).unwrap();
    content.events.retain(|(of, _), _| *of != dropped);
    content.snapshots.retain(|(of, _), _| *of != dropped);
    content.heads.remove(&dropped);
    let (account, id) = *content.bodies.keys().next().unwrap();
    block_on(store.delete_body(account, id)).unwrap();
    content.bodies.remove(&(account, id));
}

fn files_of(disk: &FaultyDisk) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for directory in ["", "log", "bodies"] {
        for name in disk.list(Path::new(directory)).unwrap() {
            let path = Path::new(directory).join(name);
            let Ok(file) = disk.open(&path) else { continue };
            let mut octets = vec![0; file.length().unwrap() as usize];
            file.read_exact_at(&mut octets, 0).unwrap();
            files.insert(path.display().to_string(), octets);
        }
    }
    files.remove("lock");
    files
}

#[derive(Clone, Copy, Debug)]
enum Flip {
    Bit(u8),
    ZeroBlock,
    Truncate,
}

/// A flip and where it is.
#[derive(Clone, Debug)]
struct Where {
    flip: Flip,
    file: String,
    at: usize,
    length: usize,
    /// A page of the index may name another one in place of its child; redb does not test that when it reads. Then
    /// what is there is not found, or an earlier record in its place, until a check comes by: the one thing that is
    /// found out late.
    may_lead_astray: bool,
}

impl Where {
    fn any(disk: &FaultyDisk, dice: &mut Dice) -> Self {
        let files = files_of(disk);
        let kind = dice.pick(&["log/", "log/", INDEX, "bodies/"]);
        let of_kind: Vec<_> =
            files.iter().filter(|(name, octets)| name.starts_with(kind) && !octets.is_empty()).collect();
        let (file, octets) = of_kind[dice.below(of_kind.len())];
        let flip = match dice.below(4) {
            0 => Flip::ZeroBlock,
            1 => Flip::Truncate,
            _ => Flip::Bit(dice.below(8)),
        };
        Self {
            flip,
            file: file.clone(),
            at: dice.below(octets.len()),
            length: octets.len(),
            may_lead_astray: false,
        }
    }

    fn happen(&self, disk: &FaultyDisk) {
        let file = disk.open(Path::new(&self.file)).unwrap();
        match self.flip {
            Flip::Bit(bit) => disk.flip_bit(&self.file, self.at, bit),
            Flip::ZeroBlock => {
                let (from, to) = self.block();
                file.write_at(&vec![0; to - from], from as u64).unwrap();
            }
            Flip::Truncate => file.truncate(self.at as u64).unwrap(),
        }
    }

    fn block(&self) -> (usize, usize) {
        let from = self.at / 4096 * 4096;
        (from, (from + 4096).min(self.length))
    }

    fn first(&self) -> usize {
        if matches!(self.flip, Flip::ZeroBlock) { self.block().0 } else { self.at }
    }

    /// Whether nothing of a segment says any more which one it is: neither its first octets, where more than a bit of them
    /// is gone, nor its last ones, which the one that is still written does not have.
    fn silences_a_segment(&self, disk: &FaultyDisk) -> bool {
        let is_last = || files_of(disk).keys().rfind(|name| name.starts_with("log/")) == Some(&self.file);
        let second_is_gone = || match self.flip {
            Flip::Truncate => true,
            _ => self.block().1 + SEAL > self.length,
        };
        self.file.starts_with("log/")
            && self.first() < SEGMENT_HEADER
            && !matches!(self.flip, Flip::Bit(_))
            && (is_last() || second_is_gone())
    }
}

/// What a reader gets when it asks for everything.
#[derive(Default)]
struct Asked {
    unreadable: BTreeSet<Lost>,
    /// Answers that said nothing of what it is that they do not find: the index is being made again.
    unavailable: u64,
    /// What a reader was led past by an index that has rotted.
    astray: u64,
}

impl Asked {
    /// Panics where a reader gets something else than was stored.
    fn everything(store: &LocalStore, content: &Content, what: &Where) -> Self {
        let mut asked = Self::default();
        for (&(stream, seq), event) in &content.events {
            let read = block_on(store.read(stream, Seq(seq.0 - 1), 1));
            let right = |read: &[store::Event]| {
                read.first().is_some_and(|read| read.payload == event && read.seq == seq)
            };
            asked.hear(read.map(|read| right(&read)), Lost::Event { stream, seq }, what);
        }
        for (&stream, head) in &content.heads {
            let read = block_on(store.heads(&[stream]));
            asked.hear(
                read.map(|read| read[0].as_ref() == Some(head)),
                Lost::Event { stream, seq: Seq::NONE },
                what,
            );
        }
        for (&(account, email), record) in &content.records {
            let read = block_on(store.records(account, &[EmailRange { first: email, last: email }]));
            asked.hear(
                read.map(|read| read == [(email, record.clone())]),
                Lost::Record { account, email },
                what,
            );
        }
        for (&(account, body), octets) in &content.bodies {
            let read = block_on(store.body(account, body, 0, usize::MAX >> 1));
            asked.hear(read.map(|read| read.as_ref() == Some(octets)), Lost::Body { account, body }, what);
        }
        for (&(stream, at), pieces) in &content.snapshots {
            let read = block_on(store.snapshot_at(stream, at));
            let right =
                |read: Option<Snapshot>| read.is_some_and(|read| read.at == at && read.pieces == *pieces);
            asked.hear(read.map(right), Lost::Snapshot { stream, at }, what);
        }
        asked
    }

    fn hear(&mut self, answer: Result<bool, StoreError>, of: Lost, what: &Where) {
        match answer {
            Ok(false) if what.may_lead_astray => self.astray += 1,
            Ok(right) => assert!(right, "{what:?}: {of} reads back as something else"),
            Err(StoreError::Damaged { .. }) => drop(self.unreadable.insert(of)),
            Err(StoreError::Unavailable { .. }) => self.unavailable += 1,
            Err(other) => panic!("{what:?}: {other}"),
        }
    }
}

/// Checks everything, and recovers where that asks for it.
fn check(store: &LocalStore, pump: &mut Pump) -> (Vec<Damage>, Tally) {
    let mut check = store.check(None);
    let mut waits = 0;
    loop {
        match check.step().unwrap() {
            Progress::Read(_) => {}
            Progress::Waits => {
                waits += 1;
                assert!(waits < 9, "it waits for ever");
                assert_ne!(pump.try_to_recover(), Recovered::NotYet);
            }
            Progress::Done => return (check.damages().to_vec(), check.tally()),
        }
    }
}

/// What came of all flips.
#[derive(Default, Debug)]
struct Numbers {
    flips: u64,
    named: u64,
    losses: u64,
    harmless: u64,
    refused: u64,
    /// Flips by which a reader was led astray before the check came by.
    astray: u64,
}

#[test]
fn a_sound_store_is_found_sound_and_everything_in_it_was_looked_at() {
    let stored = Stored::new();
    let disk = stored.disk();
    let (store, mut pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &options()).unwrap();
    let (damages, tally) = check(&store, &mut pump);
    assert_eq!(damages, []);
    assert_eq!(tally.body_files, 2);
    assert!(tally.segments > 8 && tally.records > 600 && tally.entries > 400, "{tally:?}");
    let log: usize = stored
        .files
        .iter()
        .filter(|(name, _)| name.starts_with("log/"))
        .map(|(_, octets)| octets.len())
        .sum();
    assert!(disk.octets_read("log") >= log as u64, "{} of {log}", disk.octets_read("log"));
}

#[test]
fn whatever_rots_under_a_running_store_is_named_or_costs_nothing_and_nobody_reads_it() {
    let stored = Stored::new();
    let mut numbers = Numbers::default();
    for seed in seeds::to_try(200) {
        let mut dice = Dice::new(seed);
        let disk = stored.disk();
        let (store, mut pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &options()).unwrap();
        let what = Where::any(&disk, &mut dice);
        what.happen(&disk);
        let mut early = what.clone();
        early.may_lead_astray = what.file == INDEX;
        let before = dice.chance(50).then(|| Asked::everything(&store, &stored.content, &early));
        numbers.astray +=
            before.iter().map(|before| before.astray).filter(|astray| *astray > 0).count() as u64;
        judge(seed, &what, &stored, (&store, &mut pump), before, &mut numbers);
    }
    println!("under a running store: {numbers:?}");
    assert!(numbers.astray * 200 <= numbers.flips, "{numbers:?}");
}

#[test]
fn whatever_rots_while_nobody_looks_the_store_opens_and_names_it() {
    let stored = Stored::new();
    let mut numbers = Numbers::default();
    for seed in seeds::to_try(200) {
        let mut dice = Dice::new(!seed);
        let disk = stored.disk();
        let what = Where::any(&disk, &mut dice);
        what.happen(&disk);
        match LocalStore::open_with_pump(Arc::new(disk.clone()), &options()) {
            Ok((store, mut pump)) => judge(seed, &what, &stored, (&store, &mut pump), None, &mut numbers),
            // It names the file.
            Err(OpenError::Damaged { what: named, .. }) if what.silences_a_segment(&disk) => {
                assert!(
                    named.contains(what.file.trim_start_matches("log/")),
                    "seed {seed}: {named}, {what:?}"
                );
                numbers.flips += 1;
                numbers.refused += 1;
            }
            Err(why) => panic!("seed {seed}: {why}: {what:?}"),
        }
    }
    println!("while it was closed: {numbers:?}");
}

#[test]
fn a_compaction_that_goes_by_a_rotten_index_throws_nothing_away_that_the_log_has() {
    const PAGE: usize = 4096;
    let stored = Stored::new();
    let (mut rewritten, mut stale) = (0, 0);
    for seed in seeds::to_try(60) {
        let mut dice = Dice::new(seed);
        let disk = stored.disk();
        let (store, mut pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &options()).unwrap();
        let index = files_of(&disk).remove(INDEX).unwrap();
        let length = index.len();
        let what = Where {
            flip: dice.pick(&[Flip::Bit(3), Flip::ZeroBlock, Flip::Truncate]),
            file: INDEX.to_owned(),
            at: dice.below(length),
            length,
            may_lead_astray: true,
        };
        if dice.chance(50) {
            // A write that was lost: a page is as it was before.
            let page = dice.below(length / PAGE) * PAGE;
            if let Some(before) = stored.earlier_index.get(page..page + PAGE) {
                disk.open(Path::new(INDEX)).unwrap().write_at(before, page as u64).unwrap();
                stale += 1;
            }
        } else {
            what.happen(&disk);
        }
        for _ in 0..3 {
            rewritten += pump.compact(Extent::Everything, u64::MAX).map_or(0, |done| done.segments);
            pump.try_to_recover();
        }
        drop((store, pump));
        LocalStore::forget_index(&disk).unwrap();
        let store = LocalStore::open_on(Arc::new(disk.clone()), &options()).unwrap();
        let asked =
            Asked::everything(&store, &stored.content, &Where { may_lead_astray: false, ..what.clone() });
        assert_eq!((asked.unreadable, asked.unavailable), (BTreeSet::new(), 0), "seed {seed}: {what:?}");
        for account in 1..=3 {
            let account = AccountId(account);
            let there = block_on(store.list_bodies(account, None, usize::MAX)).unwrap();
            let should = stored.content.bodies.keys().filter(|(of, _)| *of == account).count();
            assert_eq!(there.len(), should, "seed {seed}: what was deleted came back; {what:?}");
        }
    }
    println!("{rewritten} segments rewritten, {stale} of the indices had a page of before");
    assert!(rewritten > 0 && stale > 0);
}

#[test]
fn a_branch_of_the_index_that_leads_astray_is_found_out_by_whoever_goes_by_it() {
    const PAGE: usize = 4096;
    /// What redb's pages of branches begin with.
    const BRANCH: u8 = 2;
    let stored = Stored::new();
    let mut numbers = Numbers::default();
    let disk = stored.disk();
    let pages = LocalStore::open_with_pump(Arc::new(disk.clone()), &options()).map(|_open| files_of(&disk));
    let index = &pages.unwrap()[INDEX];
    let branches = index.chunks(PAGE).enumerate().filter(|(_, page)| page.starts_with(&[BRANCH]));
    let places = branches.flat_map(|(page, _)| (0..PAGE / 4).step_by(41).map(move |at| page * PAGE + at));
    for at in places {
        let disk = stored.disk();
        let (store, mut pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &options()).unwrap();
        let what = Where {
            flip: Flip::Bit(6),
            file: INDEX.to_owned(),
            at,
            length: index.len(),
            may_lead_astray: false,
        };
        what.happen(&disk);
        let before = Asked::everything(&store, &stored.content, &what);
        judge(at as u64, &what, &stored, (&store, &mut pump), Some(before), &mut numbers);
    }
    assert!(numbers.named > 4, "{numbers:?}");
    println!("branches of the index: {numbers:?}");
}

fn judge(
    seed: u64,
    what: &Where,
    stored: &Stored,
    (store, pump): (&LocalStore, &mut Pump),
    before: Option<Asked>,
    numbers: &mut Numbers,
) {
    numbers.flips += 1;
    let (damages, _) = check(store, pump);
    // What a reader has met may have to be mended first.
    assert_ne!(pump.try_to_recover(), Recovered::NotYet, "seed {seed}: {what:?}");
    let after = Asked::everything(store, &stored.content, what);
    assert_eq!(after.unavailable, 0, "seed {seed}: {what:?}");
    let lost: BTreeSet<Lost> = damages.iter().flat_map(|damage| damage.lost.iter().copied()).collect();
    let differ: Vec<_> = after.unreadable.symmetric_difference(&lost).collect();
    let named: Vec<_> = damages.iter().map(|damage| (damage.from, damage.to, &damage.detail)).collect();
    assert!(
        differ.is_empty(),
        "seed {seed}: {what:?}: {differ:?} are only unreadable or only named; {named:?}"
    );
    if let Some(before) = before {
        // An index that has rotted may lead to another record; that is an error, until it is made again.
        let named = before.unreadable.is_subset(&lost) || what.file == INDEX;
        assert!(named, "seed {seed}: {what:?}");
    }
    for damage in &damages {
        assert_eq!(damage.file, what.file, "seed {seed}: {what:?}");
        assert!(damage.from <= damage.to, "seed {seed}: {damage:?}");
    }
    numbers.losses += lost.len() as u64;
    match damages.is_empty() {
        true => numbers.harmless += 1,
        false => numbers.named += 1,
    }
}
