//! What is told of a message without reading its octets: from its row, and from its record.

use super::Message;
use super::plan::Item;
use crate::imap::announce::flag_names;
use crate::imap::hall::Selected;
use crate::imap::object_id::{EmailName, ThreadName};
use crate::imap::uid_only::begin_line;
use crate::port::Mailbox;
use mailbox::{Flagged, MailboxState, MessageName};
use message::{RecordView, Standard};
use wire::imap::reply::FetchLine;

/// What may change of a message.
pub(super) struct Changing<'a, B> {
    pub flagged: Flagged<'a>,
    pub state: &'a MailboxState,
    pub selected: &'a Selected<B>,
}

impl<B: Mailbox> Changing<'_, B> {
    /// A whole FETCH, of items none of which asks for anything else.
    pub(super) fn tell_all(&self, name: MessageName, items: &[Item<'_>], out: &mut Vec<u8>) {
        let mut line = begin_line(out, name);
        items.iter().for_each(|item| self.tell(item, &mut line, out));
        line.end(out);
    }

    fn tell(&self, item: &Item<'_>, line: &mut FetchLine, out: &mut Vec<u8>) {
        let Flagged { uid, modseq, system, keywords } = self.flagged;
        match item {
            Item::Uid => line.uid(out, uid),
            Item::Flags => {
                let is_recent = self.selected.view.is_recent(uid);
                line.flags(out, flag_names(self.state, system, keywords, is_recent));
            }
            Item::ModSeq => line.mod_seq(out, modseq),
            _ => {}
        }
    }
}

/// A message, as far as its mailbox and its record know it.
pub(super) struct Facts<'a, B> {
    pub message: &'a Message,
    /// `None` where no item asks for it.
    pub record: Option<&'a RecordView<'a>>,
    pub state: &'a MailboxState,
    pub selected: &'a Selected<B>,
    /// By which standard structures are told.
    pub standard: Standard,
}

impl<B: Mailbox> Facts<'_, B> {
    /// A whole FETCH, of items none of which reads octets.
    pub(super) fn tell_all(&self, items: &[Item<'_>], out: &mut Vec<u8>) {
        let mut line = begin_line(out, self.message.name);
        items.iter().for_each(|item| self.tell(item, &mut line, out));
        line.end(out);
    }

    pub(super) fn tell(&self, item: &Item<'_>, line: &mut FetchLine, out: &mut Vec<u8>) {
        match self.record.filter(|_| item.is_of_record()) {
            Some(record) => self.tell_of_record(item, record, line, out),
            None => self.tell_of_row(item, line, out),
        }
    }

    fn tell_of_row(&self, item: &Item<'_>, line: &mut FetchLine, out: &mut Vec<u8>) {
        let row = &self.message.row;
        match item {
            Item::InternalDate => line.internal_date(out, row.internal_date),
            Item::SaveDate => line.save_date(out, row.saved()),
            Item::EmailId => line.email_id(out, self.name()),
            Item::Size => line.rfc822_size(out, row.size),
            _ => {
                let (state, selected) = (self.state, self.selected);
                Changing { flagged: row.flagged(), state, selected }.tell(item, line, out);
            }
        }
    }

    fn tell_of_record(
        &self,
        item: &Item<'_>,
        record: &RecordView<'_>,
        line: &mut FetchLine,
        out: &mut Vec<u8>,
    ) {
        match item {
            Item::Preview => line.preview(out, record.preview()),
            Item::ThreadId => line.thread_id(out, ThreadName::of(record, self.name())),
            Item::Envelope => line.envelope(out, record.envelope()),
            Item::BodyStructure => line.body_structure(out, &record.bodystructure(self.standard)),
            Item::Body => {
                let mut wire_form = Vec::new();
                record.write_body(self.standard, &mut wire_form);
                line.body(out, &wire_form);
            }
            _ => {}
        }
    }

    fn name(&self) -> EmailName {
        EmailName { owner: self.selected.owner, email: self.message.row.email }
    }
}
