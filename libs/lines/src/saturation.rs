//! How far an activation product has built up while a spectrum is measured.

/// Part of saturation that an activation product has on average over a measurement that starts
/// with the irradiation.
///
/// # Units
/// Seconds in, a ratio out.
///
/// # Source
/// Mean of 1 − exp(−λt) over 0..T: 1 − (1 − exp(−λT))/(λT).
#[must_use]
pub fn mean_saturation(half_life_s: f64, measured_s: f64) -> f64 {
    let x = std::f64::consts::LN_2 * measured_s / half_life_s;
    if x < 1e-6 {
        0.5 * x
    } else {
        1.0 + (-x).exp_m1() / x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activation_saturates() {
        assert!((mean_saturation(1.0, 1e6) - 1.0).abs() < 1e-5);
        // Long half-life: activity rises linearly, its mean is half of the end value.
        let (life, time) = (1e6, 100.0);
        let end = 1.0 - (-std::f64::consts::LN_2 * time / life).exp();
        assert!((mean_saturation(life, time) / end - 0.5).abs() < 1e-4);
        assert!(
            (mean_saturation(1e12, 1e2) / (0.5e-10 * std::f64::consts::LN_2) - 1.0).abs() < 1e-4
        );
    }
}
