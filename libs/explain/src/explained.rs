//! An answer and its reasons from one forward pass.

use crate::{CamSettings, ExplainError, Importances, class_importances};
use assay_infer::MappedFeatures;
use assay_pipeline::{Answer, Identifier, Judge, Prepared};
use serde::{Deserialize, Serialize};

/// An answer and what each energy did for one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// The answer, equal to that of [`Identifier::identify`] up to its timings.
    pub answer: Answer,
    /// Importances for the class that was asked for, or for the most probable one.
    pub importances: Importances,
}

/// Answers about a spectrum and explains one class; `None` takes the most probable one, whether
/// or not the gate accepts the spectrum.
///
/// # Errors
/// When the class does not exist, when the model gives no feature map or its head does not stand
/// on it, or when the answer itself fails.
pub fn explain(
    identifier: &Identifier,
    prepared: &Prepared,
    class: Option<usize>,
) -> Result<Explained, ExplainError> {
    check_class(identifier.judge(), class)?;
    if !identifier.extractor().has_map() {
        return Err(ExplainError::NoMap);
    }
    let (mapped, features_s) = identifier.extract_with_map(prepared)?;
    explain_features(identifier.judge(), prepared, &mapped, features_s, class)
}

/// [`explain`] for features and a map that were computed elsewhere, in `features_s` seconds.
///
/// # Errors
/// As [`explain`].
pub fn explain_features(
    judge: &Judge,
    prepared: &Prepared,
    mapped: &MappedFeatures,
    features_s: f64,
    class: Option<usize>,
) -> Result<Explained, ExplainError> {
    check_class(judge, class)?;
    let answer = judge.conclude(prepared, &mapped.features, features_s)?;
    let classes = &judge.bundle().contents().classes;
    let best = classes.iter().position(|c| *c == answer.closed_set_label);
    let class = class.or(best).unwrap_or_default();
    let importances = class_importances(judge.bundle(), mapped, class, CamSettings::default())?;
    Ok(Explained {
        answer,
        importances,
    })
}

fn check_class(judge: &Judge, class: Option<usize>) -> Result<(), ExplainError> {
    let classes = judge.bundle().contents().classes.len();
    match class {
        Some(class) if class >= classes => Err(ExplainError::Class { class, classes }),
        _ => Ok(()),
    }
}
