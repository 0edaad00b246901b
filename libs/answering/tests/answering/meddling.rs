//! The real stores and a model that runs, watched, held up and made to fail.

use assay_answering::{AnswerError, Explaining, FeatureSource, ImportanceRow, ServedModel};
use assay_core::Digest;
use assay_pipeline::{Bundle, Identifier, Watch, fixture};
use assay_store::{
    AliasChange, BlobStore, BundleFiles, BundleRegistry, Leftovers, ModelEntry, ModelVersion,
    ObjectBlobs, ObjectRegistry, StoreError, VersionOrigin,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use ndarray::{Axis, aview1};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    time::{Duration, SystemTime},
};
use tokio::sync::{Notify, Semaphore};

/// Features by a session of this process; after some rows it does not answer any more.
pub(crate) struct Features {
    identifier: Identifier,
    asked: AtomicUsize,
    rows: AtomicUsize,
    pub(crate) stalled: Notify,
}

impl Features {
    pub(crate) fn of(bundle: &Bundle) -> Self {
        Self {
            identifier: Identifier::new(bundle.clone(), &fixture::options()).unwrap(),
            asked: AtomicUsize::new(0),
            rows: AtomicUsize::new(usize::MAX),
            stalled: Notify::new(),
        }
    }

    /// Answers about so many rows from now on, and about no more.
    pub(crate) fn stall_after(&self, rows: usize) {
        self.asked.store(0, SeqCst);
        self.rows.store(rows, SeqCst);
    }

