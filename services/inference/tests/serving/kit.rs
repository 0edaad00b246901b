//! A registry in a folder, a cache that can be made to fail, and models that run for real.

use crate::fickle_registry::FickleRegistry;
use assay_answering::{FeatureSource, Features};
use assay_core::Digest;
use assay_embedded::MemoryFeatureCache;
use assay_inference::{Inference, InferenceConfig, InferenceDeps};
use assay_pipeline::{Bundle, fixture};
use assay_runtime::{Readiness, Shutdown};
use assay_store::{
    BundleFiles, BundleRegistry, FeatureCache, ObjectRegistry, PRODUCTION, StoreError,
    VersionOrigin,
};
use bytes::Bytes;
use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// A small network on vectors, whose features are not cached.
pub(crate) static VECTORS: LazyLock<Bundle> = LazyLock::new(fixture::bundle);
/// A small network on images, whose features are cached.
pub(crate) static IMAGES: LazyLock<Bundle> = LazyLock::new(fixture::image_bundle);

pub(crate) struct Kit {
    pub(crate) registry: Arc<ObjectRegistry>,
    /// The same registry as the service sees it.
    pub(crate) seen: Arc<FickleRegistry>,
    pub(crate) cache: Arc<FickleCache>,
    pub(crate) shutdown: Shutdown,
    pub(crate) folder: tempfile::TempDir,
}

impl Kit {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Arc::new(ObjectRegistry::local(folder.path()).unwrap());
        Self {
            seen: Arc::new(FickleRegistry::new(Arc::clone(&registry))),
            registry,
            cache: Arc::default(),
            shutdown: Shutdown::new(Duration::from_secs(30)),
            folder,
        }
    }

    /// Registers a bundle under `name/version`.
    pub(crate) async fn put(&self, name: &str, version: &str, bundle: &Bundle) {
        self.put_files(name, version, bundle.id(), files(bundle))
            .await;
    }

    pub(crate) async fn put_files(
        &self,
        name: &str,
        version: &str,
        digest: Digest,
        files: BundleFiles,
    ) {
        let origin = VersionOrigin::default();
        let put = self.registry.put(name, version, digest, files, origin);
        put.await.unwrap();
    }

    pub(crate) async fn promote(&self, name: &str, version: &str) {
        let promote = self.registry.promote(name, PRODUCTION, version, None, "");
        promote.await.unwrap();
    }

    /// A model with one version that is in production.
    pub(crate) async fn serve(&self, name: &str, bundle: &Bundle) {
        self.put(name, "1", bundle).await;
        self.promote(name, "1").await;
    }

    /// Starts, and waits until it is ready.
    pub(crate) async fn start(&self, config: InferenceConfig) -> Arc<Inference> {
        let inference = self.start_only(config).await;
        let mut ready = inference.readiness();
        let ready = ready.wait_for(|ready| *ready == Readiness::Ready);
        ready.await.unwrap();
        inference
    }

    pub(crate) async fn start_only(&self, config: InferenceConfig) -> Arc<Inference> {
        let deps = InferenceDeps {
            registry: Arc::clone(&self.seen) as _,
            cache: Arc::clone(&self.cache) as _,
        };
        Inference::start(config, deps, &self.shutdown)
            .await
            .unwrap()
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

/// One thread per model, and no reading of the registry but at the start and when asked.
pub(crate) fn config() -> InferenceConfig {
    InferenceConfig {
        poll_interval_s: 3600.0,
        threads: std::num::NonZeroUsize::new(1),
        cache_timeout_s: 60.0,
        ..InferenceConfig::default()
    }
}

pub(crate) fn files(bundle: &Bundle) -> BundleFiles {
    let files = bundle.files().into_iter();
    files
        .map(|(name, bytes)| (name.to_owned(), Bytes::copy_from_slice(bytes)))
        .collect()
}

/// Input vectors of four materials, `4·replicates` in all.
pub(crate) fn vectors(bundle: &Bundle, replicates: u64) -> Vec<Vec<f32>> {
    let dataset = fixture::dataset(replicates, 100);
    let vectors = dataset.vectors(&bundle.contents().recipe).unwrap();
    vectors.outer_iter().map(|row| row.to_vec()).collect()
}

/// So many different vectors, made from one.
pub(crate) fn many(bundle: &Bundle, count: usize) -> Vec<Vec<f32>> {
    let vector = vectors(bundle, 1).swap_remove(0);
    let shifted = |row: usize| {
        let mut vector = vector.clone();
        vector[0] += row as f32 / 1024.0;
        vector
    };
    (0..count).map(shifted).collect()
}

pub(crate) async fn features(
    inference: &Inference,
    bundle: &Bundle,
    vectors: &[Vec<f32>],
) -> Features {
    let found = inference.features(bundle.id(), vectors.to_vec(), None);
    found.await.unwrap()
}

pub(crate) fn bits(rows: &[Vec<f32>]) -> Vec<Vec<u32>> {
    let bits = |row: &Vec<f32>| row.iter().map(|value| value.to_bits()).collect();
    rows.iter().map(bits).collect()
}

/// The cache of one process, made to fail or lie.
pub(crate) struct FickleCache {
    inner: MemoryFeatureCache,
    mood: AtomicU8,
    gets: AtomicUsize,
    puts: AtomicUsize,
    /// Most rows of a put.
    widest: AtomicUsize,
    hold_first_put: AtomicBool,
    pub(crate) go_on: Notify,
}

/// What the cache does wrong.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Mood {
    /// Nothing.
    Well = 0,
    /// Every value has a wrong byte.
    Damaging = 1,
    /// It cannot be reached.
    Away = 2,
    /// It does not answer.
    Silent = 3,
}

