//! One connection: commands, and what is answered.

use super::said::{Response, Said, code, code_number, read, split};
use super::target::Handshake;
use super::wire::{PATIENCE, Wire};
use crate::corpus::Date;
use crate::trouble::{Trouble, visible};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Write;
use std::time::Duration;
use zeroize::Zeroizing;

/// Largest literal that goes without being asked for where the server has LITERAL- (RFC 7888, 5), in octets.
const UNASKED: usize = 4_096;
/// How long an idle session may hear nothing.
const IDLE_PATIENCE: Duration = Duration::from_secs(29 * 60);
/// Longest command that an error repeats, in octets.
const SHOWN: usize = 80;

/// What a server can, as it says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capabilities(Vec<String>);

impl Capabilities {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// # Errors
    /// It has not.
    pub(crate) fn need(&self, name: &'static str) -> Result<(), Trouble> {
        if self.has(name) { Ok(()) } else { Err(Trouble::Lacking(name)) }
    }

    /// Whether a literal may go without being asked for.
    pub(crate) fn takes_unasked(&self, octets: usize) -> bool {
        self.has("LITERAL+") || (octets <= UNASKED && (self.has("LITERAL-") || self.has("IMAP4rev2")))
    }

    fn read(words: &[u8]) -> Self {
        Self(String::from_utf8_lossy(words).split_ascii_whitespace().map(str::to_owned).collect())
    }
}

/// A command that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(u32);

/// A message to be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letter<'a> {
    /// Flags and date, as APPEND wants them, with a space behind; or nothing.
    pub(crate) before: &'a str,
    pub(crate) octets: &'a [u8],
}

/// What SELECT says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selected {
    pub(crate) exists: u32,
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) highest_modseq: u64,
}

/// One connection, behind TLS but for a moment before STARTTLS.
pub(crate) struct Session {
    pub(super) wire: Wire,
    pub(crate) handshake: Handshake,
    sent: u32,
    /// A command in the making.
    out: Vec<u8>,
}

impl Session {
    pub(super) fn new(wire: Wire, handshake: Handshake) -> Self {
        Self { wire, handshake, sent: 0, out: Vec::new() }
    }

    /// Octets that have come, since the connection began.
    pub(crate) const fn received(&self) -> u64 {
        self.wire.received()
    }

    pub(super) async fn greeting(&mut self) -> Result<(), Trouble> {
        match read(self.wire.response().await?)? {
            Response::Untagged(Said::Ok(_)) => Ok(()),
            Response::Untagged(Said::Bye(why)) => Err(Trouble::refused("the greeting", why)),
            other => Err(Trouble::Garbled(format!("the server does not greet: {other:?}"))),
        }
    }

    /// Sends a command, and does not wait for its answer.
    pub(crate) async fn send(&mut self, command: &str) -> Result<Tag, Trouble> {
        self.begin();
        self.out.extend_from_slice(command.as_bytes());
        self.out.extend_from_slice(b"\r\n");
        self.wire.send(&self.out).await?;
        Ok(Tag(self.sent))
    }

    fn begin(&mut self) {
        self.sent += 1;
        self.out.clear();
        self.out.extend_from_slice(format!("b{} ", self.sent).as_bytes());
    }

    /// Waits for the answer of the command that was sent first of those that wait. `each` is given what comes before,
    /// and at last what stands behind the tagged OK, as [`Said::Ok`].
    pub(crate) async fn finish(
        &mut self,
        tag: Tag,
        what: &str,
        mut each: impl FnMut(Said<'_>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        loop {
            match read(self.wire.response().await?)? {
                Response::Tagged(answer) if is_tag(answer.tag, tag) => {
                    if !answer.is_ok {
                        return Err(Trouble::refused(what, answer.text));
                    }
                    return each(Said::Ok(split(answer.text).1));
                }
                Response::Tagged(answer) => return Err(Trouble::garbled("an answer to nothing", answer.tag)),
                Response::Untagged(Said::Bye(why)) if what != "LOGOUT" => {
                    return Err(Trouble::Lost(format!("{what}: the server says BYE {}", visible(why))));
                }
                Response::Untagged(said) => each(said)?,
            }
        }
    }

