//! NAMESPACE (RFC 2342; RFC 9051, 6.3.10): one's own mailboxes, without a prefix.

use super::done::Done;
use wire::imap::NameForm;
use wire::imap::reply::{self, Namespace, Namespaces};

pub(super) fn run(names: NameForm, out: &mut Vec<u8>) -> Done {
    // No "INBOX." in front of names: Outlook shows everything below INBOX where there is one.
    let personal = [Namespace { prefix: "" }];
    reply::namespace(out, &Namespaces { personal: &personal, ..Namespaces::default() }, names);
    Done::ok("NAMESPACE completed")
}
