//! Cutting an IMAP server's stream into responses, in bounded memory.
//!
//! A response is a line with literals in it (RFC 9051, 2.2.2). Small literals stay in it; the literal of `BODY[]` is
//! handed out piece by piece as it comes. *Nothing is allocated by a length that the server announced.*

use crate::trouble::Trouble;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest response without the message in it, in octets.
const MAX_RESPONSE: usize = 1 << 20;
/// Octets read at a time.
const READ: usize = 64 << 10;
/// How long a server may say nothing.
const SILENCE: Duration = Duration::from_secs(180);

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// A response, without its line end.
    Whole(Vec<u8>),
    /// A response up to the literal of `BODY[]`, which has so many octets; then comes the [`Lines::rest`].
    UpToBody(u64),
}

/// A stream, cut into responses.
pub struct Lines<S> {
    stream: S,
    unread: Vec<u8>,
    /// How much of `unread` has been given out.
    given: usize,
    /// The response that is being read.
    response: Vec<u8>,
    has_body: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lines<S> {
    /// Nothing of it has been read yet.
    pub const fn new(stream: S) -> Self {
        Self { stream, unread: Vec::new(), given: 0, response: Vec::new(), has_body: false }
    }

    /// The stream; and how many octets came that nobody has read.
    pub(super) fn into_stream(self) -> (S, usize) {
        let unread = self.unread.len() - self.given;
        (self.stream, unread)
    }

    pub(super) async fn send(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        self.stream.write_all(octets).await.map_err(lost)?;
        self.stream.flush().await.map_err(lost)
    }

    /// The next response.
    ///
    /// # Errors
    /// The connection broke, or the server says what no server may.
    pub async fn next(&mut self) -> Result<Part, Trouble> {
        self.response.clear();
        self.has_body = false;
        self.go_on().await
    }

    /// What stands behind the literal of `BODY[]`, with what stood before it; that literal itself is empty there.
    ///
    /// # Errors
    /// As with [`Self::next`].
    pub async fn rest(&mut self) -> Result<Vec<u8>, Trouble> {
        match self.go_on().await? {
            Part::Whole(response) => Ok(response),
            Part::UpToBody(_) => {
                Err(Trouble::Hostile("the server sends two messages in one response".into()))
            }
        }
    }

    /// The next octets of a literal of which `left` are to come. Never empty, unless none is left.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn body(&mut self, left: &mut u64) -> Result<&[u8], Trouble> {
        if *left > 0 && self.waiting().is_empty() {
            self.fill().await?;
        }
        let length = usize::try_from(*left).unwrap_or(usize::MAX).min(self.waiting().len());
        *left -= length as u64;
        let from = self.given;
        self.given += length;
        Ok(self.unread.get(from..from + length).unwrap_or_default())
    }

    async fn go_on(&mut self) -> Result<Part, Trouble> {
        loop {
            self.line().await?;
            let Some((header, octets)) = literal(&self.response) else {
                let end = self.response.len().saturating_sub(2);
                self.response.truncate(end);
                return Ok(Part::Whole(std::mem::take(&mut self.response)));
            };
            if !self.has_body
                && ends_with(self.response.get(..header).unwrap_or_default(), b" BODY[] ", b"(BODY[] ")
            {
                self.response.truncate(header);
                self.response.extend_from_slice(b"{0}\r\n");
                self.has_body = true;
                return Ok(Part::UpToBody(octets));
            }
            self.small_literal(octets).await?;
        }
    }

    async fn small_literal(&mut self, octets: u64) -> Result<(), Trouble> {
        let room = MAX_RESPONSE.saturating_sub(self.response.len());
        let mut left = Some(octets).filter(|octets| *octets <= room as u64).ok_or_else(too_long)?;
        while left > 0 {
            let piece = self.body(&mut left).await?.to_vec();
            self.response.extend_from_slice(&piece);
        }
        Ok(())
    }

    /// Reads on to the end of a line.
    async fn line(&mut self) -> Result<(), Trouble> {
        loop {
            if self.waiting().is_empty() {
                self.fill().await?;
            }
            let waiting = self.waiting();
            let end = waiting.iter().position(|b| *b == b'\n').map(|at| at + 1);
            let taken = waiting.get(..end.unwrap_or(waiting.len())).unwrap_or_default().to_vec();
            self.given += taken.len();
            self.response.extend_from_slice(&taken);
            if self.response.len() > MAX_RESPONSE {
                return Err(too_long());
            }
            if end.is_some() {
                return if self.response.ends_with(b"\r\n") {
                    Ok(())
                } else {
                    Err(Trouble::Hostile("the server ends a line without CR".into()))
                };
            }
        }
    }

