//! The time of each stage of an answer, for metrics.

use assay_pipeline::{Concluded, Timings};
use metrics::histogram;

/// What reading, preprocessing and judging one spectrum took.
pub(crate) fn concluded(concluded: &Concluded) {
    let Timings {
        read_s,
        preprocess_s,
        ..
    } = concluded.answer.timings;
    stage("read", read_s);
    stage("align", preprocess_s);
    stage("head", concluded.head_s);
    stage("gate", concluded.gate_s);
}

fn stage(stage: &'static str, took_s: f64) {
    histogram!("openassay_stage_seconds", "stage" => stage).record(took_s);
}
