//! Training jobs that are done again: by a machine with other settings, after an end that was not
//! stored, after a version that is registered already.

use crate::place::{place, small};
use assay_jobs::JobState;
use assay_store::PRODUCTION;

#[tokio::test(flavor = "multi_thread")]
async fn a_training_begins_again_where_the_checkpoints_are_of_other_threads() {
    let place = place().await;
    let wanted = small(3);
    let id = place.submit(place.reference, wanted.clone()).await;
    place.leave_checkpoints(id, &wanted, 2);
    let (end, worker) = place.worker();
    let record = place.end_of(id).await;
    assert_eq!(record.state, JobState::Succeeded, "{:?}", record.failure);
    assert_eq!(record.attempt, 1);
    let registry = &place.stores.registry;
    let version = registry.resolve("small", PRODUCTION).await.unwrap();
    assert_eq!(version.bundle, place.expected(&wanted));
    let warnings = place.warnings(id).await;
    let told = |warning: &String| warning.contains("begins again") && warning.contains("threads");
    assert!(warnings.iter().any(told), "{warnings:?}");
    end.cancel();
    worker.await.unwrap();
}
