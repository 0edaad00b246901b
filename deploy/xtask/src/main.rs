//! `cargo xtask`: set-up, demo, tests and checks of this repository. Only the choice of the task
//! lives here.

mod bases;
mod checkout;
mod cli;
mod command;
mod compile;
mod demo;
mod demo_data;
mod download;
mod kill;
mod lint;
mod lock;
mod machine;
mod plan;
mod progress;
mod python;
mod servers;
mod setup;
mod stamp;
mod suite;
mod unpack;
mod wheel_cache;
mod wheels;

use checkout::Checkout;
use cli::Task;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("\nerror: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let task = cli::parse(std::env::args_os().skip(1))?;
    let checkout = Checkout::find()?;
    match task {
        Task::Help => show_help(),
        Task::Setup { tests, offline } => setup::alone(&checkout, tests, offline)?,
        Task::Demo(options) => demo::run(&checkout, &options)?,
        Task::Test(options) => suite::run(&checkout, &options)?,
        Task::KillTest(options) => kill::run(&checkout, &options)?,
        Task::Lint { offline } => lint::run(&checkout, offline)?,
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "help that was asked for is the output")]
fn show_help() {
    print!("{}", cli::HELP);
}
