//! `cargo xtask kill-test`: the test that kills a server with jobs in flight, for many rounds.

use crate::{bases, checkout::Checkout, command, compile, servers, setup, suite};
use anyhow::Result;

/// Rounds where nobody says how many; a run of all tests has three.
pub(crate) const ROUNDS: u64 = 50;
/// Seed of the moments where nobody names one.
pub(crate) const SEED: u64 = 1;

/// Options of `cargo xtask kill-test`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// How often twenty jobs are submitted and disturbed.
    pub(crate) rounds: u64,
    /// Seed of the moments at which the server is killed.
    pub(crate) seed: u64,
    /// Never touch the network; say what is missing instead.
    pub(crate) offline: bool,
}

/// Sets up, builds and runs the one test, which tells of every round.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    compile::announce(compile::Profile::Dev)?;
    setup::run(checkout, setup::Wanted { tests: false }, options.offline)?;
    let tool = compile::tests(checkout, options.offline)?;
    bases::prepare(checkout, &tool)?;
    for note in servers::to_be_killed(options.offline)? {
        eprintln!("{note}");
    }
    let mut test = suite::cargo_test(checkout, options.offline)?;
    // The whole workspace is named, so that nothing is built anew with other features.
    test.args(["--test", "kill"])
        .args(["--", "--nocapture"])
        .env("OPENASSAY_KILL_ROUNDS", options.rounds.to_string())
        .env("OPENASSAY_KILL_SEED", options.seed.to_string());
    command::run(
        checkout,
        &mut test,
        "The same seed kills after the same news again; what the server did in between may differ",
    )
}
