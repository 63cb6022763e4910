//! Which octets lie in a mailbox: messages by the names of their bodies.

use crate::Error;
use crate::account::Account;
use mailbox::{MailboxState, Row};
use message::RecordView;
use std::collections::HashMap;
use store::{EmailId, EmailRange};
use terms::{Uid, UidSet};

/// Records that are in memory at once.
const AT_ONCE: usize = 256;

impl Account {
    /// The names (BLAKE3) of the octets of those of `uids` that are there. One whose record is of another version is
    /// left out.
    ///
    /// # Errors
    /// The store cannot read now, or what it reads is damaged.
    pub async fn body_names(
        &self,
        state: &MailboxState,
        uids: &UidSet,
    ) -> Result<Vec<(Uid, [u8; 32])>, Error> {
        let rows: Vec<_> = state.reader(self.id()).rows(uids).map(|row: Row| (row.uid, row.email)).collect();
        let mut names = Vec::with_capacity(rows.len());
        for some in rows.chunks(AT_ONCE) {
            let records = self.records(&ranges(some)).await?;
            let name = |record: &[u8]| RecordView::new(record).map(|view| view.body());
            let known: HashMap<EmailId, [u8; 32]> =
                records.iter().filter_map(|(email, record)| Some((*email, name(record)?))).collect();
            names.extend(some.iter().filter_map(|(uid, email)| Some((*uid, *known.get(email)?))));
        }
        Ok(names)
    }
}

fn ranges(rows: &[(Uid, EmailId)]) -> Vec<EmailRange> {
    let mut emails: Vec<_> = rows.iter().map(|(_, email)| *email).collect();
    emails.sort_unstable();
    emails.dedup();
    emails.into_iter().map(|email| EmailRange { first: email, last: email }).collect()
}
