//! What is true of an account: its mailboxes by name, its subscriptions, and the numbers that it has given.
//!
//! An account is the fold of its [`AccountEvent`]s. A *decision* (CREATE, DELETE, RENAME, SUBSCRIBE ...) looks at
//! the state and answers with a [`Plan`]: the events to append to the account's stream and what the same commit
//! does to the mailboxes' streams, or a [`Refusal`]. Nothing changes until the events are folded with
//! [`Account::apply`]; when another commit came first, fold its events and decide again.
//!
//! A name that has mailboxes below it and none of its own is a *level*: it exists by their grace, is shown as
//! `\NonExistent` where LIST asks for levels, and goes with the last of them. No state is kept for it.
//!
//! Left to others: what lies in a mailbox (the mailbox machine), who may do what, wire syntax (`wire`), and time:
//! the Unix time that becomes a UIDVALIDITY comes in as a parameter.

mod codec;
mod decide;
pub mod directory;
mod event;
mod list;
mod pattern;
mod patterns;
mod quota;
mod rebuild;
mod salvage;
mod shared_map;
mod special_use;
mod state;

pub use codec::Damaged;
pub use decide::{Plan, Refusal, StreamStep};
pub use event::{AccountEvent, MailboxId};
pub use list::{Children, Criterion, ListRow, Listing, Met, Parents, Presence, Subscription};
pub use pattern::{MAX_PATTERN_OCTETS, Pattern};
pub use patterns::{MAX_WILD_OCTETS, MAX_WILD_PATTERNS, Patterns};
pub use quota::{Allowance, Allowances, Measure, OverQuota, Quota, QuotaReport, Usage};
pub use salvage::Salvage;
pub use special_use::{SpecialUse, SpecialUses};
pub use state::{Account, Inconsistent, Limits, Mailbox};
