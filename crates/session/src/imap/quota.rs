//! GETQUOTA and GETQUOTAROOT (RFC 9208); SETQUOTA is for whoever runs the server, at the desk.
//!
//! An account has one quota root, and all of its mailboxes are in it. That nothing grows beyond it is seen to where
//! things grow: in the port's `draft`, `append`, `transfer` and `change`.

use super::done::{Done, Outcome};
use super::hall::Hall;
use crate::port::Mail;
use crate::refusal::Refusal;
use mailbox::account::{Measure, QuotaReport};
use terms::MailboxName;
use wire::imap::reply::{self, Code, QuotaResource};

/// The name of the account's quota root.
const ROOT: &str = "";
/// RFC 9208, 5.1: STORAGE is "in units of 1024 octets".
const UNIT_OCTETS: u64 = 1_024;

pub(super) async fn get<M: Mail>(root: &str, mail: &M, out: &mut Vec<u8>) -> Outcome {
    check(root)?;
    tell(&mail.quota().await?, out);
    Ok(Done::ok("GETQUOTA completed"))
}

/// "The mailbox name parameter doesn't have to reference an existing mailbox."
pub(super) async fn get_root<M: Mail>(name: &MailboxName, hall: &Hall<M>, out: &mut Vec<u8>) -> Outcome {
    let report = hall.mail.quota().await?;
    reply::quota_root(out, name, &[ROOT], hall.names());
    tell(&report, out);
    Ok(Done::ok("GETQUOTAROOT completed"))
}

/// QUOTASET is not offered: a limit that its user can lift is none.
pub(super) fn set(root: &str) -> Outcome {
    check(root)?;
    Err(Refusal::denied(Code::NoPerm, "Limits are set by whoever runs this server").into())
}

fn check(root: &str) -> Result<(), Refusal> {
    match root {
        ROOT => Ok(()),
        _ => Err(Refusal::denied(Code::NonExistent, "There is no quota root of this name; yours is \"\"")),
    }
}

/// "Resources not named in the list are not limited in the quota root."
fn tell(report: &QuotaReport, out: &mut Vec<u8>) {
    let storage = Measure {
        used: report.octets.used.div_ceil(UNIT_OCTETS),
        most: report.octets.most.map(|most| most / UNIT_OCTETS),
    };
    let resources = [("STORAGE", storage), ("MESSAGE", report.messages), ("MAILBOX", report.mailboxes)];
    let limited = |(name, measure): (&'static str, Measure)| {
        Some(QuotaResource { name, usage: measure.used, limit: measure.most? })
    };
    reply::quota(out, ROOT, &resources.into_iter().filter_map(limited).collect::<Vec<_>>());
}
