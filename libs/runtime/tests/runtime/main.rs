//! A server over real gRPC on a free port, with a service whose handlers wait, panic and stream as
//! they are told.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod ending;
mod harness;
mod health;
mod identity;
mod limits;
mod metrics;
mod reflection;
mod secured;
mod service;
mod silence;
