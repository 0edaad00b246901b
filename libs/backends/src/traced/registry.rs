//! The registry of models.

use assay_core::Digest;
use assay_store::{
    AliasChange, BundleFiles, BundleRegistry, Leftovers, ModelEntry, ModelVersion, StoreError,
    VersionOrigin,
};
use assay_trace::{STEP, step};
use async_trait::async_trait;
use std::{sync::Arc, time::SystemTime};
use tracing::debug_span;

/// A registry with spans around it.
pub(crate) struct TracedRegistry(pub(crate) Arc<dyn BundleRegistry>);

#[async_trait]
impl BundleRegistry for TracedRegistry {
    async fn put(
        &self,
        name: &str,
        version: &str,
        bundle: Digest,
        files: BundleFiles,
        origin: VersionOrigin,
    ) -> Result<ModelVersion, StoreError> {
        let span = debug_span!(
            target: STEP, "registry.put", otel.kind = "client", model.name = name,
            model.version = version
        );
        step(span, self.0.put(name, version, bundle, files, origin)).await
    }

    async fn resolve(
        &self,
        name: &str,
        version_or_alias: &str,
    ) -> Result<ModelVersion, StoreError> {
        let span = debug_span!(
            target: STEP, "registry.resolve", otel.kind = "client", model.name = name,
            model.version = version_or_alias
        );
        step(span, self.0.resolve(name, version_or_alias)).await
    }

    async fn has(&self, bundle: Digest) -> Result<bool, StoreError> {
        let span = debug_span!(
            target: STEP, "registry.has", otel.kind = "client", model.digest = %bundle
        );
        step(span, self.0.has(bundle)).await
    }

    async fn files(&self, bundle: Digest) -> Result<BundleFiles, StoreError> {
        let span = debug_span!(
            target: STEP, "registry.files", otel.kind = "client", model.digest = %bundle
        );
        step(span, self.0.files(bundle)).await
    }

    async fn list(&self) -> Result<Vec<ModelEntry>, StoreError> {
        let span = debug_span!(target: STEP, "registry.list", otel.kind = "client");
        step(span, self.0.list()).await
    }

    async fn promote(
        &self,
        name: &str,
        alias: &str,
        version: &str,
        expected: Option<Option<&str>>,
        principal: &str,
    ) -> Result<AliasChange, StoreError> {
        let span = debug_span!(
            target: STEP, "registry.promote", otel.kind = "client", model.name = name,
            model.alias = alias, model.version = version
        );
        let promoted = self.0.promote(name, alias, version, expected, principal);
        step(span, promoted).await
    }

    async fn roll_back(
        &self,
        name: &str,
        alias: &str,
        principal: &str,
    ) -> Result<AliasChange, StoreError> {
        let span = debug_span!(
            target: STEP, "registry.roll_back", otel.kind = "client", model.name = name,
            model.alias = alias
        );
        step(span, self.0.roll_back(name, alias, principal)).await
    }

    async fn history(&self, name: &str, alias: &str) -> Result<Vec<AliasChange>, StoreError> {
        let span = debug_span!(
            target: STEP, "registry.history", otel.kind = "client", model.name = name,
            model.alias = alias
        );
        step(span, self.0.history(name, alias)).await
    }

    async fn remove_leftovers(&self, moment: SystemTime) -> Result<Leftovers, StoreError> {
        let span = debug_span!(target: STEP, "registry.remove_leftovers", otel.kind = "client");
        step(span, self.0.remove_leftovers(moment)).await
    }
}
