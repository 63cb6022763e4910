//! One list of what is measured: what Prometheus reads, and the manual's page.
//!
//! Each metric is declared once, in `list.rs`: name, kind, label and what it means. What happens is counted from events by a
//! [`Tally`], which whoever runs the server lets listen to them; what *is* ([`Store`], [`Memory`], [`Clients`], [`Process`]) is asked for
//! when somebody reads. [`page`] writes all of it in Prometheus' text format, [`manual`] the manual's page.
//!
//! > **Promise.** How much is measured does not grow with what is served: a label's value is a word of a list that is closed
//! > when this is compiled, or the name of one of the server's own certificates ([`Ends`]), of which [`Ends::MAX`] are shown. There
//! > is no type here for the name of an account, an address or a mailbox.
//!
//! ```compile_fail,E0277
//! // An account's name is not a word of a closed list.
//! fn sign_ins_by_account(_: &metrics::Words<events::Account>) {}
//! ```
//!
//! This crate asks nobody: it is given what was read.

mod declare;
mod list;
mod manual;
mod page;
mod value;

pub use list::{Clients, Memory, Process, Store, Tally, page};
pub use manual::manual;
pub use page::MIME_TYPE;
pub use value::{Answer, By, Ends, Histogram, Instant, Names, Need, SignInFailure, Sum, Version, Words};
