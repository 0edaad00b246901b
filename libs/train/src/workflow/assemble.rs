//! Puts the bundle together.

use super::{Judged, Learnt, Prepared, TrainingData, prepare::Scored};
use crate::{
    augment::widened,
    error::{Result, TrainError, unwritable},
    features::TORCH,
};
use assay_core::ClassLabel;
use assay_network::{ExportOptions, Head, Landmark, export_onnx};
use assay_openset::Gate;
use assay_pipeline::{
    Bundle, BundleContents,
    bundle::{HeadRecord, Metrics, References, TrainingRange, TrainingRecord, Versions},
};
use assay_training_spec::TrainingSpec;
use ndarray::{Array1, ArrayView2, Axis, s};
use std::collections::{BTreeMap, BTreeSet};

/// Spectra that a bundle takes along with their features, each of another class.
const REFERENCES: usize = 3;

/// What a bundle is made of, besides the gate.
pub(super) struct Parts<'a> {
    pub(super) data: TrainingData<'a>,
    pub(super) spec: &'a TrainingSpec,
    pub(super) prepared: &'a Prepared<'a>,
    pub(super) learnt: &'a Learnt,
    pub(super) scored: &'a Scored,
    pub(super) judged: &'a Judged,
}

pub(super) fn bundle(parts: &Parts<'_>, gate: &Gate) -> Result<Bundle> {
    let head = Head::from_weights(&parts.learnt.weights)?;
    let contents = BundleContents {
        classes: parts.prepared.rows.classes.clone(),
        recipe: parts.spec.recipe.clone(),
        model: parts.spec.model.clone(),
        base: parts.prepared.model.built.base_record(),
        head: HeadRecord {
            features: head.features(),
            classes: head.classes(),
        },
        gate: gate.to_parts().0,
        training: training_record(parts)?,
        metrics: metrics(parts),
        versions: Versions {
            openassay: env!("CARGO_PKG_VERSION").to_owned(),
            engine: parts.scored.engine.clone(),
            trainer: TORCH.to_owned(),
        },
    };
    let model = &parts.prepared.model;
    let named = [
        Landmark::Image,
        Landmark::FeatureMap,
        Landmark::Features,
        Landmark::Logits,
    ];
    let outputs = named
        .into_iter()
        .filter(|&name| model.built.graph.landmark(name).is_some());
    let options = ExportOptions {
        outputs: outputs.collect(),
        probabilities: true,
        metadata: metadata(&contents),
        foreign: model.foreign(),
    };
    let weights = model.whole(&parts.learnt.weights);
    let onnx = export_onnx(&model.built.graph, &weights, &options)?;
    Ok(Bundle::new(contents, onnx, gate)?.with_references(&references(parts))?)
}

/// The first spectrum of each of the first classes, for whoever serves the bundle to compare, and
/// the mean of all.
fn references(parts: &Parts<'_>) -> References {
    let rows = &parts.prepared.rows;
    let mut seen = BTreeSet::new();
    let first: Vec<_> = (0..rows.known.len())
        .filter(|&row| seen.insert(rows.class_of[row]))
        .take(REFERENCES)
        .collect();
    References {
        vectors: rows.training.select(Axis(0), &first),
        features: parts.scored.training.select(Axis(0), &first),
        mean: mean(rows.training.slice(s![..rows.known.len(), ..])),
    }
}

/// The mean of each column, summed in 64 bits.
fn mean(rows: ArrayView2<'_, f32>) -> Option<Array1<f32>> {
    let mut sum = Array1::<f64>::zeros(rows.ncols());
    for row in rows.rows() {
        sum.zip_mut_with(&row, |sum, value| *sum += f64::from(*value));
    }
    let count = rows.nrows() as f64;
    (count > 0.0).then(|| sum.mapv(|sum| (sum / count) as f32))
}

fn training_record(parts: &Parts<'_>) -> Result<TrainingRecord> {
    let dataset = parts.data.dataset;
    let known = &parts.prepared.rows.known;
    let measured = known.iter().map(|&row| &dataset.rows()[row].spectrum);
    let range = TrainingRange::of(measured)
        .ok_or(TrainError::Defect("a model without training spectra"))?;
    let mut spectra: BTreeMap<ClassLabel, usize> = BTreeMap::new();
    for &row in known {
        *spectra
            .entry(dataset.rows()[row].label.clone())
            .or_default() += 1;
    }
    Ok(TrainingRecord {
        data: dataset.digest(),
        spectra,
        range: widened(&parts.spec.augmentation, range),
        seeds: BTreeMap::from([("training".to_owned(), parts.spec.seed)]),
        settings: parts.spec.recorded().map_err(unwritable)?,
    })
}

fn metrics(parts: &Parts<'_>) -> Metrics {
    let mut metrics = Metrics::default();
    if let Some(last) = parts.learnt.history.last() {
        for (name, value) in [
            ("loss", Some(last.loss)),
            ("accuracy", Some(last.accuracy)),
            ("validation_loss", last.validation_loss),
            ("validation_accuracy", last.validation_accuracy),
        ] {
            if value.is_some() {
                metrics.values.insert(name.to_owned(), value);
            }
        }
    }
    let judged = [
        ("training", Some(&parts.judged.training)),
        ("validation", parts.judged.validation.as_ref()),
    ];
    for (name, report) in judged {
        if let Some(report) = report {
            metrics
                .evaluations
                .insert(name.to_owned(), report.summary.clone());
        }
    }
    metrics
}

fn metadata(contents: &BundleContents) -> Vec<(String, String)> {
    let classes: Vec<&str> = contents.classes.iter().map(ClassLabel::as_str).collect();
    vec![
        (
            "openassay.version".to_owned(),
            contents.versions.openassay.clone(),
        ),
        (
            "openassay.model".to_owned(),
            contents.model.name().to_owned(),
        ),
        (
            "openassay.classes".to_owned(),
            serde_json::json!(classes).to_string(),
        ),
        (
            "openassay.training_data".to_owned(),
            contents.training.data.to_string(),
        ),
    ]
}
