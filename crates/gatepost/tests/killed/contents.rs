//! What the server has: read anew, and kept up by resynchronising.

use crate::letter::{Flags, LetterId, MAILBOXES, read_flags};
use std::collections::BTreeMap;
use std::io;
use testkit::imap::{Client, Response};

/// A mailbox, read from the first message to the last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    pub(crate) uid_validity: u64,
    pub(crate) uid_next: u32,
    pub(crate) highest_mod_seq: u64,
    /// How many messages it says it has.
    pub(crate) exists: usize,
    pub(crate) messages: Vec<Message>,
}

/// A message as it was fetched.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) uid: u32,
    pub(crate) flags: Flags,
    pub(crate) mod_seq: u64,
    pub(crate) text: Vec<u8>,
}

/// All of an account: the mailboxes that are written to, and of the others the names, each with its MAILBOXID.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) mailboxes: [Contents; MAILBOXES.len()],
    pub(crate) folders: BTreeMap<String, String>,
}

/// What a client knows that keeps a mailbox's flags and comes back by QRESYNC (RFC 7162, 3.2.5).
#[derive(Clone, Debug, Default)]
pub(crate) struct Replica {
    uid_validity: u64,
    mod_seq: u64,
    messages: BTreeMap<u32, (Flags, u64)>,
}

impl Message {
    pub(crate) fn letter(&self) -> Option<LetterId> {
        LetterId::of(&self.text)
    }
}

impl Found {
    /// Reads all of it; the session has enabled QRESYNC.
    pub(crate) fn read(client: &mut Client) -> io::Result<Self> {
        let listed = client.ask(r#"LIST "" "*" RETURN (STATUS (MAILBOXID))"#)?;
        let folders = listed.iter().filter_map(mailbox_id).collect();
        let mut mailboxes = <[Contents; MAILBOXES.len()]>::default();
        for (mailbox, contents) in mailboxes.iter_mut().enumerate() {
            *contents = Contents::read(client, mailbox)?;
        }
        Ok(Self { mailboxes, folders })
    }
}

impl Contents {
    /// Reads all of it; the session has enabled QRESYNC.
    pub(crate) fn read(client: &mut Client, mailbox: usize) -> io::Result<Self> {
        let told = client.ask(&format!("SELECT {}", MAILBOXES[mailbox]))?;
        let fetched = client.ask("UID FETCH 1:* (FLAGS MODSEQ BODY.PEEK[])")?;
        let messages = fetched.iter().filter_map(|response| {
            let message = response.fetched()?;
            let text = message.octets("BODY[]").unwrap_or_default().to_vec();
            Some(Message {
                uid: message.uid()?,
                flags: read_flags(message.flags()?),
                mod_seq: message.number("MODSEQ")?,
                text,
            })
        });
        Ok(Self {
            uid_validity: number(&told, "UIDVALIDITY"),
            uid_next: number(&told, "UIDNEXT").try_into().unwrap_or_default(),
            highest_mod_seq: number(&told, "HIGHESTMODSEQ"),
            exists: exists(&told),
            messages: messages.collect(),
        })
    }
}

impl Replica {
    /// Comes back to the mailbox and takes in what it missed; the session has enabled QRESYNC.
    pub(crate) fn resync(&mut self, client: &mut Client, mailbox: usize) -> io::Result<()> {
        let name = MAILBOXES[mailbox];
        if self.uid_validity == 0 {
            let told = client.ask(&format!("SELECT {name}"))?;
            *self = Self { uid_validity: number(&told, "UIDVALIDITY"), mod_seq: 1, ..Self::default() };
        }
        let known = format!("QRESYNC ({} {})", self.uid_validity, self.mod_seq);
        let told = client.ask(&format!("SELECT {name} ({known})"))?;
        told.iter().for_each(|response| self.take_in(response));
        self.mod_seq = number(&told, "HIGHESTMODSEQ");
        Ok(())
    }

    fn take_in(&mut self, response: &Response) {
        for gone in response.vanished().into_iter().flatten() {
            self.messages.retain(|uid, _| !gone.contains(uid));
        }
        let Some(message) = response.fetched() else { return };
        let (Some(uid), Some(mod_seq)) = (message.uid(), message.number("MODSEQ")) else { return };
        if let Some(flags) = message.flags() {
            self.messages.insert(uid, (read_flags(flags), mod_seq));
        }
    }

    /// Whether it knows what was read.
    pub(crate) fn is(&self, contents: &Contents) -> bool {
        let read = contents.messages.iter().map(|found| (found.uid, (found.flags.clone(), found.mod_seq)));
        self.uid_validity == contents.uid_validity
            && self.mod_seq == contents.highest_mod_seq
            && self.messages == read.collect()
    }
}

/// What the response code `name` says, wherever it stands.
fn number(told: &[Response], name: &str) -> u64 {
    told.iter().find_map(|response| response.code(name)?.parse().ok()).unwrap_or_default()
}

/// The name and the MAILBOXID that a STATUS response tells (RFC 8474, 4.3).
fn mailbox_id(response: &Response) -> Option<(String, String)> {
    let line = response.to_string();
    let (name, id) = line.strip_prefix("* STATUS ")?.split_once(" (MAILBOXID (")?;
    Some((name.to_owned(), within_its_account(id.strip_suffix("))")?)))
}

/// A MAILBOXID without the account's number, which is another one in an account that was made again.
pub(crate) fn within_its_account(id: &str) -> String {
    id.split_once('-').map_or(id, |(_, own)| own).to_owned()
}

fn exists(told: &[Response]) -> usize {
    let line = told.iter().map(Response::to_string);
    line.filter_map(|line| line.strip_prefix("* ")?.strip_suffix(" EXISTS")?.parse().ok())
        .next_back()
        .unwrap_or_default()
}
