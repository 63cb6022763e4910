//! Programs, and how they are judged.

use super::key::{ArrivalTest, DateTest, HeaderTest, Key};
use super::needle::Needle;
use std::fmt;
use terms::{EmailId, Flag, InternalDate, ModSeq, ThreadId, Uid, UidSet};

/// Most keys in a program (threat T-29). Clients send a few; those that look for many Message-IDs, some hundreds.
pub const MAX_KEYS: usize = 2_000;
/// Deepest nesting of keys. Chains of `OR` are as deep as they are long.
pub const MAX_DEPTH: usize = 500;

/// What a mailbox knows of a message without reading it.
pub trait Searchable {
    /// Its UID.
    fn uid(&self) -> Uid;
    /// Whether it has the flag, for the user who searches.
    fn has_flag(&self, flag: &Flag) -> bool;
    /// Whether this session was told of it first.
    fn is_recent(&self) -> bool;
    /// Its identity.
    fn email(&self) -> EmailId;
    /// INTERNALDATE.
    fn internal_date(&self) -> InternalDate;
    /// When it came into its mailbox (RFC 8514).
    fn save_date(&self) -> InternalDate;
    /// RFC822.SIZE.
    fn size(&self) -> u64;
    /// Its MODSEQ, as this user sees it.
    fn mod_seq(&self) -> ModSeq;
}

/// A search that can be run: bounded, and with the cheap keys first.
#[derive(Debug)]
pub struct Program {
    root: Node,
    /// How many keys need reading.
    reads: usize,
}

impl Program {
    /// Takes a tree of keys. Who builds one from a client's words stops at the same bounds: a tree that is much
    /// deeper could not even be dropped.
    ///
    /// # Errors
    /// [`TooComplex`]: more than [`MAX_KEYS`] or deeper than [`MAX_DEPTH`].
    pub fn new(key: Key) -> Result<Self, TooComplex> {
        let mut compiler = Compiler { keys: 0, reads: 0 };
        let root = compiler.node(key, 1)?;
        Ok(Self { root, reads: compiler.reads })
    }

    pub(super) const fn root(&self) -> &Node {
        &self.root
    }

    /// Room for the answers about one message.
    #[must_use]
    pub fn answers(&self) -> Answers {
        Answers(vec![None; self.reads])
    }

    /// Whether a message fits, as far as its columns, the answers, and `tell` know. `tell` is asked for what has
    /// been read already and says `None` of what has not; each key is asked of it until it answers, once.
    pub fn judge<'p>(
        &'p self,
        row: &impl Searchable,
        answers: &mut Answers,
        mut tell: impl FnMut(Need<'p>) -> Option<bool>,
    ) -> Verdict<'p> {
        let mut hearing = Hearing { row, answers, tell: &mut tell };
        match self.root.judge(&mut hearing) {
            Truth::Yes => Verdict::Fits,
            Truth::No => Verdict::Fails,
            Truth::Open(question) => Verdict::Asks(question),
        }
    }

    /// The UIDs outside of which no message can fit; `None` if it may be any. `UID SEARCH UID 5` need not walk a
    /// million rows.
    #[must_use]
    pub fn candidates(&self) -> Option<UidSet> {
        self.root.candidates()
    }

    /// Whether it has a MODSEQ key: such a SEARCH enables CONDSTORE, and its answer tells the highest MODSEQ
    /// found (RFC 7162, 3.1.5).
    #[must_use]
    pub fn names_mod_seq(&self) -> bool {
        self.root.names_mod_seq()
    }
}

/// Whether a message fits.
#[derive(Debug)]
#[must_use]
pub enum Verdict<'p> {
    /// It does.
    Fits,
    /// It does not.
    Fails,
    /// It depends: note the answer to this, and ask again.
    Asks(Question<'p>),
}

/// Something that only reading the message can tell.
#[derive(Clone, Copy, Debug)]
pub struct Question<'p> {
    number: usize,
    cost: Cost,
    need: Need<'p>,
}

impl<'p> Question<'p> {
    /// What to read, and the test that it is read for.
    #[must_use]
    pub const fn need(&self) -> Need<'p> {
        self.need
    }
}

