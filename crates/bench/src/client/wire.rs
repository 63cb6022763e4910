//! Octets of a connection: commands go out, responses come in whole, with the literals that are in them.
//!
//! A response is handed out where it was read; for none of them is anything allocated.

use crate::trouble::Trouble;
use memchr::memchr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How long a server may say nothing while something is due.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Octets that a connection begins with; an idle one needs no more.
const FIRST: usize = 4 << 10;
/// Octets that one response may have.
const MOST: usize = 256 << 20;

/// What a connection is made of.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A stream, and what of it has been read.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    /// Where in `buffer` what has not been handed out begins.
    start: usize,
    /// Where in `buffer` what has been read ends.
    end: usize,
    received: u64,
    /// How long nothing may come.
    pub(super) patience: Duration,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, buffer: vec![0; FIRST], start: 0, end: 0, received: 0, patience: PATIENCE }
    }

    /// Octets that have come since the connection began.
    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    /// Whether something has come that was not asked for yet.
    pub(crate) const fn has_unread(&self) -> bool {
        self.start < self.end
    }

    /// Gives the stream back; what was read and not handed out is lost.
    pub(crate) fn into_stream(self) -> Box<dyn Stream> {
        self.stream
    }

    pub(crate) async fn send(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        let sending = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        match timeout(PATIENCE, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(Trouble::lost("the connection broke", &why)),
            Err(_) => Err(Trouble::Lost(format!("the server takes nothing for {} s", PATIENCE.as_secs()))),
        }
    }

    /// The next response without its end of line: a line, and behind each literal in it the line that goes on.
    pub(crate) async fn response(&mut self) -> Result<&[u8], Trouble> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        // Both are counted from `start`, which moves when room is made.
        let (mut line, mut seen) = (0, 0);
        loop {
            let unseen = self.buffer.get(self.start + seen..self.end).unwrap_or_default();
            let Some(found) = memchr(b'\n', unseen) else {
                seen = self.end - self.start;
                self.read().await?;
                continue;
            };
            let behind = seen + found + 1;
            let text = self.buffer.get(self.start + line..self.start + behind).unwrap_or_default();
            let Some(literal) = announced(text) else {
                let begin = self.start;
                self.start += behind;
                let text = self.buffer.get(begin..self.start - 1).unwrap_or_default();
                return Ok(text.strip_suffix(b"\r").unwrap_or(text));
            };
            line = behind.saturating_add(literal);
            while self.end - self.start < line {
                self.read().await?;
            }
            seen = line;
        }
    }

    /// Reads more, into room that grows with what has come and not with what was announced.
    async fn read(&mut self) -> Result<(), Trouble> {
        self.make_room()?;
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let count = match timeout(self.patience, self.stream.read(room)).await {
            Ok(Ok(count)) => count,
            Ok(Err(why)) => return Err(Trouble::lost("the connection broke", &why)),
            Err(_) => {
                return Err(Trouble::Lost(format!(
                    "the server says nothing for {} s",
                    self.patience.as_secs()
                )));
            }
        };
        if count == 0 {
            return Err(Trouble::Lost("the server closed the connection".into()));
        }
        self.end += count;
        self.received += count as u64;
        Ok(())
    }

    fn make_room(&mut self) -> Result<(), Trouble> {
        if self.end < self.buffer.len() {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.end > MOST {
            return Err(Trouble::Garbled("a response of the server has no end".into()));
        }
        if self.end > self.buffer.len() / 2 {
            self.buffer.resize(self.buffer.len() * 4, 0);
        }
        Ok(())
    }
}

/// The octets of the literal that a line announces at its end (RFC 9051, `literal`; RFC 3516, `literal8`).
fn announced(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let open = line.iter().rposition(|octet| *octet == b'{')?;
    std::str::from_utf8(line.get(open + 1..)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::duplex;

    /// Responses, read from a stream that gives `piece` octets at a time.
    fn read(octets: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut far, near) = duplex(piece);
            let octets = octets.to_vec();
            tokio::spawn(async move { far.write_all(&octets).await });
            let (mut wire, mut all) = (Wire::new(Box::new(near)), Vec::new());
            while let Ok(response) = wire.response().await {
                all.push(response.to_vec());
            }
            all
        })
    }

    #[test]
    fn a_response_is_a_line_with_its_literals() {
        let said = b"* OK hi\r\n* 1 FETCH (BODY[] {7}\r\na\r\n{1}\n FLAGS ())\r\n* 2 FETCH (X ~{0}\r\n Y {3}\r\n\r\n\n)\r\nt OK\r\n";
        for piece in [1, 2, 7, 4_096] {
            let all = read(said, piece);
            assert_eq!(all.len(), 4, "{piece}");
            assert_eq!(all[0], b"* OK hi");
            assert_eq!(all[1], b"* 1 FETCH (BODY[] {7}\r\na\r\n{1}\n FLAGS ())");
            assert_eq!(all[2], b"* 2 FETCH (X ~{0}\r\n Y {3}\r\n\r\n\n)");
        }
    }

    #[test]
    fn what_is_announced_and_does_not_come_takes_no_memory() {
        assert!(read(b"* 1 FETCH (BODY[] {99999999999999999999}\r\n", 64).len() == 1);
        assert!(read(b"* 1 FETCH (BODY[] {18446744073709551615}\r\nx", 64).is_empty());
    }

    proptest! {
        #[test]
        fn however_it_is_cut_it_reads_the_same(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9_000), 1..5),
            piece in 1_usize..5_000,
        ) {
            let mut said = Vec::new();
            for body in &bodies {
                said.extend_from_slice(format!("* 1 FETCH (BODY[] {{{}}}\r\n", body.len()).as_bytes());
                said.extend_from_slice(body);
                said.extend_from_slice(b")\r\n");
            }
            let all = read(&said, piece);
            prop_assert_eq!(all.len(), bodies.len());
            for (response, body) in all.iter().zip(&bodies) {
                prop_assert!(response.ends_with(&[body.as_slice(), b")"].concat()));
            }
        }
    }
}
