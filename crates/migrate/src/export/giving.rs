//! The half that has the store.

use super::frames::{Ask, Behind, Given, Listed, Mailbox, Message, Opened};
use crate::filing::Who;
use crate::link::{Link, PIECE_OCTETS};
use crate::pour::Stream;
use crate::trouble::Trouble;
use bytes::Bytes;
use events::Event;
use mail::{Account, Error};
use mailbox::account::MailboxId;
use mailbox::{MailboxState, Row};
use std::collections::HashMap;
use std::sync::Arc;
use terms::{Uid, UidSet};

/// Records that are in memory at once.
const AT_ONCE: usize = 256;

/// Gives what is asked for, until nobody asks any more. A mailbox is given as it is when it is asked for; what is
/// expunged meanwhile is given all the same.
///
/// # Errors
/// The other half has gone in the middle of something, or speaks otherwise.
pub async fn give(account: Arc<Account>, who: Who<'_>, stream: impl Stream) -> Result<(), Trouble> {
    let mut link = Link::new(stream);
    // Whoever only looked whether a server runs has asked for nothing.
    let Some(mut ask) = link.hear().await? else { return Ok(()) };
    let mut giver = Giver { account, link, tally: Tally::of(&who) };
    loop {
        match ask {
            Ask::List => giver.list().await?,
            Ask::Folder(id) => giver.folder(id).await?,
        }
        giver.link.flush().await?;
        ask = match giver.link.hear().await? {
            Some(next) => next,
            None => return Ok(()),
        };
    }
}

struct Giver<S> {
    account: Arc<Account>,
    link: Link<S>,
    tally: Tally,
}

/// What was given. It is recorded when it is dropped, however that comes about.
struct Tally {
    account: events::Account,
    user: u32,
    messages: u64,
    damaged: u64,
}

impl Tally {
    fn of(who: &Who<'_>) -> Self {
        Self { account: events::Account::new(who.login), user: who.user, messages: 0, damaged: 0 }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let Self { ref account, user, messages, damaged } = *self;
        Event::Exported { account: account.clone(), user: user.into(), messages, damaged }.log();
    }
}

impl<S: Stream> Giver<S> {
    async fn list(&mut self) -> Result<(), Trouble> {
        let names = self.account.names().await.map_err(ours)?;
        let mailboxes = names.mailboxes().map(|(name, mailbox)| Mailbox {
            id: mailbox.id.get(),
            name: name.to_string(),
            subscribed: names.is_subscribed(name),
            special_uses: mailbox.special_uses.iter().map(|one| one.to_string()).collect(),
        });
        let other = names.subscriptions().filter(|name| names.mailbox(name).is_none());
        let listed = Listed {
            mailboxes: mailboxes.collect(),
            other_subscriptions: other.map(ToString::to_string).collect(),
        };
        self.link.say(&listed).await
    }

    async fn folder(&mut self, id: u32) -> Result<(), Trouble> {
        let opened = match MailboxId::new(id) {
            Some(id) => self.account.open(id).await,
            None => Err(Error::NoSuchMailbox),
        };
        let newest = match opened {
            Ok(mailbox) => mailbox.newest(),
            Err(why) => return self.link.say(&Given::Failed(why.to_string())).await,
        };
        let state = newest.state();
        let opened = Opened {
            uid_validity: state.uid_validity().get(),
            uid_next: state.uid_next().get(),
            messages: state.messages(),
            keywords: state.keywords().iter().map(|keyword| keyword.as_str().to_owned()).collect(),
        };
        self.link.say(&Given::Folder(opened)).await?;
        let uids: Vec<Uid> = state.uids(Uid::MIN).iter().collect();
        for some in uids.chunks(AT_ONCE) {
            self.messages(state, &some.iter().copied().collect()).await?;
        }
        self.link.say(&Given::End).await
    }

    async fn messages(&mut self, state: &MailboxState, uids: &UidSet) -> Result<(), Trouble> {
        let bodies = self.bodies(state, uids).await;
        for row in state.reader(self.account.id()).rows(uids) {
            match bodies.get(&row.uid) {
                Some(Ok(body)) => self.message(state, &row, *body).await?,
                Some(Err(why)) => self.bad(&row, why.clone()).await?,
                None => {
                    self.bad(&row, "what was noted of it is missing, or does not read".to_owned()).await?
                }
            }
        }
        Ok(())
    }

    /// The names of the bodies, or why one cannot be found. Where one of many is damaged each is asked for by itself.
    async fn bodies(&self, state: &MailboxState, uids: &UidSet) -> HashMap<Uid, Result<[u8; 32], String>> {
        if let Ok(names) = self.account.body_names(state, uids).await {
            return names.into_iter().map(|(uid, body)| (uid, Ok(body))).collect();
        }
        let mut bodies = HashMap::new();
        for uid in uids.iter() {
            let body = match self.account.body_names(state, &[uid].into_iter().collect()).await {
                Ok(names) => names.first().map(|(_, body)| Ok(*body)),
                Err(why) => Some(Err(why.to_string())),
            };
            bodies.extend(body.map(|body| (uid, body)));
        }
        bodies
    }

    async fn message(&mut self, state: &MailboxState, row: &Row, body: [u8; 32]) -> Result<(), Trouble> {
        let mut piece = match self.account.body(body, 0, PIECE_OCTETS).await {
            Ok(Some(piece)) => piece,
            Ok(None) => return self.bad(row, "its octets are not there".to_owned()).await,
            Err(why) => return self.bad(row, why.to_string()).await,
        };
        self.link.say(&Given::Message(described(state, row))).await?;
        let (mut hasher, mut sent) = (blake3::Hasher::new(), 0);
        let behind = loop {
            if piece.is_empty() {
                break whole(&hasher, body, sent == row.size);
            }
            hasher.update(&piece);
            sent += piece.len() as u64;
            self.link.say_octets(&piece).await?;
            piece = match self.account.body(body, sent, PIECE_OCTETS).await {
                Ok(next) => next.unwrap_or_default(),
                Err(why) => break Behind::Broken(why.to_string()),
            };
        };
        match behind {
            Behind::Whole(_) => self.tally.messages += 1,
            Behind::Broken(_) => self.tally.damaged += 1,
        }
        self.link.say_octets(&Bytes::new()).await?;
        self.link.say(&behind).await
    }

    async fn bad(&mut self, row: &Row, why: String) -> Result<(), Trouble> {
        self.tally.damaged += 1;
        self.link.say(&Given::Bad { uid: row.uid.get(), why }).await
    }
}

/// What was sent is looked at once more as a whole: each block has its checksum, the message its name.
fn whole(hasher: &blake3::Hasher, body: [u8; 32], is_as_long: bool) -> Behind {
    let sent = *hasher.finalize().as_bytes();
    if sent == body && is_as_long {
        Behind::Whole(sent)
    } else {
        Behind::Broken("its octets are not those that were stored".to_owned())
    }
}

fn described(state: &MailboxState, row: &Row) -> Message {
    Message {
        uid: row.uid.get(),
        flags: state.keywords().names(&row.flags).map(ToOwned::to_owned).collect(),
        date: (row.internal_date.seconds(), row.internal_date.zone_minutes()),
        octets: row.size,
    }
}

fn ours(why: Error) -> Trouble {
    Trouble::Ours(why.to_string())
}