/// What to read, cheapest first, and the test.
#[derive(Clone, Copy, Debug)]
pub enum Need<'p> {
    /// The day of the Date field.
    SentDate(DateTest),
    /// Its thread.
    Thread(ThreadId),
    /// The fields of this name.
    Header(&'p HeaderTest),
    /// The text parts.
    Body(&'p Needle),
    /// Header, MIME headers and text parts.
    Text(&'p Needle),
}

/// What was found out about one message.
#[derive(Clone, Debug)]
pub struct Answers(Vec<Option<bool>>);

impl Answers {
    /// Notes the answer to a question of the same program.
    pub fn set(&mut self, question: &Question<'_>, holds: bool) {
        if let Some(answer) = self.0.get_mut(question.number) {
            *answer = Some(holds);
        }
    }

    /// For the next message.
    pub fn clear(&mut self) {
        self.0.fill(None);
    }

    /// The answer of that number; what `tell` says, if it is not known yet.
    fn get_or(&mut self, number: usize, tell: impl FnOnce() -> Option<bool>) -> Option<bool> {
        let answer = self.0.get_mut(number)?;
        *answer = answer.or_else(tell);
        *answer
    }
}

/// A program beyond its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooComplex;

impl fmt::Display for TooComplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A search has at most {MAX_KEYS} keys, nested at most {MAX_DEPTH} deep")
    }
}

impl std::error::Error for TooComplex {}

/// What it costs to know: the order of trying, and of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    Column,
    Record,
    Header,
    Body,
    Text,
}

/// A key in the program's order.
#[derive(Debug)]
pub(super) enum Node {
    And(Vec<Self>, Cost),
    Or(Vec<Self>, Cost),
    Not(Box<Self>),
    Column(Column),
    /// What needs reading, and the number of its answer.
    Read(Read, usize),
}

#[derive(Debug)]
pub(super) enum Column {
    Flag(Flag),
    Recent,
    Uid(UidSet),
    Email(EmailId),
    InternalDate(DateTest),
    SaveDate(DateTest),
    Arrived(ArrivalTest),
    Larger(u64),
    Smaller(u64),
    ModSeq(ModSeq),
}

#[derive(Debug)]
pub(super) enum Read {
    SentDate(DateTest),
    Thread(ThreadId),
    Header(HeaderTest),
    Body(Needle),
    Text(Needle),
}

struct Compiler {
    keys: usize,
    reads: usize,
}

impl Compiler {
    fn node(&mut self, key: Key, depth: usize) -> Result<Node, TooComplex> {
        self.keys += 1;
        if self.keys > MAX_KEYS || depth > MAX_DEPTH {
            return Err(TooComplex);
        }
        Ok(match key {
            Key::And(keys) => {
                let (nodes, cost) = self.nodes(keys, depth)?;
                Node::And(nodes, cost)
            }
            Key::Or(keys) => {
                let (nodes, cost) = self.nodes(keys, depth)?;
                Node::Or(nodes, cost)
            }
            Key::Not(key) => Node::Not(Box::new(self.node(*key, depth + 1)?)),
            Key::Flag(flag) => Node::Column(Column::Flag(flag)),
            Key::Recent => Node::Column(Column::Recent),
            Key::Uid(uids) => Node::Column(Column::Uid(uids)),
            Key::Email(email) => Node::Column(Column::Email(email)),
            Key::InternalDate(test) => Node::Column(Column::InternalDate(test)),
            Key::SaveDate(test) => Node::Column(Column::SaveDate(test)),
            Key::Arrived(test) => Node::Column(Column::Arrived(test)),
            Key::Larger(octets) => Node::Column(Column::Larger(octets)),
            Key::Smaller(octets) => Node::Column(Column::Smaller(octets)),
            Key::ModSeq(mod_seq) => Node::Column(Column::ModSeq(mod_seq)),
            Key::SentDate(test) => self.read(Read::SentDate(test)),
            Key::Thread(thread) => self.read(Read::Thread(thread)),
            Key::Header(test) => self.read(Read::Header(test)),
            // "The empty string is a substring": of every text.
            Key::Body(needle) | Key::Text(needle) if needle.is_empty() => Node::And(Vec::new(), Cost::Column),
            Key::Body(needle) => self.read(Read::Body(needle)),
            Key::Text(needle) => self.read(Read::Text(needle)),
        })
    }

    /// The cheap ones first, so that they decide before the dear ones are looked at; and what the dearest costs.
    fn nodes(&mut self, keys: Vec<Key>, depth: usize) -> Result<(Vec<Node>, Cost), TooComplex> {
        let nodes = keys.into_iter().map(|key| self.node(key, depth + 1));
        let mut nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        nodes.sort_by_key(Node::cost);
        let dearest = nodes.last().map_or(Cost::Column, Node::cost);
        Ok((nodes, dearest))
    }

