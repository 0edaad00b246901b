//! Simulated spectra against the physics they claim: lines, statistics, resolution, times.

#![expect(clippy::unwrap_used, reason = "shared set-up of tests may panic")]

use assay_simulate::{
    CHANNELS, Origin, SimulatedSpectrum, SimulationSpec, Simulator, TRUTH_VERSION, TruePeak, Truth,
    instruments,
};
use std::collections::BTreeSet;
use std::sync::OnceLock;

fn spec() -> SimulationSpec {
    SimulationSpec {
        seed: 11,
        spectra_per_known_class: 3,
        spectra_per_unknown_class: 3,
        ..SimulationSpec::default()
    }
}

/// Three spectra of every class, one per lot.
fn all() -> &'static [SimulatedSpectrum] {
    static ALL: OnceLock<Vec<SimulatedSpectrum>> = OnceLock::new();
    ALL.get_or_init(|| {
        let simulator = Simulator::new(spec()).unwrap();
        let plan = simulator.plan().unwrap();
        plan.iter()
            .map(|item| simulator.simulate(item).unwrap())
            .collect()
    })
}

fn of(label: &str) -> impl Iterator<Item = &'static SimulatedSpectrum> {
    all().iter().filter(move |s| s.item.label.as_str() == label)
}

fn peak(s: &SimulatedSpectrum, energy_kev: f64, origin: Origin) -> Option<&TruePeak> {
    s.true_peaks
        .iter()
        .find(|p| (p.energy_kev - energy_kev).abs() < 0.3 && p.origin == origin)
}

#[test]
fn every_class_shows_its_characteristic_lines() {
    use Origin::{Decay, Doppler, Photopeak};
    let expected: &[(&str, &[(f64, Origin)])] = &[
        ("Biomass", &[(2223.25, Photopeak)]),
        (
            "Coal and Coke",
            &[
                (2223.25, Photopeak),
                (1261.77, Photopeak),
                (840.99, Photopeak),
                (477.6, Doppler),
            ],
        ),
        (
            "Concrete",
            &[
                (2223.25, Photopeak),
                (3538.97, Photopeak),
                (1942.67, Photopeak),
            ],
        ),
        (
            "Dolomitic Limestone",
            &[(1942.67, Photopeak), (6419.59, Photopeak)],
        ),
        (
            "Forensic Glass",
            &[(3538.97, Photopeak), (4933.89, Photopeak), (472.2, Decay)],
        ),
        ("Fuel Oil", &[(2223.25, Photopeak), (1261.77, Photopeak)]),
        (
            "Graphite/Urea Mixture",
            &[
                (2223.25, Photopeak),
                (1884.82, Photopeak),
                (5269.16, Photopeak),
            ],
        ),
        (
            "Lubricating Oil",
            &[(2223.25, Photopeak), (1261.77, Photopeak)],
        ),
        (
            "Steel",
            &[
                (7631.14, Photopeak),
                (7645.55, Photopeak),
                (352.35, Photopeak),
                (9297.8, Photopeak),
            ],
        ),
        (
            "Titanium Alloy",
            &[
                (1381.75, Photopeak),
                (6760.08, Photopeak),
                (341.71, Photopeak),
                (1434.06, Decay),
            ],
        ),
        (
            "Carbon Powder",
            &[(1778.99, Decay), (7724.03, Photopeak), (4945.3, Photopeak)],
        ),
        (
            "Phosphate Rock",
            &[
                (1942.67, Photopeak),
                (6419.59, Photopeak),
                (181.93, Photopeak),
            ],
        ),
        ("Zircaloy", &[(934.46, Photopeak), (560.96, Photopeak)]),
    ];
    assert_eq!(expected.len(), 13);
    for (label, lines) in expected {
        assert_eq!(of(label).count(), 3, "{label}");
        for s in of(label) {
            for &(energy_kev, origin) in *lines {
                let found = peak(s, energy_kev, origin);
                assert!(
                    found.is_some(),
                    "{}: {energy_kev} keV is not seen",
                    s.file_name
                );
            }
        }
    }
}

