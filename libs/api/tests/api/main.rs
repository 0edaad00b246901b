//! The interface from outside: what goes over the wire comes back to the bit, and the files keep
//! to their own rules.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod clients;
mod codec;
mod descriptors;
mod jobs;
mod link;
mod remote;
mod rows;
