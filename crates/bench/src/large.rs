//! The large mailbox: made of the corpus, message by message, so that all that a server says of it can be checked.

use crate::bench::{Bench, exists, message_id};
use crate::client::{Items, Letter, Said, Scan, Session, Value, before};
use crate::corpus::{Corpus, Date, Facts, Flags, Kind};
use crate::meter::{Measured, Memory};
use crate::report::Wrongs;
use crate::trouble::Trouble;
use std::collections::VecDeque;

/// Messages and octets that go with one command.
const BATCH_MESSAGES: u32 = 500;
const BATCH_OCTETS: usize = 8 << 20;
/// Commands that are under way at once where each has one message.
const WINDOW: usize = 32;

/// The large mailbox, as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Large {
    /// As it is written in a command.
    pub(crate) mailbox: String,
    /// UIDs by the index of the message.
    pub(crate) uids: Vec<u32>,
    /// What the first SELECT of it took, where it was there already.
    pub(crate) first: Option<FirstSelect>,
}

/// What the first SELECT of this run took: of a server that was started just now, for instance.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FirstSelect {
    pub(crate) measured: Measured,
    /// Memory of the server before.
    pub(crate) before: Option<Memory>,
}

impl Large {
    /// The mailbox of user 0; made first, if it is not there with the mail that it has to have.
    pub(crate) async fn open(bench: &Bench) -> Result<Self, Trouble> {
        let mut session = bench.session(0, 0).await?;
        let mailbox = bench.named(&bench.plan.mailbox);
        let first = is_there(bench, &mut session, &mailbox).await?;
        if first.is_none() {
            bench.make(&mut session, 0, &bench.plan.mailbox).await?;
            put(bench, &mut session, &mailbox).await?;
        }
        let large = Self { first, ..Self::look(&mut session, &mailbox).await? };
        if large.uids.len() != bench.plan.messages as usize {
            let why = format!("{mailbox} has {} messages, not {}", large.uids.len(), bench.plan.messages);
            return Err(Trouble::Garbled(why));
        }
        session.log_out().await?;
        Ok(large)
    }

    /// Learns the UIDs.
    pub(crate) async fn look(session: &mut Session, mailbox: &str) -> Result<Self, Trouble> {
        let exists = session.select(mailbox).await?.exists;
        let mut uids = vec![0; exists as usize];
        if exists > 0 {
            session
                .run("FETCH 1:* (UID)", |said| {
                    if let Said::Fetch(number, items) = said
                        && let Some(place) = place(&mut uids, number)
                    {
                        *place = items.number("UID").unwrap_or_default();
                    }
                    Ok(())
                })
                .await?;
        }
        if uids.first() == Some(&0) || !uids.is_sorted_by(|one, next| one < next) {
            return Err(Trouble::Garbled(format!("{mailbox}: UIDs are missing, or do not ascend")));
        }
        Ok(Self { mailbox: mailbox.to_owned(), uids, first: None })
    }

    /// A session in which it is selected.
    pub(crate) async fn session(&self, bench: &Bench) -> Result<Session, Trouble> {
        let mut session = bench.session(0, 0).await?;
        session.select(&self.mailbox).await?;
        Ok(session)
    }
}

fn place(list: &mut [u32], number: u32) -> Option<&mut u32> {
    list.get_mut((number as usize).checked_sub(1)?)
}

/// What it took to find the first and the last message that it has to have in it, and as many; `None` where it has not.
async fn is_there(
    bench: &Bench,
    session: &mut Session,
    mailbox: &str,
) -> Result<Option<FirstSelect>, Trouble> {
    let messages = bench.plan.messages;
    if !exists(session, mailbox).await? {
        return Ok(None);
    }
    let before = bench.meter.memory()?;
    let measuring = bench.begin()?;
    let there = session.select(mailbox).await?.exists;
    let measured = measuring.end()?;
    if there != messages {
        return Ok(None);
    }
    for number in [1, messages] {
        let mut wanted = Vec::new();
        bench.corpus.write_message_id(number.saturating_sub(1), &mut wanted);
        if message_id(session, number).await?.as_bytes() != wanted {
            return Ok(None);
        }
    }
    Ok(Some(FirstSelect { measured, before }))
}

/// Puts all messages into a mailbox; the octets of them.
pub(crate) async fn put(bench: &Bench, session: &mut Session, mailbox: &str) -> Result<u64, Trouble> {
    let what = format!("fill {}", bench.plan.mailbox);
    bench.watcher.begins(&what, u64::from(bench.plan.messages));
    let put = put_all(bench, session, mailbox, &what).await;
    bench.watcher.ends(&what);
    put
}

