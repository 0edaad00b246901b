//! The service over real gRPC, in this process, on a free port, with the stores of a folder.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod artefacts;
mod busy;
mod datasets;
mod jobs;
mod lists;
mod registry;
mod serving;
mod specifications;
mod watch;
mod workers;
