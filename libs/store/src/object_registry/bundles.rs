//! The files of bundles. The object that lists them is written last, so that a bundle is there as
//! a whole or not at all.

use super::ObjectRegistry;
use crate::{BundleFiles, StoreError, objects::digest_of};
use assay_core::Digest;
use object_store::path::Path as Key;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Which files make a bundle.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    /// Digest of each file, by name.
    files: BTreeMap<String, Digest>,
}

/// Folder of the lists of files, one for each bundle.
pub(super) const BUNDLES: &str = "bundles";
/// Folder of the files.
pub(super) const FILES: &str = "files";

fn bundle_key(bundle: Digest) -> Key {
    Key::from_iter([BUNDLES, &bundle.to_string()])
}

fn file_key(file: Digest) -> Key {
    Key::from_iter([FILES, &file.to_string()])
}

impl ObjectRegistry {
    pub(super) async fn has_bundle(&self, bundle: Digest) -> Result<bool, StoreError> {
        Ok(self.objects.head(&bundle_key(bundle)).await?.is_some())
    }

    /// Keeps the files of a bundle. A bundle's digest leaves out its card, so the same bundle may
    /// come with another card: the first one stays.
    pub(super) async fn put_files(
        &self,
        bundle: Digest,
        files: &BundleFiles,
    ) -> Result<(), StoreError> {
        if files.is_empty() {
            return Err(StoreError::Invalid {
                field: "files",
                value: String::new(),
                allowed: "at least one file".to_owned(),
            });
        }
        let contents = self.put_each(files).await?;
        self.write_new(&bundle_key(bundle), &contents).await?;
        Ok(())
    }

    async fn put_each(&self, files: &BundleFiles) -> Result<Contents, StoreError> {
        let mut contents = Contents {
            files: BTreeMap::new(),
        };
        for (name, bytes) in files {
            let digest = digest_of(bytes).await?;
            self.objects.put(&file_key(digest), bytes.clone()).await?;
            contents.files.insert(name.clone(), digest);
        }
        Ok(contents)
    }

    /// Looks once more that a bundle is whole, after a version names it: its list or a file may
    /// have been a leftover of somebody else's push that was removed in that moment. From then on
    /// nothing removes it any more.
    pub(super) async fn make_whole(
        &self,
        bundle: Digest,
        files: &BundleFiles,
    ) -> Result<(), StoreError> {
        if files.is_empty() || self.is_whole(bundle).await? {
            return Ok(());
        }
        let contents = self.put_each(files).await?;
        self.write(&bundle_key(bundle), &contents).await
    }

    async fn is_whole(&self, bundle: Digest) -> Result<bool, StoreError> {
        let contents: Option<Contents> = self.read(&bundle_key(bundle)).await?;
        let Some(contents) = contents else {
            return Ok(false);
        };
        for file in contents.files.into_values() {
            if self.objects.head(&file_key(file)).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Every file that a bundle has.
    pub(super) async fn files_of_bundles(&self) -> Result<HashSet<Digest>, StoreError> {
        let mut files = HashSet::new();
        for (key, _) in self.listed(BUNDLES).await? {
            let contents: Option<Contents> = self.read(&key).await?;
            files.extend(contents.into_iter().flat_map(|c| c.files.into_values()));
        }
        Ok(files)
    }

    pub(super) async fn get_files(&self, bundle: Digest) -> Result<BundleFiles, StoreError> {
        let contents: Option<Contents> = self.read(&bundle_key(bundle)).await?;
        let contents = contents.ok_or_else(|| StoreError::NotFound {
            what: "bundle",
            name: bundle.to_string(),
            advice: "; put it into the registry first".to_owned(),
        })?;
        let mut files = BundleFiles::new();
        for (name, expected) in contents.files {
            let found = self.objects.get(&file_key(expected)).await?;
            let bytes = found.ok_or_else(|| StoreError::Unreadable {
                what: format!("bundle {bundle}"),
                reason: format!("its file {name} is missing; restore it"),
            })?;
            let found = digest_of(&bytes).await?;
            if found != expected {
                return Err(StoreError::Damaged {
                    what: format!("{name} of bundle {bundle}"),
                    expected,
                    found,
                });
            }
            files.insert(name, bytes);
        }
        Ok(files)
    }
}
