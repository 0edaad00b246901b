//! The cases about sources of work, and about the worker on top of them.

mod recovery;
mod source;
mod team;
mod worker;

pub use recovery::*;
pub use source::*;
pub use worker::*;
