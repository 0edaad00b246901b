//! The adapters on real Redis servers: the suites of the ports, servers that are set up wrongly,
//! killed, slow or no Redis at all.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cache;
mod conformance;
mod killed;
mod news;
mod private;
mod proxy;
mod settings;
mod strangers;
