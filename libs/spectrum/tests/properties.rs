//! What must hold for any spectrum: linearity of alignment, exact refusals, the statistics of
//! thinning, and the stored form of a recipe.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_core::{Classified, ErrorKind, keyed_rng};
use assay_spectrum::{
    CalibrationTerms, EnergyCalibration, EnergyGrid, MAX_COUNTS_PER_CHANNEL, Recipe, Spectrum,
    SpectrumError, Transform, shift_calibration, thin, thin_to,
};
use proptest::prelude::*;

/// Sixteen fine bins of 1 keV from 0 to 16 keV, summed by two, without the first sum.
fn small_grid() -> EnergyGrid {
    EnergyGrid {
        lo_kev: 0.0,
        hi_kev: 16.0,
        fine_bins: 16,
        rebin: 2,
        drop_bins: 1,
    }
}

fn small_recipe() -> Recipe {
    Recipe {
        grid: small_grid(),
        valid_bins: 0..7,
        ..Recipe::with_full_calibration()
    }
}

fn calibrated(counts: Vec<u64>, terms: [f64; 3]) -> Spectrum {
    let [a0, a1, a2] = terms;
    Spectrum {
        calibration: Some(EnergyCalibration::new(a0, a1, a2).unwrap()),
        ..Spectrum::from_counts(counts)
    }
}

/// `numpy.interp` at every fine centre, written the slow and obvious way.
fn interpolated_naively(grid: &EnergyGrid, spectrum: &Spectrum) -> Vec<f64> {
    let calibration = spectrum.calibration.unwrap();
    let first = spectrum.first_channel as usize;
    let points: Vec<(f64, f64)> = (first..)
        .zip(&spectrum.counts)
        .map(|(channel, &counts)| (calibration.energy_kev(channel as f64), counts as f64))
        .collect();
    let width = (grid.hi_kev - grid.lo_kev) / grid.fine_bins as f64;
    let at = |fine: usize| {
        let energy = grid.lo_kev + (fine as f64 + 0.5) * width;
        match points.iter().position(|point| point.0 > energy) {
            None => points[points.len() - 1].1,
            Some(0) => points[0].1,
            Some(right) => {
                let ((e0, c0), (e1, c1)) = (points[right - 1], points[right]);
                c0 + (c1 - c0) / (e1 - e0) * (energy - e0)
            }
        }
    };
    let fine: Vec<f64> = (0..grid.fine_bins).map(at).collect();
    fine.chunks(grid.rebin)
        .skip(grid.drop_bins)
        .map(|chunk| chunk.iter().sum())
        .collect()
}

prop_compose! {
    fn any_spectrum()(
        counts in prop::collection::vec(0u64..100_000, 2..60),
        first_channel in 0u32..30,
        intercept in -20.0..20.0f64,
        slope in 0.05..3.0f64,
        quadratic in 0.0..0.01f64,
    ) -> Spectrum {
        Spectrum { first_channel, ..calibrated(counts, [intercept, slope, quadratic]) }
    }
}

