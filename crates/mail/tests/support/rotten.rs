//! A local store with an account in it, of which anything can rot.

use super::{accounts, append, id};
use bytes::Bytes;
use mail::{Account, Accounts, Error, Mender, Mending, Origin, Repaired, Unreadable};
use mailbox::account::MailboxId;
use mailbox::{Change, Doomed, Event, Flags, MailboxState, SystemFlags};
use std::path::Path;
use std::sync::{Arc, Mutex};
use store::{AccountId, Append, Commit, CommitId, Committed, Head, Salvage, Seq, Snapshot, Store, StreamId};
use store_local::disk::Disk;
use store_local::{Damage, LocalStore, Lost, Options, Progress};
use terms::{Uid, UidSet};
use testkit::disk::FaultyDisk;

/// A store with an account, and the disk beneath it.
pub struct Home {
    pub disk: FaultyDisk,
    pub store: Arc<LocalStore>,
    pub ann: Arc<Account>,
    pub inbox: MailboxId,
    pub accounts: Accounts,
}

/// What of the log is to rot.
#[derive(Clone, Copy)]
pub enum Rotten {
    /// The header of a record: nobody can tell what it was.
    Header,
    /// What it holds.
    Payload,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Index {
    Kept,
    /// It is made again from the log.
    Lost,
}

pub const EVENT: u8 = 1;
pub const HEAD: u8 = 2;
pub const RECORD: u8 = 3;
pub const BODY: u8 = 5;
pub const PIECE: u8 = 8;

impl Home {
    pub async fn new() -> Self {
        let disk = FaultyDisk::new(1);
        let store = open(&disk);
        let plain: Arc<dyn Store> = store.clone();
        super::ann(&plain).await;
        Self::at(disk, store).await
    }

    pub async fn at(disk: FaultyDisk, store: Arc<LocalStore>) -> Self {
        let plain: Arc<dyn Store> = store.clone();
        let accounts = accounts(&plain).await;
        let ann = accounts.named("ann@example.org").unwrap();
        Self { disk, store, ann, inbox: MailboxId::FIRST, accounts }
    }

    /// Stopped and started again.
    pub async fn again(self, index: Index) -> Self {
        let disk = self.stop(index);
        let store = open(&disk);
        Self::at(disk, store).await
    }

    pub fn stop(self, index: Index) -> FaultyDisk {
        self.store.close().unwrap();
        if index == Index::Lost {
            self.disk.unlink(Path::new("index.redb")).unwrap();
        }
        self.disk
    }

    pub fn stream(&self) -> StreamId {
        StreamId { account: self.ann.id(), number: self.inbox.get() }
    }

    pub async fn append(&self, subject: &str) -> Uid {
        let text = format!("Subject: {subject}\r\n\r\n{subject} {}\r\n", "all the best ".repeat(9));
        append(&self.ann, self.inbox, &text).await.unwrap().uid
    }

    pub async fn flag(&self, uid: Uid, flags: SystemFlags) {
        self.try_to_flag(uid, flags).await.unwrap();
    }

    pub async fn try_to_flag(&self, uid: Uid, flags: SystemFlags) -> Result<(), Error> {
        let (account, uids, flags) = (self.ann.id(), UidSet::one(uid), Flags::system(flags));
        let request = mailbox::Store {
            account,
            uids: &uids,
            change: Change::Add,
            flags: &flags,
            unchanged_since: None,
        };
        let store = |proposal: &mut mail::Proposal| {
            let stored = mailbox::store(proposal.mailbox(self.inbox)?, &request).map_err(Error::from)?;
            stored.events.iter().try_for_each(|event| proposal.push(self.inbox, event))
        };
        self.ann.change(&Origin::desk(), store).await
    }

    pub async fn expunge(&self, uid: Uid) {
        self.flag(uid, SystemFlags::DELETED).await;
        let expunge = |proposal: &mut mail::Proposal| {
            let expunging = mailbox::expunge(proposal.mailbox(self.inbox)?, Doomed::Deleted)?;
            expunging.events.iter().try_for_each(|event| proposal.push(self.inbox, event))
        };
        self.ann.change(&Origin::desk(), expunge).await.unwrap();
    }

    pub async fn put_snapshot(&self) -> Seq {
        let state = self.state().await;
        let at = Seq(state.seq());
        let snapshot = Snapshot { at, pieces: state.snapshot() };
        self.store.put_snapshot(self.stream(), snapshot).await.unwrap();
        at
    }

    pub async fn state(&self) -> Arc<MailboxState> {
        Arc::clone(self.ann.open(self.inbox).await.unwrap().newest().state())
    }

