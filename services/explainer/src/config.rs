//! What can be set about explaining.

use assay_answering::batch::{BatchOptions, count_fault};
use assay_explain::ImageOptions;
use serde::{Deserialize, Serialize};
use std::{num::NonZeroUsize, time::Duration};

const MOST_MEMORY_MIB: usize = 1 << 20;

/// How answers are explained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExplainerConfig {
    /// Bundles kept in memory.
    pub bundles: usize,
    /// Rows of a batch after which the work is kept; at most 8 with Shapley values.
    pub chunk_rows: usize,
    /// Rows of a batch in work at once; with Shapley values it is one.
    pub rows_at_once: usize,
    /// Most rows of one batch.
    pub max_rows: usize,
    /// Longest time for one row of a batch, in seconds; for a row with Shapley values, for each
    /// request for features.
    pub row_time_s: u64,
    /// Memory for parts of images that are hidden pixel by pixel, in MiB; more is faster with large
    /// images.
    pub image_memory_mib: usize,
    /// Threads of the networks that run here, which are those for hidden pixels; empty takes as
    /// many as there are cores.
    pub threads: Option<NonZeroUsize>,
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
            image_memory_mib: 1024,
            threads: None,
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
        // Zero is allowed: nothing is remembered then.
        if self.image_memory_mib > MOST_MEMORY_MIB {
            let found = self.image_memory_mib;
            faults.push(format!(
                "image_memory_mib is {found}; allowed: 0 to {MOST_MEMORY_MIB}"
            ));
        }
        faults
    }

    pub(crate) const fn images(&self) -> ImageOptions {
        ImageOptions {
            threads: self.threads,
            memory_bytes: self.image_memory_mib << 20,
        }
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
