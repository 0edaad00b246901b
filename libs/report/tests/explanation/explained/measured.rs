//! Made-up counts with peaks, and the image that a model would see of them.

use super::wobble;
use assay_report::explanation::Calibration;

const CHANNELS: usize = 16_384;
pub(super) const CALIBRATION: Calibration = Calibration {
    intercept_kev: -1.2,
    slope_kev: 0.6927,
    quadratic_kev: 2.1e-8,
};
/// Range and number of the bins that the model sees.
pub(super) const LOW_KEV: f64 = 110.97;
pub(super) const BIN_KEV: f64 = 2.865;
pub(super) const BINS: usize = 2631;

/// Element, energy in keV, strength in counts, relative strength.
pub(super) const LINES: [(&str, f64, f64, f64); 24] = [
    ("H", 2223.2, 2.6e6, 1.0),
    ("C", 1261.8, 2.1e5, 0.72),
    ("C", 3683.9, 1.1e5, 0.62),
    ("C", 4945.3, 1.6e5, 1.0),
    ("N", 1884.8, 1.5e4, 0.62),
    ("N", 5269.2, 1.3e4, 1.0),
    ("Cl", 786.3, 2.1e4, 0.38),
    ("Cl", 1164.9, 5.6e4, 1.0),
    ("Cl", 1951.1, 3.1e4, 0.71),
    ("Cl", 6110.8, 2.5e4, 0.74),
    ("S", 841.0, 9.0e4, 1.0),
    ("S", 2379.7, 4.4e4, 0.60),
    ("S", 5420.6, 5.1e4, 0.89),
    ("Fe", 352.3, 1.6e4, 0.42),
    ("Fe", 7631.1, 1.5e4, 1.0),
    ("Al", 1778.9, 2.6e4, 1.0),
    ("Al", 7724.0, 9.0e3, 0.2),
    ("B", 477.6, 8.0e5, 1.0),
    ("Si", 3539.0, 1.8e4, 1.0),
    ("Si", 4933.9, 1.6e4, 0.93),
    ("Ca", 1942.7, 1.6e4, 1.0),
    ("Ca", 6419.6, 7.0e3, 0.5),
    ("Ge (detector)", 595.9, 7.0e4, 1.0),
    ("annihilation", 511.0, 4.0e5, 1.0),
];

pub(super) fn counts() -> Vec<u64> {
    (0..CHANNELS)
        .map(|channel| {
            let energy = CALIBRATION.energy_kev(channel as f64);
            let mut expected = expected_counts(energy);
            // Nothing is random: the same file every time, with the spread of counting.
            expected += wobble(channel * 7 + channel / 13) * expected.sqrt() * 1.6;
            expected.max(0.0).round() as u64
        })
        .collect()
}

fn expected_counts(energy_kev: f64) -> f64 {
    let background = 9.0e3 * (-energy_kev / 900.0).exp()
        + 420.0 * (-energy_kev / 2600.0).exp()
        + 9.0 * (-energy_kev / 6000.0).exp();
    let below_threshold = 1.0 / (1.0 + (-(energy_kev - 45.0) / 6.0).exp());
    let peaks: f64 = LINES
        .iter()
        .map(|&(_, at, area, _)| {
            let sigma = fwhm_kev(at) / 2.355;
            let t = (energy_kev - at) / sigma;
            let step = 0.0012 * area / (1.0 + (t / 1.5).exp()) / 60.0;
            area * CALIBRATION.slope_kev / (sigma * 2.507) * (-0.5 * t * t).exp() + step
        })
        .sum();
    (background + peaks) * below_threshold
}

pub(super) fn fwhm_kev(energy_kev: f64) -> f64 {
    (1.1 + 0.0011 * energy_kev).sqrt()
}

/// The log vector of the spectrum in `side` segments, from −1 to 1.
pub(super) fn segments(side: usize) -> Vec<f64> {
    let width = BIN_KEV * BINS as f64 / side as f64;
    let logs: Vec<f64> = (0..side)
        .map(|i| {
            let from = LOW_KEV + width * i as f64;
            let samples = 8;
            let sum: f64 = (0..samples)
                .map(|k| expected_counts(from + width * (k as f64 + 0.5) / samples as f64).ln())
                .sum();
            sum / samples as f64
        })
        .collect();
    let low = logs.iter().copied().fold(f64::INFINITY, f64::min);
    let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logs.iter()
        .map(|v| 2.0 * (v - low) / (high - low) - 1.0)
        .collect()
}

pub(super) fn field(vector: &[f64]) -> Vec<f32> {
    let sines: Vec<f64> = vector
        .iter()
        .map(|c| (1.0 - c * c).max(0.0).sqrt())
        .collect();
    let mut values = Vec::with_capacity(vector.len() * vector.len());
    for (c_i, s_i) in vector.iter().zip(&sines) {
        for (c_j, s_j) in vector.iter().zip(&sines) {
            values.push((s_i * c_j - c_i * s_j) as f32);
        }
    }
    values
}
