//! A broker that is short of memory, queues that are full, users who may little, and what we leave
//! open at it.

use crate::private::{
    LOOK_EVERY, PATIENCE, broker, connected, hint, lost, options, until_connected,
};
use assay_amqp::{AmqpOptions, AmqpQueue};
use assay_jobs::{JobError, JobQueue, Lane};
use assay_servers::rabbitmq::Broker;
use futures::future::join_all;
use std::time::Duration;
use tokio::{
    task::block_in_place,
    time::{sleep, timeout},
};

fn control(broker: &Broker, arguments: &[&str]) -> String {
    block_in_place(|| broker.control(arguments)).unwrap()
}

/// Publishes until the answer is as wanted, and gives the error of the last try.
async fn until_published(queue: &AmqpQueue, wanted: bool) -> Option<JobError> {
    let last = timeout(PATIENCE, async {
        loop {
            let answer = queue.publish(Lane::Train, &hint()).await;
            if answer.is_ok() == wanted {
                return answer.err();
            }
            sleep(LOOK_EVERY).await;
        }
    });
    last.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_short_of_memory_takes_nothing_and_still_gives() {
    let Some(broker) = broker("a broker short of memory").await else {
        return;
    };
    let queue = connected(AmqpOptions {
        confirm_within: Duration::from_secs(1),
        ..options(&broker.url())
    })
    .await;
    let waiting = join_all((0..3).map(|_| async { queue.publish(Lane::Explain, &hint()).await }));
    assert!(waiting.await.iter().all(Result::is_ok));
    control(&broker, &["set_vm_memory_high_watermark", "0.000001"]);
    let refused = until_published(&queue, false).await.unwrap();
    assert!(matches!(refused, JobError::Unavailable { .. }));
    let mut consumer = queue.consume(Lane::Explain).await.unwrap();
    for _ in 0..3 {
        let delivery = timeout(PATIENCE, consumer.next()).await.unwrap().unwrap();
        delivery.acknowledge().await.unwrap();
    }
    let refused = until_published(&queue, false).await.unwrap();
    assert!(refused.to_string().contains("short of memory"), "{refused}");
    // It is the same connection all the time: it is not taken for dead.
    let state = queue.state();
    assert!(!state.has_changed().unwrap());
    control(&broker, &["set_vm_memory_high_watermark", "0.4"]);
    assert!(until_published(&queue, true).await.is_none());
    assert!(!state.has_changed().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_its_broker_closes_comes_back() {
    let Some(broker) = broker("a closed connection").await else {
        return;
    };
    let queue = connected(options(&broker.url())).await;
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    let waits = tokio::spawn(async move { consumer.next().await.err() });
    let closing = {
        let queue = queue.clone();
        tokio::spawn(async move { lost(&queue, "a test closes it").await })
    };
    control(&broker, &["close_all_connections", "a test closes it"]);
    timeout(PATIENCE, closing).await.unwrap().unwrap();
    let error = timeout(PATIENCE, waits).await.unwrap().unwrap();
    assert!(matches!(error, Some(JobError::Unavailable { .. })));
    until_connected(&queue).await;
    queue.publish(Lane::Train, &hint()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_hints() {
    let Some(broker) = broker("a full queue").await else {
        return;
    };
    let options = options(&broker.url());
    let queue = connected(options.clone()).await;
    let pattern = format!("^{}\\.train$", options.prefix);
    let limit = r#"{"max-length":3}"#;
    control(
        &broker,
        &["set_policy", "--apply-to", "queues", "few", &pattern, limit],
    );
    let full = until_published(&queue, false).await.unwrap();
    assert!(matches!(full, JobError::Unavailable { .. }));
    assert!(full.to_string().contains("queue is full"), "{full}");
    queue.publish(Lane::Explain, &hint()).await.unwrap();
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    for _ in 0..3 {
        let delivery = timeout(PATIENCE, consumer.next()).await.unwrap().unwrap();
        delivery.acknowledge().await.unwrap();
    }
    assert!(until_published(&queue, true).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_not_declare_is_told_what_it_needs() {
    let Some(broker) = broker("a user who may little").await else {
        return;
    };
    control(&broker, &["add_user", "bert", "hidden-word"]);
    control(&broker, &["set_permissions", "bert", "^$", "^$", "^$"]);
    let url = broker.url().replace("guest:guest", "bert:hidden-word");
    let options = options(&url);
    let queue = AmqpQueue::start(options.clone()).unwrap();
    let reason = lost(&queue, "does not let us have exchange").await;
    assert!(
        reason.contains(&format!("begins with {}", options.prefix)),
        "{reason}"
    );
    assert!(!reason.contains("hidden-word"), "{reason}");
    // What the message tells is enough.
    let own = format!("^{}\\.", options.prefix);
    let writes = format!("{own}|^amq\\.default$");
    control(&broker, &["set_permissions", "bert", &own, &writes, &own]);
    until_connected(&queue).await;
    queue.publish(Lane::Train, &hint()).await.unwrap();
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    let delivery = timeout(PATIENCE, consumer.next()).await.unwrap().unwrap();
    delivery.acknowledge().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_leave_few_channels_and_no_consumers() {
    let Some(broker) = broker("channels that are left").await else {
        return;
    };
    let queue = connected(options(&broker.url())).await;
    for _ in 0..10 {
        // Many wait at once, some get a hint, the others give up.
        join_all((0..50).map(|n| {
            let queue = &queue;
            async move {
                if n % 10 == 0 {
                    queue.publish(Lane::Train, &hint()).await.unwrap();
                }
                let mut consumer = queue.consume(Lane::Train).await.unwrap();
                let soon = Duration::from_millis(100);
                if let Ok(delivery) = timeout(soon, consumer.next()).await {
                    delivery.unwrap().acknowledge().await.unwrap();
                }
            }
        }))
        .await;
    }
    let lines = |what: &str| control(&broker, &[what]).lines().count();
    let settled = timeout(PATIENCE, async {
        // Two connections, each with one for control; one publishes, a few are kept for consuming.
        while lines("list_channels") > 25 || lines("list_consumers") > 1 {}
    });
    settled.await.unwrap();
}
