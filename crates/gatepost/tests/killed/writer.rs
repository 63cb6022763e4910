//! A session that changes mail as fast as it is answered, several commands ahead, until the line breaks.

use crate::contents::within_its_account;
use crate::letter::{Change, Copy, DELETED, Deed, FLAGS, Flags, LetterId, MAILBOXES, Made, Shelf};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use testkit::dice::Dice;
use testkit::imap::{Client, Response, Status, Tag, spans};

/// Commands that a session sends ahead of their answers.
const AHEAD: usize = 3;
/// Letters above which a writer rather throws away than writes.
const MANY: usize = 12;
/// Names that a writer has for mailboxes of its own: few, so that they come again.
const NAMES: u32 = 4;

/// Somebody with letters of their own, who comes back after each kill.
pub(crate) struct Writer {
    pub(crate) account: usize,
    pub(crate) shelf: Shelf,
    pub(crate) id: u32,
    letters: u32,
    /// Every MAILBOXID that it was ever given.
    mailbox_ids: BTreeSet<String>,
    dice: Dice,
}

/// When the server is to die: what all sessions of a round have together.
pub(crate) struct Fuse {
    answered: AtomicU64,
    burns: u64,
    by_writer: Mutex<BTreeMap<u32, usize>>,
    /// Sessions that wait for the answer to a change.
    waiting: AtomicUsize,
    lit: Sender<()>,
}

/// What a session has been told until the line broke.
#[derive(Clone)]
pub(crate) struct Told {
    /// The changes that were not answered, in order.
    pub(crate) unanswered: Vec<Deed>,
    /// UIDs that the server has given: mailbox, UID, letter.
    pub(crate) given: Vec<(usize, u32, LetterId)>,
    /// Modification sequences that it has named: mailbox, the message's UID if it was one's, and the number.
    pub(crate) mod_seqs: Vec<(usize, Option<u32>, u64)>,
    /// What it had after each answered change, and before the first.
    pub(crate) shelves: Vec<Shelf>,
    /// Answers that there is no reason for.
    pub(crate) refusals: Vec<String>,
}

#[derive(Debug)]
enum Step {
    Select(usize),
    Change(Deed),
}

struct Session<'a> {
    writer: &'a mut Writer,
    client: Client,
    fuse: &'a Fuse,
    told: Told,
    /// Decided, not sent.
    next: VecDeque<Step>,
    /// Sent, not answered.
    sent: VecDeque<(Tag, Step)>,
    /// The mailbox that will be selected when what was sent is answered, and the one that is.
    selecting: usize,
    selected: usize,
    /// What the command under way has made.
    made: Made,
}

impl Fuse {
    pub(crate) fn new(burns: u64, lit: Sender<()>) -> Self {
        Self {
            answered: AtomicU64::new(0),
            burns,
            by_writer: Mutex::default(),
            waiting: AtomicUsize::new(0),
            lit,
        }
    }

    /// How many sessions wait for the answer to a change just now. The server works off a session's commands one
    /// after another, so this is how many changes it has at hand.
    pub(crate) fn in_flight(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// How many changes each writer has had answered so far, by its number.
    pub(crate) fn answers(&self) -> BTreeMap<u32, usize> {
        self.by_writer.lock().unwrap().clone()
    }

    fn answered(&self, writer: u32) {
        *self.by_writer.lock().unwrap().entry(writer).or_default() += 1;
        if self.answered.fetch_add(1, Ordering::SeqCst) + 1 == self.burns {
            self.lit.send(()).unwrap();
        }
    }
}

impl Writer {
    pub(crate) fn new(id: u32, account: usize, seed: u64) -> Self {
        let dice = Dice::new(seed ^ u64::from(id) << 32);
        Self { account, shelf: Shelf::default(), id, letters: 0, mailbox_ids: BTreeSet::new(), dice }
    }

    pub(crate) const fn owns(&self, letter: LetterId) -> bool {
        letter.writer == self.id
    }

