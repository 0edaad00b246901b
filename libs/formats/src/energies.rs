//! An energy calibration from a column of energies.

use crate::FormatError;
use assay_spectrum::EnergyCalibration;

/// Residual, in channels, up to which energies count as exactly linear.
const LINEAR_CHANNELS: f64 = 1e-3;

/// Largest residual in channels: what the rounding of printed energies may leave.
const ALLOWED_CHANNELS: f64 = 0.1;

/// The calibration behind energies of consecutive channels: linear where that fits, else
/// quadratic, by least squares.
///
/// # Units
/// Energies of channel centres in keV.
///
/// # Errors
/// When there are fewer than two energies, or they do not rise, or no parabola fits them to a
/// tenth of a channel. `line_of` gives the line of an index.
pub(crate) fn fit(
    energies_kev: &[f64],
    first_channel: u32,
    line_of: impl Fn(usize) -> usize,
) -> Result<EnergyCalibration, FormatError> {
    let falls = energies_kev.windows(2).position(|pair| pair[1] <= pair[0]);
    if let Some(index) = falls {
        let allowed = format!(
            "above the energy of the row before, {} keV",
            energies_kev[index]
        );
        let (line, value) = (line_of(index + 1), energies_kev[index + 1]);
        return Err(FormatError::out_of_range(
            line,
            "energy_kev",
            value,
            allowed,
        ));
    }
    let ([first, .., last], n) = (energies_kev, energies_kev.len()) else {
        return Err(FormatError::Missing {
            what: "second row of energies",
            advice: "a calibration needs two channels at least",
        });
    };
    let width_kev = (last - first) / (n - 1) as f64;
    let linear = parabola(energies_kev, first_channel, false);
    if worst(&linear, energies_kev, first_channel).1 <= LINEAR_CHANNELS * width_kev {
        return Ok(linear);
    }
    let quadratic = parabola(energies_kev, first_channel, true);
    let (index, residual_kev) = worst(&quadratic, energies_kev, first_channel);
    if residual_kev <= ALLOWED_CHANNELS * width_kev {
        return Ok(quadratic);
    }
    let value = energies_kev[index];
    let allowed = format!(
        "energies on a line or parabola over the channels, to a tenth of a channel; this one is \
         {residual_kev:.3} keV off, so give the counts on the detector's own channels"
    );
    Err(FormatError::out_of_range(
        line_of(index),
        "energy_kev",
        value,
        allowed,
    ))
}

/// Index and size of the largest residual.
fn worst(
    calibration: &EnergyCalibration,
    energies_kev: &[f64],
    first_channel: u32,
) -> (usize, f64) {
    let residual = |(index, energy): (usize, &f64)| {
        let channel = f64::from(first_channel) + index as f64;
        (index, (calibration.energy_kev(channel) - energy).abs())
    };
    let larger = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
    energies_kev
        .iter()
        .enumerate()
        .map(residual)
        .max_by(larger)
        .unwrap_or((0, f64::NAN))
}

/// Least squares over orthogonal polynomials of the centred channel, which stay exact where
/// powers of large channel numbers would not.
fn parabola(energies_kev: &[f64], first_channel: u32, quadratic: bool) -> EnergyCalibration {
    let n = energies_kev.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean_square = (n * n - 1.0) / 12.0;
    let mean = energies_kev.iter().sum::<f64>() / n;
    let (mut on_t, mut t_t, mut on_q, mut q_q) = (0.0, 0.0, 0.0, 0.0);
    for (index, energy) in energies_kev.iter().enumerate() {
        let t = index as f64 - middle;
        let q = t * t - mean_square;
        on_t += (energy - mean) * t;
        t_t += t * t;
        on_q += (energy - mean) * q;
        q_q += q * q;
    }
    let b = on_t / t_t;
    // Two or three energies leave nothing to fit a curve to.
    let c = if quadratic && n > 3.0 {
        on_q / q_q
    } else {
        0.0
    };
    // mean + b·t + c·(t² − mean_square) with t = channel − centre, in powers of the channel.
    let centre = f64::from(first_channel) + middle;
    EnergyCalibration {
        intercept_kev: mean - b * centre + c * (centre * centre - mean_square),
        slope_kev_per_channel: b - 2.0 * c * centre,
        quadratic_kev_per_channel2: c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn energies(terms: [f64; 3], channels: std::ops::Range<u32>) -> Vec<f64> {
        let energy = |i: f64| terms[0] + terms[1] * i + terms[2] * i * i;
        channels.map(|i| energy(f64::from(i))).collect()
    }

    #[test]
    fn rounded_energies_still_give_the_calibration() {
        let exact = energies([-3.621, 0.661772, 0.0], 0..16384);
        let rounded: Vec<f64> = exact.iter().map(|e| (e * 10.0).round() / 10.0).collect();
        let found = fit(&rounded, 0, |index| index + 1).unwrap();
        assert!((found.energy_kev(8000.0) - exact[8000]).abs() < 1e-2);
        assert!((found.energy_kev(16383.0) - exact[16383]).abs() < 1e-2);
    }

    #[test]
    fn logarithmic_and_falling_axes_are_refused_with_their_line() {
        let logarithmic: Vec<f64> = (0..100).map(|i| f64::from(i).exp2().min(1e300)).collect();
        assert!(fit(&logarithmic, 0, |index| index + 1).is_err());
        let error = fit(&[1.0, 2.0, 2.0], 0, |index| index + 10)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("line 12: energy_kev is \"2\"; allowed: above"),
            "{error}"
        );
        assert!(fit(&[1.0], 0, |index| index).is_err());
    }

    proptest! {
        #[test]
        fn the_terms_come_back(
            intercept in -10.0..10.0f64,
            slope in 0.1..2.0f64,
            curvature in prop_oneof![Just(0.0), 1e-7..3e-7f64],
            first in 0u32..5000,
            n in 50u32..16384,
        ) {
            let channels = first..first + n;
            let exact = energies([intercept, slope, curvature], channels.clone());
            let found = fit(&exact, first, |index| index).unwrap();
            for (channel, energy) in channels.zip(&exact) {
                let error = (found.energy_kev(f64::from(channel)) - energy).abs();
                prop_assert!(error <= 1e-3 * slope + 1e-6, "{error} keV at channel {channel}");
            }
        }
    }
}
