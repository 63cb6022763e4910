//! What machines send: loans, builds, tickets.

use crate::calendar::{DAY, HOUR, TODAY, plain_date};
use crate::letter::Letter;
use crate::mime::Part;
use crate::people::OWNER;
use crate::room::{PAST, Room};
use crate::texts::{Block, blocks};

const TEXTS: &str = include_str!("../../../../demo/texts/notices.txt");

pub(super) fn play(room: &mut Room) {
    for notice in blocks(TEXTS, "= ") {
        let every = notice.field(2).parse::<i64>().unwrap_or(60) * DAY;
        // Builds are many: the last half year will do.
        let past = if every < 20 * DAY { PAST / 4 } else { PAST };
        for number in 0..past / every {
            send(room, &notice, number + 100, TODAY - past + number * every);
        }
    }
}

fn send(room: &mut Room, notice: &Block<'_>, number: i64, seconds: i64) {
    let small = room.chance.below(8) + 2;
    let fill = |text: &str| {
        text.replace("{n}", &number.to_string())
            .replace("{m}", &small.to_string())
            .replace("{d}", &plain_date(seconds + 3 * DAY))
    };
    let seconds = seconds + 4 * HOUR + room.minutes(300);
    let (id, date) = (room.message_id("notices.example.com"), room.written(OWNER, seconds));
    let letter = Letter::new(OWNER, &fill(notice.field(4)), date, id, Part::plain(&fill(notice.text)))
        .signed_by(notice.field(0), &format!("{}@notices.example.com", notice.field(1)))
        .with("Auto-Submitted", "auto-generated");
    room.receive(notice.field(3), &letter);
}
