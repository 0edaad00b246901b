//! The names of the metrics and what they mean, in one place.

use assay_core::Digest;
use metrics::{Gauge, Unit, describe_counter, describe_gauge, describe_histogram};
use std::time::Duration;

/// Tells what the metrics of this service mean.
pub(crate) fn describe() {
    describe_gauge!(
        "openassay_inference_waiting_rows",
        "Rows that were accepted and are not begun, by model (the start of its bundle's digest)"
    );
    describe_gauge!(
        "openassay_inference_pixels_in_flight",
        "Rows of the batch that is being computed times the pixels of an image (S squared; 1 for \
         a model without images), by model"
    );
    describe_gauge!(
        "openassay_inference_registry_up",
        "1 while the registry of models can be read, else 0"
    );
    describe_gauge!("openassay_inference_loaded_models", "Models in memory");
    describe_counter!(
        "openassay_inference_reloads_total",
        "Models that were loaded for a name, by result: swapped, restored (after its thread \
         ended), refused, unavailable"
    );
    describe_counter!(
        "openassay_inference_model_failures_total",
        "Models whose thread ended by a defect"
    );
    describe_counter!(
        "openassay_inference_batches_total",
        "Batches taken from queues"
    );
    describe_histogram!("openassay_inference_batch_rows", "Rows of a batch");
    describe_histogram!(
        "openassay_inference_queue_rows",
        "Rows that wait for a model or are being computed, each time it took a request"
    );
    describe_counter!("openassay_inference_rows_total", "Rows computed");
    describe_counter!(
        "openassay_inference_shared_rows_total",
        "Rows that another request was computing already, and that were not computed twice"
    );
    describe_histogram!(
        "openassay_inference_compute_seconds",
        Unit::Seconds,
        "Time of one row"
    );
    describe_histogram!(
        "openassay_inference_queue_seconds",
        Unit::Seconds,
        "Time from a request's arrival to its first row"
    );
    describe_counter!(
        "openassay_inference_overloads_total",
        "Requests refused because a queue or every place for models was full"
    );
    describe_counter!(
        "openassay_inference_cache_hits_total",
        "Features found in the cache"
    );
    describe_counter!(
        "openassay_inference_cache_misses_total",
        "Features looked for in the cache and not found"
    );
    describe_counter!(
        "openassay_inference_cache_failures_total",
        "Calls of the feature cache that failed or came too late"
    );
    describe_open_inference();
}

/// Those of the Open Inference Protocol have the names that dashboards of Triton know.
fn describe_open_inference() {
    describe_counter!(
        "nv_inference_request_success",
        "Requests of the Open Inference Protocol that were answered"
    );
    describe_counter!(
        "nv_inference_request_failure",
        "Requests of the Open Inference Protocol to a model that were not answered"
    );
    describe_counter!("nv_inference_count", "Rows that were answered");
    describe_counter!(
        "nv_inference_exec_count",
        "Requests for which rows were computed"
    );
    describe_gauge!(
        "nv_inference_pending_request_count",
        "Requests that wait for a model or are being computed"
    );
    describe_counter!(
        "nv_inference_queue_duration_us",
        "Microseconds that answered requests waited for the model"
    );
    describe_counter!(
        "nv_inference_compute_infer_duration_us",
        "Microseconds that features of answered requests were computed"
    );
}

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

pub(crate) fn row(took: Duration) {
    metrics::counter!("openassay_inference_rows_total").increment(1);
    metrics::histogram!("openassay_inference_compute_seconds").record(took.as_secs_f64());
}

/// Rows that wait for a model or are being computed, each time it took a request.
pub(crate) fn queue_rows(rows: usize) {
    metrics::histogram!("openassay_inference_queue_rows").record(rows as f64);
}

pub(crate) fn queued(waited: Duration) {
    metrics::histogram!("openassay_inference_queue_seconds").record(waited.as_secs_f64());
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
