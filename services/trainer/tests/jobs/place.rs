//! A server's folder with a small data set in it, and workers on it.

use assay_backends::{Jobs, StorageConfig, Stores};
use assay_core::{ClassLabel, Digest, keyed_rng};
use assay_jobs::{
    EventKind, JobId, JobRecord, Lane, LocalWork, NewJob, TrainJob, WorkSource, Worker, submit,
};
use assay_pipeline::{Bundle, Dataset, DatasetRow, Role, SpectrumList};
use assay_spectrum::{EnergyCalibration, Spectrum};
use assay_train::{
    CheckpointSettings, Execution, Resources, TrainingData, TrainingSpec, Unobserved, train,
};
use assay_trainer::{TrainHandler, TrainerConfig, TrainerDeps};
use rand::RngExt;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const WAIT: Duration = Duration::from_secs(120);

/// A server's folder with a data set in it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) stores: Stores,
    pub(crate) jobs: Jobs,
    pub(crate) dataset: Dataset,
    pub(crate) reference: Digest,
}

/// A small network, few epochs; bounds are given so that nothing is searched.
pub(crate) fn small(epochs: u32) -> Value {
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

pub(crate) async fn place() -> Place {
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
        jobs: Jobs::embedded(&storage).unwrap(),
        folder,
        stores,
        dataset,
        reference,
    }
}

impl Place {
    pub(crate) async fn submit(&self, dataset: Digest, specification: Value) -> JobId {
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

    /// The jobs as a worker beside them takes them.
    pub(crate) fn source(&self) -> Arc<LocalWork> {
        Arc::new(LocalWork {
            store: Arc::clone(&self.jobs.store),
            queue: Arc::clone(&self.jobs.queue),
            lease: Duration::from_secs(3),
        })
    }

    /// A worker that runs until the token is cancelled.
    pub(crate) fn worker(&self) -> (CancellationToken, tokio::task::JoinHandle<()>) {
        self.worker_on(self.source())
    }

    /// A worker with jobs from elsewhere.
    pub(crate) fn worker_on(
        &self,
        source: Arc<dyn WorkSource>,
    ) -> (CancellationToken, tokio::task::JoinHandle<()>) {
        let config = TrainerConfig {
            threads: 1,
            checkpoint_every_steps: 5,
            ..TrainerConfig::default()
        };
        let deps = TrainerDeps {
            blobs: Arc::clone(&self.stores.blobs),
            registry: Arc::clone(&self.stores.registry),
            work: Arc::clone(&source),
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

    /// Where the checkpoints of a job lie.
    pub(crate) fn checkpoints(&self, job: JobId) -> PathBuf {
        self.folder.path().join("work/train").join(job.to_string())
    }

    /// What the job's user was warned of.
    pub(crate) async fn warnings(&self, job: JobId) -> Vec<String> {
        let events = self.jobs.store.events(job, 0, WAIT).await.unwrap();
        let warnings = events.into_iter().filter_map(|event| match event.kind {
            EventKind::Warning(message) => Some(message),
            _ => None,
        });
        warnings.collect()
    }

    /// The epochs that a job's user was told of, in the order of the telling.
    pub(crate) async fn epochs(&self, job: JobId) -> Vec<u32> {
        let events = self.jobs.store.events(job, 0, WAIT).await.unwrap();
        let epochs = events.into_iter().filter_map(|event| match event.kind {
            EventKind::Progress(progress) => Some(progress.epoch?.epoch),
            _ => None,
        });
        epochs.collect()
    }

    /// Waits for an event of a job; the job's events tell it, no clock.
    pub(crate) async fn until(&self, id: JobId, wanted: impl Fn(&EventKind) -> bool) {
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

    pub(crate) async fn end_of(&self, id: JobId) -> JobRecord {
        let is_end =
            |kind: &EventKind| matches!(kind, EventKind::State { state, .. } if state.is_final());
        self.until(id, is_end).await;
        self.jobs.store.get(id).await.unwrap()
    }

    /// The bundle that training here, without any service, makes.
    pub(crate) fn expected(&self, wanted: &Value) -> Digest {
        let execution = Execution {
            threads: 1,
            ..Execution::default()
        };
        self.trained_here(wanted, execution).id()
    }

    /// Leaves the checkpoints of an attempt before the first, that trained with other threads.
    pub(crate) fn leave_checkpoints(&self, job: JobId, wanted: &Value, threads: usize) {
        let folder = self.checkpoints(job).join("0");
        std::fs::create_dir_all(&folder).unwrap();
        let execution = Execution {
            threads,
            checkpoints: Some(CheckpointSettings::new(folder.clone())),
            ..Execution::default()
        };
        self.trained_here(wanted, execution);
        assert_ne!(std::fs::read_dir(folder).unwrap().count(), 0);
    }

    /// Trains here, without any service.
    pub(crate) fn trained_here(&self, wanted: &Value, execution: Execution) -> Bundle {
        let mut spec = TrainingSpec::from_request(wanted).unwrap();
        spec.execution = execution;
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
        train(data, &spec, &resources, &Unobserved).unwrap().bundle
    }
}
