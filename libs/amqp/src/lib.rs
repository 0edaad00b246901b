//! The queue of hints on RabbitMQ: a quorum queue and a queue of dead letters for each lane,
//! hints that are published with confirms, and connections that come back by themselves.

mod board;
mod consume;
mod delivery;
mod link;
mod message;
mod options;
mod publish;
mod queue;
mod session;
mod supervisor;
mod topology;
mod transport;
mod trouble;

pub use board::BrokerState;
pub use options::AmqpOptions;
pub use queue::AmqpQueue;
