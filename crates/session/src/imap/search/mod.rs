//! SEARCH and UID SEARCH (RFC 3501, 6.4.4; RFC 9051, 6.4.4), with MODSEQ (RFC 7162, 3.1.5), RETURN (RFC 4731), SAVE
//! (RFC 5182) and PARTIAL (RFC 9394).
//!
//! Which messages fit is `mailbox::search`'s business; reading them is this module's. Messages are judged by what
//! the mailbox's state knows of them, a chunk at a time; of those that this leaves open the records are read, a
//! batch at a time; and only where a record does not tell, the message's octets, piece by piece. So what a search
//! holds in memory does not depend on how large messages are, and what it reads is what it cannot know otherwise.
//!
//! What is found are messages that the client has been told of. One that is expunged and not yet told keeps its
//! number and is found by nothing: "A server MAY simply not return a search response for messages that have been
//! expunged" (RFC 2180, 4.3). A FETCH of it would be refused.

mod answer;
mod find;
mod found;
mod hunt;
mod keys;
mod letter;
mod roll;
#[cfg(test)]
mod tests;

pub(super) use answer::Answer;
pub(super) use find::told;
pub(super) use found::Found;
pub(super) use roll::Roll;

use super::done::{Done, Outcome, Stop};
use super::hall::{Hall, Selected};
use super::pace::Pace;
use super::talk::Talk;
use super::utf8::check_no_charset;
use crate::port::{Mail, Mailbox, Peer};
use crate::refusal::Refusal;
use answer::Form;
use find::{Enough, candidates, find};
use mailbox::search::Program;
use mailbox::{Dialect, MailboxState};
use terms::{ModSeq, UidSet};
use wire::imap::command::{ResultOption, Search};
use wire::imap::{Numbering, Tag};

pub(super) async fn run<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    search: &Search<'_>,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    let outcome = seek(tag, search, hall, talk).await;
    forget_saved(search, &outcome, hall)?;
    outcome
}

/// RFC 5182, 2.1: a NO empties the variable where the result was to be saved, a BAD does not.
pub(super) fn forget_saved<M: Mail>(
    search: &Search<'_>,
    outcome: &Outcome,
    hall: &mut Hall<M>,
) -> Result<(), Refusal> {
    let saves = search.results.as_ref().is_some_and(|options| options.ask_for(ResultOption::Save));
    if let (true, Err(Stop::Refused(Refusal::Denied(_) | Refusal::OurFault(_)))) = (saves, outcome) {
        hall.selected()?.saved.forget();
    }
    Ok(())
}

async fn seek<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    search: &Search<'_>,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    check_no_charset(hall.utf8, search.charset.as_deref())?;
    let (charset, now) = (search.charset.as_deref(), hall.mail.unix_s());
    let program = keys::program(charset, &search.keys, hall.selected()?, now)?;
    if program.names_mod_seq() {
        hall.enable(Dialect::Condstore);
    }
    let form = Form::of(search.results.as_ref(), hall.revision);
    let asked = Asked { tag, numbering: search.numbering, form, program };
    asked.answer(hall.selected()?, talk).await
}

/// A SEARCH whose words are understood.
struct Asked<'a> {
    tag: &'a Tag<'a>,
    numbering: Numbering,
    form: Form,
    program: Program,
}

impl Asked<'_> {
    async fn answer<B: Mailbox, P: Peer>(&self, selected: &mut Selected<B>, talk: &mut Talk<P>) -> Outcome {
        let state = selected.current().await?;
        let found = Found::from(&self.find(selected, &state, talk).await?);
        let about = told(self.form.options(), &found);
        // RFC 7162, 3.1.5: only where a MODSEQ was asked for.
        let mod_seq = self.program.names_mod_seq().then(|| highest(&about, selected, &state)).flatten();
        if self.form.options().ask_for(ResultOption::Save) {
            selected.saved.keep(about)?;
        }
        let answer = Answer { tag: self.tag, numbering: self.numbering, found: &found, mod_seq };
        answer.tell(&self.form, &selected.view, talk).await?;
        Ok(Done::ok("SEARCH completed"))
    }

    async fn find<B: Mailbox, P: Peer>(
        &self,
        selected: &Selected<B>,
        state: &MailboxState,
        talk: &mut Talk<P>,
    ) -> Result<UidSet, Stop> {
        let among = candidates(&self.program, &selected.view);
        let mut pace = Pace::new(talk, self.tag, among.len());
        let enough = Enough::to_tell(self.form.options());
        find(&self.program, &among, enough, selected, state, &mut pace).await
    }
}

/// The highest MODSEQ of some messages.
fn highest<B: Mailbox>(uids: &UidSet, selected: &Selected<B>, state: &MailboxState) -> Option<ModSeq> {
    state.reader(selected.view.account()).rows(uids).map(|row| row.modseq).max()
}
