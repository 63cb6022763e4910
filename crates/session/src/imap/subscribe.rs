//! SUBSCRIBE and UNSUBSCRIBE (RFC 3501, 6.3.6 and 6.3.7). Names are subscribed, not mailboxes.

use super::done::{Done, Outcome};
use crate::port::Mail;
use terms::MailboxName;

pub(super) async fn subscribe<M: Mail>(mail: &M, name: &MailboxName) -> Outcome {
    mail.change(|account, now| account.subscribe(name, &now.limits)).await?;
    Ok(Done::ok("SUBSCRIBE completed"))
}

pub(super) async fn unsubscribe<M: Mail>(mail: &M, name: &MailboxName) -> Outcome {
    mail.change(|account, _| Ok(account.unsubscribe(name))).await?;
    Ok(Done::ok("UNSUBSCRIBE completed"))
}
