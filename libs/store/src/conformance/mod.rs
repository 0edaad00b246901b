//! What every adapter of the ports must do, as suites that its tests run. A suite panics at the
//! first thing that is wrong.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aliases;
mod blobs;
mod cache;
mod registry;

pub use blobs::blobs;
pub use cache::cache;
pub use registry::registry;
