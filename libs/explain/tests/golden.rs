//! Class activation maps against the reference implementation.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use assay_explain::{ClassMap, Method, Reduction, condense, interpolate, relative, upsample};
use assay_golden::{Npz, assert_close, golden_json};
use assay_network::Head;
use ndarray::{Array2, ArrayD, ArrayView, Dimension, Ix2};

/// Features of the reference come in single precision, and so do its maps.
const MAP_TOLERANCE: f64 = 3e-6;
/// The reference cuts to 8 bits once and rounds to 8 bits twice.
const IMAGE_TOLERANCE: f64 = 2.0 / 255.0;

struct Case {
    key: String,
    head: String,
    row: String,
    method: Method,
    class: usize,
}

fn cases(test: &str, file: &str) -> Vec<Case> {
    let Some(json) = golden_json(test, "golden.json") else {
        return Vec::new();
    };
    let cases = json[file]["cases"].as_array().unwrap().clone();
    let case = |case: serde_json::Value| {
        let key = case["key"].as_str().unwrap().to_owned();
        let parts: Vec<&str> = key.split('/').collect();
        let method = match parts[1] {
            "hires" => Method::HiRes,
            _ => Method::Grad,
        };
        Case {
            head: parts[0].to_owned(),
            row: parts[2].to_owned(),
            class: usize::try_from(case["pred_index"].as_u64().unwrap()).unwrap(),
            method,
            key,
        }
    };
    let cases: Vec<Case> = cases.into_iter().map(case).collect();
    assert!(cases.len() > 5, "{file} has {} cases", cases.len());
    cases
}

fn singles(array: ArrayD<f64>) -> ArrayD<f32> {
    array.mapv(|value| value as f32)
}

fn wide<D: Dimension>(array: ArrayView<'_, f32, D>) -> Vec<f64> {
    array.iter().copied().map(f64::from).collect()
}

/// The map of a case: channels come last in the reference.
fn class_map(npz: &mut Npz, case: &Case) -> ClassMap {
    let mut map = singles(npz.f64(&format!("{}/feat/{}", case.head, case.row)));
    let mut axes: Vec<usize> = (0..map.ndim()).collect();
    axes.rotate_right(1);
    map = map.permuted_axes(axes);
    let weight = |npz: &mut Npz, name: &str| {
        let array = npz.f64(&format!("{}/w/out/{name}", case.head));
        singles(array).iter().copied().collect::<Vec<f32>>()
    };
    let (kernel, bias) = (weight(npz, "kernel"), weight(npz, "bias"));
    let head = Head::new(kernel, bias).unwrap();
    ClassMap::new(map.view(), &head, case.class, case.method).unwrap()
}

fn check_line(npz: &mut Npz, what: &str, map: &ClassMap, reduction: Reduction) {
    let expected: Vec<f64> = npz.f64(what).iter().copied().collect();
    let line = condense(map.values.view(), reduction);
    let actual = interpolate(&line, expected.len());
    assert_close(what, &actual, &expected, MAP_TOLERANCE);
}

#[test]
fn maps_of_spectra_are_those_of_the_reference() {
    let test = "maps_of_spectra_are_those_of_the_reference";
    let Some(mut npz) = Npz::open(test, "cam1d.npz") else {
        return;
    };
    for case in cases(test, "cam1d.npz") {
        let map = relative(&class_map(&mut npz, &case));
        let what = format!("{}cam", case.key);
        let expected: Vec<f64> = npz.f64(&what).iter().copied().collect();
        assert_close(&what, &wide(map.values.view()), &expected, MAP_TOLERANCE);
        let what = format!("{}imp_interp", case.key);
        check_line(&mut npz, &what, &map, Reduction::Mean);
    }
}

#[test]
fn maps_of_images_are_those_of_the_reference() {
    let test = "maps_of_images_are_those_of_the_reference";
    let Some(mut npz) = Npz::open(test, "cam2d.npz") else {
        return;
    };
    for case in cases(test, "cam2d.npz") {
        let signed = class_map(&mut npz, &case);
        let symmetric = relative(&signed.symmetric().unwrap());
        let maps = [
            ("asym", "sym0", relative(&signed)),
            ("symm", "sym1", symmetric.clone()),
        ];
        for (name, image, map) in maps {
            let what = format!("{}{name}", case.key);
            let expected: Vec<f64> = npz.f64(&what).iter().copied().collect();
            assert_close(&what, &wide(map.values.view()), &expected, MAP_TOLERANCE);
            let map = map.values.into_dimensionality().unwrap();
            check_image(&mut npz, &format!("{}imp2_{image}", case.key), &map);
            for (reduction, suffix) in [(Reduction::Mean, "mean"), (Reduction::Max, "max")] {
                // The reference reduces the symmetric map whichever is asked for.
                let what = format!("{}imp1_{image}_{suffix}", case.key);
                check_line(&mut npz, &what, &symmetric, reduction);
            }
        }
    }
}

/// The reference's pictures begin at 0 and end at 1, whatever the map.
fn stretched(map: &Array2<f32>) -> Array2<f32> {
    let low = map.iter().copied().fold(f32::INFINITY, f32::min);
    let raised = map - low;
    let high = raised.iter().copied().fold(0.0, f32::max);
    if high > 0.0 { raised / high } else { raised }
}

fn check_image(npz: &mut Npz, what: &str, map: &Array2<f32>) {
    let expected: Array2<f64> = npz.f64(what).into_dimensionality::<Ix2>().unwrap();
    let actual = upsample(stretched(map).view(), expected.nrows());
    let expected: Vec<f64> = expected.iter().copied().collect();
    assert_close(what, &wide(actual.view()), &expected, IMAGE_TOLERANCE);
}

#[test]
fn enlarging_is_that_of_the_reference_but_for_8_bits() {
    let test = "enlarging_is_that_of_the_reference_but_for_8_bits";
    let Some(mut npz) = Npz::open(test, "cam2d.npz") else {
        return;
    };
    for sizes in ["3_12", "5_48", "82_200", "offset"] {
        let map = singles(npz.f64(&format!("resize/{sizes}/in")));
        let map = map.into_dimensionality().unwrap();
        check_image(&mut npz, &format!("resize/{sizes}/out"), &map);
    }
}
