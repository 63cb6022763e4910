//! RENAME (RFC 9051, 6.3.6). INBOX stays, and its messages go.

use super::done::{Done, Outcome};
use super::hall::Hall;
use super::old_name;
use crate::port::Mail;
use wire::imap::command::Rename;

pub(super) async fn run<M: Mail>(rename: &Rename, hall: &Hall<M>, out: &mut Vec<u8>) -> Outcome {
    let (from, to) = (&rename.from.name, &rename.to.name);
    hall.mail.change(|account, now| account.rename(from, to, now.unix_s, &now.limits)).await?;
    old_name::tell(to, renormalised(rename), hall, out).await;
    Ok(Done::ok("RENAME completed"))
}

/// "If the normalized version of any of these 2 parameters differs from the corresponding supplied version [..] with the
/// OLDNAME value being the supplied existing mailbox name" (RFC 9051, 6.3.6). INBOX is there still, so what is old of
/// its messages' new mailbox is the spelling of that.
fn renormalised(rename: &Rename) -> Option<&str> {
    let Rename { from, to } = rename;
    match (from.spelling.as_deref(), to.spelling.as_deref()) {
        (None, to) if from.name.is_inbox() => to,
        (None, Some(_)) => Some(from.name.as_str()),
        (spelling, _) => spelling,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::imap::mailbox_name::{NameForm, decode_spelt};

    fn old_name(from: &str, to: &str) -> Option<String> {
        let [from, to] = [from, to].map(|text| decode_spelt(text.as_bytes(), NameForm::Utf7).unwrap());
        renormalised(&Rename { from, to }).map(Into::into)
    }

    #[test]
    fn the_old_name_is_what_the_client_supplied_if_either_name_was_spelt_otherwise() {
        assert_eq!(old_name("a", "b"), None);
        assert_eq!(old_name("u\u{308}", "b").as_deref(), Some("u\u{308}"));
        assert_eq!(old_name("a", "u\u{308}").as_deref(), Some("a"));
        assert_eq!(old_name("inbox", "u\u{308}").as_deref(), Some("u\u{308}"));
        assert_eq!(old_name("inbox", "b"), None);
    }
}
