//! The conversation: what may be said when.

use super::ending::Ending;
use super::mail::Envelope;
use super::port::Office;
use super::refusal::Refusal;
use super::talk::{Silence, Talk};
use super::{Rules, data, lhlo, mail, rcpt};
use crate::port::Peer;
use wire::lmtp::{Command, Enhanced, Event, Reply};

/// Bad commands in a row after which a client is given up.
pub const MAX_MISTAKES: u32 = 20;

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub ending: Ending,
    /// How many commands were given.
    pub commands: u64,
}

/// Takes mail in from `peer` until one of the two has enough. It says its goodbyes; closing is left to the caller.
pub async fn serve<P: Peer, O: Office>(peer: P, office: &O, rules: &Rules) -> Ended {
    let talk = Talk::new(peer, rules.message_octets);
    let mut session =
        Session { talk, office, rules, stage: Stage::Strange, messages: 0, commands: 0, mistakes: 0 };
    let ending = session.converse().await;
    if let Some(words) = ending.words(&rules.host) {
        session.talk.say(&words);
    }
    // Whoever does not listen any more hears nothing.
    session.talk.flush().await.ok();
    Ended { ending, commands: session.commands }
}

/// How far the client has come.
pub(super) enum Stage {
    /// It has not said LHLO.
    Strange,
    /// It has said who it is.
    Known(Box<str>),
    /// And MAIL: where a message comes from, and whom it is for.
    Mailing(Box<str>, Envelope),
}

pub(super) struct Session<'s, P, O> {
    pub talk: Talk<P>,
    pub office: &'s O,
    pub rules: &'s Rules,
    pub stage: Stage,
    /// How many messages were begun: with the connection's number this names each.
    pub messages: u64,
    commands: u64,
    mistakes: u32,
}

/// What comes of a command: a reply, unless it has answered for itself.
pub(super) type Answer = Result<Option<Reply>, Refusal>;

impl<P: Peer, O: Office> Session<'_, P, O> {
    async fn converse(&mut self) -> Ending {
        self.talk.say(&Reply::plain(220, format!("{} LMTP Gatepost ready", self.rules.host)));
        loop {
            let ending = match self.talk.next_event().await {
                Ok(event) => self.hear(event).await,
                Err(silence) => Err(silence.into()),
            };
            if let Err(ending) = ending {
                return ending;
            }
        }
    }

    async fn hear(&mut self, event: Event) -> Result<(), Ending> {
        self.commands = self.commands.saturating_add(1);
        let answer = match event {
            Event::Line(line) => match Command::parse(&line) {
                Ok(command) => self.obey(command).await?,
                Err(bad) => Err(Refusal::Misspoken(bad)),
            },
            Event::LongLine => Err(Refusal::LongLine),
            Event::Lost(why) => return Err(Ending::Misframed(why)),
            Event::More | Event::Data(_) | Event::End(_) => Ok(None), // only a DATA that was granted brings these
        };
        self.answer(answer)?;
        Ok(self.talk.flow().await.map_err(Silence::from)?)
    }

    fn answer(&mut self, answer: Answer) -> Result<(), Ending> {
        match answer {
            Ok(reply) => {
                self.mistakes = 0;
                reply.iter().for_each(|reply| self.talk.say(reply));
            }
            Err(refusal) => {
                self.mistakes += u32::from(refusal.is_mistake());
                self.talk.say(&refusal.reply());
                self.office.refused(&refusal);
            }
        }
        if self.mistakes > MAX_MISTAKES { Err(Ending::TooManyMistakes) } else { Ok(()) }
    }

    async fn obey(&mut self, command: Command) -> Result<Answer, Ending> {
        Ok(match command {
            Command::Lhlo(name) => lhlo::run(self, name),
            Command::Mail(from) => mail::run(self, from),
            Command::Rcpt(address) => rcpt::run(self, address).await,
            Command::Data => data::run(self).await?,
            Command::Rset => {
                self.forget_message();
                done()
            }
            Command::Noop => done(),
            // RFC 5321, 7.3: whom there is, is told of those who have mail for them.
            Command::Vrfy => Ok(Some(Reply::new(
                252,
                Enhanced(1, 0),
                "Say RCPT, and you will hear whether there is somebody",
            ))),
            Command::Quit => {
                let words = format!("{} Goodbye", self.rules.host);
                self.talk.say(&Reply::new(221, Enhanced(0, 0), words));
                return Err(Ending::Quit);
            }
        })
    }

    /// Who the client is; what it has said of a message is forgotten.
    pub(super) fn forget_message(&mut self) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Strange) {
            Stage::Mailing(client, _) => Stage::Known(client),
            other => other,
        };
    }
}

/// RSET, NOOP.
fn done() -> Answer {
    Ok(Some(Reply::new(250, Enhanced(0, 0), "OK")))
}