    fn waiting(&self) -> &[u8] {
        self.unread.get(self.given..).unwrap_or_default()
    }

    async fn fill(&mut self) -> Result<(), Trouble> {
        self.unread.clear();
        self.given = 0;
        let mut octets = vec![0; READ];
        let read = tokio::time::timeout(SILENCE, self.stream.read(&mut octets)).await;
        let read =
            read.map_err(|_| lost(format!("it has said nothing for {} seconds", SILENCE.as_secs())))?;
        match read.map_err(lost)? {
            0 => Err(lost("it was closed by the server")),
            read => {
                octets.truncate(read);
                self.unread = octets;
                Ok(())
            }
        }
    }
}

fn ends_with(text: &[u8], one: &[u8], other: &[u8]) -> bool {
    let is = |end: &[u8]| {
        let tail = text.len().checked_sub(end.len()).and_then(|from| text.get(from..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    is(one) || is(other)
}

/// Where the header of the literal that a line ends in begins, and the literal's octets. The text of a status response
/// may look like one, and is none (RFC 9051, 9: `text` is of TEXT-CHAR, which a brace is).
fn literal(response: &[u8]) -> Option<(usize, u64)> {
    let data = response.strip_prefix(b"* ")?;
    let word: Vec<_> =
        data.iter().take_while(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_uppercase).collect();
    if [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].contains(&&*word) {
        return None;
    }
    let inside = response.strip_suffix(b"}\r\n")?;
    let at = inside.iter().rposition(|b| *b == b'{')?;
    let digits = std::str::from_utf8(inside.get(at + 1..)?).ok()?;
    let digits = digits.strip_suffix('+').unwrap_or(digits);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    // A number that is too large for us is a length all the same.
    is_number.then(|| (at, digits.parse().unwrap_or(u64::MAX)))
}

fn too_long() -> Trouble {
    Trouble::Hostile(format!("the server says more than {MAX_RESPONSE} octets in one response"))
}

fn lost(why: impl std::fmt::Display) -> Trouble {
    Trouble::Lost(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(octets: &[u8]) -> Lines<tokio::io::DuplexStream> {
        let (near, mut far) = tokio::io::duplex(4 << 20);
        far.write_all(octets).await.unwrap();
        Lines::new(near)
    }

    async fn body(lines: &mut Lines<tokio::io::DuplexStream>, mut left: u64) -> Vec<u8> {
        let mut all = Vec::new();
        while left > 0 {
            all.extend_from_slice(lines.body(&mut left).await.unwrap());
        }
        all
    }

    #[tokio::test]
    async fn a_message_is_handed_out_and_small_literals_stay() {
        let text = b"* 1 FETCH (UID 7 BODY[] {6}\r\nab\r\n{9 FLAGS ())\r\n* LIST () \"/\" {3}\r\na}b\r\n* OK {5}\r\n";
        let mut lines = lines(text).await;
        assert_eq!(lines.next().await.unwrap(), Part::UpToBody(6));
        assert_eq!(body(&mut lines, 6).await, b"ab\r\n{9");
        assert_eq!(lines.rest().await.unwrap(), b"* 1 FETCH (UID 7 BODY[] {0}\r\n FLAGS ())");
        assert_eq!(lines.next().await.unwrap(), Part::Whole(b"* LIST () \"/\" {3}\r\na}b".to_vec()));
        assert_eq!(lines.next().await.unwrap(), Part::Whole(b"* OK {5}".to_vec()));
        assert!(matches!(lines.next().await, Err(Trouble::Lost(_))));
    }

    #[tokio::test]
    async fn what_has_no_end_is_not_held() {
        let endless = vec![b'x'; MAX_RESPONSE + READ];
        for text in [
            &endless[..],
            b"* LIST () \"/\" {99999999999999999999999}\r\n",
            b"* LIST () \"/\" {2000000}\r\n",
            b"* OK no CR\n",
        ] {
            assert!(matches!(lines(text).await.next().await, Err(Trouble::Hostile(_))));
        }
        let mut two = lines(b"* 1 FETCH (BODY[] {1}\r\nx BODY[] {99999999}\r\n").await;
        assert_eq!(two.next().await.unwrap(), Part::UpToBody(1));
        body(&mut two, 1).await;
        assert!(matches!(two.rest().await, Err(Trouble::Hostile(_))));
    }
}
