//! Tests of the loop: it learns, it says what is wrong, and it continues to the bit.

use super::*;
use crate::{
    FinderSettings, Trainable, Unobserved, balanced_class_weights, initial_weights,
    sampler::shuffled,
};
use assay_network::{Activation, Graph, Op, Padding, Weights};
use ndarray::Array2;
use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// Spectrum → convolution → batch normalisation → pooling → flatten → dropout → logits.
fn small_network() -> (Graph, Weights) {
    let (mut graph, input) = Graph::with_input("spectrum", vec![Some(32)]);
    graph.mark(Landmark::Spectrum, input);
    let channel = graph.push("channel", Op::AddChannelAxis, &[input]);
    let conv = Op::Conv {
        in_channels: 1,
        out_channels: 6,
        kernel: vec![5],
        stride: vec![2],
        groups: 1,
        padding: Padding::Same,
        bias: true,
    };
    let conv = graph.push("conv", conv, &[channel]);
    let normalised = Op::BatchNorm {
        channels: 6,
        epsilon: 1e-3,
    };
    let normalised = graph.push("bn", normalised, &[conv]);
    let active = graph.push("relu", Op::Activation(Activation::Relu), &[normalised]);
    let pool = Op::MaxPool {
        kernel: vec![2],
        stride: vec![2],
    };
    let pooled = graph.push("pool", pool, &[active]);
    let flat = graph.push("flat", Op::Flatten, &[pooled]);
    graph.mark(Landmark::Features, flat);
    let dropped = graph.push("dropout", Op::Dropout { rate: 0.25 }, &[flat]);
    let dense = Op::Dense {
        inputs: 48,
        outputs: 3,
    };
    let logits = graph.push("head", dense, &[dropped]);
    graph.mark(Landmark::Logits, logits);
    let weights = initial_weights(&graph, 5).unwrap();
    (graph, weights)
}

/// Three classes with a bump each at its own place, and deterministic noise.
fn rows(n: usize, first: usize) -> (Array2<f32>, Vec<usize>) {
    let classes: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let inputs = Array2::from_shape_fn((n, 32), |(row, bin)| {
        let noise = shuffled(97, row as u64 + first as u64, bin as u64)[0];
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let noise = noise as f32 / 97.0;
        let bump = if bin / 8 == row % 3 { 1.5 } else { 0.0 };
        noise + bump
    });
    (inputs, classes)
}

struct Run {
    history: Vec<EpochRecord>,
    weights: Weights,
}

fn settings(epochs: usize) -> FitSettings {
    FitSettings {
        rates: (0..epochs)
            .map(|e| if e % 2 == 0 { 0.01 } else { 0.003 })
            .collect(),
        batch_size: 7,
        class_weights: vec![0.9, 1.0, 1.1],
        seed: 3,
        threads: 1,
    }
}

fn run(
    trainable: Trainable,
    epochs: usize,
    folder: Option<&Path>,
    observer: &dyn Observer,
) -> Result<Run> {
    let (graph, weights) = small_network();
    let network = TchNetwork::new(&graph, &weights, Device::Cpu, trainable)?;
    let (inputs, classes) = rows(25, 0);
    let training = Examples::new(inputs.view(), &classes, Device::Cpu)?;
    let (inputs, classes) = rows(9, 1000);
    let validation = Examples::new(inputs.view(), &classes, Device::Cpu)?;
    let data = FitData {
        training: &training,
        validation: Some(&validation),
    };
    let plan = folder.map(|folder| CheckpointPlan {
        folder: folder.to_owned(),
        name: "fit".to_owned(),
        every_steps: 3,
    });
    let history = fit(&network, data, &settings(epochs), plan.as_ref(), observer)?;
    Ok(Run {
        history,
        weights: network.export()?,
    })
}

/// Cancels when asked for the `after`-th time whether it does.
struct GivesUp {
    asked: AtomicUsize,
    after: usize,
    flag: AtomicBool,
}

impl Observer for GivesUp {
    fn cancellation(&self) -> Option<&AtomicBool> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= self.after {
            self.flag.store(true, Ordering::Relaxed);
        }
        Some(&self.flag)
    }
}

fn bits(weights: &Weights) -> Vec<(String, Vec<u32>)> {
    weights
        .iter()
        .map(|(name, t)| {
            (
                name.to_owned(),
                t.data.iter().map(|v| v.to_bits()).collect(),
            )
        })
        .collect()
}

#[test]
fn learns_and_records_every_epoch() {
    let run = run(Trainable::All, 20, None, &Unobserved).unwrap();
    assert_eq!(run.history.len(), 20);
    let last = run.history.last().unwrap();
    assert!(last.loss < run.history[0].loss / 3.0, "{last:?}");
    assert_eq!(last.validation_accuracy, Some(1.0));
    assert_eq!(run.history[1].rate, 0.003);
}

