//! Gatepost, the IMAP server: reads arguments, connects the parts, runs.

mod account;
mod authority;
mod cli;
mod config;
mod demo;
mod desk;
mod init;
mod log;
mod office;
mod say;
mod serve;
mod world;

use anyhow::Result;
use clap::Parser;
use cli::{Cli, Command};
use say::say;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("gatepost: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let now = jiff::Timestamp::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Demo(demo) => runtime.block_on(demo::run(demo, now)),
        Command::Init(init) => init::run(&init, now),
        Command::Serve(config) => runtime.block_on(serve::run(&config.config)),
        Command::CheckConfig(config) => check(&config.config),
        Command::Account(account) => runtime.block_on(account::run(account)),
    }
}

/// Reads the settings and what they name, and says so when all is well.
fn check(path: &std::path::Path) -> Result<()> {
    let settings = config::read(path)?;
    serve::certificates(&settings)?;
    say!("{}: fine", path.display());
    Ok(())
}
