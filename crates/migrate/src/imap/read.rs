//! Reading a mailbox of the other server: first what its messages are, then those that are not here yet.

use super::client::{Client, MAX_UNASKED, foreign_tag, keep, read};
use super::connect::quoted;
use super::lines::Part;
use super::response::{Response, Status, Told, Value};
use crate::filing::too_large;
use crate::letter::Marks;
use crate::link::{Key, Known, Numbering};
use crate::pour::Pour;
use crate::source::{Folder, Reader};
use crate::trouble::Trouble;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use terms::InternalDate;

/// Most messages of a mailbox.
const MAX_MESSAGES: u64 = 5_000_000;
/// Octets of flags, of all messages of a mailbox together.
const MAX_FLAG_OCTETS: usize = 256 << 20;
/// Messages, and octets by the server's count, that are asked for at once.
const MAX_ASKED: usize = 200;
const MAX_ASKED_OCTETS: u64 = 16 << 20;

/// A connection that reads one mailbox after another.
pub struct Connection {
    client: Client,
    spelt: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

/// What the server says of a message.
#[derive(Debug, Default)]
struct Listed {
    marks: Marks,
    octets: u64,
}

/// The messages of a mailbox by UID.
type Messages = BTreeMap<u32, Listed>;

impl Connection {
    pub(super) const fn new(client: Client, spelt: Arc<Mutex<HashMap<String, Vec<u8>>>>) -> Self {
        Self { client, spelt }
    }

    /// EXAMINE: how many messages, and how they are numbered.
    async fn examine(&mut self, folder: &Folder) -> Result<(u64, Numbering), Trouble> {
        let spelt = self.spelt.lock().unwrap_or_else(PoisonError::into_inner).get(&folder.at_source).cloned();
        let name = spelt.and_then(|octets| quoted(&String::from_utf8(octets).ok()?));
        let name = name.ok_or_else(|| Trouble::Source("its name cannot be said to the server".into()))?;
        let mut exists = 0;
        let each = |values: &[Value]| {
            if let [number, word] = values
                && word.is("EXISTS")
            {
                exists = number.number().unwrap_or_default();
            }
            Ok(())
        };
        let answer = self.client.ask(&format!("EXAMINE {}", *name), 10, each).await?;
        if exists > MAX_MESSAGES {
            return Err(Trouble::Hostile(format!("the server claims {exists} messages in one mailbox")));
        }
        let validity = answer.number("UIDVALIDITY");
        let why = "the server gives no UIDVALIDITY: its messages cannot be told apart";
        let uid_validity = validity.ok_or_else(|| Trouble::Source(why.into()))?;
        // RFC 3501, 6.3.1: where it is not told, "the next unique identifier value can not be predicted".
        Ok((exists, Numbering { uid_validity, uid_next: answer.number("UIDNEXT").unwrap_or_default() }))
    }

    /// What its messages are.
    async fn list(&mut self, mut exists: u64) -> Result<(Messages, u64), Trouble> {
        let (mut messages, mut flag_octets) = (Messages::new(), 0);
        let most = exists.saturating_add(MAX_UNASKED);
        let each = |values: &[Value]| {
            match values {
                [_, word, items] if word.is("FETCH") => {
                    if let Some((uid, listed)) = listed(items.list().unwrap_or_default()) {
                        flag_octets += listed.marks.octets();
                        messages.insert(uid, listed);
                    }
                    if flag_octets > MAX_FLAG_OCTETS {
                        return Err(Trouble::Hostile("the server tells of too many flags".into()));
                    }
                }
                [_, word] if word.is("EXPUNGE") => exists = exists.saturating_sub(1),
                _ => {}
            }
            Ok(())
        };
        self.client.ask("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)", most, each).await?;
        Ok((messages, exists))
    }

    /// Brings messages, some hundred at a time.
    async fn bring(&mut self, uids: &[u32], messages: &Messages, pour: &mut Pour<'_>) -> Result<(), Trouble> {
        let mut left = uids;
        while !left.is_empty() {
            let (some, rest) = left.split_at(portion(left, messages));
            left = rest;
            self.fetch(some, messages, pour).await?;
        }
        Ok(())
    }

    /// Brings some messages. Those that the server does not give together are asked for one by one.
    async fn fetch(&mut self, uids: &[u32], messages: &Messages, pour: &mut Pour<'_>) -> Result<(), Trouble> {
        let mut wanted: BTreeSet<u32> = uids.iter().copied().collect();
        let told = self.fetch_together(&mut wanted, messages, pour).await?;
        for uid in wanted.clone() {
            let mut one = BTreeSet::from([uid]);
            let told = if told.status == Status::Ok || uids.len() == 1 {
                told.clone()
            } else {
                self.fetch_together(&mut one, messages, pour).await?
            };
            if one.contains(&uid) {
                let why = if told.status == Status::Ok { "it is not there any more" } else { &told.text };
                pour.skip(named(uid), format!("the server did not give it: {why}"));
            }
        }
        Ok(())
    }