#[test]
fn statistics_stay_and_the_head_alone_trains_when_asked() {
    let (_, start) = small_network();
    let changed = |trainable| {
        let run = run(trainable, 2, None, &Unobserved).unwrap();
        let names = run.weights.iter().filter(|(n, t)| start.get(n) != Some(t));
        names.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(changed(Trainable::Head), ["head.bias", "head.weight"]);
    let all = [
        "bn.bias",
        "bn.weight",
        "conv.bias",
        "conv.weight",
        "head.bias",
        "head.weight",
    ];
    assert_eq!(changed(Trainable::All), all);
}

#[test]
fn a_run_interrupted_at_any_batch_ends_with_the_same_bits() {
    let whole = run(Trainable::All, 3, None, &Unobserved).unwrap();
    for after in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let gives_up = GivesUp {
            asked: AtomicUsize::new(0),
            after,
            flag: AtomicBool::new(false),
        };
        let interrupted = run(Trainable::All, 3, Some(folder.path()), &gives_up);
        match interrupted {
            Err(TrainError::Cancelled {
                checkpoint: Some(path),
            }) => assert!(path.exists()),
            other => panic!("interrupted after {after}: {:?}", other.map(|r| r.history)),
        }
        let resumed = run(Trainable::All, 3, Some(folder.path()), &Unobserved).unwrap();
        assert_eq!(
            bits(&resumed.weights),
            bits(&whole.weights),
            "after {after}"
        );
        assert_eq!(resumed.history, whole.history, "after {after}");
    }
}

/// As after a `kill`: the last periodic checkpoint is older than the last batch.
#[test]
fn a_run_continued_from_an_older_checkpoint_ends_with_the_same_bits() {
    let whole = run(Trainable::All, 3, None, &Unobserved).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let saved = Mutex::new(None);
    struct Keeps<'a>(&'a Path, &'a Mutex<Option<Vec<u8>>>);
    impl Observer for Keeps<'_> {
        fn epoch(&self, record: &EpochRecord) {
            if record.epoch == 1 {
                // Steps 1 to 8 are done; the file on disk is that of step 6.
                *self.1.lock().unwrap() = std::fs::read(self.0.join("fit.safetensors")).ok();
            }
        }
    }
    let keeps = Keeps(folder.path(), &saved);
    run(Trainable::All, 3, Some(folder.path()), &keeps).unwrap();
    let old = saved.lock().unwrap().take().unwrap();
    std::fs::write(folder.path().join("fit.safetensors"), old).unwrap();
    let resumed = run(Trainable::All, 3, Some(folder.path()), &Unobserved).unwrap();
    assert_eq!(bits(&resumed.weights), bits(&whole.weights));
    assert_eq!(resumed.history, whole.history);
}

#[test]
fn a_finished_run_is_not_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(Trainable::All, 2, Some(folder.path()), &Unobserved).unwrap();
    let counter = GivesUp {
        asked: AtomicUsize::new(0),
        after: usize::MAX,
        flag: AtomicBool::new(false),
    };
    let second = run(Trainable::All, 2, Some(folder.path()), &counter).unwrap();
    assert_eq!(bits(&first.weights), bits(&second.weights));
    assert_eq!(counter.asked.load(Ordering::Relaxed), 0, "no batch was run");
}

#[test]
fn a_checkpoint_of_another_run_or_a_damaged_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(Trainable::All, 1, Some(folder.path()), &Unobserved).unwrap();
    let other = run(Trainable::All, 2, Some(folder.path()), &Unobserved).map(|r| r.history);
    assert!(
        matches!(other, Err(TrainError::Checkpoint { .. })),
        "{other:?}"
    );
    let path = folder.path().join("fit.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    let damaged = run(Trainable::All, 1, Some(folder.path()), &Unobserved).map(|r| r.history);
    assert!(damaged.unwrap_err().to_string().contains("delete it"));
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_says_what_to_do() {
    let (graph, mut weights) = small_network();
    let mut spoilt = weights.remove("head.bias").unwrap();
    spoilt.data[0] = f32::MAX;
    spoilt.data[1] = -f32::MAX;
    weights.insert("head.bias", spoilt);
    let network = TchNetwork::new(&graph, &weights, Device::Cpu, Trainable::All).unwrap();
    let (inputs, classes) = rows(6, 0);
    let training = Examples::new(inputs.view(), &classes, Device::Cpu).unwrap();
    let data = FitData {
        training: &training,
        validation: None,
    };
    let error = fit(&network, data, &settings(1), None, &Unobserved).unwrap_err();
    assert!(error.to_string().contains("--lr-bounds"), "{error}");
}

#[test]
fn values_that_are_not_finite_never_reach_torch() {
    let (mut inputs, classes) = rows(6, 0);
    inputs[[4, 2]] = f32::NAN;
    let error = Examples::new(inputs.view(), &classes, Device::Cpu).unwrap_err();
    assert!(error.to_string().contains("row 4, column 2"), "{error}");
    assert!(Examples::new(inputs.view(), &classes[1..], Device::Cpu).is_err());
}

#[test]
fn the_rate_search_finds_a_curve_on_real_steps() {
    let (graph, weights) = small_network();
    let network = TchNetwork::new(&graph, &weights, Device::Cpu, Trainable::All).unwrap();
    let (inputs, classes) = rows(25, 0);
    let settings = FitSettings {
        class_weights: balanced_class_weights(&classes, 3).unwrap(),
        ..settings(0)
    };
    let examples = Examples::new(inputs.view(), &classes, Device::Cpu).unwrap();
    let finder = FinderSettings::default();
    let curve = search_rates(&network, &examples, &settings, finder, &Unobserved).unwrap();
    assert!(curve.len() > 50);
    let lowest = curve
        .iter()
        .map(|p| p.smoothed)
        .fold(f64::INFINITY, f64::min);
    assert!(lowest < curve[0].smoothed);
}
