//! Text in events: bounded, escaped, and each kind with a type of its own.

use crate::value::Field;
use std::error::Error;
use std::fmt;
use std::path::Path;
use terms::MailboxName;
use tracing::Value;

/// Longest text in an event, in octets; the rest is cut off and marked with `…`.
pub const MAX_TEXT_OCTETS: usize = 256;

macro_rules! texts {
    ($( $(#[$doc:meta])+ $name:ident($kind:literal) )+) => { $(
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(Box<str>);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Field for $name {
            const KIND: &'static str = $kind;

            // As a string, not by `Display`: the human format quotes strings, so that no text can look like
            // another field.
            fn value(&self) -> impl Value + '_ {
                &*self.0
            }
        }
    )+ };
}

texts! {
    /// The name of an account that exists.
    Account("name of an account")
    /// The protocols that a client wants to speak behind TLS, as it named them.
    Alpn("names of protocols, as the client gave them")
    /// The name of an account as a stranger gave it: it need not exist, and may be anything.
    Claimed("name of an account, as a stranger gave it")
    /// What a client says it is.
    ClientId("what the client said")
    /// A command by its name in the standard.
    Command("name of a command")
    /// A file or folder of the server.
    File("path")
    /// What its owner calls an app password or a client certificate.
    Label("name of an app password or of a client certificate")
    /// A listener's name in the configuration.
    Listener("name in the configuration")
    /// A mail address as a mail server gave it.
    MailAddress("mail address, as it was given")
    /// A mailbox's name.
    Mailbox("name of a mailbox")
    /// What went wrong, in words.
    Problem("words")
    /// What programs read of a refusal.
    ResponseCode("response code")
    /// What a client was told.
    Sentence("words")
    /// A host's name in TLS.
    ServerName("host name")
    /// As the settings call it.
    Directory("name")
    /// Where mail was imported from.
    Source("kind of source, and its path, or user, host and port")
}

impl Account {
    /// The name under which the directory knows it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(escape(name.as_bytes()))
    }
}

impl Alpn {
    /// Of names that a stranger chose.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self(escape(names.join(",").as_bytes()))
    }
}

impl Claimed {
    /// The name as it was sent: any octets.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        Self(escape(name))
    }
}

impl ClientId {
    /// Its name and version from ID (RFC 2971), as they were sent: any octets.
    #[must_use]
    pub fn new(name: &[u8], version: Option<&[u8]>) -> Self {
        let version = version.unwrap_or_default();
        let gap: &[u8] = if version.is_empty() { b"" } else { b" " };
        Self(escape(&[name, gap, version].concat()))
    }
}

impl Command {
    /// Its name as we know it, not as it was sent.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(escape(name.as_bytes()))
    }
}

impl ResponseCode {
    /// Its name, without what it tells besides.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(escape(name.as_bytes()))
    }
}

impl Sentence {
    /// The sentence as it was sent, which may name a mailbox.
    #[must_use]
    pub fn new(said: &str) -> Self {
        Self(escape(said.as_bytes()))
    }
}

impl MailAddress {
    /// The address as it was given.
    #[must_use]
    pub fn new(address: &str) -> Self {
        Self(escape(address.as_bytes()))
    }
}

impl ServerName {
    /// The name as the client or the certificate gives it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(escape(name.as_bytes()))
    }
}

impl Directory {
    /// As the settings call it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(escape(name.as_bytes()))
    }
}

impl Source {
    /// As the import names it. No password is in it.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self(escape(source.as_bytes()))
    }
}

impl Label {
    /// The name that it was given.
    #[must_use]
    pub fn new(label: &str) -> Self {
        Self(escape(label.as_bytes()))
    }
}

impl Listener {
    /// Its name in the configuration.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(escape(name.as_bytes()))
    }
}

impl From<&Path> for File {
    fn from(path: &Path) -> Self {
        Self(escape(path.as_os_str().as_encoded_bytes()))
    }
}

impl From<&MailboxName> for Mailbox {
    fn from(name: &MailboxName) -> Self {
        Self(escape(name.as_str().as_bytes()))
    }
}

impl From<&(dyn Error + 'static)> for Problem {
    fn from(error: &(dyn Error + 'static)) -> Self {
        let causes = std::iter::successors(Some(error), |&error| error.source());
        // An error that repeats its cause in its own words would say it twice.
        let mut said = String::new();
        for cause in causes.map(ToString::to_string) {
            if !said.ends_with(&cause) {
                said = if said.is_empty() { cause } else { format!("{said}: {cause}") };
            }
        }
        Self(escape(said.as_bytes()))
    }
}

/// Makes octets fit to be read: what is not a visible character of UTF-8 is shown by its number.
fn escape(octets: &[u8]) -> Box<str> {
    // Four octets of input make at least one of text; more than this cannot be shown.
    let octets = octets.get(..MAX_TEXT_OCTETS * 4).unwrap_or(octets);
    let mut text = String::new();
    for piece in octets.utf8_chunks().flat_map(pieces) {
        if text.len() + piece.len() > MAX_TEXT_OCTETS {
            text.push('…');
            break;
        }
        text.push_str(&piece);
    }
    text.into()
}

fn pieces(chunk: std::str::Utf8Chunk<'_>) -> impl Iterator<Item = String> {
    let stray = chunk.invalid().iter().map(|octet| format!("<{octet:02X}>"));
    chunk.valid().chars().map(show).chain(stray)
}

fn show(character: char) -> String {
    if is_visible(character) { character.to_string() } else { format!("<U+{:04X}>", u32::from(character)) }
}

/// Controls end lines and move cursors; format characters turn the direction of text or hide in it.
fn is_visible(character: char) -> bool {
    let is_format = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !character.is_control() && !is_format
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(octets: &[u8], shown: &str) {
        assert_eq!(&*escape(octets), shown);
    }

    #[test]
    fn visible_text_is_itself_in_every_language() {
        check("jörg@例え.jp «привет» 🎉".as_bytes(), "jörg@例え.jp «привет» 🎉");
    }

    #[test]
    fn controls_are_shown_by_number() {
        check(b"a\r\nb\t\0\x1b[2J\x7f", "a<U+000D><U+000A>b<U+0009><U+0000><U+001B>[2J<U+007F>");
        check("\u{85}\u{9b}".as_bytes(), "<U+0085><U+009B>");
    }

    #[test]
    fn what_turns_or_hides_text_is_shown_by_number() {
        check(
            "a\u{202e}b\u{2028}c\u{200b}\u{feff}\u{e0041}".as_bytes(),
            "a<U+202E>b<U+2028>c<U+200B><U+FEFF><U+E0041>",
        );
    }

    #[test]
    fn octets_that_are_not_utf_8_are_shown() {
        check(b"caf\xe9 \xc3", "caf<E9> <C3>");
    }

    #[test]
    fn long_text_is_cut_at_a_whole_piece() {
        check("é".repeat(128).as_bytes(), &"é".repeat(128));
        check("é".repeat(129).as_bytes(), &("é".repeat(128) + "…"));
        let controls = escape(&[0; 1 << 20]);
        assert_eq!(&*controls, "<U+0000>".repeat(32) + "…");
    }

    #[test]
    fn a_problem_tells_its_causes_once() {
        let inner = std::io::Error::other("disk on fire\n");
        let outer = std::io::Error::other(inner);
        let problem = Problem::from(&outer as &(dyn Error + 'static));
        assert_eq!(problem.to_string(), "disk on fire<U+000A>");
    }
}
