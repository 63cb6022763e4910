//! RENAME (RFC 3501, 6.3.5). INBOX stays, and its messages go.

use super::done::{Done, Outcome};
use crate::port::Mail;
use wire::imap::command::Rename;

pub(super) async fn run<M: Mail>(mail: &M, rename: &Rename) -> Outcome {
    let Rename { from, to } = rename;
    mail.change(|account, now| account.rename(from, to, now.unix_s, &now.limits)).await?;
    Ok(Done::ok("RENAME completed"))
}
