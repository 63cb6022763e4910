//! OLDNAME (RFC 9051, 6.3.9.7): a client that wrote a name in its own way is told how the name is written.

use super::hall::Hall;
use super::list;
use super::revision::Revision;
use crate::port::Mail;
use terms::MailboxName;

/// Tells the name behind `spelling`, where that is another and the client knows LIST responses with more in them:
/// IMAP4rev2's do. "From the client point of view, this is indistinguishable from another user renaming or deleting the
/// mailbox", so a name that is gone by now is told as such.
///
/// It is told of what has been done. Where the account cannot be read just now nothing is told, for a NO would say that
/// it has not, and a client would append its message again.
pub(super) async fn tell<M: Mail>(
    name: &MailboxName,
    spelling: Option<&str>,
    hall: &Hall<M>,
    out: &mut Vec<u8>,
) {
    if let (Some(spelling), Revision::Rev2) = (spelling, hall.revision)
        && let Ok(account) = hall.mail.account().await
    {
        list::tell_unasked(&account.listed(name), Some(spelling), hall.names(), out);
    }
}
