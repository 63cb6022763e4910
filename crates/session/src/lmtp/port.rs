//! What taking mail in needs of the world, as small traits. The client itself is a [`Peer`](crate::port::Peer), as
//! everywhere.
//!
//! | trait | stands for | implemented by |
//! |---|---|---|
//! | [`Office`] | who has an account here, and the log | `net`, over the directory |
//! | [`Delivery`] | a message on its way in | `net`, over `mail` |

use super::refusal::Refusal;
use bytes::Bytes;
use mailbox::delivery::{Landed, Parcel, Recipient};
use std::future::Future;
use std::net::IpAddr;
use wire::lmtp::Address;

/// Where mail is taken in.
pub trait Office: Send + Sync {
    /// A message on its way in.
    type Delivery: Delivery;

    /// The time of day, in Unix seconds.
    fn unix_s(&self) -> i64;

    /// Where the client is; `None` for a program on this host.
    fn client(&self) -> Option<IpAddr>;

    /// The connection's number in the log.
    fn connection(&self) -> u64;

    /// Whose an address is. A refusal says that nobody has it, or that its owner cannot take a message of so many
    /// octets now.
    fn find(&self, address: &Address, octets: u64)
    -> impl Future<Output = Result<Recipient, Refusal>> + Send;

    /// Begins to deliver a message; none of it has come yet. Each account has one parcel.
    fn begin(&self, parcels: Vec<Parcel>) -> Self::Delivery;

    /// A command was refused: for the log.
    fn refused(&self, refusal: &Refusal);

    /// Writes down what became of a message for one recipient.
    fn note(&self, sender: Option<&Address>, recipient: &Address, outcome: &Result<Landed, Refusal>);
}

/// A message on its way in. Dropped before [`Self::end`], it leaves nothing behind.
pub trait Delivery: Send {
    /// Takes the message's next octets; memory holds few of them. What goes wrong is told by [`Self::deliver_next`].
    fn write(&mut self, octets: Bytes) -> impl Future<Output = ()> + Send;

    /// The message is all here.
    fn end(&mut self) -> impl Future<Output = ()> + Send;

    /// Delivers the next parcel: what became of it for each of its recipients, in their order, all of it durable.
    /// `None` behind the last.
    fn deliver_next(&mut self) -> impl Future<Output = Option<Vec<Result<Landed, Refusal>>>> + Send;
}
