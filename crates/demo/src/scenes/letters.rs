//! Letters in many languages, each in the charset and encoding that its writer's program would choose.

use crate::letter::Letter;
use crate::mime::{Part, Transfer};
use crate::people::{OWNER, called};
use crate::room::Room;
use crate::texts::{Block, blocks};
use terms::Flag;

const TEXTS: &str = include_str!("../../../../demo/texts/letters.txt");
const DRAFTS: &str = include_str!("../../../../demo/texts/drafts.txt");

pub(super) fn play(room: &mut Room) {
    for letter in blocks(TEXTS, "= ") {
        write(room, &letter);
    }
    for draft in blocks(DRAFTS, "= ") {
        begin(room, &draft);
    }
}

fn write(room: &mut Room, block: &Block<'_>) {
    let from = called(block.field(0));
    let (charset, encoding) = (block.field(2), block.field(3));
    let part = match encoding {
        "format-flowed" => Part::flowed(block.text),
        other => Part::text("plain", block.text, charset, Transfer::named(other)),
    };
    let seconds = room.some_day(0);
    let (id, date) = (room.message_id(from.domain), room.written(from, seconds));
    let letter = Letter::new(from, block.field(4), date, id, part).charset(from, charset);
    room.receive(block.field(1), &letter);
}

fn begin(room: &mut Room, block: &Block<'_>) {
    let seconds = room.some_day(0);
    let (id, date) = (room.message_id(OWNER.domain), room.written(OWNER, seconds));
    let letter = Letter::new(OWNER, block.field(1), date, id, Part::plain(block.text));
    room.keep("Drafts", &letter.to(called(block.field(0)), &[]), vec![Flag::Seen, Flag::Draft]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::charset;
    use crate::people::is_known;

    #[test]
    fn every_letter_fits_its_charset() {
        for block in blocks(TEXTS, "= ") {
            assert!(is_known(block.field(0)), "{}", block.field(0));
            for text in [block.text, block.field(4)] {
                let (_, _, lost) = charset(block.field(2)).encode(text);
                assert!(!lost, "{} in {}", block.field(4), block.field(2));
            }
        }
    }
}
