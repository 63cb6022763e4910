//! The gate: what is said before TLS, and the one way past it.
//!
//! Before TLS a peer may say CAPABILITY, NOOP, ID, STARTTLS and LOGOUT. All else is refused with
//! `[PRIVACYREQUIRED]` before anything of it is looked at; no continuation is sent and no literal is asked for,
//! so a password is never *requested* in clear. One that is sent in clear anyway is not read: its account's name
//! is, so that its owner can be warned ([`Exposed`]).
//!
//! The grammar here is five words long and has nothing in common with the commands behind the gate. What finds
//! data behind STARTTLS and what executes STARTTLS is the same function over the same bytes, so that the two
//! cannot disagree (CVE-2022-28220).
//!
//! Left to others: the TLS handshake and its time limit, what is done about an [`Ending`].

mod exposed;
mod line;

use super::capability::{self, Stage};
use crate::encrypted::Encrypted;
use crate::{Rules, Signpost};
use line::{Line, Literal};
use std::sync::Arc;
use terms::Moment;
use wire::imap::reply::{Code, Condition};

pub use exposed::Exposed;

/// How many commands may be refused before the connection ends.
pub const MAX_REFUSALS: u32 = 10;

/// A peer we are still talking to in the clear.
///
/// No method here reaches a mailbox. The way on is [`Cleartext::finish_handshake`], which consumes the value and
/// with it every byte the peer sent behind STARTTLS (CVE-2011-0411).
#[derive(Debug)]
pub struct Cleartext {
    signpost: Arc<Signpost>,
    rules: Arc<Rules>,
    unread: Vec<u8>,
    commands: u32,
    refusals: u32,
    deadline: Moment,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Talking,
    /// STARTTLS was answered with OK. What comes now belongs to the TLS library.
    Handshaking,
    Closed,
}

/// What the driver has to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write this.
    Send(String),
    /// Write what is pending, then let the TLS library read what comes next.
    Handshake,
    /// Something was refused that needs TLS.
    PrivacyRequired(Wanted),
    /// Somebody's password went over the wire in clear.
    Warn(Exposed),
    /// A command was refused, with these words.
    Refused(Refused),
    /// Write what is pending, then close.
    Close(Ending),
}

/// A command that was refused. Of what the peer sent it holds nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which it was, if it is one that is known here.
    pub command: Option<&'static str>,
    /// NO or BAD.
    pub condition: Condition,
    /// For programs.
    pub code: Option<&'static str>,
    /// For people.
    pub why: String,
}

/// What was asked for that needs TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// LOGIN.
    Login,
    /// AUTHENTICATE.
    Authenticate,
    /// Mail, or what is no command at all.
    Other,
}

impl Wanted {
    fn by(command: &str) -> Self {
        match command.to_ascii_uppercase().as_str() {
            "LOGIN" => Self::Login,
            "AUTHENTICATE" => Self::Authenticate,
            _ => Self::Other,
        }
    }
}

/// Why a conversation ended before TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The peer said LOGOUT.
    LoggedOut,
    /// The peer sent data behind STARTTLS, in the hope that it is taken for data behind the handshake.
    DataBehindStarttls,
    /// The peer began TLS without STARTTLS: it wants the other port.
    TlsWithoutStarttls,
    /// The peer sent a literal without asking (RFC 7888). Nobody reads literals here.
    UnaskedLiteral,
    /// A line was longer than [`Rules::before_tls_octets`].
    LineTooLong,
    /// More than [`MAX_REFUSALS`] commands were refused.
    TooManyRefusals,
    /// TLS had not begun within [`Rules::sign_in_time`].
    TimedOut,
}

/// Whether anything stood in the buffer behind the line at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    Nothing,
    Data,
}

/// A peer whose line is private. Of what it said in clear nothing is left.
#[derive(Debug)]
pub struct Greeted {
    signpost: Arc<Signpost>,
    rules: Arc<Rules>,
    greeting: Greeting,
}

/// Whether a peer has had its greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// Before TLS. After the handshake nothing is said until the peer asks (RFC 3501, 6.2.1).
    Given,
    /// It began with TLS, so it comes now.
    Due,
}