proptest! {
    #[test]
    fn alignment_is_plain_interpolation(spectrum in any_spectrum()) {
        let grid = small_grid();
        let aligned = grid.align(&spectrum, CalibrationTerms::Quadratic).unwrap();
        let expected = interpolated_naively(&grid, &spectrum);
        prop_assert_eq!(aligned.len(), grid.bins());
        for (a, e) in aligned.iter().zip(&expected) {
            prop_assert!((a - e).abs() <= 1e-9 * 1e5, "{a} instead of {e}");
        }
    }

    #[test]
    fn alignment_is_linear_in_counts(spectrum in any_spectrum(), factor in 1u64..1000) {
        let grid = small_grid();
        let scaled = Spectrum {
            counts: spectrum.counts.iter().map(|count| count * factor).collect(),
            ..spectrum.clone()
        };
        let one = grid.align(&spectrum, CalibrationTerms::Quadratic).unwrap();
        let many = grid.align(&scaled, CalibrationTerms::Quadratic).unwrap();
        for (a, b) in one.iter().zip(&many) {
            prop_assert!((a * factor as f64 - b).abs() <= 1e-9 * b.abs() + 1e-6, "{a} {b}");
        }
    }

    #[test]
    fn identical_grids_keep_every_count(counts in prop::collection::vec(0u64..1 << 40, 16)) {
        let grid = EnergyGrid { drop_bins: 0, ..small_grid() };
        let total: u64 = counts.iter().sum();
        // Channel centres stand exactly on the centres of the fine bins.
        let spectrum = calibrated(counts, [0.5, 1.0, 0.0]);
        let aligned = grid.align(&spectrum, CalibrationTerms::Quadratic).unwrap();
        prop_assert_eq!(aligned.iter().sum::<f64>(), total as f64);
    }

    #[test]
    fn leading_channels_may_be_left_out_of_a_file(
        counts in prop::collection::vec(0u64..1000, 20..40),
        left_out in 1usize..10,
    ) {
        let whole = calibrated(counts.clone(), [-15.0, 1.0, 0.001]);
        let part = Spectrum {
            counts: counts[left_out..].to_vec(),
            first_channel: left_out as u32,
            ..whole.clone()
        };
        // Channels below 16 lie under 1.3 keV, below the bins that are kept.
        let align = |s: &Spectrum| small_grid().align(s, CalibrationTerms::Quadratic).unwrap();
        prop_assert_eq!(align(&whole), align(&part));
    }

    #[test]
    fn shifting_moves_every_energy(
        spectrum in any_spectrum(), gain in 0.5..2.0f64, offset in -5.0..5.0f64,
    ) {
        let shifted = shift_calibration(&spectrum, gain, offset).unwrap();
        let (old, new) = (spectrum.calibration.unwrap(), shifted.calibration.unwrap());
        for channel in [0.0, 1.0, 17.5, 1000.0] {
            let expected = gain * old.energy_kev(channel) + offset;
            prop_assert!((new.energy_kev(channel) - expected).abs() <= 1e-9 * expected.abs() + 1e-9);
        }
        prop_assert_eq!(spectrum.counts, shifted.counts);
    }

    #[test]
    fn thinning_never_adds(spectrum in any_spectrum(), keep in 0.0..=1.0f64, seed: u64) {
        let mut rng = keyed_rng(seed, "thin", &[]);
        let thinned = thin(&spectrum, keep, &mut rng).unwrap();
        prop_assert!(thinned.counts.iter().zip(&spectrum.counts).all(|(a, b)| a <= b));
        let mut again = keyed_rng(seed, "thin", &[]);
        prop_assert_eq!(thin(&spectrum, keep, &mut again).unwrap(), thinned);
    }
}

/// Mean and variance of `n` channels of `count` counts, thinned once.
fn thinned_moments(count: u64, keep: f64, n: usize) -> (f64, f64) {
    let spectrum = Spectrum::from_counts(vec![count; n]);
    let thinned = thin(&spectrum, keep, &mut keyed_rng(7, "moments", &[count])).unwrap();
    let values: Vec<f64> = thinned.counts.iter().map(|&kept| kept as f64).collect();
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (mean, squares.sum::<f64>() / (n - 1) as f64)
}

#[test]
fn thinned_counts_have_the_moments_of_a_binomial_law() {
    let n = 40_000;
    for (count, keep) in [
        (3, 0.2),
        (40, 0.1),
        (500, 0.9),
        (63_900_000, 0.003),
        (1 << 40, 0.5),
    ] {
        let (mean, variance) = thinned_moments(count, keep, n);
        let (expected, spread) = (count as f64 * keep, count as f64 * keep * (1.0 - keep));
        // Five standard errors of the mean, and of the variance (kurtosis 3 + 1/variance).
        let mean_error = 5.0 * (spread / n as f64).sqrt();
        assert!(
            (mean - expected).abs() < mean_error,
            "{count}·{keep}: mean {mean}"
        );
        let variance_error = 5.0 * spread * ((2.0 + 1.0 / spread) / n as f64).sqrt();
        assert!(
            (variance - spread).abs() < variance_error,
            "{count}·{keep}: variance {variance}"
        );
    }
}

#[test]
fn small_thinned_counts_have_the_binomial_probabilities() {
    let n = 100_000;
    let spectrum = Spectrum::from_counts(vec![4; n]);
    let thinned = thin(&spectrum, 0.3, &mut keyed_rng(11, "probabilities", &[])).unwrap();
    let chi_square: f64 = [0.2401, 0.4116, 0.2646, 0.0756, 0.0081]
        .into_iter()
        .zip(0u64..)
        .map(|(probability, kept)| {
            let expected = probability * n as f64;
            let found = thinned
                .counts
                .iter()
                .filter(|&&count| count == kept)
                .count() as f64;
            (found - expected).powi(2) / expected
        })
        .sum();
    // The 0.999 quantile of chi-square with 4 degrees of freedom.
    assert!(chi_square < 18.467, "{chi_square}");
}

