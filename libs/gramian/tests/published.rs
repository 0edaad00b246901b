//! Compares with our own fixtures, made from public packages by `fixtures/make_gaf.py`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use assay_golden::assert_close;
use assay_gramian::{DIVERGING_STOPS, Field, Imaging};
use ndarray::{Array2, Array3};
use ndarray_npy::{NpzReader, ReadableElement};
use std::{fs::File, path::Path};

fn fixture() -> NpzReader<File> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gaf.npz");
    NpzReader::new(File::open(path).unwrap()).unwrap()
}

fn matrix<T: ReadableElement>(npz: &mut NpzReader<File>, name: &str) -> Array2<T> {
    npz.by_name(name).unwrap()
}

/// The rule that an array's name spells out, and the name of its input.
fn rule(name: &str) -> (String, Imaging) {
    let parts: Vec<&str> = name.split('|').collect();
    let sample_range = parts[4].split_once(',').map(|(low, high)| {
        let ends = [low, high].map(|end| end.parse().unwrap());
        (ends[0], ends[1])
    });
    let imaging = Imaging {
        field: match parts[0] {
            "difference" => Field::Difference,
            "summation" => Field::Summation,
            other => panic!("field {other:?} of the fixture is not known"),
        },
        size: parts[2].parse().unwrap(),
        overlapping: parts[3] == "overlapping",
        sample_range,
    };
    (format!("in|{}", parts[1]), imaging)
}

#[test]
fn images_match_pyts() {
    let mut npz = fixture();
    let names = npz.names().unwrap();
    let images: Vec<_> = names
        .iter()
        .filter(|n| n.matches('|').count() == 4)
        .collect();
    assert_eq!(images.len(), 22);
    for name in images {
        let (input, imaging) = rule(name.trim_end_matches(".npy"));
        let vectors: Array2<f64> = matrix(&mut npz, &input);
        let expected: Array3<f64> = npz.by_name(name).unwrap();
        for (vector, expected) in vectors.rows().into_iter().zip(expected.outer_iter()) {
            let vector = vector.to_vec();
            let exact = imaging.image(&vector).unwrap();
            let single = imaging.image_f32(&vector).unwrap().mapv(f64::from);
            let expected = expected.as_slice().unwrap();
            assert_close(name, exact.as_slice().unwrap(), expected, 1e-12);
            assert_close(name, single.as_slice().unwrap(), expected, 2e-6);
        }
    }
}

#[test]
fn the_diverging_table_is_the_published_one() {
    // matplotlib samples its 256 entries, whose nearest may lie half an entry off the stop.
    let published: Array2<i32> = matrix(&mut fixture(), "rdbu_r");
    assert_eq!(published.dim(), (11, 3));
    for ((stop, channel), published) in published.indexed_iter() {
        let ours = i32::from(DIVERGING_STOPS[stop][channel]);
        assert!(
            (ours - published).abs() <= 2,
            "stop {stop}: {ours} and {published}"
        );
    }
}
