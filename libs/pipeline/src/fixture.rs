//! Small models and spectra for tests: random convolutions, a head of class means and a gate, so
//! that everything runs in milliseconds and nothing needs training.

#![expect(
    clippy::unwrap_used,
    reason = "only tests use it, and a test fails by panicking"
)]

use crate::{
    Bundle, BundleContents, Dataset, DatasetRow, IdentifierOptions, ModelSpec, PipelineError, Role,
    build_graph,
    bundle::{
        BaseRecord, HeadRecord, Metrics, References, TrainingRange, TrainingRecord, Versions,
    },
};
use assay_core::{ClassLabel, Digest, keyed_rng};
use assay_gramian::Imaging;
use assay_infer::{FeatureExtractor, OnnxRuntime, Watch};
use assay_network::{
    Activation, Base, ExportOptions, Graph, Head, HeadSpec, ImageLayer, Landmark, Tensor,
    TutorialVariant, Weights, catalogue::image_classifier, export_onnx,
};
use assay_openset::{DetectorSpec, Gate, GateSpec, Samples, ThresholdRule};
use assay_spectrum::{EnergyCalibration, Recipe, Spectrum};
use ndarray::{Array2, Axis};
use rand::RngExt;
use std::{collections::BTreeMap, path::Path};

/// Materials: a continuum with peaks at multiples of some energy, so that each is its own.
pub fn spectrum(material: u64, replicate: u64) -> Spectrum {
    let mut rng = keyed_rng(material, "fixture spectrum", &[replicate]);
    let spacing = 900 + 370 * material;
    let counts = (0..16384u64)
        .map(|channel| {
            let continuum = 4000.0 / (1.0 + channel as f64 / 900.0);
            let from_peak = (channel % spacing) as f64 - spacing as f64 / 2.0;
            let peak = 60_000.0 * (-from_peak * from_peak / 800.0).exp();
            let noise: f64 = rng.random_range(0.95..1.05);
            ((continuum + peak) * noise) as u64
        })
        .collect();
    Spectrum {
        calibration: EnergyCalibration::new(-1.4, 0.7155, 0.0).ok(),
        live_time_s: Some(900.0),
        real_time_s: Some(1000.0),
        ..Spectrum::from_counts(counts)
    }
}

/// `replicates` spectra each of three known materials and one unknown.
pub fn dataset(replicates: u64, first: u64) -> Dataset {
    let labels = ["Ash", "Coal, hard", "Öl", "Zircaloy"];
    let mut rows = Vec::new();
    for (material, label) in labels.into_iter().enumerate() {
        for replicate in first..first + replicates {
            let spectrum = spectrum(material as u64, replicate);
            rows.push(DatasetRow {
                line: rows.len() as u64 + 2,
                file: format!("{material}/{replicate}.spe"),
                label: ClassLabel::new(label).unwrap(),
                role: if material < 3 {
                    Role::Known
                } else {
                    Role::Unknown
                },
                group: format!("lot {}", replicate % 3),
                digest: Digest::of(&assay_formats::write_spe(&spectrum)),
                spectrum,
                warnings: Vec::new(),
                further_records: 0,
            });
        }
    }
    Dataset::from_rows(Path::new("fixture.csv"), rows)
}

/// Writes the spectra of a data set below a folder and a manifest of them; returns its path.
pub fn write_dataset(dataset: &Dataset, folder: &Path) -> std::path::PathBuf {
    let mut text = "file,label,role,group\n".to_owned();
    let mut rows: Vec<_> = dataset.rows().iter().collect();
    rows.sort_by_key(|row| row.line);
    for row in rows {
        let path = folder.join(&row.file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, assay_formats::write_spe(&row.spectrum)).unwrap();
        let (label, role) = (row.label.as_str(), row.role.as_str());
        text += &format!("{},\"{label}\",{role},{}\n", row.file, row.group);
    }
    let path = folder.join("manifest.csv");
    std::fs::write(&path, text).unwrap();
    path
}

/// The runtime of set-up, and no clock.
pub fn options() -> IdentifierOptions {
    IdentifierOptions::default()
}

