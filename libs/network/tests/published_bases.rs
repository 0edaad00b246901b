//! The published EfficientNet-Lite files against what NumPy makes of them
//! (`fixtures/make_lite_checks.py`). The files are those that the set-up fetches.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod reference;

use assay_golden::assert_close;
use assay_network::{
    Base, Landmark, bases, catalogue,
    weights::{StoredData, read_legacy_pth},
};
use reference::{Value, run};
use serde_json::Value as Json;
use std::{env, path::PathBuf};

/// `source/<base>.pth` in the folder that `OPENASSAY_BASES_DIR` names, or `None` after saying so.
fn published(test: &str, base: &str) -> Option<Vec<u8>> {
    let Some(dir) = env::var_os("OPENASSAY_BASES_DIR") else {
        eprintln!("SKIPPED {test}: OPENASSAY_BASES_DIR is not set, so no published file is read");
        return None;
    };
    let path = PathBuf::from(dir)
        .join("source")
        .join(format!("{base}.pth"));
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            eprintln!("SKIPPED {test}: {}: {error}", path.display());
            None
        }
    }
}

fn checks() -> Json {
    serde_json::from_str(include_str!("fixtures/lite_checks.json")).unwrap()
}

fn number(entry: &Json, field: &str) -> f64 {
    entry[field].as_f64().unwrap()
}

#[test]
fn the_published_files_are_read_as_numpy_reads_them() {
    let checks = checks();
    for (base, tensors) in checks["tensors"].as_object().unwrap() {
        let test = "the_published_files_are_read_as_numpy_reads_them";
        let Some(bytes) = published(test, base) else {
            continue;
        };
        let read = read_legacy_pth(&bytes).unwrap();
        for (name, entry) in tensors.as_object().unwrap() {
            let shape: Vec<usize> = serde_json::from_value(entry["shape"].clone()).unwrap();
            assert_eq!(read[name].shape, shape, "{base} {name}");
            let StoredData::F32(data) = &read[name].data else {
                panic!("{base} {name} is not of 32-bit floats")
            };
            let values = || data.iter().copied().map(f64::from);
            let weighted = values()
                .enumerate()
                .map(|(i, v)| v * (i as f64 * 0.001).cos());
            let actual = [values().sum::<f64>(), weighted.sum()];
            let expected = [number(entry, "sum"), number(entry, "weighted_sum")];
            assert_close(name, &actual, &expected, 1e-9 * data.len() as f64);
        }
    }
}

#[test]
fn every_published_file_becomes_its_base() {
    for name in [
        "efficientnet-lite0",
        "efficientnet-lite1",
        "efficientnet-lite2",
    ] {
        let Some(bytes) = published("every_published_file_becomes_its_base", name) else {
            continue;
        };
        let file = bases::convert(&bytes, name).unwrap();
        let base = bases::decode(name.parse::<Base>().unwrap(), &file).unwrap();
        assert_eq!(base.descriptor.licence, "Apache-2.0");
        assert!(
            base.weights.get("head.weight").is_none(),
            "no ImageNet classifier"
        );
        let other = if name.ends_with('0') {
            "efficientnet-lite1"
        } else {
            "efficientnet-lite0"
        };
        assert!(
            bases::convert(&bytes, other).is_err(),
            "{name} is not {other}"
        );
    }
}

#[test]
fn the_features_of_lite0_are_those_of_its_definition() {
    let checks = checks();
    let name = checks["features"]["base"].as_str().unwrap();
    let test = "the_features_of_lite0_are_those_of_its_definition";
    let Some(bytes) = published(test, name) else {
        return;
    };
    let base = name.parse::<Base>().unwrap();
    let base = bases::decode(base, &bases::convert(&bytes, name).unwrap()).unwrap();
    let pixel = |i: u32, j: u32| (0.05 * f64::from(i + 1) * f64::from(j + 2)).sin();
    let pixels = (0..64).flat_map(|i| (0..64).map(move |j| pixel(i, j)));
    let image = Value::new(vec![1, 1, 64, 64], pixels.collect());
    let head = catalogue::HeadSpec {
        classes: 2,
        dropout: 0.0,
    };
    let graph = catalogue::attach_head(&base.graph, head).unwrap();
    let actual = run(&graph, &base.weights, &image, Landmark::Features);
    let expected: Vec<f64> = serde_json::from_value(checks["features"]["values"].clone()).unwrap();
    let largest = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    assert_close("features", &actual.data, &expected, 1e-6 * largest);
}
