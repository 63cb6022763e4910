//! Drives what is said before TLS ([`Cleartext`]) over a stream.
//!
//! The machine decides; here octets are carried, deadlines kept and its findings written down. When it says
//! [`Effect::Handshake`], nothing more is read here: every octet from then on belongs to the TLS library.

use crate::octets::{Duplex, read_some};
use crate::reception::Wherefore;
use crate::visit::Visit;
use events::{Claimed, Command, EndReason, Event, PlaintextCommand, ResponseCode, Sentence};
use session::imap::gate::{Cleartext, Effect, Ending, Exposed, Refused, Wanted};
use session::{Rules, Signpost};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use terms::Moment;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout_at;
use wire::imap::reply::Condition;

/// Talks to a peer in the clear until it says STARTTLS and has been told to begin.
pub(crate) async fn pass(
    stream: &mut impl Duplex,
    visit: &Visit,
    exposed: &(dyn Fn(&str) + Send + Sync),
    signpost: Arc<Signpost>,
    rules: Arc<Rules>,
) -> Result<Cleartext, EndReason> {
    let mut effects = Vec::new();
    let octets_left = rules.before_tls_octets as u64; // in one line or in many
    let gate = Cleartext::greet(signpost, rules, visit.opened(), &mut effects);
    let deadline = visit.at_most(gate.deadline());
    let mut talk = Talk { stream, visit, exposed, gate, deadline, octets_left, noted: Noted::default() };
    let mut heard = Vec::new();
    loop {
        match talk.obey(&mut effects, heard.len()).await? {
            ControlFlow::Break(()) => return Ok(talk.gate),
            ControlFlow::Continue(()) => {}
        }
        heard.clear();
        talk.listen(&mut heard, &mut effects).await?;
    }
}

struct Talk<'a, S> {
    stream: &'a mut S,
    visit: &'a Visit,
    /// Hears whose password was sent in clear.
    exposed: &'a (dyn Fn(&str) + Send + Sync),
    gate: Cleartext,
    deadline: Moment,
    octets_left: u64,
    noted: Noted,
}

/// What is in the log already. A client that tries again says nothing new, and a stranger must not fill the log.
#[derive(Default)]
struct Noted {
    refusal: bool,
    exposure: bool,
}