impl Default for FickleCache {
    fn default() -> Self {
        Self {
            inner: MemoryFeatureCache::with_capacity(64 << 20),
            mood: AtomicU8::new(Mood::Well as u8),
            gets: AtomicUsize::new(0),
            puts: AtomicUsize::new(0),
            widest: AtomicUsize::new(0),
            hold_first_put: AtomicBool::new(false),
            go_on: Notify::new(),
        }
    }
}

impl FickleCache {
    pub(crate) fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    /// Makes the first put wait for `go_on`.
    pub(crate) fn hold_first_put(&self) {
        self.hold_first_put.store(true, Ordering::SeqCst);
    }

    /// How often it was asked for features.
    pub(crate) fn gets(&self) -> usize {
        self.gets.load(Ordering::SeqCst)
    }

    /// How often it was given features.
    pub(crate) fn puts(&self) -> usize {
        self.puts.load(Ordering::SeqCst)
    }

    /// Most rows that it was given at once.
    pub(crate) fn widest(&self) -> usize {
        self.widest.load(Ordering::SeqCst)
    }

    async fn respond(&self) -> Result<bool, StoreError> {
        match self.mood.load(Ordering::SeqCst) {
            mood if mood == Mood::Away as u8 => Err(StoreError::Unavailable {
                reason: "it is away".to_owned(),
            }),
            mood if mood == Mood::Silent as u8 => std::future::pending().await,
            mood => Ok(mood == Mood::Damaging as u8),
        }
    }
}

#[async_trait::async_trait]
impl FeatureCache for FickleCache {
    async fn get(&self, keys: &[Digest]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        let damaging = self.respond().await?;
        let damaged = |bytes: Bytes| {
            let mut bytes = bytes.to_vec();
            bytes[9] ^= 1;
            Bytes::from(bytes)
        };
        let values = self.inner.get(keys).await?.into_iter();
        Ok(match damaging {
            true => values.map(|value| value.map(damaged)).collect(),
            false => values.collect(),
        })
    }

    async fn put(&self, entries: Vec<(Digest, Bytes)>) -> Result<(), StoreError> {
        self.widest.fetch_max(entries.len(), Ordering::SeqCst);
        if self.puts.fetch_add(1, Ordering::SeqCst) == 0
            && self.hold_first_put.load(Ordering::SeqCst)
        {
            self.go_on.notified().await;
        }
        self.respond().await?;
        self.inner.put(entries).await
    }
}