#[test]
fn thinning_shortens_the_times_and_keeps_the_dead_time() {
    let spectrum = Spectrum {
        live_time_s: Some(80.0),
        real_time_s: Some(100.0),
        ..Spectrum::from_counts(vec![1000; 1000])
    };
    let thinned = thin_to(&spectrum, 10_000, &mut keyed_rng(3, "times", &[])).unwrap();
    assert_eq!(
        (thinned.live_time_s, thinned.real_time_s),
        (Some(0.8), Some(1.0))
    );
    let total = thinned.total_counts() as f64;
    assert!((total - 10_000.0).abs() < 5.0 * 100.0, "{total}");
    let whole = thin_to(&spectrum, 1_000_000, &mut keyed_rng(3, "times", &[])).unwrap();
    assert_eq!(whole, spectrum);
}

#[test]
fn thinning_and_shifting_refuse_what_makes_no_sense() {
    let spectrum = calibrated(vec![5; 8], [0.0, 1.0, 0.0]);
    for keep in [-0.1, 1.1, f64::NAN] {
        let error = thin(&spectrum, keep, &mut keyed_rng(0, "t", &[]))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("keep is ") && error.ends_with("0 to 1"),
            "{error}"
        );
    }
    for (gain, offset) in [
        (0.0, 0.0),
        (-1.0, 0.0),
        (f64::NAN, 0.0),
        (1.0, f64::INFINITY),
    ] {
        assert!(
            shift_calibration(&spectrum, gain, offset).is_err(),
            "{gain} {offset}"
        );
    }
    let error = shift_calibration(&Spectrum::from_counts(vec![1, 2]), 1.0, 0.0).unwrap_err();
    assert_eq!(error, SpectrumError::MissingCalibration);
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
}

#[test]
fn every_refusal_of_the_recipe_says_what_is_wrong() {
    let recipe = small_recipe();
    let good = calibrated((0..20).collect(), [0.0, 1.0, 0.0]);
    assert_eq!(recipe.apply(&good).unwrap().len(), 7);

    let flat = calibrated(vec![7; 20], [0.0, 1.0, 0.0]);
    let empty = calibrated(vec![0; 20], [0.0, 1.0, 0.0]);
    let short = calibrated((0..15).collect(), [0.0, 1.0, 0.0]);
    let single = calibrated(vec![7], [0.0, 1.0, 0.0]);
    let bent = calibrated((0..20).collect(), [0.0, 1.0, -0.04]);
    let bare = Spectrum::from_counts((0..20).collect());
    let huge = calibrated(vec![MAX_COUNTS_PER_CHANNEL + 1; 20], [0.0, 1.0, 0.0]);
    for (spectrum, words) in [
        (&flat, vec!["constant", "7 bins"]),
        (&empty, vec!["no counts between 2.0 and 16.0 keV"]),
        (
            &short,
            vec![
                "covers 0.0 to 14.0 keV",
                "2.0 to 16.0 keV",
                "98.0 %",
                "grid",
            ],
        ),
        (&single, vec!["1 channels", "at least 2"]),
        (&bent, vec!["does not rise at channel 19"]),
        (&bare, vec!["no energy calibration"]),
        (
            &huge,
            vec![
                "channel 0 holds 9007199254740993",
                "at most 9007199254740992",
            ],
        ),
    ] {
        let error = recipe.apply(spectrum).unwrap_err().to_string();
        assert!(
            words.iter().all(|word| error.contains(word)),
            "{error} lacks {words:?}"
        );
    }
    // The bend is in the term that the published way leaves out.
    let linear = Recipe {
        calibration_terms: CalibrationTerms::Linear,
        ..small_recipe()
    };
    assert!(linear.apply(&bent).is_ok());
}

#[test]
fn counts_outside_the_valid_range_do_not_make_up_for_none_inside() {
    let mut counts = vec![0; 40];
    counts[30] = 1000;
    let spectrum = calibrated(counts, [0.0, 1.0, 0.0]);
    let error = small_recipe().apply(&spectrum).unwrap_err();
    assert_eq!(
        error,
        SpectrumError::NoCounts {
            lo_kev: 2.0,
            hi_kev: 16.0
        }
    );
}

