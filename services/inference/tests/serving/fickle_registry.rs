//! A registry that can be made to be away.

use assay_core::Digest;
use assay_store::{
    AliasChange, BundleFiles, BundleRegistry, Leftovers, ModelEntry, ModelVersion, ObjectRegistry,
    StoreError, VersionOrigin,
};
use async_trait::async_trait;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

pub(crate) struct FickleRegistry {
    inner: Arc<ObjectRegistry>,
    away: AtomicBool,
    readings: AtomicUsize,
}

impl FickleRegistry {
    pub(crate) fn new(inner: Arc<ObjectRegistry>) -> Self {
        Self {
            inner,
            away: AtomicBool::new(false),
            readings: AtomicUsize::new(0),
        }
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// How often it was asked for every model.
    pub(crate) fn readings(&self) -> usize {
        self.readings.load(Ordering::SeqCst)
    }

    fn there(&self) -> Result<&ObjectRegistry, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable {
                reason: "the network is down".to_owned(),
            });
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl BundleRegistry for FickleRegistry {
    async fn put(
        &self,
        name: &str,
        version: &str,
        bundle: Digest,
        files: BundleFiles,
        origin: VersionOrigin,
    ) -> Result<ModelVersion, StoreError> {
        let put = self.there()?.put(name, version, bundle, files, origin);
        put.await
    }

    async fn resolve(&self, name: &str, wanted: &str) -> Result<ModelVersion, StoreError> {
        self.there()?.resolve(name, wanted).await
    }

    async fn has(&self, bundle: Digest) -> Result<bool, StoreError> {
        self.there()?.has(bundle).await
    }

    async fn files(&self, bundle: Digest) -> Result<BundleFiles, StoreError> {
        self.there()?.files(bundle).await
    }

    async fn list(&self) -> Result<Vec<ModelEntry>, StoreError> {
        self.readings.fetch_add(1, Ordering::SeqCst);
        self.there()?.list().await
    }

    async fn promote(
        &self,
        name: &str,
        alias: &str,
        version: &str,
        expected: Option<Option<&str>>,
        principal: &str,
    ) -> Result<AliasChange, StoreError> {
        let promote = self.there()?;
        let promote = promote.promote(name, alias, version, expected, principal);
        promote.await
    }

    async fn roll_back(
        &self,
        name: &str,
        alias: &str,
        principal: &str,
    ) -> Result<AliasChange, StoreError> {
        self.there()?.roll_back(name, alias, principal).await
    }

    async fn history(&self, name: &str, alias: &str) -> Result<Vec<AliasChange>, StoreError> {
        self.there()?.history(name, alias).await
    }

    async fn remove_leftovers(&self, moment: SystemTime) -> Result<Leftovers, StoreError> {
        self.there()?.remove_leftovers(moment).await
    }
}
