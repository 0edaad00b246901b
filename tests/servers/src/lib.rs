//! Redis and RabbitMQ for tests: private ones in a temporary folder on free ports, which may be
//! killed and started again, or a corner of shared ones.

pub mod rabbitmq;
pub mod redis;
