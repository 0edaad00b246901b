//! Spectra with known peaks: what is found, with which uncertainty, and what is left without.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod refused;

use assay_core::keyed_rng;
use assay_peaks::{
    AreaMethod, CandidateSettings, LineOrigin, PeakForm, PeakList, PeakSettings, ResolutionSource,
    find_peaks,
};
use assay_spectrum::{EnergyCalibration, Spectrum};
use rand_distr::{Distribution, Poisson};

const CHANNELS: usize = 16_384;
const GAIN_KEV: f64 = 0.7;

fn calibration() -> EnergyCalibration {
    EnergyCalibration::new(-1.5, GAIN_KEV, 2e-8).unwrap()
}

fn fwhm_kev(energy_kev: f64) -> f64 {
    (2.4 + 1.7e-3 * energy_kev + 1e-7 * energy_kev * energy_kev).sqrt()
}

/// Energy and area of peaks on a falling continuum, as one Poisson draw.
fn spectrum(peaks: &[(f64, f64)], continuum: f64, draw: u64) -> Spectrum {
    let calibration = calibration();
    let mut expected: Vec<f64> = (0..CHANNELS)
        .map(|i| continuum * (-(i as f64) / 5000.0).exp() + 2.0)
        .collect();
    for &(energy_kev, area) in peaks {
        let center = calibration.channel(energy_kev).unwrap();
        let sigma = fwhm_kev(energy_kev) / 2.354_82 / calibration.gain_kev_per_channel(center);
        let reach = (8.0 * sigma).ceil() as usize;
        let middle = center.round() as usize;
        for (i, mean) in expected
            .iter_mut()
            .enumerate()
            .take(middle + reach)
            .skip(middle - reach)
        {
            let u = (i as f64 - center) / sigma;
            *mean += area * (-0.5 * u * u).exp() / (sigma * std::f64::consts::TAU.sqrt());
        }
    }
    let mut rng = keyed_rng(11, "synthetic spectrum", &[draw]);
    let counts = expected
        .iter()
        .map(|&mean| Poisson::new(mean).unwrap().sample(&mut rng) as u64)
        .collect();
    Spectrum {
        calibration: Some(calibration),
        live_time_s: Some(1000.0),
        real_time_s: Some(1100.0),
        ..Spectrum::from_counts(counts)
    }
}

fn found(spectrum: &Spectrum) -> PeakList {
    find_peaks(spectrum, &PeakSettings::default()).unwrap()
}

/// 150 isolated peaks with areas over four decades.
fn many() -> Vec<(f64, f64)> {
    (0..150)
        .map(|i| {
            let area = 10f64.powf(2.7 + 3.3 * f64::from((i * 37) % 150) / 150.0);
            (200.0 + 70.3 * f64::from(i), area)
        })
        .collect()
}

#[test]
fn isolated_peaks_are_found_where_they_are_with_honest_deviations() {
    let truth = many();
    let list = found(&spectrum(&truth, 300.0, 1));
    assert_eq!(list.resolution.source, ResolutionSource::Fitted);
    for energy_kev in [300.0, 2000.0, 8000.0] {
        let ratio = list.resolution.fwhm_kev(energy_kev) / fwhm_kev(energy_kev);
        assert!((ratio - 1.0).abs() < 0.02, "{energy_kev} keV: {ratio}");
    }
    let (mut area_within, mut energy_within, mut seen) = (0, 0, 0);
    for &(energy_kev, area) in &truth {
        let Some(peak) = list
            .peaks
            .iter()
            .find(|p| (p.energy_kev - energy_kev).abs() < 1.5)
        else {
            assert!(
                area < 1500.0,
                "{energy_kev} keV with {area} counts was not found"
            );
            continue;
        };
        seen += 1;
        area_within +=
            i32::from((peak.net_area_counts - area).abs() < 3.0 * peak.net_area_sigma_counts);
        energy_within +=
            i32::from((peak.energy_kev - energy_kev).abs() < 3.0 * peak.energy_sigma_kev);
        assert_eq!(peak.method, AreaMethod::Fit);
        assert_ne!(peak.form, PeakForm::FlatTop);
        assert!(peak.reduced_chi_squared < 3.0, "{peak:?}");
    }
    assert!(seen >= 140, "{seen} of 150");
    assert!(
        area_within * 100 >= 97 * seen,
        "{area_within} of {seen} areas"
    );
    assert!(
        energy_within * 100 >= 97 * seen,
        "{energy_within} of {seen} energies"
    );
    let false_ones = list.peaks.len() as i32 - seen;
    assert!(false_ones <= 1, "{false_ones} peaks that are none");
}

#[test]
fn a_continuum_alone_has_no_peaks() {
    let mut all = 0;
    for draw in 0..5 {
        all += found(&spectrum(&[], 4000.0, 100 + draw)).peaks.len();
    }
    assert!(all <= 2, "{all} peaks in five spectra without any");
}

#[test]
fn close_peaks_are_taken_apart() {
    let mut truth = many();
    truth.extend([(5000.0, 60_000.0), (5006.0, 30_000.0), (5014.0, 50_000.0)]);
    let list = found(&spectrum(&truth, 300.0, 3));
    for &(energy_kev, area) in &truth[150..] {
        let peak = list
            .peaks
            .iter()
            .find(|p| (p.energy_kev - energy_kev).abs() < 0.5)
            .unwrap_or_else(|| panic!("{energy_kev} keV is missing"));
        let pull = (peak.net_area_counts - area) / peak.net_area_sigma_counts;
        assert!(pull.abs() < 4.0, "{energy_kev} keV: {pull}");
        assert!((peak.net_area_counts / area - 1.0).abs() < 0.05);
    }
}

