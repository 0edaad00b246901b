//! What can be set about batches, and what values are allowed.

use std::time::Duration;

/// How batches are worked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// Rows after which the work is kept; at most 8 with Shapley values.
    pub chunk_rows: usize,
    /// Rows in work at once; with Shapley values it is one.
    pub rows_at_once: usize,
    /// Most rows of one batch.
    pub max_rows: usize,
    /// How often a row is tried again when something is in the way, before the job waits.
    pub retries: u32,
    /// Longest time for one row; for a row with Shapley values, for each request for features.
    pub row_time: Duration,
    /// How often what is done of a long row is kept.
    pub state_time: Duration,
}

/// What the lanes start with.
impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            chunk_rows: 64,
            rows_at_once: 4,
            max_rows: 100_000,
            retries: 5,
            row_time: Duration::from_secs(300),
            state_time: Duration::from_secs(10),
        }
    }
}

impl BatchOptions {
    /// Everything that is wrong where batches may have at most `most_rows` rows, one sentence
    /// each, under the names of the fields in a configuration.
    #[must_use]
    pub fn faults(&self, most_rows: usize) -> Vec<String> {
        let row_time_s = usize::try_from(self.row_time.as_secs()).unwrap_or(usize::MAX);
        [
            ("chunk_rows", self.chunk_rows, 10_000),
            ("rows_at_once", self.rows_at_once, 1000),
            ("max_rows", self.max_rows, most_rows),
            ("row_time_s", row_time_s, 86_400),
        ]
        .into_iter()
        .filter_map(|(field, value, most)| count_fault(field, value, most))
        .collect()
    }
}

/// What is wrong with a number that has to lie between 1 and `most`.
#[must_use]
pub fn count_fault(field: &str, value: usize, most: usize) -> Option<String> {
    (!(1..=most).contains(&value)).then(|| format!("{field} is {value}; allowed: 1 to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_with_its_value_and_range() {
        let options = BatchOptions::default();
        assert!(options.faults(100_000).is_empty());
        let wrong = BatchOptions {
            chunk_rows: 0,
            rows_at_once: 1001,
            max_rows: 21,
            row_time: Duration::ZERO,
            ..options
        };
        assert_eq!(
            wrong.faults(20),
            [
                "chunk_rows is 0; allowed: 1 to 10000",
                "rows_at_once is 1001; allowed: 1 to 1000",
                "max_rows is 21; allowed: 1 to 20",
                "row_time_s is 0; allowed: 1 to 86400",
            ]
        );
    }
}