impl Greeted {
    /// A peer that began with TLS (port 993). The session owes it a greeting, which is never a PREAUTH.
    #[must_use]
    pub const fn at_once(_proof: Encrypted, signpost: Arc<Signpost>, rules: Arc<Rules>) -> Self {
        Self { signpost, rules, greeting: Greeting::Due }
    }

    pub(super) fn into_parts(self) -> (Arc<Signpost>, Arc<Rules>, Greeting) {
        (self.signpost, self.rules, self.greeting)
    }
}

impl Cleartext {
    /// A new peer, to be greeted. Never with a PREAUTH.
    #[must_use]
    pub fn greet(signpost: Arc<Signpost>, rules: Arc<Rules>, now: Moment, effects: &mut Vec<Effect>) -> Self {
        effects.push(Effect::Send(format!(
            "* OK [CAPABILITY {}] {} Gatepost ready; STARTTLS required{}\r\n",
            capability::line(&Stage::Cleartext.into()),
            signpost.host,
            signpost.or_tls_port()
        )));
        let deadline = now.plus(rules.sign_in_time);
        Self {
            signpost,
            rules,
            unread: Vec::new(),
            commands: 0,
            refusals: 0,
            deadline,
            phase: Phase::Talking,
        }
    }

    /// Takes what the peer sent, in pieces of any size.
    pub fn handle(&mut self, mut bytes: &[u8], effects: &mut Vec<Effect>) {
        while !bytes.is_empty() {
            match self.phase {
                Phase::Talking => bytes = self.take_line(bytes, effects),
                // The driver found bytes that did not go to the TLS library. In a handshake nothing can be
                // answered in clear any more, so there is no BYE.
                Phase::Handshaking => return self.close(Ending::DataBehindStarttls, effects),
                Phase::Closed => return,
            }
        }
    }

    /// How many commands the peer has given.
    #[must_use]
    pub const fn commands(&self) -> u32 {
        self.commands
    }

    /// Whether the peer has said half a line.
    #[must_use]
    pub const fn is_in_a_line(&self) -> bool {
        !self.unread.is_empty()
    }

    /// When [`Self::time_out`] is due, whatever the peer says until then.
    #[must_use]
    pub const fn deadline(&self) -> Moment {
        self.deadline
    }

    /// The moment [`Self::deadline`] has come.
    pub fn time_out(&mut self, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Talking {
            self.bye("You took too long to begin TLS", Ending::TimedOut, effects);
        }
    }

    /// The way on. Consumes the tag, the ID, the mistakes and the bytes of the time before: a session under TLS
    /// starts from nothing (RFC 3501, 6.2.1: the client discards what it knows, and so do we).
    #[must_use]
    pub fn finish_handshake(self, _proof: Encrypted) -> Greeted {
        Greeted { signpost: self.signpost, rules: self.rules, greeting: Greeting::Given }
    }

