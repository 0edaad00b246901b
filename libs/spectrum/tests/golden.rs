//! The whole way from counts to input vectors, against the reference's own output.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_golden::{Npz, assert_close};
use assay_spectrum::{CalibrationTerms, EnergyCalibration, EnergyGrid, Recipe, Spectrum};

struct Reference {
    npz: Npz,
    spectra: Vec<Spectrum>,
}

fn reference(test: &str) -> Option<Reference> {
    let mut npz = Npz::open(test, "preprocess.npz")?;
    let (intercepts, slopes) = (npz.f64("energy0"), npz.f64("slope"));
    let counts = npz.f64("counts");
    let spectra = counts
        .outer_iter()
        .zip(intercepts.iter().zip(&slopes))
        .map(|(counts, (&intercept, &slope))| Spectrum {
            calibration: Some(EnergyCalibration::new(intercept, slope, 0.0).unwrap()),
            ..Spectrum::from_counts(counts.iter().map(|&count| count as u64).collect())
        })
        .collect();
    Some(Reference { npz, spectra })
}

impl Reference {
    /// Row `index` of an array.
    fn row(&mut self, array: &str, index: usize) -> Vec<f64> {
        self.npz
            .f64(array)
            .outer_iter()
            .nth(index)
            .unwrap()
            .iter()
            .copied()
            .collect()
    }

    fn compare(&mut self, array: &str, recipe: &Recipe, tolerance: f64) {
        for index in 0..self.spectra.len() {
            let vector = recipe.apply(&self.spectra[index]).unwrap();
            let expected = self.row(array, index);
            assert_close(
                &format!("{array} row {index}"),
                &vector,
                &expected,
                tolerance,
            );
        }
    }
}

#[test]
fn the_grid_is_the_reference_grid() {
    let Some(mut reference) = reference("the_grid_is_the_reference_grid") else {
        return;
    };
    let grid = EnergyGrid::nist_pgaa();
    let expected = reference.npz.f64("grid");
    assert_eq!(expected.as_slice().unwrap(), [grid.lo_kev, grid.hi_kev]);
}

#[test]
fn aligned_counts_agree_to_1e_12_of_the_row_maximum() {
    let Some(mut reference) = reference("aligned_counts") else {
        return;
    };
    let grid = EnergyGrid::nist_pgaa();
    for index in 0..reference.spectra.len() {
        let aligned = grid
            .align(&reference.spectra[index], CalibrationTerms::Linear)
            .unwrap();
        let expected = reference.row("aligned", index);
        let maximum = expected.iter().copied().fold(0.0, f64::max);
        assert_close(
            &format!("aligned row {index}"),
            &aligned,
            &expected,
            1e-12 * maximum,
        );

        let sum: f64 = aligned.iter().sum();
        let shares: Vec<f64> = aligned.iter().map(|counts| counts / sum).collect();
        let expected = reference.row("X", index);
        assert_close(
            &format!("X row {index}"),
            &shares,
            &expected,
            1e-12 * maximum / sum,
        );
    }
}

#[test]
fn log_vectors_agree_to_1e_10() {
    let Some(mut reference) = reference("log_vectors") else {
        return;
    };
    reference.compare("prep_2631", &Recipe::default(), 1e-10);
    let without = Recipe {
        renormalise: false,
        ..Recipe::default()
    };
    reference.compare("prep_2631_norenorm", &without, 1e-10);
    // One of the files ends at 9.8 MeV; the reference repeats its last count up to 11.7 MeV.
    let whole_grid = Recipe {
        valid_bins: 0..4056,
        min_coverage: 0.8,
        ..Recipe::default()
    };
    reference.compare("prep_4056", &whole_grid, 1e-10);
}

#[test]
fn spectra_that_the_reference_extends_are_refused_by_default() {
    let test = "spectra_that_the_reference_extends_are_refused_by_default";
    let Some(mut reference) = reference(test) else {
        return;
    };
    let (intercepts, slopes) = (reference.npz.f64("energy0"), reference.npz.f64("slope"));
    let whole_grid = Recipe {
        valid_bins: 0..4056,
        ..Recipe::default()
    };
    let mut refused = 0;
    for (spectrum, (intercept, slope)) in
        reference.spectra.iter().zip(intercepts.iter().zip(&slopes))
    {
        let reaches_kev = intercept + slope * 16383.0;
        let covered = (reaches_kev.min(11730.8) - 110.98) / (11730.8 - 110.98);
        let result = whole_grid.apply(spectrum);
        assert_eq!(result.is_err(), covered < 0.98, "{covered}: {result:?}");
        refused += usize::from(result.is_err());
        assert!(
            Recipe::default().apply(spectrum).is_ok(),
            "up to 7.65 MeV all files reach"
        );
    }
    assert!(refused > 0, "the reference has files that end early");
}
