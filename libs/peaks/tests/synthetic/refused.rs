//! What is refused, what has no peaks, and that no counts make a number that is none.

use crate::{CHANNELS, calibration, found, spectrum};
use assay_core::keyed_rng;
use assay_peaks::{CandidateSettings, PeakError, PeakForm, PeakSettings, find_peaks};
use assay_spectrum::{EnergyCalibration, Spectrum};
use proptest::prelude::*;
use rand_distr::{Distribution, Poisson};

#[test]
fn refusals_say_what_is_wrong() {
    let list = found(&spectrum(&[(2000.0, 1e5)], 300.0, 5));
    let original = spectrum(&[(2000.0, 1e5)], 300.0, 5);
    let error = list.without(&original, &[9]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "peak 9 was asked for; the list holds 1, counted from 0"
    );
    let other = Spectrum::from_counts(vec![1; 100]);
    assert!(matches!(
        list.without(&other, &[0]),
        Err(PeakError::OtherSpectrum { .. })
    ));
    let search = |spectrum| find_peaks(&spectrum, &PeakSettings::default());
    let error = search(Spectrum::from_counts(vec![1; 1000])).unwrap_err();
    assert!(
        error.to_string().contains("no energy calibration"),
        "{error}"
    );
    let error = search(Spectrum {
        calibration: Some(calibration()),
        ..Spectrum::from_counts(vec![1; 63])
    });
    assert!(matches!(
        error,
        Err(PeakError::TooFewChannels {
            found: 63,
            least: 64
        })
    ));
    let settings = PeakSettings {
        search_threshold: 1.0,
        ..PeakSettings::default()
    };
    assert!(find_peaks(&original, &settings).is_err());
    let wide = CandidateSettings {
        tolerance_kev: 50.0,
        ..CandidateSettings::default()
    };
    let error = list.candidates(&wide).unwrap_err().to_string();
    assert!(
        error.contains("tolerance_kev is 50; allowed: 0.05 to 20 keV"),
        "{error}"
    );
}

#[test]
fn nothing_counted_means_no_peaks() {
    let empty = Spectrum {
        calibration: Some(calibration()),
        ..Spectrum::from_counts(vec![0; CHANNELS])
    };
    let list = found(&empty);
    assert!(list.peaks.is_empty());
    assert!(
        list.candidates(&CandidateSettings::default())
            .unwrap()
            .is_empty()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_the_counts_no_number_is_nan_and_no_count_negative(
        seed in any::<u64>(),
        level in prop_oneof![Just(0u64), 1..50u64, Just(1u64 << 40)],
        spikes in proptest::collection::vec((100usize..1900, 1u64..(1 << 45)), 0..12),
    ) {
        let mut rng = keyed_rng(seed, "any counts", &[]);
        let mut counts: Vec<u64> = (0..2000)
            .map(|_| if level == 0 { 0 } else {
                Poisson::new(level as f64).unwrap().sample(&mut rng) as u64
            })
            .collect();
        for (channel, height) in spikes {
            counts[channel] += height;
            counts[channel + 1] += height / 2;
        }
        let spectrum = Spectrum {
            calibration: Some(EnergyCalibration::new(0.0, 5.0, 0.0).unwrap()),
            ..Spectrum::from_counts(counts)
        };
        let list = found(&spectrum);
        for peak in &list.peaks {
            let numbers = [
                peak.energy_kev, peak.energy_sigma_kev, peak.channel, peak.fwhm_kev,
                peak.net_area_counts, peak.net_area_sigma_counts, peak.continuum_counts,
                peak.significance, peak.reduced_chi_squared,
            ];
            prop_assert!(numbers.iter().all(|n| n.is_finite() && *n >= 0.0), "{peak:?}");
            prop_assert!(peak.form != PeakForm::FlatTop || peak.fwhm_kev > 5.0);
        }
        for candidate in list.candidates(&CandidateSettings::default()).unwrap().iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&candidate.score), "{candidate:?}");
            prop_assert!(candidate.difference_kev.is_finite());
        }
        let all: Vec<usize> = (0..list.peaks.len()).collect();
        prop_assert!(list.without(&spectrum, &all).is_ok());
    }
}
