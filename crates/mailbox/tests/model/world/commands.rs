//! The commands that change a mailbox. Each decides upon what it sees; before that is committed others may be first,
//! and then it decides again.

use super::{Access, Slot, Telling, World};
use crate::bugs::{Bug, Command};
use crate::client::During;
use crate::ensure;
use crate::server::{Server, any_change, any_flags, arrivals, uid_set};
use crate::truth::{ACCOUNTS, Arrival, DELETED, Truth, flags};
use mailbox::{Copying, Dialect, Doomed, Event, Expunging, Store};
use terms::{SeqNum, Uid};

const INBOX: usize = 0;
const OTHER: usize = 1;

impl World {
    pub(super) fn append(&mut self, at: usize) -> Result<(), String> {
        let (mailbox, account) = (self.slots[at].mailbox, self.slots[at].account);
        let arrivals = arrivals(&mut self.dice);
        let appending = self.decide(Command::Append, &[mailbox], |servers| {
            servers[mailbox].decide_append(account, &arrivals)
        })?;
        self.servers[mailbox].arrive(&appending, account, &arrivals)?;
        self.servers[mailbox].settle()?;
        self.complete(at)
    }

    /// A message comes to either mailbox, and one of this goes, whatever its flags; or neither does (RFC 8508, 3).
    pub(super) fn replace(&mut self, at: usize) -> Result<(), String> {
        let (from, account) = (self.slots[at].mailbox, self.slots[at].account);
        let uids = self.uids_in_sight(at)?;
        if self.access(at)? == Access::Examine || uids.is_empty() {
            return Ok(());
        }
        let (replaced, to) = (self.dice.pick(&uids), self.dice.below(2));
        let arrivals = &arrivals(&mut self.dice)[..1];
        let doomed = uid_set(&[replaced]);
        let (appending, expunging) = self.decide(Command::Replace, &[from, to], |servers| {
            let gone = mailbox::expunge(&servers[from].state, Doomed::These(&doomed)).unwrap();
            (servers[to].decide_append(account, arrivals), gone)
        })?;
        let is_there = self.servers[from].truth.get(replaced).is_some();
        ensure!(expunging.uids.is_empty() != is_there, "REPLACE of {replaced}, there: {is_there}");
        if is_there {
            self.servers[to].arrive(&appending, account, arrivals)?;
            self.servers[from].commit(&expunging.events)?;
            self.servers[from].truth.expunge(&[replaced]);
            self.settle_both(from, to)?;
        }
        self.complete(at)
    }

    pub(super) fn store(&mut self, at: usize) -> Result<(), String> {
        let Slot { account, mailbox, .. } = self.slots[at];
        let highest = self.servers[mailbox].truth.highest(account);
        let Some(link) = self.slots[at].link.as_mut().filter(|link| link.access == Access::ReadWrite) else {
            return Ok(());
        };
        let (change, mask) = (any_change(&mut self.dice), any_flags(&mut self.dice));
        let seqs = self.dice.some(&(1..=link.view.messages()).collect::<Vec<_>>());
        let uids: Vec<u32> =
            seqs.iter().filter_map(|n| link.view.uid(SeqNum::new(*n)?)).map(Uid::get).collect();
        let since = [None, Some(highest.saturating_sub(self.dice.below(6) as u64))][self.dice.below(2)];
        if since.is_some() {
            // A CONDSTORE enabling command.
            link.enable(Dialect::Condstore);
        }
        let reply = self.dice.pick(&[mailbox::Reply::Flags, mailbox::Reply::Silent]);
        if reply == mailbox::Reply::Silent {
            link.client.stored(&seqs, &uids, change, mask);
        }
        let (uid_set, named) = (uid_set(&uids), flags(mask));
        let request = Store {
            account: ACCOUNTS[account],
            uids: &uid_set,
            change,
            flags: &named,
            unchanged_since: self.sut.unchanged_since(since),
        };
        let (base, stored) = self.decide(Command::Store, &[mailbox], |servers| {
            let base = servers[mailbox].state.clone();
            let stored = mailbox::store(&base, &request).unwrap();
            (base, stored)
        })?;
        let server = &mut self.servers[mailbox];
        server.commit(&stored.events)?;
        let failed = server.truth.store(account, &uids, change, mask, since);
        ensure!(
            stored.modified == crate::server::uid_set(&failed),
            "MODIFIED {:?}, not {failed:?}",
            stored.modified
        );
        server.settle()?;
        let link = self.slots[at].link.as_mut().ok_or("on line")?;
        self.sut.stored(&mut link.view, &base, &server.state, &stored, reply, &link.then);
        let during = self.dice.pick(&[During::Numbered, During::Another]);
        self.announce_all(at, during, &mut None, Telling::Answer)?;
        self.tagged(at);
        Ok(())
    }

