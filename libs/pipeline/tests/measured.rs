//! Manifest, data set and protocols on the measured spectra.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use assay_golden::pgaa_dir;
use assay_pipeline::{
    Dataset, Manifest, Role, Watch,
    protocols::{Fold, Protocol},
};
use assay_spectrum::Recipe;
use std::collections::BTreeSet;

fn manifest(test: &str) -> Option<Manifest> {
    Some(Manifest::read(&pgaa_dir(test)?.join("manifest.csv")).unwrap())
}

#[test]
fn all_measured_spectra_become_input_vectors() {
    let Some(manifest) = manifest("all_measured_spectra_become_input_vectors") else {
        return;
    };
    let dataset = Dataset::load(&manifest, &Watch::none()).unwrap();
    assert_eq!((dataset.rows().len(), dataset.classes().len()), (259, 10));
    let unknown: BTreeSet<_> = dataset
        .positions(Role::Unknown)
        .into_iter()
        .map(|row| dataset.rows()[row].label.as_str())
        .collect();
    let expected = ["Carbon Powder", "Phosphate Rock", "Zircaloy"];
    assert_eq!(unknown.into_iter().collect::<Vec<_>>(), expected);
    for recipe in [Recipe::default(), Recipe::with_full_calibration()] {
        let vectors = dataset.vectors(&recipe).unwrap();
        assert_eq!(vectors.dim(), (259, 2631));
        let floor = 1e-7_f32.ln();
        assert!(vectors.iter().all(|value| (floor..0.0).contains(value)));
    }
    let groups: BTreeSet<_> = dataset.rows().iter().map(|row| &row.group).collect();
    assert!(groups.len() > 13, "source folders are finer than labels");
}

#[test]
fn every_protocol_divides_the_measured_spectra() {
    let Some(manifest) = manifest("every_protocol_divides_the_measured_spectra") else {
        return;
    };
    let dataset = Dataset::load(&manifest, &Watch::none()).unwrap();
    let labels = |rows: &[usize]| -> BTreeSet<_> {
        rows.iter().map(|&row| &dataset.rows()[row].label).collect()
    };
    let check = |name: &str, fold: &Fold| {
        let trained = labels(&fold.training);
        assert!(
            labels(&fold.known).is_subset(&trained),
            "{name} {}",
            fold.name
        );
        assert!(
            labels(&fold.unknown).is_disjoint(&trained),
            "{name} {}",
            fold.name
        );
    };
    let counts = [
        ("random", 5),
        ("grouped", 5),
        ("leave-one-class-out", 13),
        ("counts", 7),
        ("gain", 7),
    ];
    for (name, rounds) in counts {
        let folds = Protocol::named(name).unwrap().folds(&dataset, 0).unwrap();
        assert_eq!(folds.len(), rounds, "{name}");
        folds.iter().for_each(|fold| check(name, fold));
    }
}

#[test]
fn a_division_keeps_every_class_on_both_sides() {
    let Some(manifest) = manifest("a_division_keeps_every_class_on_both_sides") else {
        return;
    };
    let (kept, held) = manifest.split(0.2, 1).unwrap();
    assert_eq!(kept.rows.len() + held.rows.len(), 259);
    assert_eq!(kept.known_counts().len(), 10);
    assert_eq!(held.known_counts().len(), 10);
    assert!(kept.rows.iter().all(|row| row.role == Role::Known));
}
