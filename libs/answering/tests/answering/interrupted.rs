//! A batch that was cut off anywhere, with whatever it left damaged, leaves the same bytes.

use crate::kit::{IMAGES, Kit, OPTIONS, artefacts};
use assay_core::Digest;
use assay_jobs::{EventKind, JobId, JobState, Lane};
use assay_pipeline::{Dataset, fixture};
use assay_store::BlobStore;
use std::{fs, path::Path, time::Duration};

/// Seven spectra: three whole chunks and one that is not full.
fn spectra() -> Dataset {
    let rows = fixture::dataset(2, 500).rows()[..7].to_vec();
    Dataset::from_rows(Path::new("seven.csv"), rows)
}

/// A job that a worker gave back after so many rows.
async fn interrupted(kit: &Kit, lane: Lane, dataset: Digest, rows: usize) -> JobId {
    let id = kit.submit(lane, dataset).await;
    kit.features.stall_after(rows);
    kit.work(lane, kit.features.stalled.notified()).await;
    kit.features.go_on();
    let record = kit.record(id).await;
    assert_eq!((record.state, record.attempt), (JobState::Queued, 0));
    assert_eq!(record.checkpoint.is_some(), rows >= OPTIONS.chunk_rows);
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_cut_off_after_any_row_goes_on_from_its_last_chunk() {
    let kit = Kit::new().await;
    let (dataset, rows) = kit.dataset(&spectra()).await;
    for lane in [Lane::Identify, Lane::Explain] {
        let whole = kit.undisturbed(lane, dataset).await;
        for cut in 0..rows {
            let id = interrupted(&kit, lane, dataset, cut).await;
            let record = kit.finish(id).await;
            assert_eq!(artefacts(&record), whole, "{lane} cut after {cut}");
            let kept = cut - cut % OPTIONS.chunk_rows;
            assert_eq!(kit.features.asked(), rows - kept, "{lane} cut after {cut}");
            assert_eq!(record.progress.done, rows as u64);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_of_an_earlier_attempt_is_made_again() {
    let kit = Kit::new().await;
    let (dataset, rows) = kit.dataset(&spectra()).await;
    let whole = kit.undisturbed(Lane::Explain, dataset).await;
    let torn = |file: &Path| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    };
    let gone = |file: &Path| fs::remove_file(file).unwrap();
    let harms: [&dyn Fn(&Path); 2] = [&torn, &gone];
    for harm in harms {
        for (blob, kept) in [("checkpoint", 0), ("lines", 2), ("importances", 2)] {
            let id = interrupted(&kit, Lane::Explain, dataset, 5).await;
            let checkpoint = kit.record(id).await.checkpoint.unwrap();
            let document = kit.blobs.get(checkpoint).await.unwrap();
            let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
            let digest = match &document["chunks"][1][blob] {
                serde_json::Value::String(text) => text.parse().unwrap(),
                _ => checkpoint,
            };
            harm(&kit.file(digest));
            let record = kit.finish(id).await;
            assert_eq!(artefacts(&record), whole, "{blob}");
            assert_eq!(kit.features.asked(), rows - kept, "{blob}");
            let events = kit.jobs.store.events(id, 0, Duration::ZERO).await.unwrap();
            let told = events.iter().any(|event| match &event.kind {
                EventKind::Warning(text) => text.contains("every row is answered again"),
                _ => false,
            });
            assert_eq!(told, kept == 0, "{blob}: {events:?}");
        }
    }
}

/// Three spectra, each of them over 40 runs of the network in requests of at most ten.
fn three() -> Dataset {
    let rows = fixture::dataset(1, 640).rows()[..3].to_vec();
    Dataset::from_rows(Path::new("three.csv"), rows)
}

fn shapley() -> Option<serde_json::Value> {
    let shap = serde_json::json!({"max_evals": 40, "segments": 16, "top_classes": 2});
    Some(serde_json::json!({"method": "shap", "shap": shap}))
}

#[tokio::test(flavor = "multi_thread")]
async fn shapley_values_that_were_cut_off_after_any_request_go_on_from_their_last_state() {
    let kit = Kit::new().await;
    let (dataset, rows) = kit.dataset(&three()).await;
    let id = kit.submit_asking(Lane::Explain, dataset, shapley()).await;
    kit.features.go_on();
    let record = kit.finish(id).await;
    let (whole, requests) = (artefacts(&record), kit.features.asked());
    assert_eq!(record.progress.done, 40 * rows as u64);
    let names: Vec<_> = whole.keys().map(String::as_str).collect();
    assert_eq!(names, ["results.csv", "results.jsonl", "shapley.csv"]);
    // The answer, the two ends of the partition, and batches of at most ten runs.
    let each = requests / rows;
    assert!(requests == each * rows && each >= 6, "{requests}");
    for cut in 0..requests {
        let id = kit.submit_asking(Lane::Explain, dataset, shapley()).await;
        kit.features.stall_after(cut);
        kit.work(Lane::Explain, kit.features.stalled.notified())
            .await;
        kit.features.go_on();
        let record = kit.finish(id).await;
        assert_eq!(artefacts(&record), whole, "cut after {cut}");
        // A row that is taken up is answered again, unless nothing of it was kept.
        let (row, within) = (cut / each, cut % each);
        let again = if within < 2 { 0 } else { within - 1 };
        assert_eq!(
            kit.features.asked(),
            requests - each * row - again,
            "cut after {cut}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shapley_values_are_cancelled_in_the_middle_of_a_row() {
    let kit = Kit::new().await;
    let (dataset, _) = kit.dataset(&three()).await;
    let id = kit.submit_asking(Lane::Explain, dataset, shapley()).await;
    // In the second of three rows of seven requests.
    kit.features.stall_after(10);
    let end = async {
        kit.features.stalled.notified().await;
        kit.jobs.store.cancel(id, "enough").await.unwrap();
        kit.until(id, |record| record.state.is_final()).await;
    };
    kit.work(Lane::Explain, end).await;
    let record = kit.record(id).await;
    assert_eq!(record.state, JobState::Cancelled);
    assert_eq!((record.result, record.failure), (None, None));
    // The first row and what was done of the second.
    assert!(
        record.progress.done >= 40 && record.progress.done < 80,
        "{:?}",
        record.progress
    );
}

/// Pixels are hidden in this process, so the worker is let go when a state is kept.
#[tokio::test(flavor = "multi_thread")]
async fn hidden_pixels_that_were_cut_off_go_on_and_leave_the_same_bytes() {
    let kit = Kit::of(&IMAGES).await;
    let (dataset, _) = kit.dataset(&three()).await;
    let shap = serde_json::json!({"over": "image", "max_evals": 120, "pixels": {"blur": 8}});
    let asked = Some(serde_json::json!({"method": "shap", "shap": shap}));
    let id = kit
        .submit_asking(Lane::Explain, dataset, asked.clone())
        .await;
    let whole = artefacts(&kit.finish(id).await);
    let id = kit.submit_asking(Lane::Explain, dataset, asked).await;
    let mut last = None;
    for _ in 0..4 {
        let before = last;
        let kept = kit.until(id, |record| record.checkpoint != before);
        kit.work(Lane::Explain, kept).await;
        let record = kit.record(id).await;
        assert_eq!((record.state, record.attempt), (JobState::Queued, 0));
        last = record.checkpoint;
    }
    let record = kit.finish(id).await;
    assert_eq!(artefacts(&record), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_shapley_values_that_is_damaged_costs_its_chunk_alone() {
    let kit = Kit::new().await;
    let (dataset, _) = kit.dataset(&three()).await;
    let id = kit.submit_asking(Lane::Explain, dataset, shapley()).await;
    kit.features.go_on();
    let whole = artefacts(&kit.finish(id).await);
    let each = kit.features.asked() / 3;
    for (blob, at) in [
        ("state", each + 3),
        ("lines", each + 3),
        ("state", 2 * each + 3),
    ] {
        let id = kit.submit_asking(Lane::Explain, dataset, shapley()).await;
        kit.features.stall_after(at);
        kit.work(Lane::Explain, kit.features.stalled.notified())
            .await;
        kit.features.go_on();
        let checkpoint = kit.record(id).await.checkpoint.unwrap();
        let document = kit.blobs.get(checkpoint).await.unwrap();
        let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
        let digest: Digest = document["begun"][blob].as_str().unwrap().parse().unwrap();
        fs::write(kit.file(digest), "torn").unwrap();
        assert_eq!(artefacts(&kit.finish(id).await), whole, "{blob} at {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_cancelled_in_the_middle() {
    let kit = Kit::new().await;
    let (dataset, _) = kit.dataset(&spectra()).await;
    let id = kit.submit(Lane::Identify, dataset).await;
    kit.features.stall_after(3);
    let end = async {
        kit.features.stalled.notified().await;
        kit.jobs.store.cancel(id, "enough").await.unwrap();
        kit.until(id, |record| record.state.is_final()).await;
    };
    kit.work(Lane::Identify, end).await;
    let record = kit.record(id).await;
    assert_eq!(record.state, JobState::Cancelled);
    assert_eq!((record.result, record.failure), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_for_a_while_costs_an_attempt_and_no_bytes() {
    let kit = Kit::new().await;
    let (dataset, _) = kit.dataset(&spectra()).await;
    let whole = kit.undisturbed(Lane::Explain, dataset).await;
    // Two chunks with a checkpoint each, two more of each, and the four files of the end.
    for puts in [0, 2, 5, 12, 14, 15] {
        let id = kit.submit(Lane::Explain, dataset).await;
        kit.blobs.fail_after(puts);
        let failed = kit.until(id, |record| record.failure.is_some());
        kit.work(Lane::Explain, failed).await;
        kit.blobs.fail_after(usize::MAX);
        let record = kit.record(id).await;
        assert_eq!(
            (record.state, record.attempt),
            (JobState::Queued, 1),
            "{puts}"
        );
        let failure = record.failure.unwrap();
        assert_eq!(failure.kind, assay_core::ErrorKind::Unavailable);
        assert!(failure.message.contains("the disk is full"), "{failure:?}");
        assert!(
            record.not_before > record.created_at,
            "it waits before the next attempt"
        );
        assert_eq!(artefacts(&kit.finish(id).await), whole, "{puts}");
    }
}
