//! Messages on their way in: what APPEND and REPLACE have in common.
//!
//! A message passes through memory in pieces, whatever its size. What can be refused is refused before it comes: a
//! client that waits with its literal is spared sending it. Where a command brings several messages (RFC 3502) the
//! draft keeps them all until the last has come; whatever is wrong with one of them ends the command, and nothing has
//! happened.

use super::done::Stop;
use super::talk::{Talk, too_big};
use crate::port::{Draft, Letter, Peer};
use crate::refusal::Refusal;
use bytes::Bytes;
use std::time::Duration;
use terms::Moment;
use wire::imap::Tag;
use wire::imap::command::{AppendItem, MessageForm, append_end, append_next};
use wire::imap::framer::{Event, Refused};
use wire::imap::reply::Code;

/// How long a client may pause within a message.
const PAUSE_TIME: Duration = Duration::from_secs(5 * 60);
/// Messages that one APPEND can bring.
pub(super) const MAX_MESSAGES: usize = 1_000;
/// Octets that the messages of one APPEND can have together. A single message has its own limit.
pub(crate) const MAX_OCTETS_TOGETHER: u64 = 1 << 30;

/// How many messages a command may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bringing {
    /// REPLACE (RFC 8508, 4.7).
    One,
    /// APPEND (RFC 3502).
    Many,
}

/// A message whose literal is announced and waits for our word.
pub(super) struct Announced {
    pub item: AppendItem,
    pub octets: u64,
}

/// The messages of one command, as far as they have come.
pub(super) struct Intake<'t, 'g, P, D> {
    pub talk: &'t mut Talk<P>,
    pub tag: &'g Tag<'g>,
    pub bringing: Bringing,
    pub draft: D,
}

impl<P: Peer, D: Draft> Intake<'_, '_, P, D> {
    /// Takes all messages, from the first, which is announced, to the end of the command.
    pub(super) async fn take(mut self, first: Announced) -> Result<D, Stop> {
        let mut so_far = SoFar::default();
        let mut next = Some(first);
        while let Some(announced) = next {
            let form = announced.item.form;
            if let Err(refusal) = self.admit(announced, &mut so_far).await {
                self.talk.refuse_literal();
                return Err(refusal.into());
            }
            self.talk.stream_literal().map_err(too_large)?;
            let whole = self.take_message(form).await?;
            next = self.behind(form, whole).await?;
        }
        Ok(self.draft)
    }

    /// Looks at a message before it comes.
    async fn admit(&mut self, announced: Announced, so_far: &mut SoFar) -> Result<(), Refusal> {
        let Announced { item, octets } = announced;
        so_far.count(octets, self.bringing)?;
        let flags = item.flags.iter().collect();
        self.draft.begin(Letter { octets, flags, date: item.date }).await
    }

    /// Takes a whole literal, come what may: a client that sends one sends all of it. The outer error ends the
    /// session, the inner one refuses the message.
    async fn take_message(&mut self, form: MessageForm) -> Result<Result<(), Refusal>, Stop> {
        let mut taken = Ok(());
        loop {
            let Event::Octets { octets, left } = self.talk.next_event(self.patience()).await? else {
                return Err(Refusal::Hangup.into());
            };
            if taken.is_ok() {
                taken = take_piece(&mut self.draft, octets, form).await;
            }
            if left == 0 {
                return Ok(match taken {
                    Ok(()) => self.draft.end().await,
                    Err(refusal) => Err(refusal),
                });
            }
        }
    }

    /// What stands behind a message: another, or the line end. A message that was refused ends the command either
    /// way.
    async fn behind(
        &mut self,
        form: MessageForm,
        whole: Result<(), Refusal>,
    ) -> Result<Option<Announced>, Stop> {
        match self.talk.next_event(self.patience()).await? {
            Event::Rest(rest) => {
                whole?;
                append_end(&rest, form, self.tag)?;
                Ok(None)
            }
            Event::Literal(literal) => {
                let next = whole.and_then(|()| Ok(append_next(self.talk.start(), form, self.tag)?));
                if next.is_err() {
                    self.talk.refuse_literal();
                }
                Ok(Some(Announced { item: next?, octets: literal.octets }))
            }
            _ => Err(Refusal::misspoken("Expected the end of the command behind the message").into()),
        }
    }

