//! RabbitMQ for tests: a broker of one's own that may be killed and started again, or a corner of
//! a broker that others use too. Without any RabbitMQ a test says that it was skipped.

mod broker;
mod corner;
mod guard;
mod programs;

pub use broker::Broker;
pub use corner::{Corner, URL};

/// Whether there are programs to start a broker with.
#[must_use]
pub fn is_installed() -> bool {
    programs::Programs::find().is_some()
}
