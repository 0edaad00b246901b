//! What tests over the whole repository share: the rules of its architecture and the way to other
//! people's programs. The tests themselves are in `tests/`.

pub mod checkout;
pub mod cluster;
pub mod foreign;
pub mod graph;
pub mod layers;
pub mod server;
pub mod tool;
pub mod tree;