    /// EXPUNGE, UID EXPUNGE, or CLOSE, which tells nothing.
    pub(super) fn expunge(&mut self, at: usize) -> Result<(), String> {
        let mailbox = self.slots[at].mailbox;
        if self.access(at)? == Access::Examine {
            return Ok(());
        }
        let uids = self.uids_in_sight(at)?;
        let among = if self.dice.one_in(2) { None } else { Some(self.dice.some(&uids)) };
        let set = uid_set(&among.clone().unwrap_or_default());
        let doomed = if among.is_some() { Doomed::DeletedAmong(&set) } else { Doomed::Deleted };
        let Expunging { events, uids } = self.decide(Command::Expunge, &[mailbox], |servers| {
            mailbox::expunge(&servers[mailbox].state, doomed).unwrap()
        })?;
        let server = &mut self.servers[mailbox];
        server.commit(&events)?;
        let named = |uid| among.as_ref().is_none_or(|among| among.contains(&uid));
        let gone = server.truth.messages.iter().filter(|m| m.shared & DELETED != 0 && named(m.uid));
        let gone: Vec<u32> = gone.map(|m| m.uid).collect();
        ensure!(uids == uid_set(&gone), "{uids:?} were to go, not {gone:?}");
        server.truth.expunge(&gone);
        server.settle()?;
        if among.is_none() && self.dice.one_in(4) {
            self.slots[at].hang_up();
            return Ok(());
        }
        self.complete(at)
    }

    /// COPY or MOVE, to the other mailbox or within one.
    pub(super) fn transfer(&mut self, at: usize) -> Result<(), String> {
        let (from, account) = (self.slots[at].mailbox, self.slots[at].account);
        let to = self.dice.below(2);
        let moves = self.access(at)? == Access::ReadWrite && self.dice.one_in(2);
        let command = if moves { Command::Move } else { Command::Copy };
        let uids = self.uids_in_sight(at)?;
        let uids = self.dice.some(&uids);
        let set = uid_set(&uids);
        self.now += 1;
        let (reader, now) = (ACCOUNTS[account], self.now);
        let (copy, expunged) = self.decide(command, &[from, to], |servers| {
            let (source, target) = (&servers[from].state, &servers[to].state);
            if moves {
                let moving = mailbox::move_messages(source, reader, &set, target, now).unwrap();
                (moving.copy, moving.expunged)
            } else {
                (mailbox::copy(source, reader, &set, target, now).unwrap(), Vec::new())
            }
        })?;
        let copies = copies(&self.servers[from].truth, account, &uids);
        self.servers[to].receive(&copy, account, &copies)?;
        if moves {
            self.servers[from].part_with(&expunged, &uids)?;
        }
        self.settle_both(from, to)?;
        self.complete(at)
    }

