//! A store as files that never change: taken while it runs, brought back, proved.
//!
//! Half of it has the store and *gives* ([`give`]): a [`Moment`](store_local::Moment) and what its files hold. The other
//! half has a directory, the [`Shelf`], and *takes* ([`take`]) what is not there yet. They are two halves because only
//! one process can have a data directory open, and because whoever may read the server's files need not be who may write
//! the backup's.
//!
//! > **Promise.** What a manifest on the shelf lists is there, whole and synced, and is a store as it was at one moment. A
//! > manifest gets its name last; what no manifest lists is worth nothing and is taken again.
//!
//! This crate knows neither what lies in the files (that is `store-local`'s) nor the settings, which are no part of a
//! backup.

mod extracting;
mod giving;
mod link;
mod manifest;
mod restoring;
mod shelf;
mod shelf_disk;
mod taking;
mod trouble;
mod verifying;

pub use extracting::{Extracted, Wanted, extract, open_extracted};
pub use giving::give;
pub use manifest::{Entry, Manifest, ManifestId};
pub use restoring::{Numbers, Restored, restore};
pub use shelf::{Choice, Shelf};
pub use taking::{Taken, Watcher, take};
pub use trouble::Trouble;
pub use verifying::{Verified, verify};

use tokio::io::{AsyncRead, AsyncWrite};

/// What goes between the two halves.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}