    fn patience(&self) -> Moment {
        self.talk.now().plus(PAUSE_TIME)
    }
}

/// What a command has brought.
#[derive(Default)]
struct SoFar {
    messages: usize,
    octets: u64,
}

impl SoFar {
    fn count(&mut self, octets: u64, bringing: Bringing) -> Result<(), Refusal> {
        // RFC 3502, 6.3.11: "A zero-length message literal argument is an error, and MUST return a NO. This can be
        // used to cancel the append." No message has no octets.
        if octets == 0 {
            return Err(Refusal::denied(Code::Cannot, "An empty message is not stored"));
        }
        if self.messages == 0 {
            *self = Self { messages: 1, octets };
            return Ok(());
        }
        *self = Self { messages: self.messages + 1, octets: self.octets.saturating_add(octets) };
        match bringing {
            Bringing::One => Err(Refusal::misspoken("REPLACE brings one message")),
            Bringing::Many if self.messages > MAX_MESSAGES => {
                let why = format!("One APPEND can bring at most {MAX_MESSAGES} messages; nothing was stored");
                Err(Refusal::denied(Code::Limit, why))
            }
            Bringing::Many if self.octets > MAX_OCTETS_TOGETHER => {
                let limit = MAX_OCTETS_TOGETHER >> 20;
                let why = format!("One APPEND can bring at most {limit} MiB; nothing was stored");
                Err(Refusal::denied(Code::Limit, why))
            }
            Bringing::Many => Ok(()),
        }
    }
}

async fn take_piece<D: Draft>(draft: &mut D, octets: Bytes, form: MessageForm) -> Result<(), Refusal> {
    if octets.contains(&0) {
        return Err(no_nul(form));
    }
    draft.write(octets).await
}

/// To drop a NUL would alter the message: docs/decisions/nul-and-bare-line-ends.md.
fn no_nul(form: MessageForm) -> Refusal {
    match form {
        // RFC 3501, 9: a literal holds CHAR8, any octet but NUL.
        MessageForm::Literal => Refusal::denied(
            Code::Cannot,
            "A message with NUL octets is not stored, as it could not be fetched",
        ),
        // RFC 3516, 4.4: "If the destination mailbox does not support the storage of binary content, the server MUST
        // fail the request and issue a "NO" response that contains the "UNKNOWN-CTE" extended response code."
        MessageForm::Literal8 | MessageForm::Utf8 => Refusal::denied(
            Code::UnknownCte,
            "A message with NUL octets is not stored; encode what holds them as base64",
        ),
    }
}

/// A message that is too large is the user's, and so are the words.
fn too_large(why: Refused) -> Refusal {
    let Refused::TooBig(limit) = why else { return too_big(why) };
    let limit = match limit >> 20 {
        0 => format!("{limit} octets"),
        mebibytes => format!("{mebibytes} MiB"),
    };
    Refusal::denied(Code::TooBig, format!("This message is too large; one can have at most {limit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(refusal: &Refusal) -> String {
        let mut out = Vec::new();
        refusal.tell(None, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_command_brings_a_thousand_messages_and_a_gibibyte() {
        let mut many = SoFar::default();
        assert!((0..MAX_MESSAGES).all(|_| many.count(1, Bringing::Many).is_ok()));
        assert!(told(&many.count(1, Bringing::Many).unwrap_err()).starts_with("* NO [LIMIT] "));
        let mut large = SoFar::default();
        assert!(large.count(MAX_OCTETS_TOGETHER, Bringing::Many).is_ok());
        assert!(told(&large.count(1, Bringing::Many).unwrap_err()).starts_with("* NO [LIMIT] "));
        assert!(SoFar::default().count(u64::MAX, Bringing::Many).is_ok(), "a single one has its own limit");
    }
}