    /// RENAME INBOX: all its messages go to a new mailbox, under the eyes of whoever looks at it. The new one takes
    /// the place of the other one, which is deleted first, with all that its clients remember.
    pub(super) fn rename_inbox(&mut self, at: usize) -> Result<(), String> {
        self.slots.iter_mut().filter(|slot| slot.mailbox == OTHER).for_each(Slot::forget);
        self.streams += 1;
        self.servers[OTHER] = Server::new(self.streams, &mut self.dice);
        self.now += 1;
        // The mailboxes are the first account's, whoever looks at them.
        let (owner, now) = (0, self.now);
        let asked = self.servers[INBOX].state.uids(Uid::MIN);
        let leaves_newcomers = self.sut.has(Bug::RenameLeavesNewcomers);
        let moving = self.decide(Command::RenameInbox, &[INBOX], |servers| {
            let source = &servers[INBOX].state;
            let all = if leaves_newcomers { asked.clone() } else { source.uids(Uid::MIN) };
            mailbox::move_messages(source, ACCOUNTS[owner], &all, &servers[OTHER].state, now).unwrap()
        })?;
        let uids = self.servers[INBOX].truth.uids();
        let copies = copies(&self.servers[INBOX].truth, owner, &uids);
        self.servers[OTHER].receive(&moving.copy, owner, &copies)?;
        self.servers[INBOX].part_with(&moving.expunged, &uids)?;
        self.settle_both(INBOX, OTHER)?;
        if self.slots[at].link.is_some() { self.complete(at) } else { Ok(()) }
    }

    /// Decides upon what is there. As long as somebody else was first `decide` is asked again: a commit names what
    /// it was decided upon, and is refused behind anything else.
    fn decide<T>(
        &mut self,
        command: Command,
        mailboxes: &[usize],
        decide: impl Fn(&[Server; 2]) -> T,
    ) -> Result<T, String> {
        loop {
            let upon = self.servers.each_ref().map(|server| server.state.seq());
            let decided = decide(&self.servers);
            if self.dice.one_in(3) {
                let mailbox = self.dice.pick(mailboxes);
                self.servers[mailbox].meddle(&mut self.dice)?;
            }
            let stands = self.servers.each_ref().map(|server| server.state.seq()) == upon;
            if stands || self.sut.has(Bug::Stale(command)) {
                return Ok(decided);
            }
        }
    }

    /// What a command has done to two mailboxes was one commit.
    fn settle_both(&mut self, from: usize, to: usize) -> Result<(), String> {
        self.servers[from].settle()?;
        if from == to { Ok(()) } else { self.servers[to].settle() }
    }

    /// Tells what there is to tell, and says that it is done.
    fn complete(&mut self, at: usize) -> Result<(), String> {
        self.announce(at, During::Another, &mut None)?;
        self.tagged(at);
        Ok(())
    }

    fn access(&self, at: usize) -> Result<Access, String> {
        Ok(self.slots[at].link.as_ref().ok_or("on line")?.access)
    }

    /// The messages that a session knows of.
    fn uids_in_sight(&self, at: usize) -> Result<Vec<u32>, String> {
        let link = self.slots[at].link.as_ref().ok_or("on line")?;
        Ok(link.view.uids().iter().map(Uid::get).collect())
    }
}

impl Server {
    fn receive(&mut self, copy: &Copying, account: usize, copies: &[(u32, Arrival)]) -> Result<(), String> {
        let (source, arrivals): (Vec<u32>, Vec<Arrival>) = copies.iter().copied().unzip();
        let target = self.truth.append(account, &arrivals);
        let pairs = [(&copy.source, &source), (&copy.target, &target)];
        let agree = pairs.iter().all(|(told, true_)| **told == uid_set(true_));
        ensure!(agree, "COPYUID {:?} {:?}, not {source:?} {target:?}", copy.source, copy.target);
        ensure!(copy.uid_validity == self.state.uid_validity(), "COPYUID's UIDVALIDITY");
        self.commit(&copy.events)
    }

    fn part_with(&mut self, expunged: &[Event], uids: &[u32]) -> Result<(), String> {
        self.commit(expunged)?;
        self.truth.expunge(uids);
        Ok(())
    }
}

/// Those of the messages that are there, with the flags that the account sees.
fn copies(truth: &Truth, account: usize, uids: &[u32]) -> Vec<(u32, Arrival)> {
    let named = truth.messages.iter().filter(|m| uids.contains(&m.uid));
    let copy =
        |m: &crate::truth::Message| Arrival { email: Some(m.email), mask: m.flags(account), size: m.size };
    named.map(|m| (m.uid, copy(m))).collect()
}
