//! Training jobs from submission to registry, on a real store and queue: finished, stopped and
//! taken up again, cancelled, refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_backends::{Jobs, StorageConfig, Stores};
use assay_core::{ClassLabel, Digest, ErrorKind, keyed_rng};
use assay_jobs::{
    EventKind, JobId, JobRecord, JobState, Lane, LocalWork, NewJob, Reaper, TrainJob, Worker,
    submit,
};
use assay_pipeline::{Bundle, Dataset, DatasetRow, Role, SpectrumList};
use assay_spectrum::{EnergyCalibration, Spectrum};
use assay_store::PRODUCTION;
use assay_train::{Resources, TrainingData, TrainingSpec, Unobserved, train};
use assay_trainer::{TrainHandler, TrainerConfig, TrainerDeps};
use rand::RngExt;
use serde_json::{Value, json};
use std::{path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const WAIT: Duration = Duration::from_secs(120);

/// A server's folder with a data set in it.
struct Place {
    folder: TempDir,
    stores: Stores,
    jobs: Jobs,
    dataset: Dataset,
    reference: Digest,
}

/// A small network, few epochs; bounds are given so that nothing is searched.
fn small(epochs: u32) -> Value {
    json!({
        "model": {"kind": "cnn1d", "variant": {"small_gap": {"pool": 8}}},
        "epochs": epochs,
        "batch_size": 4,
        "schedule": {"bounds": {"base": 0.001, "max": 0.01}},
        "gate": {"candidates": [2, 4], "folds": 3, "alpha": 0.1},
        "validation": {"from": "none"},
    })
}

fn spectrum(material: u64, replicate: u64) -> Spectrum {
    let mut rng = keyed_rng(material, "spectrum of a test", &[replicate]);
    let counts = (0..16_384_u64)
        .map(|channel| {
            let peak = if channel % (900 + 370 * material) < 40 {
                5000
            } else {
                0
            };
            4000 / (1 + channel / 900) + peak + rng.random_range(0..300)
        })
        .collect();
    Spectrum {
        calibration: EnergyCalibration::new(-1.4, 0.7155, 0.0).ok(),
        live_time_s: Some(900.0),
        real_time_s: Some(1000.0),
        ..Spectrum::from_counts(counts)
    }
}

async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let storage = StorageConfig {
        data_dir: folder.path().to_path_buf(),
        ..StorageConfig::default()
    };
    let stores = Stores::open(&storage).unwrap();
    let mut rows = Vec::new();
    for material in 0..3 {
        for replicate in 0..6 {
            let bytes = assay_formats::write_spe(&spectrum(material, replicate));
            let digest = stores.blobs.put(bytes.clone().into()).await.unwrap();
            let reading = assay_formats::read(&bytes, None).unwrap();
            rows.push(DatasetRow {
                line: 0,
                file: digest.to_string(),
                label: ClassLabel::new(&format!("material {material}")).unwrap(),
                role: Role::Known,
                group: format!("{replicate}"),
                digest,
                spectrum: reading.spectrum,
                warnings: reading.warnings,
                further_records: reading.further_records,
            });
        }
    }
    let dataset = Dataset::from_rows(Path::new("data set"), rows);
    let list = SpectrumList::of(&dataset).to_csv();
    let reference = stores.blobs.put(list.into()).await.unwrap();
    Place {
        jobs: Jobs::open(&storage).unwrap(),
        folder,
        stores,
        dataset,
        reference,
    }
}

impl Place {
    async fn submit(&self, dataset: Digest, specification: Value) -> JobId {
        let job = TrainJob {
            dataset,
            model: "small".to_owned(),
            specification,
            promote: true,
        };
        let job = NewJob {
            lane: Lane::Train,
            specification: serde_json::to_value(job).unwrap(),
            principal: "tester".to_owned(),
            idempotency_key: None,
            max_attempts: 3,
            trace_parent: None,
        };
        let (store, queue) = (&*self.jobs.store, &*self.jobs.queue);
        submit(store, queue, job, 100).await.unwrap().record.id
    }

    /// A worker that runs until the token is cancelled.
    fn worker(&self) -> (CancellationToken, tokio::task::JoinHandle<()>) {
        let source = Arc::new(LocalWork {
            store: Arc::clone(&self.jobs.store),
            queue: Arc::clone(&self.jobs.queue),
            lease: Duration::from_secs(3),
        });
        let config = TrainerConfig {
            threads: 1,
            checkpoint_every_steps: 5,
            ..TrainerConfig::default()
        };
        let deps = TrainerDeps {
            blobs: Arc::clone(&self.stores.blobs),
            registry: Arc::clone(&self.stores.registry),
            work: source.clone(),
            work_dir: self.folder.path().join("work"),
        };
        let worker = Worker {
            source,
            lane: Lane::Train,
            name: "tester".to_owned(),
            handler: Arc::new(TrainHandler::new(&config, deps).unwrap()),
        };
        let end = CancellationToken::new();
        let ended = end.clone().cancelled_owned();
        (end, tokio::spawn(worker.run(ended)))
    }

    /// Waits for an event of a job; the job's events tell it, no clock.
    async fn until(&self, id: JobId, wanted: impl Fn(&EventKind) -> bool) {
        let mut after = 0;
        loop {
            let events = self.jobs.store.events(id, after, WAIT).await.unwrap();
            assert!(!events.is_empty(), "nothing happens to the job");
            for event in events {
                after = event.sequence;
                if wanted(&event.kind) {
                    return;
                }
            }
        }
    }

    async fn end_of(&self, id: JobId) -> JobRecord {
        let is_end =
            |kind: &EventKind| matches!(kind, EventKind::State { state, .. } if state.is_final());
        self.until(id, is_end).await;
        self.jobs.store.get(id).await.unwrap()
    }

    /// The bundle that training here, without any service, makes.
    fn expected(&self, wanted: &Value) -> Digest {
        let mut spec = TrainingSpec::from_request(wanted).unwrap();
        spec.execution.threads = 1;
        let data = TrainingData {
            dataset: &self.dataset,
            validation: None,
        };
        let resources = Resources {
            bases_dir: Path::new(""),
            runtime_library: None,
            clock: None,
            wall_clock_s: None,
        };
        train(data, &spec, &resources, &Unobserved)
            .unwrap()
            .bundle
            .id()
    }
}

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
    let events = place.jobs.store.events(id, 0, WAIT).await.unwrap();
    let epochs = events.iter().filter_map(|event| match &event.kind {
        EventKind::Progress(progress) => progress.epoch.as_ref().map(|epoch| epoch.epoch),
        _ => None,
    });
    assert!(epochs.collect::<Vec<_>>().contains(&6));
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
        let checkpoints = place.folder.path().join("work/train").join(id.to_string());
        assert!(checkpoints.exists());
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
