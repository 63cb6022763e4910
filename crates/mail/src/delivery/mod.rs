//! Delivery: one message, for one account or for many.
//!
//! Each account gets octets of its own, since the lines in front name its recipients; a mailbox gets a message once,
//! however many addresses lead there. A small message waits in memory until it is whole. A large one goes into the
//! store of one account as it comes, that of the account with the most room, and is copied from there into the others':
//! so it costs the same few pieces of memory whether it is for one account or for a hundred, and one that nobody has
//! room for is never stored. What fails for one account fails for that one alone.
//!
//! Accounts are delivered to together, as many as memory allows, so that they share the store's syncs.

mod coming;
mod place;
mod whole;

use crate::account::Account;
use crate::{Accounts, Error, Origin};
use bytes::Bytes;
use coming::Coming;
use mailbox::delivery::{Landed, Parcel};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use store::MAX_INLINE_BODY;
use whole::Whole;

/// Accounts that a message which waits in memory goes to at once; each has its own copy, of [`MAX_INLINE_BODY`] at most.
const SMALL_AT_ONCE: usize = 32;
/// The same for one that is staged: each takes a body writer of the store's.
const LARGE_AT_ONCE: usize = 4;

/// A message on its way to its accounts. Dropped before it is whole, it leaves nothing behind.
pub struct Delivery {
    errands: VecDeque<Errand>,
    message: Message,
    /// Octets that have come.
    octets: u64,
    under_way: VecDeque<UnderWay>,
}

/// A parcel, and what it takes to deliver it.
struct Errand {
    account: Arc<Account>,
    origin: Arc<Origin>,
    parcel: Parcel,
}

enum Message {
    /// In memory: at most [`MAX_INLINE_BODY`].
    Few(Vec<u8>),
    /// On its way into a store.
    Coming(Coming),
    /// It could not be kept.
    Lost(Error),
    /// It is all here, or lost for good.
    Whole(Arc<Whole>),
}

/// What became of a parcel for each of its recipients, in their order.
type Outcomes = Vec<Result<Landed, Error>>;

/// A parcel that is being delivered.
enum UnderWay {
    Going(Pin<Box<dyn Future<Output = Outcomes> + Send>>),
    Done(Outcomes),
}

impl Delivery {
    /// To these accounts, each named once.
    #[must_use]
    pub fn new(accounts: &Accounts, origin: Origin, parcels: Vec<Parcel>) -> Self {
        let origin = Arc::new(origin);
        let errand = |parcel: Parcel| {
            let account = accounts.account(parcel.account);
            Errand { account, origin: Arc::clone(&origin), parcel }
        };
        Self {
            errands: parcels.into_iter().map(errand).collect(),
            message: Message::Few(Vec::new()),
            octets: 0,
            under_way: VecDeque::new(),
        }
    }

    /// Takes the message's next octets. What goes wrong is told of each parcel, later: whoever brings a message
    /// brings all of it.
    pub async fn write(&mut self, octets: Bytes) {
        self.octets = self.octets.saturating_add(octets.len() as u64);
        if let Err(why) = self.take_in(octets).await {
            self.message = Message::Lost(why);
        }
    }

    async fn take_in(&mut self, octets: Bytes) -> Result<(), Error> {
        match &mut self.message {
            Message::Few(few) if few.len() + octets.len() <= MAX_INLINE_BODY => {
                few.extend_from_slice(&octets)
            }
            Message::Few(few) => {
                few.extend_from_slice(&octets);
                let few = std::mem::take(few);
                self.message = Message::Coming(Coming::begin(&self.errands, few.into()).await?);
            }
            Message::Coming(coming) => coming.write(octets).await?,
            Message::Lost(_) | Message::Whole(_) => {}
        }
        Ok(())
    }

    /// The message is whole.
    pub async fn end(&mut self) {
        let whole = match std::mem::replace(&mut self.message, Message::Lost(Error::Withdrawn)) {
            Message::Few(few) => Whole::Few(few.into()),
            Message::Coming(coming) => match coming.end().await {
                Ok(staged) => Whole::Staged(staged),
                Err(why) => Whole::Lost { why, octets: self.octets },
            },
            Message::Lost(why) => Whole::Lost { why, octets: self.octets },
            Message::Whole(_) => return,
        };
        self.message = Message::Whole(Arc::new(whole));
    }

    /// Delivers to the next account: what became of it for each of its recipients, in their order; `None` behind the
    /// last. What was delivered is durable. Nothing is under way between two calls.
    pub async fn deliver_next(&mut self) -> Option<Vec<Result<Landed, Error>>> {
        let Message::Whole(whole) = &self.message else { return None };
        let whole = Arc::clone(whole);
        let outcomes = poll_fn(|context| self.poll_next(&whole, context)).await?;
        if self.errands.is_empty() {
            // Every copy has been made; whoever asks may go before the last answer.
            whole.clear_away().await;
        }
        Some(outcomes)
    }

    fn poll_next(&mut self, whole: &Arc<Whole>, context: &mut Context<'_>) -> Poll<Option<Outcomes>> {
        let at_once = match **whole {
            Whole::Few(_) => SMALL_AT_ONCE,
            Whole::Staged(_) | Whole::Lost { .. } => LARGE_AT_ONCE,
        };
        if self.under_way.is_empty() {
            let next = at_once.min(self.errands.len());
            let begun = self.errands.drain(..next).map(|errand| UnderWay::begin(errand, whole));
            self.under_way.extend(begun);
        }
        self.under_way.iter_mut().for_each(|parcel| parcel.poll(context));
        // All of them, before one is told of: whoever asks may not ask on before a slow client has listened, and what
        // is half done could keep an account's other changes waiting.
        if self.under_way.iter().any(|parcel| matches!(parcel, UnderWay::Going(_))) {
            return Poll::Pending;
        }
        Poll::Ready(match self.under_way.pop_front() {
            Some(UnderWay::Done(outcomes)) => Some(outcomes),
            Some(UnderWay::Going(_)) | None => None,
        })
    }
}

impl UnderWay {
    fn begin(errand: Errand, whole: &Arc<Whole>) -> Self {
        let whole = Arc::clone(whole);
        Self::Going(Box::pin(async move { errand.deliver(&whole).await }))
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        if let Self::Going(going) = self
            && let Poll::Ready(outcomes) = going.as_mut().poll(context)
        {
            *self = Self::Done(outcomes);
        }
    }
}
