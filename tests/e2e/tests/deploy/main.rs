//! What stands under `deploy/` is valid, fits together, and fits the programs that it starts.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod compose;
mod containers;
mod kubernetes;
mod metrics;
mod network;
mod object;
mod pods;
mod programs;
mod references;
mod secured;
mod slips;
mod stores;
mod yaml;

/// The services that have an image.
const SERVICES: [&str; 6] = [
    "control",
    "explainer",
    "gate",
    "inference",
    "ingest",
    "trainer",
];

/// From the end of the process' own time until it is ended.
const FLUSH_S: u64 = 10;

/// Fails with every violation.
#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n  {}\n", violations.join("\n  "));
}