#[test]
fn the_published_grid_has_the_published_energies() {
    let recipe = Recipe::default();
    assert_eq!((recipe.grid.bins(), recipe.bins()), (4056, 2631));
    let close = |a: f64, b: f64| assert!((a - b).abs() < 5e-4, "{a} instead of {b}");
    close(recipe.grid.centre_kev(0), 112.405);
    close(recipe.grid.centre_kev(4055), 11729.367);
    close(recipe.grid.bin_width_kev(), 2.865);
    close(recipe.grid.edge_kev(4056), recipe.grid.hi_kev);
    assert!((recipe.energy_range_kev().1 - 7650.0).abs() < 5.0);
    for bin in [0, 1, 2000, 4055] {
        assert_eq!(
            recipe.grid.bin_of_kev(recipe.grid.centre_kev(bin)),
            Some(bin)
        );
    }
    assert_eq!(recipe.grid.bin_of_kev(100.0), None);
    assert_eq!(recipe.grid.bin_of_kev(11731.0), None);
}

#[test]
fn a_stored_recipe_is_read_back_and_nothing_unknown_slips_in() {
    let recipe = Recipe::default();
    let json = serde_json::to_string(&recipe).unwrap();
    assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
    let stored = r#"{"version":1,"transform":{"kind":"log","floor":1e-7},"grid":{"lo_kev":-3.621,
        "hi_kev":11730.799535,"fine_bins":16384,"rebin":4,"drop_bins":40},
        "valid_bins":{"start":0,"end":2631},"renormalise":true,"calibration_terms":"linear",
        "min_coverage":0.98}"#;
    assert_eq!(serde_json::from_str::<Recipe>(stored).unwrap(), recipe);
    for (from, to) in [
        ("\"version\":1", "\"version\":1,\"extra\":0"),
        ("\"floor\":1e-7", "\"floor\":1e-7,\"extra\":0"),
        ("\"rebin\":4", "\"rebin\":4,\"extra\":0"),
        ("\"start\":0", "\"start\":0,\"extra\":0"),
        ("\"log\"", "\"power\""),
        ("\"linear\"", "\"cubic\""),
    ] {
        let changed = stored.replace(from, to);
        assert_ne!(changed, stored);
        assert!(serde_json::from_str::<Recipe>(&changed).is_err(), "{to}");
    }
}

#[test]
fn check_refuses_recipes_that_cannot_work() {
    assert_eq!(Recipe::default().check(), Ok(()));
    let grid = EnergyGrid::nist_pgaa();
    let with_grid = |grid| Recipe {
        grid,
        ..Recipe::default()
    };
    let log = |floor| Recipe {
        transform: Transform::Log { floor },
        ..Recipe::default()
    };
    let valid = |valid_bins| Recipe {
        valid_bins,
        ..Recipe::default()
    };
    let coverage = |min_coverage| Recipe {
        min_coverage,
        ..Recipe::default()
    };
    for (recipe, field) in [
        (
            Recipe {
                version: 2,
                ..Recipe::default()
            },
            "recipe.version is 2",
        ),
        (
            with_grid(EnergyGrid {
                lo_kev: f64::NAN,
                ..grid
            }),
            "grid.lo_kev is NaN",
        ),
        (
            with_grid(EnergyGrid {
                hi_kev: -4.0,
                ..grid
            }),
            "grid.hi_kev is -4",
        ),
        (
            with_grid(EnergyGrid {
                fine_bins: 1,
                ..grid
            }),
            "grid.fine_bins is 1",
        ),
        (
            with_grid(EnergyGrid {
                fine_bins: usize::MAX,
                ..grid
            }),
            "grid.fine_bins",
        ),
        (
            with_grid(EnergyGrid { rebin: 0, ..grid }),
            "grid.rebin is 0",
        ),
        (
            with_grid(EnergyGrid { rebin: 3, ..grid }),
            "grid.rebin is 3",
        ),
        (
            with_grid(EnergyGrid {
                drop_bins: 4095,
                ..grid
            }),
            "grid.drop_bins is 4095",
        ),
        (
            with_grid(EnergyGrid {
                drop_bins: usize::MAX,
                ..grid
            }),
            "grid.drop_bins",
        ),
        (valid(0..4057), "recipe.valid_bins is 0..4057"),
        (valid(7..8), "recipe.valid_bins is 7..8"),
        (coverage(0.0), "recipe.min_coverage is 0"),
        (coverage(1.01), "recipe.min_coverage is 1.01"),
        (coverage(f64::NAN), "recipe.min_coverage is NaN"),
        (log(0.0), "recipe.transform.floor is 0"),
        (log(f64::NAN), "recipe.transform.floor is NaN"),
        (log(1.0), "recipe.transform.floor is 1"),
    ] {
        let error = recipe.check().unwrap_err();
        assert!(error.to_string().contains(field), "{error} lacks {field:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let spectrum = calibrated((0..16384).collect(), [0.0, 0.7, 0.0]);
        assert_eq!(recipe.apply(&spectrum), Err(error));
    }
}
