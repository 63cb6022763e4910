//! QUOTA and QUOTAROOT (RFC 9208, 4.2).

use super::super::mailbox_name::NameForm;
use super::mailbox::mailbox;
use super::text::{astring, number};
use terms::MailboxName;

/// A resource of a quota root that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaResource {
    /// Such as `STORAGE`.
    pub name: &'static str,
    /// What is used.
    pub usage: u64,
    /// What may be.
    pub limit: u64,
}

/// `* QUOTA root (...)`. A list without resources is written as one: RFC 9208, erratum 8846.
pub fn quota(out: &mut Vec<u8>, root: &str, resources: &[QuotaResource]) {
    out.extend_from_slice(b"* QUOTA ");
    astring(out, root.as_bytes());
    out.extend_from_slice(b" (");
    for (i, resource) in resources.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"" } else { b" " });
        out.extend_from_slice(resource.name.as_bytes());
        for value in [resource.usage, resource.limit] {
            out.push(b' ');
            number(out, value.min(MAX_NUMBER64));
        }
    }
    out.extend_from_slice(b")\r\n");
}

/// RFC 9051, 9: number64 is 63 bits wide.
const MAX_NUMBER64: u64 = i64::MAX.unsigned_abs();

/// `* QUOTAROOT mailbox root ...`
pub fn quota_root(out: &mut Vec<u8>, name: &MailboxName, roots: &[&str], form: NameForm) {
    out.extend_from_slice(b"* QUOTAROOT ");
    mailbox(out, name, form);
    for root in roots {
        out.push(b' ');
        astring(out, root.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}
