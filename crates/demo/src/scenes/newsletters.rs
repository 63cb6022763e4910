//! Newsletters: text and HTML side by side, some with a picture inside.

use crate::calendar::{DAY, TODAY, plain_date};
use crate::files::png;
use crate::letter::Letter;
use crate::mime::{Part, Transfer};
use crate::people::OWNER;
use crate::room::{PAST, Room, keyword};
use crate::texts::{Block, blocks};
use std::fmt::Write;
use terms::Flag;

const TEXTS: &str = include_str!("../../../../demo/texts/newsletters.txt");

/// Stories in an issue.
const STORIES: usize = 3;

pub(super) fn play(room: &mut Room) {
    for letter in blocks(TEXTS, "= ") {
        let every = letter.field(4).parse::<i64>().unwrap_or(30) * DAY;
        let issues = PAST / every;
        for issue in 0..issues {
            // Issue 1 is the oldest.
            send(room, &letter, issue + 1, TODAY - (issues - issue - 1) * every);
        }
    }
}

fn send(room: &mut Room, letter: &Block<'_>, issue: i64, seconds: i64) {
    let (name, key) = (letter.field(0), letter.field(1));
    let all: Vec<_> = blocks(letter.text, "- ").collect();
    let first = usize::try_from(issue).unwrap_or_default();
    let stories: Vec<_> = all.iter().cycle().skip(first % all.len().max(1)).take(STORIES).collect();
    let part = body(room, letter, issue, seconds, &stories);
    let id = room.message_id("news.example.com");
    let date = room.written(OWNER, seconds + 6 * 60);
    let lead = stories.first().map_or("", |story| story.field(0));
    let mail = Letter::new(OWNER, &format!("{name} #{issue}: {lead}"), date, id, part)
        .signed_by(name, &format!("{key}@news.example.com"))
        .with("List-Id", &format!("{name} <{key}.news.example.com>"))
        .with("List-Unsubscribe", &format!("<https://news.example.com/leave/{key}>"))
        .with("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
    // Most of them end in the bin sooner or later.
    if room.chance.percent(25) {
        return room.receive_as("Trash", &mail, vec![Flag::Seen, keyword("newsletter")]);
    }
    room.receive(letter.field(3), &mail);
}

fn body(room: &mut Room, letter: &Block<'_>, issue: i64, seconds: i64, stories: &[&Block<'_>]) -> Part {
    let day = plain_date(seconds);
    let plain = Part::plain(&as_text(letter.field(0), issue, &day, stories));
    let with_picture = issue % 4 == 0;
    let picture = format!("moon{issue}@news.example.com");
    let html = as_html(letter, issue, &day, stories, with_picture.then_some(picture.as_str()));
    let html = Part::text("html", &html, "utf-8", Transfer::QuotedPrintable);
    let html = match with_picture {
        true => {
            let moon = u32::try_from(issue).unwrap_or_default() * 7;
            let parts = [html, Part::inline_image(&picture, &png(160, 80, moon))];
            Part::multipart("related; type=\"text/html\"", &room.boundary(), &parts)
        }
        false => html,
    };
    Part::multipart("alternative", &room.boundary(), &[plain, html])
}

fn as_text(name: &str, issue: i64, day: &str, stories: &[&Block<'_>]) -> String {
    let mut text = format!("{name}, issue {issue}, {day}\n");
    for story in stories {
        let _infallible = write!(text, "\n* {}\n\n{}\n", story.field(0), story.text);
    }
    text + "\n-- \nYou get this because you asked for it, once.\n"
}

fn as_html(
    letter: &Block<'_>,
    issue: i64,
    day: &str,
    stories: &[&Block<'_>],
    picture: Option<&str>,
) -> String {
    let (name, colour) = (letter.field(0), letter.field(2));
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{name} {issue}</title>\n\
         <style>body {{ font-family: Georgia, serif; max-width: 36em; margin: auto; color: #222 }}\n\
         h1 {{ color: {colour}; border-bottom: 3px solid {colour} }} h2 {{ font-size: 1.1em }}\n\
         footer {{ color: #777; font-size: .8em }}</style></head>\n<body>\n<h1>{name}</h1>\n<p>{day}</p>\n"
    );
    if let Some(id) = picture {
        let _infallible =
            writeln!(html, "<p><img src=\"cid:{id}\" alt=\"The moon over the sea\" width=\"320\"></p>");
    }
    for story in stories {
        let _infallible =
            writeln!(html, "<h2>{}</h2>\n<p>{}</p>", escaped(story.field(0)), escaped(story.text));
    }
    html + "<footer>You get this because you asked for it, once.</footer>\n</body>\n</html>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
