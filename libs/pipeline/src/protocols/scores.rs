//! Tables of scores per fold and class.

use crate::PipelineError;
use assay_core::{ClassLabel, UNKNOWN};
use assay_openset::{Assignment, ConfusionMatrix, FiguresOfMerit, ScoreUsing, Style, auroc};
use serde::{Deserialize, Serialize};

/// A number between 0 and 1, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The number.
    pub value: Option<f64>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Score {
    /// A number.
    #[must_use]
    pub const fn of(value: f64) -> Self {
        Self {
            value: Some(value),
            reason: None,
        }
    }

    /// No number, and why.
    #[must_use]
    pub fn undefined(reason: impl Into<String>) -> Self {
        Self {
            value: None,
            reason: Some(reason.into()),
        }
    }

    fn share(part: usize, whole: usize, reason: &str) -> Self {
        if whole == 0 {
            return Self::undefined(reason);
        }
        Self::of(part as f64 / whole as f64)
    }
}

/// What was said about one judged spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Its actual label.
    pub label: ClassLabel,
    /// Position of the most probable class among the trained classes.
    pub class: usize,
    /// Whether the gate accepted it.
    pub accepted: bool,
    /// Its gate score.
    pub score: f64,
}

/// Scores of one round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldScores {
    /// Name of the round.
    pub fold: String,
    /// Known spectra judged.
    pub known_total: usize,
    /// Unknown spectra judged.
    pub unknown_total: usize,
    /// Share of known spectra with the right class, the gate ignored.
    pub accuracy: Score,
    /// Area under the curve of known against unknown gate scores.
    pub auroc: Score,
    /// Total sensitivity.
    pub tsns: Score,
    /// Total specificity.
    pub tsps: Score,
    /// Total efficiency.
    pub teff: Score,
    /// By actual label.
    pub classes: Vec<ClassScores>,
}

/// Scores of the spectra of one label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassScores {
    /// The label.
    pub label: String,
    /// Whether the model was trained on it.
    pub known: bool,
    /// Spectra judged.
    pub total: usize,
    /// Share with the right class, the gate ignored.
    pub accuracy: Score,
    /// Share with the right answer: accepted and right, or refused when unknown.
    pub right: Score,
    /// Area under the curve: this class against the unknown, or the known against this unknown.
    pub auroc: Score,
}

/// Scores of one round from its outcomes.
///
/// `known_scores` stand for the known in the area under the curve; without them the outcomes of
/// trained labels do.
///
/// # Errors
/// When there is no outcome, a class is not among `classes`, or a score is not finite.
pub fn score_fold(
    fold: &str,
    classes: &[ClassLabel],
    outcomes: &[Outcome],
    known_scores: Option<&[f64]>,
) -> Result<FoldScores, PipelineError> {
    let table = Table {
        classes,
        outcomes,
        known_scores,
    };
    let actual: Vec<_> = outcomes.iter().map(|o| o.label.clone()).collect();
    let assigned: Vec<_> = outcomes
        .iter()
        .map(|o| match o.accepted {
            true => Assignment::Class(o.class),
            false => Assignment::Unknown,
        })
        .collect();
    let matrix = ConfusionMatrix::tally(classes, UNKNOWN, Style::Hard, &actual, &assigned)?;
    let merit = FiguresOfMerit::of(&matrix, Style::Hard, &ScoreUsing::All)?;
    let figure = |name: &str, value: Option<f64>| match value {
        Some(value) => Score::of(value),
        None => Score::undefined(merit.undefined.get(name).cloned().unwrap_or_default()),
    };
    let (known, unknown) = (table.of(None, true), table.of(None, false));
    Ok(FoldScores {
        fold: fold.to_owned(),
        known_total: known.len(),
        unknown_total: unknown.len(),
        accuracy: table.accuracy(&known),
        auroc: table.auroc(None)?,
        tsns: figure("tsns", merit.tsns),
        tsps: figure("tsps", merit.tsps),
        teff: figure("teff", merit.teff),
        classes: matrix
            .rows
            .iter()
            .map(|label| table.class(label))
            .collect::<Result<_, _>>()?,
    })
}

/// Means over the rounds in which a score is defined.
#[must_use]
pub fn mean_over_folds(folds: &[FoldScores], score: impl Fn(&FoldScores) -> &Score) -> Score {
    let defined: Vec<f64> = folds.iter().filter_map(|fold| score(fold).value).collect();
    let reason = folds.iter().find_map(|fold| score(fold).reason.clone());
    match defined.len() {
        0 => Score::undefined(reason.unwrap_or_else(|| "there are no rounds".to_owned())),
        n => Score::of(defined.iter().sum::<f64>() / n as f64),
    }
}

struct Table<'a> {
    classes: &'a [ClassLabel],
    outcomes: &'a [Outcome],
    known_scores: Option<&'a [f64]>,
}

impl Table<'_> {
    fn trained(&self, label: &ClassLabel) -> Option<usize> {
        self.classes.iter().position(|class| class == label)
    }

    /// Outcomes of one label or of all, of trained labels or of the others.
    fn of(&self, label: Option<&str>, known: bool) -> Vec<&Outcome> {
        self.outcomes
            .iter()
            .filter(|o| label.is_none_or(|label| o.label.as_str() == label))
            .filter(|o| self.trained(&o.label).is_some() == known)
            .collect()
    }

    fn right_class(&self, outcome: &Outcome) -> bool {
        self.trained(&outcome.label) == Some(outcome.class)
    }

    fn accuracy(&self, known: &[&Outcome]) -> Score {
        let right = known.iter().filter(|o| self.right_class(o)).count();
        Score::share(
            right,
            known.len(),
            "no spectrum of a trained class was judged",
        )
    }

    /// Of all labels, or of one label against the other side.
    fn auroc(&self, label: Option<&str>) -> Result<Score, PipelineError> {
        let scores = |known: bool| {
            let own = !self.of(label, known).is_empty();
            let label = label.filter(|_| own);
            self.of(label, known)
                .iter()
                .map(|o| o.score)
                .collect::<Vec<_>>()
        };
        let one_known = label.is_some_and(|label| !self.of(Some(label), true).is_empty());
        let known = match self.known_scores {
            Some(scores) if !one_known => scores.to_vec(),
            _ => scores(true),
        };
        let unknown = scores(false);
        if known.is_empty() {
            return Ok(Score::undefined("there are no scores of known spectra"));
        }
        if unknown.is_empty() {
            return Ok(Score::undefined("no unknown spectrum was judged"));
        }
        Ok(Score::of(auroc(&known, &unknown)?))
    }

    fn class(&self, label: &str) -> Result<ClassScores, PipelineError> {
        let known = self.of(Some(label), true);
        let unknown = self.of(Some(label), false);
        let right = known
            .iter()
            .filter(|o| o.accepted && self.right_class(o))
            .count()
            + unknown.iter().filter(|o| !o.accepted).count();
        let total = known.len() + unknown.len();
        Ok(ClassScores {
            label: label.to_owned(),
            known: !known.is_empty(),
            total,
            accuracy: match known.len() {
                0 => Score::undefined("the model was not trained on this class"),
                _ => self.accuracy(&known),
            },
            right: Score::share(right, total, "no spectrum was judged"),
            auroc: self.auroc(Some(label))?,
        })
    }
}
