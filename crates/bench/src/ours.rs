//! Whether mail is ours to delete: each message that a run puts in says so in its Message-ID.

use crate::client::{Said, Scan, Session, Value};
use crate::trouble::{Trouble, visible};

/// How the Message-IDs of our mail end: of the corpus, and of what is stamped.
const ENDINGS: [&[u8]; 2] = [b"@bench.example.org>", b"@stamp.example.org>"];

/// Refuses a selected mailbox, of so many messages, where one of them is not from a run of ours. All of them are looked at:
/// somebody may have moved a letter into the middle.
pub(crate) async fn must_be_ours(session: &mut Session, mailbox: &str, messages: u32) -> Result<(), Trouble> {
    if messages == 0 {
        return Ok(());
    }
    let (mut told, mut foreign) = (0, None);
    session
        .run("FETCH 1:* (ENVELOPE)", |said| {
            if let Said::Fetch(number, items) = said
                && let Some(envelope) = items.get("ENVELOPE")
            {
                told += 1;
                let id = message_id(envelope).unwrap_or_default();
                if foreign.is_none() && !ENDINGS.iter().any(|ending| id.ends_with(ending)) {
                    foreign = Some((number, visible(id)));
                }
            }
            Ok(())
        })
        .await?;
    match foreign {
        Some((number, id)) => Err(Trouble::NotOurs(format!(
            "{mailbox} has a message that no run of ours has put there (number {number}, {id}): it stays, and nothing is \
             measured"
        ))),
        // What is not told of may be anybody's.
        None if told < messages => {
            Err(Trouble::Garbled(format!("{mailbox}: the envelopes of {told} of {messages} messages came")))
        }
        None => Ok(()),
    }
}

/// The last of an envelope's ten fields (RFC 9051, 7.5.2).
fn message_id(envelope: Value<'_>) -> Option<&[u8]> {
    Scan::new(envelope.list()?).nth(9)?.string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_id_is_the_envelopes_last_field() {
        let of = |inside: &'static str| message_id(Value::List(inside.as_bytes()));
        assert_eq!(
            of("\"d\" \"s\" ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL \"<1@x>\" \"<2@y>\""),
            Some(&b"<2@y>"[..])
        );
        assert_eq!(of("\"d\" \"s\" NIL NIL NIL NIL NIL NIL NIL NIL"), None);
        assert_eq!(of("\"d\""), None);
    }
}
