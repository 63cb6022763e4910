//! Gatepost, the IMAP server: reads arguments, connects the parts, runs.

mod account;
mod authority;
mod backup_command;
mod bench_command;
mod bring_back_command;
mod check;
mod cli;
mod config;
mod counterpart;
mod demo;
mod desk;
mod export;
mod import;
mod init;
mod log;
mod mailbox_command;
mod meter;
mod meter_command;
mod office;
mod purge_command;
mod rot;
mod say;
mod scratch;
mod serve;
mod store_command;
mod sweeper;
mod undelete;
mod watchman;
mod when;
mod world;

use anyhow::Result;
use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("gatepost: {}", say::complaint(&why));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let now = jiff::Timestamp::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Demo(demo) => runtime.block_on(demo::run(demo, now)),
        Command::Init(init) => init::run(&init, now),
        Command::Serve(config) => runtime.block_on(serve::run(&config.config)),
        Command::CheckConfig(config) => check::run(&config.config),
        Command::Account(account) => runtime.block_on(account::run(account)),
        Command::Import(import) => runtime.block_on(import::run(import)),
        Command::Undelete(undelete) => runtime.block_on(undelete::run(undelete)),
        Command::Backup(backup) => runtime.block_on(backup_command::run(backup, now)),
        Command::Restore(restore) => runtime.block_on(bring_back_command::restore(restore)),
        Command::Purge(purge) => runtime.block_on(purge_command::run(purge)),
        Command::Export(export) => runtime.block_on(export::run(export)),
        Command::Mailbox(mailbox) => runtime.block_on(mailbox_command::run(mailbox)),
        Command::Metrics(config) => runtime.block_on(meter_command::run(&config.config)),
        Command::Bench(bench) => return runtime.block_on(bench_command::run(bench)),
        Command::Store(store) => return Ok(runtime.block_on(store_command::run(store))),
    }
    .map(|()| ExitCode::SUCCESS)
}
