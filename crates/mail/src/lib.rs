//! Accounts and mailboxes over a store: caches, commit and retry, delivery.
//!
//! The machines in `mailbox` decide, the [`Store`](store::Store) keeps; this crate brings the two together. What a
//! session needs is an [`Account`], from [`Accounts`]; everything that changes one goes through
//! [`Account::change`], which is where durability, order and retries are.
//!
//! > **Promise.** A change is answered when it is durable, and seen by others, at once, only then.
//!
//! No runtime is needed: the futures here wait for the store and for each other, never for a clock.

mod account;
mod aside;
mod batch;
mod bring_back;
mod bygone;
mod carry;
mod check;
mod contents;
mod delivery;
mod directory;
mod error;
mod found;
mod hashing;
mod incoming;
mod keeping;
mod ledger;
mod load;
mod mailbox;
mod mending;
mod open;
mod origin;
mod parting;
mod past;
mod proposal;
mod raw;
mod recipient;
mod remembered;
mod renew;
mod repair;
mod replace;
mod revive;
mod roll;
mod room;
mod scales;
mod signed_out;
mod skip;
mod sweep;
mod transfer;
mod undo;
mod world;
mod writer;

pub use account::Account;
pub use batch::{Arrival, Batch, Filed};
pub use bring_back::Aim;
pub use bygone::{Bygone, Holder, who_had};
pub use carry::{BroughtBack, Left, MAX_LEFT, MailboxBack, Onlooker};
pub use check::{Checked, Finding, MAX_FINDINGS, Unreadable};
pub use delivery::Delivery;
pub use directory::{
    Accounts, AppVerdict, DirectoryError, Found, JudgedBy, LastUse, NewAppPassword, RemovedAccount, SignIn,
    TakenIn, Unusable, UsedAppPassword,
};
pub use error::{Error, Part};
pub use found::Made;
pub use hashing::{Busy, HashPool, Lane, ScramSha1};
pub use incoming::{Incoming, Placed, Received};
pub use mailbox::{Changes, Closed, Mailbox, Newest};
pub use mending::Mender;
pub use origin::{Origin, Protocol};
pub use past::{DeletedMailbox, Happened, Moment};
pub use proposal::{Halt, Proposal};
pub use recipient::{Addressing, names_of};
pub use remembered::Remembered;
pub use repair::{Mending, Repaired, repair_directory};
pub use roll::Certainty;
pub use room::Kept;
pub use signed_out::{Credential, SignedOut};
pub use skip::{
    SKIPPED_ACCOUNTS, SKIPPED_MAILBOXES, SKIPPED_MODSEQS, SKIPPED_UIDS, SkippedNumbers, skip_numbers,
};
pub use sweep::{LastSweep, LeftAlone, Pace, Purge, SweepReport, Swept};
pub use transfer::Transfer;
pub use undo::Undone;
pub use world::World;