async fn put_all(bench: &Bench, session: &mut Session, mailbox: &str, what: &str) -> Result<u64, Trouble> {
    let together = bench.can.has("MULTIAPPEND");
    let window = if bench.can.has("LITERAL+") && !together { WINDOW } else { 1 };
    let (mut next, mut octets, mut under_way) = (0, 0, VecDeque::new());
    while next < bench.plan.messages {
        let batch = Batch::take(bench, next, if together { BATCH_MESSAGES } else { 1 });
        octets += batch.octets.len() as u64;
        next += batch.count();
        if under_way.len() >= window
            && let Some((tag, count)) = under_way.pop_front()
        {
            session.finish(tag, "APPEND", |_| Ok(())).await?;
            bench.watcher.moves(what, count);
        }
        let tag = session.send_append(mailbox, &batch.letters(), &bench.can).await?;
        under_way.push_back((tag, u64::from(batch.count())));
    }
    for (tag, count) in under_way {
        session.finish(tag, "APPEND", |_| Ok(())).await?;
        bench.watcher.moves(what, count);
    }
    Ok(octets)
}

/// Messages that go together.
struct Batch {
    octets: Vec<u8>,
    /// What stands before each, and where it ends.
    parts: Vec<(String, usize)>,
}

impl Batch {
    fn take(bench: &Bench, first: u32, most: u32) -> Self {
        let mut batch = Self { octets: Vec::new(), parts: Vec::new() };
        for index in first..bench.plan.messages.min(first.saturating_add(most)) {
            bench.corpus.write(index, &mut batch.octets);
            let Facts { flags, date, .. } = bench.corpus.facts(index);
            batch.parts.push((before(flags, date), batch.octets.len()));
            if batch.octets.len() >= BATCH_OCTETS {
                break;
            }
        }
        batch
    }

    fn count(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }

    fn letters(&self) -> Vec<Letter<'_>> {
        let (mut start, mut letters) = (0, Vec::with_capacity(self.parts.len()));
        for (before, end) in &self.parts {
            letters.push(Letter { before, octets: self.octets.get(start..*end).unwrap_or_default() });
            start = *end;
        }
        letters
    }
}

/// Counts who has answered: each message of a mailbox once, and nobody else.
pub(crate) struct Roll {
    seen: Vec<bool>,
    pub(crate) wrongs: Wrongs,
}

impl Roll {
    pub(crate) fn new(messages: usize) -> Self {
        Self { seen: vec![false; messages], wrongs: Wrongs::default() }
    }

    /// The index of the message that a FETCH response is about.
    pub(crate) fn call(&mut self, number: u32) -> Option<u32> {
        let index = number.checked_sub(1)?;
        match self.seen.get_mut(index as usize) {
            Some(seen) if !*seen => {
                *seen = true;
                Some(index)
            }
            Some(_) => {
                self.wrongs.say(format!("message {number} is told twice"));
                None
            }
            None => {
                self.wrongs.say(format!("message {number} is told, and there is none"));
                None
            }
        }
    }

    /// All that was wrong, with those that did not answer.
    pub(crate) fn end(mut self) -> Wrongs {
        let missing = self.seen.iter().filter(|seen| !**seen).count();
        self.wrongs.check(missing == 0, || {
            let first = self.seen.iter().position(|seen| !seen).map_or(0, |index| index + 1);
            format!("{missing} of {} messages did not come, the first is number {first}", self.seen.len())
        });
        self.wrongs
    }
}

/// Compares what a FETCH tells with what is true of a message: what it does not tell is not looked at.
pub(crate) fn compare(
    corpus: &Corpus,
    index: u32,
    items: Items<'_>,
    scratch: &mut Vec<u8>,
    wrongs: &mut Wrongs,
) {
    let facts = corpus.facts(index);
    for (name, value) in items {
        let is_right = match () {
            () if name.eq_ignore_ascii_case(b"FLAGS") => {
                value.list().is_some_and(|list| Flags::read(list) == facts.flags)
            }
            () if name.eq_ignore_ascii_case(b"RFC822.SIZE") => value.number() == Some(facts.size),
            () if name.eq_ignore_ascii_case(b"INTERNALDATE") => {
                value.string().and_then(Date::read) == Some(facts.date)
            }
            () if name.eq_ignore_ascii_case(b"ENVELOPE") => is_envelope(corpus, index, value, scratch),
            () if name.eq_ignore_ascii_case(b"BODYSTRUCTURE") => structure(value) == Some(facts.kind),
            () if name.eq_ignore_ascii_case(b"BODY[]") => value.string().is_some_and(|octets| {
                octets.len() == facts.size as usize
                    && xxhash_rust::xxh3::xxh3_64(octets) == corpus.hash(index, scratch)
            }),
            () => true,
        };
        wrongs.check(is_right, || {
            let told = match value {
                Value::Atom(text) | Value::Quoted(text) | Value::Literal(text) | Value::List(text) => text,
            };
            let told = crate::trouble::visible(told);
            format!("message {}: {} is {told}", index.saturating_add(1), String::from_utf8_lossy(name))
        });
    }
}

