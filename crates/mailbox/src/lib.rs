//! What is true of a mailbox: events, state, views and what may be announced.
//!
//! A mailbox is the fold of its [`Event`]s. [`MailboxState`] is a value: applying an event makes the next one and
//! leaves this one whole. A *decision* ([`append`], [`store`], [`expunge`], [`copy`] ...) looks at a state and
//! answers with the events that do what a client asked; when another commit came first, decide again. A session
//! has a [`View`], which says what the client has been told, and asks it after each command what to tell next.
//!
//! > **Promise.** Everything here is synchronous and deterministic, without IO, clocks or a runtime. Nothing here
//! > panics on what was stored or asked. A MODSEQ is made in one place, [`MailboxState::apply`].
//!
//! Left to others: durability and order of events (`store`), retries and caches (`mail`), syntax (`wire`), what a
//! session may say when (`session`: it hands a [`Permit`] to its view).

pub mod account;
mod codec;
mod decide;
mod event;
mod expunges;
mod flags;
mod graves;
mod head;
mod limits;
mod packed;
mod private;
mod resync;
mod row;
pub mod search;
mod state;
mod tree;
mod view;

pub use codec::DecodeError;
pub use decide::{Appending, Change, Copying, Doomed, Expunging, Moving, Store, Stored};
pub use decide::{append, copy, expunge, move_messages, skip, store};
pub use event::{Appended, Birth, Created, Event, FlagsChanged, NewMessage, Scope};
pub use flags::{FlagSet, Flags, Keywords, MAX_KEYWORDS, SystemFlags};
pub use head::Head;
pub use limits::{LimitReached, MAX_EVENT_OCTETS, MAX_GHOSTS, MAX_READERS};
pub use row::Row;
pub use state::{Changed, MailboxState, Misfit, Reader, Rows};
pub use view::View;
pub use view::{
    Announcement, BATCH_ITEMS, Dialect, Fetched, Found, Item, Known, Permit, Reply, TooManyGhosts,
};
