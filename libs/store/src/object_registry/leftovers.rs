//! What pushes that were killed half-way leave: files without a bundle, bundles without a version.
//!
//! A push writes its version and then looks whether its bundle is whole; a removal removes and then
//! looks whether a version has come to name what is gone. Whichever is first, the other mends it.

use super::{
    ObjectRegistry,
    bundles::{BUNDLES, FILES},
};
use crate::{Leftovers, StoreError};
use assay_core::Digest;
use futures::TryStreamExt;
use object_store::path::Path as Key;
use std::{collections::HashSet, future::ready, time::SystemTime};

impl ObjectRegistry {
    /// Bundles go before their files, so that a removal that is killed leaves whole bundles.
    pub(super) async fn remove_older(&self, moment: SystemTime) -> Result<Leftovers, StoreError> {
        let mut leftovers = Leftovers {
            unfinished: self.objects.remove_unfinished(moment).await?,
            ..Leftovers::default()
        };
        leftovers.bundles = self.remove_needless(BUNDLES, moment).await?;
        leftovers.files = self.remove_needless(FILES, moment).await?;
        Ok(leftovers)
    }

    /// What is named by its digest in a folder.
    pub(super) async fn listed(&self, folder: &str) -> Result<Vec<(Key, Digest)>, StoreError> {
        let objects = self.objects.list(&Key::from(folder));
        // What has another name was not put here by us and is left alone.
        let ours = objects.try_filter_map(|meta| {
            let digest = meta.location.filename().and_then(|name| name.parse().ok());
            ready(Ok(digest.map(|digest| (meta.location, digest))))
        });
        ours.try_collect().await
    }

    /// Removes what is old in a folder and that nothing needs; gives the number.
    async fn remove_needless(
        &self,
        folder: &'static str,
        moment: SystemTime,
    ) -> Result<u64, StoreError> {
        let needed = self.needed(folder).await?;
        let mut removed = 0;
        for (key, digest) in self.listed(folder).await? {
            if !needed.contains(&digest) && self.is_older(&key, moment).await? {
                removed += u64::from(self.remove_one(folder, &key, digest).await?);
            }
        }
        Ok(removed)
    }

    /// What must stay in a folder.
    async fn needed(&self, folder: &str) -> Result<HashSet<Digest>, StoreError> {
        if folder == FILES {
            return self.files_of_bundles().await;
        }
        let entries = self.entries().await?;
        if let Some(reason) = entries.iter().find_map(|entry| entry.unreadable.first()) {
            return Err(StoreError::Unreadable {
                what: "a model, whose bundles nobody knows".to_owned(),
                reason: reason.clone(),
            });
        }
        let versions = entries.iter().flat_map(|entry| &entry.versions);
        Ok(versions.map(|version| version.bundle).collect())
    }

    async fn is_older(&self, key: &Key, moment: SystemTime) -> Result<bool, StoreError> {
        let meta = self.objects.head(key).await?;
        Ok(meta.is_some_and(|meta| SystemTime::from(meta.last_modified) < moment))
    }

    /// Removes an object, and puts it back where it is needed by then or where that cannot be told.
    async fn remove_one(
        &self,
        folder: &str,
        key: &Key,
        digest: Digest,
    ) -> Result<bool, StoreError> {
        let Some(bytes) = self.objects.get(key).await? else {
            return Ok(false);
        };
        self.objects.remove(key).await?;
        let needed = self.needed(folder).await;
        if matches!(&needed, Ok(needed) if !needed.contains(&digest)) {
            return Ok(true);
        }
        self.objects.create(key, bytes).await?;
        needed.map(|_| false)
    }
}
