//! Bounces (RFC 3464) and receipts (RFC 8098).

use crate::letter::Letter;
use crate::mime::Part;
use crate::people::{OWNER, called};
use crate::room::Room;
use terms::Flag;

/// Who was not there, with the status and the words of the other server.
const FAILURES: &[(&str, &str, &str)] = &[
    ("keeper@lamp.example.net", "5.1.1", "550 5.1.1 No such user: the keeper retired in 1964"),
    ("council@town.example.net", "5.2.2", "552 5.2.2 Mailbox full of minutes"),
    ("captain@ferry.example.com", "4.4.1", "no answer from host; at sea?"),
    ("łukasz@poczta.example.com", "5.6.7", "550 5.6.7 Address needs SMTPUTF8"),
];

pub(super) fn play(room: &mut Room) {
    for (to, status, why) in FAILURES {
        bounce(room, to, status, why);
    }
    for key in ["greta", "minjun"] {
        receipt(room, key);
    }
}

fn bounce(room: &mut Room, to: &str, status: &str, why: &str) {
    let seconds = room.some_day(3_600);
    let (id, date) = (room.message_id(OWNER.domain), room.written(OWNER, seconds));
    let sent =
        Letter::new(OWNER, "A question about the lamp", date, id, Part::plain("Who wound the clockwork?"));
    let sent = sent.addressed(&format!("<{to}>"));
    room.keep("Sent", &sent, vec![Flag::Seen]);

    let text =
        format!("Your message could not be delivered to\n\n  <{to}>\n\nThe other side said:\n\n  {why}");
    let kind = if to.is_ascii() { "rfc822" } else { "utf-8" };
    let action = if status.starts_with('4') { "delayed" } else { "failed" };
    let status = format!(
        "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: {kind}; {to}\nAction: {action}\n\
         Status: {status}\nDiagnostic-Code: smtp; {why}\n"
    );
    let content = if to.is_ascii() { "message/delivery-status" } else { "message/global-delivery-status" };
    let parts = [Part::plain(&text), Part::lines(content, &status), Part::message(&sent.to_bytes())];
    let part = Part::multipart("report; report-type=delivery-status", &room.boundary(), &parts);
    let (id, date) = (room.message_id("mx.example.org"), room.written(OWNER, seconds + 180));
    let letter = Letter::new(OWNER, "Undelivered Mail Returned to Sender", date, id, part)
        .signed_by("Mail Delivery System", "MAILER-DAEMON@mx.example.org")
        .with("Auto-Submitted", "auto-replied");
    room.receive("INBOX", &letter);
}

fn receipt(room: &mut Room, key: &str) {
    let from = called(key);
    let fields = format!(
        "Reporting-UA: post.example; Harbour Mail 3\nFinal-Recipient: rfc822; {}\n\
         Disposition: manual-action/MDN-sent-manually; displayed\n",
        from.address()
    );
    let parts = [
        Part::plain("Your message was displayed. Whether it was read is another question."),
        Part::lines("message/disposition-notification", &fields),
    ];
    let part = Part::multipart("report; report-type=disposition-notification", &room.boundary(), &parts);
    let seconds = room.some_day(0);
    let (id, date) = (room.message_id(from.domain), room.written(from, seconds));
    room.receive("INBOX", &Letter::new(from, "Read: The parcel", date, id, part));
}
