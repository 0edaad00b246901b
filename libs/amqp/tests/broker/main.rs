//! The queue on a real RabbitMQ broker: the suites of the ports, and everything that can happen
//! between a queue and its broker, with a network in between that fails when told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod connections;
mod consumed;
mod fixture;
mod proxy;
mod published;
mod refusals;
mod storm;
mod tls;
