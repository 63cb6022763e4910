//! Replies: a code, an enhanced code (RFC 2034, RFC 3463), and words.

use std::borrow::Cow;
use std::io::Write as _;

/// An enhanced status code without its class, which is the first digit of the reply (RFC 2034, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enhanced(pub u16, pub u16);

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    enhanced: Option<Enhanced>,
    text: Cow<'static, str>,
}

impl Reply {
    /// Without an enhanced code: the greeting, the answer to LHLO and the one to DATA have none (RFC 2034, 4).
    pub fn plain(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, enhanced: None, text: text.into() }
    }

    /// With one.
    pub fn new(code: u16, enhanced: Enhanced, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, enhanced: Some(enhanced), text: text.into() }
    }

    /// The same, with what it is about in front of its words.
    #[must_use]
    pub fn about(self, what: &str) -> Self {
        Self { text: format!("{what} {}", self.text).into(), ..self }
    }

    /// The reply's code.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// Its words.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it says yes.
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// Writes it. The words are one line: what would end it is left out.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.start(out, ' ');
        out.extend(self.text.bytes().filter(|octet| !octet.is_ascii_control()));
        out.extend_from_slice(b"\r\n");
    }

    fn start(&self, out: &mut Vec<u8>, separator: char) {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{}{separator}", self.code);
        if let Some(Enhanced(subject, detail)) = self.enhanced {
            let _ = write!(out, "{}.{subject}.{detail} ", self.code / 100);
        }
    }
}

/// Writes the answer to LHLO: who we are, and what we can do (RFC 5321, 4.1.1.1).
pub fn write_extensions(out: &mut Vec<u8>, host: &str, extensions: &[Cow<'_, str>]) {
    let lines: Vec<&str> = std::iter::once(host).chain(extensions.iter().map(|e| &**e)).collect();
    for (n, line) in (1..).zip(&lines) {
        let separator = if n == lines.len() { ' ' } else { '-' };
        let _ = write!(out, "250{separator}{line}\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn replies_are_one_line_and_their_classes_agree() {
        assert_eq!(written(&Reply::plain(354, "Go on")), "354 Go on\r\n");
        assert_eq!(written(&Reply::new(550, Enhanced(1, 1), "No such user")), "550 5.1.1 No such user\r\n");
        assert_eq!(written(&Reply::new(250, Enhanced(0, 0), "a\r\n250 b")), "250 2.0.0 a250 b\r\n");
    }

    #[test]
    fn extensions_stand_on_lines_of_their_own() {
        let mut out = Vec::new();
        write_extensions(&mut out, "mail.example.org", &["PIPELINING".into(), "SIZE 5".into()]);
        assert_eq!(out, b"250-mail.example.org\r\n250-PIPELINING\r\n250 SIZE 5\r\n");
    }
}
