//! Figures of merit of an open-set classifier.

use crate::{
    confusion::{ConfusionMatrix, Style},
    error::OpenSetError,
};
use assay_core::ClassLabel;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which classes count as targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreUsing {
    /// All known classes.
    All,
    /// One known class against everything else: a one-class classifier.
    One(ClassLabel),
}

/// Sensitivities, specificities and efficiencies, total and by class. What is undefined is
/// `None` (JSON null), with the reason under the same name in `undefined`.
///
/// # Source
/// Pomerantsev and Rodionova, J. Chemometrics 2018; PyChemAuth, `OpenSetClassifier`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FiguresOfMerit {
    /// Total sensitivity.
    pub tsns: Option<f64>,
    /// Total specificity; below 0 when a soft classifier gives out too many classes.
    pub tsps: Option<f64>,
    /// Total efficiency.
    pub teff: Option<f64>,
    /// Accuracy, refused unknowns counting as right.
    pub acc: Option<f64>,
    /// Sensitivity by known class; empty when scored by one class.
    pub csns: BTreeMap<String, Option<f64>>,
    /// Specificity by known class; when scored by one class, that class's against each other.
    pub csps: BTreeMap<String, Option<f64>>,
    /// Efficiency by known class; empty when scored by one class.
    pub ceff: BTreeMap<String, Option<f64>>,
    /// Why a value is undefined, by its name (`tsns`, `csns.Coal`).
    pub undefined: BTreeMap<String, String>,
}

impl FiguresOfMerit {
    /// Computes all figures from a confusion matrix.
    ///
    /// # Errors
    /// When the one class to score by is not known.
    pub fn of(
        matrix: &ConfusionMatrix,
        style: Style,
        score_using: &ScoreUsing,
    ) -> Result<Self, OpenSetError> {
        let counts = Counts(matrix);
        match score_using {
            ScoreUsing::All => Ok(all_classes(&counts, style)),
            ScoreUsing::One(target) => {
                let column = matrix
                    .known()
                    .iter()
                    .position(|label| label == target.as_str())
                    .ok_or_else(|| OpenSetError::Label {
                        label: target.as_str().to_owned(),
                        reason: "not a known class, so nothing can be scored by it",
                    })?;
                Ok(one_class(&counts, column))
            }
        }
    }
}

/// Total efficiency of a hard classifier from plain counts; what the search maximises.
pub(crate) fn hard_efficiency(right: u64, wrong: u64, known: u64, all: u64) -> Option<f64> {
    let tsns = ratio(right, known);
    let tsps = ratio(wrong, all).map(|share| 1.0 - share);
    efficiency(tsns, tsps)
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Geometric mean of both, or the one that is defined.
fn efficiency(sensitivity: Option<f64>, specificity: Option<f64>) -> Option<f64> {
    match (sensitivity, specificity) {
        (Some(sensitivity), Some(specificity)) => {
            (specificity >= 0.0).then(|| (sensitivity * specificity).sqrt())
        }
        (one, other) => one.or(other),
    }
}

/// Sums over a confusion matrix.
struct Counts<'a>(&'a ConfusionMatrix);

impl Counts<'_> {
    fn known(&self) -> usize {
        self.0.known().len()
    }

    fn row(&self, label: &str) -> Option<usize> {
        self.0.rows.iter().position(|row| row == label)
    }

    /// Samples of the label that were taken for the class of the column, and all its samples.
    fn taken(&self, label: &str, column: usize) -> (u64, u64) {
        self.row(label).map_or((0, 0), |row| {
            (self.0.counts[row][column], self.0.totals[row])
        })
    }

    /// Samples of other labels that were taken for the class, and all samples of other labels.
    fn others(&self, column: usize) -> (u64, u64) {
        let label = &self.0.columns[column];
        let rows = (0..self.0.rows.len()).filter(|&row| self.0.rows[row] != *label);
        rows.fold((0, 0), |(taken, all), row| {
            (taken + self.0.counts[row][column], all + self.0.totals[row])
        })
    }

    /// Samples of unknown labels that were refused.
    fn refused_unknowns(&self) -> u64 {
        (0..self.0.rows.len())
            .filter(|&row| !self.0.known().contains(&self.0.rows[row]))
            .map(|row| self.0.counts[row][self.known()])
            .sum()
    }
}

