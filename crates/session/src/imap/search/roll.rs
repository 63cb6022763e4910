//! The messages that a SORT or THREAD has found, called up one after the other.

use super::find::{CHUNK, Enough, ROW_WORK, candidates, find};
use super::{highest, keys};
use crate::imap::done::Stop;
use crate::imap::hall::{Hall, Selected};
use crate::imap::pace::Pace;
use crate::imap::talk::Talk;
use crate::imap::utf8::check_charset;
use crate::port::{Mail, Mailbox, Peer};
use mailbox::{Dialect, MailboxState, Row};
use message::RecordView;
use std::sync::Arc;
use terms::{ModSeq, SeqNum, Uid, UidSet};
use wire::imap::command::Search;
use wire::imap::{Numbering, Tag};

/// What a search found, and the mailbox as it was then.
pub(in crate::imap) struct Roll<'h, B> {
    tag: &'h Tag<'h>,
    selected: &'h Selected<B>,
    state: Arc<MailboxState>,
    uids: UidSet,
    names_mod_seq: bool,
    pub numbering: Numbering,
}

impl<'h, B: Mailbox> Roll<'h, B> {
    /// "The SORT command first searches the mailbox for messages that match the given searching criteria" (RFC 5256,
    /// 3), and so does THREAD.
    pub(in crate::imap) async fn find<M: Mail<Mailbox = B>, P: Peer>(
        tag: &'h Tag<'h>,
        search: &Search<'_>,
        hall: &'h mut Hall<M>,
        talk: &mut Talk<P>,
    ) -> Result<Self, Stop> {
        check_charset(hall.utf8, search.charset.as_deref())?;
        let (charset, now) = (search.charset.as_deref(), hall.mail.unix_s());
        let program = keys::program(charset, &search.keys, hall.selected()?, now)?;
        if program.names_mod_seq() {
            hall.enable(Dialect::Condstore);
        }
        let selected = hall.selected()?;
        let state = selected.current().await?;
        let among = candidates(&program, &selected.view);
        let mut pace = Pace::new(talk, tag, among.len());
        let uids = find(&program, &among, Enough::All, selected, &state, &mut pace).await?;
        let names_mod_seq = program.names_mod_seq();
        Ok(Self { tag, selected, state, uids, names_mod_seq, numbering: search.numbering })
    }

    /// The highest MODSEQ of those that are told, if the command has a MODSEQ key (RFC 7162, 3.1.9 and 3.1.10).
    pub(in crate::imap) fn mod_seq(&self, told: &UidSet) -> Option<ModSeq> {
        self.names_mod_seq.then(|| highest(told, self.selected, &self.state)).flatten()
    }

    /// The highest of all that was found.
    pub(in crate::imap) fn mod_seq_of_all(&self) -> Option<ModSeq> {
        self.mod_seq(&self.uids)
    }

    /// All that was found, in no order but the mailbox's.
    pub(in crate::imap) const fn uids(&self) -> &UidSet {
        &self.uids
    }

    /// The same, once nothing else is wanted.
    pub(in crate::imap) fn into_uids(self) -> UidSet {
        self.uids
    }

    /// How many there are.
    pub(in crate::imap) fn len(&self) -> usize {
        usize::try_from(self.uids.len()).unwrap_or(usize::MAX)
    }

    /// A message by the number that the reply has for it.
    pub(in crate::imap) fn number(&self, uid: Uid) -> Option<u32> {
        match self.numbering {
            Numbering::Uid => Some(uid.get()),
            Numbering::Sequence => self.selected.view.seq(uid).map(SeqNum::get),
        }
    }

    /// What the mailbox itself knows of each, in its order.
    pub(in crate::imap) async fn rows<P: Peer>(
        &self,
        talk: &mut Talk<P>,
        mut each: impl FnMut(&Row) + Send,
    ) -> Result<(), Stop> {
        let mut pace = Pace::new(talk, self.tag, self.uids.len());
        for row in self.state.reader(self.selected.view.account()).rows(&self.uids) {
            each(&row);
            pace.done(1);
            pace.worked(ROW_WORK).await?;
        }
        Ok(())
    }

    /// Their records too. A message that is gone for good is left out, as a search leaves it out.
    pub(in crate::imap) async fn records<P: Peer>(
        &self,
        talk: &mut Talk<P>,
        mut each: impl FnMut(&Row, &RecordView<'_>) + Send,
    ) -> Result<(), Stop> {
        let mut pace = Pace::new(talk, self.tag, self.uids.len());
        let mut rows = self.state.reader(self.selected.view.account()).rows(&self.uids);
        let mut waiting: Vec<Row> = Vec::with_capacity(CHUNK);
        loop {
            waiting.extend(rows.by_ref().take(CHUNK - waiting.len()));
            if waiting.is_empty() {
                return Ok(());
            }
            let emails: Vec<_> = waiting.iter().map(|row| row.email).collect();
            let records = self.selected.mailbox.records(&emails).await?;
            for (row, record) in waiting.iter().zip(&records) {
                if let Some(record) = record.as_ref().and_then(|record| RecordView::new(record)) {
                    each(row, &record);
                }
            }
            // The port promises at least one; one that gives none must not hold us here for ever.
            pace.done(records.len() as u64);
            waiting.drain(..records.len().clamp(1, waiting.len()));
            pace.worked(records.iter().flatten().map(bytes::Bytes::len).sum()).await?;
        }
    }
}
