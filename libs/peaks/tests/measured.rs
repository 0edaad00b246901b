//! Measured spectra, where `OPENASSAY_PGAA_DIR` names them: the lines that must be there, by
//! their names.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_golden::pgaa_dir;
use assay_peaks::{CandidateSettings, PeakForm, PeakList, PeakSettings, find_peaks};
use std::path::Path;

/// Classes whose material is made of hydrogen.
const WITH_HYDROGEN: &[&str] = &[
    "Biomass",
    "Coal and Coke",
    "Fuel Oil",
    "Lubricating Oil",
    "Graphite/Urea Mixture",
    "Concrete",
];

/// The line that a class is known by: energy and label.
const KNOWN_BY: &[(&str, f64, &str)] = &[
    ("Biomass", 2223.25, "H 2223.2 keV"),
    ("Coal and Coke", 2223.25, "H 2223.2 keV"),
    ("Concrete", 1942.67, "Ca 1942.7 keV"),
    ("Dolomitic Limestone", 1942.67, "Ca 1942.7 keV"),
    ("Fuel Oil", 2223.25, "H 2223.2 keV"),
    ("Lubricating Oil", 2223.25, "H 2223.2 keV"),
    ("Graphite/Urea Mixture", 2223.25, "H 2223.2 keV"),
    ("Forensic Glass", 3538.97, "Si 3539.0 keV"),
    ("Steel", 7631.14, "Fe 7631.1 keV"),
    ("Titanium Alloy", 1381.74, "Ti 1381.7 keV"),
    ("Phosphate Rock", 1942.67, "Ca 1942.7 keV"),
    ("Zircaloy", 934.46, "Zr 934.5 keV"),
];

struct Measured {
    file: String,
    label: String,
    list: PeakList,
}

/// Every third spectrum of the collection, in the order of its manifest.
fn measured(dir: &Path) -> Vec<Measured> {
    let mut reader = csv::Reader::from_path(dir.join("manifest.csv")).unwrap();
    reader
        .records()
        .map(Result::unwrap)
        .step_by(3)
        .map(|row| {
            let (file, label) = (row[0].to_owned(), row[1].to_owned());
            let bytes = std::fs::read(dir.join(&file)).unwrap();
            let spectrum = assay_formats::read(&bytes, Some(&file)).unwrap().spectrum;
            let list = find_peaks(&spectrum, &PeakSettings::default()).unwrap();
            Measured { file, label, list }
        })
        .collect()
}

#[test]
fn every_class_shows_the_line_it_is_known_by() {
    let Some(dir) = pgaa_dir("every_class_shows_the_line_it_is_known_by") else {
        return;
    };
    let all = measured(&dir);
    assert!(all.len() > 80);
    let mut faults = Vec::new();
    for Measured { file, label, list } in &all {
        // Two of the calibrations are off by 2 and 3 keV at hydrogen's line.
        let near = |energy_kev: f64| {
            list.peaks
                .iter()
                .position(|p| (p.energy_kev - energy_kev).abs() < 3.3 && p.significance > 10.0)
        };
        if WITH_HYDROGEN.contains(&label.as_str()) && near(2223.25).is_none() {
            faults.push(format!("{file}: no hydrogen at 2223.2 keV"));
        }
        let candidates = list.candidates(&CandidateSettings::default()).unwrap();
        for (_, energy_kev, name) in KNOWN_BY.iter().filter(|(class, _, _)| class == label) {
            let best = near(*energy_kev).and_then(|at| candidates[at].first());
            match best.map(|c| c.label()) {
                Some(found) if found == *name => {}
                other => faults.push(format!("{file}: {other:?} instead of {name}")),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn boron_is_flat_and_annihilation_broad() {
    let Some(dir) = pgaa_dir("boron_is_flat_and_annihilation_broad") else {
        return;
    };
    let file = "spe/SRM_1632_bituminous_coal_2016/jul1316_srm1632e_1_5_31A.SPE";
    let bytes = std::fs::read(dir.join(file)).unwrap();
    let spectrum = assay_formats::read(&bytes, Some(file)).unwrap().spectrum;
    let list = find_peaks(&spectrum, &PeakSettings::default()).unwrap();
    let candidates = list.candidates(&CandidateSettings::default()).unwrap();
    let at = |energy_kev: f64| {
        let near = |p: &assay_peaks::Peak| (p.energy_kev - energy_kev).abs() < 1.5;
        list.peaks.iter().position(near).unwrap()
    };
    let boron = at(477.6);
    assert_eq!(list.peaks[boron].form, PeakForm::FlatTop);
    assert!((11.0..17.0).contains(&list.peaks[boron].fwhm_kev));
    assert_eq!(candidates[boron][0].label(), "B 477.6 keV, in flight");
    let annihilation = at(511.0);
    assert_eq!(list.peaks[annihilation].form, PeakForm::BroadGaussian);
    assert!(list.peaks[annihilation].fwhm_kev > 1.3 * list.resolution.fwhm_kev(511.0));
    assert_eq!(
        candidates[annihilation][0].label(),
        "annihilation 511.0 keV"
    );
    for (energy_kev, label) in [
        (840.99, "S 841.0 keV"),
        (1164.87, "Cl 1164.9 keV"),
        (1261.76, "C 1261.8 keV"),
        (1381.74, "Ti 1381.7 keV"),
        (1712.25, "H 2223.2 keV, single escape"),
        (1778.99, "Al 1779.0 keV, decay"),
        (1951.14, "Cl 1951.1 keV"),
        (2223.25, "H 2223.2 keV"),
        (3538.97, "Si 3539.0 keV"),
        (4446.48, "H 4446.4 keV, sum of two lines"),
        (6110.84, "Cl 6110.8 keV"),
        (7631.14, "Fe 7631.1 keV"),
        (10829.1, "N 10829.1 keV"),
    ] {
        assert_eq!(candidates[at(energy_kev)][0].label(), label);
    }
    // Without hydrogen's line there is none: what is left there is continuum.
    let hydrogen = at(2223.25);
    let without = list.without(&spectrum, &[hydrogen]).unwrap();
    let again = find_peaks(&without, &PeakSettings::default()).unwrap();
    let left: f64 = again
        .peaks
        .iter()
        .filter(|p| (p.energy_kev - 2223.25).abs() < 3.0)
        .map(|p| p.net_area_counts)
        .sum();
    assert!(left < 1e-3 * list.peaks[hydrogen].net_area_counts, "{left}");
}