    /// Takes out of `wanted` what came.
    async fn fetch_together(
        &mut self,
        wanted: &mut BTreeSet<u32>,
        messages: &Messages,
        pour: &mut Pour<'_>,
    ) -> Result<Told, Trouble> {
        let tag = self.client.send(&format!("UID FETCH {} (UID BODY.PEEK[])", set(wanted))).await?;
        for _ in 0..wanted.len() as u64 + MAX_UNASKED {
            let response = match self.client.lines.next().await? {
                Part::UpToBody(octets) => {
                    self.stream(octets, wanted, messages, pour).await?;
                    continue;
                }
                Part::Whole(response) => read(&response)?,
            };
            match response {
                Response::Tagged(own, told) if own == tag => return Ok(told),
                Response::Tagged(own, _) => return Err(foreign_tag(&own)),
                Response::Status(told) => drop(keep(told)?),
                Response::Data(values) => small(&values, wanted, messages, pour).await?,
                Response::Continue => {}
            }
        }
        Err(Trouble::Hostile("the server does not stop to answer one FETCH".into()))
    }

    /// Passes a message on as it comes.
    async fn stream(
        &mut self,
        octets: u64,
        wanted: &mut BTreeSet<u32>,
        messages: &Messages,
        pour: &mut Pour<'_>,
    ) -> Result<(), Trouble> {
        // Larger ones were not asked for. A server may be off by some in its RFC822.SIZE, not by this much.
        if octets > pour.most_octets().saturating_mul(2) {
            return Err(Trouble::Hostile(format!("the server sends a message of {octets} octets")));
        }
        let mut pouring = pour.begin(octets).await?;
        let mut left = octets;
        while left > 0 {
            let piece = self.client.lines.body(&mut left).await?;
            pour.piece(&mut pouring, piece).await?;
        }
        let rest = self.client.lines.rest().await?;
        let Response::Data(values) = read(&rest)? else { return Err(not_asked(None)) };
        let [_, _, items] = values.as_slice() else { return Err(not_asked(None)) };
        let uid = uid(items.list().unwrap_or_default());
        let uid = uid.filter(|uid| wanted.remove(uid)).ok_or_else(|| not_asked(uid))?;
        let Some(listed) = messages.get(&uid) else { return Err(not_asked(Some(uid))) };
        compare_size(uid, listed, octets, pour);
        pour.end(pouring, (Key::of_uid(uid), &listed.marks), named(uid)).await
    }
}

/// A FETCH response without a literal: a message may be a quoted string, and NIL is none.
async fn small(
    values: &[Value],
    wanted: &mut BTreeSet<u32>,
    messages: &Messages,
    pour: &mut Pour<'_>,
) -> Result<(), Trouble> {
    let [_, word, items] = values else { return Ok(()) };
    let items = items.list().unwrap_or_default();
    let Some(Value::Octets(octets)) = item(items, "BODY[]").filter(|_| word.is("FETCH")) else {
        return Ok(());
    };
    let uid = uid(items);
    let uid = uid.filter(|uid| wanted.remove(uid)).ok_or_else(|| not_asked(uid))?;
    let Some(listed) = messages.get(&uid) else { return Err(not_asked(Some(uid))) };
    compare_size(uid, listed, octets.len() as u64, pour);
    let octets = octets.clone().into();
    pour.message(&octets, (Key::of_uid(uid), &listed.marks), named(uid)).await
}

impl Reader for Connection {
    async fn read(&mut self, folder: &Folder, pour: &mut Pour<'_>) -> Result<(), Trouble> {
        let (exists, numbering) = self.examine(folder).await?;
        pour.open(&numbering.uid_validity.to_string(), Some(numbering)).await?;
        if exists == 0 {
            pour.has(0, 0);
            return Ok(());
        }
        let (messages, exists) = self.list(exists).await?;
        let told = messages.len() as u64;
        // What a server says of sizes is believed as far as it goes into a progress bar.
        let octets = messages.values().fold(0, |sum: u64, listed| sum.saturating_add(listed.octets));
        pour.has(exists.max(told), octets);
        for _ in told..exists {
            pour.skip("a message".into(), "the server counts it, and does not tell of it".into());
        }
        for (uid, listed) in &messages {
            listed.marks.remarks(&named(*uid)).for_each(|remark| pour.note(remark));
        }
        let known = |(uid, listed): (&u32, &Listed)| Known {
            key: Key::of_uid(*uid),
            flags: listed.marks.words(),
            uid: Some(*uid),
        };
        let uids: Vec<u32> = messages.keys().copied().collect();
        let of = |place: usize| uids.get(place).copied().map(named).unwrap_or_default();
        let unknown = pour.unknown(messages.iter().map(known).collect(), of).await?;
        let mut wanted = Vec::new();
        for uid in unknown.into_iter().filter_map(|place| uids.get(place).copied()) {
            match messages.get(&uid) {
                Some(listed) if listed.octets > pour.most_octets() => {
                    pour.skip(named(uid), too_large(pour.most_octets()));
                }
                _ => wanted.push(uid),
            }
        }
        self.bring(&wanted, &messages, pour).await
    }

