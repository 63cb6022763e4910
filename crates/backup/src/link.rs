//! The words between the half that gives and the half that takes.
//!
//! Each frame is its length in four octets, little-endian, and as many octets: JSON, or a piece of a file. A question
//! gets one answer; that to LIST goes on until END, and that to FILE has the file's pieces, an empty frame, and a verdict.

use crate::trouble::Trouble;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest frame, in octets.
const MAX_FRAME: usize = 1 << 20;
/// Octets of a file in one frame.
pub(crate) const PIECE: usize = 256 << 10;
/// Most files in one frame.
pub(crate) const FILES_AT_ONCE: usize = 1_000;
/// How long one half waits for the other: a disk may take its time, and a half that is stuck must not keep what was
/// deleted for ever.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the taking half asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ask {
    /// Hold the store still, and say which files it has.
    List,
    /// What is in that file?
    File(usize),
    /// It is all there. So many files, and octets in them, were taken.
    Done { files: u64, octets: u64 },
}

/// What the giving half answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Moment(Held),
    Files(Vec<Offered>),
    End,
    /// The file's pieces were all there.
    Whole,
    /// It is recorded.
    Recorded,
    /// It cannot be done, and why.
    Failed(String),
}

/// A moment of a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) store: String,
    /// Where the log ends.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    /// How many accounts there are.
    pub(crate) accounts: u64,
    /// The format of its directory.
    pub(crate) format: u32,
}

/// A file that can be had.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Offered {
    pub(crate) path: String,
    pub(crate) octets: u64,
    pub(crate) mark: String,
}

/// One end of the connection.
pub(crate) struct Link<S> {
    stream: S,
    out: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Link<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, out: Vec::new() }
    }

    /// Says something; it is on its way at the latest when something is heard.
    pub(crate) async fn say(&mut self, what: &impl Serialize) -> Result<(), Trouble> {
        let json = serde_json::to_vec(what).map_err(Trouble::link)?;
        self.say_octets(&json).await
    }

    pub(crate) async fn say_octets(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        let length = u32::try_from(octets.len()).ok().filter(|_| octets.len() <= MAX_FRAME);
        let length = length.ok_or_else(|| Trouble::link("a frame is too long"))?;
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(octets);
        if self.out.len() >= PIECE { self.flush().await } else { Ok(()) }
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Trouble> {
        let out = std::mem::take(&mut self.out);
        in_time(async {
            self.stream.write_all(&out).await?;
            self.stream.flush().await
        })
        .await
    }

    /// The next octets; `None` where the other end has gone, between two frames.
    pub(crate) async fn hear_octets(&mut self) -> Result<Option<Bytes>, Trouble> {
        if !self.out.is_empty() {
            self.flush().await?;
        }
        let mut length = [0; 4];
        let first = in_time(self.stream.read(&mut length)).await?;
        let Some(rest) = length.get_mut(first..).filter(|_| first > 0) else { return Ok(None) };
        in_time(self.stream.read_exact(rest)).await?;
        let length = usize::try_from(u32::from_le_bytes(length)).ok().filter(|length| *length <= MAX_FRAME);
        let length = length.ok_or_else(|| Trouble::link("a frame is too long"))?;
        let mut octets = Vec::new();
        // It grows with what comes, not with what was announced.
        let read = in_time((&mut self.stream).take(length as u64).read_to_end(&mut octets)).await?;
        if read < length { Err(Trouble::link("it ended within a frame")) } else { Ok(Some(octets.into())) }
    }

    pub(crate) async fn hear<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Trouble> {
        let octets = self.hear_octets().await?;
        octets.map(|octets| serde_json::from_slice(&octets).map_err(Trouble::link)).transpose()
    }

    /// What the other end must say now.
    pub(crate) async fn answer<T: DeserializeOwned>(&mut self) -> Result<T, Trouble> {
        self.hear().await?.ok_or_else(|| Trouble::link("it went away"))
    }
}

async fn in_time<T>(doing: impl Future<Output = std::io::Result<T>>) -> Result<T, Trouble> {
    match tokio::time::timeout(PATIENCE, doing).await {
        Ok(done) => done.map_err(Trouble::link),
        Err(_) => Err(Trouble::link("it does not answer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_come_out_as_they_went_in_and_long_ones_are_refused() {
        let (near, mut raw) = tokio::io::duplex(1 << 10);
        let mut near = Link::new(near);
        assert!(near.say_octets(&vec![0; MAX_FRAME + 1]).await.is_err());
        near.say(&Ask::File(9)).await.unwrap();
        near.say_octets(b"").await.unwrap();
        near.flush().await.unwrap();
        let mut far = Link::new(&mut raw);
        assert!(matches!(far.hear().await.unwrap(), Some(Ask::File(9))));
        assert_eq!(far.hear_octets().await.unwrap().unwrap(), b"".as_slice());
        near.stream.write_all(&u32::MAX.to_le_bytes()).await.unwrap();
        assert!(far.hear_octets().await.is_err());
        near.stream.write_all(&[7, 0]).await.unwrap();
        drop(near);
        assert!(far.hear_octets().await.is_err(), "cut off within a frame");
        assert!(far.hear_octets().await.unwrap().is_none());
    }
}
