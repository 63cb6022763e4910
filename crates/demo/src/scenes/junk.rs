//! What nobody asked for.

use crate::calendar::DAY;
use crate::letter::Letter;
use crate::mime::{Part, Transfer};
use crate::people::OWNER;
use crate::room::{Room, keyword};
use crate::texts::{Block, blocks};
use terms::Flag;

const TEXTS: &str = include_str!("../../../../demo/texts/junk.txt");

/// How often each comes; they never come once.
const TIMES: i64 = 3;

pub(super) fn play(room: &mut Room) {
    for time in 0..TIMES {
        for junk in blocks(TEXTS, "= ") {
            send(room, &junk, time);
        }
    }
}

fn send(room: &mut Room, junk: &Block<'_>, time: i64) {
    let html = format!("<html><body><font size=\"5\">{}</font></body></html>", junk.text);
    // Every other time as HTML in base64, as junk likes it.
    let part = match time % 2 {
        0 => Part::plain(junk.text),
        _ => Part::text("html", &html, "utf-8", Transfer::Base64),
    };
    let back = i64::try_from(room.chance.below(45)).unwrap_or_default() * DAY;
    let (id, date) =
        (room.message_id("junk.example.net"), room.written(OWNER, crate::calendar::TODAY - back));
    let letter = Letter::new(OWNER, junk.field(2), date, id, part)
        .signed_by(junk.field(0), junk.field(1))
        .addressed("undisclosed-recipients:;")
        .with("X-Spam-Flag", "YES");
    let seen = if time == 0 { vec![Flag::Seen] } else { Vec::new() };
    let flags = [vec![keyword("$Junk")], seen].concat();
    room.receive_as("Junk", &letter, flags);
}
