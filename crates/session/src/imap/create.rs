//! CREATE (RFC 3501, 6.3.3).

use super::done::{Done, Outcome};
use crate::port::Mail;
use terms::MailboxName;

pub(super) async fn run<M: Mail>(mail: &M, name: &MailboxName) -> Outcome {
    mail.change(|account, now| account.create(name, None, now.unix_s, &now.limits)).await?;
    Ok(Done::ok("CREATE completed"))
}
