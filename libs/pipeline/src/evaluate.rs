//! Judges a bundle on labelled spectra.

use crate::{
    Dataset, DatasetRow, Decision, Identifier, Manifest, PipelineError, Role, Verdict, Watch,
    decide,
};
use assay_core::{ClassLabel, Digest, UNKNOWN};
use assay_network::Head;
use assay_openset::{Assignment, ConfusionMatrix, FiguresOfMerit, Gate, ScoreUsing, Style};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a bundle does on a set of spectra.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationSummary {
    /// Spectra judged.
    pub n: usize,
    /// Known spectra that the gate accepted and that got the right class.
    pub known_correct: usize,
    /// Known spectra that got the right class, the gate ignored.
    pub closed_set_correct: usize,
    /// Known spectra.
    pub known_total: usize,
    /// Unknown spectra that the gate refused.
    pub unknown_rejected: usize,
    /// Unknown spectra.
    pub unknown_total: usize,
    /// Sensitivity, specificity and efficiency.
    pub figures_of_merit: Figures,
    /// Actual labels against answers.
    pub confusion_matrix: Confusion,
}

/// Figures of merit; an undefined one is null and has a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Total sensitivity.
    pub tsns: Option<f64>,
    /// Total specificity.
    pub tsps: Option<f64>,
    /// Total efficiency.
    pub teff: Option<f64>,
    /// Accuracy; refused unknowns count as right.
    pub acc: Option<f64>,
    /// Sensitivity by known class.
    pub csns: BTreeMap<String, Option<f64>>,
    /// Specificity by known class.
    pub csps: BTreeMap<String, Option<f64>>,
    /// Efficiency by known class.
    pub ceff: BTreeMap<String, Option<f64>>,
    /// Reasons by figure, such as `csns.Coal`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<String, String>,
}

/// Actual labels against answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusion {
    /// Actual labels that occurred.
    pub rows: Vec<String>,
    /// Known classes, then `UNKNOWN`.
    pub columns: Vec<String>,
    /// Number of spectra.
    pub counts: Vec<Vec<u64>>,
}

/// A summary and what it sums up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationReport {
    /// All spectra together.
    #[serde(flatten)]
    pub summary: EvaluationSummary,
    /// Each spectrum, in the order of the manifest.
    pub spectra: Vec<SpectrumOutcome>,
}

/// What was said about one labelled spectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpectrumOutcome {
    /// The file as the manifest names it.
    pub file: String,
    /// Line of the manifest.
    pub line: u64,
    /// Digest of the file.
    pub spectrum: Digest,
    /// Its actual label.
    pub label: ClassLabel,
    /// Whether the bundle should know it.
    pub role: Role,
    /// The answer.
    pub verdict: Verdict,
    /// The most probable class, the gate ignored.
    pub closed_set_label: ClassLabel,
    /// Probability of that class.
    pub probability: f32,
    /// Gate score.
    pub score: f64,
    /// Lowest score that is accepted.
    pub threshold: f64,
    /// p-value of the score.
    pub p_value: f64,
    /// Whether the answer is right: the label of a known spectrum, the refusal of an unknown one.
    pub correct: bool,
}

impl SpectrumOutcome {
    /// The answer in one word: the label, or `UNKNOWN`.
    #[must_use]
    pub fn answer(&self) -> &str {
        match self.verdict {
            Verdict::Known => self.closed_set_label.as_str(),
            Verdict::Unknown => UNKNOWN,
        }
    }
}

/// Reads the spectra of a manifest and judges them; rows with role `unknown` are unknowns.
///
/// # Errors
/// When a label and its role do not fit the bundle's classes, when a spectrum cannot be used, or
/// on cancellation.
pub fn evaluate(
    identifier: &Identifier,
    manifest: &Manifest,
    watch: &Watch<'_>,
) -> Result<EvaluationReport, PipelineError> {
    check_labels(&identifier.bundle().contents().classes, manifest)?;
    let dataset = Dataset::load(manifest, &watch.without_progress())?;
    evaluate_dataset(identifier, &dataset, watch)
}

/// Judges spectra that are in memory already. The labels must have been checked.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_dataset(
    identifier: &Identifier,
    dataset: &Dataset,
    watch: &Watch<'_>,
) -> Result<EvaluationReport, PipelineError> {
    let vectors = dataset.vectors(&identifier.bundle().contents().recipe)?;
    let features = identifier.features(vectors.view(), watch)?;
    let bundle = identifier.bundle();
    let classes = &bundle.contents().classes;
    judge(
        classes,
        (bundle.head(), bundle.gate()),
        dataset,
        features.view(),
    )
}

