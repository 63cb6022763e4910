//! Two mailboxes, some sessions, and what happens between them.

mod commands;

use crate::bugs::{Bug, Sut};
use crate::client::{Cache, Client, During, Entry, Reply};
use crate::ensure;
use crate::server::{Server, arrivals, uid_set};
use crate::truth::{ACCOUNTS, Arrival, Mask, SYSTEM, Truth, bit, mask_of};
use mailbox::{Dialect, Found, Known, MailboxState, Naming, Permit, View};
use terms::{ModSeq, SeqNum, Uid};
use testkit::dice::Dice;

const SESSIONS: usize = 4;
const LARGE_EVERY: u64 = 200;

pub(crate) struct World {
    sut: Sut,
    dice: Dice,
    /// INBOX, and another.
    servers: [Server; 2],
    /// How many mailboxes there have been.
    streams: u32,
    slots: Vec<Slot>,
    links: u64,
    now: i64,
}

/// A client with its memory, on line or not.
struct Slot {
    account: usize,
    mailbox: usize,
    link: Option<Link>,
    cache: Option<Cache>,
}

/// A session.
struct Link {
    id: u64,
    view: View,
    client: Client,
    access: Access,
    /// The account's HIGHESTMODSEQ when all changes of flags were told last, and the state from then.
    synced: u64,
    then: MailboxState,
    /// The same of expunges.
    renumbered: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    ReadWrite,
    Examine,
}

impl World {
    /// Every so often a large mailbox, with leaves and branches to split and to join.
    pub(crate) fn new(seed: u64, sut: Sut) -> Self {
        let mut dice = Dice::new(seed);
        let mut servers = [Server::new(1, &mut dice), Server::new(2, &mut dice)];
        if seed % LARGE_EVERY == LARGE_EVERY - 1 {
            let many: Vec<Arrival> =
                std::iter::repeat_with(|| arrivals(&mut dice)).take(400).flatten().collect();
            servers[0].append(0, &many).expect("an empty mailbox takes them");
        }
        let slot = |at| Slot { account: at % 2, mailbox: usize::from(at == 3), link: None, cache: None };
        let slots = (0..SESSIONS).map(slot).collect();
        Self { sut, dice, servers, streams: 2, slots, links: 0, now: 1_700_000_000 }
    }

    /// One thing happens; then all clients are compared with the truth.
    pub(crate) fn step(&mut self) -> Result<(), String> {
        let at = self.dice.below(SESSIONS);
        match self.dice.below(40) {
            _ if self.slots[at].link.is_none() => self.select(at)?,
            0..5 => self.append(at)?,
            5 => self.replace(at)?,
            6..14 => self.store(at)?,
            14..17 => self.expunge(at)?,
            17..20 => self.transfer(at)?,
            20..26 => self.noop(at)?,
            26..28 => self.fetch(at)?,
            28..31 => self.announce(at, During::Nothing, &mut None)?,
            31..34 => self.drop_connection(at)?,
            34..36 => self.restart()?,
            36 => self.slots[at].enable(),
            37 if self.dice.one_in(4) => self.lose(at)?,
            38 if self.dice.one_in(4) => self.rename_inbox(at)?,
            _ => self.servers[self.slots[at].mailbox].meddle(&mut self.dice)?,
        }
        (0..SESSIONS).try_for_each(|at| self.check(at))
    }

