//! The workloads, one file each.

mod append;
mod bodies;
mod copymove;
mod fill;
mod flags;
mod idle;
mod list;
mod lmtp;
mod login;
mod mixed;
mod push;
mod resync;
mod search;
mod sync;

use crate::bench::Bench;
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::sync::Arc;

pub(crate) use lmtp::take_out as take_out_deliveries;

/// Measures one.
pub(crate) async fn run(bench: &Arc<Bench>, workload: Workload) -> Result<(), Trouble> {
    match workload {
        Workload::Login => login::run(bench).await,
        Workload::Append => append::run(bench).await,
        Workload::Fill => fill::run(bench).await,
        Workload::Sync => sync::run(bench).await,
        Workload::Flags => flags::run(bench).await,
        Workload::Bodies => bodies::run(bench).await,
        Workload::Lmtp => lmtp::run(bench).await,
        Workload::List => list::run(bench).await,
        Workload::Push => push::run(bench).await,
        Workload::Idle => idle::run(bench).await,
        Workload::Search => search::run(bench).await,
        Workload::Copymove => copymove::run(bench).await,
        Workload::Resync => resync::run(bench).await,
        Workload::Mixed => mixed::run(bench).await,
    }
}
