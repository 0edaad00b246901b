//! The service over real gRPC, with models that run in the same server.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod answers;
mod kit;
mod refusals;
mod streams;
