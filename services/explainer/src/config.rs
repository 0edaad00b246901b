//! What can be set about explaining.

use assay_answering::batch::{BatchOptions, count_fault};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How answers are explained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExplainerConfig {
    /// Bundles kept in memory.
    pub bundles: usize,
    /// Rows of a batch after which the work is kept.
    pub chunk_rows: usize,
    /// Rows of a batch in work at once.
    pub rows_at_once: usize,
    /// Most rows of one batch.
    pub max_rows: usize,
    /// Longest time for one row of a batch, in seconds.
    pub row_time_s: u64,
    /// Largest message; the process sets it to what its server takes.
    #[serde(skip)]
    pub max_message_bytes: Option<usize>,
}

impl Default for ExplainerConfig {
    fn default() -> Self {
        Self {
            bundles: 8,
            chunk_rows: 64,
            rows_at_once: 4,
            max_rows: 20_000,
            row_time_s: 300,
            max_message_bytes: None,
        }
    }
}

impl ExplainerConfig {
    /// Everything that is wrong, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::from_iter(count_fault("bundles", self.bundles, 1000));
        faults.extend(self.batch().faults(100_000));
        faults
    }

    pub(crate) fn batch(&self) -> BatchOptions {
        BatchOptions {
            chunk_rows: self.chunk_rows,
            rows_at_once: self.rows_at_once,
            max_rows: self.max_rows,
            row_time: Duration::from_secs(self.row_time_s),
            ..BatchOptions::default()
        }
    }
}
