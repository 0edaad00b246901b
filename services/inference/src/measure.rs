//! The names of the metrics, in one place. What they mean is told where all metrics are.

use assay_core::Digest;
use metrics::Gauge;
use std::time::Duration;

/// How much one model has to do.
pub(crate) struct Load {
    waiting_rows: Gauge,
    pixels_in_flight: Gauge,
    pixels_per_row: usize,
}

impl Load {
    pub(crate) fn of(bundle: Digest, pixels_per_row: usize) -> Self {
        let model = bundle.to_string()[..12].to_owned();
        Self {
            waiting_rows: metrics::gauge!(
                "openassay_inference_waiting_rows", "model" => model.clone()
            ),
            pixels_in_flight: metrics::gauge!(
                "openassay_inference_pixels_in_flight", "model" => model
            ),
            pixels_per_row,
        }
    }

    pub(crate) fn set(&self, waiting_rows: usize, rows_in_flight: usize) {
        self.waiting_rows.set(waiting_rows as f64);
        let pixels = rows_in_flight.saturating_mul(self.pixels_per_row);
        self.pixels_in_flight.set(pixels as f64);
    }
}

pub(crate) fn batch(rows: usize) {
    metrics::counter!("openassay_inference_batches_total").increment(1);
    metrics::histogram!("openassay_inference_batch_rows").record(rows as f64);
}

/// `stage`: `base`, `queue`, `cache` or `head`.
pub(crate) fn stage(stage: &'static str, took: Duration) {
    metrics::histogram!("openassay_stage_seconds", "stage" => stage).record(took.as_secs_f64());
}

pub(crate) fn row(took: Duration) {
    metrics::counter!("openassay_inference_rows_total").increment(1);
    stage("base", took);
}

/// Rows that wait for a model or are being computed, each time it took a request.
pub(crate) fn queue_rows(rows: usize) {
    metrics::histogram!("openassay_inference_queue_rows").record(rows as f64);
}

pub(crate) fn queued(waited: Duration) {
    stage("queue", waited);
}

/// Rows that another request was computing already.
pub(crate) fn shared(rows: usize) {
    metrics::counter!("openassay_inference_shared_rows_total").increment(rows as u64);
}

/// A model's thread ended by a defect.
pub(crate) fn model_failure() {
    metrics::counter!("openassay_inference_model_failures_total").increment(1);
}

pub(crate) fn registry(up: bool) {
    metrics::gauge!("openassay_inference_registry_up").set(f64::from(u8::from(up)));
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

/// `result`: `swapped`, `restored`, `refused` or `unavailable`.
pub(crate) fn reload(result: &'static str) {
    metrics::counter!("openassay_inference_reloads_total", "result" => result).increment(1);
}
