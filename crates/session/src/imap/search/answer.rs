//! How what was found is told.

use super::found::Found;
use crate::imap::revision::Revision;
use crate::imap::talk::Talk;
use crate::port::{Gone, Peer};
use mailbox::View;
use terms::{ModSeq, SeqNum, Uid};
use wire::imap::command::{ResultOption, ResultOptions};
use wire::imap::reply::{EsearchLine, SearchLine};
use wire::imap::{Numbering, Tag};

/// The form of an answer.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// `* SEARCH 1 2 3`: for a command without RETURN, in IMAP4rev1.
    Plain(ResultOptions),
    /// `* ESEARCH`: where a command has RETURN, and always in IMAP4rev2 (RFC 9051, 6.4.4).
    Extended(ResultOptions),
}

impl Form {
    pub(super) fn of(options: Option<&ResultOptions>, revision: Revision) -> Self {
        let all = || ResultOptions::from_iter([ResultOption::All]);
        match (options, revision) {
            (Some(options), _) => Self::Extended(options.clone()),
            (None, Revision::Rev1) => Self::Plain(all()),
            (None, Revision::Rev2) => Self::Extended(all()),
        }
    }

    pub(super) const fn options(&self) -> &ResultOptions {
        match self {
            Self::Plain(options) | Self::Extended(options) => options,
        }
    }
}

/// What was found, for the command that asked.
pub(in crate::imap) struct Answer<'a> {
    pub tag: &'a Tag<'a>,
    pub numbering: Numbering,
    pub found: &'a Found,
    /// The highest of what the answer is about, where the command has a MODSEQ key.
    pub mod_seq: Option<ModSeq>,
}

impl Answer<'_> {
    /// In the order of what was found, whatever the order of the sets that were asked for. The numbers of a million
    /// messages are one line, but never one buffer.
    pub(super) async fn tell<P: Peer>(
        &self,
        form: &Form,
        view: &View,
        talk: &mut Talk<P>,
    ) -> Result<(), Gone> {
        match form {
            Form::Plain(_) => self.tell_plain(view, talk).await,
            Form::Extended(options) => self.tell_extended(options, view, talk).await,
        }
    }

    async fn tell_plain<P: Peer>(&self, view: &View, talk: &mut Talk<P>) -> Result<(), Gone> {
        let mut line = SearchLine::begin(talk.text());
        for number in self.found.iter().filter_map(|uid| self.number(uid, view)) {
            line.number(talk.text(), number);
            talk.flow().await?;
        }
        line.end(talk.text(), self.mod_seq);
        Ok(())
    }

    /// An ESEARCH, unless nothing is to be told. MIN and MAX are the ends of the order: "the lowest sorted message",
    /// where it is that of a SORT (RFC 5267, 3.1).
    pub(in crate::imap) async fn tell_extended<P: Peer>(
        &self,
        options: &ResultOptions,
        view: &View,
        talk: &mut Talk<P>,
    ) -> Result<(), Gone> {
        if !options.ask_to_be_told() {
            return Ok(());
        }
        let mut line = EsearchLine::begin(talk.text(), self.tag, self.numbering);
        let asked = |option, uid: Option<Uid>| uid.filter(|_| options.ask_for(option));
        if let Some(min) = asked(ResultOption::Min, self.found.first()).and_then(|uid| self.number(uid, view))
        {
            line.min(talk.text(), min);
        }
        if let Some(max) = asked(ResultOption::Max, self.found.last()).and_then(|uid| self.number(uid, view))
        {
            line.max(talk.text(), max);
        }
        if options.ask_for(ResultOption::Count) {
            line.count(talk.text(), u32::try_from(self.found.len()).unwrap_or(u32::MAX));
        }
        if options.ask_for(ResultOption::All) {
            line.all(talk.text());
            self.tell_numbers(self.found, &mut line, view, talk).await?;
        }
        if let Some(range) = options.partial() {
            line.partial(talk.text(), range);
            let part = self.found.slice(range.of(self.found.len()));
            self.tell_numbers(&part, &mut line, view, talk).await?;
        }
        if let Some(mod_seq) = self.mod_seq {
            line.mod_seq(talk.text(), mod_seq);
        }
        line.end(talk.text());
        Ok(())
    }

    async fn tell_numbers<P: Peer>(
        &self,
        found: &Found,
        line: &mut EsearchLine,
        view: &View,
        talk: &mut Talk<P>,
    ) -> Result<(), Gone> {
        for number in found.iter().filter_map(|uid| self.number(uid, view)) {
            line.number(talk.text(), number);
            talk.flow().await?;
        }
        Ok(())
    }

    fn number(&self, uid: Uid, view: &View) -> Option<u32> {
        match self.numbering {
            Numbering::Uid => Some(uid.get()),
            Numbering::Sequence => view.seq(uid).map(SeqNum::get),
        }
    }
}
