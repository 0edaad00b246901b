//! Blobs, the registry and the cache of features.

use crate::{
    BackendError, StorageConfig,
    traced::{TracedBlobs, TracedCache, TracedRegistry},
};
use assay_embedded::MemoryFeatureCache;
use assay_redis_store::RedisFeatureCache;
use assay_store::{BlobStore, BundleRegistry, FeatureCache, ObjectBlobs, ObjectRegistry};
use std::{fmt, sync::Arc};

/// What several processes may share.
#[derive(Clone)]
pub struct Stores {
    /// Spectra, data sets, results, checkpoints.
    pub blobs: Arc<dyn BlobStore>,
    /// Models.
    pub registry: Arc<dyn BundleRegistry>,
    /// Features that were computed before.
    pub cache: Arc<dyn FeatureCache>,
}

impl Stores {
    /// Opens the stores, whose folders are made if they are not there. Blocks on the disk for a
    /// moment.
    ///
    /// # Errors
    /// When a folder cannot be used. A cache that cannot be reached is none.
    pub fn open(config: &StorageConfig) -> Result<Self, BackendError> {
        let folder = &config.data_dir;
        let blobs = ObjectBlobs::local(&folder.join("blobs"))?;
        let registry = ObjectRegistry::local(&folder.join("registry"))?;
        Ok(Self {
            blobs: Arc::new(TracedBlobs(Arc::new(blobs))),
            registry: Arc::new(TracedRegistry(Arc::new(registry))),
            cache: Arc::new(TracedCache(cache(config))),
        })
    }
}

fn cache(config: &StorageConfig) -> Arc<dyn FeatureCache> {
    if config.cache_url.is_empty() {
        let capacity_bytes = config.feature_cache_bytes;
        return Arc::new(MemoryFeatureCache::with_capacity(capacity_bytes));
    }
    Arc::new(RedisFeatureCache::new(&config.cache()))
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").finish_non_exhaustive()
    }
}