/// Values around zero with the spread that keeps activations near one; variances above zero.
pub fn random_weights(graph: &Graph) -> Weights {
    weights_of_spread(graph, 3.0)
}

fn weights_of_spread(graph: &Graph, variance: f32) -> Weights {
    graph
        .weight_shapes()
        .into_iter()
        .map(|(name, shape)| {
            let mut rng = keyed_rng(
                7,
                "fixture weights",
                &[name.len() as u64, shape.len() as u64],
            );
            let fan_in: usize = shape.iter().skip(1).product::<usize>().max(1);
            let spread = (variance / fan_in as f32).sqrt();
            let mut draw = || match rng.random_range(-spread..spread) {
                value if name.ends_with("running_var") => 0.5 + f32::abs(value),
                value => value,
            };
            let data = (0..shape.iter().product()).map(|_| draw()).collect();
            (name, Tensor { shape, data })
        })
        .collect()
}

/// A model of the smallest tutorial network, fitted to `dataset(8, 0)`.
pub fn bundle() -> Bundle {
    try_bundle(&on_vectors(), |_| ()).unwrap()
}

/// [`bundle`] with its weights changed after the head was fitted to them.
pub fn bundle_with_weights(change: impl FnOnce(&mut Weights)) -> Bundle {
    try_bundle(&on_vectors(), change).unwrap()
}

/// A model on images of 96² pixels with a frozen base of a quarter MobileNet, fitted to
/// `dataset(8, 0)`.
pub fn image_bundle() -> Bundle {
    try_bundle(&on_images(), |_| ()).unwrap()
}

/// A bundle that looks right and computes features that are not finite.
pub fn overflowing_bundle() -> Bundle {
    let overflow = |weights: &mut Weights| {
        *weights = std::mem::take(weights)
            .iter()
            .map(|(name, tensor)| {
                let mut tensor = tensor.clone();
                if !name.starts_with("head.") {
                    tensor.data.iter_mut().for_each(|value| *value *= 1e30);
                }
                (name.to_owned(), tensor)
            })
            .collect();
    };
    bundle_with_weights(overflow)
}

/// A bundle of the same network, head and gate, with another identity for every seed.
pub fn renamed(bundle: &Bundle, seed: u64) -> Bundle {
    let mut contents = bundle.contents().clone();
    let seeds = &mut contents.training.seeds;
    seeds.insert("renamed".to_owned(), seed);
    Bundle::new(contents, bundle.model().to_vec(), bundle.gate()).unwrap()
}

/// The bundle with spectra of `dataset(2, 0)` as references; each feature that it claims of them
/// is `wrong` times what its network gives.
pub fn with_references(bundle: &Bundle, wrong: f32) -> Bundle {
    let runtime = OnnxRuntime::load(None).unwrap();
    let extractor = bundle.extractor(runtime, &options().session).unwrap();
    let vectors = dataset(2, 0).vectors(&bundle.contents().recipe).unwrap();
    let features = extractor.extract(vectors.view(), &Watch::none()).unwrap();
    let references = References {
        mean: vectors.mean_axis(Axis(0)),
        vectors,
        features: features * wrong,
    };
    bundle.clone().with_references(&references).unwrap()
}

fn on_vectors() -> ModelSpec {
    ModelSpec::Cnn1d {
        variant: TutorialVariant::SmallGap { pool: 8 },
        activation: Activation::Elu,
        dropout: 0.0,
    }
}

fn on_images() -> ModelSpec {
    ModelSpec::Cnn2d {
        base: Base::MobileNetV1 { alpha: 0.25 }.to_string(),
        imaging: Imaging {
            size: 96,
            ..Imaging::default()
        },
        dropout: 0.0,
    }
}

