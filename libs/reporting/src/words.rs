//! Settings of the libraries in words.

use assay_gramian::Field;
use assay_openset::{DetectorSpec, ThresholdRule};

/// A detector with its parameter.
#[must_use]
pub fn detector(spec: &DetectorSpec) -> String {
    match spec {
        DetectorSpec::Dime { k } => format!("DIME, k = {k}"),
        DetectorSpec::Energy { temperature } => format!("Energy, temperature = {temperature}"),
        DetectorSpec::Softmax => "Softmax".to_owned(),
    }
}

/// A detector's parameter alone.
#[must_use]
pub fn parameter(spec: &DetectorSpec) -> String {
    match spec {
        DetectorSpec::Dime { k } => format!("k = {k}"),
        DetectorSpec::Energy { temperature } => format!("T = {temperature}"),
        DetectorSpec::Softmax => "Softmax".to_owned(),
    }
}

/// How a threshold was set.
#[must_use]
pub fn threshold_rule(rule: &ThresholdRule) -> String {
    match rule {
        ThresholdRule::OutOfFold { folds, seed } => format!(
            "the alpha quantile of out-of-fold training scores ({folds} stratified folds, seed \
             {seed})"
        ),
        ThresholdRule::InSample => {
            "the alpha quantile of the training scores themselves, as published".to_owned()
        }
    }
}

/// The scores that a threshold was set by.
#[must_use]
pub const fn calibration_scores(rule: &ThresholdRule) -> &'static str {
    match rule {
        ThresholdRule::OutOfFold { .. } => "training spectra, out of fold",
        ThresholdRule::InSample => "training spectra, in sample",
    }
}

/// A Gramian angular field.
#[must_use]
pub const fn field(field: Field) -> &'static str {
    match field {
        Field::Difference => "difference",
        Field::Summation => "summation",
    }
}

/// A setting whose stored form is one word, or one word with a number, for people.
pub fn snake(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word.replace('_', "-"),
        Ok(serde_json::Value::Object(fields)) => fields
            .iter()
            .map(|(name, value)| format!("{} {value}", name.replace('_', "-")))
            .collect::<Vec<_>>()
            .join(", "),
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}
