//! Answers and batches with real models, a registry and blobs in a folder, and the job store of
//! one process.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod batches;
mod deadlines;
mod interrupted;
mod judges;
mod kit;
mod meddling;
mod sizes;
mod tables;
