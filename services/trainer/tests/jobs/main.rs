//! Training jobs from submission to registry, on a real store and queue: finished, stopped and
//! taken up again, repeated, cancelled, refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod place;
mod repeats;

use assay_core::{Digest, ErrorKind};
use assay_jobs::{EventKind, JobState, Reaper};
use assay_pipeline::Bundle;
use assay_store::PRODUCTION;
use place::{place, small};
use serde_json::json;
use std::{path::Path, sync::Arc};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_registers_the_bundle_that_training_here_makes() {
    let place = place().await;
    let wanted = small(6);
    let id = place.submit(place.reference, wanted.clone()).await;
    let (end, worker) = place.worker();
    let record = place.end_of(id).await;
    assert_eq!(record.state, JobState::Succeeded, "{:?}", record.failure);
    let version = place
        .stores
        .registry
        .resolve("small", PRODUCTION)
        .await
        .unwrap();
    assert_eq!(version.version, id.to_string());
    assert_eq!(version.bundle, place.expected(&wanted));
    let files = place.stores.registry.files(version.bundle).await.unwrap();
    let files = files
        .into_iter()
        .map(|(name, bytes)| (name, bytes.to_vec()));
    let bundle = Bundle::from_files(files.collect(), Path::new("registry")).unwrap();
    assert_eq!(bundle.contents().classes.len(), 3);
    let result = record.result.unwrap();
    let report = result.artefacts["report.html"];
    let page = place.stores.blobs.get(report).await.unwrap();
    assert!(
        std::str::from_utf8(&page)
            .unwrap()
            .contains("delivered model")
    );
    assert_eq!(result.summary["epochs"], 6);
    let gate = serde_json::to_value(bundle.contents().gate).unwrap();
    assert_eq!(result.summary["gate"], gate);
    let references = bundle.references().unwrap();
    assert_eq!(references.vectors.nrows(), 3, "one of each class");
    assert!(place.epochs(id).await.contains(&6));
    end.cancel();
    worker.await.unwrap();
    assert_eq!(
        std::fs::read_dir(place.folder.path().join("work/train"))
            .unwrap()
            .count(),
        0,
        "no checkpoints stay behind"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_that_is_stopped_goes_on_elsewhere_to_the_same_bits() {
    let place = place().await;
    let wanted = small(60);
    let id = place.submit(place.reference, wanted.clone()).await;
    // Stopped again and again, by each worker in a later epoch than by the one before.
    let mut last_epoch = 2;
    for _ in 0..3 {
        let (end, worker) = place.worker();
        let trained_more = |kind: &EventKind| match kind {
            EventKind::Progress(progress) => progress
                .epoch
                .as_ref()
                .is_some_and(|epoch| epoch.epoch > last_epoch),
            EventKind::State { state, .. } => state.is_final(),
            _ => false,
        };
        place.until(id, trained_more).await;
        end.cancel();
        worker.await.unwrap();
        let record = place.jobs.store.get(id).await.unwrap();
        // A machine so quick that the job was done before is no failure of what is tested here.
        if record.state == JobState::Succeeded {
            break;
        }
        assert_eq!((record.state, record.attempt), (JobState::Queued, 0));
        assert!(place.checkpoints(id).exists());
        let told = record.progress.epoch;
        last_epoch = told.map_or(last_epoch + 1, |epoch| epoch.epoch.max(last_epoch + 1));
    }
    let (end, worker) = place.worker();
    let record = place.end_of(id).await;
    assert_eq!(record.state, JobState::Succeeded, "{:?}", record.failure);
    let version = place
        .stores
        .registry
        .resolve("small", PRODUCTION)
        .await
        .unwrap();
    assert_eq!(version.bundle, place.expected(&wanted));
    // Nobody began anew: no epoch was trained twice.
    let epochs = place.epochs(id).await;
    assert!(epochs.windows(2).all(|two| two[0] < two[1]), "{epochs:?}");
    end.cancel();
    worker.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_is_cancelled_and_leaves_no_model() {
    let place = place().await;
    let id = place.submit(place.reference, small(100_000)).await;
    let (end, worker) = place.worker();
    let begun = |kind: &EventKind| matches!(kind, EventKind::Progress(progress) if progress.epoch.is_some());
    place.until(id, begun).await;
    place.jobs.store.cancel(id, "wrong data").await.unwrap();
    let record = place.end_of(id).await;
    assert_eq!(record.state, JobState::Cancelled);
    assert!(place.stores.registry.list().await.unwrap().is_empty());
    end.cancel();
    worker.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_wrong_is_named() {
    let place = place().await;
    let (end, worker) = place.worker();
    let failure = async |dataset, specification| {
        let id = place.submit(dataset, specification).await;
        let record = place.end_of(id).await;
        assert_eq!(record.state, JobState::Failed);
        record.failure.unwrap()
    };
    let wrong = json!({"epochs": 0, "gate": {"alpha": 2.0}, "schedule": {"clr": "sawtooth"}});
    let faults = failure(place.reference, wrong).await;
    assert_eq!(faults.kind, ErrorKind::InvalidArgument);
    for field in ["epochs", "alpha", "clr"] {
        assert!(faults.message.contains(field), "{}", faults.message);
    }
    let gone = place.dataset.rows()[4].digest;
    place.stores.blobs.remove(gone).await.unwrap();
    let vanished = failure(place.reference, small(1)).await;
    assert_eq!(vanished.kind, ErrorKind::NotFound, "{}", vanished.message);
    let named = vanished.message.contains(&gone.to_string());
    assert!(named, "{}", vanished.message);
    place.stores.blobs.remove(place.reference).await.unwrap();
    let vanished = failure(place.reference, small(1)).await;
    assert_eq!(vanished.kind, ErrorKind::NotFound, "{}", vanished.message);
    let named = vanished.message.contains(&place.reference.to_string());
    assert!(named, "{}", vanished.message);
    end.cancel();
    worker.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_trained_fails_with_its_reason_and_is_not_tried_again() {
    let place = place().await;
    let reaper = Reaper::new(Arc::clone(&place.jobs.store), Arc::clone(&place.jobs.queue));
    let (end, worker) = place.worker();
    let sweeping = tokio::spawn(reaper.run(end.clone().cancelled_owned()));
    let nowhere = Digest::of(b"never put");
    let garbage = place.stores.blobs.put("no list".into()).await.unwrap();
    for (dataset, specification, kind, word) in [
        (
            place.reference,
            json!({"epochs": 0}),
            ErrorKind::InvalidArgument,
            "--epochs is 0",
        ),
        (
            place.reference,
            json!({"epoch": 1}),
            ErrorKind::InvalidArgument,
            "epoch",
        ),
        (nowhere, small(1), ErrorKind::NotFound, "does not exist"),
        (garbage, small(1), ErrorKind::InvalidArgument, "data set"),
    ] {
        let id = place.submit(dataset, specification).await;
        let record = place.end_of(id).await;
        let failure = record.failure.unwrap();
        assert_eq!(
            (record.state, failure.kind),
            (JobState::Failed, kind),
            "{}",
            failure.message
        );
        assert!(failure.message.contains(word), "{}", failure.message);
        assert_eq!(record.attempt, 1);
    }
    end.cancel();
    worker.await.unwrap();
    sweeping.await.unwrap();
}