impl<S: Duplex> Talk<'_, S> {
    /// Does what the machine wants, one write for all it says; breaks when the TLS library has the word.
    async fn obey(&mut self, effects: &mut Vec<Effect>, heard: usize) -> Result<ControlFlow<()>, EndReason> {
        let mut said = String::new();
        let mut next = Ok(ControlFlow::Continue(()));
        for effect in effects.drain(..) {
            match effect {
                Effect::Send(reply) => said.push_str(&reply),
                Effect::Handshake => next = Ok(ControlFlow::Break(())),
                Effect::PrivacyRequired(wanted) => self.note_refusal(wanted),
                Effect::Warn(exposed) => self.note_exposure(exposed),
                Effect::Refused(refused) => self.note_answer(&refused),
                Effect::Close(ending) => next = Err(self.ended(ending, heard)),
            }
        }
        self.say(&said).await?;
        next
    }

    async fn say(&mut self, text: &str) -> Result<(), EndReason> {
        let deadline = self.visit.clock().instant(self.deadline);
        match timeout_at(deadline, self.stream.write_all(text.as_bytes())).await {
            Err(_) => Err(EndReason::SlowReader),
            Ok(Err(_)) => Err(EndReason::Broken),
            Ok(Ok(())) => {
                self.visit.octets_out.fetch_add(text.len() as u64, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Lets the machine hear what comes next: octets, or that time is up.
    async fn listen(&mut self, heard: &mut Vec<u8>, effects: &mut Vec<Effect>) -> Result<(), EndReason> {
        let clock = self.visit.clock();
        let reading = timeout_at(clock.instant(self.deadline), read_some(self.stream, heard));
        let read = tokio::select! {
            biased;
            wherefore = self.visit.asked_to_leave() => return self.send_away(wherefore).await,
            read = reading => read,
        };
        match read {
            Err(_) => self.gate.time_out(effects),
            Ok(Err(_) | Ok(0)) if self.gate.is_in_a_line() => return Err(EndReason::HalfCommand),
            Ok(Err(_)) => return Err(EndReason::Broken),
            Ok(Ok(0)) => return Err(EndReason::Closed),
            Ok(Ok(octets)) => self.take(octets, heard, effects).await?,
        }
        Ok(())
    }

    async fn take(
        &mut self,
        octets: usize,
        heard: &[u8],
        effects: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        let octets = octets as u64;
        self.visit.octets_in.fetch_add(octets, Ordering::Relaxed);
        let Some(left) = self.octets_left.checked_sub(octets) else {
            self.say("* BYE Too much was said before TLS\r\n").await?;
            return Err(EndReason::Misuse);
        };
        self.octets_left = left;
        if self.visit.clock().now() >= self.deadline {
            self.gate.time_out(effects);
        } else {
            self.gate.handle(heard, effects);
            self.visit.commands_in_clear.store(self.gate.commands(), Ordering::Relaxed);
        }
        Ok(())
    }

    async fn send_away(&mut self, wherefore: Wherefore) -> Result<(), EndReason> {
        match wherefore {
            Wherefore::Stopping | Wherefore::SignedOut => {
                self.say("* BYE The server is stopping; try again in a moment\r\n").await?;
                Err(EndReason::Stopping)
            }
            Wherefore::Crowded => {
                self.say("* BYE Too many connections have not signed in, and yours is the oldest\r\n")
                    .await?;
                Err(EndReason::Crowded)
            }
        }
    }

    fn note_refusal(&mut self, wanted: Wanted) {
        if std::mem::replace(&mut self.noted.refusal, true) {
            return;
        }
        let command = match wanted {
            Wanted::Login => PlaintextCommand::Login,
            Wanted::Authenticate => PlaintextCommand::Authenticate,
            Wanted::Other => PlaintextCommand::Other,
        };
        Event::PlaintextRefused { connection: self.visit.id(), peer: self.visit.peer(), command }.log();
    }

    fn note_answer(&self, refused: &Refused) {
        let Some(how) = refused_as(refused.condition) else { return };
        let (command, code) = (refused.command.map(Command::new), refused.code.map(ResponseCode::new));
        self.visit.refused(how, command, code, Sentence::new(&refused.why));
    }

    fn note_exposure(&mut self, exposed: Exposed) {
        if std::mem::replace(&mut self.noted.exposure, true) {
            return;
        }
        if let Some(name) = &exposed.account {
            (self.exposed)(name);
        }
        let claimed = exposed.account.map(|name| Claimed::new(name.as_bytes()));
        Event::ExposedCredential { connection: self.visit.id(), peer: self.visit.peer(), claimed }.log();
    }

    fn ended(&self, ending: Ending, heard: usize) -> EndReason {
        match ending {
            Ending::LoggedOut => EndReason::Logout,
            Ending::DataBehindStarttls => {
                injection(self.visit, heard as u64);
                EndReason::Injection
            }
            Ending::TlsWithoutStarttls
            | Ending::UnaskedLiteral
            | Ending::LineTooLong
            | Ending::TooManyRefusals => EndReason::Misuse,
            Ending::TimedOut => EndReason::LoginTimeout,
        }
    }
}

/// As the log calls it.
pub(crate) const fn refused_as(condition: Condition) -> Option<events::Refused> {
    match condition {
        Condition::No => Some(events::Refused::No),
        Condition::Bad => Some(events::Refused::Bad),
        Condition::Ok | Condition::Bye => None,
    }
}

/// Somebody wanted clear text to be read as if it had come through TLS. `octets` came with it, at most.
pub(crate) fn injection(visit: &Visit, octets: u64) {
    Event::StarttlsInjection { connection: visit.id(), peer: visit.peer(), octets }.log();
}