    /// Whether a mailbox of this name is its own.
    pub(crate) fn made(&self, name: &str) -> bool {
        name.split_once('-').is_some_and(|(writer, _)| writer == self.id.to_string())
    }

    /// Takes what was found as its own from now on.
    pub(crate) fn adopt(&mut self, found: Shelf) {
        self.mailbox_ids.extend(found.folders.values().flatten().cloned());
        self.shelf = found;
    }

    /// Writes until the line breaks.
    pub(crate) fn write(&mut self, client: Client, fuse: &Fuse) -> Told {
        let told = Told {
            unanswered: vec![],
            given: vec![],
            mod_seqs: vec![],
            shelves: vec![self.shelf.clone()],
            refusals: vec![],
        };
        let mut session = Session {
            writer: self,
            client,
            fuse,
            told,
            next: VecDeque::from([Step::Select(0)]),
            sent: VecDeque::new(),
            selecting: 0,
            selected: 0,
            made: Made::default(),
        };
        // The error is the line that broke. What came before it is heard first.
        while session.send_ahead().is_ok() && session.hear().is_ok() {}
        let broken = loop {
            if let Err(broken) = session.hear() {
                break broken;
            }
        };
        if matches!(broken.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
            session.told.refusals.push(format!("no answer came to {:?}", session.sent.front()));
        }
        let unanswered = session.sent.into_iter().filter_map(|(_, step)| match step {
            Step::Change(deed) => Some(deed),
            Step::Select(_) => None,
        });
        session.told.unanswered = unanswered.collect();
        session.told
    }

    fn new_letter(&mut self) -> LetterId {
        self.letters += 1;
        LetterId { writer: self.id, serial: self.letters - 1 }
    }

    /// One that may go unasked.
    fn new_small_letter(&mut self) -> LetterId {
        let letter = self.new_letter();
        if letter.is_large() { self.new_letter() } else { letter }
    }

    fn any_flags(&mut self) -> Flags {
        let flags = (0..u8::try_from(FLAGS.len()).unwrap()).filter(|flag| *flag != DELETED);
        flags.filter(|_| self.dice.chance(30)).collect()
    }

    fn any_mailbox(&mut self) -> usize {
        usize::try_from(self.dice.below(MAILBOXES.len() as u64)).unwrap()
    }
}

impl Session<'_> {
    fn send_ahead(&mut self) -> io::Result<()> {
        while self.sent.len() < AHEAD {
            if self.next.is_empty() {
                self.decide();
            }
            let Some(step) = self.next.pop_front() else { continue };
            self.send(step)?;
        }
        Ok(())
    }

    fn send(&mut self, step: Step) -> io::Result<()> {
        let tag = match &step {
            Step::Select(mailbox) => {
                self.selecting = *mailbox;
                self.client.send(&format!("SELECT {}", MAILBOXES[*mailbox]))?
            }
            Step::Change(deed) => match self.send_change(deed) {
                Ok(tag) => tag,
                Err(broken) => {
                    // Nobody knows how much of it arrived: as good as sent.
                    self.sent.push_back((Tag::default(), step));
                    return Err(broken);
                }
            },
        };
        self.push(tag, step);
        Ok(())
    }

    fn send_change(&mut self, deed: &Deed) -> io::Result<Tag> {
        match deed {
            Deed::Append { letter, .. } if letter.is_large() => {
                while !self.sent.is_empty() {
                    self.hear()?;
                }
                self.client.send_large(&deed.command(), &letter.text())
            }
            Deed::Append { .. } | Deed::Together { .. } | Deed::Replace { .. } => {
                self.client.send_with_messages(&deed.messages())
            }
            _ => self.client.send(&deed.command()),
        }
    }

    fn push(&mut self, tag: Tag, step: Step) {
        if matches!(step, Step::Change(_)) && self.changes_sent() == 0 {
            self.fuse.waiting.fetch_add(1, Ordering::SeqCst);
        }
        self.sent.push_back((tag, step));
    }

    fn changes_sent(&self) -> usize {
        self.sent.iter().filter(|(_, step)| matches!(step, Step::Change(_))).count()
    }

