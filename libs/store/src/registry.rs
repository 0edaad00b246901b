//! The port to the registry of model bundles: `name/version` never changes once it is there,
//! aliases such as `production` point to versions and can be moved and moved back.

use crate::StoreError;
use assay_core::Digest;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::SystemTime};

/// The alias that is served where no other is named.
pub const PRODUCTION: &str = "production";

/// The files of a bundle by name.
pub type BundleFiles = BTreeMap<String, Bytes>;

/// Where a version came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionOrigin {
    /// The training job, if one made it.
    pub job: Option<String>,
    /// Who put it there.
    pub principal: String,
}

/// One version of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// Name of the model.
    pub name: String,
    /// Name of the version, unique within the model.
    pub version: String,
    /// The bundle.
    pub bundle: Digest,
    /// When it was put, in milliseconds since 1970-01-01 UTC.
    pub created_at_ms: u64,
    /// Where it came from.
    pub origin: VersionOrigin,
}

/// One step in the history of an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasChange {
    /// Number of the step, from 1.
    pub step: u64,
    /// The version it points to from then on; `None` when the alias was removed.
    pub version: Option<String>,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// Who moved it.
    pub principal: String,
}

/// A model with its versions and aliases.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// Name of the model.
    pub name: String,
    /// Versions, oldest first.
    pub versions: Vec<ModelVersion>,
    /// The version each alias points to.
    pub aliases: BTreeMap<String, String>,
    /// What of it cannot be read, in words. Such a version or alias is missing above, though it
    /// is there.
    pub unreadable: Vec<String>,
}

/// What [`BundleRegistry::remove_leftovers`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Bundles that no version names.
    pub bundles: u64,
    /// Files that belong to no bundle.
    pub files: u64,
    /// Files whose writing never ended.
    pub unfinished: u64,
}

impl Leftovers {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.bundles + self.files + self.unfinished
    }
}

/// The port to a registry. Names of models, versions and aliases: 1 to 64 characters of
/// `a-z A-Z 0-9 . _ -`, the first a letter or digit.
#[async_trait]
pub trait BundleRegistry: Send + Sync {
    /// Keeps a bundle under `name/version`. The same bundle under the same name again is
    /// harmless and gives the first entry. Nothing refers to a bundle before all its files are
    /// durable.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when another bundle stands there, [`StoreError::Invalid`] for a
    /// name that cannot be used, that of an alias of this model among them.
    async fn put(
        &self,
        name: &str,
        version: &str,
        bundle: Digest,
        files: BundleFiles,
        origin: VersionOrigin,
    ) -> Result<ModelVersion, StoreError>;

    /// One version, by version name or by alias.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], naming what there is.
    async fn resolve(&self, name: &str, version_or_alias: &str)
    -> Result<ModelVersion, StoreError>;

    /// Whether a bundle is there as a whole.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn has(&self, bundle: Digest) -> Result<bool, StoreError>;

    /// The files of a bundle. Whether they are intact is for the reader of bundles to say.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn files(&self, bundle: Digest) -> Result<BundleFiles, StoreError>;

    /// Every model. What cannot be read of one is told with it and keeps no other from the list.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn list(&self) -> Result<Vec<ModelEntry>, StoreError>;

    /// Points an alias to a version, atomically. With `expected`, only if it points there now
    /// (`Some(None)`: only if it does not exist). Where it points to the version already, nothing
    /// changes and the answer is its last change, so that a repeat is harmless.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown version, [`StoreError::Conflict`] when `expected`
    /// does not hold or somebody else moved it at the same moment, [`StoreError::Invalid`] for an
    /// alias that cannot be used, the name of a version of this model among them.
    async fn promote(
        &self,
        name: &str,
        alias: &str,
        version: &str,
        expected: Option<Option<&str>>,
        principal: &str,
    ) -> Result<AliasChange, StoreError>;

    /// Points an alias to where it pointed before its last change; twice is back again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is nothing before, [`StoreError::Conflict`] when
    /// somebody else moved it at the same moment.
    async fn roll_back(
        &self,
        name: &str,
        alias: &str,
        principal: &str,
    ) -> Result<AliasChange, StoreError>;

    /// Every step of an alias, oldest first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn history(&self, name: &str, alias: &str) -> Result<Vec<AliasChange>, StoreError>;

    /// Removes what pushes that were killed half-way left behind: bundles and files last written
    /// before `moment` that no version names. Versions never go. A push that runs meanwhile ends
    /// with a whole bundle, even if it takes up such a leftover.
    ///
    /// # Errors
    /// When the store cannot be reached or an entry cannot be read; what was removed until then is
    /// gone rightly.
    async fn remove_leftovers(&self, moment: SystemTime) -> Result<Leftovers, StoreError>;
}
