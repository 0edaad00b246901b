//! The delivered model on spectra whose features are known already.

use crate::error::{Result, TrainError};
use assay_core::ClassLabel;
use assay_network::{Head, head::softmax};
use assay_openset::{Gate, Sample};
use assay_pipeline::{
    Dataset, DatasetRow, EvaluationReport, Role, SpectrumOutcome, Verdict, evaluate::summarise,
};
use ndarray::Array2;

/// Judges every row of a data set by its features.
///
/// # Shapes
/// `features` `[rows, F]`, in the order of the data set.
pub(super) fn judge(
    classes: &[ClassLabel],
    head: &Head,
    gate: &Gate,
    dataset: &Dataset,
    features: &Array2<f32>,
) -> Result<EvaluationReport> {
    let mut spectra = dataset
        .rows()
        .iter()
        .zip(features.rows())
        .map(|(row, features)| outcome(classes, head, gate, row, &features.to_vec()))
        .collect::<Result<Vec<_>>>()?;
    spectra.sort_by_key(|outcome| outcome.line);
    Ok(EvaluationReport {
        summary: summarise(classes, &spectra)?,
        spectra,
    })
}

fn outcome(
    classes: &[ClassLabel],
    head: &Head,
    gate: &Gate,
    row: &DatasetRow,
    features: &[f32],
) -> Result<SpectrumOutcome> {
    let logits = head.logits(features)?;
    let probabilities = softmax(&logits)?;
    let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
    let judgement = gate.judge(Sample::new(&wide(features), &wide(&logits)))?;
    let class =
        (1..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
    let label = classes
        .get(class)
        .ok_or(TrainError::Defect("the head has more classes than labels"))?;
    Ok(SpectrumOutcome {
        file: row.file.clone(),
        line: row.line,
        spectrum: row.digest,
        label: row.label.clone(),
        role: row.role,
        verdict: Verdict::of(judgement.inlier),
        closed_set_label: label.clone(),
        probability: probabilities[class],
        score: judgement.score,
        threshold: judgement.threshold,
        p_value: judgement.p_value,
        correct: match row.role {
            Role::Known => judgement.inlier && *label == row.label,
            Role::Unknown => !judgement.inlier,
        },
    })
}
