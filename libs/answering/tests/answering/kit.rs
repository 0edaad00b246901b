//! Stores in a folder, a model that runs, jobs, and a worker.

use crate::meddling::{Blobs, Registry};
use assay_answering::{
    Answerer, AnswererOptions, Sources,
    batch::{Batch, BatchKind, BatchOptions},
};
use assay_backends::{Jobs, StorageConfig};
use assay_core::Digest;
use assay_jobs::{BatchJob, JobId, JobRecord, JobState, Lane, LocalWork, NewJob, Reaper, Worker};
use assay_pipeline::{Bundle, Dataset, SpectrumList, fixture};
use assay_store::{BlobStore, BundleRegistry, VersionOrigin};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

/// A small network on vectors.
pub(crate) static BUNDLE: LazyLock<Bundle> = LazyLock::new(fixture::bundle);

/// A small network on images.
pub(crate) static IMAGES: LazyLock<Bundle> = LazyLock::new(fixture::image_bundle);

pub(crate) struct Kit {
    bundle: Digest,
    pub(crate) registry: Arc<Registry>,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) features: Arc<crate::meddling::Features>,
    pub(crate) jobs: Jobs,
    pub(crate) folder: tempfile::TempDir,
}

impl Kit {
    pub(crate) async fn new() -> Self {
        Self::of(&BUNDLE).await
    }

    /// Stores with this model.
    pub(crate) async fn of(bundle: &Bundle) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = StorageConfig {
            data_dir: folder.path().to_path_buf(),
            ..StorageConfig::default()
        };
        let kit = Self {
            bundle: bundle.id(),
            registry: Arc::new(Registry::local(&folder.path().join("registry"))),
            blobs: Arc::new(Blobs::local(&folder.path().join("blobs"))),
            features: Arc::new(crate::meddling::Features::of(bundle)),
            jobs: Jobs::embedded(&storage).unwrap(),
            folder,
        };
        kit.register("steels", bundle).await;
        kit
    }

    pub(crate) async fn register(&self, name: &str, bundle: &Bundle) {
        let files = bundle.files().into_iter();
        let files = files.map(|(name, bytes)| (name.to_owned(), Bytes::copy_from_slice(bytes)));
        let (files, origin) = (files.collect(), VersionOrigin::default());
        let put = self.registry.put(name, "1", bundle.id(), files, origin);
        put.await.unwrap();
    }

    /// An answerer that keeps so many bundles.
    pub(crate) fn answerer(&self, bundles: usize) -> Arc<Answerer> {
        let sources = Sources {
            registry: Arc::clone(&self.registry) as _,
            blobs: Arc::clone(&self.blobs) as _,
            features: Arc::clone(&self.features) as _,
        };
        let options = AnswererOptions {
            bundles,
            ..AnswererOptions::default()
        };
        Arc::new(Answerer::new(sources, options))
    }

    /// Where a blob lies.
    pub(crate) fn file(&self, blob: Digest) -> PathBuf {
        let name = blob.to_string();
        self.folder.path().join("blobs").join(&name[..2]).join(name)
    }

    /// Puts the spectra of a data set; gives the stored list of them and its length.
    pub(crate) async fn dataset(&self, dataset: &Dataset) -> (Digest, usize) {
        for row in dataset.rows() {
            let bytes = assay_formats::write_spe(&row.spectrum);
            assert_eq!(self.put(bytes).await, row.digest);
        }
        self.list(&SpectrumList::of(dataset)).await
    }

    /// Stores a list; gives its digest and length.
    pub(crate) async fn list(&self, list: &SpectrumList) -> (Digest, usize) {
        (self.put(list.to_csv()).await, list.rows().len())
    }

    pub(crate) async fn put(&self, bytes: impl Into<Vec<u8>>) -> Digest {
        self.blobs.put(Bytes::from(bytes.into())).await.unwrap()
    }

    pub(crate) async fn submit(&self, lane: Lane, dataset: Digest) -> JobId {
        self.submit_asking(lane, dataset, None).await
    }

    /// Submits a job that asks for certain explanations.
    pub(crate) async fn submit_asking(
        &self,
        lane: Lane,
        dataset: Digest,
        explanation: Option<serde_json::Value>,
    ) -> JobId {
        let job = BatchJob {
            dataset,
            model: "steels".to_owned(),
            bundle: self.bundle,
            explanation,
        };
        let job = NewJob {
            lane,
            specification: serde_json::to_value(job).unwrap(),
            principal: "test".to_owned(),
            idempotency_key: None,
            max_attempts: 3,
            trace_parent: None,
        };
        let submitted = assay_jobs::submit(&*self.jobs.store, &*self.jobs.queue, job, 100).await;
        submitted.unwrap().record.id
    }

    /// Works on a lane until `end`, and lets go of the job that is at hand then.
    pub(crate) async fn work(&self, lane: Lane, end: impl Future<Output = ()> + Send) {
        let kind = match lane {
            Lane::Explain => BatchKind::Explain { regions: 3 },
            _ => BatchKind::Identify,
        };
        let source = LocalWork {
            store: Arc::clone(&self.jobs.store),
            queue: Arc::clone(&self.jobs.queue),
            lease: Duration::from_secs(60),
        };
        let worker = Worker {
            source: Arc::new(source),
            lane,
            name: "worker of the test".to_owned(),
            handler: Arc::new(Batch::new(self.answerer(2), kind, OPTIONS)),
        };
        worker.run(end).await;
    }

    /// Works until a job is over; gives its record.
    pub(crate) async fn finish(&self, id: JobId) -> JobRecord {
        let lane = self.record(id).await.job.lane;
        let mut reaper = Reaper::new(Arc::clone(&self.jobs.store), Arc::clone(&self.jobs.queue));
        reaper.every = Duration::from_millis(20);
        tokio::select! {
            () = reaper.run(std::future::pending()) => {}
            () = self.work(lane, self.until(id, |record| record.state.is_final())) => {}
        }
        self.record(id).await
    }

    /// Waits until something holds of a job's record. Every change comes with an event.
    pub(crate) async fn until(&self, id: JobId, holds: impl Fn(&JobRecord) -> bool + Send) {
        let mut seen = 0;
        while !holds(&self.record(id).await) {
            let wait = Duration::from_secs(10);
            let events = self.jobs.store.events(id, seen, wait).await.unwrap();
            seen = events.last().map_or(seen, |event| event.sequence);
        }
    }

    pub(crate) async fn record(&self, id: JobId) -> JobRecord {
        self.jobs.store.get(id).await.unwrap()
    }

    /// What a job left that ran without a disturbance.
    pub(crate) async fn undisturbed(
        &self,
        lane: Lane,
        dataset: Digest,
    ) -> BTreeMap<String, Digest> {
        let id = self.submit(lane, dataset).await;
        artefacts(&self.finish(id).await)
    }
}

/// One row after another, kept two by two.
pub(crate) const OPTIONS: BatchOptions = BatchOptions {
    chunk_rows: 2,
    rows_at_once: 1,
    max_rows: 100,
    retries: 0,
    row_time: Duration::from_secs(300),
    // Every batch of runs is kept.
    state_time: Duration::ZERO,
};

pub(crate) fn artefacts(record: &JobRecord) -> BTreeMap<String, Digest> {
    assert_eq!(record.state, JobState::Succeeded, "{:?}", record.failure);
    record.result.clone().unwrap().artefacts
}
