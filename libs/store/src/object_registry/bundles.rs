//! The files of bundles. The object that lists them is written last, so that a bundle is there as
//! a whole or not at all.

use super::ObjectRegistry;
use crate::{BundleFiles, StoreError, objects::digest_of};
use assay_core::Digest;
use object_store::path::Path as Key;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which files make a bundle.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    /// Digest of each file, by name.
    files: BTreeMap<String, Digest>,
}

fn bundle_key(bundle: Digest) -> Key {
    Key::from_iter(["bundles", &bundle.to_string()])
}

fn file_key(file: Digest) -> Key {
    Key::from_iter(["files", &file.to_string()])
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
        files: BundleFiles,
    ) -> Result<(), StoreError> {
        if files.is_empty() {
            return Err(StoreError::Invalid {
                field: "files",
                value: String::new(),
                allowed: "at least one file".to_owned(),
            });
        }
        let mut contents = Contents {
            files: BTreeMap::new(),
        };
        for (name, bytes) in files {
            let digest = digest_of(&bytes).await?;
            self.objects.put(&file_key(digest), bytes).await?;
            contents.files.insert(name, digest);
        }
        self.write_new(&bundle_key(bundle), &contents).await?;
        Ok(())
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
