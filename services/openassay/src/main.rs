//! `openassay`: trains, judges and asks open-set classifiers of gamma-ray spectra. This crate
//! reads the command line and shows results; all science is in the libraries.

mod cli;
mod clock;
mod commands;
mod context;
mod failure;
mod file;
mod interrupt;
mod judgement;
mod options;
mod remote;
mod report_content;
mod terminal;
#[cfg(feature = "train")]
mod training;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::read() {
        Ok((cli, name)) => cli.run(&name),
        Err(message) => cli::show(&message),
    }
}
