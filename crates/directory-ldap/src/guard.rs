//! What stands between a server and ldap3: one question at a time, and answers of a bounded size and of a known shape.
//!
//! ldap3 reads a message of any length and depth that a server, or somebody in front of it, may send; see `shape.rs`. It sits
//! on one end of a pair of sockets, and this copies whole messages between the other end and the server.

use crate::ber::{length, more_length_octets};
use crate::shape::{Asked, Part, request, response};
use directory::Trouble;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;

/// Longest message from a server, in octets. Only attributes that were named come, of one person.
pub(crate) const MAX_MESSAGE_OCTETS: usize = 256 * 1024;

/// Most messages for one question: two entries, where to look else, and the result.
pub(crate) const MAX_MESSAGES: usize = 16;

/// Whatever carries octets to a server.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// This end of the pair.
pub(crate) struct Guard(UnixStream);

impl Guard {
    pub(crate) fn new(near: UnixStream) -> Self {
        Self(near)
    }

    /// Passes questions and answers until one side has enough, and says why that was.
    pub(crate) async fn pass_all(mut self, mut server: Box<dyn Stream>) -> Trouble {
        loop {
            if let Err(why) = self.pass_one(&mut *server).await {
                return why.into();
            }
        }
    }

    /// Passes one question, and its answers. Not an octet more is read from the server than they have.
    pub(crate) async fn pass_one(&mut self, server: &mut dyn Stream) -> Result<(), Broken> {
        let question = self.question(server).await?;
        let (number, asked) = request(&question).ok_or(Broken::Question)?;
        server.write_all(&question).await?;
        server.flush().await?;
        if asked == Asked::Unbind {
            return Err(Broken::Unbound);
        }
        for _ in 0..MAX_MESSAGES {
            let tag = server.read_u8().await?;
            let answer = message(server, tag).await?;
            match response(&answer, number, asked).ok_or(Broken::Answer)? {
                // It is followed nowhere.
                Part::Reference => {}
                Part::Entry => self.0.write_all(&answer).await?,
                Part::Last => return Ok(self.0.write_all(&answer).await?),
            }
        }
        Err(Broken::Endless)
    }

    /// The next one. Whatever comes from a server that was not asked is a word about the end of the connection
    /// (RFC 4511, 4.4.1), or else nothing that we want.
    async fn question(&mut self, server: &mut dyn Stream) -> Result<Vec<u8>, Broken> {
        let tag = tokio::select! {
            tag = self.0.read_u8() => tag?,
            unasked = server.read_u8() => return Err(unasked.map_or_else(Broken::from, |_| Broken::Unasked)),
        };
        message(&mut self.0, tag).await
    }
}

/// The message that begins with this tag. It grows as it comes, not as it is announced.
async fn message<S: AsyncRead + Unpin + ?Sized>(from: &mut S, tag: u8) -> Result<Vec<u8>, Broken> {
    let first = from.read_u8().await?;
    let mut head = vec![tag, first];
    for _ in 0..more_length_octets(first).ok_or(Broken::Answer)? {
        head.push(from.read_u8().await?);
    }
    let announced = length(first, head.get(2..).unwrap_or_default());
    if announced > MAX_MESSAGE_OCTETS {
        return Err(Broken::Long);
    }
    let whole = head.len() + announced;
    from.take(announced as u64).read_to_end(&mut head).await?;
    if head.len() == whole { Ok(head) } else { Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())) }
}

/// Why nothing more is passed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the connection to it broke: {0}")]
    Io(#[from] io::Error),
    #[error("the connection to it was ended")]
    Unbound,
    #[error("it ended the connection, or spoke without being asked")]
    Unasked,
    #[error("it was asked something unknown")]
    Question,
    #[error("it answered with something that is not LDAP")]
    Answer,
    #[error("it answered with more than {MAX_MESSAGE_OCTETS} octets at once")]
    Long,
    #[error("it answered with more than {MAX_MESSAGES} messages")]
    Endless,
}

impl From<Broken> for Trouble {
    fn from(why: Broken) -> Self {
        Self::new(why)
    }
}
