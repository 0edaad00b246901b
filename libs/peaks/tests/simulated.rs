//! The search on simulated spectra, whose true peaks are known: what it finds and what it
//! invents.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_peaks::{Peak, PeakSettings, find_peaks};
use assay_simulate::{
    Emission, Origin, Shape, SimulatedSpectrum, SimulationSpec, Simulator, TruePeak,
};

/// One peak beside another counts as hidden by it when it is weaker than this part of it, or that
/// near in widths.
const ALONE_FWHM: f64 = 3.0;
const ALONE_PART: f64 = 0.05;

fn spectra() -> Vec<SimulatedSpectrum> {
    let simulator = Simulator::new(SimulationSpec {
        seed: 5,
        spectra_per_known_class: 1,
        spectra_per_unknown_class: 1,
        lots_per_class: 1,
        ..SimulationSpec::default()
    })
    .unwrap();
    let plan = simulator.plan().unwrap();
    plan.iter()
        .map(|item| simulator.simulate(item).unwrap())
        .collect()
}

fn counts(simulated: &SimulatedSpectrum, emission: &Emission) -> f64 {
    emission.rate_per_s * simulated.spectrum.live_time_s.unwrap()
}

fn is_alone(simulated: &SimulatedSpectrum, peak: &TruePeak) -> bool {
    simulated.emissions.iter().all(|other| {
        let distance = (other.energy_kev - peak.energy_kev).abs();
        distance < 0.01
            || distance > ALONE_FWHM * peak.fwhm_kev.max(other.fwhm_kev)
            || counts(simulated, other) < ALONE_PART * peak.expected_counts
    })
}

/// Whether the true emissions near a peak account for a quarter of its area or more.
fn is_true(simulated: &SimulatedSpectrum, peak: &Peak) -> bool {
    let accounted: f64 = simulated
        .emissions
        .iter()
        .filter(|emission| {
            let flat_kev = match emission.shape {
                Shape::Line => 0.0,
                Shape::Box { half_width_kev } => half_width_kev,
            };
            let channel = simulated.true_calibration.channel(emission.energy_kev);
            channel.is_some_and(|channel| {
                let distance_kev = (channel - peak.channel).abs()
                    * simulated.true_calibration.gain_kev_per_channel(channel);
                distance_kev < 0.6 * peak.fwhm_kev + flat_kev
            })
        })
        .map(|emission| counts(simulated, emission))
        .fold(0.0, f64::max);
    accounted > 0.25 * peak.net_area_counts
}

#[test]
fn isolated_peaks_are_found_and_few_are_invented() {
    let (mut wanted, mut got, mut all, mut invented) = (0, 0, 0, 0);
    let (mut weak_wanted, mut weak_got, mut areas, mut areas_within) = (0, 0, 0, 0);
    for simulated in spectra() {
        let list = find_peaks(&simulated.spectrum, &PeakSettings::default()).unwrap();
        all += list.peaks.len();
        invented += list
            .peaks
            .iter()
            .filter(|peak| !is_true(&simulated, peak))
            .count();
        for peak in &simulated.true_peaks {
            if peak.energy_kev < 70.0 || !is_alone(&simulated, peak) {
                continue;
            }
            let near = |p: &&Peak| (p.energy_kev - peak.apparent_energy_kev).abs() < 1.0;
            let found = list.peaks.iter().find(near);
            if peak.significance >= 10.0 {
                wanted += 1;
                got += usize::from(found.is_some());
            } else if peak.significance >= 5.0 {
                weak_wanted += 1;
                weak_got += usize::from(found.is_some());
            }
            if let (Some(found), Origin::Photopeak) = (found, peak.origin) {
                areas += 1;
                // The simulator's peaks have tails and companions of up to 5 %.
                let tolerance = 3.0 * found.net_area_sigma_counts + 0.06 * peak.expected_counts;
                areas_within +=
                    usize::from((found.net_area_counts - peak.expected_counts).abs() < tolerance);
            }
        }
    }
    println!(
        "isolated, significance ≥ 10: {got} of {wanted}; 5 to 10: {weak_got} of {weak_wanted}; \
         invented: {invented} of {all}; areas: {areas_within} of {areas}"
    );
    assert!(wanted > 300 && all > 2000);
    assert!(got * 100 >= 98 * wanted, "{got} of {wanted}");
    assert!(
        weak_got * 100 >= 80 * weak_wanted,
        "{weak_got} of {weak_wanted}"
    );
    assert!(invented * 100 <= all, "{invented} of {all}");
    assert!(
        areas_within * 100 >= 95 * areas,
        "{areas_within} of {areas}"
    );
}
