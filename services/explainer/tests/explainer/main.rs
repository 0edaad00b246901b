//! The service over real gRPC, with models that run in the same server and the gate beside it.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod answers;
mod batch;
mod kit;
mod mapless;
mod reasons;
mod refusals;