#[test]
fn counts_are_poisson_draws_of_the_expectation() {
    for s in all() {
        let mut sum = 0.0;
        let mut channels = 0.0;
        for (&count, &mean) in s.spectrum.counts.iter().zip(&s.expected) {
            if mean > 10.0 {
                sum += (count as f64 - mean).powi(2) / mean;
                channels += 1.0;
            } else if mean == 0.0 {
                assert_eq!(count, 0);
            }
        }
        // Variance of one term: 2 + 1/mean, at most 2.1.
        let deviation = (sum - channels) / (2.1_f64 * channels).sqrt();
        assert!(
            channels > 100.0 && deviation.abs() < 4.5,
            "{}: {deviation}",
            s.file_name
        );
    }
}

#[test]
fn totals_times_and_dead_time_belong_together() {
    for s in all() {
        let total = s.spectrum.total_counts() as f64;
        assert!((3.3e5..2.1e9).contains(&total), "{}: {total}", s.file_name);
        let live = s.spectrum.live_time_s.unwrap();
        assert!((300.0..=200_000.0).contains(&live), "{live}");
        let instrument = instruments()
            .iter()
            .find(|i| i.name == s.instrument)
            .unwrap();
        let dead = s.spectrum.dead_time_fraction().unwrap();
        // Not paralysable: real = live · (1 + rate · dead time). Discrete bins differ a little.
        let rate = s.expected.iter().sum::<f64>() / live;
        let busy = rate * instrument.detector.dead_time_us * 1e-6;
        assert!(
            (dead / (busy / (1.0 + busy)) - 1.0).abs() < 0.05,
            "{}: {dead}",
            s.file_name
        );
        assert!((0.003..0.45).contains(&dead), "{}: {dead}", s.file_name);
    }
}

#[test]
fn true_peaks_lie_where_the_calibration_puts_them() {
    for s in all() {
        let nominal = s.spectrum.calibration.unwrap();
        let mut last = 0.0;
        for p in &s.true_peaks {
            let energy_kev = s.true_calibration.energy_kev(p.channel);
            assert!((energy_kev - p.energy_kev).abs() < 0.002, "{p:?}");
            assert!((nominal.energy_kev(p.channel) - p.apparent_energy_kev).abs() < 0.002);
            assert!((p.apparent_energy_kev - p.energy_kev).abs() < 8.0, "{p:?}");
            assert!(p.energy_kev >= last && p.significance > 1.0);
            last = p.energy_kev;
        }
    }
}

/// Counts above the straight line between the two sides of a window, per channel.
fn net(s: &SimulatedSpectrum, channel: f64, half: usize) -> Vec<f64> {
    let centre = channel.round() as usize;
    let side = |from: usize| s.expected[from..from + 4].iter().sum::<f64>() / 4.0;
    let (low, high) = (side(centre - half - 4), side(centre + half + 1));
    (0..=2 * half)
        .map(|i| s.expected[centre - half + i] - low - (high - low) * i as f64 / (2 * half) as f64)
        .collect()
}

#[test]
fn isolated_peaks_have_the_area_and_width_of_the_detector() {
    for (label, energy_kev) in [("Titanium Alloy", 1381.745), ("Fuel Oil", 2223.248)] {
        for s in of(label) {
            let instrument = instruments()
                .iter()
                .find(|i| i.name == s.instrument)
                .unwrap();
            let p = peak(s, energy_kev, Origin::Photopeak).unwrap();
            let gain = s.true_calibration.gain_kev_per_channel(p.channel);
            let fwhm_kev = instrument.detector.fwhm_kev(energy_kev);
            let net = net(s, p.channel, (2.5 * fwhm_kev / gain) as usize + 4);
            let area: f64 = net.iter().sum();
            assert!(
                (area / p.expected_counts - 1.0).abs() < 0.03,
                "{}: {area} {p:?}",
                s.file_name
            );
            let top = net.iter().copied().fold(0.0, f64::max);
            // Crossings of half the maximum, between channels.
            let crossing = |values: &mut dyn Iterator<Item = f64>| -> f64 {
                let mut before = 0.0;
                for (i, value) in values.enumerate() {
                    if value >= top / 2.0 {
                        return i as f64 - (value - top / 2.0) / (value - before);
                    }
                    before = value;
                }
                f64::NAN
            };
            let left = crossing(&mut net.iter().copied());
            let right = net.len() as f64 - 1.0 - crossing(&mut net.iter().rev().copied());
            let found = (right - left) * gain;
            assert!(
                (found / fwhm_kev - 1.0).abs() < 0.08,
                "{}: {found} {fwhm_kev}",
                s.file_name
            );
        }
    }
}

