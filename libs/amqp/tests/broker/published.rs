//! Hints on their way to the broker: confirmed, returned, never answered.

use crate::{
    fixture::{PATIENCE, Place, connected, hint, log, lost, published, taken},
    proxy::{Mood, Proxy},
};
use assay_amqp::AmqpOptions;
use assay_jobs::{JobError, JobQueue, Lane};
use futures::future::join_all;
use lapin::options::{BasicGetOptions, QueueDeleteOptions};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn many_hints_go_out_at_once_and_each_is_confirmed() {
    let Some(place) = Place::find("many hints at once").await else {
        return;
    };
    let queue = place.queue().await;
    let all = join_all((0..500).map(|_| published(&queue, Lane::Identify))).await;
    assert_eq!(all.len(), 500);
    let name = place.name(Lane::Identify);
    place.until_counts(&name, (500, 0)).await;
    let options = BasicGetOptions { no_ack: true };
    let got = place.by_hand.basic_get(name.into(), options).await;
    let message = got.unwrap().unwrap();
    assert_eq!(*message.properties.delivery_mode(), Some(2), "persistent");
}

/// The confirms of hints that have a queue and of those that have none come mixed; nobody gets the
/// answer of another.
#[tokio::test]
async fn a_hint_without_a_queue_fails_alone_and_the_queue_is_made_again() {
    let Some(place) = Place::find("a hint without a queue").await else {
        return;
    };
    let queue = place.queue().await;
    let name = place.name(Lane::Train);
    for _ in 0..5 {
        let options = QueueDeleteOptions::default();
        let deleted = place.by_hand.queue_delete(name.as_str().into(), options);
        deleted.await.unwrap();
        let sent = join_all((0..200).map(|n| {
            let lane = [Lane::Train, Lane::Identify][n % 2];
            let queue = &queue;
            async move { (lane, queue.publish(lane, &hint()).await) }
        }));
        let mut kept = 0;
        for (lane, answer) in sent.await {
            match (lane, answer) {
                (_, Ok(())) if lane == Lane::Train => kept += 1,
                (_, Ok(())) => {}
                (Lane::Train, Err(error)) => {
                    let error = error.to_string();
                    // A queue that is still on its way out, or in, may also refuse.
                    let refused = ["has no queue", "took no hint into the queue"];
                    assert!(refused.iter().any(|words| error.contains(words)), "{error}");
                }
                (lane, Err(error)) => unreachable!("{lane}: {error}"),
            }
        }
        assert!(kept < 100, "the first ones found no queue");
        let found = timeout(PATIENCE, async {
            while queue.publish(Lane::Train, &hint()).await.is_err() {}
        });
        found.await.unwrap();
        place.until_counts(&name, (kept + 1, 0)).await;
    }
    let log = log();
    assert!(log.contains("a hint found no queue"), "{log}");
    assert!(!log.contains("Server returned us"), "no message is printed");
}

#[tokio::test]
async fn a_confirm_that_is_lost_fails_the_hint_in_time_and_the_connection() {
    let Some(place) = Place::find("a lost confirm").await else {
        return;
    };
    let proxy = Proxy::before(place.url()).await;
    let queue = connected(AmqpOptions {
        confirm_within: Duration::from_millis(300),
        ..place.options_at(&proxy.url(place.url()))
    })
    .await;
    published(&queue, Lane::Explain).await;
    proxy.set(Mood::LosesAnswers);
    let lost_one = hint();
    let answer = timeout(PATIENCE, queue.publish(Lane::Explain, &lost_one)).await;
    let error = answer.unwrap().unwrap_err();
    assert!(matches!(error, JobError::Unavailable { .. }));
    assert!(error.to_string().contains("did not confirm"), "{error}");
    assert!(lost(&queue).await.contains("did not confirm"));
    proxy.set(Mood::Carries);
    timeout(PATIENCE, queue.connected()).await.unwrap();
    // What was lost is the word that the broker has it.
    queue.publish(Lane::Explain, &lost_one).await.unwrap();
    place.until_counts(&place.name(Lane::Explain), (3, 0)).await;
}

#[tokio::test]
async fn a_hint_that_is_too_large_is_refused_and_hurts_no_other() {
    let Some(place) = Place::find("a hint that is too large").await else {
        return;
    };
    let queue = place.queue().await;
    let mut large = hint();
    large.specification = json!("x".repeat(1 << 20));
    let error = queue.publish(Lane::Train, &large).await.unwrap_err();
    assert!(matches!(error, JobError::Invalid { field: "hint", .. }));
    large.specification = json!("µ".repeat(100_000));
    queue.publish(Lane::Train, &large).await.unwrap();
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    assert_eq!(taken(&mut *consumer).await, large.job);
}
