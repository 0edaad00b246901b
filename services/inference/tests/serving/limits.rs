//! Full queues, deadlines, clients that leave, and places for models.

use crate::kit::{Kit, VECTORS, config, features, many};
use assay_answering::{AnswerError, FeatureSource, Features};
use assay_core::{Classified, ErrorKind};
use assay_inference::{Inference, InferenceConfig};
use assay_pipeline::fixture;
use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

pub(crate) type Request<'a> =
    Pin<Box<dyn Future<Output = Result<Features, AnswerError>> + Send + 'a>>;

/// A request of so many rows that is on its way when this returns.
pub(crate) async fn begun<'a>(
    inference: &'a Inference,
    rows: usize,
    left: Option<Duration>,
) -> Request<'a> {
    let mut request = inference.features(VECTORS.id(), many(&VECTORS, rows), left);
    let pending = poll_fn(|context| Poll::Ready(request.as_mut().poll(context).is_pending())).await;
    assert!(pending, "the model works on {rows} rows");
    request
}

fn small_queue() -> InferenceConfig {
    InferenceConfig {
        max_queue_rows: 8,
        ..config()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_and_a_client_that_leaves_frees_its_place() {
    let kit = Kit::new();
    kit.serve("vectors", &VECTORS).await;
    let inference = kit.start(small_queue()).await;
    let long = begun(&inference, 1024, None).await;
    let few = many(&VECTORS, 4);
    let error = inference.features(VECTORS.id(), few.clone(), None).await;
    let error = error.unwrap_err();
    let AnswerError::Overloaded { what, retry_after } = &error else {
        panic!("{error}");
    };
    assert!(what.contains("rows wait"), "{what}");
    assert!(*retry_after > Duration::ZERO);
    drop(long);
    // The model sees before its next row that nobody waits any more.
    let found = loop {
        match inference.features(VECTORS.id(), few.clone(), None).await {
            Err(AnswerError::Overloaded { .. }) => tokio::task::yield_now().await,
            found => break found.unwrap(),
        }
    };
    assert_eq!(found.rows.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_hold_before_and_between_rows() {
    let kit = Kit::new();
    kit.serve("vectors", &VECTORS).await;
    let inference = kit.start(config()).await;
    for left in [Duration::ZERO, Duration::from_millis(1)] {
        let rows = many(&VECTORS, 1024);
        let error = inference.features(VECTORS.id(), rows, Some(left)).await;
        let error = error.unwrap_err();
        assert!(matches!(error, AnswerError::Deadline { .. }), "{error}");
    }
    let long = Some(Duration::from_secs(3600));
    let found = inference.features(VECTORS.id(), many(&VECTORS, 2), long);
    assert_eq!(found.await.unwrap().rows.len(), 2);
    let never = inference.features(VECTORS.id(), many(&VECTORS, 2), Some(Duration::MAX));
    assert_eq!(never.await.unwrap().rows.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_request_does_not_wait_for_the_whole_of_a_long_one() {
    let kit = Kit::new();
    kit.serve("vectors", &VECTORS).await;
    let pieces = InferenceConfig {
        batch_rows: 4,
        ..config()
    };
    let inference = kit.start(pieces).await;
    let long = begun(&inference, 1024, None).await;
    let short = features(&inference, &VECTORS, &many(&VECTORS, 2)).await;
    assert_eq!(short.rows.len(), 2);
    let long = long.await.unwrap();
    assert_eq!(long.rows.len(), 1024);
    assert!(short.queue < long.compute, "{short:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn models_beyond_the_places_make_room_for_each_other_but_not_while_they_work() {
    let kit = Kit::new();
    kit.serve("vectors", &VECTORS).await;
    let other = fixture::renamed(&VECTORS, 1);
    kit.put("other", "1", &other).await;
    let one_place = InferenceConfig {
        max_loaded_models: 1,
        ..config()
    };
    let inference = kit.start(one_place).await;
    let rows = many(&VECTORS, 2);
    let long = begun(&inference, 1024, None).await;
    let error = inference.features(other.id(), rows.clone(), None).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
    assert!(error.to_string().contains("places"), "{error}");
    long.await.unwrap();
    for bundle in [&other, &*VECTORS, &other] {
        let found = features(&inference, bundle, &rows).await;
        assert_eq!(found.rows.len(), 2);
    }
    let unknown = assay_core::Digest::of(b"no bundle");
    let error = inference.features(unknown, rows, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_bundles_that_are_not_there_unloads_nothing() {
    let kit = Kit::new();
    kit.serve("vectors", &VECTORS).await;
    let one_place = InferenceConfig {
        max_loaded_models: 1,
        ..config()
    };
    let inference = kit.start(one_place).await;
    let rows = many(&VECTORS, 1);
    features(&inference, &VECTORS, &rows).await;
    for number in 0..3u8 {
        let unknown = assay_core::Digest::of(&[number]);
        let error = inference.features(unknown, rows.clone(), None).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
        let error = inference.resolve(&unknown.to_string()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    // It answers from memory: its files cannot be read any more.
    kit.seen.set_away(true);
    features(&inference, &VECTORS, &rows).await;
}
