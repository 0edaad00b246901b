//! Where everything is kept.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where everything is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// Folder of blobs, models and jobs; made if it is not there. Several processes may share
    /// it; one of them holds the jobs.
    pub data_dir: PathBuf,
    /// Memory for features that were computed before, in bytes; 0 keeps none.
    pub feature_cache_bytes: usize,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("openassay-data"),
            feature_cache_bytes: 256 << 20,
        }
    }
}

impl StorageConfig {
    /// Everything that is wrong, one sentence each, beginning with the name of the field.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        if self.data_dir.as_os_str().is_empty() {
            return vec!["data_dir: is empty; name a folder".to_owned()];
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_folder_is_wrong() {
        assert_eq!(StorageConfig::default().faults(), Vec::<String>::new());
        let empty = StorageConfig {
            data_dir: PathBuf::new(),
            ..StorageConfig::default()
        };
        assert_eq!(empty.faults().len(), 1);
    }
}
