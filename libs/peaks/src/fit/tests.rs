//! The fit against scipy, and against the truth of many draws.

use super::*;
use crate::profile::gaussian;
use assay_core::keyed_rng;
use rand_distr::{Distribution, Poisson};

/// Rows of a fixture without comments and column names.
fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| line.split(',').collect())
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

#[test]
fn positions_areas_and_their_deviations_are_those_of_scipy() {
    let fits: Vec<_> = rows(include_str!("../../tests/fixture/fits.csv")).collect();
    for case in ["single", "doublet", "triplet", "weak"] {
        let counts: Vec<f64> = rows(include_str!("../../tests/fixture/counts.csv"))
            .filter(|row| row[0] == case)
            .map(|row| number(row[2]))
            .collect();
        let expected: Vec<_> = fits.iter().filter(|row| row[0] == case).collect();
        let peaks = expected
            .iter()
            .map(|row| Component::line(number(row[3]), number(row[1])))
            .collect();
        let mut region = start(&counts, 0, counts.len(), peaks);
        let free = expected[0][2] == "1";
        (region.free.width, region.free.step) = (free, free);
        let rough = fit(&counts, region, Effort::Rough).unwrap();
        let fitted = fit(&counts, rough.region().clone(), Effort::Full).unwrap();
        for (peak, row) in expected.iter().enumerate() {
            let found = fitted.region().peaks[peak];
            let close = |value: f64, column: usize, tolerance: f64| {
                let wanted = number(row[column]);
                assert!(
                    (value / wanted - 1.0).abs() < tolerance,
                    "{case}, peak {peak}, column {column}: {value} instead of {wanted}"
                );
            };
            close(found.center, 4, 1e-6);
            close(fitted.center_sigma(peak), 5, 1e-3);
            close(found.area, 6, 1e-5);
            close(fitted.area_sigma(peak), 7, 1e-3);
            close(fitted.reduced_chi_squared, 8, 1e-5);
        }
    }
}

/// Pulls of area and position over many draws of a peak.
fn pulls(area: f64, continuum: f64) -> Vec<(f64, f64)> {
    (0..300)
        .map(|draw| {
            let mut rng = keyed_rng(7, "peak", &[draw, area as u64]);
            let counts: Vec<f64> = (0..40)
                .map(|i| {
                    let mean = continuum + area * gaussian(f64::from(i) - 19.7, 1.6).value;
                    Poisson::new(mean).unwrap().sample(&mut rng)
                })
                .collect();
            let region = start(&counts, 0, 40, vec![Component::line(19.5, 1.6)]);
            let rough = fit(&counts, region, Effort::Rough).unwrap();
            let fitted = fit(&counts, rough.region().clone(), Effort::Full).unwrap();
            let peak = fitted.region().peaks[0];
            (
                (peak.area - area) / fitted.area_sigma(0),
                (peak.center - 19.7) / fitted.center_sigma(0),
            )
        })
        .collect()
}

#[test]
fn deviations_are_standard_deviations() {
    for (area, continuum) in [(300.0, 20.0), (5000.0, 400.0), (2e6, 1e4)] {
        let pulls = pulls(area, continuum);
        let n = pulls.len() as f64;
        for (what, values) in [
            ("area", pulls.iter().map(|p| p.0).collect::<Vec<_>>()),
            ("position", pulls.iter().map(|p| p.1).collect()),
        ] {
            let mean = values.iter().sum::<f64>() / n;
            let spread = (values.iter().map(|v| v * v).sum::<f64>() / n).sqrt();
            // 300 draws: the mean is known to 0.06, the spread to 0.04; χ² scaling lowers it.
            assert!(mean.abs() < 0.25, "{what} of {area}: mean {mean}");
            assert!((0.8..1.12).contains(&spread), "{what} of {area}: {spread}");
        }
    }
}
