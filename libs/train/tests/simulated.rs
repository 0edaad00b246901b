//! A whole run on simulated spectra: the physics must be learnable and the unknown refusable.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use assay_core::Digest;
use assay_network::{Activation, TutorialVariant};
use assay_pipeline::{Dataset, DatasetRow, ModelSpec, Role};
use assay_simulate::{SimulationSpec, Simulator};
use assay_train::{Resources, TrainingData, TrainingSpec, Unobserved, train};
use std::path::Path;

fn simulated() -> Dataset {
    let spec = SimulationSpec {
        spectra_per_known_class: 6,
        spectra_per_unknown_class: 2,
        lots_per_class: 2,
        shortest_live_time_s: 5_000.0,
        ..SimulationSpec::default()
    };
    let simulator = Simulator::new(spec).unwrap();
    let rows = simulator
        .plan()
        .unwrap()
        .into_iter()
        .enumerate()
        .map(|(index, item)| {
            let simulated = simulator.simulate(&item).unwrap();
            DatasetRow {
                line: index as u64 + 2,
                digest: Digest::of(simulated.file_name.as_bytes()),
                file: simulated.file_name,
                label: item.label.clone(),
                role: if item.known {
                    Role::Known
                } else {
                    Role::Unknown
                },
                group: item.group(),
                spectrum: simulated.spectrum,
                warnings: Vec::new(),
                further_records: 0,
            }
        });
    Dataset::from_rows(Path::new("manifest.csv"), rows.collect())
}

#[test]
fn a_network_on_vectors_learns_the_simulated_materials() {
    let dataset = simulated();
    let mut spec = TrainingSpec::for_model(ModelSpec::Cnn1d {
        variant: TutorialVariant::SmallGap { pool: 8 },
        activation: Activation::Relu,
        dropout: 0.0,
    });
    spec.execution.threads = 1;
    spec.batch_size = 15;
    spec.gate.candidates = vec![5, 10];
    let resources = Resources {
        bases_dir: Path::new("no base is needed"),
        runtime_library: None,
        clock: None,
        wall_clock_s: None,
    };
    let data = TrainingData {
        dataset: &dataset,
        validation: None,
    };
    let trained = train(data, &spec, &resources, &Unobserved).unwrap();
    let summary = trained.outcome.training.summary;
    assert_eq!((summary.known_total, summary.unknown_total), (60, 6));
    assert!(summary.closed_set_correct >= 54, "{summary:?}");
}
