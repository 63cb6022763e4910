//! DELETE (RFC 3501, 6.3.4). Sessions that have the mailbox open are told with their next command.

use super::done::{Done, Outcome};
use crate::port::Mail;
use terms::MailboxName;

pub(super) async fn run<M: Mail>(mail: &M, name: &MailboxName) -> Outcome {
    mail.change(|account, _| account.delete(name)).await?;
    Ok(Done::ok("DELETE completed"))
}
