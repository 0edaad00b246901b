//! The queue of hints on RabbitMQ.
