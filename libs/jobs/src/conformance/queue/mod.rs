//! The cases about queues.

use super::QueueHarness;
use crate::{Consumer, Hint, JobId, JobQueue, Lane};
use serde_json::json;
use std::{collections::HashSet, future::ready};

fn hint() -> Hint {
    Hint {
        job: JobId::new(),
        attempt: 2,
        specification: json!({ "dataset": "a", "rows": [1, 2.5, null] }),
        trace_parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

async fn published(queue: &dyn JobQueue, lane: Lane) -> Hint {
    let hint = hint();
    queue.publish(lane, &hint).await.unwrap();
    hint
}

/// Takes hints until that of a job comes; gives the others.
async fn take_until(consumer: &mut dyn Consumer, last: JobId) -> Vec<JobId> {
    let mut others = Vec::new();
    loop {
        let delivery = consumer.next().await.unwrap();
        let job = delivery.hint().job;
        delivery.acknowledge().await.unwrap();
        if job == last {
            return others;
        }
        others.push(job);
    }
}

/// A hint arrives as it was published, and not again once it is acknowledged.
pub async fn a_hint_arrives_whole_and_once(harness: impl QueueHarness) {
    let queue = harness.queue();
    let first = published(&*queue, Lane::Train).await;
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    let delivery = consumer.next().await.unwrap();
    assert_eq!(*delivery.hint(), first);
    assert!(!delivery.redelivered());
    delivery.acknowledge().await.unwrap();
    drop(consumer);
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    let last = published(&*queue, Lane::Train).await;
    assert_eq!(take_until(&mut *consumer, last.job).await, []);
}

/// What is published to one lane comes to that lane.
pub async fn lanes_are_apart(harness: impl QueueHarness) {
    let queue = harness.queue();
    let mut hints = Vec::new();
    for lane in Lane::ALL {
        hints.push(published(&*queue, lane).await);
    }
    for (lane, hint) in Lane::ALL.into_iter().zip(hints) {
        let mut consumer = queue.consume(lane).await.unwrap();
        assert_eq!(take_until(&mut *consumer, hint.job).await, []);
    }
}

/// A consumer that came before the hint gets it.
pub async fn a_consumer_waits_for_a_hint(harness: impl QueueHarness) {
    let queue = harness.queue();
    let mut consumer = queue.consume(Lane::Explain).await.unwrap();
    let waits = tokio::spawn(async move {
        let delivery = consumer.next().await.unwrap();
        let job = delivery.hint().job;
        delivery.acknowledge().await.unwrap();
        job
    });
    tokio::task::yield_now().await;
    let hint = published(&*queue, Lane::Explain).await;
    assert_eq!(waits.await.unwrap(), hint.job);
}

/// Giving up a wait loses no hint, neither for the same consumer nor for another.
pub async fn a_dropped_wait_loses_nothing(harness: impl QueueHarness) {
    let queue = harness.queue();
    for gone in [false, true] {
        let mut consumer = queue.consume(Lane::Train).await.unwrap();
        tokio::select! {
            biased;
            _ = consumer.next() => unreachable!("nothing was published"),
            () = ready(()) => {}
        }
        let hint = published(&*queue, Lane::Train).await;
        if gone {
            drop(consumer);
            consumer = queue.consume(Lane::Train).await.unwrap();
        }
        assert_eq!(take_until(&mut *consumer, hint.job).await, []);
    }
}

/// A delivery that is dropped comes again, marked as such.
pub async fn what_is_not_settled_comes_again(harness: impl QueueHarness) {
    let queue = harness.queue();
    let hint = published(&*queue, Lane::Train).await;
    for round in 0..3 {
        let mut consumer = queue.consume(Lane::Train).await.unwrap();
        let delivery = consumer.next().await.unwrap();
        assert_eq!(*delivery.hint(), hint);
        assert_eq!(delivery.redelivered(), round > 0);
        drop(delivery);
        drop(consumer);
    }
}

/// A requeued hint comes again, to this consumer or another.
pub async fn what_is_requeued_comes_again(harness: impl QueueHarness) {
    let queue = harness.queue();
    let hint = published(&*queue, Lane::Train).await;
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    let delivery = consumer.next().await.unwrap();
    delivery.requeue().await.unwrap();
    let again = consumer.next().await.unwrap();
    assert_eq!((again.hint(), again.redelivered()), (&hint, true));
    again.acknowledge().await.unwrap();
}

/// While one consumer is busy, the hints go to the others.
pub async fn consumers_share(harness: impl QueueHarness) {
    let queue = harness.queue();
    let mut consumers = Vec::new();
    for _ in 0..4 {
        let mut consumer = queue.consume(Lane::Identify).await.unwrap();
        consumers.push(tokio::spawn(async move {
            let delivery = consumer.next().await.unwrap();
            // Held until all have one, so that nobody gets two.
            (delivery.hint().job, delivery, consumer)
        }));
    }
    let mut expected = HashSet::new();
    for _ in 0..4 {
        expected.insert(published(&*queue, Lane::Identify).await.job);
    }
    let mut held = Vec::new();
    for consumer in consumers {
        held.push(consumer.await.unwrap());
    }
    let got: HashSet<JobId> = held.iter().map(|(job, ..)| *job).collect();
    assert_eq!(got, expected);
    for (_, delivery, _) in held {
        delivery.acknowledge().await.unwrap();
    }
}

/// The same hint twice comes once or twice; then the others come.
pub async fn duplicates_do_no_harm(harness: impl QueueHarness) {
    let queue = harness.queue();
    let twice = published(&*queue, Lane::Train).await;
    queue.publish(Lane::Train, &twice).await.unwrap();
    let last = published(&*queue, Lane::Train).await;
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    let others = take_until(&mut *consumer, last.job).await;
    assert!(
        others == [twice.job] || others == [twice.job; 2],
        "{others:?}"
    );
    // Once acknowledged, it can be published again.
    queue.publish(Lane::Train, &twice).await.unwrap();
    assert_eq!(take_until(&mut *consumer, twice.job).await, []);
}

/// What is no hint never reaches a consumer, stops nobody and can be looked at.
pub async fn what_cannot_be_decoded_is_a_dead_letter(harness: impl QueueHarness) {
    let queue = harness.queue();
    let missing = serde_json::to_vec(&json!({ "job": JobId::new() })).unwrap();
    let poison = [
        b"no json".to_vec(),
        Vec::new(),
        vec![0xff; 64],
        missing,
        b"{\"job\":\"not a uuid\",\"attempt\":1,\"specification\":{},\"trace_parent\":null}"
            .to_vec(),
    ];
    for bytes in &poison {
        harness.inject_raw(Lane::Train, bytes.clone()).await;
    }
    let hint = published(&*queue, Lane::Train).await;
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    assert_eq!(take_until(&mut *consumer, hint.job).await, []);
    let mut dead = harness.dead_letters(Lane::Train, poison.len()).await;
    dead.sort();
    let mut expected = poison.to_vec();
    expected.sort();
    assert_eq!(dead, expected);
    let other = harness.dead_letters(Lane::Explain, 0).await;
    assert_eq!(other, Vec::<Vec<u8>>::new());
}
