//! The service over real gRPC, in this process, on a free port.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod images;
mod put;
mod serving;
mod streams;
