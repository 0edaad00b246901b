//! Stands in for the commands that train, in a build without torch.

use crate::{
    context::Context,
    failure::{Failure, Result},
};
use assay_core::ErrorKind;
use clap::Args;
use std::ffi::OsString;

/// Not in this build: needs the feature "train"
#[derive(Debug, Args)]
pub(crate) struct Untrained {
    /// Options of the command in a build that has it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<OsString>,
}

impl Untrained {
    /// Says how to get the command.
    pub(crate) fn run(&self, _context: &Context) -> Result {
        tracing::debug!(options = ?self.rest, "not in this build");
        Err(Failure::new(
            ErrorKind::Unavailable,
            "this build of openassay has no torch, so it cannot train; build it with the default \
             features: cargo xtask setup, then cargo build --release -p openassay",
        ))
    }
}