#[test]
fn escape_peaks_stand_at_511_and_1022_kev_below() {
    for s in of("Titanium Alloy") {
        let full = peak(s, 6760.084, Origin::Photopeak).unwrap();
        let single = peak(s, 6760.084 - 510.999, Origin::SingleEscape).unwrap();
        assert!(single.expected_counts < 1.6 * full.expected_counts);
        assert!(
            single.fwhm_kev
                > instruments()
                    .iter()
                    .find(|i| i.name == s.instrument)
                    .unwrap()
                    .detector
                    .fwhm_kev(single.energy_kev)
        );
        // The expectation really has a maximum there.
        let at = |channel: f64| s.expected[channel.round() as usize];
        assert!(at(single.channel) > at(single.channel - 14.0));
        assert!(at(single.channel) > at(single.channel + 14.0));
        if let Some(double) = peak(s, 6760.084 - 1021.998, Origin::DoubleEscape) {
            assert!(double.expected_counts < single.expected_counts);
        }
    }
}

#[test]
fn a_spectrum_depends_on_its_own_key_only() {
    let other = Simulator::new(SimulationSpec {
        spectra_per_known_class: 7,
        ..spec()
    })
    .unwrap();
    let plan = other.plan().unwrap();
    // Another plan, the other way round.
    let wanted = |s: &SimulatedSpectrum| {
        let item = plan
            .iter()
            .find(|i| i.label == s.item.label && i.index == s.item.index);
        other.simulate(item.unwrap()).unwrap()
    };
    for s in of("Steel")
        .chain(of("Zircaloy"))
        .collect::<Vec<_>>()
        .iter()
        .rev()
    {
        let again = wanted(s);
        assert_eq!(again.spectrum, s.spectrum);
        assert_eq!(again.file_name, s.file_name);
        assert_eq!(again.true_peaks, s.true_peaks);
    }
    let seeded = Simulator::new(SimulationSpec { seed: 12, ..spec() }).unwrap();
    let first = &all()[0];
    assert_ne!(
        seeded.simulate(&first.item).unwrap().spectrum.counts,
        first.spectrum.counts
    );
}

#[test]
fn file_names_are_unique_and_groups_are_folders() {
    let names: BTreeSet<_> = all().iter().map(|s| &s.file_name).collect();
    assert_eq!(names.len(), all().len());
    for s in all() {
        assert!(s.file_name.starts_with(&(s.item.group() + "/")) && s.file_name.ends_with(".SPE"));
        assert_eq!(s.spectrum.counts.len(), CHANNELS);
        assert!(s.spectrum.title.starts_with("simulated "));
    }
    // No class lives on one instrument alone.
    for s in all() {
        let used: BTreeSet<_> = of(s.item.label.as_str()).map(|s| s.instrument).collect();
        assert!(used.len() > 1, "{}", s.item.label);
    }
}

#[test]
fn truth_survives_its_file_and_refuses_unknown_fields() {
    let mut truth = Truth::new(spec());
    all().iter().take(2).for_each(|s| truth.push(s));
    let text = serde_json::to_string(&truth).unwrap();
    let back: Truth = serde_json::from_str(&text).unwrap();
    assert_eq!(back.version, TRUTH_VERSION);
    assert_eq!(back.spec, truth.spec);
    assert_eq!(back.spectra[1].peaks, truth.spectra[1].peaks);
    let broken = text.replacen("\"version\"", "\"edition\":1,\"version\"", 1);
    assert!(serde_json::from_str::<Truth>(&broken).is_err());
}

#[test]
fn spectra_survive_the_instrument_format() {
    for s in of("Lubricating Oil") {
        let bytes = assay_formats::write_spe(&s.spectrum);
        let reading = assay_formats::read_spe(&bytes).unwrap();
        assert_eq!(reading.spectrum.counts, s.spectrum.counts);
        let calibration = reading.spectrum.calibration.unwrap();
        let stated = s.spectrum.calibration.unwrap();
        assert!((calibration.energy_kev(8000.0) - stated.energy_kev(8000.0)).abs() < 0.01);
        assert_eq!(reading.spectrum.live_time_s, s.spectrum.live_time_s);
        assert!(reading.warnings.is_empty(), "{:?}", reading.warnings);
    }
}
