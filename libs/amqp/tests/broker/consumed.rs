//! Hints on their way from the broker: held by those who wait for one and by nobody else.

use crate::{
    fixture::{LOOK_EVERY, PATIENCE, Place, connected, log, published, taken},
    proxy::Proxy,
};
use assay_amqp::AmqpQueue;
use assay_embedded::RedbJobStore;
use assay_jobs::{
    Delivery, JobError, JobQueue, JobState, JobStore, Lane, LocalWork, NewJob, WorkSource, submit,
    system_clock,
};
use lapin::{options::BasicGetOptions, types::AMQPValue};
use serde_json::json;
use std::{future::ready, sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn nobody_holds_a_hint_without_waiting_for_one() {
    let Some(place) = Place::find("nobody holds a hint").await else {
        return;
    };
    let queue = place.queue().await;
    let name = place.name(Lane::Train);
    for _ in 0..3 {
        published(&queue, Lane::Train).await;
    }
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    let idle = queue.consume(Lane::Train).await.unwrap();
    let held = consumer.next().await.unwrap();
    // A consumer that ended is counted for as long as its last hint is held.
    place.until(&name, |(waiting, _)| waiting == 2).await;
    held.acknowledge().await.unwrap();
    place.until_counts(&name, (2, 0)).await;
    drop(idle);
    taken(&mut *consumer).await;
    taken(&mut *consumer).await;
    place.until_counts(&name, (0, 0)).await;
}

/// What a worker does all day when there is nothing to do. A broker counts how often a message
/// comes back, and a wait that ends must not add to that.
#[tokio::test]
async fn waits_that_are_given_up_leave_nothing_at_the_broker() {
    let Some(place) = Place::find("waits that are given up").await else {
        return;
    };
    let queue = place.queue().await;
    let name = place.name(Lane::Train);
    for _ in 0..100 {
        let mut consumer = queue.consume(Lane::Train).await.unwrap();
        let soon = Duration::from_millis(1);
        assert!(timeout(soon, consumer.next()).await.is_err());
        tokio::select! {
            biased;
            _ = consumer.next() => unreachable!("nothing was published"),
            () = ready(()) => {}
        }
    }
    place.until_counts(&name, (0, 0)).await;
    published(&queue, Lane::Train).await;
    let options = BasicGetOptions { no_ack: true };
    let got = place.by_hand.basic_get(name.into(), options).await.unwrap();
    let headers = got.unwrap().delivery.properties.headers().clone();
    let headers = headers.unwrap_or_default();
    let came_back = headers.inner().get("x-delivery-count");
    let never = AMQPValue::LongLongInt(0);
    assert!(came_back.is_none_or(|n| *n == never), "{came_back:?}");
}

#[tokio::test]
async fn a_job_at_work_holds_nothing_at_the_broker() {
    let Some(place) = Place::find("a job at work").await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.redb");
    let store = Arc::new(RedbJobStore::open(path, system_clock()).unwrap());
    let queue = place.queue().await;
    let job = || NewJob {
        lane: Lane::Train,
        specification: json!({}),
        principal: "anna".to_owned(),
        idempotency_key: None,
        max_attempts: 3,
        trace_parent: None,
    };
    let work = LocalWork {
        store: store.clone(),
        queue: Arc::new(queue.clone()),
        lease: Duration::from_secs(600),
    };
    let name = place.name(Lane::Train);
    let mut id = None;
    for _ in 0..5 {
        let submitted = submit(&*store, &queue, job(), 10).await.unwrap();
        let assignment = work.next(Lane::Train, "w", PATIENCE).await.unwrap();
        assert_eq!(assignment.unwrap().record.id, submitted.record.id);
        if place.counts(&name).await.0 == 0 {
            id = Some(submitted.record.id);
            break;
        }
        // The broker was so slow that the worker looked into the store instead, and the hint is
        // still there: that proves nothing, and another job is tried.
        place.take(&name).await;
    }
    let id = id.unwrap();
    // A broker gives back what a connection that ends had not acknowledged.
    queue.close().await;
    place.until_counts(&name, (0, 0)).await;
    let state = store.get(id).await.unwrap().state;
    assert_eq!(state, JobState::Running, "it goes on");
}

#[tokio::test]
async fn a_hint_whose_connection_is_gone_comes_again() {
    let Some(place) = Place::find("a hint whose connection is gone").await else {
        return;
    };
    let proxy = Proxy::before(place.url()).await;
    let queue = connected(place.options_at(&proxy.url(place.url()))).await;
    let job = published(&queue, Lane::Train).await;
    let mut held = timeout(PATIENCE, delivered(&queue)).await.unwrap();
    for settle in ["acknowledge", "requeue", "drop"] {
        assert_eq!(held.hint().job, job);
        proxy.cut();
        // Whoever has it again has it by another connection: the first one is gone for good.
        let again = timeout(PATIENCE, delivered(&queue)).await.unwrap();
        assert!(again.redelivered());
        let settled = match settle {
            "acknowledge" => held.acknowledge().await,
            "requeue" => held.requeue().await,
            _ => {
                drop(held);
                held = again;
                continue;
            }
        };
        let error = settled.unwrap_err();
        assert!(matches!(error, JobError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("comes again"), "{error}");
        held = again;
    }
    assert_eq!((held.hint().job, held.redelivered()), (job, true));
    held.acknowledge().await.unwrap();
}

/// The next hint, however often the connection ends before it comes.
async fn delivered(queue: &AmqpQueue) -> Box<dyn Delivery> {
    loop {
        queue.connected().await;
        if let Ok(mut consumer) = queue.consume(Lane::Train).await
            && let Ok(delivery) = consumer.next().await
        {
            return delivery;
        }
        sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn a_queue_that_is_closed_gives_back_what_it_holds() {
    let Some(place) = Place::find("a queue that is closed").await else {
        return;
    };
    let (queue, other) = (place.queue().await, place.queue().await);
    let job = published(&queue, Lane::Train).await;
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    let held = consumer.next().await.unwrap();
    queue.close().await;
    let mut successor = other.consume(Lane::Train).await.unwrap();
    assert_eq!(taken(&mut *successor).await, job);
    for error in [
        held.acknowledge().await.err(),
        consumer.next().await.err(),
        queue.consume(Lane::Train).await.err(),
    ] {
        assert!(matches!(error, Some(JobError::Unavailable { .. })));
    }
}

#[tokio::test]
async fn what_is_no_hint_is_a_dead_letter_and_told_without_its_content() {
    let Some(place) = Place::find("what is no hint").await else {
        return;
    };
    let queue = place.queue().await;
    let large = vec![b'~'; (1 << 20) + 1];
    let strange = b"{\"job\":\"~~~~\"}".to_vec();
    place.inject(Lane::Explain, &large).await;
    place.inject(Lane::Explain, &strange).await;
    let job = published(&queue, Lane::Explain).await;
    let mut consumer = queue.consume(Lane::Explain).await.unwrap();
    assert_eq!(taken(&mut *consumer).await, job);
    let dead = place.take_all(&place.dead(Lane::Explain), 2).await;
    assert!(dead == [large.clone(), strange.clone()] || dead == [strange, large]);
    let log = log();
    for size in ["message.size_bytes=1048577", "message.size_bytes=14"] {
        assert_eq!(log.matches(size).count(), 1, "{log}");
    }
    assert!(!log.contains("~~~~"), "{log}");
}
