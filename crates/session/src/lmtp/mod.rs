//! LMTP (RFC 2033): mail coming in from a mail server that has been let in. Nobody signs in, and nothing is read.
//!
//! > **Durable or not said.** Behind a message each recipient is answered by itself, in the order of RCPT, and `250` is
//! > said when the message is on stable storage for that one. A server that dies between the two has the message twice,
//! > never not at all: the client brings it again.
//!
//! A command is a file here too. What a mail server may do wrong is told it as a code that makes it do the right thing
//! with the message: `4xx` where trying again helps, `5xx` where the sender has to know. Which is which is decided in
//! [`Refusal::reply`] and nowhere else.
//!
//! Left to others: who may connect (`net`, by the socket's permissions and the networks that the settings name), whose
//! an address is and where a message lies (`mail`).

pub mod port;

mod ending;
mod refusal;
mod session;
mod talk;

// The commands.
mod data;
mod lhlo;
mod mail;
mod rcpt;

pub use ending::Ending;
pub use refusal::{Refusal, WhenFull};
pub use session::{Ended, MAX_MISTAKES, serve};
pub use talk::SILENCE_TIME;

/// What a configuration decides about such a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What this host is called.
    pub host: Box<str>,
    /// The largest message that is taken, in octets.
    pub message_octets: u64,
}