#[test]
fn without_leaves_the_continuum_and_the_neighbours() {
    let mut truth = many();
    truth.extend([(5000.0, 60_000.0), (5007.0, 40_000.0)]);
    let original = spectrum(&truth, 300.0, 4);
    let list = found(&original);
    let index = |energy_kev: f64| {
        let near = |p: &assay_peaks::Peak| (p.energy_kev - energy_kev).abs() < 0.8;
        list.peaks.iter().position(near).unwrap()
    };
    let taken = list.without(&original, &[index(5000.0)]).unwrap();
    assert_eq!(taken.calibration, original.calibration);
    assert_eq!(taken.live_time_s, original.live_time_s);
    let again = found(&taken);
    assert!(
        again
            .peaks
            .iter()
            .all(|p| (p.energy_kev - 5000.0).abs() > 2.0)
    );
    let left = again
        .peaks
        .iter()
        .find(|p| (p.energy_kev - 5007.0).abs() < 0.5)
        .unwrap();
    assert!(
        (left.net_area_counts / 40_000.0 - 1.0).abs() < 0.03,
        "{left:?}"
    );
    // What went away is the peak's area, and nothing else changed.
    let gone = original.total_counts() as f64 - taken.total_counts() as f64;
    assert!((gone / 60_000.0 - 1.0).abs() < 0.03, "{gone}");
    let peak = list.peaks[index(5000.0)];
    for (channel, (before, after)) in original.counts.iter().zip(&taken.counts).enumerate() {
        if !(peak.low_channel..=peak.high_channel).contains(&channel) {
            assert_eq!(before, after, "channel {channel}");
        }
    }
    // None taken, none changed; all but one taken is only that one.
    assert_eq!(list.without(&original, &[]).unwrap(), original);
    let only = found(&list.with_only(&original, &[index(5007.0)]).unwrap());
    let strong: Vec<_> = only
        .peaks
        .iter()
        .filter(|p| p.significance > 15.0)
        .collect();
    assert_eq!(strong.len(), 1, "{strong:?}");
    assert!((strong[0].energy_kev - 5007.0).abs() < 0.5);
}

#[test]
fn lines_are_named_by_their_element() {
    // Hydrogen, and strong lines of chlorine in proportion to σ·ε.
    let truth = [
        (2223.248, 4e5),
        (517.07, 8.9e4),
        (786.3, 3.0e4),
        (788.43, 4.8e4),
        (1164.87, 5.7e4),
        (1951.14, 2.6e4),
        (1959.35, 1.7e4),
        (6110.8, 9.0e3),
        (6619.6, 3.3e3),
        (7414.0, 3.5e3),
    ];
    let list = found(&spectrum(&truth, 100.0, 6));
    let candidates = list.candidates(&CandidateSettings::default()).unwrap();
    assert_eq!(candidates.len(), list.peaks.len());
    for &(energy_kev, _) in &truth {
        let at = list
            .peaks
            .iter()
            .position(|p| (p.energy_kev - energy_kev).abs() < 0.8)
            .unwrap_or_else(|| panic!("{energy_kev} keV is missing"));
        let best = &candidates[at][0];
        let element = if energy_kev == 2223.248 { "H" } else { "Cl" };
        assert_eq!(
            (best.element, best.origin),
            (element, LineOrigin::Prompt),
            "{best:?}"
        );
        assert!((0.0..=1.0).contains(&best.score) && (0.0..=1.0).contains(&best.corroboration));
    }
    let hydrogen = list
        .peaks
        .iter()
        .position(|p| (p.energy_kev - 2223.2).abs() < 0.5)
        .unwrap();
    assert_eq!(candidates[hydrogen][0].label(), "H 2223.2 keV");
}

#[test]
fn the_same_spectrum_gives_the_same_peaks() {
    let spectrum = spectrum(&many(), 300.0, 8);
    let (first, second) = (found(&spectrum), found(&spectrum));
    assert_eq!(first, second);
    let settings = CandidateSettings::default();
    assert_eq!(first.candidates(&settings), second.candidates(&settings));
}

#[test]
fn channels_are_counted_from_the_absolute_first_one() {
    let whole = spectrum(&[(2000.0, 1e5), (7000.0, 1e5)], 300.0, 9);
    let part = Spectrum {
        first_channel: 1000,
        counts: whole.counts[1000..].to_vec(),
        ..whole.clone()
    };
    let (a, b) = (found(&whole), found(&part));
    let strong = |list: &PeakList| -> Vec<(f64, f64)> {
        let peaks = list.peaks.iter().filter(|p| p.significance > 50.0);
        peaks.map(|p| (p.channel, p.energy_kev)).collect()
    };
    assert_eq!(strong(&a).len(), 2);
    for (x, y) in strong(&a).iter().zip(strong(&b)) {
        assert!((x.0 - y.0).abs() < 1e-3 && (x.1 - y.1).abs() < 1e-3);
    }
}
