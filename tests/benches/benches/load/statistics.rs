//! Medians and ranges.

use std::time::Duration;

/// Values of the rounds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values(Vec<f64>);

impl Values {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Median, lowest and highest.
    pub(crate) fn shown(&self, digits: usize) -> String {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match (sorted.first(), sorted.last()) {
            (Some(low), Some(high)) => {
                let median = quantile(&sorted, 0.5);
                format!("{median:.digits$} [{low:.digits$}, {high:.digits$}]")
            }
            _ => "-".to_owned(),
        }
    }
}

/// A quantile of sorted values: the one at that share of the way, rounded down.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of requests are small"
    )]
    let at = (last as f64 * share) as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// Sorted milliseconds.
pub(crate) fn sorted_ms(times: &[Duration]) -> Vec<f64> {
    let mut ms: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    ms.sort_by(f64::total_cmp);
    ms
}