    /// Everybody says NOOP: then everybody knows everything.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        for at in 0..SESSIONS {
            if self.slots[at].link.is_none() {
                self.select(at)?;
            }
            self.noop(at)?;
        }
        Ok(())
    }

    fn select(&mut self, at: usize) -> Result<(), String> {
        let slot = &mut self.slots[at];
        let server = &mut self.servers[slot.mailbox];
        let dialect = self.dice.pick(&self.sut.dialects());
        let naming = self.dice.pick(&[Naming::Numbers, Naming::Numbers, Naming::Uids]);
        let access = if self.dice.one_in(5) { Access::Examine } else { Access::ReadWrite };
        self.links += 1;
        let recent = claim(server, access, self.sut);
        let mut view = View::open(&server.state, ACCOUNTS[slot.account], dialect, recent);
        self.sut.use_naming(&mut view, naming);
        let highest = server.truth.highest(slot.account);
        let keywords =
            server.state.keywords().iter().map(|k| bit(k.as_str())).fold(SYSTEM, |all, one| all | one);
        let mut client = Client::new(dialect, view.messages(), highest, keywords, view.recent());
        client.naming = naming;
        if let Some(cache) = slot.cache.take().filter(|_| dialect == Dialect::Qresync) {
            let mut known = known(&cache, &mut self.dice, &server.state);
            // RFC 9586, 3.7: no sequence match data.
            known.matched = known.matched.filter(|_| naming == Naming::Numbers);
            let vanished = self.sut.resync(&mut view, &server.state, &known, server.skipped);
            client.expects_revenants = cache.highest < server.skipped;
            client.remember(&cache, &vanished.iter().map(Uid::get).collect::<Vec<_>>())?;
        }
        let synced = if dialect == Dialect::Qresync { 0 } else { highest };
        let (then, renumbered) = (server.state.clone(), highest);
        slot.link = Some(Link { id: self.links, view, client, access, synced, then, renumbered });
        self.announce(at, During::Another, &mut None)?;
        self.tagged(at);
        self.slots[at].link.iter_mut().for_each(|link| link.client.expects_revenants = false);
        // What it remembers and what it has just been told is the truth, before it asks for the rest.
        self.check(at)
    }

    fn drop_connection(&mut self, at: usize) -> Result<(), String> {
        if self.dice.one_in(2) {
            // In the middle of a command: no tagged reply comes.
            let mut batches = Some(self.dice.below(4));
            self.announce(at, During::Another, &mut batches)?;
        }
        self.slots[at].hang_up();
        Ok(())
    }

    /// After a NOOP, and a FETCH of what is new, a client knows all there is.
    fn noop(&mut self, at: usize) -> Result<(), String> {
        self.announce(at, During::Another, &mut None)?;
        self.tagged(at);
        self.fetch_unknown(at)?;
        self.tagged(at);
        let slot = &self.slots[at];
        let (account, truth) = (slot.account, &self.servers[slot.mailbox].truth);
        let client = &slot.link.as_ref().ok_or("on line")?.client;
        ensure!(client.entries.len() == truth.messages.len(), "{} messages after NOOP", client.entries.len());
        for (entry, message) in client.entries.iter().zip(&truth.messages) {
            let same = entry.uid == Some(message.uid)
                && entry.flags == Some(message.flags(account))
                && entry.modseq.is_none_or(|modseq| modseq == message.modseq(account));
            ensure!(same, "after NOOP {entry:?} is not {message:?}");
        }
        if client.dialect == Dialect::Qresync {
            ensure!(client.highest == truth.highest(account), "HIGHESTMODSEQ {} after NOOP", client.highest);
        }
        Ok(())
    }

    /// FETCH, and what comes of its own accord meanwhile.
    fn fetch(&mut self, at: usize) -> Result<(), String> {
        self.fetch_unknown(at)?;
        self.announce(at, During::Numbered, &mut None)?;
        self.tagged(at);
        Ok(())
    }

    fn fetch_unknown(&mut self, at: usize) -> Result<(), String> {
        let slot = &mut self.slots[at];
        let (account, server) = (slot.account, &self.servers[slot.mailbox]);
        let link = slot.link.as_mut().ok_or("on line")?;
        for uid in link.unknown()? {
            let seq = link.view.seq(uid).ok_or("a UID without a number")?.get();
            let row = match link.view.find(&server.state, uid).ok_or("a message that cannot be found")? {
                Found::Live(row) => row,
                Found::Ghost(row) => {
                    let (_, message) = &server.truth.expunged[&uid.get()];
                    let flags = mask_of(&server.state, &row.flags);
                    ensure!(flags == message.flags(account), "the ghost {row:?} was {message:?}");
                    ensure!((row.email.mailbox, row.email.uid) == message.email, "the ghost's EMAILID");
                    row
                }
                Found::Gone => {
                    let (modseq, _) = server.truth.expunged[&uid.get()];
                    ensure!(modseq <= server.remembers, "the ghost {uid} is forgotten without a restart");
                    continue;
                }
            };
            let modseq = (link.client.dialect >= Dialect::Condstore).then_some(row.modseq.get());
            let flags = Some(mask_of(&server.state, &row.flags));
            link.client.receive(&Reply::Keywords(!0), During::Numbered)?;
            let reply = match link.client.naming {
                Naming::Numbers => Reply::Fetch { seq, uid: Some(row.uid.get()), flags, modseq },
                Naming::Uids => Reply::UidFetch { uid: row.uid.get(), flags, modseq },
            };
            link.client.receive(&reply, During::Numbered)?;
        }
        Ok(())
    }

    fn restart(&mut self) -> Result<(), String> {
        let at = self.dice.below(2);
        if self.dice.one_in(2) {
            self.slots.iter_mut().filter(|slot| slot.mailbox == at).for_each(Slot::hang_up);
        }
        self.servers[at].restart(&mut self.dice, self.sut)
    }

    /// The last commits of a mailbox are lost, with all connections.
    fn lose(&mut self, at: usize) -> Result<(), String> {
        let mailbox = self.slots[at].mailbox;
        self.slots.iter_mut().filter(|slot| slot.mailbox == mailbox).for_each(Slot::hang_up);
        self.servers[mailbox].lose(&mut self.dice)
    }

    fn announce(&mut self, at: usize, during: During, batches: &mut Option<usize>) -> Result<(), String> {
        self.announce_all(at, during, batches, Telling::Changes)
    }

    /// Tells all there is to tell, in batches between which more happens; or so many batches.
    fn announce_all(
        &mut self,
        at: usize,
        during: During,
        batches: &mut Option<usize>,
        telling: Telling,
    ) -> Result<(), String> {
        let permit = if during == During::Another { Permit::Renumber } else { Permit::KeepNumbers };
        let slot = &mut self.slots[at];
        let server = &mut self.servers[slot.mailbox];
        let link = slot.link.as_mut().ok_or("on line")?;
        loop {
            if let Some(left) = batches {
                let Some(fewer) = left.checked_sub(1) else { return Ok(()) };
                *left = fewer;
            }
            let recent = claim(server, link.access, self.sut);
            let most = self.dice.pick(&[1, 2, 3, 5, 1_000]);
            let (told, replies) = self.sut.announce(&mut link.view, &server.state, permit, recent, most)?;
            for reply in &replies {
                check_reply(reply, link, &server.truth, slot.account, telling)?;
                link.client.receive(reply, during)?;
            }
            check_recent(link, server)?;
            if told.is_complete() {
                break;
            }
            if self.dice.one_in(8) {
                server.meddle(&mut self.dice)?;
            }
        }
        link.synced = server.truth.highest(slot.account);
        link.then = server.state.clone();
        if permit == Permit::Renumber {
            link.renumbered = link.synced;
        }
        Ok(())
    }

    fn tagged(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        let Some(link) = &mut slot.link else { return };
        let highest = self.sut.highest(&mut link.view, &self.servers[slot.mailbox].state);
        if let Some(highest) = highest.filter(|_| link.client.dialect == Dialect::Qresync) {
            let reply = Reply::HighestModSeq(highest);
            link.client.receive(&reply, During::Another).expect("HIGHESTMODSEQ is always welcome");
        }
        link.client.tagged();
    }

    /// A client knows the truth as far as it was told: what it does not know has happened since.
    fn check(&self, at: usize) -> Result<(), String> {
        let slot = &self.slots[at];
        let (account, truth) = (slot.account, &self.servers[slot.mailbox].truth);
        let Some(link) = &slot.link else { return Ok(()) };
        let client = &link.client;
        ensure!(client.entries.len() == link.view.messages() as usize, "the client counts otherwise");
        ensure!(client.recent == link.view.recent() || client.recent > link.view.recent(), "RECENT");
        if client.naming == Naming::Uids {
            return link.check_by_uid(truth, account);
        }
        for ((seq, entry), uid) in (1..).zip(&client.entries).zip(link.view.uids().iter()) {
            let uid = uid.get();
            ensure!(
                link.view.seq(Uid::new(uid).unwrap()).map(SeqNum::get) == Some(seq),
                "the number of {uid}"
            );
            ensure!(entry.uid.is_none_or(|known| known == uid), "{seq} is UID {uid}, not {entry:?}");
            check_entry(entry, uid, link, truth, account)?;
        }
        Ok(())
    }
}

