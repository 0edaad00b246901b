//! Everything that can be wrong with a gate, its data or its judgement.

use crate::detector::DetectorSpec;
use assay_core::{ClassLabel, Classified, ErrorKind};

/// Why an open-set operation was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenSetError {
    /// NaN or infinity in the data.
    #[error("{value} in row {row}, column {column} of the {what}: only finite numbers are allowed")]
    NotFinite {
        /// `features`, `logits` or `scores`.
        what: &'static str,
        /// Row, counted from 0.
        row: usize,
        /// Column, counted from 0.
        column: usize,
        /// The value found.
        value: f64,
    },
    /// A detector was given a sample without what it scores.
    #[error("the {detector} detector scores {needs}, but the sample has none")]
    Missing {
        /// Name of the detector.
        detector: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// Nothing to work on.
    #[error("the {what} are empty: at least {least} {unit} needed")]
    Empty {
        /// What is empty.
        what: &'static str,
        /// How many there must be.
        least: usize,
        /// Of what.
        unit: &'static str,
    },
    /// Two things that belong together differ in length.
    #[error("{what} has length {actual}, expected {expected}")]
    Length {
        /// What has the wrong length.
        what: &'static str,
        /// Its length.
        actual: usize,
        /// The length needed.
        expected: usize,
    },
    /// An index is outside its list.
    #[error("{what} {index} in row {row} does not exist: allowed is 0 to {last}")]
    Index {
        /// What the index counts.
        what: &'static str,
        /// The index.
        index: usize,
        /// Row in which it stands.
        row: usize,
        /// The largest index allowed.
        last: usize,
    },
    /// The false-refusal budget.
    #[error("alpha {alpha} is not allowed: 0 < alpha < 1 is needed")]
    Alpha {
        /// The value given.
        alpha: f64,
    },
    /// The energy detector's temperature.
    #[error("temperature {temperature} is not allowed: a finite number above 0 is needed")]
    Temperature {
        /// The value given.
        temperature: f64,
    },
    /// At or above the rank the subspace holds every training sample and the threshold would be
    /// rounding noise.
    #[error(
        "k {k} is not allowed for {rows} samples of rank {rank}{}: choose 1 <= k < {rank}",
        fold.map_or(String::new(), |fold| format!(" (fold {fold} held out)"))
    )]
    Rank {
        /// Number of vectors asked for.
        k: usize,
        /// Numerical rank of the training samples.
        rank: usize,
        /// Number of training samples.
        rows: usize,
        /// The fold that was held out, where there was one.
        fold: Option<usize>,
    },
    /// No candidate is usable.
    #[error(
        "none of the candidates {candidates:?} for k is between 1 and {rank} (the smallest rank met): add a smaller one or more samples"
    )]
    NoCandidate {
        /// The candidates.
        candidates: Vec<usize>,
        /// Smallest rank of all training subsets.
        rank: usize,
    },
    /// A class too small to be split.
    #[error(
        "class {} has {members} member{}: at least 2 are needed to hold some out; add spectra or remove the class",
        label.as_ref().map_or_else(|| class.to_string(), |label| format!("{label:?}")),
        if *members == 1 { "" } else { "s" }
    )]
    ClassTooSmall {
        /// Index of the class.
        class: usize,
        /// Its number of members.
        members: usize,
        /// Its label, where the caller gave labels ([`OpenSetError::with_labels`]).
        label: Option<String>,
    },
    /// Cross-validation needs at least two folds, each with something in it.
    #[error("{folds} folds are not allowed: choose 2 to {most} ({why})")]
    FoldCount {
        /// Number asked for.
        folds: usize,
        /// Largest number possible.
        most: usize,
        /// What limits it.
        why: &'static str,
    },
    /// A share of the data.
    #[error("fraction {fraction} is not allowed: 0 < fraction < 1 is needed")]
    Fraction {
        /// The value given.
        fraction: f64,
    },
    /// A fold without a known sample on either side.
    #[error("fold {fold} leaves no {side} sample: every fold needs some on both sides")]
    EmptyFold {
        /// The fold.
        fold: usize,
        /// `known training` or `test`.
        side: &'static str,
    },
    /// Leaving classes out needs something to leave out.
    #[error(
        "{known} known class(es) and no known unknowns: at least 2 classes are needed to leave one out"
    )]
    NothingToLeaveOut {
        /// Number of known classes.
        known: usize,
    },
    /// The detector depends on a classifier that has to be refitted in every fold.
    #[error(
        "out-of-fold scores of the {detector} detector need logits of a classifier refitted per fold: compute them and use Gate::from_scores, or choose the in-sample rule"
    )]
    NeedsRefit {
        /// Name of the detector.
        detector: &'static str,
    },
    /// A gate was asked for one detector and given another.
    #[error("the gate was asked for {asked:?} and given {given:?}: fit the detector it asks for")]
    OtherDetector {
        /// The detector given.
        given: DetectorSpec,
        /// The detector of the specification.
        asked: DetectorSpec,
    },
    /// A stored gate that does not fit together.
    #[error("the stored gate is damaged: {reason}")]
    Stored {
        /// What is wrong.
        reason: String,
    },
    /// A label where it must not be.
    #[error("label {label:?}: {reason}")]
    Label {
        /// The label.
        label: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An assignment that does not fit the style of the classifier.
    #[error("assignment in row {row}: {reason}")]
    Assignment {
        /// Row of the assignment.
        row: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The decomposition did not converge.
    #[error("the singular value decomposition of a {rows} x {columns} matrix did not converge")]
    NoConvergence {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
}

impl OpenSetError {
    /// The same error with the label of the class it speaks of.
    #[must_use]
    pub fn with_labels(mut self, labels: &[ClassLabel]) -> Self {
        if let Self::ClassTooSmall { class, label, .. } = &mut self {
            *label = labels.get(*class).map(|known| known.as_str().to_owned());
        }
        self
    }

    /// The same error with the row of the sample it speaks of.
    pub(crate) fn in_row(mut self, at: usize) -> Self {
        if let Self::NotFinite { row, .. } | Self::Assignment { row, .. } = &mut self {
            *row = at;
        }
        self
    }
}

impl Classified for OpenSetError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stored { .. } => ErrorKind::DataLoss,
            Self::NoConvergence { .. } => ErrorKind::Internal,
            Self::NeedsRefit { .. } => ErrorKind::FailedPrecondition,
            _ => ErrorKind::InvalidArgument,
        }
    }
}
