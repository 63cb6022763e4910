//! DELETE (RFC 9051, 6.3.5). Sessions that have the mailbox open are told with their next command.

use super::done::{Done, Outcome};
use super::hall::Hall;
use super::old_name;
use crate::port::Mail;
use wire::imap::mailbox_name::SpeltName;

pub(super) async fn run<M: Mail>(mailbox: &SpeltName, hall: &Hall<M>, out: &mut Vec<u8>) -> Outcome {
    hall.mail.change(|account, _| account.delete(&mailbox.name)).await?;
    old_name::tell(&mailbox.name, mailbox.spelling.as_deref(), hall, out).await;
    Ok(Done::ok("DELETE completed"))
}
