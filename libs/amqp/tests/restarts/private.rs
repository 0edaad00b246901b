//! The one broker of these tests, for one test at a time.

use assay_amqp::{AmqpOptions, AmqpQueue, BrokerState};
use assay_core::Secret;
use assay_jobs::{Hint, JobId};
use assay_servers::rabbitmq::Broker;
use serde_json::json;
use std::time::Duration;
use tokio::{
    sync::{Mutex, MutexGuard, OnceCell},
    task::block_in_place,
    time::timeout,
};

/// Only a guard against hanging: a broker on a busy machine takes a minute to start.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks at something that will come.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The broker, until the test ends; `None` after saying that there is none.
pub(crate) async fn broker(test: &str) -> Option<MutexGuard<'static, Broker>> {
    static BROKER: OnceCell<Option<Mutex<Broker>>> = OnceCell::const_new();
    let begun = BROKER.get_or_init(|| async {
        let broker = block_in_place(|| Broker::start(test)).unwrap();
        broker.map(Mutex::new)
    });
    match begun.await {
        Some(broker) => Some(broker.lock().await),
        None => {
            eprintln!("SKIPPED {test}: no rabbitmq-server is installed");
            None
        }
    }
}

/// Options for a place where nothing is.
pub(crate) fn options(url: &str) -> AmqpOptions {
    AmqpOptions {
        prefix: format!("test-{}", JobId::new()),
        ..AmqpOptions::new(Secret::new(url))
    }
}

pub(crate) async fn connected(options: AmqpOptions) -> AmqpQueue {
    let queue = AmqpQueue::start(options).unwrap();
    until_connected(&queue).await;
    queue
}

pub(crate) async fn until_connected(queue: &AmqpQueue) {
    let connected = timeout(PATIENCE, queue.connected()).await;
    assert!(connected.is_ok(), "{queue:?}");
}

/// Waits until a queue is lost for a reason with a word in it.
pub(crate) async fn lost(queue: &AmqpQueue, word: &str) -> String {
    let mut state = queue.state();
    let wanted = |state: &BrokerState| match state {
        BrokerState::Lost { reason } => reason.contains(word),
        _ => false,
    };
    let reached = timeout(PATIENCE, state.wait_for(wanted)).await;
    let reason = reached.map(|state| format!("{:?}", *state.unwrap()));
    reason.unwrap_or_else(|_| unreachable!("{queue:?}"))
}

pub(crate) fn hint() -> Hint {
    Hint {
        job: JobId::new(),
        attempt: 0,
        specification: json!({ "dataset": "a" }),
        trace_parent: None,
    }
}