/// The graph of a specification with random weights, and the record of its base.
fn network(
    spec: &ModelSpec,
    bins: usize,
    classes: usize,
) -> Result<(Graph, Weights, Option<BaseRecord>), PipelineError> {
    let ModelSpec::Cnn2d { base, imaging, .. } = spec else {
        let graph = build_graph(spec, bins, classes, Path::new(""))?.graph;
        let weights = random_weights(&graph);
        return Ok((graph, weights, None));
    };
    let layer = ImageLayer {
        imaging: imaging.clone(),
        bins,
    };
    let head = HeadSpec {
        classes,
        dropout: 0.0,
    };
    let graph = image_classifier(layer, &base.parse::<Base>()?.graph(None), head)?;
    let weights = weights_of_spread(&graph, 6.0);
    let record = BaseRecord {
        name: base.clone(),
        digest: weights.digest(),
        licence: "none".to_owned(),
        source: "random numbers".to_owned(),
    };
    Ok((graph, weights, Some(record)))
}

/// Fits head and gate to `dataset(8, 0)`; `change` is applied to the weights that are exported.
fn try_bundle(
    spec: &ModelSpec,
    change: impl FnOnce(&mut Weights),
) -> Result<Bundle, PipelineError> {
    let training = dataset(8, 0);
    let recipe = Recipe::default();
    let classes = training.classes().len();
    let (graph, mut weights, base) = network(spec, recipe.bins(), classes)?;
    let runtime = OnnxRuntime::load(None)?;
    let extractor = FeatureExtractor::new(runtime, &graph, &weights, None, &options().session)?;
    let known = training.positions(Role::Known);
    let vectors = training.vectors(&recipe)?.select(Axis(0), &known);
    let features = extractor.extract(vectors.view(), &Watch::none())?;
    let class_of: Vec<_> = training.class_indices().into_iter().flatten().collect();
    weights.extend(class_means(&features, &class_of, classes).to_weights());
    change(&mut weights);
    let export = ExportOptions {
        outputs: vec![Landmark::FeatureMap, Landmark::Features, Landmark::Logits],
        probabilities: true,
        ..ExportOptions::default()
    };
    let model = export_onnx(&graph, &weights, &export)?;
    let gate_spec = GateSpec {
        detector: DetectorSpec::Dime { k: 3 },
        alpha: 0.02,
        rule: ThresholdRule::default(),
    };
    let wide = features.mapv(f64::from);
    let gate = Gate::fit(gate_spec, Samples::features(wide.view()), &class_of)?;
    let mut contents = contents(&training, &gate, features.ncols(), spec.clone());
    contents.base = base;
    Bundle::new(contents, model, &gate)
}

/// A linear classifier by distance from the class means.
fn class_means(features: &Array2<f32>, class_of: &[usize], classes: usize) -> Head {
    let mut weight = vec![0.0f32; features.ncols() * classes];
    let mut bias = vec![0.0f32; classes];
    for class in 0..classes {
        let members: Vec<_> = (0..class_of.len())
            .filter(|&i| class_of[i] == class)
            .collect();
        let mean = features
            .select(Axis(0), &members)
            .mean_axis(Axis(0))
            .unwrap();
        bias[class] = -0.5 * mean.iter().map(|m| m * m).sum::<f32>();
        for (feature, value) in mean.iter().enumerate() {
            weight[feature * classes + class] = *value;
        }
    }
    Head::new(weight, bias).unwrap()
}

fn contents(training: &Dataset, gate: &Gate, features: usize, model: ModelSpec) -> BundleContents {
    let mut spectra = BTreeMap::new();
    for row in training.rows().iter().filter(|row| row.role == Role::Known) {
        *spectra.entry(row.label.clone()).or_default() += 1;
    }
    BundleContents {
        classes: training.classes().to_vec(),
        recipe: Recipe::default(),
        model,
        base: None,
        head: HeadRecord {
            features,
            classes: training.classes().len(),
        },
        gate: gate.to_parts().0,
        training: TrainingRecord {
            data: training.digest(),
            spectra,
            range: TrainingRange::of(training.rows().iter().map(|row| &row.spectrum)).unwrap(),
            seeds: BTreeMap::from([("training".to_owned(), 7)]),
            settings: serde_json::json!({"epochs": 0, "fine_tune": false}),
        },
        metrics: Metrics::default(),
        versions: Versions {
            openassay: env!("CARGO_PKG_VERSION").to_owned(),
            engine: "test".to_owned(),
            trainer: "test".to_owned(),
        },
    }
}
