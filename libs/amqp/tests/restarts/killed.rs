//! A broker that is killed and started again.

use crate::private::{
    LOOK_EVERY, PATIENCE, broker, connected, hint, lost, options, until_connected,
};
use assay_amqp::AmqpQueue;
use assay_jobs::{JobError, JobId, JobQueue, Lane};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};
use tokio::{
    task::{JoinSet, block_in_place},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

type Jobs = Arc<Mutex<HashSet<JobId>>>;

/// Takes hints for ever, whatever happens, as a worker does.
async fn work(queue: AmqpQueue, came: Jobs, end: CancellationToken) {
    loop {
        let next = async {
            let mut consumer = queue.consume(Lane::Train).await?;
            let delivery = consumer.next().await?;
            came.lock().unwrap().insert(delivery.hint().job);
            delivery.acknowledge().await
        };
        tokio::select! {
            () = end.cancelled() => return,
            next = next => if next.is_err() {
                sleep(LOOK_EVERY).await;
            },
        }
    }
}

/// Publishes for ever, and notes what the broker confirmed.
async fn submit(queue: AmqpQueue, confirmed: Jobs, end: CancellationToken) {
    while !end.is_cancelled() {
        let hint = hint();
        if queue.publish(Lane::Train, &hint).await.is_ok() {
            confirmed.lock().unwrap().insert(hint.job);
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn until(what: &str, reached: impl Fn() -> bool) {
    let reached = timeout(PATIENCE, async {
        while !reached() {
            sleep(LOOK_EVERY).await;
        }
    });
    assert!(reached.await.is_ok(), "never: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_outlives_a_killed_broker_and_workers_go_on_by_themselves() {
    let Some(mut broker) = broker("a killed broker").await else {
        return;
    };
    let queue = connected(options(&broker.url())).await;
    let confirmed = Jobs::default();
    for lane in [Lane::Train; 20] {
        let hint = hint();
        queue.publish(lane, &hint).await.unwrap();
        confirmed.lock().unwrap().insert(hint.job);
    }
    block_in_place(|| broker.kill()).unwrap();
    lost(&queue, "reached").await;
    let error = queue.publish(Lane::Train, &hint()).await.unwrap_err();
    assert!(matches!(error, JobError::Unavailable { .. }), "{error}");

    // Workers begin while there is no broker, and nobody tells them when there is one again.
    let (came, end, silence) = (
        Jobs::default(),
        CancellationToken::new(),
        CancellationToken::new(),
    );
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        tasks.spawn(work(queue.clone(), came.clone(), end.clone()));
        tasks.spawn(submit(queue.clone(), confirmed.clone(), silence.clone()));
    }
    for _ in 0..2 {
        block_in_place(|| broker.start_again()).unwrap();
        until_connected(&queue).await;
        let before = confirmed.lock().unwrap().len();
        until("more is confirmed", || {
            confirmed.lock().unwrap().len() > before + 100
        })
        .await;
        until("more has come", || came.lock().unwrap().len() > before).await;
        block_in_place(|| broker.kill()).unwrap();
    }
    block_in_place(|| broker.start_again()).unwrap();
    until_connected(&queue).await;
    silence.cancel();
    until("everything confirmed has come", || {
        came.lock().unwrap().is_superset(&confirmed.lock().unwrap())
    })
    .await;
    end.cancel();
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
}