/// Whether FETCH replies come because something changed, or to answer a STORE.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telling {
    Changes,
    Answer,
}

/// What is told is the truth, and there was a reason to tell it.
fn check_reply(
    reply: &Reply,
    link: &Link,
    truth: &Truth,
    account: usize,
    telling: Telling,
) -> Result<(), String> {
    let (uid, flags, modseq) = match reply {
        Reply::Fetch { seq, flags, modseq, .. } => {
            (SeqNum::new(*seq).and_then(|seq| link.view.uid(seq)), flags, modseq)
        }
        Reply::UidFetch { uid, flags, modseq } => (Uid::new(*uid), flags, modseq),
        _ => return Ok(()),
    };
    let uid = uid.ok_or("FETCH of no message")?;
    let message = truth.get(uid.get()).ok_or("FETCH of a ghost")?;
    ensure!(flags.is_none_or(|flags| flags == message.flags(account)), "{reply:?} of {message:?}");
    ensure!(modseq.is_none_or(|modseq| modseq == message.modseq(account)), "{reply:?} of {message:?}");
    let is_news = message.modseq(account) > link.synced;
    ensure!(is_news || telling == Telling::Answer, "{reply:?} tells nothing new to {account}");
    Ok(())
}

fn check_entry(entry: &Entry, uid: u32, link: &Link, truth: &Truth, account: usize) -> Result<(), String> {
    let relies_on = if link.client.dialect == Dialect::Qresync { link.client.highest } else { 0 };
    let Some(message) = truth.get(uid) else {
        let (modseq, _) = truth.expunged.get(&uid).ok_or("a message that never was")?;
        ensure!(*modseq > link.renumbered, "{uid} went with {modseq} and was not told");
        ensure!(*modseq > relies_on, "{uid} went with {modseq}: HIGHESTMODSEQ {relies_on} hides it");
        return Ok(());
    };
    let is_told = message.modseq(account) <= link.synced.max(relies_on);
    let is_right = |flags: Mask| flags == message.flags(account);
    ensure!(!is_told || entry.flags.is_none_or(is_right), "{entry:?} was told, and {message:?} is true");
    Ok(())
}

