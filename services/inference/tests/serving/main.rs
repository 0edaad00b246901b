//! The inference service with real sessions, a real registry and a real server.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod answers;
mod cache;
mod fickle_registry;
mod kit;
mod limits;
mod names;
mod open_inference;
mod registry;
mod wire;