/// Whether an ENVELOPE has the subject and the Message-ID that the message has.
fn is_envelope(corpus: &Corpus, index: u32, value: Value<'_>, scratch: &mut Vec<u8>) -> bool {
    let Some(inside) = value.list() else { return false };
    let mut fields = Scan::new(inside);
    let subject = fields.nth(1).and_then(Value::string);
    scratch.clear();
    corpus.write_subject(index, scratch);
    if subject != Some(scratch.as_slice()) {
        return false;
    }
    scratch.clear();
    corpus.write_message_id(index, scratch);
    fields.nth(7).and_then(Value::string) == Some(scratch.as_slice())
}

/// The kind of a message, by its BODYSTRUCTURE.
fn structure(value: Value<'_>) -> Option<Kind> {
    let is = |value: Value<'_>, word: &str| {
        value.string().is_some_and(|text| text.eq_ignore_ascii_case(word.as_bytes()))
    };
    let mut values = Scan::new(value.list()?);
    let first = values.value()?;
    let second = values.value()?;
    let Some(part) = first.list() else {
        return (is(first, "text") && is(second, "plain")).then_some(Kind::Plain);
    };
    let kind = |part| {
        let mut values = Scan::new(part);
        Some((values.value()?, values.value()?))
    };
    let ((text, plain), (main, sub)) = (kind(part)?, kind(second.list()?)?);
    let together = values.value()?;
    if !is(text, "text") || !is(plain, "plain") {
        return None;
    }
    match () {
        () if is(together, "alternative") && is(main, "text") && is(sub, "html") => Some(Kind::Alternative),
        () if is(together, "mixed") && is(main, "application") && is(sub, "pdf") => Some(Kind::Mixed),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{Recipe, Sizes};

    fn wrong(index: u32, fetched: &str) -> bool {
        let corpus = Corpus::new(Recipe { seed: 1, sizes: Sizes::Small, largest: 30_000 });
        let (mut wrongs, mut scratch) = (Wrongs::default(), Vec::new());
        compare(&corpus, index, Items::of(fetched.as_bytes()), &mut scratch, &mut wrongs);
        crate::report::Row::new(crate::Workload::Sync, "").wrong(wrongs).wrong.len() == 1
    }

    #[test]
    fn what_differs_from_the_corpus_by_an_octet_is_wrong() {
        let corpus = Corpus::new(Recipe { seed: 1, sizes: Sizes::Small, largest: 30_000 });
        for index in 0..50 {
            let facts = corpus.facts(index);
            let (mut body, mut id, mut subject) = (Vec::new(), Vec::new(), Vec::new());
            corpus.write(index, &mut body);
            corpus.write_message_id(index, &mut id);
            corpus.write_subject(index, &mut subject);
            let [body, id, subject] = [body, id, subject].map(|octets| String::from_utf8(octets).unwrap());
            let envelope = format!("(ENVELOPE (\"d\" \"{subject}\" NIL NIL NIL NIL NIL NIL NIL \"{id}\"))");
            let whole = format!("(BODY[] {{{}}}\r\n{body})", body.len());
            let rest = format!(
                "(FLAGS {} RFC822.SIZE {} INTERNALDATE \"{}\")",
                facts.flags.list(),
                facts.size,
                facts.date.internal()
            );
            assert!(!wrong(index, &envelope) && !wrong(index, &whole) && !wrong(index, &rest), "{index}");
            assert!(wrong(index + 1, &envelope) && wrong(index + 1, &whole));
            assert!(wrong(index, &envelope.replacen("@bench", "@bensh", 1)));
            assert!(wrong(index, &whole.replacen("MIME", "MUME", 1)));
            assert!(wrong(index, &format!("(RFC822.SIZE {})", facts.size - 1)));
            assert!(wrong(index, "(FLAGS (\\Draft))") && wrong(index, "(INTERNALDATE NIL)"));
        }
    }

    #[test]
    fn structures_are_told_apart() {
        let of = |text: &str| structure(Value::List(text.as_bytes()));
        assert_eq!(of("\"TEXT\" \"PLAIN\" (\"charset\" \"utf-8\") NIL NIL \"7BIT\" 7 1"), Some(Kind::Plain));
        let (plain, html) = ("(\"text\" \"plain\" NIL)", "(\"text\" \"html\" NIL)");
        assert_eq!(of(&format!("{plain}{html} \"alternative\" NIL")), Some(Kind::Alternative));
        assert_eq!(of(&format!("{plain}(\"application\" \"pdf\") \"MIXED\"")), Some(Kind::Mixed));
        assert_eq!(of(&format!("{plain} \"mixed\"")), None);
        assert_eq!(of(&format!("{html}{plain} \"alternative\"")), None);
    }

    #[test]
    fn the_roll_knows_who_is_missing_and_who_came_twice() {
        let mut roll = Roll::new(3);
        assert_eq!((roll.call(1), roll.call(3), roll.call(3), roll.call(4)), (Some(0), Some(2), None, None));
        let row = crate::report::Row::new(crate::Workload::Sync, "").wrong(roll.end());
        assert_eq!(row.wrong.len(), 3);
        assert!(row.wrong[2].contains("1 of 3"), "{:?}", row.wrong);
    }
}