    async fn end(self) {
        self.client.log_out().await;
    }
}

fn named(uid: u32) -> String {
    format!("UID {uid}")
}

fn not_asked(uid: Option<u32>) -> Trouble {
    let which =
        uid.map_or_else(|| "a message without a UID".into(), |uid| format!("the message with UID {uid}"));
    Trouble::Hostile(format!("the server sends {which}, which was not asked for"))
}

fn compare_size(uid: u32, listed: &Listed, octets: u64, pour: &mut Pour<'_>) {
    if listed.octets != octets {
        let said = listed.octets;
        pour.note(format!("UID {uid}: the server said {said} octets and sent {octets}, which are all here"));
    }
}

fn item<'a>(items: &'a [Value], name: &str) -> Option<&'a Value> {
    items.chunks(2).find_map(|pair| match pair {
        [key, value] if key.is(name) => Some(value),
        _ => None,
    })
}

fn uid(items: &[Value]) -> Option<u32> {
    u32::try_from(item(items, "UID")?.number()?).ok().filter(|uid| *uid > 0)
}

/// What a FETCH response says of a message; `None` where it names no message, or is the news of another's flags.
fn listed(items: &[Value]) -> Option<(u32, Listed)> {
    let uid = uid(items)?;
    let octets = item(items, "RFC822.SIZE")?.number()?;
    let mut marks = Marks { uid: Some(uid), ..Marks::default() };
    for word in
        item(items, "FLAGS").and_then(Value::list).unwrap_or_default().iter().filter_map(Value::octets)
    {
        marks.push(&String::from_utf8_lossy(word));
    }
    marks.date = item(items, "INTERNALDATE").and_then(Value::octets).and_then(date);
    Some((uid, Listed { marks, octets }))
}

/// `17-Jul-1996 02:44:25 -0700` (RFC 9051, 9, date-time). One that does not read is none: it is dated when it comes.
fn date(text: &[u8]) -> Option<InternalDate> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let parsed = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", text).ok()?;
    let offset = parsed.offset()?;
    let seconds = offset.to_timestamp(parsed.to_datetime().ok()?).ok()?.as_second();
    InternalDate::new(seconds, i16::try_from(offset.seconds() / 60).ok()?)
}

/// How many of the next messages are asked for together.
fn portion(uids: &[u32], messages: &Messages) -> usize {
    let mut octets = 0;
    let fits = |uid: &&u32| {
        octets += messages.get(uid).map_or(0, |listed| listed.octets);
        octets <= MAX_ASKED_OCTETS
    };
    uids.iter().take(MAX_ASKED).take_while(fits).count().max(1)
}

/// A set of UIDs, neighbours as ranges.
fn set(uids: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*uid) => *last = *uid,
            _ => ranges.push((*uid, *uid)),
        }
    }
    let range =
        |(first, last): (u32, u32)| if first == last { first.to_string() } else { format!("{first}:{last}") };
    ranges.into_iter().map(range).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_with_their_zone_and_nonsense_is_none() {
        let read = |text: &str| date(text.as_bytes()).map(|date| (date.seconds(), date.zone_minutes()));
        assert_eq!(read("17-Jul-1996 02:44:25 -0700"), Some((837_596_665, -420)));
        assert_eq!(read(" 1-Jan-1970 01:00:00 +0100"), Some((0, 60)));
        assert_eq!(read("32-Jul-1996 02:44:25 -0700"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn neighbours_are_asked_for_as_a_range() {
        assert_eq!(set(&BTreeSet::from([1, 2, 3, 7, 9, 10, u32::MAX])), "1:3,7,9:10,4294967295");
    }

    #[test]
    fn what_is_asked_for_at_once_is_bounded_by_octets_and_is_never_nothing() {
        let large = || Listed { octets: MAX_ASKED_OCTETS, ..Listed::default() };
        let messages = Messages::from([(1, large()), (2, large())]);
        assert_eq!(portion(&[1, 2], &messages), 1);
        assert_eq!(portion(&[7, 8, 9], &messages), 3);
    }
}
