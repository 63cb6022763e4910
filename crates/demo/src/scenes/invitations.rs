//! Invitations, answers and cancellations (RFC 5546, RFC 6047).

use crate::calendar::{DAY, HOUR, TODAY, calendar_date};
use crate::letter::Letter;
use crate::mime::{Part, Transfer};
use crate::people::{OWNER, Person, called};
use crate::room::Room;
use terms::Flag;

/// Who invites, to what, where, and how many days from today.
const MEETINGS: &[(&str, &str, &str, i64)] = &[
    ("tomas", "Lighthouse exhibition: walk through", "Lamp room", 5),
    ("ines", "Reading group: the eel", "At Inês' place", 9),
    ("amara", "Budget", "Reading room", -20),
    ("yusuf", "Audio guide: recording day", "Chapel", -75),
    ("mei", "Levelling the tide gauge", "East mole", -160),
];

pub(super) fn play(room: &mut Room) {
    for (place, (key, summary, where_, days)) in MEETINGS.iter().enumerate() {
        let organizer = called(key);
        let event =
            Event { organizer, summary, place: where_, start: TODAY + days * DAY + 2 * HOUR, number: place };
        invite(room, &event);
        accept(room, &event);
        if place == 2 {
            cancel(room, &event);
        }
    }
}

struct Event {
    organizer: Person,
    summary: &'static str,
    place: &'static str,
    start: i64,
    number: usize,
}

/// What is done with an event.
#[derive(Clone, Copy)]
enum Method {
    Request,
    Reply,
    Cancel,
}

impl Method {
    fn as_str(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Reply => "REPLY",
            Self::Cancel => "CANCEL",
        }
    }
}

impl Event {
    fn calendar(&self, method: Method) -> String {
        let (status, answer) = match method {
            Method::Request => ("CONFIRMED", "NEEDS-ACTION"),
            Method::Reply => ("CONFIRMED", "ACCEPTED"),
            Method::Cancel => ("CANCELLED", "NEEDS-ACTION"),
        };
        [
            "BEGIN:VCALENDAR".into(),
            "PRODID:-//example.org//Harbour Calendar//EN".into(),
            "VERSION:2.0".into(),
            format!("METHOD:{}", method.as_str()),
            "BEGIN:VEVENT".into(),
            format!("UID:meeting-{}@lighthouse.example", self.number),
            format!("DTSTAMP:{}", calendar_date(self.start - 6 * DAY)),
            format!("DTSTART:{}", calendar_date(self.start)),
            format!("DTEND:{}", calendar_date(self.start + HOUR)),
            format!("SUMMARY:{}", self.summary),
            format!("LOCATION:{}", self.place),
            format!("STATUS:{status}"),
            format!("ORGANIZER;CN=\"{}\":mailto:{}", self.organizer.name, self.organizer.address()),
            format!("ATTENDEE;PARTSTAT={answer};RSVP=TRUE:mailto:{}", OWNER.address()),
            "END:VEVENT".into(),
            "END:VCALENDAR".into(),
        ]
        .join("\n")
    }

    /// Text for people, the calendar for programs.
    fn part(&self, room: &mut Room, method: Method, text: &str) -> Part {
        let kind = format!("calendar; method={}", method.as_str());
        let calendar = Part::text(&kind, &self.calendar(method), "utf-8", Transfer::QuotedPrintable);
        Part::multipart("alternative", &room.boundary(), &[Part::plain(text), calendar])
    }
}

fn invite(room: &mut Room, event: &Event) {
    let text = format!("{}\nWhere: {}\n\nPlease say whether you come.", event.summary, event.place);
    let part = event.part(room, Method::Request, &text);
    let letter = written(
        room,
        event.organizer,
        &format!("Invitation: {}", event.summary),
        event.start - 6 * DAY,
        part,
    );
    room.receive("INBOX", &letter);
}

fn accept(room: &mut Room, event: &Event) {
    let part = event.part(room, Method::Reply, "I come.");
    let letter = written(room, OWNER, &format!("Accepted: {}", event.summary), event.start - 5 * DAY, part);
    room.keep("Sent", &letter.to(event.organizer, &[]), vec![Flag::Seen]);
}

fn cancel(room: &mut Room, event: &Event) {
    let part = event.part(room, Method::Cancel, "Cancelled: the auditors have a cold.");
    let letter =
        written(room, event.organizer, &format!("Cancelled: {}", event.summary), event.start - DAY, part);
    room.receive("INBOX", &letter);
}

fn written(room: &mut Room, from: Person, subject: &str, seconds: i64, part: Part) -> Letter {
    let (id, date) = (room.message_id(from.domain), room.written(from, seconds));
    Letter::new(from, subject, date, id, part)
}
