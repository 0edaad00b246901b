//! The registry in an object store. Everything in it is written once and never changed:
//! `files/<digest>` the files of bundles, `bundles/<digest>` which files make a bundle,
//! `models/<name>/versions/<version>`, and `models/<name>/aliases/<alias>/<step>`, of which the
//! highest step holds.

mod aliases;
mod bundles;
mod leftovers;
mod listing;

use crate::{
    AliasChange, BundleFiles, BundleRegistry, Leftovers, ModelEntry, ModelVersion, PRODUCTION,
    StoreError, VersionOrigin, check_name, objects::Objects,
};
use assay_core::Digest;
use async_trait::async_trait;
use bytes::Bytes;
use object_store::{ObjectStore, path::Path as Key};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Tells the time of entries.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// A registry in an object store or a folder. Several processes may use one at the same time.
#[derive(Clone)]
pub struct ObjectRegistry {
    objects: Objects,
    clock: Clock,
}

impl fmt::Debug for ObjectRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectRegistry")
            .field(&self.objects)
            .finish()
    }
}

impl ObjectRegistry {
    /// A registry in an object store, from its root on. The store must be able to put an object
    /// only where there is none.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self::over(Objects::new(store))
    }

    /// A registry in a folder, which is made if it is not there. What its methods returned
    /// survives a loss of power.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn local(folder: &Path) -> Result<Self, StoreError> {
        Objects::local(folder).map(Self::over)
    }

    /// The same registry with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    fn over(objects: Objects) -> Self {
        Self {
            objects,
            clock: Arc::new(SystemTime::now),
        }
    }

    fn now_ms(&self) -> u64 {
        let since = (self.clock)()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    async fn version(&self, name: &str, version: &str) -> Result<Option<ModelVersion>, StoreError> {
        self.read(&version_key(name, version)).await
    }

    async fn read<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.objects.get(key).await? else {
            return Ok(None);
        };
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|error| StoreError::Unreadable {
            what: format!("{key} in the registry"),
            reason: error.to_string(),
        })
    }

    async fn write_new<T: Serialize>(&self, key: &Key, value: &T) -> Result<bool, StoreError> {
        self.objects.create(key, to_bytes(key, value)?).await
    }

    async fn write<T: Serialize>(&self, key: &Key, value: &T) -> Result<(), StoreError> {
        self.objects.put(key, to_bytes(key, value)?).await
    }
}

fn to_bytes<T: Serialize>(key: &Key, value: &T) -> Result<Bytes, StoreError> {
    let bytes = serde_json::to_vec(value).map_err(|error| StoreError::Unreadable {
        what: format!("{key} in the registry"),
        reason: error.to_string(),
    })?;
    Ok(Bytes::from(bytes))
}

fn version_key(name: &str, version: &str) -> Key {
    Key::from_iter(["models", name, "versions", version])
}

#[async_trait]
impl BundleRegistry for ObjectRegistry {
    async fn put(
        &self,
        name: &str,
        version: &str,
        bundle: Digest,
        files: BundleFiles,
        origin: VersionOrigin,
    ) -> Result<ModelVersion, StoreError> {
        check_name("model", name)?;
        check_name("version", version)?;
        if version == PRODUCTION || !self.steps(name, version).await?.is_empty() {
            return Err(StoreError::Invalid {
                field: "version",
                value: version.to_owned(),
                allowed: "a name that is no alias".to_owned(),
            });
        }
        if self.version(name, version).await?.is_none() {
            self.put_files(bundle, &files).await?;
        }
        let entry = ModelVersion {
            name: name.to_owned(),
            version: version.to_owned(),
            bundle,
            created_at_ms: self.now_ms(),
            origin,
        };
        let entry = match self.write_new(&version_key(name, version), &entry).await? {
            true => entry,
            false => match self.version(name, version).await? {
                Some(first) if first.bundle == bundle => first,
                _ => {
                    return Err(StoreError::Exists {
                        what: "version",
                        name: format!("{name}:{version}"),
                    });
                }
            },
        };
        self.make_whole(bundle, &files).await?;
        Ok(entry)
    }

    async fn resolve(
        &self,
        name: &str,
        version_or_alias: &str,
    ) -> Result<ModelVersion, StoreError> {
        check_name("model", name)?;
        check_name("version or alias", version_or_alias)?;
        if let Some(version) = self.version(name, version_or_alias).await? {
            return Ok(version);
        }
        let last = self.last_change(name, version_or_alias).await?;
        let Some(target) = last.and_then(|change| change.version) else {
            return Err(self.unknown(name, version_or_alias).await?);
        };
        match self.version(name, &target).await? {
            Some(version) => Ok(version),
            None => Err(StoreError::Unreadable {
                what: format!("alias {version_or_alias} of model {name}"),
                reason: format!("it points to version {target}, which is not there"),
            }),
        }
    }

    async fn has(&self, bundle: Digest) -> Result<bool, StoreError> {
        self.has_bundle(bundle).await
    }

    async fn files(&self, bundle: Digest) -> Result<BundleFiles, StoreError> {
        self.get_files(bundle).await
    }

    async fn list(&self) -> Result<Vec<ModelEntry>, StoreError> {
        self.entries().await
    }

    async fn promote(
        &self,
        name: &str,
        alias: &str,
        version: &str,
        expected: Option<Option<&str>>,
        principal: &str,
    ) -> Result<AliasChange, StoreError> {
        self.move_alias(name, alias, version, expected, principal)
            .await
    }

    async fn roll_back(
        &self,
        name: &str,
        alias: &str,
        principal: &str,
    ) -> Result<AliasChange, StoreError> {
        self.move_alias_back(name, alias, principal).await
    }

    async fn history(&self, name: &str, alias: &str) -> Result<Vec<AliasChange>, StoreError> {
        self.changes(name, alias).await
    }

    async fn remove_leftovers(&self, moment: SystemTime) -> Result<Leftovers, StoreError> {
        self.remove_older(moment).await
    }
}