fn all_classes(counts: &Counts<'_>, style: Style) -> FiguresOfMerit {
    let mut undefined = BTreeMap::new();
    let (mut csns, mut csps, mut ceff) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut right, mut known_samples, mut wrong) = (0, 0, 0);
    for (column, label) in counts.0.known().iter().enumerate() {
        let (taken, samples) = counts.taken(label, column);
        let (false_taken, others) = counts.others(column);
        right += taken;
        known_samples += samples;
        wrong += false_taken;
        let sensitivity = ratio(taken, samples);
        let specificity = ratio(false_taken, others).map(|share| 1.0 - share);
        if sensitivity.is_none() {
            undefined.insert(
                format!("csns.{label}"),
                format!("no sample of {label} was tested"),
            );
        }
        if specificity.is_none() {
            let reason = format!("no sample of another class than {label} was tested");
            undefined.insert(format!("csps.{label}"), reason.clone());
            undefined.insert(format!("ceff.{label}"), reason);
        }
        csns.insert(label.clone(), sensitivity);
        ceff.insert(
            label.clone(),
            specificity.and_then(|_| efficiency(sensitivity, specificity)),
        );
        csps.insert(label.clone(), specificity);
    }
    let total = counts.0.total();
    let tsns = ratio(right, known_samples);
    let others = counts.known() - 1;
    let tsps = match style {
        Style::Hard => ratio(wrong, total).map(|share| 1.0 - share),
        Style::Soft if others == 0 => None,
        Style::Soft => ratio(wrong, total).map(|share| 1.0 - share / others as f64),
    };
    if tsps.is_none() {
        let reason = "a soft classifier with one known class has no other class to give out";
        undefined.insert("tsps".to_owned(), reason.to_owned());
    }
    FiguresOfMerit {
        tsns,
        tsps,
        acc: ratio(right + counts.refused_unknowns(), total),
        csns,
        csps,
        ceff,
        ..totals(tsns, tsps, undefined)
    }
}

fn one_class(counts: &Counts<'_>, column: usize) -> FiguresOfMerit {
    let target = &counts.0.columns[column];
    let mut undefined = BTreeMap::new();
    let mut csps = BTreeMap::new();
    let labels = counts.0.rows.iter().chain(counts.0.known());
    for label in labels.filter(|label| *label != target) {
        let (taken, samples) = counts.taken(label, column);
        let specificity = ratio(taken, samples).map(|share| 1.0 - share);
        if specificity.is_none() {
            undefined.insert(
                format!("csps.{label}"),
                format!("no sample of {label} was tested"),
            );
        }
        csps.insert(label.clone(), specificity);
    }
    let (right, samples) = counts.taken(target, column);
    let (wrong, others) = counts.others(column);
    let tsns = ratio(right, samples);
    let tsps = ratio(wrong, others).map(|share| 1.0 - share);
    if tsps.is_none() {
        let reason = format!("no sample of another class than {target} was tested");
        undefined.insert("tsps".to_owned(), reason);
    }
    FiguresOfMerit {
        acc: ratio(right + others - wrong, counts.0.total()),
        csps,
        ..totals(tsns, tsps, undefined)
    }
}

