//! The choices about the open-set gate.

use crate::fault::{Faults, MOST_ENTRIES};
use assay_openset::{DEFAULT_CANDIDATES, ThresholdRule};
use serde::{Deserialize, Serialize};

/// Kind of detector; its parameter is chosen or given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorKind {
    /// Distance from the subspace of the training features.
    #[default]
    Dime,
    /// Free energy of the logits.
    Energy,
    /// Largest class probability.
    Softmax,
}

/// Which training scores set the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdKind {
    /// Scores of rows that the detector, and for logits the network, was not fitted on.
    #[default]
    OutOfFold,
    /// Scores of the very rows it was fitted on: the published way, too optimistic.
    InSample,
}

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateSearch {
    /// Nothing but the k of DIME, by leave-one-class-out AUROC, unless it is given.
    #[default]
    None,
    /// Alpha and the detector's parameter, by cross-validated total efficiency: the published way.
    Teff,
}

/// The gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateSettings {
    /// Kind of detector.
    pub detector: DetectorKind,
    /// Share of known spectra that may be refused; a search by efficiency replaces it.
    pub alpha: f64,
    /// Which training scores set the threshold.
    pub rule: ThresholdKind,
    /// Folds of out-of-fold scores and of the search.
    pub folds: usize,
    /// What is searched.
    pub search: GateSearch,
    /// Dimension of DIME's subspace; `None` chooses among the candidates.
    pub k: Option<usize>,
    /// Candidates for k.
    pub candidates: Vec<usize>,
    /// Temperature of Energy.
    pub temperature: f64,
    /// Fit the gate on augmented copies too. It then accepts what looks like them, but a copy
    /// thinned to a few thousand counts looks like many a material: on measured spectra such a
    /// gate lets most unknowns pass, so that by default copies teach the network alone.
    pub copies: bool,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            detector: DetectorKind::default(),
            alpha: 0.02,
            rule: ThresholdKind::default(),
            folds: 5,
            search: GateSearch::default(),
            k: None,
            candidates: DEFAULT_CANDIDATES.to_vec(),
            temperature: 1.0,
            copies: false,
        }
    }
}

impl GateSettings {
    /// The rule as the gate takes it; folds are keyed by the seed of the run.
    #[must_use]
    pub const fn threshold_rule(&self, seed: u64) -> ThresholdRule {
        match self.rule {
            ThresholdKind::InSample => ThresholdRule::InSample,
            ThresholdKind::OutOfFold => ThresholdRule::OutOfFold {
                folds: self.folds,
                seed,
            },
        }
    }

    /// Whether the k of DIME is chosen among the candidates.
    #[must_use]
    pub fn chooses_k(&self) -> bool {
        self.detector == DetectorKind::Dime && self.k.is_none() && self.search == GateSearch::None
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        let &Self {
            alpha,
            folds,
            temperature,
            ..
        } = self;
        let searched = self.search == GateSearch::Teff;
        // A list too long is told by its length alone.
        let zero = self.candidates.len() <= MOST_ENTRIES && self.candidates.contains(&0);
        faults.require(alpha > 0.0 && alpha < 1.0, "gate.alpha", "--alpha", || {
            format!("is {alpha}: (0, 1) is required")
        });
        faults.require(folds >= 2, "gate.folds", "--gate-folds", || {
            format!("is {folds}: at least 2 are required")
        });
        faults.require(self.k != Some(0), "gate.k", "--k", || {
            "is 0: at least 1 and less than the rank is required".to_owned()
        });
        faults.require(
            self.k.is_none() || self.detector == DetectorKind::Dime,
            "gate.k",
            "--k",
            || "is for the detector dime only (--gate dime)".to_owned(),
        );
        faults.require(self.k.is_none() || !searched, "gate.k", "--k", || {
            "is given and the search teff (--gate-search) looks for it: leave one out".to_owned()
        });
        faults.require(
            !self.candidates.is_empty() && !zero,
            "gate.candidates",
            "",
            || {
                let candidates = &self.candidates;
                format!("is {candidates:?}: one or more positive numbers are required")
            },
        );
        faults.require(
            self.candidates.len() <= MOST_ENTRIES,
            "gate.candidates",
            "",
            || {
                let found = self.candidates.len();
                format!("has {found} entries: at most {MOST_ENTRIES} are allowed")
            },
        );
        faults.require(
            temperature > 0.0 && temperature.is_finite(),
            "gate.temperature",
            "--temperature",
            || format!("is {temperature}: a positive number is required"),
        );
        faults.require(
            !(self.detector == DetectorKind::Softmax && searched),
            "gate.search",
            "--gate-search",
            || {
                "is teff, which has nothing to search for the detector softmax but alpha: use \
                 --alpha with --gate-search none"
                    .to_owned()
            },
        );
    }
}
