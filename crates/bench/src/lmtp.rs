//! An LMTP client: the little of it that a delivery needs.

use crate::client::PATIENCE;
use crate::plan::LmtpPlace;
use crate::trouble::{Trouble, visible};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// Longest line of a reply, in octets; RFC 5321 allows 512.
const LONGEST: u64 = 4_096;

/// A connection that messages are delivered over.
pub(crate) struct Deliverer {
    stream: BufReader<Box<dyn crate::client::Stream>>,
    /// What goes out, while it is put together.
    out: Vec<u8>,
    line: Vec<u8>,
}

impl Deliverer {
    pub(crate) async fn connect(place: &LmtpPlace) -> Result<Self, Trouble> {
        let stream: Box<dyn crate::client::Stream> = match place {
            LmtpPlace::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await;
                let stream = stream.map_err(|why| Trouble::lost("LMTP", &why))?;
                stream.set_nodelay(true).map_err(|why| Trouble::lost("LMTP", &why))?;
                Box::new(stream)
            }
            LmtpPlace::Unix(socket) => {
                Box::new(UnixStream::connect(socket).await.map_err(|why| Trouble::lost("LMTP", &why))?)
            }
        };
        let mut deliverer = Self { stream: BufReader::new(stream), out: Vec::new(), line: Vec::new() };
        deliverer.expect("the greeting", b"220").await?;
        deliverer.say("LHLO bench.example.org", b"250").await?;
        Ok(deliverer)
    }

    /// Delivers a message to one recipient; returns when the server has acknowledged it.
    pub(crate) async fn deliver(&mut self, to: &str, message: &[u8]) -> Result<(), Trouble> {
        self.say("MAIL FROM:<sender@example.net>", b"250").await?;
        self.say(&format!("RCPT TO:<{to}>"), b"250").await?;
        self.say("DATA", b"354").await?;
        self.out.clear();
        stuff(message, &mut self.out);
        self.out.extend_from_slice(b".\r\n");
        self.send().await?;
        self.expect("the message", b"250").await
    }

    pub(crate) async fn quit(mut self) -> Result<(), Trouble> {
        self.say("QUIT", b"221").await
    }

    async fn say(&mut self, command: &str, wanted: &[u8]) -> Result<(), Trouble> {
        self.out.clear();
        self.out.extend_from_slice(command.as_bytes());
        self.out.extend_from_slice(b"\r\n");
        self.send().await?;
        self.expect(command, wanted).await
    }

    async fn send(&mut self) -> Result<(), Trouble> {
        let sending = async {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await
        };
        match timeout(PATIENCE, sending).await {
            Ok(sent) => sent.map_err(|why| Trouble::lost("LMTP", &why)),
            Err(_) => Err(Trouble::Lost("LMTP: the server takes nothing".into())),
        }
    }

    /// Reads a reply, of one line or more (RFC 5321, 4.2.1), that has to have a code.
    async fn expect(&mut self, what: &str, wanted: &[u8]) -> Result<(), Trouble> {
        loop {
            self.line.clear();
            let mut reader = (&mut self.stream).take(LONGEST);
            let reading = reader.read_until(b'\n', &mut self.line);
            match timeout(PATIENCE, reading).await {
                Ok(Ok(0)) => return Err(Trouble::Lost("LMTP: the server closed the connection".into())),
                Ok(Ok(_)) => {}
                Ok(Err(why)) => return Err(Trouble::lost("LMTP", &why)),
                Err(_) => return Err(Trouble::Lost("LMTP: the server says nothing".into())),
            }
            if !self.line.starts_with(wanted) {
                let answer = visible(self.line.trim_ascii_end());
                return Err(Trouble::Refused { what: format!("LMTP: {what}"), answer });
            }
            if self.line.get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }
}

/// A message with a dot more where a line begins with one (RFC 5321, 4.5.2).
fn stuff(message: &[u8], to: &mut Vec<u8>) {
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if line.first() == Some(&b'.') {
            to.push(b'.');
        }
        to.extend_from_slice(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_begin_with_a_dot_get_another() {
        let mut stuffed = Vec::new();
        stuff(b".a\r\nb.\r\n..\r\n.\r\n", &mut stuffed);
        assert_eq!(stuffed, b"..a\r\nb.\r\n...\r\n..\r\n");
    }
}
