//! The words between the reading half of an import and the filing half.
//!
//! They are two halves because only one process can have a data directory open: the reading half is the command line,
//! the filing half is whoever has the store, a running server or the same process. Each frame is its length in four
//! octets, little-endian, and as many octets: JSON, or a piece of a message. A question gets one answer; PUT is
//! followed by the pieces of a message, an empty frame, and what goes with it, and is answered by the next FLUSH.

use crate::report::Verdict;
use crate::trouble::Trouble;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use terms::{InternalDate, Uid};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest frame, in octets: the answer about a few hundred messages.
const MAX_FRAME: usize = 4 << 20;
/// Most octets of a message in one frame.
pub(crate) const PIECE_OCTETS: usize = 64 << 10;
/// Most messages that are asked about, or put before a FLUSH, at once.
pub(crate) const AT_ONCE: usize = 256;

/// What the reading half asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ask {
    /// An import begins, from this source. Which mailboxes serve special uses?
    Begin { source: String },
    /// It ends. Whoever began it says so on the same link; one that goes without a word was cut off.
    End(Ending),
    /// From here on messages are of this folder.
    Open(Opening),
    /// Which of these are here already?
    Compare { messages: Vec<Known>, flags: FlagsPolicy },
    /// A message of so many octets comes.
    Put { octets: u64 },
    /// What became of the messages that came?
    Flush,
    /// Is all that came in this folder as it came?
    Check,
}

/// What came of an import, to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    /// None: the source could not be read at all.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) folders: u64,
    pub(crate) imported: u64,
    pub(crate) already_here: u64,
    pub(crate) skipped: u64,
}

/// A folder that is to be brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// Which source, in a word that is the same the next time.
    pub(crate) source: String,
    /// Which folder there.
    pub(crate) folder: String,
    /// As long as this stays, keys mean the same messages: UIDVALIDITY.
    pub(crate) generation: String,
    /// Where it goes.
    pub(crate) mailbox: String,
    pub(crate) special_uses: Vec<String>,
    pub(crate) subscribed: bool,
    /// How its messages are numbered there, where they are.
    pub(crate) numbering: Option<Numbering>,
}

/// How the messages of a folder are numbered at the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbering {
    /// UIDVALIDITY; 0 is none.
    pub uid_validity: u32,
    /// UIDNEXT; 0 where it is not said.
    pub uid_next: u32,
}

/// Whether the messages of a folder have the UIDs here that they have at the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Uids {
    /// There they have none.
    #[default]
    None,
    /// UIDVALIDITY is the source's, and the UIDs are but for those of which the report says otherwise.
    Kept,
    /// They are new, and so is UIDVALIDITY; why.
    New(String),
}

/// A message at the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) key: Key,
    pub(crate) flags: Vec<String>,
    pub(crate) uid: Option<u32>,
}

/// Names a message within its folder and generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Key(pub(crate) [u8; 16]);

impl Key {
    /// The key of a message that has these octets, the `number`th such in its folder.
    pub(crate) fn of_octets(name: [u8; 32], number: u32) -> Self {
        Self::of(&[b"octets", &name, &number.to_le_bytes()])
    }

    pub(crate) fn of_uid(uid: u32) -> Self {
        Self::of(&[b"uid", &uid.to_le_bytes()])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        parts.iter().for_each(|part| {
            hasher.update(part);
        });
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        Self(key)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        format!("{:032x}", u128::from_be_bytes(key.0))
    }
}

impl TryFrom<String> for Key {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = digits.then(|| u128::from_str_radix(&text, 16).ok()).flatten();
        number.map(|number| Self(number.to_be_bytes())).ok_or("a key has 32 hexadecimal digits")
    }
}

/// What becomes of flags that changed at the source since they were brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlagsPolicy {
    /// They are brought too, but not over changes that were made here.
    KeepChanges,
    /// They are brought, whatever was changed here.
    Overwrite,
}

/// What comes behind a message's octets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Behind {
    /// They are all here.
    Keep(Kept),
    /// They are not: forget them.
    Drop,
}

/// What goes with a message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) key: Key,
    pub(crate) flags: Vec<String>,
    /// Unix seconds, and the zone in minutes east.
    pub(crate) date: Option<(i64, i16)>,
    /// The UID that it has at the source.
    pub(crate) uid: Option<u32>,
    /// The name (BLAKE3) of what was read.
    pub(crate) name: [u8; 32],
}

impl Kept {
    pub(crate) fn date(&self) -> Option<InternalDate> {
        self.date.and_then(|(seconds, zone)| InternalDate::new(seconds, zone))
    }

    pub(crate) fn uid(&self) -> Option<Uid> {
        self.uid.and_then(Uid::new)
    }
}