    fn read(&mut self, read: Read) -> Node {
        let number = self.reads;
        self.reads += 1;
        Node::Read(read, number)
    }
}

/// One message before the program.
struct Hearing<'a, 'p, R> {
    row: &'a R,
    answers: &'a mut Answers,
    tell: &'a mut dyn FnMut(Need<'p>) -> Option<bool>,
}

/// What is known: yes, no, or what would have to be asked next.
enum Truth<'p> {
    Yes,
    No,
    Open(Question<'p>),
}

impl<'p> Truth<'p> {
    const fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    fn negated(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            open @ Self::Open(_) => open,
        }
    }

    /// The cheaper question; the earlier one of two that cost the same.
    fn cheaper(open: Option<Question<'p>>, other: Question<'p>) -> Question<'p> {
        open.filter(|open| open.cost <= other.cost).unwrap_or(other)
    }
}

impl Node {
    fn cost(&self) -> Cost {
        match self {
            Self::And(_, cost) | Self::Or(_, cost) => *cost,
            Self::Not(node) => node.cost(),
            Self::Column(_) => Cost::Column,
            Self::Read(read, _) => read.cost(),
        }
    }

    fn judge<'p>(&'p self, hearing: &mut Hearing<'_, 'p, impl Searchable>) -> Truth<'p> {
        match self {
            Self::And(nodes, _) => all(nodes, |node| node.judge(hearing)),
            // Not all of them fail.
            Self::Or(nodes, _) => all(nodes, |node| node.judge(hearing).negated()).negated(),
            Self::Not(node) => node.judge(hearing).negated(),
            Self::Column(column) => Truth::of(column.holds(hearing.row)),
            Self::Read(read, number) => {
                let need = read.need();
                match hearing.answers.get_or(*number, || (hearing.tell)(need)) {
                    Some(holds) => Truth::of(holds),
                    None => Truth::Open(Question { number: *number, cost: read.cost(), need }),
                }
            }
        }
    }

    fn candidates(&self) -> Option<UidSet> {
        match self {
            Self::Column(Column::Uid(uids)) => Some(uids.clone()),
            Self::And(nodes, _) => {
                let bounds = nodes.iter().filter_map(Self::candidates);
                bounds.reduce(|a, b| a.intersection(&b))
            }
            _ => None,
        }
    }

    fn names_mod_seq(&self) -> bool {
        match self {
            Self::And(nodes, _) | Self::Or(nodes, _) => nodes.iter().any(Self::names_mod_seq),
            Self::Not(node) => node.names_mod_seq(),
            Self::Column(Column::ModSeq(_)) => true,
            Self::Column(_) | Self::Read(..) => false,
        }
    }
}

/// Three-valued AND: one no decides, whatever is open beside it.
fn all<'p>(nodes: &'p [Node], mut judge: impl FnMut(&'p Node) -> Truth<'p>) -> Truth<'p> {
    let mut open = None;
    for node in nodes {
        match judge(node) {
            Truth::Yes => (),
            Truth::No => return Truth::No,
            Truth::Open(question) => open = Some(Truth::cheaper(open, question)),
        }
    }
    open.map_or(Truth::Yes, Truth::Open)
}

impl Column {
    fn holds(&self, row: &impl Searchable) -> bool {
        match self {
            Self::Flag(flag) => row.has_flag(flag),
            Self::Recent => row.is_recent(),
            Self::Uid(uids) => uids.contains(row.uid()),
            Self::Email(email) => row.email() == *email,
            Self::InternalDate(test) => test.holds(Some(row.internal_date().local_day())),
            Self::SaveDate(test) => test.holds(Some(row.save_date().local_day())),
            Self::Arrived(test) => test.holds(row.internal_date().seconds()),
            Self::Larger(octets) => row.size() > *octets,
            Self::Smaller(octets) => row.size() < *octets,
            Self::ModSeq(mod_seq) => row.mod_seq() >= *mod_seq,
        }
    }
}

impl Read {
    const fn cost(&self) -> Cost {
        match self {
            Self::SentDate(_) | Self::Thread(_) => Cost::Record,
            Self::Header(_) => Cost::Header,
            Self::Body(_) => Cost::Body,
            Self::Text(_) => Cost::Text,
        }
    }

    const fn need(&self) -> Need<'_> {
        match self {
            Self::SentDate(test) => Need::SentDate(*test),
            Self::Thread(thread) => Need::Thread(*thread),
            Self::Header(test) => Need::Header(test),
            Self::Body(needle) => Need::Body(needle),
            Self::Text(needle) => Need::Text(needle),
        }
    }
}
