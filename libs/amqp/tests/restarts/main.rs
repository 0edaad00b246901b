//! The queue on a broker of its own, which is killed, runs short of memory, or has rules for its
//! users and queues.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod killed;
mod private;
mod rules;