    fn decide(&mut self) {
        if let Some(deed) = self.decide_folder() {
            return self.next.push_back(Step::Change(deed));
        }
        let mine = self.at_hand();
        let writer = &mut *self.writer;
        if mine.is_empty() || (writer.shelf.copies.len() < MANY && writer.dice.chance(35)) {
            return self.decide_letter_or_move_on();
        }
        let mailbox = self.selecting;
        let at = usize::try_from(writer.dice.below(mine.len() as u64)).unwrap();
        let uids: Vec<u32> = mine[at..].iter().take(3).copied().collect();
        let to = (mailbox + 1 + usize::try_from(writer.dice.below(2)).unwrap()) % MAILBOXES.len();
        let crowded = writer.shelf.copies.len() >= MANY;
        let deed = match writer.dice.below(if crowded { 140 } else { 100 }) {
            0..40 => {
                let (changes, flags) = ([Change::Add, Change::Remove, Change::Replace], writer.any_flags());
                let change = changes[usize::try_from(writer.dice.below(3)).unwrap()];
                Deed::Store { mailbox, uids, change, flags }
            }
            80..85 => {
                let (letter, flags) = (writer.new_small_letter(), writer.any_flags());
                let to = if writer.dice.chance(50) { mailbox } else { to };
                Deed::Replace { from: mailbox, uids: [uids[0]], to, letter, flags }
            }
            40..65 if !crowded => Deed::Copy { from: mailbox, uids, to },
            40..80 => Deed::Move { from: mailbox, uids, to },
            85..90 => return self.next.push_back(Step::Select(to)),
            _ => {
                let flags = Flags::from([DELETED]);
                let delete = Deed::Store { mailbox, uids: uids.clone(), change: Change::Add, flags };
                self.next.push_back(Step::Change(delete));
                Deed::Expunge { mailbox, uids }
            }
        };
        self.next.push_back(Step::Change(deed));
    }

    /// Whoever has no mailbox of its own makes one first; now and then one comes, goes, or gets another name.
    fn decide_folder(&mut self) -> Option<Deed> {
        let under_way = self.sent.iter().map(|(_, step)| step).chain(&self.next);
        let under_way = under_way.filter_map(|step| match step {
            Step::Change(deed) => Some(deed.folders()),
            Step::Select(_) => None,
        });
        let under_way: Vec<&str> = under_way.flatten().collect();
        let writer = &mut *self.writer;
        let names = (0..NAMES).map(|n| format!("{}-{n}", writer.id));
        let names = names.filter(|name| !under_way.contains(&&**name));
        let (taken, free): (Vec<_>, Vec<_>) = names.partition(|name| writer.shelf.folders.contains_key(name));
        let begins = writer.shelf.folders.is_empty() && under_way.is_empty();
        if !begins && !writer.dice.chance(8) {
            return None;
        }
        let one_of = |names: &[String], dice: &mut Dice| names.get(dice.below(names.len())).cloned();
        let folder = one_of(&taken, &mut writer.dice);
        let to = one_of(&free, &mut writer.dice);
        match (folder, to, writer.dice.below(3)) {
            (Some(folder), Some(to), 0) => Some(Deed::Rename { folder, to }),
            (Some(folder), None, _) | (Some(folder), _, 1) => Some(Deed::Delete { folder }),
            (_, to, _) => to.map(|folder| Deed::Create { folder }),
        }
    }

    fn decide_letter_or_move_on(&mut self) {
        let mailbox = self.writer.any_mailbox();
        if self.writer.shelf.copies.len() >= MANY {
            return self.next.push_back(Step::Select(mailbox));
        }
        let deed = if self.writer.dice.chance(30) {
            let letters =
                (0..=self.writer.dice.below(3)).map(|_| self.writer.new_small_letter()).collect::<Vec<_>>();
            let letters = letters.into_iter().map(|letter| (letter, self.writer.any_flags())).collect();
            Deed::Together { mailbox, letters }
        } else {
            let (letter, flags) = (self.writer.new_letter(), self.writer.any_flags());
            Deed::Append { mailbox, letter, flags }
        };
        self.next.push_back(Step::Change(deed));
    }

