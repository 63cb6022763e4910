//! Pictures, bills, cards and archives.

use crate::calendar::plain_date;
use crate::files::{pdf, png, zip};
use crate::letter::Letter;
use crate::mime::Part;
use crate::people::called;
use crate::room::Room;

pub(super) fn play(room: &mut Room) {
    for number in 0..9 {
        photo(room, number);
    }
    for number in 1..=8 {
        bill(room, number);
    }
    for key in ["mei", "nikos", "haruka"] {
        card(room, key);
    }
    archive(room);
}

/// Several pictures with names in several scripts.
fn photo(room: &mut Room, number: u32) {
    const NAMES: [&str; 4] = ["moonrise.png", "Mond über der Bucht.png", "月の出.png", "lune d'été.png"];
    let names = NAMES.iter().cycle().skip(usize::try_from(number).unwrap_or_default());
    let count = usize::try_from(number % 3).unwrap_or_default() + 1;
    let mut parts =
        vec![Part::plain("From the point, last night. The sea was warmer than the air.\n\nJonas")];
    for (name, moon) in names.take(count).zip(number * 11..) {
        parts.push(Part::attachment("image/png", name, &png(240, 120, moon)));
    }
    send(room, "jonas", "INBOX", &format!("Moonrise, no. {}", number + 1), &parts);
}

fn bill(room: &mut Room, number: u32) {
    let seconds = room.some_day(0);
    let lines = [
        format!("Bill no. 2026-{:03}, {}", number * 7, plain_date(seconds)),
        String::new(),
        format!("Varnish, {number} tins ............ {}.00", number * 18),
        "Rope, 40 m .................... 62.00".into(),
        "Advice ......................... 0.00".into(),
        String::new(),
        format!("Total ........................ {}.00", number * 18 + 62),
    ];
    let page = pdf("Andrius Zukas, Ship Chandler", &lines);
    let name = format!("bill-2026-{:03}.pdf", number * 7);
    let parts = [
        Part::plain("Dear customer,\n\nplease find the bill attached. Cash is fine, fish is better."),
        Part::attachment("application/pdf", &name, &page),
    ];
    send(room, "andrius", "Archive", &format!("Bill no. 2026-{:03}", number * 7), &parts);
}

/// A visiting card (RFC 6350).
fn card(room: &mut Room, key: &str) {
    let person = called(key);
    let card = format!(
        "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:{}\r\nEMAIL:{}\r\nTZ:{}\r\nEND:VCARD\r\n",
        person.name,
        person.address(),
        person.zone_minutes
    );
    let parts = [
        Part::plain("My new address is in the card."),
        Part::attachment("text/vcard; charset=utf-8", &format!("{key}.vcf"), card.as_bytes()),
    ];
    send(room, key, "INBOX", "New address", &parts);
}

fn archive(room: &mut Room) {
    let log = "1911-03-04  wind SW 9, light out 11 minutes, nobody noticed but me\n";
    let files = [("logbook/1911.txt", log.as_bytes()), ("logbook/page-12.png", &png(120, 160, 40))];
    let parts = [
        Part::plain("The first pages of the logbook, as promised. Page 12 has a drawing of the moon."),
        Part::attachment("application/zip", "logbook.zip", &zip(&files)),
    ];
    send(room, "marta", "Work/Projects", "Logbook 1911, first scans", &parts);
}

fn send(room: &mut Room, key: &str, mailbox: &str, subject: &str, parts: &[Part]) {
    let from = called(key);
    let seconds = room.some_day(0);
    let (id, date) = (room.message_id(from.domain), room.written(from, seconds));
    let part = Part::multipart("mixed", &room.boundary(), parts);
    room.receive(mailbox, &Letter::new(from, subject, date, id, part));
}
