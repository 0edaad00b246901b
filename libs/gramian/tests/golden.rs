//! Compares images with the reference vectors of pyts 0.13 (`gaf.npz`).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use assay_golden::{Npz, assert_close};
use assay_gramian::{Field, Imaging};
use ndarray::{Array2, ArrayD, Axis, Ix2, s};

/// What the task allows in double and in single precision.
const EXACT: f64 = 1e-12;
const SINGLE: f64 = 2e-6;

fn matrix(npz: &mut Npz, name: &str) -> Array2<f64> {
    npz.f64(name).into_dimensionality::<Ix2>().unwrap()
}

/// Name of the configuration, name of its input, and the rule.
fn configurations(bins: usize) -> Vec<(&'static str, &'static str, Imaging)> {
    let rule = |size, overlapping, sample_range| Imaging {
        field: Field::Difference,
        size,
        overlapping,
        sample_range,
    };
    let full = Some((-1.0, 1.0));
    let half = Imaging::size_of_fraction(0.5, bins).unwrap();
    vec![
        ("default", "in64", rule(64, false, full)),
        ("r01", "in64", rule(64, false, Some((0.0, 1.0)))),
        ("size32", "in64", rule(32, false, full)),
        ("size20", "in64", rule(20, false, full)),
        ("size20ov", "in64", rule(20, true, full)),
        ("size_f50", "in64", rule(half, false, full)),
        ("r_m05", "in64", rule(64, false, Some((-0.5, 0.5)))),
        ("none", "in_none", rule(64, false, None)),
        ("const", "in_const", rule(16, false, full)),
        ("300", "in300", rule(300, false, full)),
        ("flat8", "in64", rule(8, false, full)),
    ]
}

#[test]
fn every_image_matches_in_double_and_single_precision() {
    let Some(mut npz) = Npz::open("gramian images", "gaf.npz") else {
        return;
    };
    let bins = matrix(&mut npz, "in64").ncols();
    let fields = [
        ("difference", Field::Difference),
        ("summation", Field::Summation),
    ];
    let mut compared = 0;
    for (prefix, field) in fields {
        for (name, input, imaging) in configurations(bins) {
            let imaging = Imaging { field, ..imaging };
            let vectors = matrix(&mut npz, input);
            let expected: ArrayD<f64> = npz.f64(&format!("{prefix}_{name}"));
            for (row, expected) in expected.axis_iter(Axis(0)).enumerate() {
                let vector = vectors.row(row).to_vec();
                let what = format!("{prefix}_{name} row {row}");
                let expected: Vec<f64> = expected.iter().copied().collect();
                let exact = imaging.image(&vector).unwrap();
                assert_close(&what, exact.as_slice().unwrap(), &expected, EXACT);
                let single = imaging.image_f32(&vector).unwrap().mapv(f64::from);
                assert_close(&what, single.as_slice().unwrap(), &expected, SINGLE);
            }
            compared += 1;
        }
    }
    let arrays = npz.names();
    let images = arrays
        .iter()
        .filter(|n| n.starts_with("difference_") || n.starts_with("summation_"));
    assert_eq!(
        images.count(),
        compared,
        "a reference image is not compared"
    );
}

#[test]
fn full_size_images_match_in_rows_samples_and_statistics() {
    let Some(mut npz) = Npz::open("gramian full-size images", "gaf.npz") else {
        return;
    };
    let vectors = matrix(&mut npz, "full_in");
    let rows: Vec<usize> = npz
        .typed::<i64>("full_rows_idx")
        .iter()
        .map(|&row| usize::try_from(row).unwrap())
        .collect();
    let expected_rows = npz.f64("full_diff_rows");
    let expected_samples = npz.f64("full_diff_sub");
    let expected_statistics = matrix(&mut npz, "full_stats");
    let imaging = Imaging {
        size: vectors.ncols(),
        ..Imaging::default()
    };
    for (i, vector) in vectors.rows().into_iter().enumerate() {
        let vector = vector.to_vec();
        let exact = imaging.image(&vector).unwrap();
        let single = imaging.image_f32(&vector).unwrap().mapv(f64::from);
        for (image, tolerance) in [(&exact, EXACT), (&single, SINGLE)] {
            let compare = |what: &str, actual: Array2<f64>, expected: &ArrayD<f64>| {
                let expected: Vec<f64> = expected.index_axis(Axis(0), i).iter().copied().collect();
                let actual: Vec<f64> = actual.iter().copied().collect();
                assert_close(
                    &format!("{what} of image {i}"),
                    &actual,
                    &expected,
                    tolerance,
                );
            };
            compare("rows", image.select(Axis(0), &rows), &expected_rows);
            let samples = image.slice(s![..;41, ..;41]).to_owned();
            compare("samples", samples, &expected_samples);
        }
        // Sums over 6.9 million pixels depend on their order; each pixel is compared above.
        let n = exact.len() as f64;
        let (min, max) = (
            exact.iter().copied().fold(f64::INFINITY, f64::min),
            exact.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        );
        let mean = exact.sum() / n;
        let deviation = (exact.mapv(|v| (v - mean).powi(2)).sum() / n).sqrt();
        let absolute = exact.mapv(f64::abs).sum();
        let statistics = [min, max, mean, deviation, absolute / n];
        let mut expected = expected_statistics.row(i).to_vec();
        expected[4] /= n;
        assert_close(
            &format!("statistics of image {i}"),
            &statistics,
            &expected,
            EXACT,
        );
    }
}