    /// Sends a command that has to be answered with OK.
    pub(crate) async fn run(
        &mut self,
        command: &str,
        each: impl FnMut(Said<'_>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let tag = self.send(command).await?;
        self.finish(tag, command.get(..SHOWN).unwrap_or(command), each).await
    }

    /// The same, where nothing of it matters but the OK.
    pub(crate) async fn ask(&mut self, command: &str) -> Result<(), Trouble> {
        self.run(command, |_| Ok(())).await
    }

    pub(crate) async fn capabilities(&mut self) -> Result<Capabilities, Trouble> {
        let mut found = Capabilities::default();
        self.run("CAPABILITY", |said| {
            if let Said::Capability(words) = said {
                found = Capabilities::read(words);
            }
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// Signs in, in one round trip where the server takes that (RFC 4959).
    pub(crate) async fn sign_in(
        &mut self,
        user: &str,
        password: &str,
        can: &Capabilities,
    ) -> Result<(), Trouble> {
        let command = if can.has("AUTH=PLAIN") && can.has("SASL-IR") {
            let plain = Zeroizing::new(format!("\0{user}\0{password}"));
            Zeroizing::new(format!("AUTHENTICATE PLAIN {}", *Zeroizing::new(STANDARD.encode(&*plain))))
        } else {
            Zeroizing::new(format!("LOGIN {} {}", *quoted(user)?, *quoted(password)?))
        };
        let tag = self.send(&command).await?;
        let signing_in = self.finish(tag, "signing in", |_| Ok(())).await;
        zeroize::Zeroize::zeroize(&mut self.out);
        signing_in
    }

    pub(crate) async fn log_out(mut self) -> Result<(), Trouble> {
        let mut said_bye = false;
        self.run("LOGOUT", |said| {
            said_bye |= matches!(said, Said::Bye(_));
            Ok(())
        })
        .await?;
        if said_bye { Ok(()) } else { Err(Trouble::Garbled("LOGOUT is answered without BYE".into())) }
    }

    /// SELECT; `mailbox` may have parameters behind it.
    pub(crate) async fn select(&mut self, mailbox: &str) -> Result<Selected, Trouble> {
        self.select_and(mailbox, |_| Ok(())).await
    }

    /// EXAMINE: a mailbox that is not ours stays as it is, `\Recent` included.
    pub(crate) async fn examine(&mut self, mailbox: &str) -> Result<Selected, Trouble> {
        self.open("EXAMINE", mailbox, |_| Ok(())).await
    }

    /// SELECT, where what comes besides the usual matters as well.
    pub(crate) async fn select_and(
        &mut self,
        mailbox: &str,
        each: impl FnMut(Said<'_>) -> Result<(), Trouble>,
    ) -> Result<Selected, Trouble> {
        self.open("SELECT", mailbox, each).await
    }

    async fn open(
        &mut self,
        verb: &str,
        mailbox: &str,
        mut each: impl FnMut(Said<'_>) -> Result<(), Trouble>,
    ) -> Result<Selected, Trouble> {
        let mut selected = Selected::default();
        self.run(&format!("{verb} {mailbox}"), |said| match said {
            Said::Exists(count) => {
                selected.exists = count;
                Ok(())
            }
            Said::Ok(text) => {
                let Selected { uid_validity, uid_next, highest_modseq, .. } = &mut selected;
                *uid_validity = code_number(text, "UIDVALIDITY").unwrap_or(*uid_validity);
                *uid_next = code_number(text, "UIDNEXT").unwrap_or(*uid_next);
                *highest_modseq = code_number(text, "HIGHESTMODSEQ").unwrap_or(*highest_modseq);
                Ok(())
            }
            other => each(other),
        })
        .await?;
        Ok(selected)
    }

    /// Sends an APPEND of one message, or of several (RFC 3502), and does not wait for its answer.
    pub(crate) async fn send_append(
        &mut self,
        mailbox: &str,
        letters: &[Letter<'_>],
        can: &Capabilities,
    ) -> Result<Tag, Trouble> {
        self.begin();
        self.out.extend_from_slice(b"APPEND ");
        self.out.extend_from_slice(mailbox.as_bytes());
        for Letter { before, octets } in letters {
            let unasked = can.takes_unasked(octets.len());
            let plus = if unasked { "+" } else { "" };
            // Writing into a Vec cannot fail.
            let _ = write!(self.out, " {before}{{{}{plus}}}\r\n", octets.len());
            if !unasked {
                self.wire.send(&self.out).await?;
                self.out.clear();
                self.wait_to_go_on("APPEND").await?;
            }
            self.out.extend_from_slice(octets);
        }
        self.out.extend_from_slice(b"\r\n");
        self.wire.send(&self.out).await?;
        Ok(Tag(self.sent))
    }

    /// APPEND; the UIDs that were given, where the server says so (RFC 4315).
    pub(crate) async fn append(
        &mut self,
        mailbox: &str,
        letters: &[Letter<'_>],
        can: &Capabilities,
    ) -> Result<Option<String>, Trouble> {
        let tag = self.send_append(mailbox, letters, can).await?;
        let mut uids = None;
        self.finish(tag, "APPEND", |said| {
            if let Said::Ok(text) = said
                && let Some(given) = code(text, "APPENDUID")
            {
                uids = Some(String::from_utf8_lossy(split(given).1).into_owned());
            }
            Ok(())
        })
        .await?;
        Ok(uids)
    }

    async fn wait_to_go_on(&mut self, what: &str) -> Result<(), Trouble> {
        loop {
            match read(self.wire.response().await?)? {
                Response::Untagged(Said::Continue) => return Ok(()),
                Response::Untagged(Said::Bye(why)) => return Err(Trouble::refused(what, why)),
                Response::Untagged(_) => {}
                Response::Tagged(answer) => return Err(Trouble::refused(what, answer.text)),
            }
        }
    }

    /// Begins to IDLE (RFC 2177), and returns when the server does.
    pub(crate) async fn idle(&mut self) -> Result<Tag, Trouble> {
        let tag = self.send("IDLE").await?;
        self.wait_to_go_on("IDLE").await?;
        self.wire.patience = IDLE_PATIENCE;
        Ok(tag)
    }

    /// What an idle session hears next.
    pub(crate) async fn hear(&mut self) -> Result<Said<'_>, Trouble> {
        match read(self.wire.response().await?)? {
            Response::Untagged(Said::Bye(why)) => {
                Err(Trouble::Lost(format!("IDLE: the server says BYE {}", visible(why))))
            }
            Response::Untagged(said) => Ok(said),
            Response::Tagged(answer) => Err(Trouble::refused("IDLE", answer.text)),
        }
    }

    /// Ends IDLE. `each` is given what came meanwhile.
    pub(crate) async fn done(
        &mut self,
        tag: Tag,
        each: impl FnMut(Said<'_>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        self.wire.patience = PATIENCE;
        self.wire.send(b"DONE\r\n").await?;
        self.finish(tag, "DONE", each).await
    }
}

/// Flags and date of a message as they stand before it in APPEND.
pub(crate) fn before(flags: crate::corpus::Flags, date: Date) -> String {
    format!("{} \"{}\" ", flags.list(), date.internal())
}

fn is_tag(text: &[u8], Tag(number): Tag) -> bool {
    text.strip_prefix(b"b").and_then(super::said::number) == Some(number)
}

/// A quoted string.
pub(crate) fn quoted(text: &str) -> Result<Zeroizing<String>, Trouble> {
    if !text.bytes().all(|octet| (b' '..=b'~').contains(&octet)) {
        return Err(Trouble::Asked("a user or a password has more than ASCII in it".into()));
    }
    Ok(Zeroizing::new(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))))
}