/// Judges spectra whose features are known already.
///
/// # Shapes
/// `features` is `[rows, features]`, in the order of the data set.
///
/// # Errors
/// When the shapes do not fit each other or something is not finite.
pub fn judge(
    classes: &[ClassLabel],
    (head, gate): (&Head, &Gate),
    dataset: &Dataset,
    features: ArrayView2<'_, f32>,
) -> Result<EvaluationReport, PipelineError> {
    let (rows, found) = (dataset.rows(), (features.nrows(), head.classes()));
    let allowed = (rows.len(), classes.len());
    if found != allowed {
        let allowed = format!("{allowed:?}");
        return Err(PipelineError::parameter(
            "rows and classes",
            format!("{found:?}"),
            allowed,
        ));
    }
    let mut spectra = Vec::with_capacity(rows.len());
    for (row, features) in rows.iter().zip(features.outer_iter()) {
        let decision = decide(head, gate, &features.to_vec())?;
        spectra.push(outcome(row, &decision, classes));
    }
    spectra.sort_by_key(|outcome| outcome.line);
    let summary = summarise(classes, &spectra)?;
    Ok(EvaluationReport { summary, spectra })
}

/// Counts outcomes and computes the figures of merit.
///
/// # Errors
/// When there is no outcome, or an outcome names a class that is not among `classes`.
pub fn summarise(
    classes: &[ClassLabel],
    spectra: &[SpectrumOutcome],
) -> Result<EvaluationSummary, PipelineError> {
    let actual: Vec<_> = spectra.iter().map(|s| s.label.clone()).collect();
    let assigned: Vec<_> = spectra
        .iter()
        .map(
            |s| match (s.verdict, classes.binary_search(&s.closed_set_label)) {
                (Verdict::Unknown, _) => Assignment::Unknown,
                (Verdict::Known, Ok(class)) => Assignment::Class(class),
                // Beyond the last class, which the tally refuses by name.
                (Verdict::Known, Err(_)) => Assignment::Class(classes.len()),
            },
        )
        .collect();
    let matrix = ConfusionMatrix::tally(classes, UNKNOWN, Style::Hard, &actual, &assigned)?;
    let merit = FiguresOfMerit::of(&matrix, Style::Hard, &ScoreUsing::All)?;
    let count = |wanted: &dyn Fn(&SpectrumOutcome) -> bool| {
        spectra.iter().filter(|outcome| wanted(outcome)).count()
    };
    let known = |s: &SpectrumOutcome| s.role == Role::Known;
    Ok(EvaluationSummary {
        n: spectra.len(),
        known_correct: count(&|s| known(s) && s.correct),
        closed_set_correct: count(&|s| known(s) && s.closed_set_label == s.label),
        known_total: count(&known),
        unknown_rejected: count(&|s| !known(s) && s.correct),
        unknown_total: count(&|s| !known(s)),
        figures_of_merit: merit.into(),
        confusion_matrix: matrix.into(),
    })
}

/// Checks that every known label of a manifest is a class and no unknown one is.
///
/// # Errors
/// The first line that is wrong, with the labels that the bundle knows.
pub fn check_labels(classes: &[ClassLabel], manifest: &Manifest) -> Result<(), PipelineError> {
    for row in &manifest.rows {
        let problem = match (row.role, classes.binary_search(&row.label)) {
            (Role::Known, Err(_)) => "has role known, but the bundle was not trained on it",
            (Role::Unknown, Ok(_)) => "has role unknown, but the bundle was trained on it",
            _ => continue,
        };
        return Err(PipelineError::LabelMismatch {
            manifest: manifest.source.clone(),
            line: row.line,
            label: row.label.to_string(),
            problem,
            known: classes.iter().map(ClassLabel::to_string).collect(),
        });
    }
    Ok(())
}

fn outcome(row: &DatasetRow, decision: &Decision, classes: &[ClassLabel]) -> SpectrumOutcome {
    let closed_set_label = classes[decision.class].clone();
    let accepted = decision.gate.inlier;
    SpectrumOutcome {
        file: row.file.clone(),
        line: row.line,
        spectrum: row.digest,
        label: row.label.clone(),
        role: row.role,
        verdict: Verdict::of(accepted),
        probability: decision.probabilities[decision.class],
        score: decision.gate.score,
        threshold: decision.gate.threshold,
        p_value: decision.gate.p_value,
        correct: match row.role {
            Role::Known => accepted && closed_set_label == row.label,
            Role::Unknown => !accepted,
        },
        closed_set_label,
    }
}

impl From<FiguresOfMerit> for Figures {
    fn from(merit: FiguresOfMerit) -> Self {
        Self {
            tsns: merit.tsns,
            tsps: merit.tsps,
            teff: merit.teff,
            acc: merit.acc,
            csns: merit.csns,
            csps: merit.csps,
            ceff: merit.ceff,
            undefined: merit.undefined,
        }
    }
}

impl From<ConfusionMatrix> for Confusion {
    fn from(matrix: ConfusionMatrix) -> Self {
        Self {
            rows: matrix.rows,
            columns: matrix.columns,
            counts: matrix.counts,
        }
    }
}

#[cfg(test)]
mod tests;