/// What the filing half answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// Special uses, and the mailboxes that serve them.
    Uses(Vec<(String, String)>),
    /// It is there. The largest message that is taken, in octets.
    Opened {
        most_octets: u64,
        uids: Uids,
    },
    Compared(Compared),
    /// In the order in which they were put.
    Flushed {
        outcomes: Vec<Outcome>,
        other_uids: u64,
    },
    Checked(Checked),
    /// It is recorded how the import ended.
    Recorded,
    /// This folder cannot be had, and why; others may.
    Refused(String),
    /// Nothing can be done now, and why.
    Failed(String),
}

/// How messages at the source compare with those here.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Compared {
    /// Places of those that are not here.
    pub(crate) unknown: Vec<usize>,
    /// Messages whose flags were changed, as they have been at the source.
    pub(crate) flags_updated: u64,
    /// Places of messages whose flags cannot be as they are at the source, and why; they stay as they are here.
    pub(crate) flags_refused: Vec<(usize, String)>,
    /// Messages whose flags have changed at both sides, and were left as they are here.
    pub(crate) flags_kept: u64,
    /// Messages that were brought, and have been removed here since.
    pub(crate) removed_here: u64,
    /// Messages that are here under another UID than at the source.
    pub(crate) other_uids: u64,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Imported,
    /// It came, and its keywords did not, and why.
    WithoutKeywords(String),
    /// The same octets were in the mailbox, and belonged to no other message of the source.
    Found,
    Refused(String),
}

/// What was found when everything was looked at again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Messages of this run that were read back and are, octet by octet, what was read at the source.
    pub read_back: u64,
    /// Those that are not.
    pub wrong: u64,
    /// Messages in the mailbox, whoever put them there.
    pub in_mailbox: u64,
}

/// One end of a connection between the halves.
pub(crate) struct Link<S> {
    stream: S,
    out: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Link<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, out: Vec::new() }
    }

    /// Says something; it is on its way at the latest when something is [`Self::hear`]d.
    pub(crate) async fn say(&mut self, what: &impl Serialize) -> Result<(), Trouble> {
        let json = serde_json::to_vec(what).map_err(broken)?;
        self.say_octets(&json).await
    }

    pub(crate) async fn say_octets(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        let length = u32::try_from(octets.len()).ok().filter(|_| octets.len() <= MAX_FRAME);
        let length = length.ok_or_else(|| broken("a frame is too long"))?;
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(octets);
        if self.out.len() >= PIECE_OCTETS { self.flush().await } else { Ok(()) }
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Trouble> {
        let sent = self.stream.write_all(&self.out).await;
        self.out.clear();
        sent.map_err(broken)?;
        self.stream.flush().await.map_err(broken)
    }

    /// The next octets; `None` where the other end has gone, between two frames.
    pub(crate) async fn hear_octets(&mut self) -> Result<Option<Bytes>, Trouble> {
        if !self.out.is_empty() {
            self.flush().await?;
        }
        let mut length = [0; 4];
        match self.stream.read_exact(&mut length).await {
            Ok(_) => {}
            Err(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(why) => return Err(broken(why)),
        }
        let length = usize::try_from(u32::from_le_bytes(length)).ok().filter(|length| *length <= MAX_FRAME);
        let length = length.ok_or_else(|| broken("a frame is too long"))?;
        let mut octets = Vec::new();
        // It grows with what comes, not with what was announced.
        let read = (&mut self.stream).take(length as u64).read_to_end(&mut octets).await.map_err(broken)?;
        if read < length { Err(broken("it ended within a frame")) } else { Ok(Some(octets.into())) }
    }

    pub(crate) async fn hear<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Trouble> {
        let octets = self.hear_octets().await?;
        octets.map(|octets| serde_json::from_slice(&octets).map_err(broken)).transpose()
    }
}

/// The other half speaks otherwise, or not at all.
fn broken(why: impl std::fmt::Display) -> Trouble {
    Trouble::Ours(format!("the server stopped, or is of another version ({why}); run the import again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_its_text_says() {
        let key = Key::of_octets([7; 32], 3);
        assert_eq!(Key::try_from(String::from(key)), Ok(key));
        assert_ne!(key, Key::of_octets([7; 32], 4));
        for bad in ["", "+0000000000000000000000000000000", "g0000000000000000000000000000000"] {
            assert!(Key::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn frames_come_out_as_they_went_in_and_long_ones_are_refused() {
        let (near, far) = tokio::io::duplex(1 << 10);
        let (mut near, mut far) = (Link::new(near), Link::new(far));
        near.say_octets(b"").await.unwrap();
        near.say(&Ask::Put { octets: 9 }).await.unwrap();
        near.flush().await.unwrap();
        assert_eq!(far.hear_octets().await.unwrap().unwrap(), b"".as_slice());
        assert!(matches!(far.hear().await.unwrap(), Some(Ask::Put { octets: 9 })));
        near.stream.write_all(&u32::MAX.to_le_bytes()).await.unwrap();
        assert!(far.hear_octets().await.is_err());
        assert!(near.say_octets(&vec![0; MAX_FRAME + 1]).await.is_err());
        drop(near);
        assert!(far.hear_octets().await.unwrap().is_none());
    }
}
