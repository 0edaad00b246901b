//! The names of the metrics, in one place.

use std::time::Duration;

pub(crate) fn batch(rows: usize) {
    metrics::counter!("openassay_inference_batches_total").increment(1);
    metrics::histogram!("openassay_inference_batch_rows").record(rows as f64);
}

pub(crate) fn row(took: Duration) {
    metrics::counter!("openassay_inference_rows_total").increment(1);
    metrics::histogram!("openassay_inference_compute_seconds").record(took.as_secs_f64());
}

pub(crate) fn queued(waited: Duration) {
    metrics::histogram!("openassay_inference_queue_seconds").record(waited.as_secs_f64());
}

pub(crate) fn refused_for_overload() {
    metrics::counter!("openassay_inference_overloads_total").increment(1);
}

pub(crate) fn cache(hits: usize, misses: usize) {
    metrics::counter!("openassay_inference_cache_hits_total").increment(hits as u64);
    metrics::counter!("openassay_inference_cache_misses_total").increment(misses as u64);
}

pub(crate) fn cache_failure() {
    metrics::counter!("openassay_inference_cache_failures_total").increment(1);
}

pub(crate) fn loaded_models(count: usize) {
    metrics::gauge!("openassay_inference_loaded_models").set(count as f64);
}

/// `result`: `swapped`, `refused` or `unavailable`.
pub(crate) fn reload(result: &'static str) {
    metrics::counter!("openassay_inference_reloads_total", "result" => result).increment(1);
}
