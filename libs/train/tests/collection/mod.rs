//! A small collection of made-up spectra, and a base with random weights, for whole runs in
//! seconds.

use assay_core::{ClassLabel, Digest, keyed_rng};
use assay_network::{Base, Tensor, Weights, bases};
use assay_pipeline::{Dataset, DatasetRow, Role};
use assay_spectrum::{EnergyCalibration, Spectrum};
use assay_train::{Resources, TrainingSpec, initial_weights};
use rand::RngExt;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::OnceLock,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Labels by material; the last one is no known class.
pub(crate) const LABELS: [&str; 4] = ["Ash", "Coal, hard", "Öl", "Zircaloy"];

/// Name of the random base.
pub(crate) const BASE: &str = "mobilenet-v1-0.25";

/// A continuum with peaks at places of the material's own.
pub(crate) fn spectrum(material: u64, replicate: u64) -> Spectrum {
    let mut rng = keyed_rng(material, "spectrum of a test", &[replicate]);
    let level: f64 = rng.random_range(0.5..2.0);
    let counts = (0..16_384_u64)
        .map(|channel| {
            let channel_f64 = f64::from(u32::try_from(channel).unwrap());
            let continuum = 4000.0 / (1.0 + channel_f64 / 900.0);
            let spacing = 900 + 370 * material;
            let from_peak = f64::from(u32::try_from(channel % spacing).unwrap()) - 400.0;
            let peak = 60_000.0 * (-from_peak * from_peak / 800.0).exp();
            let noise: f64 = rng.random_range(0.9..1.1);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "counts are small and positive"
            )]
            let counts = ((continuum + peak) * noise * level) as u64;
            counts
        })
        .collect();
    Spectrum {
        calibration: EnergyCalibration::new(-1.4, 0.7155, 0.0).ok(),
        live_time_s: Some(900.0),
        real_time_s: Some(1000.0),
        ..Spectrum::from_counts(counts)
    }
}

/// Rows of some materials, `replicates` each; the last material has role `unknown`.
pub(crate) fn rows(
    materials: std::ops::Range<usize>,
    replicates: u64,
    first: u64,
) -> Vec<DatasetRow> {
    let mut rows = Vec::new();
    for material in materials {
        for replicate in first..first + replicates {
            let spectrum = spectrum(material as u64, replicate);
            rows.push(DatasetRow {
                line: rows.len() as u64 + 2,
                file: format!("{material}/{replicate}.spe"),
                label: ClassLabel::new(LABELS[material]).unwrap(),
                role: if material < 3 {
                    Role::Known
                } else {
                    Role::Unknown
                },
                group: format!("lot {}", replicate % 3),
                digest: Digest::of(format!("{material}/{replicate}").as_bytes()),
                spectrum,
                warnings: Vec::new(),
                further_records: 0,
            });
        }
    }
    rows
}

/// All four materials.
pub(crate) fn dataset(replicates: u64, first: u64) -> Dataset {
    Dataset::from_rows(Path::new("manifest.csv"), rows(0..4, replicates, first))
}

/// A folder with [`BASE`] in it, for as long as the value lives.
pub(crate) struct Bases(TempDir);

impl Bases {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base: Base = BASE.parse().unwrap();
        let start = initial_weights(&base.graph(None), 1).unwrap();
        let weights: Weights = start
            .iter()
            .map(|(name, tensor)| (name.to_owned(), as_strong_as_its_input(tensor)))
            .collect();
        let metadata = BTreeMap::from([("digest".to_owned(), weights.digest().to_string())]);
        let bytes = weights.to_safetensors(&metadata).unwrap();
        std::fs::write(bases::path(BASE, folder.path()), bytes).unwrap();
        Self(folder)
    }

    pub(crate) fn resources(&self) -> Resources<'_> {
        Resources {
            bases_dir: self.0.path(),
            runtime_library: None,
            clock: Some(since_start),
            wall_clock_s: Some(|| 1_700_000_000.0),
        }
    }
}

/// Kernels drawn so wide that a signal neither dies nor grows on its way through many layers
/// (He et al., ICCV 2015); what is no kernel stays.
fn as_strong_as_its_input(tensor: &Tensor) -> Tensor {
    if tensor.shape.len() < 2 {
        return tensor.clone();
    }
    let fan_in: usize = tensor.shape[1..].iter().product();
    let limit = (6.0 / f32::from(u16::try_from(fan_in).unwrap())).sqrt();
    let mut rng = keyed_rng(1, "kernel of a test", &[tensor.data.len() as u64]);
    let draw = tensor.data.iter().map(|_| rng.random_range(-limit..limit));
    Tensor::new(tensor.shape.clone(), draw.collect()).unwrap()
}

fn since_start() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// One thread, so that tests which run side by side do not wait for each other's threads.
pub(crate) fn on_one_thread(mut spec: TrainingSpec) -> TrainingSpec {
    spec.execution.threads = 1;
    spec
}
