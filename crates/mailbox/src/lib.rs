//! What is true of a mailbox: events, state, views and what may be announced.
//!
//! A mailbox is the fold of its [`Event`]s. [`MailboxState`] is a value: applying an event makes the next one and
//! leaves this one whole. A *decision* ([`append`], [`store`], [`expunge`], [`copy`] ...) looks at a state and
//! answers with the events that do what a client asked; when another commit came first, decide again. A session
//! has a [`View`], which says what the client has been told, and asks it after each command what to tell next.
//!
//! ```
//! use mailbox::{BATCH_ITEMS, Created, Dialect, Doomed, Flags, Item, MailboxState, Permit, Store, View};
//! use mailbox::{Birth, Change, Event, NewMessage, SystemFlags};
//! use terms::{AccountId, InternalDate, ModSeq, Uid, UidValidity};
//!
//! # let commit = |state: &MailboxState, events: &[Event]| {
//! #     events.iter().fold(state.clone(), |state, event| state.apply(event).unwrap())
//! # };
//! let alex = AccountId(1);
//! let (uid_validity, uid_next) = (UidValidity::MIN, Uid::MIN);
//! let created = Created { stream: 1, owner: alex, uid_validity, uid_next, modseq_base: ModSeq::ZERO };
//! let state = MailboxState::create(&created).unwrap();
//!
//! // APPEND: a decision, and its events once they are committed.
//! let internal_date = InternalDate::new(1_700_000_000, 60).unwrap();
//! let message =
//!     NewMessage { birth: Birth::Here, flags: Flags::NONE, internal_date, size: 42, save_date: 1_700_000_000 };
//! let appending = mailbox::append(&state, alex, vec![message]).unwrap();
//! let state = commit(&state, &appending.events);
//!
//! // A session selects it; another one expunges the message.
//! let mut view = View::open(&state, alex, Dialect::Plain, None);
//! let deleted = Flags::system(SystemFlags::DELETED);
//! let uids = &appending.uids;
//! let request = Store { account: alex, uids, change: Change::Add, flags: &deleted, unchanged_since: None };
//! let state = commit(&state, &mailbox::store(&state, &request).unwrap().events);
//! let state = commit(&state, &mailbox::expunge(&state, Doomed::Deleted).unwrap().events);
//!
//! // FETCH: it is not told. NOOP: it is.
//! let told = view.announce(&state, Permit::KeepNumbers, None, BATCH_ITEMS).unwrap();
//! assert!(told.items.is_empty() && view.messages() == 1);
//! let told = view.announce(&state, Permit::Renumber, None, BATCH_ITEMS).unwrap();
//! assert!(matches!(*told.items, [Item::Expunge(first)] if first.get() == 1));
//! ```
//!
//! > **Promise.** Everything here is synchronous and deterministic, without IO, clocks or a runtime. Nothing here
//! > panics on what was stored or asked. A MODSEQ is made in one place, [`MailboxState::apply`].
//!
//! Left to others: durability and order of events (`store`), retries and caches (`mail`), syntax (`wire`), what a
//! session may say when (`session`: it hands a [`Permit`] to its view).

pub mod account;
mod casemap;
mod codec;
mod decide;
pub mod delivery;
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
pub mod sort;
mod state;
pub mod thread;
mod tree;
mod view;

pub use codec::DecodeError;
pub use decide::{Appending, Change, Copying, Doomed, Expunging, Given, Moving, Store, Stored};
pub use decide::{
    append, bring, copies, copy, expunge, move_messages, rebuild, restate, skip, skip_to, store,
};
pub use event::{Appended, Birth, Created, Event, FlagsChanged, NewMessage, Scope};
pub use flags::{FlagSet, Flags, Keywords, MAX_KEYWORDS, SystemFlags};
pub use head::Head;
pub use limits::{LimitReached, MAX_BROUGHT_UID, MAX_EVENT_OCTETS, MAX_GHOSTS, MAX_READERS};
pub use row::{Flagged, Row};
pub use state::{
    Changed, FlagsLookup, Foundling, GoingOn, MailboxState, Misfit, Part, Reader, RowLookup, Rows, Salvage,
};
pub use view::View;
pub use view::{
    Announcement, BATCH_ITEMS, Dialect, Fetched, Found, Item, Known, MessageName, Naming, Permit, Reply,
    TooManyGhosts,
};