    pub fn rot(&self, kind: u8, key: &[u8], rotten: Rotten) {
        self.rot_of(self.ann.id(), kind, key, rotten);
    }

    pub fn has(&self, kind: u8, key: &[u8]) -> bool {
        self.has_of(self.ann.id(), kind, key)
    }

    pub fn has_of(&self, account: AccountId, kind: u8, key: &[u8]) -> bool {
        let header = header_of(account, kind, key);
        let has = |name: &String| {
            let file = self.disk.open(&Path::new("log").join(name)).unwrap();
            let mut octets = vec![0; file.length().unwrap() as usize];
            file.read_exact_at(&mut octets, 0).unwrap();
            octets.windows(header.len()).any(|window| window == header)
        };
        self.disk.list(Path::new("log")).unwrap().iter().any(has)
    }

    /// Flips a bit of the last record of a kind that was written about something.
    pub fn rot_of(&self, account: AccountId, kind: u8, key: &[u8], rotten: Rotten) {
        let header = header_of(account, kind, key);
        let mut names = self.disk.list(Path::new("log")).unwrap();
        names.sort();
        for name in names.iter().rev() {
            let path = format!("log/{name}");
            let file = self.disk.open(Path::new(&path)).unwrap();
            let mut octets = vec![0; file.length().unwrap() as usize];
            file.read_exact_at(&mut octets, 0).unwrap();
            let found = octets.windows(header.len()).rposition(|window| window == header);
            if let Some(at) = found {
                let offset = match rotten {
                    Rotten::Header => 60,
                    Rotten::Payload => 80 + 12,
                };
                return self.disk.flip_bit(&path, at + offset, 3);
            }
        }
        panic!("there is no such record");
    }

    pub fn rot_event(&self, seq: u64, rotten: Rotten) {
        self.rot(EVENT, &event_key(self.inbox.get(), seq), rotten);
    }

    /// The same for an event of the account's own stream.
    pub fn rot_names(&self, seq: u64, rotten: Rotten) {
        self.rot(EVENT, &event_key(0, seq), rotten);
    }

    /// The event of the account that says this.
    pub async fn rot_names_at(&self, word: &str, rotten: Rotten) {
        let names = StreamId { number: 0, ..self.stream() };
        let events = self.store.read(names, Seq::NONE, 99).await.unwrap();
        let says_it =
            |event: &&store::Event| event.payload.windows(word.len()).any(|there| there == word.as_bytes());
        self.rot_names(events.iter().find(says_it).unwrap().seq.0, rotten);
    }

    pub async fn names(&self) -> Vec<String> {
        self.ann.names().await.unwrap().mailboxes().map(|(name, _)| name.to_string()).collect()
    }

    pub fn rot_record(&self, uid: Uid) {
        let key = [self.inbox.get().to_le_bytes(), uid.get().to_le_bytes()].concat();
        self.rot(RECORD, &key, Rotten::Payload);
    }

    /// What the store finds unreadable of the account.
    /// An event that nobody decided upon, with any summary.
    pub async fn put_event(&self, event: &Event, head: mailbox::Head) {
        let expected = Seq(self.state().await.seq());
        let head = Head(head.encode());
        let commit = Commit {
            account: self.ann.id(),
            id: CommitId([9; 16]),
            after: None,
            needs_format: store::FIRST_FORMAT,
            time_ms: 0,
            origin: Bytes::new(),
            appends: vec![Append { stream: self.stream(), expected, events: vec![event.encode()], head }],
            records: Vec::new(),
            bodies: Vec::new(),
        };
        assert_eq!(self.store.commit(commit).await.unwrap(), Committed::Done);
    }

    pub fn unreadable(&self) -> Unreadable {
        let mut check = self.store.check(Some(self.ann.id()));
        while check.step().unwrap() != Progress::Done {}
        unreadable(check.damages(), self.ann.id())
    }

    pub async fn repair(&self) -> Repaired {
        let repaired = self.ann.repair(&*self.store, &self.unreadable()).await.unwrap();
        assert_eq!(self.store.compare_index().unwrap().differences, [""; 0]);
        repaired
    }

    /// What a check still finds.
    pub async fn found(&self) -> Vec<String> {
        let unreadable = self.unreadable();
        assert!(unreadable.streams.is_empty(), "{unreadable:?}");
        let checked = self.ann.check(&unreadable).await.unwrap();
        checked.findings.into_iter().map(|finding| format!("{:?}: {}", finding.uid, finding.what)).collect()
    }