/// A message is \Recent in one read-write session at most (RFC 3501, 2.3.2).
fn check_recent(link: &Link, server: &mut Server) -> Result<(), String> {
    if link.access == Access::Examine {
        return Ok(());
    }
    for uid in link.view.uids().iter().filter(|uid| link.view.is_recent(*uid)) {
        let owner = *server.claimed.entry(uid.get()).or_insert(link.id);
        ensure!(owner == link.id, "{uid} is \\Recent in two sessions");
    }
    Ok(())
}

/// Takes the mailbox's watermark; a read-write session moves it behind all messages.
fn claim(server: &mut Server, access: Access, sut: Sut) -> Option<Uid> {
    let from = Uid::new(server.watermark);
    if access == Access::ReadWrite && !sut.has(Bug::RecentTwice) {
        server.watermark = server.truth.uid_next;
    }
    from
}

/// What a client says of itself: with or without its UIDs, with or without some pairs of number and UID.
fn known(cache: &Cache, dice: &mut Dice, state: &MailboxState) -> Known {
    let uids: Vec<u32> = cache.messages.iter().map(|(uid, _)| *uid).collect();
    let pair = |(seq, uid): (u32, &u32)| Some((SeqNum::new(seq)?, Uid::new(*uid)?));
    let pairs: Vec<_> = (1..).zip(&uids).filter(|_| dice.one_in(2)).filter_map(pair).collect();
    Known {
        modseq: ModSeq::new(cache.highest).unwrap(),
        uids: dice.one_in(2).then(|| uid_set(&uids)),
        matched: dice.one_in(2).then(|| state.last_match(pairs)).flatten(),
    }
}

impl Slot {
    fn hang_up(&mut self) {
        if let Some(link) = self.link.take() {
            self.cache = (link.client.dialect == Dialect::Qresync).then(|| link.client.cache());
        }
    }

    /// The mailbox is not there any more, or another one by its name is.
    fn forget(&mut self) {
        self.link = None;
        self.cache = None;
    }

    fn enable(&mut self) {
        if let Some(link) = &mut self.link {
            link.enable(Dialect::Condstore);
        }
    }
}

impl Link {
    /// The messages whose UIDs or flags the client does not know, as it would ask for them: by number, or all above
    /// those that it knows and those between them.
    fn unknown(&self) -> Result<Vec<Uid>, String> {
        match self.client.naming {
            Naming::Numbers => {
                let uid = |seq| SeqNum::new(seq).and_then(|seq| self.view.uid(seq));
                self.client
                    .unknown()
                    .into_iter()
                    .map(uid)
                    .collect::<Option<_>>()
                    .ok_or("a number without a UID".into())
            }
            Naming::Uids => {
                let is_known = |uid: Uid| {
                    self.client.entries.iter().any(|e| e.uid == Some(uid.get()) && e.flags.is_some())
                };
                Ok(self.view.uids().iter().filter(|uid| !is_known(*uid)).collect())
            }
        }
    }

    fn check_by_uid(&self, truth: &Truth, account: usize) -> Result<(), String> {
        for (entry, uid) in self.client.entries.iter().filter_map(|entry| Some((entry, entry.uid?))) {
            let announced = Uid::new(uid).is_some_and(|uid| self.view.uids().contains(uid));
            ensure!(announced, "{entry:?} is not announced");
            check_entry(entry, uid, self, truth, account)?;
        }
        Ok(())
    }

    fn enable(&mut self, dialect: Dialect) {
        self.view.enable(dialect);
        self.client.dialect = self.client.dialect.max(dialect);
    }
}