    /// Answers about every row from now on, and counts from 0.
    pub(crate) fn go_on(&self) {
        self.stall_after(usize::MAX);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    async fn begin(&self) {
        if self.asked.fetch_add(1, SeqCst) >= self.rows.load(SeqCst) {
            self.stalled.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl FeatureSource for Features {
    async fn resolve(&self, model: &str) -> Result<ServedModel, AnswerError> {
        if model == "lost" {
            std::future::pending::<()>().await;
        }
        let contents = self.identifier.bundle().contents();
        Ok(ServedModel {
            bundle: self.identifier.bundle().id(),
            bins: contents.recipe.bins(),
            features: contents.head.features,
        })
    }

    async fn features(
        &self,
        _bundle: Digest,
        vectors: Vec<Vec<f32>>,
        _deadline: Option<Duration>,
    ) -> Result<assay_answering::Features, AnswerError> {
        self.begin().await;
        let row = |vector: Vec<f32>| {
            let vector = aview1(&vector).insert_axis(Axis(0));
            let features = self.identifier.features(vector, &Watch::none()).unwrap();
            features.into_iter().collect()
        };
        Ok(assay_answering::Features {
            rows: vectors.into_iter().map(row).collect(),
            cached: 0,
            queue: Duration::ZERO,
            compute: Duration::ZERO,
        })
    }

    async fn importances(
        &self,
        _bundle: Digest,
        vector: Vec<f32>,
        _asked: Explaining,
        _deadline: Option<Duration>,
    ) -> Result<ImportanceRow, AnswerError> {
        self.begin().await;
        let mapped = self
            .identifier
            .extractor()
            .extract_with_map(&vector)
            .unwrap();
        let class = self.identifier.decide(&mapped.features).unwrap().class;
        let settings = assay_explain::CamSettings::default();
        let bundle = self.identifier.bundle();
        let importances =
            assay_explain::class_importances(bundle, &mapped, class, settings).unwrap();
        let map = assay_explain::class_map(bundle, &mapped, class, settings.method).unwrap();
        Ok(ImportanceRow {
            label: importances.label.to_string(),
            energy_kev: importances.energy_kev,
            importance: importances.importance,
            features: mapped.features,
            map,
        })
    }
}

/// Blobs in a folder, with the longest that passed, that can be away.
pub(crate) struct Blobs {
    inner: ObjectBlobs,
    /// Puts that still succeed.
    puts: AtomicUsize,
    longest: AtomicUsize,
    pub(crate) silent: AtomicBool,
}

impl Blobs {
    pub(crate) fn local(folder: &Path) -> Self {
        Self {
            inner: ObjectBlobs::local(folder).unwrap(),
            puts: AtomicUsize::new(usize::MAX),
            longest: AtomicUsize::new(0),
            silent: AtomicBool::new(false),
        }
    }

    /// Takes so many more and then none.
    pub(crate) fn fail_after(&self, puts: usize) {
        self.puts.store(puts, SeqCst);
    }

    /// The longest part or blob since this was asked the last time, in bytes.
    pub(crate) fn longest(&self) -> usize {
        self.longest.swap(0, SeqCst)
    }

    fn pass(&self, bytes: &Bytes) {
        self.longest.fetch_max(bytes.len(), SeqCst);
    }

    fn take(&self) -> Result<(), StoreError> {
        let fewer = |left: usize| left.checked_sub(1);
        let taken = self.puts.fetch_update(SeqCst, SeqCst, fewer);
        taken.map(drop).map_err(|_| StoreError::Unavailable {
            reason: "the disk is full".to_owned(),
        })
    }
}

#[async_trait]
impl BlobStore for Blobs {
    async fn put(&self, bytes: Bytes) -> Result<Digest, StoreError> {
        self.take()?;
        self.pass(&bytes);
        self.inner.put(bytes).await
    }

    async fn put_parts(
        &self,
        digest: Digest,
        parts: BoxStream<'_, Result<Bytes, StoreError>>,
    ) -> Result<(), StoreError> {
        self.take()?;
        let parts = parts.inspect(|part| {
            if let Ok(part) = part {
                self.pass(part);
            }
        });
        self.inner.put_parts(digest, parts.boxed()).await
    }

    async fn get(&self, digest: Digest) -> Result<Bytes, StoreError> {
        if self.silent.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        let bytes = self.inner.get(digest).await?;
        self.pass(&bytes);
        Ok(bytes)
    }

    async fn size(&self, digest: Digest) -> Result<Option<u64>, StoreError> {
        self.inner.size(digest).await
    }

    async fn part(&self, digest: Digest, from: u64, length: usize) -> Result<Bytes, StoreError> {
        self.inner.part(digest, from, length).await
    }

    async fn remove(&self, digest: Digest) -> Result<(), StoreError> {
        self.inner.remove(digest).await
    }

    async fn remove_if_older(
        &self,
        digest: Digest,
        moment: SystemTime,
    ) -> Result<bool, StoreError> {
        self.inner.remove_if_older(digest, moment).await
    }

    fn list(&self) -> BoxStream<'_, Result<(Digest, SystemTime), StoreError>> {
        self.inner.list()
    }

    async fn remove_leftovers(&self, moment: SystemTime) -> Result<u64, StoreError> {
        self.inner.remove_leftovers(moment).await
    }
}

/// A registry in a folder that counts how often it is read, and can be held up.
pub(crate) struct Registry {
    inner: ObjectRegistry,
    reads: AtomicUsize,
    open: Semaphore,
}

/// More than any test reads.
const ALL: usize = 10_000;

impl Registry {
    pub(crate) fn local(folder: &Path) -> Self {
        Self {
            inner: ObjectRegistry::local(folder).unwrap(),
            reads: AtomicUsize::new(0),
            open: Semaphore::new(ALL),
        }
    }

    /// How often a bundle was read since this was asked the last time.
    pub(crate) fn reads(&self) -> usize {
        self.reads.swap(0, SeqCst)
    }

    /// Lets nobody read until [`Registry::open`].
    pub(crate) fn close(&self) {
        self.open.forget_permits(ALL);
    }

    pub(crate) fn open(&self) {
        self.open.add_permits(ALL);
    }
}

#[async_trait]
impl BundleRegistry for Registry {
    async fn files(&self, bundle: Digest) -> Result<BundleFiles, StoreError> {
        self.reads.fetch_add(1, SeqCst);
        let _open = self.open.acquire().await.unwrap();
        self.inner.files(bundle).await
    }

    async fn put(
        &self,
        name: &str,
        version: &str,
        bundle: Digest,
        files: BundleFiles,
        origin: VersionOrigin,
    ) -> Result<ModelVersion, StoreError> {
        self.inner.put(name, version, bundle, files, origin).await
    }

    async fn resolve(&self, name: &str, what: &str) -> Result<ModelVersion, StoreError> {
        self.inner.resolve(name, what).await
    }

    async fn has(&self, bundle: Digest) -> Result<bool, StoreError> {
        self.inner.has(bundle).await
    }

    async fn list(&self) -> Result<Vec<ModelEntry>, StoreError> {
        self.inner.list().await
    }

    async fn promote(
        &self,
        name: &str,
        alias: &str,
        version: &str,
        expected: Option<Option<&str>>,
        principal: &str,
    ) -> Result<AliasChange, StoreError> {
        let promote = self
            .inner
            .promote(name, alias, version, expected, principal);
        promote.await
    }

    async fn roll_back(
        &self,
        name: &str,
        alias: &str,
        principal: &str,
    ) -> Result<AliasChange, StoreError> {
        self.inner.roll_back(name, alias, principal).await
    }

    async fn history(&self, name: &str, alias: &str) -> Result<Vec<AliasChange>, StoreError> {
        self.inner.history(name, alias).await
    }

    async fn remove_leftovers(&self, moment: SystemTime) -> Result<Leftovers, StoreError> {
        self.inner.remove_leftovers(moment).await
    }
}
