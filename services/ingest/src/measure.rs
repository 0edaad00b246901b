//! The names of the metrics, in one place.

use std::time::Instant;

/// `stage`: `read`, `store`, `fetch` or `image`.
pub(crate) fn stage(stage: &'static str, begun: Instant) {
    let took_s = begun.elapsed().as_secs_f64();
    metrics::histogram!("openassay_stage_seconds", "stage" => stage).record(took_s);
}

/// `way`: `file`, `numbers` or `stream`; `result`: `taken` or `refused`.
pub(crate) fn spectrum(way: &'static str, taken: bool) {
    let result = if taken { "taken" } else { "refused" };
    metrics::counter!("openassay_ingest_spectra_total", "way" => way, "result" => result)
        .increment(1);
}

pub(crate) fn bytes_kept(bytes: usize) {
    metrics::counter!("openassay_ingest_kept_bytes_total").increment(bytes as u64);
}