    /// The UIDs in the mailbox that can be named: nothing that is under way takes them away.
    fn at_hand(&self) -> Vec<u32> {
        let going = |copy: &Copy| {
            self.sent.iter().any(|(_, step)| match step {
                Step::Change(deed) => {
                    let (mailbox, uids) = deed.takes_away();
                    copy.is_one_of(mailbox, uids)
                }
                Step::Select(_) => false,
            })
        };
        let here =
            self.writer.shelf.copies.iter().filter(|copy| copy.mailbox == self.selecting && !going(copy));
        let mut uids: Vec<u32> = here.filter_map(|copy| copy.uid).collect();
        uids.sort_unstable();
        uids
    }

    fn hear(&mut self) -> io::Result<()> {
        let response = self.client.response()?;
        self.note_mod_seqs(&response);
        // COPYUID comes before the end of a MOVE (RFC 6851, 4.3), and with the end of a COPY.
        if let Some(new) = response.code("APPENDUID").or_else(|| response.code("COPYUID")) {
            let last = new.rsplit(' ').next().unwrap_or_default();
            self.made.uids = spans(last).into_iter().flatten().collect();
        }
        // SELECT tells one too (RFC 8474, 4.2); that is not new.
        if let Some(id) = response.code("MAILBOXID").filter(|_| response.status().is_some()) {
            self.made.mailbox_id =
                id.strip_prefix('(').and_then(|id| id.strip_suffix(')')).map(within_its_account);
        }
        if let Some((tag, status)) = response.status() {
            self.answered(tag, status, &response);
        }
        Ok(())
    }

    fn answered(&mut self, tag: Tag, status: Status, response: &Response) {
        let made = std::mem::take(&mut self.made);
        let Some((sent, step)) = self.sent.pop_front() else { return };
        if (sent, Status::Ok) != (tag, status) {
            self.told.refusals.push(response.to_string());
        }
        match step {
            Step::Select(mailbox) => self.selected = mailbox,
            Step::Change(deed) if status == Status::Ok => self.done(&deed, &made),
            Step::Change(_) => {}
        }
    }

    fn done(&mut self, deed: &Deed, made: &Made) {
        if self.changes_sent() == 0 {
            self.fuse.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        self.writer.shelf = std::mem::take(&mut self.writer.shelf).after(deed, made);
        if let Some(target) = deed.target() {
            let copies = self.writer.shelf.copies.iter().filter(|copy| copy.is_one_of(target, &made.uids));
            self.told.given.extend(copies.filter_map(|copy| Some((target, copy.uid?, copy.letter))));
        }
        if let Deed::Create { folder } = deed {
            self.note_mailbox_id(folder, made);
        }
        self.told.shelves.push(self.writer.shelf.clone());
        self.fuse.answered(self.writer.id);
    }

    /// No mailbox has the id of another, not even of one that is gone (RFC 8474, 4.1).
    fn note_mailbox_id(&mut self, folder: &str, made: &Made) {
        let is_new = made.mailbox_id.clone().is_some_and(|id| self.writer.mailbox_ids.insert(id));
        if !is_new {
            self.told.refusals.push(format!("{folder} was made, and its MAILBOXID is {:?}", made.mailbox_id));
        }
    }

    fn note_mod_seqs(&mut self, response: &Response) {
        let mailbox = match self.sent.front() {
            Some((_, Step::Select(mailbox))) => *mailbox,
            _ => self.selected,
        };
        let highest = response.code("HIGHESTMODSEQ").and_then(|number| number.parse().ok());
        self.told.mod_seqs.extend(highest.map(|number| (mailbox, None, number)));
        if let Some(message) = response.fetched()
            && let Some(number) = message.number("MODSEQ")
        {
            self.told.mod_seqs.push((mailbox, message.uid(), number));
        }
    }
}