    /// Moves one line, or what there is of it, out of `bytes`; answers it if it is whole.
    fn take_line<'a>(&mut self, bytes: &'a [u8], effects: &mut Vec<Effect>) -> &'a [u8] {
        let (piece, rest) = line::split_at_end(bytes);
        if self.unread.len() + piece.len() > self.rules.before_tls_octets {
            self.bye("Line too long", Ending::LineTooLong, effects);
            return &[];
        }
        self.unread.extend_from_slice(piece);
        if line::is_client_hello(&self.unread) {
            self.close(Ending::TlsWithoutStarttls, effects);
        } else if line::is_whole(piece) {
            let whole = std::mem::take(&mut self.unread);
            let behind = if rest.is_empty() { Behind::Nothing } else { Behind::Data };
            self.answer(line::without_end(&whole), behind, effects);
        }
        rest
    }

    fn answer(&mut self, text: &[u8], behind: Behind, effects: &mut Vec<Effect>) {
        if text.is_empty() {
            return; // clients that end lines twice exist, and mean nothing by it
        }
        match Line::parse(text) {
            Some(line) => {
                self.commands += 1;
                self.obey(&line, behind, effects);
            }
            None => self.refuse("*", bad(None, "Expected a tag and a command".into()), effects),
        }
        match line::announced_literal(text) {
            Some(Literal::Sent) => self.bye("No literals before TLS", Ending::UnaskedLiteral, effects),
            // A literal that waits to be asked for will wait for ever: that is the whole refusal.
            Some(Literal::Offered) | None => {}
        }
    }

    fn obey(&mut self, line: &Line<'_>, behind: Behind, effects: &mut Vec<Effect>) {
        let tag = line.tag;
        match (line.command.to_ascii_uppercase().as_str(), line.arguments) {
            ("CAPABILITY", None) => {
                let names = capability::line(&Stage::Cleartext.into());
                say(format!("* CAPABILITY {names}\r\n{tag} OK CAPABILITY completed"), effects);
            }
            ("NOOP", None) => say(format!("{tag} OK NOOP completed"), effects),
            // What is claimed is not read: nobody vouches for it here, and we do not introduce ourselves to
            // strangers either (RFC 2971, 3.1 allows NIL).
            ("ID", Some(claims)) if line::looks_like_id(claims) => {
                say(format!("* ID NIL\r\n{tag} OK ID completed"), effects);
            }
            ("STARTTLS", None) => self.start_tls(tag, behind, effects),
            ("LOGOUT", None) => {
                say(format!("* BYE Logging out\r\n{tag} OK LOGOUT completed"), effects);
                self.close(Ending::LoggedOut, effects);
            }
            ("CAPABILITY" | "NOOP" | "ID" | "STARTTLS" | "LOGOUT", _) => {
                let command = line::known(line.command);
                let why = format!("{} is not said like this", line.command);
                self.refuse(tag, bad(command, why), effects);
            }
            _ => self.require_privacy(line, effects),
        }
    }

    /// RFC 3501, 6.2.1. Data behind STARTTLS was written by somebody who wants it read as if it were encrypted.
    fn start_tls(&mut self, tag: &str, behind: Behind, effects: &mut Vec<Effect>) {
        match behind {
            Behind::Data => self.bye("Data behind STARTTLS", Ending::DataBehindStarttls, effects),
            Behind::Nothing => {
                say(format!("{tag} OK Begin TLS negotiation now"), effects);
                self.phase = Phase::Handshaking;
                effects.push(Effect::Handshake);
            }
        }
    }

    fn require_privacy(&mut self, line: &Line<'_>, effects: &mut Vec<Effect>) {
        effects.push(Effect::PrivacyRequired(Wanted::by(line.command)));
        if let Some(exposed) = exposed::credential_in(line) {
            effects.push(Effect::Warn(exposed));
            say(self.exposed_alert(), effects);
        }
        let refused = Refused {
            command: line::known(line.command),
            condition: Condition::No,
            code: Some(Code::PrivacyRequired.name()),
            why: format!("Encryption required: {}", self.signpost.to_encryption()),
        };
        self.refuse(line.tag, refused, effects);
    }

    fn exposed_alert(&self) -> String {
        let advice = match self.signpost.imaps_port {
            Some(port) => format!("set this account to port {port} with SSL/TLS"),
            None => "set this account to use STARTTLS always".into(),
        };
        format!(
            "* NO [ALERT] Your password was sent without encryption and may have been read by others. \
             Change it, and {advice}."
        )
    }

    fn refuse(&mut self, tag: &str, refused: Refused, effects: &mut Vec<Effect>) {
        let code = refused.code.map(|code| format!("[{code}] ")).unwrap_or_default();
        say(format!("{tag} {} {code}{}", refused.condition.as_str(), refused.why), effects);
        effects.push(Effect::Refused(refused));
        self.refusals += 1;
        if self.refusals > MAX_REFUSALS {
            self.bye("Too many refused commands", Ending::TooManyRefusals, effects);
        }
    }

    fn bye(&mut self, why: &str, ending: Ending, effects: &mut Vec<Effect>) {
        if self.phase != Phase::Closed {
            say(format!("* BYE {why}"), effects);
        }
        self.close(ending, effects);
    }

    fn close(&mut self, ending: Ending, effects: &mut Vec<Effect>) {
        if self.phase != Phase::Closed {
            self.phase = Phase::Closed;
            self.unread = Vec::new();
            effects.push(Effect::Close(ending));
        }
    }
}

const fn bad(command: Option<&'static str>, why: String) -> Refused {
    Refused { command, condition: Condition::Bad, code: None, why }
}

fn say(mut reply: String, effects: &mut Vec<Effect>) {
    reply.push_str("\r\n");
    effects.push(Effect::Send(reply));
}

#[cfg(test)]
mod tests;
