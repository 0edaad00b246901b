//! Forms of a peak of unit area, with their derivatives: the Gaussian, its exponential
//! low-energy tail, the flat-topped peak of a nucleus in flight, and the step beneath a peak.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// FWHM of a Gaussian over its standard deviation.
pub(crate) const FWHM_PER_SIGMA: f64 = 2.354_820_045_030_949_3;

/// Beyond this many standard deviations a Gaussian is nothing.
const REACH_SIGMA: f64 = 9.0;
/// And a step is over, to 1e-9.
const STEP_SIGMA: f64 = 6.0;

/// Value per channel and derivatives of one form.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Value {
    /// Density at the channel.
    pub(crate) value: f64,
    /// Derivative by the position.
    pub(crate) by_center: f64,
    /// Derivative by the standard deviation.
    pub(crate) by_sigma: f64,
    /// Derivative by the form's own length: of the tail, or half the flat top.
    pub(crate) by_length: f64,
}

/// Normal density.
pub(crate) fn gaussian(distance: f64, sigma: f64) -> Value {
    let u = distance / sigma;
    if u.abs() > REACH_SIGMA {
        return Value::default();
    }
    let value = (-0.5 * u * u).exp() / (sigma * (2.0 * PI).sqrt());
    Value {
        value,
        by_center: value * u / sigma,
        by_sigma: value * (u * u - 1.0) / sigma,
        by_length: 0.0,
    }
}

/// An exponential that falls towards low channels with the given length, folded with a Gaussian.
///
/// # Source
/// G. W. Phillips, K. W. Marlow, Nucl. Instrum. Methods 137, 525 (1976), the tail of HYPERMET
/// with its area as the amplitude.
pub(crate) fn tail(distance: f64, sigma: f64, length: f64) -> Value {
    if distance > REACH_SIGMA * sigma || distance < -REACH_SIGMA * (sigma + 2.0 * length) {
        return Value::default();
    }
    let normal = gaussian(distance, sigma);
    let ratio = sigma / length;
    let value = (distance / length + 0.5 * ratio * ratio).exp()
        * libm::erfc(FRAC_1_SQRT_2 * (distance / sigma + ratio))
        / (2.0 * length);
    // d/dx(tail) = (tail − Gaussian)/length, and d/dσ = σ·d²/dx² for all that is folded with a
    // Gaussian.
    let slope = (value - normal.value) / length;
    let bend = (slope + normal.by_center) / length;
    Value {
        value,
        by_center: -slope,
        by_sigma: sigma * bend,
        by_length: -value / length * (1.0 + distance / length + ratio * ratio)
            + normal.value * ratio * ratio / length,
    }
}

/// A flat top of the given half width, folded with a Gaussian.
pub(crate) fn flat_top(distance: f64, sigma: f64, half_width: f64) -> Value {
    if distance.abs() > half_width + REACH_SIGMA * sigma {
        return Value::default();
    }
    let (right, left) = (
        gaussian(distance + half_width, sigma),
        gaussian(distance - half_width, sigma),
    );
    let scale = 0.5 / half_width;
    let edges = step(distance - half_width, sigma) - step(distance + half_width, sigma);
    let value = scale * edges;
    Value {
        value,
        by_center: -scale * (right.value - left.value),
        by_sigma: sigma * scale * (left.by_center - right.by_center),
        by_length: scale * (right.value + left.value) - value / half_width,
    }
}

/// The step beneath a peak: 1 far below it, 0 far above it.
pub(crate) fn step(distance: f64, sigma: f64) -> f64 {
    let u = distance / sigma;
    if u > STEP_SIGMA {
        0.0
    } else if u < -STEP_SIGMA {
        1.0
    } else {
        0.5 * libm::erfc(FRAC_1_SQRT_2 * u)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn area(form: impl Fn(f64) -> f64) -> f64 {
        (-4000..4000)
            .map(|i| form(f64::from(i) * 0.05) * 0.05)
            .sum()
    }

    #[test]
    fn every_form_has_unit_area() {
        assert!((area(|d| gaussian(d, 1.3).value) - 1.0).abs() < 1e-9);
        assert!((area(|d| tail(d, 1.3, 2.0).value) - 1.0).abs() < 1e-5);
        assert!((area(|d| flat_top(d, 1.3, 10.0).value) - 1.0).abs() < 1e-9);
    }

    fn same(analytic: f64, numeric: f64, scale: f64) -> Result<(), TestCaseError> {
        prop_assert!(
            (analytic - numeric).abs() < 1e-5 * scale,
            "{analytic} instead of {numeric}"
        );
        Ok(())
    }

    proptest! {
        #[test]
        fn derivatives_are_those_of_the_value(
            distance in -9.0..6.0f64,
            sigma in 0.8..5.0f64,
            length in 1.0..12.0f64,
        ) {
            type Form = fn(f64, f64, f64) -> Value;
            let forms: [Form; 3] = [|d, s, _| gaussian(d, s), tail, flat_top];
            let h = 1e-4;
            for form in forms {
                let found = form(distance, sigma, length);
                let by = |plus: Value, minus: Value| (plus.value - minus.value) / (2.0 * h);
                let center = by(form(distance - h, sigma, length), form(distance + h, sigma, length));
                same(found.by_center, center, 1.0)?;
                let width = by(form(distance, sigma + h, length), form(distance, sigma - h, length));
                same(found.by_sigma, width, 1.0)?;
                let own = by(form(distance, sigma, length + h), form(distance, sigma, length - h));
                same(found.by_length, own, 1.0)?;
            }
        }
    }
}
