//! Messages inside of messages, and signed ones.

use crate::calendar::{DAY, HOUR};
use crate::letter::Letter;
use crate::mime::Part;
use crate::people::{OWNER, called};
use crate::room::{Room, keyword};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use terms::Flag;

/// How deep the deepest forwarded message lies.
const DEPTH: i64 = 4;

pub(super) fn play(room: &mut Room) {
    forwarded(room);
    digest(room);
    for (key, subject) in [("oskar", "Release 2.3 of the gear tables"), ("amara", "Signed minutes")] {
        signed(room, key, subject);
    }
}

/// A message that went through several hands, each wrapping it once more.
fn forwarded(room: &mut Room) {
    let start = room.some_day(30 * DAY);
    let hands = ["marta", "tomas", "ines", "amara", "yusuf"];
    let mut inner: Option<Letter> = None;
    for (key, step) in hands.into_iter().zip(0..=DEPTH) {
        let from = called(key);
        let subject = format!("{}Found in box 12", "Fwd: ".repeat(usize::try_from(step).unwrap_or_default()));
        let part = match &inner {
            None => Part::plain("A pressed flower, and under it a sentence in pencil. See page 12."),
            Some(letter) => {
                let parts = [Part::plain("Look at this!"), Part::message(&letter.to_bytes())];
                Part::multipart("mixed", &room.boundary(), &parts)
            }
        };
        let (id, date) = (room.message_id(from.domain), room.written(from, start + step * 5 * HOUR));
        let letter = Letter::new(from, &subject, date, id, part);
        room.receive_as("Archive", &letter, vec![Flag::Seen, keyword("$Forwarded")]);
        inner = Some(letter);
    }
}

/// A day of a list in one message (RFC 2046, 5.1.5).
fn digest(room: &mut Room) {
    let start = room.some_day(DAY);
    let mut parts = Vec::new();
    for (key, step) in ["pavel", "haruka", "siobhan"].into_iter().zip(0..) {
        let from = called(key);
        let (id, date) = (room.message_id(from.domain), room.written(from, start + step * HOUR));
        let text = Part::plain("Sown today: two rows, one of them straight.");
        parts.push(Part::message(&Letter::new(from, "What did you sow today?", date, id, text).to_bytes()));
    }
    let part = Part::multipart("digest", &room.boundary(), &parts);
    let (id, date) = (room.message_id("lists.example.org"), room.written(OWNER, start + 6 * HOUR));
    let letter = Letter::new(OWNER, "seed-savers digest, volume 4, issue 31", date, id, part)
        .signed_by("Seed savers", "seed-savers-request@lists.example.org")
        .with("List-Id", "<seed-savers.lists.example.org>");
    room.receive("Lists/Seed savers", &letter);
}

/// Signed with OpenPGP (RFC 3156). The signature has the right shape and verifies nothing.
fn signed(room: &mut Room, key: &str, subject: &str) {
    let from = called(key);
    let shape: Vec<u8> = (0..12).flat_map(|_| room.chance.next().to_be_bytes()).collect();
    let encoded = STANDARD.encode(shape);
    let lines: Vec<_> = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let signature =
        format!("-----BEGIN PGP SIGNATURE-----\n\n{}\n-----END PGP SIGNATURE-----\n", lines.join("\n"));
    let parts = [
        Part::plain(
            "The numbers are on the usual page. I have checked them twice.\n\n-- \nsigned, sealed, sent",
        ),
        Part::lines("application/pgp-signature; name=\"signature.asc\"", &signature),
    ];
    let kind = "signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\"";
    let part = Part::multipart(kind, &room.boundary(), &parts);
    let seconds = room.some_day(0);
    let (id, date) = (room.message_id(from.domain), room.written(from, seconds));
    room.receive("INBOX", &Letter::new(from, subject, date, id, part));
}
