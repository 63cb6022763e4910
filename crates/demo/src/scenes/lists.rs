//! Patches on a mailing list: a series is a cover letter with each patch as an answer to it.

use crate::calendar::{DAY, TODAY};
use crate::letter::Letter;
use crate::mime::Part;
use crate::people::{Person, called};
use crate::room::Room;

/// A few patches that belong together, and who wrote them.
struct Series {
    author: &'static str,
    title: &'static str,
    patches: &'static [Patch],
}

/// A line of a file, before and after.
struct Patch {
    file: &'static str,
    old: &'static str,
    new: &'static str,
}

const fn patch(file: &'static str, old: &'static str, new: &'static str) -> Patch {
    Patch { file, old, new }
}

const SERIES: &[Series] = &[
    Series {
        author: "oskar",
        title: "Moon hand: exact gear ratios",
        patches: &[
            patch("gears.c", "return 57.0 / 59.0;", "return (double)train->driver / train->driven;"),
            patch("moon.c", "angle += step * 0.9661;", "angle += step * ratio(train);"),
            patch("test_moon.c", "assert(days < 30);", "assert(fabs(days - 29.530588) < 1e-4);"),
        ],
    },
    Series {
        author: "kwame",
        title: "Tide tables for two high waters of unequal height",
        patches: &[
            patch("tide.c", "return mean + range;", "return mean + range * (1 + diurnal(t));"),
            patch("tide.h", "double range;", "double range, inequality;"),
        ],
    },
    Series {
        author: "lucia",
        title: "Clutch: say which way it slips",
        patches: &[
            patch("clutch.c", "log(\"slipped\");", "log(\"slipped %s\", dir > 0 ? \"ahead\" : \"behind\");"),
            patch("doc/faq.txt", "See the list archive.", "If ahead: clutch. If behind: arithmetic."),
            patch("clutch.h", "int slips;", "int slips_ahead, slips_behind;"),
            patch("test_clutch.c", "slip(c, 1);", "slip(c, 1); slip(c, -1);"),
        ],
    },
    Series {
        author: "linh",
        title: "One tide a day: places where the second hand rests",
        patches: &[
            patch("tide.c", "assert(highs == 2);", "assert(highs >= 1);"),
            patch("places.tsv", "", "Ha Long\t20.95\t107.08\t1"),
        ],
    },
];

const LIST: &str = "tideclock";
const MAILBOX: &str = "Lists/Tide clock";

pub(super) fn play(room: &mut Room) {
    for (place, series) in SERIES.iter().enumerate() {
        for version in 1..=3 {
            let back = i64::try_from(place).unwrap_or_default() * 150 + (3 - version) * 21;
            post(room, series, version, TODAY - (back + 4) * DAY);
        }
    }
}

fn post(room: &mut Room, series: &Series, version: i64, start: i64) {
    let author = called(series.author);
    let mark = if version == 1 { String::new() } else { format!(" v{version}") };
    let count = series.patches.len();
    let subject = |number, what: &str| format!("[{LIST}] [PATCH{mark} {number}/{count}] {what}");
    let cover =
        format!("{}\n\n{count} files changed. Comments are welcome.\n\n{}", summary(version), author.name);
    let letter = written(room, author, &subject(0, series.title), start, &cover);
    let references = vec![letter.id().to_string()];
    room.receive(MAILBOX, &letter);
    for (patch, number) in series.patches.iter().zip(1..) {
        let what = format!("{}: {}", patch.file, series.title);
        let letter = written(room, author, &subject(number, &what), start + number, &diff(patch));
        room.receive(MAILBOX, &letter.answers(&references));
    }
}

fn written(room: &mut Room, author: Person, subject: &str, seconds: i64, text: &str) -> Letter {
    let (id, date) = (room.message_id(author.domain), room.written(author, seconds));
    Letter::new(author, subject, date, id, Part::plain(text))
        .addressed(&format!("{LIST}@lists.example.org"))
        .with("List-Id", &format!("<{LIST}.lists.example.org>"))
        .with("Precedence", "list")
}

fn summary(version: i64) -> &'static str {
    match version {
        1 => "First attempt. It builds here and the clock runs.",
        2 => "Second attempt, with the remarks of the list worked in.",
        _ => "Third and, I hope, last attempt. Nothing but names has changed.",
    }
}

fn diff(patch: &Patch) -> String {
    let Patch { file, old, new } = patch;
    format!(
        "---\n {file} | 2 +-\n\n--- a/{file}\n+++ b/{file}\n@@ -12,3 +12,3 @@\n \n-{old}\n+{new}\n \n-- \n2.45.0"
    )
}
