//! Gatepost, the IMAP server: reads arguments, connects the parts, runs.

mod account;
mod authority;
mod backup_command;
mod bench_command;
mod bring_back_command;
mod cert_command;
mod check;
mod cli;
mod config;
mod counterpart;
mod demo;
mod desk;
mod directories;
mod export;
mod guesses;
mod import;
mod init;
mod issuance;
mod limits_command;
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
    match command {
        Command::Demo(demo) => block_on(demo::run(demo, now)),
        Command::Init(init) => init::run(&init, now),
        Command::Serve(config) => serve::run(&config.config),
        Command::CheckConfig(config) => check::run(&config.config),
        Command::Account(account) => block_on(account::run(account)),
        Command::Import(import) => block_on(import::run(import)),
        Command::Undelete(undelete) => block_on(undelete::run(undelete)),
        Command::Backup(backup) => block_on(backup_command::run(backup, now)),
        Command::Restore(restore) => block_on(bring_back_command::restore(restore)),
        Command::Purge(purge) => block_on(purge_command::run(purge)),
        Command::Export(export) => block_on(export::run(export)),
        Command::Mailbox(mailbox) => block_on(mailbox_command::run(mailbox)),
        Command::Cert(cert) => block_on(cert_command::run(cert)),
        Command::Limits(limits) => block_on(limits_command::run(limits)),
        Command::Metrics(config) => block_on(meter_command::run(&config.config)),
        Command::Bench(bench) => return block_on(bench_command::run(bench)),
        Command::Store(store) => return block_on(async { Ok(store_command::run(store).await) }),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// Does what a command is for, which no setting has a say in.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    serve::runtime(None)?.block_on(work)
}