    /// Mends what is there; then all is well, and stays so, also when the index is made again.
    pub async fn mend(self, sentences: &[&str]) -> Self {
        let mut home = self;
        let repaired = home.repair().await;
        let told: Vec<_> = repaired.mended.iter().map(|Mending { what, .. }| what.as_str()).collect();
        assert_eq!(told.len(), sentences.len(), "{told:?}");
        let right = told.iter().zip(sentences).all(|(told, sentence)| told.contains(sentence));
        assert!(right && repaired.left.is_empty(), "{repaired:?}");
        let after = uids(&*home.state().await);
        for index in [Index::Kept, Index::Kept, Index::Lost] {
            assert_eq!(home.found().await, [""; 0]);
            assert_eq!(home.repair().await, Repaired::default(), "it is mended once");
            assert_eq!(uids(&*home.state().await), after);
            home = home.again(index).await;
        }
        let before = home.state().await;
        let uid = home.append("after all").await;
        assert_eq!(uid, before.uid_next());
        home
    }
}

/// Who runs a server over it, and what they have heard.
pub struct Minder {
    store: Arc<LocalStore>,
    pub heard: Mutex<Vec<String>>,
}

impl Minder {
    pub fn of(store: Arc<LocalStore>) -> Self {
        Self { store, heard: Mutex::default() }
    }

    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Mender for Minder {
    fn store(&self) -> &dyn Salvage {
        &*self.store
    }

    fn mended(&self, _: AccountId, mending: &Mending) {
        let name = mending.mailbox.as_ref().map(ToString::to_string).unwrap_or_default();
        self.heard.lock().unwrap().push(format!("{name}: {}", mending.what));
    }

    fn is_in_part(&self, _: AccountId, mailbox: MailboxId) {
        self.heard.lock().unwrap().push(format!("mailbox {mailbox} is in part"));
    }

    fn has_names_in_part(&self, _: AccountId) {
        self.heard.lock().unwrap().push("the names are in part".to_owned());
    }
}

impl Home {
    /// The same account on a server that mends by itself.
    pub async fn minded(self) -> (Self, Arc<Minder>) {
        let Self { disk, store, .. } = self;
        let minder = Arc::new(Minder::of(Arc::clone(&store)));
        let plain: Arc<dyn Store> = store.clone();
        let accounts = accounts(&plain).await.mended_by(minder.clone());
        let ann = accounts.named("ann@example.org").unwrap();
        (Self { disk, store, ann, inbox: MailboxId::FIRST, accounts }, minder)
    }
}

/// How the header of a record begins.
pub fn header_of(account: AccountId, kind: u8, key: &[u8]) -> Vec<u8> {
    [b"RECO".as_slice(), &[kind, 0, 0, 0], &account.0.to_le_bytes(), key].concat()
}

pub fn event_key(stream: u32, seq: u64) -> Vec<u8> {
    [&stream.to_le_bytes()[..], &seq.to_le_bytes()].concat()
}

pub fn open(disk: &FaultyDisk) -> Arc<LocalStore> {
    Arc::new(LocalStore::open_on(Arc::new(disk.clone()), &Options::default()).unwrap())
}

pub fn uids(state: &MailboxState) -> Vec<u32> {
    state.uids(Uid::MIN).iter().map(Uid::get).collect()
}

pub fn flagged(state: &MailboxState) -> Vec<u32> {
    let all = state.uids(Uid::MIN);
    let owner = state.reader(state.owner());
    let rows = owner.rows(&all).filter(|row| row.flags.system.contains(SystemFlags::FLAGGED));
    rows.map(|row| row.uid.get()).collect()
}

/// Three messages, the second of which is flagged; the events are: created, three times appended, flagged.
pub async fn three() -> Home {
    let home = Home::new().await;
    home.append("one").await;
    let two = home.append("two").await;
    home.append("three").await;
    home.flag(two, SystemFlags::FLAGGED).await;
    home
}

/// Something is stored for others, so that what rots is not at the log's very end.
pub async fn go_on(home: &Home) {
    let drafts = id(&home.ann, "Drafts").await;
    append(&home.ann, drafts, "Subject: x\r\n\r\n").await.unwrap();
}

/// What of an account is lost by these damages.
pub fn unreadable(damages: &[Damage], id: AccountId) -> Unreadable {
    let mut unreadable = Unreadable::default();
    for lost in damages.iter().flat_map(|damage| &damage.lost).filter(|lost| lost.account() == id) {
        match lost {
            Lost::Record { email, .. } => drop(unreadable.records.insert(*email)),
            Lost::Body { body, .. } => drop(unreadable.bodies.insert(*body)),
            Lost::Event { stream, .. } | Lost::Snapshot { stream, .. } => {
                unreadable.streams.extend([stream.number]);
            }
        }
    }
    unreadable
}
