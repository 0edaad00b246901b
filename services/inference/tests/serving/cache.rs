//! The feature cache: what it has is not computed again, what it damages or loses is.

use crate::kit::{IMAGES, Kit, Mood, bits, config, features, many, vectors};
use assay_answering::FeatureSource;
use assay_pipeline::fixture;
use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

/// More than anything here takes: whoever hangs ends with an error.
const GUARD: Option<Duration> = Some(Duration::from_secs(60));

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_compute_a_row_once() {
    let kit = Kit::new();
    kit.serve("images", &IMAGES).await;
    let inference = kit.start(config()).await;
    let vector = vectors(&IMAGES, 1).swap_remove(1);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let (inference, vector) = (Arc::clone(&inference), vector.clone());
        let rows = vec![vector; 2];
        requests.spawn(async move { inference.features(IMAGES.id(), rows, None).await.unwrap() });
    }
    let answers = requests.join_all().await;
    let computed = answers.iter().filter(|a| a.compute > Duration::ZERO);
    assert_eq!(computed.count(), 1);
    let first = bits(&answers[0].rows);
    assert_eq!(first[0], first[1]);
    assert!(answers.iter().all(|answer| bits(&answer.rows) == first));
    let later = features(&inference, &IMAGES, &[vector]).await;
    assert_eq!((later.cached, later.compute), (1, Duration::ZERO));
    assert_eq!(bits(&later.rows), first[..1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_row_within_a_request_is_computed_once_and_answered_everywhere() {
    let kit = Kit::new();
    kit.serve("images", &IMAGES).await;
    let inference = kit.start(config()).await;
    let [a, b] = vectors(&IMAGES, 1)[..2].to_vec().try_into().unwrap();
    let found = features(&inference, &IMAGES, &[a.clone(), b.clone(), a.clone()]).await;
    assert_eq!(found.cached, 0);
    assert_eq!(found.rows[0], found.rows[2]);
    assert_ne!(found.rows[0], found.rows[1]);
    let again = features(&inference, &IMAGES, &[b, a.clone(), a]).await;
    assert_eq!(again.cached, 3);
    let order = [1, 0, 0].map(|row| found.rows[row].clone());
    assert_eq!(bits(&again.rows), bits(&order));
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_of_one_base_share_their_features() {
    let kit = Kit::new();
    let other = fixture::renamed(&IMAGES, 1);
    kit.serve("images", &IMAGES).await;
    kit.serve("other", &other).await;
    let inference = kit.start(config()).await;
    let vectors = vectors(&IMAGES, 1);
    let first = features(&inference, &IMAGES, &vectors).await;
    let second = features(&inference, &other, &vectors).await;
    assert_eq!((first.cached, second.cached), (0, 4));
    assert_eq!(bits(&first.rows), bits(&second.rows));
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_values_and_a_failing_cache_only_cost_time() {
    let kit = Kit::new();
    kit.serve("images", &IMAGES).await;
    let patient = kit.start(config()).await;
    let vectors = vectors(&IMAGES, 1);
    let expected = features(&patient, &IMAGES, &vectors).await;
    assert_eq!(features(&patient, &IMAGES, &vectors).await.cached, 4);
    let hasty = assay_inference::InferenceConfig {
        cache_timeout_s: 0.001,
        ..config()
    };
    let hasty = kit.start(hasty).await;
    for (mood, inference) in [
        (Mood::Damaging, &patient),
        (Mood::Away, &patient),
        (Mood::Silent, &hasty),
    ] {
        kit.cache.set(mood);
        let found = features(inference, &IMAGES, &vectors).await;
        assert_eq!(found.cached, 0, "{}", mood as u8);
        assert_eq!(bits(&found.rows), bits(&expected.rows));
    }
    kit.cache.set(Mood::Well);
    assert_eq!(features(&patient, &IMAGES, &vectors).await.cached, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_request_leads_a_portion_at_a_time() {
    let kit = Kit::new();
    kit.serve("images", &IMAGES).await;
    let inference = kit.start(config()).await;
    let rows = many(&IMAGES, 40);
    kit.cache.hold_first_put();
    let (asked, by) = (rows.clone(), Arc::clone(&inference));
    let long = tokio::spawn(async move { by.features(IMAGES.id(), asked, GUARD).await });
    while kit.cache.puts() == 0 {
        tokio::task::yield_now().await;
    }
    // The long one has not come to its last row, so this request computes it itself.
    let last = inference.features(IMAGES.id(), rows[39..].to_vec(), GUARD);
    let last = last.await.unwrap();
    assert!(last.compute > Duration::ZERO, "{last:?}");
    assert!(!long.is_finished());
    kit.cache.go_on.notify_one();
    let long = long.await.unwrap().unwrap();
    assert_eq!((long.rows.len(), long.cached), (40, 1));
    assert_eq!(bits(&long.rows[39..]), bits(&last.rows));
    assert_eq!(kit.cache.widest(), 16);
    let again = features(&inference, &IMAGES, &rows).await;
    assert_eq!((again.cached, again.compute), (40, Duration::ZERO));
    assert_eq!(bits(&again.rows), bits(&long.rows));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_request_that_is_not_polled() {
    let kit = Kit::new();
    kit.serve("images", &IMAGES).await;
    let inference = kit.start(config()).await;
    let rows = many(&IMAGES, 3);
    let mut held = inference.features(IMAGES.id(), rows.clone(), GUARD);
    let mut answered = None;
    while kit.cache.gets() == 0 && answered.is_none() {
        answered = poll_fn(|context| match held.as_mut().poll(context) {
            Poll::Ready(found) => Poll::Ready(Some(found)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        tokio::task::yield_now().await;
    }
    let other = inference.features(IMAGES.id(), rows, GUARD).await.unwrap();
    assert_eq!(other.rows.len(), 3);
    drop(held);
}
