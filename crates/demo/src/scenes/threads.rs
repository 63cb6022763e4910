//! Conversations: each answer quotes the first lines of what it answers, and refers to all that went before.

use crate::calendar::{DAY, HOUR};
use crate::letter::Letter;
use crate::mime::Part;
use crate::people::{OWNER, Person, called};
use crate::room::{Room, keyword};
use crate::texts::{Block, blocks};
use terms::Flag;

const TEXTS: &str = include_str!("../../../../demo/texts/threads.txt");

/// Quoted lines of the message before.
const QUOTED_LINES: usize = 4;

pub(super) fn play(room: &mut Room) {
    for (place, thread) in blocks(TEXTS, "= ").enumerate() {
        // The first conversations of the file are the newest.
        let back = i64::try_from(place).unwrap_or_default() * 19 * DAY;
        let start = crate::calendar::TODAY - 6 * DAY - back + room.minutes(300);
        converse(room, &thread, start);
    }
}

fn converse(room: &mut Room, thread: &Block<'_>, start: i64) {
    let mut before: Option<(Person, &str)> = None;
    let mut references = Vec::new();
    for turn in blocks(thread.text, "@ ") {
        let (key, hours) = turn.field(0).split_once(" +").unwrap_or((turn.field(0), "0"));
        let from = called(key);
        let seconds = start + hours.parse::<i64>().unwrap_or_default() * HOUR + room.minutes(50);
        let text = match before {
            Some((whom, said)) => format!("{}\n\n{}", quote(whom, said), turn.text),
            None => turn.text.into(),
        };
        let answer = if references.is_empty() { "" } else { "Re: " };
        let subject = format!("{answer}{}", thread.field(1));
        let id = room.message_id(from.domain);
        let date = room.written(from, seconds);
        let letter = Letter::new(from, &subject, date, id, Part::plain(&text)).answers(&references);
        references.push(letter.id().into());
        post(room, thread, from, addressed(letter, thread, from));
        before = Some((from, turn.text));
    }
}

/// "Tomás wrote:" and the beginning of it.
fn quote(whom: Person, said: &str) -> String {
    let first = whom.name.split(' ').next().unwrap_or(whom.name);
    let lines = said.lines().filter(|line| !line.is_empty()).take(QUOTED_LINES);
    let quoted: Vec<_> = lines.map(|line| format!("> {line}")).collect();
    format!("{first} wrote:\n{}", quoted.join("\n"))
}

/// To a list, or to everybody in the thread but the writer.
fn addressed(letter: Letter, thread: &Block<'_>, from: Person) -> Letter {
    if thread.field(2) == "list" {
        let tag = thread.field(1).split(['[', ']']).nth(1).unwrap_or("list");
        return letter
            .addressed(&format!("{tag}@lists.example.org"))
            .with("List-Id", &format!("<{tag}.lists.example.org>"))
            .with("List-Post", &format!("<mailto:{tag}@lists.example.org>"))
            .with("Precedence", "list");
    }
    let first = blocks(thread.text, "@ ").next();
    let starter = first.and_then(|turn| turn.field(0).split(' ').next().map(called)).unwrap_or(OWNER);
    let named = thread.field(2).split(", ").map(called);
    let mut everybody: Vec<_> = [starter].into_iter().chain(named).collect();
    everybody.retain(|person| person.key != from.key);
    match everybody.split_first() {
        Some((first, others)) => letter.to(*first, others),
        None => letter,
    }
}

/// The owner's own go to Sent; an answered one keeps a mark.
fn post(room: &mut Room, thread: &Block<'_>, from: Person, letter: Letter) {
    let mailbox = thread.field(0);
    if from.key == OWNER.key {
        return room.keep("Sent", &letter, vec![Flag::Seen]);
    }
    if room.chance.percent(30) {
        return room.receive_as(mailbox, &letter, vec![Flag::Seen, Flag::Answered]);
    }
    if mailbox.starts_with("Work") && room.chance.percent(25) {
        return room.receive_as(mailbox, &letter, vec![Flag::Seen, keyword("todo")]);
    }
    room.receive(mailbox, &letter);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::is_known;

    #[test]
    fn everybody_who_speaks_is_known() {
        for thread in blocks(TEXTS, "= ") {
            for turn in blocks(thread.text, "@ ") {
                let (key, hours) = turn.field(0).split_once(" +").unwrap();
                assert!(is_known(key), "{key}");
                assert!(hours.parse::<i64>().is_ok(), "{hours}");
            }
        }
    }
}
