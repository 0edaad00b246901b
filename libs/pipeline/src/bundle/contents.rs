//! What `bundle.json` says about a model.

use crate::{EvaluationSummary, ModelSpec};
use assay_core::{ClassLabel, Digest};
use assay_openset::GateRecord;
use assay_spectrum::Recipe;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything about a model except its weights. No time of day: the same training gives the same
/// contents, and so the same identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleContents {
    /// Known classes, sorted by their UTF-8 bytes; the position is the index of the logit.
    pub classes: Vec<ClassLabel>,
    /// From spectrum to input vector, with the energy grid.
    pub recipe: Recipe,
    /// The network, with the imaging.
    pub model: ModelSpec,
    /// Where the frozen part of the network comes from.
    pub base: Option<BaseRecord>,
    /// Shape of the last layer.
    pub head: HeadRecord,
    /// Detector, threshold and the scores behind the p-values.
    pub gate: GateRecord,
    /// What the model was trained on, and how.
    pub training: TrainingRecord,
    /// How well it does.
    pub metrics: Metrics,
    /// What made it.
    pub versions: Versions,
}

/// Origin of a pretrained base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseRecord {
    /// Name in the catalogue.
    pub name: String,
    /// Canonical digest of its weights.
    pub digest: Digest,
    /// Licence of its weights.
    pub licence: String,
    /// Where its weights come from.
    pub source: String,
}

/// Shape of the last dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadRecord {
    /// Number of features.
    pub features: usize,
    /// Number of classes.
    pub classes: usize,
}

/// What a model was trained on, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// Digest of the training data set.
    pub data: Digest,
    /// Training spectra per class.
    pub spectra: BTreeMap<ClassLabel, usize>,
    /// Limits within which the training spectra lie.
    pub range: TrainingRange,
    /// Seeds by purpose.
    pub seeds: BTreeMap<String, u64>,
    /// Every choice of the training, as the trainer writes it.
    pub settings: serde_json::Value,
}

/// Limits within which the training spectra lie, for drift warnings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRange {
    /// Least and most counts of a spectrum, thinned copies included.
    pub total_counts: (u64, u64),
    /// Least and greatest slope of the energy calibrations.
    pub slope_kev_per_channel: Option<(f64, f64)>,
}

impl TrainingRange {
    /// The limits of a set of spectra; `None` when there are none.
    #[must_use]
    pub fn of<'a>(spectra: impl IntoIterator<Item = &'a assay_spectrum::Spectrum>) -> Option<Self> {
        let mut range: Option<Self> = None;
        for spectrum in spectra {
            let total = spectrum.total_counts();
            let slope = spectrum.calibration.map(|c| c.slope_kev_per_channel);
            let slope = slope.map(|slope| (slope, slope));
            let known = range.get_or_insert(Self {
                total_counts: (total, total),
                slope_kev_per_channel: slope,
            });
            known.total_counts.0 = known.total_counts.0.min(total);
            known.total_counts.1 = known.total_counts.1.max(total);
            known.slope_kev_per_channel = match (known.slope_kev_per_channel, slope) {
                (Some((low, high)), Some((slope, _))) => Some((low.min(slope), high.max(slope))),
                (known, new) => known.or(new),
            };
        }
        range
    }
}

/// How well a model does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Single numbers by name, such as the last loss.
    pub values: BTreeMap<String, Option<f64>>,
    /// Judged sets of spectra by name, such as `training` or `test`.
    pub evaluations: BTreeMap<String, EvaluationSummary>,
}

/// What made a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Version of this project.
    pub openassay: String,
    /// What computed the features: name, version, device and element type.
    pub engine: String,
    /// What trained the weights, name and version.
    pub trainer: String,
}

impl BundleContents {
    /// Checks that the parts fit each other. The answer names the field, its value and what is
    /// allowed.
    pub(super) fn fault(&self) -> Option<String> {
        let classes = &self.classes;
        if classes.is_empty() {
            return Some("contents.classes is empty; at least one class is needed".to_owned());
        }
        if let Some(pair) = classes.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Some(format!(
                "contents.classes has {:?} before {:?}; labels must be sorted by their bytes, \
                 each once",
                pair[0].as_str(),
                pair[1].as_str()
            ));
        }
        if self.head.classes != classes.len() {
            return Some(format!(
                "contents.head.classes is {}, but there are {} classes",
                self.head.classes,
                classes.len()
            ));
        }
        if let Err(error) = self.recipe.check() {
            return Some(format!("contents.recipe: {error}"));
        }
        let imaging = self.model.imaging()?;
        let error = imaging.check(self.recipe.bins()).err()?;
        Some(format!("contents.model.imaging: {error}"))
    }
}