fn totals(
    tsns: Option<f64>,
    tsps: Option<f64>,
    mut undefined: BTreeMap<String, String>,
) -> FiguresOfMerit {
    let teff = efficiency(tsns, tsps);
    if tsns.is_none() {
        let reason = "no sample of a known class was tested";
        undefined.insert("tsns".to_owned(), reason.to_owned());
    }
    if teff.is_none() {
        let reason = "the total specificity is negative, so there is no root to take";
        undefined.insert("teff".to_owned(), reason.to_owned());
    }
    FiguresOfMerit {
        tsns,
        tsps,
        teff,
        acc: None,
        csns: BTreeMap::new(),
        csps: BTreeMap::new(),
        ceff: BTreeMap::new(),
        undefined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Assignment;
    use proptest::prelude::*;

    fn labels(texts: &[&str]) -> Vec<ClassLabel> {
        texts
            .iter()
            .map(|text| ClassLabel::new(text).unwrap())
            .collect()
    }

    #[test]
    fn undefined_values_are_null_with_a_reason() {
        let known = labels(&["A", "B"]);
        let tally = |actual: &[&str], assigned: &[Assignment], style| {
            ConfusionMatrix::tally(&known, "UNKNOWN", style, &labels(actual), assigned).unwrap()
        };
        let all_a = tally(&["A"], &[Assignment::Class(0)], Style::Hard);
        let figures = FiguresOfMerit::of(&all_a, Style::Hard, &ScoreUsing::All).unwrap();
        let json = serde_json::to_value(&figures).unwrap();
        assert_eq!(json["csns"]["B"], serde_json::Value::Null);
        assert_eq!(json["undefined"]["csns.B"], "no sample of B was tested");
        assert_eq!(json["csps"]["A"], serde_json::Value::Null);
        assert_eq!(json["ceff"]["B"], 1.0);

        let every_class = [
            Assignment::Classes(vec![0, 1]),
            Assignment::Classes(vec![0, 1]),
        ];
        let soft = tally(&["C", "C"], &every_class, Style::Soft);
        let figures = FiguresOfMerit::of(&soft, Style::Soft, &ScoreUsing::All).unwrap();
        assert_eq!(
            (figures.tsns, figures.tsps, figures.teff),
            (None, Some(-1.0), Some(-1.0))
        );
        let missing = ScoreUsing::One(labels(&["C"]).remove(0));
        assert!(FiguresOfMerit::of(&soft, Style::Soft, &missing).is_err());
    }

    proptest! {
        #[test]
        fn hard_figures_lie_between_zero_and_one(
            pairs in proptest::collection::vec((0usize..5, 0usize..4), 1..60),
        ) {
            let names = labels(&["A", "B", "C", "D", "E"]);
            let actual: Vec<_> = pairs.iter().map(|(a, _)| names[*a].clone()).collect();
            let assign = |class: usize| match class {
                3 => Assignment::Unknown,
                class => Assignment::Class(class),
            };
            let assigned: Vec<_> = pairs.iter().map(|(_, class)| assign(*class)).collect();
            let matrix =
                ConfusionMatrix::tally(&names[..3], "UNKNOWN", Style::Hard, &actual, &assigned).unwrap();
            prop_assert_eq!(matrix.total(), pairs.len() as u64);
            prop_assert_eq!(matrix.counts.iter().flatten().sum::<u64>(), pairs.len() as u64);
            let figures = FiguresOfMerit::of(&matrix, Style::Hard, &ScoreUsing::All).unwrap();
            let totals = [figures.tsns, figures.tsps, figures.teff, figures.acc];
            let classes = [&figures.csns, &figures.csps, &figures.ceff];
            let values = totals.into_iter().chain(classes.iter().flat_map(|map| map.values().copied()));
            prop_assert!(values.flatten().all(|value| (-1e-15..=1.0).contains(&value)));
            // The search counts for itself; both must agree.
            let known = pairs.iter().filter(|(a, _)| *a < 3).count() as u64;
            let right = pairs.iter().filter(|(a, class)| a == class && *a < 3).count() as u64;
            let wrong = pairs.iter().filter(|(a, class)| *class < 3 && a != class).count() as u64;
            prop_assert_eq!(hard_efficiency(right, wrong, known, matrix.total()), figures.teff);
        }
    }
}
