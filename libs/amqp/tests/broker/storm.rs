//! Connections that are cut again and again while everybody goes on.

use crate::{
    fixture::{LOOK_EVERY, PATIENCE, Place, connected, hint},
    proxy::Proxy,
};
use assay_amqp::AmqpQueue;
use assay_jobs::{JobId, JobQueue, Lane};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

const CUTS: usize = 12;

/// Jobs whose hints were published, and those whose hints came.
#[derive(Default)]
struct Seen {
    confirmed: Mutex<HashSet<JobId>>,
    came: Mutex<HashSet<JobId>>,
}

impl Seen {
    fn missing(&self) -> usize {
        let came = self.came.lock().unwrap();
        self.confirmed.lock().unwrap().difference(&came).count()
    }

    fn confirmed(&self) -> usize {
        self.confirmed.lock().unwrap().len()
    }
}

async fn publish_until(queue: AmqpQueue, seen: Arc<Seen>, enough: CancellationToken) {
    while !enough.is_cancelled() {
        let hint = hint();
        match queue.publish(Lane::Identify, &hint).await {
            Ok(()) => {
                seen.confirmed.lock().unwrap().insert(hint.job);
            }
            Err(_) => sleep(LOOK_EVERY).await,
        }
    }
}

async fn consume_until(queue: AmqpQueue, seen: Arc<Seen>, enough: CancellationToken) {
    loop {
        let next = async {
            let mut consumer = queue.consume(Lane::Identify).await?;
            let delivery = consumer.next().await?;
            seen.came.lock().unwrap().insert(delivery.hint().job);
            delivery.acknowledge().await
        };
        let next = tokio::select! {
            () = enough.cancelled() => return,
            next = next => next,
        };
        if next.is_err() {
            sleep(LOOK_EVERY).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_confirmed_hint_comes_however_often_connections_are_cut() {
    let Some(place) = Place::find("a storm of cuts").await else {
        return;
    };
    let proxy = Proxy::before(place.url()).await;
    let seen = Arc::new(Seen::default());
    let (silence, end) = (CancellationToken::new(), CancellationToken::new());
    let mut tasks = JoinSet::new();
    let mut queues = Vec::new();
    for _ in 0..2 {
        let queue = connected(place.options_at(&proxy.url(place.url()))).await;
        for _ in 0..4 {
            tasks.spawn(consume_until(queue.clone(), seen.clone(), end.clone()));
            tasks.spawn(publish_until(queue.clone(), seen.clone(), silence.clone()));
        }
        queues.push(queue);
    }
    for _ in 0..CUTS {
        // Between two cuts something gets through.
        let before = seen.confirmed();
        let more = timeout(PATIENCE, async {
            while seen.confirmed() < before + 20 {
                sleep(LOOK_EVERY).await;
            }
        });
        assert!(more.await.is_ok(), "{queues:?}");
        proxy.cut();
    }
    silence.cancel();
    let all = timeout(PATIENCE, async {
        while seen.missing() > 0 {
            sleep(LOOK_EVERY).await;
        }
    });
    let arrived = all.await;
    assert!(arrived.is_ok(), "{} never came: {queues:?}", seen.missing());
    end.cancel();
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert!(seen.confirmed() >= 20 * CUTS);
}
