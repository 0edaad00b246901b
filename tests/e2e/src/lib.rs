//! What tests over the whole repository share: the rules of its architecture, servers with what is
//! put on them, and the way to other people's programs. The tests themselves are in `tests/`.

pub mod certificates;
pub mod checkout;
pub mod client;
pub mod cluster;
pub mod collection;
pub mod foreign;
pub mod graph;
pub mod http1;
pub mod layers;
pub mod memory;
pub mod metrics;
pub mod raw;
pub mod server;
pub mod tokens;
pub mod tool;
pub mod tree;
